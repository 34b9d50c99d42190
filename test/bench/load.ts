import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HostAndPort } from '../support/sip-socket.ts'

export interface Load {
  scenario: string
  to: HostAndPort
  at: HostAndPort
  /** Calls, or registrations, a second; and how many in all. */
  rate: number
  count: number
  /** Milliseconds a call is kept, where the scenario leaves that open; none unless said. */
  keptMs?: number | undefined
  /** A CSV of injected fields. */
  fields: string
  keys: Record<string, string>
  /** URI of the digest, without `sip:`. */
  authUri: string
}

/** What SIPp counted. */
export interface Counts {
  successful: number
  failed: number
  retransmissions: number
  seconds: number
}

const scenarios = join(import.meta.dirname, '..', 'live', 'sipp')

/** Lets SIPp play a scenario `count` times at `rate`, and gives its own counters. */
export async function load(load: Load): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'load-'))
  const started = performance.now()
  const child = spawn('sipp', parameters(load), { cwd: folder, stdio: 'ignore' })
  await once(child, 'close')
  const seconds = (performance.now() - started) / 1000
  const file = readdirSync(folder).find((name) => name.endsWith('.csv'))
  const statistics = file === undefined ? '' : readFileSync(join(folder, file), 'utf8')
  rmSync(folder, { recursive: true, force: true })
  return { ...counted(statistics, load.count), seconds }
}

function parameters({ scenario, to, at, rate, count, keptMs = 0, fields, keys, authUri }: Load): string[] {
  return [
    `${to.address}:${to.port}`,
    ...['-sf', join(scenarios, `${scenario}.xml`), '-inf', fields],
    ...['-i', at.address, '-p', String(at.port), '-mi', at.address, '-mp', '9000', '-t', 'u1'],
    ...Object.entries(keys).flatMap(([name, value]) => ['-key', name, value]),
    ...['-auth_uri', authUri, '-r', String(rate), '-m', String(count), '-l', '20000', '-d', String(keptMs)],
    ...[
      '-trace_stat',
      '-fd',
      '1',
      '-nostdin',
      '-recv_timeout',
      '10000',
      '-timeout',
      String(Math.ceil(90 + (2 * count) / rate + keptMs / 1_000)),
    ],
  ]
}

/** The last row of SIPp's statistics; everything failed when there is none. */
function counted(csv: string, count: number): Omit<Counts, 'seconds'> {
  const [names = '', ...rows] = csv.trim().split('\n')
  const last = rows.at(-1)?.split(';')
  const value = (name: string) => Number(last?.[names.split(';').indexOf(name)] ?? 0)
  if (last === undefined) return { successful: 0, failed: count, retransmissions: 0 }
  const successful = value('SuccessfulCall(C)')
  return { successful, failed: count - successful, retransmissions: value('Retransmissions(C)') }
}
