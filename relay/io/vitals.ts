import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type Beat, type RelayError, type RelayLoad, relayProtocol } from '#contract'
import { monotonicNow, systemUtc } from './clock.ts'
import type { Spool } from './spool.ts'

/** What a process has to say of itself in a beat. */
export type VitalsPart = Pick<
  Beat,
  'waiting_tells' | 'spool_bytes' | 'software' | 'protocol' | 'region' | 'load' | 'last_error' | 'clock'
>

interface VitalsOptions {
  readonly region: string | undefined
  load(): { readonly calls: number; readonly bindings: number }
  readonly spool: Pick<Spool, 'news' | 'bytes'>
  lastError(): RelayError | null
}

/* Implementation */
const resolutionMs = 50

/** Looks after the process from now on; each question is about the time since the one before. */
export function openVitals({ region = '', load, spool, lastError }: VitalsOptions): () => VitalsPart {
  const [software, busy] = [softwareVersion(), sinceLast()]
  return () => {
    const { calls, bindings: registrations } = load()
    return {
      waiting_tells: spool.news,
      spool_bytes: spool.bytes,
      software,
      protocol: relayProtocol,
      region: region || null,
      load: { calls, registrations, ...busy() },
      last_error: lastError(),
      clock: new Date(systemUtc()).toISOString(),
    }
  }
}

/** Our own version, as package.json has it. */
export function softwareVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}

/** CPU of the whole process, and the event loop's longest delay, since it was asked before. */
function sinceLast(): () => Pick<RelayLoad, 'cpu' | 'loop_delay_ms'> {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  let [from, used] = [monotonicNow(), process.cpuUsage()]
  return () => {
    const [now, { user, system }] = [monotonicNow(), process.cpuUsage(used)]
    const cpu = (user + system) / 1000 / Math.max(now - from, 1)
    // The histogram holds whole turns: what is above the resolution is delay, in nanoseconds.
    const late = Math.max(0, delay.max / 1e6 - resolutionMs)
    ;[from, used] = [now, process.cpuUsage()]
    delay.reset()
    return { cpu: rounded(cpu, 3), loop_delay_ms: rounded(late, 1) }
  }
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
