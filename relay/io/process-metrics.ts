import { statSync } from 'node:fs'
import type { MetricFamily } from '#contract'
import { monotonicNow } from './clock.ts'
import { readDescriptors } from './descriptors.ts'
import { gauge, Histogram } from './metrics.ts'

/* Implementation */
const lookMs = 100
const delayBounds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** What the process takes of its machine; named as other programs' are, where others have it. */
export class ProcessMetrics {
  readonly #delay = new Histogram({
    name: 'trunkline_event_loop_delay_seconds',
    help: 'By how much a timer of the thread which does SIP was late, looked at ten times a second.',
    bounds: delayBounds,
  })
  readonly #timer: NodeJS.Timeout
  readonly #descriptors = readDescriptors().limit

  constructor() {
    let due = monotonicNow() + lookMs
    this.#timer = setInterval(() => {
      const now = monotonicNow()
      this.#delay.observe(Math.max(0, now - due) / 1000)
      due = now + lookMs
    }, lookMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  families(): MetricFamily[] {
    const { user, system } = process.cpuUsage()
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
    const { active } = performance.eventLoopUtilization()
    const since = performance.timeOrigin / 1000
    return [
      this.#delay.family(),
      counter(
        'trunkline_event_loop_active_seconds_total',
        'Seconds the thread which does SIP was busy.',
        active / 1000,
      ),
      counter('process_cpu_seconds_total', 'CPU of all threads, user and system.', (user + system) / 1e6),
      gauge('process_start_time_seconds', 'When the process began, since 1970.', since),
      gauge('process_resident_memory_bytes', 'Memory resident.', rss),
      gauge('process_open_fds', 'Descriptors open, where the kernel counts them.', openDescriptors()),
      gauge('process_max_fds', 'Descriptors which may be open.', this.#descriptors),
      gauge('nodejs_heap_size_used_bytes', 'JavaScript’s heap in use.', heapUsed),
      gauge('nodejs_heap_size_total_bytes', 'JavaScript’s heap.', heapTotal),
      gauge('nodejs_external_memory_bytes', 'Buffers beside that heap.', external),
    ]
  }
}

function counter(name: string, help: string, value: number): MetricFamily {
  return { name, help, kind: 'counter', samples: [{ value }] }
}

/** The size of that folder is their number since Linux 6.2: to list it would take a relay with many connections too long. */
function openDescriptors(): number | undefined {
  try {
    return statSync('/proc/self/fd').size || undefined
  } catch {
    return undefined
  }
}
