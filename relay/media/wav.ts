/** Octets of a WAV file before its samples. */
export const WAV_HEADER = 44
/** Samples a second of what is recorded. */
export const SAMPLES_A_SECOND = 8000
const BYTES_A_SAMPLE = 2

/** The header of a WAV file of 16-bit PCM with `bytes` octets of samples: written anew as a file grows, it is always playable. */
export function wavHeader(channels: 1 | 2, bytes: number): Uint8Array {
  const header = new Uint8Array(WAV_HEADER)
  const view = new DataView(header.buffer)
  const frame = channels * BYTES_A_SAMPLE
  writeText(header, 0, 'RIFF')
  view.setUint32(4, WAV_HEADER - 8 + bytes, true)
  writeText(header, 8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, 1, true)
  view.setUint16(22, channels, true)
  view.setUint32(24, SAMPLES_A_SECOND, true)
  view.setUint32(28, SAMPLES_A_SECOND * frame, true)
  view.setUint16(32, frame, true)
  view.setUint16(34, 8 * BYTES_A_SAMPLE, true)
  writeText(header, 36, 'data')
  view.setUint32(40, bytes, true)
  return header
}

/** What a file as `wavHeader` makes them holds; undefined: it is none. Octets behind what its header tells of are not counted. */
export function readWav(header: Uint8Array): { channels: 1 | 2; bytes: number; ms: number } | undefined {
  if (header.length < WAV_HEADER) return undefined
  const view = new DataView(header.buffer, header.byteOffset, header.length)
  const channels = view.getUint16(22, true)
  const text = String.fromCharCode(...header.subarray(0, 4), ...header.subarray(36, 40))
  if (text !== 'RIFFdata' || (channels !== 1 && channels !== 2)) return undefined
  const bytes = view.getUint32(40, true)
  return { channels, bytes, ms: msOf(bytes / BYTES_A_SAMPLE / channels) }
}

/** Milliseconds which so many samples of a channel last. */
export function msOf(samples: number): number {
  return Math.floor((samples * 1000) / SAMPLES_A_SECOND)
}

function writeText(into: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i)
}
