import { valueOfPcma, valueOfPcmu } from './g711.ts'
import { type Pcm, pcmOf, type SampleForm, SoundFault } from './pcm.ts'

/** Samples of G.711 by law. */
export const laws = {
  PCMU: lawOf(valueOfPcmu),
  PCMA: lawOf(valueOfPcma),
} as const satisfies Record<string, SampleForm>

/** How samples are written, by the format's tag and bits per sample (RFC 2361; 1: PCM, 3: IEEE float, 6 and 7: G.711). */
const forms: Readonly<Record<string, SampleForm>> = {
  '1/8': { octets: 1, sample: (view, at) => (view.getUint8(at) - 128) / 128 },
  '1/16': { octets: 2, sample: (view, at) => view.getInt16(at, true) / 2 ** 15 },
  '1/24': {
    octets: 3,
    sample: (view, at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 2 ** 23,
  },
  '1/32': { octets: 4, sample: (view, at) => view.getInt32(at, true) / 2 ** 31 },
  '3/32': { octets: 4, sample: (view, at) => bounded(view.getFloat32(at, true)) },
  '3/64': { octets: 8, sample: (view, at) => bounded(view.getFloat64(at, true)) },
  '6/8': laws.PCMA,
  '7/8': laws.PCMU,
}

/** The tag which says that the real one comes later, in a GUID. */
const EXTENSIBLE = 0xfffe
/** A size which says that the writer did not know it: it could not go back in what it wrote. */
const UNKNOWN_SIZE = 0x7fff_0000

const [SLOWEST, FASTEST] = [4_000, 192_000]

interface WavFormat {
  readonly form: SampleForm
  readonly rate: number
  readonly channels: number
}

/** Reads a WAV file. Throws a SoundFault. */
export function readWav(bytes: Uint8Array): Pcm {
  if (wordAt(bytes, 0) !== 'RIFF' || wordAt(bytes, 8) !== 'WAVE') throw broken('is no WAV file')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let format: WavFormat | undefined
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [word, size] = [wordAt(bytes, at), view.getUint32(at + 4, true)]
    if (word === 'fmt ') format = formatOf(view, at + 8, size)
    if (word === 'data') return samplesOf(bytes, at + 8, size, format)
    at += 8 + size + (size % 2)
  }
  throw broken('ends before its samples')
}

function samplesOf(bytes: Uint8Array, at: number, size: number, format: WavFormat | undefined): Pcm {
  if (format === undefined) throw broken('does not say how its samples are written')
  const end = size >= UNKNOWN_SIZE ? bytes.length : at + size
  if (end > bytes.length) throw broken('ends in the middle: some of it is missing')
  return pcmOf(bytes.subarray(at, end), format)
}

function formatOf(view: DataView, at: number, size: number): WavFormat {
  if (size < 16 || at + size > view.byteLength) throw broken('does not say how its samples are written')
  const written = view.getUint16(at, true)
  const tag = written === EXTENSIBLE && size >= 26 ? view.getUint16(at + 24, true) : written
  const [channels, rate, bits] = [
    view.getUint16(at + 2, true),
    view.getUint32(at + 4, true),
    view.getUint16(at + 14, true),
  ]
  const form = forms[`${tag}/${bits}`]
  if (form === undefined)
    throw unsupported(
      `is WAV of a kind which is not read here (format ${tag}, ${bits} bits): it may be PCM of 8, 16, 24 or 32 bits, float, or G.711`,
    )
  if (channels !== 1 && channels !== 2) throw unsupported(`has ${channels} channels, and may have one or two`)
  if (rate < SLOWEST || rate > FASTEST)
    throw unsupported(`has ${rate} samples per second, and may have ${SLOWEST} to ${FASTEST}`)
  return { form, rate, channels }
}

function wordAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4))
}

function lawOf(sampleOf: (octet: number) => number): SampleForm {
  const values = Float64Array.from({ length: 256 }, (_, octet) => sampleOf(octet) / 2 ** 15)
  return { octets: 1, sample: (view, at) => values[view.getUint8(at)] ?? 0 }
}

/** Floats may be anything. */
function bounded(value: number): number {
  return Number.isNaN(value) ? 0 : Math.max(-1, Math.min(1, value))
}

function broken(why: string): SoundFault {
  return new SoundFault('broken', why)
}

function unsupported(why: string): SoundFault {
  return new SoundFault('unsupported', why)
}
