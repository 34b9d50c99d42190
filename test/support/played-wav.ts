/** What a WAV file says of itself, where it differs from 16-bit PCM, mono, at 8 kHz. */
interface WavHead {
  readonly form?: number
  readonly channels?: number
  readonly rate?: number
  readonly bits?: number
  /** What its last chunk says to have of bytes. */
  readonly says?: number
  /** Chunks before the sound, by name. */
  readonly before?: Readonly<Record<string, Uint8Array>>
}

/** A WAV file of these 16-bit samples. */
export function wavOf(samples: Int16Array, head: WavHead = {}): Uint8Array<ArrayBuffer> {
  const { form = 1, channels = 1, rate = 8000, bits = 16, before = {} } = head
  const format = Buffer.alloc(16)
  format.writeUInt16LE(form, 0)
  format.writeUInt16LE(channels, 2)
  format.writeUInt32LE(rate, 4)
  format.writeUInt32LE((rate * channels * bits) / 8, 8)
  format.writeUInt16LE((channels * bits) / 8, 12)
  format.writeUInt16LE(bits, 14)
  const sound = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)
  const chunks = [
    chunk('fmt ', format),
    ...Object.entries(before).map(([name, bytes]) => chunk(name, bytes)),
    chunk('data', sound, head.says),
  ]
  const body = Buffer.concat([Buffer.from('WAVE'), ...chunks])
  return new Uint8Array(Buffer.concat([chunk('RIFF', body)]))
}

/** A wave of `ms`, loud and of all values. */
export function wave(ms: number, hz = 300): Int16Array {
  return Int16Array.from({ length: ms * 8 }, (_, n) => 32_000 * Math.sin((2 * Math.PI * hz * n) / 8000))
}

function chunk(name: string, bytes: Uint8Array, says = bytes.length): Buffer {
  const head = Buffer.alloc(8)
  head.write(name, 'latin1')
  head.writeUInt32LE(says >>> 0, 4)
  return Buffer.concat([head, bytes, Buffer.alloc(bytes.length & 1)])
}
