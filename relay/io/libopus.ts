import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { OPUS_FRAME, OPUS_LONGEST, OPUS_OCTETS, type OpusCodec, type OpusMaker } from '../media/opus.ts'
import { saidBy } from './said-by.ts'

/*
 * Opus by libopus, called through node:ffi. What a codec remembers lies in memory of JavaScript's, which goes when the
 * codec does: libopus allocates none.
 */

interface LibOpus {
  opus_encoder_get_size(channels: number): number
  opus_decoder_get_size(channels: number): number
  opus_encoder_init(encoder: bigint, rate: number, channels: number, application: number): number
  opus_decoder_init(decoder: bigint, rate: number, channels: number): number
  opus_encoder_ctl(encoder: bigint, request: number, value: number): number
  opus_decoder_ctl(decoder: bigint, request: number, value: number): number
  opus_encode(encoder: bigint, samples: bigint, count: number, into: bigint, most: number): number
  opus_decode(
    decoder: bigint,
    from: bigint,
    length: number,
    into: bigint,
    most: number,
    redundancy: number,
  ): number
}

const RATE = 8000
/* Specification: opus_defines.h */
const OK = 0
const APPLICATION_VOIP = 2048
const SET = { bitrate: 4002, complexity: 4010, fec: 4012, loss: 4014, signal: 4024, reset: 4028 }
const SIGNAL_VOICE = 3001
/* Implementation: a core carries 200 such calls. */
const BITRATE = 24_000
const COMPLEXITY = 5
/** How much is taken to be lost, per cent: what the copies in each packet are worth. */
const LOSS = 5
/** No payload of RTP is longer: packets beyond 1500 bytes are not passed on. */
const LONGEST_PAYLOAD = 1500
const NULL = 0n

const places = [
  'libopus.so.0',
  ...['x86_64', 'aarch64'].map((cpu) => `/usr/lib/${cpu}-linux-gnu/libopus.so.0`),
]

/** What makes codecs; a sentence when libopus, or node:ffi, is not there, or does not do what it should. */
export function libopus(names: readonly string[] = places): OpusMaker | string {
  try {
    const { functions, whereIs } = load(names)
    const desk = deskOf(whereIs)
    const make = () => new LibOpusCodec(functions, desk, whereIs)
    return make().encode(new Int16Array(OPUS_FRAME), 0) > 0 ? make : 'libopus encodes nothing'
  } catch (error) {
    return saidBy(error)
  }
}

type WhereIs = (memory: ArrayBuffer) => bigint

function load(names: readonly string[]): { functions: LibOpus; whereIs: WhereIs } {
  const ffi = createRequire(import.meta.url)('node:ffi') as typeof import('node:ffi')
  const whereIs: WhereIs = (memory) => ffi.getRawPointer(memory)
  // One which is there and cannot be opened is worth more words than one which is not.
  const name = names.find((each) => each.startsWith('/') && existsSync(each)) ?? names[0] ?? ''
  return { functions: ffi.dlopen(name, signatures).functions, whereIs }
}

/** Memory in which all codecs work, one call at a time. */
interface Desk {
  readonly payload: Uint8Array
  readonly samples: Int16Array
  readonly given: Int16Array
  readonly octets: Uint8Array
  readonly at: Readonly<Record<'payload' | 'samples' | 'given' | 'octets', bigint>>
}

function deskOf(whereIs: WhereIs): Desk {
  const memory = new ArrayBuffer(64 * 1024)
  const base = whereIs(memory)
  const [payload, samples, given, octets] = [0, 4_096, 16_384, 32_768]
  const at = (offset: number) => base + BigInt(offset)
  return {
    payload: new Uint8Array(memory, payload, LONGEST_PAYLOAD),
    samples: new Int16Array(memory, samples, OPUS_LONGEST),
    given: new Int16Array(memory, given, OPUS_FRAME),
    octets: new Uint8Array(memory, octets, OPUS_OCTETS),
    at: { payload: at(payload), samples: at(samples), given: at(given), octets: at(octets) },
  }
}

class LibOpusCodec implements OpusCodec {
  readonly #lib: LibOpus
  readonly #desk: Desk
  /** Held here, for libopus alone writes to it. */
  readonly #memory: ArrayBuffer
  readonly #encoder: bigint
  readonly #decoder: bigint

  /** Throws where libopus refuses. */
  constructor(lib: LibOpus, desk: Desk, whereIs: WhereIs) {
    this.#lib = lib
    this.#desk = desk
    const encoderSize = (lib.opus_encoder_get_size(1) + 15) & ~15
    this.#memory = new ArrayBuffer(encoderSize + lib.opus_decoder_get_size(1))
    this.#encoder = whereIs(this.#memory)
    this.#decoder = this.#encoder + BigInt(encoderSize)
    need(lib.opus_encoder_init(this.#encoder, RATE, 1, APPLICATION_VOIP))
    need(lib.opus_decoder_init(this.#decoder, RATE, 1))
    for (const [request, value] of settings) need(lib.opus_encoder_ctl(this.#encoder, request, value))
  }

  get samples(): Int16Array {
    return this.#desk.samples
  }

  get octets(): Uint8Array {
    return this.#desk.octets
  }

  decode(packet: Uint8Array, from: number, to: number): number {
    return this.#take(packet, from, to) ? this.#decode(to - from, OPUS_LONGEST, 0) : 0
  }

  recover(packet: Uint8Array, from: number, to: number, count: number): number {
    return this.#take(packet, from, to) ? this.#decode(to - from, count, 1) : this.conceal(count)
  }

  conceal(count: number): number {
    const done = this.#lib.opus_decode(this.#decoder, NULL, 0, this.#desk.at.samples, count, 0)
    return Math.max(0, done)
  }

  encode(samples: Int16Array, from: number): number {
    const { given, at } = this.#desk
    for (let i = 0; i < OPUS_FRAME; i++) given[i] = samples[from + i] as number
    const done = this.#lib.opus_encode(this.#encoder, at.given, OPUS_FRAME, at.octets, OPUS_OCTETS)
    return Math.max(0, done)
  }

  reset(): void {
    this.#lib.opus_decoder_ctl(this.#decoder, SET.reset, 0)
  }

  /** Where there is no payload, libopus would take the packet for lost. */
  #take(packet: Uint8Array, from: number, to: number): boolean {
    const { payload } = this.#desk
    if (to <= from || to - from > payload.length) return false
    for (let i = from; i < to; i++) payload[i - from] = packet[i] as number
    return true
  }

  #decode(length: number, most: number, redundancy: number): number {
    const { at } = this.#desk
    const done = this.#lib.opus_decode(this.#decoder, at.payload, length, at.samples, most, redundancy)
    return Math.max(0, done)
  }
}

/** In-band FEC for what is lost on the way to the party. Its rate varies (VBR), as it does unless it is told otherwise. */
const settings = [
  [SET.bitrate, BITRATE],
  [SET.complexity, COMPLEXITY],
  [SET.fec, 1],
  [SET.loss, LOSS],
  [SET.signal, SIGNAL_VOICE],
] as const

function need(done: number): void {
  if (done !== OK) throw new Error(`libopus refuses (${done})`)
}

const signatures = {
  opus_encoder_get_size: { arguments: ['i32'], return: 'i32' },
  opus_decoder_get_size: { arguments: ['i32'], return: 'i32' },
  opus_encoder_init: { arguments: ['pointer', 'i32', 'i32', 'i32'], return: 'i32' },
  opus_decoder_init: { arguments: ['pointer', 'i32', 'i32'], return: 'i32' },
  opus_encoder_ctl: { arguments: ['pointer', 'i32', 'i32'], return: 'i32' },
  opus_decoder_ctl: { arguments: ['pointer', 'i32', 'i32'], return: 'i32' },
  opus_encode: { arguments: ['pointer', 'pointer', 'i32', 'pointer', 'i32'], return: 'i32' },
  opus_decode: { arguments: ['pointer', 'pointer', 'i32', 'pointer', 'i32', 'i32'], return: 'i32' },
} as const
