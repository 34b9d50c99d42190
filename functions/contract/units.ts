import type * as z from 'zod'

/* Kinds of numbers. It reads no package: the thread of sound, which needs nothing else of the contract, enters it by a door of its own (#units). */

declare const unit: unique symbol

/** UTC in milliseconds since 1970: what is told, kept and compared elsewhere (`at`). */
export type UtcMs = number & { readonly [unit]: 'UTC ms' }

/**
 * Milliseconds of a clock which is never put right, since the process began (`now`): what timers go by. A deadline is a
 * sum, and a plain number: it is only ever compared with what the clock says.
 */
export type MonotonicMs = number & { readonly [unit]: 'monotonic ms' }

/** Takes a number for UTC: where a clock was read, or an instant came as text. */
export function utcMs(milliseconds: number): UtcMs {
  return milliseconds as UtcMs
}

/** Takes a number for what a monotonic clock said: where one was read. */
export function monotonicMs(milliseconds: number): MonotonicMs {
  return milliseconds as MonotonicMs
}

/** Reads an instant (RFC 3339); NaN where the text is none. */
export function parseUtc(text: string): UtcMs {
  return utcMs(Date.parse(text))
}

/** UTC at an instant of the monotonic clock; `epoch`: UTC ms when that said 0. */
export function utcAt(epoch: number, now: MonotonicMs): UtcMs {
  return utcMs(epoch + now)
}

/** A port of UDP or TCP; 0: any that is free, or, in SDP, none (RFC 3264 §6). */
export type Port = number & z.core.$brand<'port'>

/** Takes a number for a port: where one was read, from a socket, a message or a setting. */
export function portNumber(number: number): Port {
  return number as Port
}
