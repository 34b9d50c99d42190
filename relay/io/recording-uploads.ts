import { open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type RecordingArrival, recordingPartBytes, recordingProgress } from '#contract'
import { readWav, WAV_HEADER } from '../media/wav.ts'
import { type EdgeHttp, readJson, valid } from './edge-http.ts'
import type { Log } from './log.ts'
import { saidBy } from './said-by.ts'

interface UploadOptions {
  readonly folder: string
  readonly http: Pick<EdgeHttp, 'run'>
  readonly log: Log
  /** Milliseconds after the first failure; each later one doubles it, up to sixty times as much. */
  readonly restMs?: number
}

/** Longest time for a part. */
const PART_MS = 120_000
const ARRIVAL_MS = 10_000
/** `{customer}.{recording}.wav` */
const named = /^([0-9a-f-]{36})\.([0-9a-f-]{36})\.wav$/

/**
 * Brings recordings from disk to the edge, one at a time, part by part, and takes each away once the edge says that it has all of
 * it. What a process before this one left is brought, too; what the edge does not take waits on disk.
 */
export class RecordingUploads {
  readonly #options: UploadOptions
  /** Files which are being written. */
  readonly #growing = new Set<string>()
  /** Those which this process has written, and tells of. */
  readonly #own = new Set<string>()
  #failures = 0
  #working: Promise<void> | undefined
  #again = false
  #stopped = false
  #wake: (() => void) | undefined

  constructor(options: UploadOptions) {
    this.#options = options
  }

  /** A file is begun: it is left alone until `ended`. */
  begun(path: string): void {
    this.#growing.add(path)
    this.#own.add(path)
  }

  /** No file of this recording grows any more. */
  ended(recording: string): void {
    for (const path of this.#growing) if (path.endsWith(`.${recording}.wav`)) this.#growing.delete(path)
    this.look()
  }

  /** Brings whatever lies there and does not grow. */
  look(): void {
    this.#again = true
    this.#wake?.()
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
      if (this.#again && !this.#stopped) this.look()
    })
  }

  /** What is under way is broken off; it goes on with the next process. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#wake?.()
    await this.#working
  }

  async #work(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false
      const failed = await this.#bringAll()
      this.#failures = failed ? this.#failures + 1 : 0
      if (failed && !this.#stopped) await this.#rest()
      this.#again ||= failed
    }
  }

  /** Whether one of them has to be brought once more. */
  async #bringAll(): Promise<boolean> {
    let failed = false
    for (const path of await this.#waiting()) {
      if (this.#stopped) break
      try {
        await this.#bring(path)
      } catch (error) {
        failed = true
        const why = saidBy(error)
        this.#options.log('warn', 'recording.not_uploaded', { file: path, why })
      }
    }
    return failed
  }

  async #waiting(): Promise<string[]> {
    try {
      const all = await readdir(this.#options.folder)
      return all.filter((path) => named.test(path) && !this.#growing.has(path)).sort()
    } catch {
      // There is none yet.
      return []
    }
  }

  async #bring(path: string): Promise<void> {
    const { folder, log } = this.#options
    const [, customer_id = '', recording = ''] = named.exec(path) ?? []
    const file = await open(join(folder, path))
    try {
      const wav = readWav(await read(file, 0, WAV_HEADER))
      if (wav === undefined) log('error', 'recording.unreadable', { file: path })
      else
        await this.#bringParts(recording, file, {
          customer_id,
          ...wav,
          bytes: WAV_HEADER + wav.bytes,
          interrupted: !this.#own.has(path),
        })
    } finally {
      await file.close()
    }
    if (this.#stopped) return
    await rm(join(folder, path), { force: true })
    this.#own.delete(path)
  }

  async #bringParts(recording: string, file: Readable, arrival: RecordingArrival): Promise<void> {
    const path = `recordings/${recording}`
    const begin = { method: 'POST', path, body: JSON.stringify(arrival), budgetMs: ARRIVAL_MS } as const
    let next = nextOf(await this.#options.http.run(begin))
    while (next !== null && !this.#stopped) {
      const from = (next - 1) * recordingPartBytes
      const body = await read(file, from, Math.min(recordingPartBytes, arrival.bytes - from))
      const part = { method: 'PUT', path: `${path}/parts/${next}`, body, budgetMs: PART_MS } as const
      next = nextOf(await this.#options.http.run(part))
    }
  }

  #rest(): Promise<void> {
    const ms = (this.#options.restMs ?? 1_000) * Math.min(2 ** (this.#failures - 1), 60)
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        if (!this.#stopped) return
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** What a file is read by. */
type Readable = Pick<Awaited<ReturnType<typeof open>>, 'read'>

function nextOf(reply: Parameters<typeof readJson>[0]): number | null {
  return valid(recordingProgress.safeParse(readJson(reply))).next
}

async function read(file: Readable, from: number, length: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(
    new Uint8Array(Math.max(0, length)),
    0,
    Math.max(0, length),
    from,
  )
  return buffer.subarray(0, bytesRead)
}
