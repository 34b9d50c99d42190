import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HostAndPort } from './sip-socket.ts'
import { soon } from './wait.ts'

export interface SippOptions {
  /** File name in test/live/sipp, without `.xml`. */
  scenario: string
  /** Where it calls; undefined for one that only waits. */
  to?: HostAndPort
  at: HostAndPort
  /** Values of the scenario's [keywords]. */
  keys?: Record<string, string>
  /** username, password and the digest's URI (without `sip:`); without one it names us, as SIPp does by itself. */
  auth?: { username: string; password: string; uri?: string }
  transport?: 'udp' | 'tcp'
  /** Further arguments, such as rates. */
  more?: string[]
  timeoutS?: number
}

/** A running SIPp, and how it will end. */
export interface Sipp {
  /** Resolves when every call of the scenario succeeded; rejects with what SIPp wrote. */
  done: Promise<void>
  stop(): Promise<void>
}

/** Whether SIPp is installed here. */
export const hasSipp = spawnSync('sipp', ['-v']).error === undefined

const scenarios = join(import.meta.dirname, '..', 'live', 'sipp')

/** Starts a scenario which waits to be called, and gives it once its port is open. */
export async function sippWaits(options: SippOptions): Promise<Sipp> {
  const one = sipp(options)
  await soon('sipp to listen', () => isOpen(options.at))
  return one
}

/** Plays one scenario once, or as `more` says (`-m`). */
export function sipp(options: SippOptions): Sipp {
  const folder = mkdtempSync(join(tmpdir(), 'sipp-'))
  const child = spawn('sipp', parameters(options), { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const words: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => words.push(String(bytes)))
  const done = ended(child, folder, options.scenario, words)
  done.catch(() => undefined)
  return {
    done,
    stop: () => {
      child.kill('SIGKILL')
      return done.catch(() => undefined)
    },
  }
}

async function ended(child: ChildProcess, folder: string, scenario: string, words: string[]): Promise<void> {
  const [code] = (await once(child, 'close')) as [number | null]
  const errors = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'))
  rmSync(folder, { recursive: true, force: true })
  if (code === 0) return
  const screen = words.join('').slice(-1500)
  throw new Error(`sipp ${scenario} ended with ${code}\n${errors.join('\n').slice(0, 4000)}\n${screen}`)
}

function parameters({
  scenario,
  to,
  at,
  keys = {},
  auth,
  transport = 'udp',
  more = [],
  timeoutS = 60,
}: SippOptions): string[] {
  return [
    ...(to ? [`${to.address}:${to.port}`] : []),
    ...['-sf', join(scenarios, `${scenario}.xml`)],
    ...['-i', at.address, '-p', String(at.port), '-t', transport === 'udp' ? 'u1' : 't1'],
    ...['-mi', at.address, '-mp', String(20_000 + 2 * (at.port % 10_000))],
    ...Object.entries(keys).flatMap(([name, value]) => ['-key', name, value]),
    ...(auth ? ['-au', auth.username, '-ap', auth.password] : []),
    ...(auth?.uri ? ['-auth_uri', auth.uri] : []),
    ...['-timeout', String(timeoutS), '-timeout_error', '-nostdin', '-trace_err'],
    ...(more.includes('-m') ? [] : ['-m', '1']),
    ...more,
  ]
}

/** Whether somebody listens there by UDP (Linux). */
function isOpen({ address, port }: HostAndPort): boolean {
  const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, '0')
  const reversed = address
    .split('.')
    .reverse()
    .map((part) => hex(Number(part), 2))
  return readFileSync('/proc/net/udp', 'utf8').includes(` ${reversed.join('')}:${hex(port, 4)} `)
}
