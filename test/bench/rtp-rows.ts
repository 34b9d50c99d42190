import { availableParallelism, loadavg } from 'node:os'
import { LOAD_CORE, RELAY_CORE } from './pinned.ts'

/** One run of the generator through one relay. */
export interface Run {
  readonly cpuUs: number
  readonly loss: number
  readonly p50: number
  readonly p99: number
  /** Milliseconds the generator was late at most: what it then says at once waits in the relay. */
  readonly late: number
  /** Share of the time the relay wanted its core and another process had it: above a few per cent it is no measure. */
  readonly kept: number
}

/** What stands above the rows. */
export function heading(): string {
  const [load = 0] = loadavg()
  return [
    `RTP, two-way G.711 at 20 ms; relay on core ${RELAY_CORE}, generator on core ${LOAD_CORE} of ${availableParallelism()}; load before: ${load.toFixed(2)}`,
    '',
    'calls  relay              CPU µs/packet  of rtpengine  of plain  loss       delay p50 / p99 µs   each run (share of its core others took, generator late)',
  ].join('\n')
}

/** What one relay made of so many calls; `base` and `plain` are the CPU microseconds it is set against, NaN where there are none. */
export function row(relay: string, calls: number, runs: readonly Run[], base: number, plain: number): string {
  const start = `${String(calls).padStart(5)}  ${relay.padEnd(18)} `
  if (runs.length === 0) return `${start}is not installed here`
  const cpu = median(runs, 'cpuUs')
  const spread = runs
    .map(
      ({ cpuUs, kept, late }) => `${cpuUs.toFixed(1)} (${(kept * 100).toFixed(0)} %, ${late.toFixed(0)} ms)`,
    )
    .join(', ')
  const [ratio, price] = [base, plain].map((of) => (Number.isNaN(of) ? '–' : (cpu / of).toFixed(2)))
  const delay = `${median(runs, 'p50').toFixed(0)} / ${median(runs, 'p99').toFixed(0)}`
  const loss = `${(median(runs, 'loss') * 100).toFixed(3)} %`
  return `${start}${cpu.toFixed(2).padStart(13)}  ${ratio?.padStart(12)}  ${price?.padStart(8)}  ${loss.padEnd(9)}  ${delay.padEnd(19)}  ${spread}`
}

/** NaN of no runs. */
export function median(runs: readonly Run[], of: keyof Run): number {
  const sorted = runs.map((run) => run[of]).sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
