/*
 * Opus (RFC 6716) beside G.711: both are worked on as samples at 8 kHz, mono, so that nothing has to be resampled here.
 */

/** Samples of a frame which is encoded: 20 ms. */
export const OPUS_FRAME = 160
/** Samples a packet decodes to at most: 120 ms (RFC 6716 §2.1.4). */
export const OPUS_LONGEST = 960
/** Octets of a frame which is encoded at most. */
export const OPUS_OCTETS = 500

/**
 * One party's Opus, both ways. It works in its own memory and allocates nothing; whatever a packet holds, it throws
 * nothing.
 */
export interface OpusCodec {
  /** What was decoded last, `OPUS_LONGEST` samples at most. */
  readonly samples: Int16Array
  /** What was encoded last, `OPUS_OCTETS` at most. */
  readonly octets: Uint8Array
  /** Decodes a payload, which lies from `from` to `to` in a packet. How many samples; 0: it is no Opus. */
  decode(packet: Uint8Array, from: number, to: number): number
  /** The `count` samples before those of a payload, of which it may hold a copy (in-band FEC, RFC 6716 §2.1.7), else guessed. How many. */
  recover(packet: Uint8Array, from: number, to: number, count: number): number
  /** Guesses `count` samples which are lost: a multiple of 20. How many. */
  conceal(count: number): number
  /** Encodes `OPUS_FRAME` samples, which lie from `from` on. How many octets; 0: there are none. */
  encode(samples: Int16Array, from: number): number
  /** Another party speaks from now on. */
  reset(): void
}

/** Makes a codec for a leg. */
export type OpusMaker = () => OpusCodec
