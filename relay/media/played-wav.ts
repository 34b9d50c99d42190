/** Of a WAV file's `fmt ` chunk: sound as numbers, and the form which says so further behind. */
const [PCM, EXTENSIBLE] = [1, 0xfffe]
const RATE = 8000

/**
 * The samples of a WAV file, where they lie in it; a sentence where it is not 16-bit PCM, mono, at 8 kHz. One whose writer was
 * cut off, so that it says to be longer or shorter than it is, ends where it ends.
 */
export function samplesOf(file: Uint8Array): Int16Array | string {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  if (file.length < 12 || nameAt(view, 0) !== 'RIFF' || nameAt(view, 8) !== 'WAVE')
    return 'It is no WAV file.'
  let isFormed = false
  for (let at = 12; at + 8 <= file.length; ) {
    const [name, said] = [nameAt(view, at), view.getUint32(at + 4, true)]
    const start = at + 8
    const length = Math.min(said, file.length - start)
    if (name === 'fmt ') {
      const why = whyNot(view, start, length)
      if (why !== undefined) return why
      isFormed = true
    }
    if (name === 'data')
      return isFormed ? pieceOf(file, start, lengthOf(said, length, file)) : 'It does not say what it is.'
    at = start + length + (length & 1)
  }
  return 'It has no sound.'
}

/** A writer which was cut off left a length of nothing, or of everything there can be. */
function lengthOf(said: number, length: number, file: Uint8Array): number {
  return said === 0 ? file.length : length
}

/** 0–1: form   2–3: channels   4–7: samples a second   14–15: bits of each   24–25: form, where it is said there */
function whyNot(view: DataView, at: number, length: number): string | undefined {
  if (length < 16) return 'It does not say what it is.'
  const said = view.getUint16(at, true)
  const form = said === EXTENSIBLE && length >= 26 ? view.getUint16(at + 24, true) : said
  const [channels, rate, bits] = [
    view.getUint16(at + 2, true),
    view.getUint32(at + 4, true),
    view.getUint16(at + 14, true),
  ]
  if (form === PCM && channels === 1 && rate === RATE && bits === 16) return undefined
  return `It is not 16-bit PCM, mono, at ${RATE} Hz: form ${form}, ${channels} channels, ${bits} bits at ${rate} Hz.`
}

/** Where they lie at odd octets they are copied. */
function pieceOf(file: Uint8Array, start: number, length: number): Int16Array {
  const end = Math.min(file.length, start + length)
  const count = (end - start) >> 1
  const isEven = ((file.byteOffset + start) & 1) === 0
  if (isEven) return new Int16Array(file.buffer, file.byteOffset + start, count)
  return new Int16Array(file.slice(start, start + 2 * count).buffer)
}

function nameAt(view: DataView, at: number): string {
  return String.fromCharCode(
    view.getUint8(at),
    view.getUint8(at + 1),
    view.getUint8(at + 2),
    view.getUint8(at + 3),
  )
}
