/** Sound as it came: its samples are read from its bytes as they are wanted, so that it is in memory once. */
export interface Pcm {
  /** Frames per second. */
  readonly rate: number
  /** How many there are; a frame is one sample of each channel. */
  readonly frames: number
  /** Reads frames from `from` on, each the mean of its channels within ±1; `into` must not reach beyond the last. */
  read(from: number, into: Float64Array): void
}

/** Why bytes cannot be played: they are of another kind, they are not what they say, or they last too long. */
export class SoundFault extends Error {
  readonly kind: 'unsupported' | 'broken' | 'too_long'

  /** `message` goes on from "the sound". */
  constructor(kind: SoundFault['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}

/** How one sample is written. */
export interface SampleForm {
  readonly octets: number
  /** A sample within ±1. */
  sample(view: DataView, at: number): number
}

/** Samples which stand one behind another in `bytes`, those of a frame together. */
export function pcmOf(
  bytes: Uint8Array,
  { form, rate, channels }: { readonly form: SampleForm; readonly rate: number; readonly channels: number },
): Pcm {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const frame = form.octets * channels
  return {
    rate,
    frames: Math.floor(bytes.length / frame),
    read(from, into) {
      for (let nth = 0; nth < into.length; nth++) into[nth] = mean(view, (from + nth) * frame, form, channels)
    },
  }
}

function mean(view: DataView, at: number, form: SampleForm, channels: number): number {
  const first = form.sample(view, at)
  return channels === 1 ? first : (first + form.sample(view, at + form.octets)) / 2
}
