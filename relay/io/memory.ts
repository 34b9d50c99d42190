import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { MonotonicMs } from '#contract'
import { monotonicNow } from './clock.ts'
import type { Log } from './log.ts'

/* Implementation */
const lookMs = 15_000
const much = 48 * 1024 * 1024
/** Busier than this, the loop has no time for it: a pause of some ten milliseconds would be heard of. */
const quiet = 0.1
/** The relay stands still meanwhile, a tenth of a second and more where 100 000 phones are held: it takes a thousandth of the time at most. */
const share = 1 / 1000

/**
 * Gives memory back to the system once it is quiet after a burst. It is unused: V8 does not look for dead buffers
 * while it has nothing to do, and glibc keeps what is freed piece by piece between pieces still in use, for good.
 */
export function keepTrimmed(log: Log): void {
  // The start is a burst in any case.
  const slack = new Slack(0)
  const trim = loadTrim()
  const collect = loadCollector()
  let before = performance.eventLoopUtilization()
  setInterval(() => {
    const { utilization } = performance.eventLoopUtilization(before)
    before = performance.eventLoopUtilization()
    const resident = process.memoryUsage.rss()
    const began = monotonicNow()
    if (!slack.isMuch(resident, began) || utilization > quiet) return
    collect?.()
    trim?.()
    const rest = process.memoryUsage.rss()
    const ms = monotonicNow() - began
    slack.restsAt(rest, began, ms)
    log('info', 'memory.returned', { bytes: resident - rest, ms: Math.round(ms) })
  }, lookMs).unref()
}

/** How much more is resident than there ever had to be. */
export class Slack {
  #least: number
  #restUntil = Number.NEGATIVE_INFINITY

  /** `least`: so much there had to be so far; 0: whatever is there at the first look is a burst's. */
  constructor(least = Number.POSITIVE_INFINITY) {
    this.#least = least
  }

  /** Whether it is worth a pause to look for what could be given back. */
  isMuch(resident: number, now: MonotonicMs): boolean {
    this.#least = Math.min(this.#least, resident)
    return resident - this.#least > much && now >= this.#restUntil
  }

  /** So much is left after all was given back, which took `ms`: it is in use, and is not asked for again. */
  restsAt(resident: number, now: MonotonicMs, ms: number): void {
    this.#least = resident
    this.#restUntil = now + ms / share
  }
}

/** A full collection by V8, which gives back the room for what is new, too; undefined where it cannot be asked for. */
export function loadCollector(): (() => void) | undefined {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('globalThis.gc')
  return typeof gc === 'function' ? () => void gc(thorough) : undefined
}

/** A usual one leaves 16 to 67 MB of that as they are. */
const thorough = { type: 'major', execution: 'sync', flavor: 'last-resort' }

/** glibc's malloc_trim; undefined where it is not to be had (another libc, no FFI), and another malloc's business. */
export function loadTrim(): (() => boolean) | undefined {
  try {
    const ffi = createRequire(import.meta.url)('node:ffi') as typeof import('node:ffi')
    const { functions } = ffi.dlopen(null, { malloc_trim: { arguments: ['u64'], return: 'i32' } } as const)
    return () => functions.malloc_trim(0n) === 1
  } catch {
    return undefined
  }
}
