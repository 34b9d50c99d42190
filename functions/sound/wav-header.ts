/** Octets of the header before the samples. */
const HEADER = 44

/** A WAV file of 16-bit samples, mono, at `rate` per second. */
export function wavOf(samples: Int16Array, rate: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER + 2 * samples.length)
  const view = new DataView(bytes.buffer)
  const text = (at: number, word: string) =>
    bytes.set(
      [...word].map((letter) => letter.charCodeAt(0)),
      at,
    )
  text(0, 'RIFF')
  view.setUint32(4, bytes.length - 8, true)
  text(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, 1, true)
  view.setUint16(22, 1, true)
  view.setUint32(24, rate, true)
  view.setUint32(28, 2 * rate, true)
  view.setUint16(32, 2, true)
  view.setUint16(34, 16, true)
  text(36, 'data')
  view.setUint32(40, 2 * samples.length, true)
  samples.forEach((sample, nth) => {
    view.setInt16(HEADER + 2 * nth, sample, true)
  })
  return bytes
}

/** How long a file lasts, in ms, which is one of `wavOf`’s at that rate, whole; undefined: it is not. */
export function msOfWav(bytes: Uint8Array, rate: number): number | undefined {
  const samples = (bytes.length - HEADER) / 2
  if (!(samples >= 0) || !Number.isInteger(samples)) return undefined
  const header = wavOf(new Int16Array(0), rate)
  const view = new DataView(header.buffer)
  view.setUint32(4, bytes.length - 8, true)
  view.setUint32(40, 2 * samples, true)
  return header.every((octet, at) => bytes[at] === octet) ? Math.round((samples * 1_000) / rate) : undefined
}
