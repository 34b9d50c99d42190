import type { Pcm } from './pcm.ts'

/*
 * From any rate to another: a low-pass (sinc under a Kaiser window), evaluated where the new samples lie. What would come back
 * as another tone is 80 dB down; the band of the telephone, up to 3.4 kHz, passes.
 */

/** Of the lower of the two rates: the middle of where it falls off, and how wide that is. */
const [MIDDLE, WIDTH] = [3_700 / 8_000, 600 / 8_000]
/** Attenuation beyond it in dB, and the window's parameter for it (Kaiser). */
const DOWN = 80
const BETA = 0.1102 * (DOWN - 8.7)
const PEAK = bessel(BETA)
/** New samples made at a time. */
const BLOCK = 1_024
/** Weights held at most, of one half: of rates which have next to nothing in common, a place is taken to a fraction of a sample. */
const WEIGHTS = 2 ** 18

interface LowPass {
  /** One for each place a new sample can have between two old ones. */
  readonly phases: readonly Float64Array[]
  /** Old samples before the place, itself included; as many are after it. */
  readonly half: number
}

/** The same sound at `rate` samples per second, of 16 bits. */
export function resampled(pcm: Pcm, rate: number): Int16Array<ArrayBuffer> {
  return pcm.rate === rate ? copied(pcm) : filtered(pcm, rate)
}

function copied(pcm: Pcm): Int16Array<ArrayBuffer> {
  const samples = new Int16Array(pcm.frames)
  for (let from = 0; from < pcm.frames; from += BLOCK) {
    const old = new Float64Array(Math.min(BLOCK, pcm.frames - from))
    pcm.read(from, old)
    samples.set(old.map(rounded), from)
  }
  return samples
}

function filtered(pcm: Pcm, rate: number): Int16Array<ArrayBuffer> {
  const common = divisor(pcm.rate, rate)
  const [up, down] = [rate / common, pcm.rate / common]
  const { phases, half } = lowPass(pcm.rate, rate, up)
  const samples = new Int16Array(Math.floor((pcm.frames * up) / down))
  const old = new Float64Array(Math.ceil((BLOCK * down) / up) + 2 * half + 1)
  for (let from = 0; from < samples.length; from += BLOCK) {
    const first = Math.floor((from * down) / up) - half + 1
    readAround(pcm, first, old)
    for (let nth = from; nth < Math.min(from + BLOCK, samples.length); nth++) {
      const weights = phases[Math.floor((((nth * down) % up) * phases.length) / up)] ?? old
      const at = Math.floor((nth * down) / up) - half + 1 - first
      let sum = 0
      for (let tap = 0; tap < weights.length; tap++) sum += (weights[tap] ?? 0) * (old[at + tap] ?? 0)
      samples[nth] = rounded(sum)
    }
  }
  return samples
}

/** Reads from `from` on; before the beginning and after the end is silence. */
function readAround(pcm: Pcm, from: number, into: Float64Array): void {
  const [first, end] = [Math.max(from, 0), Math.min(from + into.length, pcm.frames)]
  into.fill(0)
  if (first < end) pcm.read(first, into.subarray(first - from, end - from))
}

function lowPass(from: number, to: number, up: number): LowPass {
  const lower = Math.min(from, to)
  const [middle, width] = [(MIDDLE * lower) / from, (WIDTH * lower) / from]
  const half = Math.ceil((DOWN - 8) / (2.285 * 2 * Math.PI * width) / 2)
  const places = Math.min(up, Math.floor(WEIGHTS / half))
  const phases = Array.from({ length: places }, (_, place) => {
    const weights = Float64Array.from({ length: 2 * half }, (_, tap) => {
      const away = tap - half + 1 - place / places
      return sinc(2 * middle * away) * kaiser(away / half)
    })
    const sum = weights.reduce((one, other) => one + other)
    return weights.map((weight) => weight / sum)
  })
  return { phases, half }
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
}

/** The window at `x` of its half width. */
function kaiser(x: number): number {
  return Math.abs(x) > 1 ? 0 : bessel(BETA * Math.sqrt(1 - x * x)) / PEAK
}

/** I₀, the modified Bessel function of the first kind, by its series. */
function bessel(x: number): number {
  let [sum, term] = [1, 1]
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}

function rounded(sample: number): number {
  return Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768)))
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}
