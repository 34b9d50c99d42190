/** How samples of a WAV file are written. */
export interface WavPlan {
  readonly rate: number
  /** Samples within ±1, one channel each. */
  readonly channels: readonly (readonly number[])[]
  readonly tag?: number
  readonly bits?: number
  /** In the form which says so in a GUID. */
  readonly extensible?: true
}

/** A WAV file, written as a phone system, an editor or a script would. */
export function wavFile({ rate, channels, tag = 1, bits = 16, extensible }: WavPlan): Buffer {
  const octets = bits / 8
  const frames = channels[0]?.length ?? 0
  const data = Buffer.alloc(frames * channels.length * octets)
  for (let frame = 0; frame < frames; frame++)
    channels.forEach((samples, channel) => {
      write(data, (frame * channels.length + channel) * octets, samples[frame] ?? 0, tag, bits)
    })
  const format = Buffer.alloc(extensible ? 40 : 16)
  format.writeUInt16LE(extensible ? 0xfffe : tag, 0)
  format.writeUInt16LE(channels.length, 2)
  format.writeUInt32LE(rate, 4)
  format.writeUInt32LE(rate * channels.length * octets, 8)
  format.writeUInt16LE(channels.length * octets, 12)
  format.writeUInt16LE(bits, 14)
  if (extensible) format.writeUInt16LE(tag, 24)
  const body = [
    Buffer.from('WAVE'),
    chunk('fmt ', format),
    chunk('LIST', Buffer.from('abc')),
    chunk('data', data),
  ]
  return chunk('RIFF', Buffer.concat(body))
}

/** A sine of so many Hz. */
export function sine(
  hz: number,
  { rate, seconds, peak = 0.5 }: { rate: number; seconds: number; peak?: number },
): number[] {
  return Array.from(
    { length: Math.round(rate * seconds) },
    (_, n) => peak * Math.sin((2 * Math.PI * hz * n) / rate),
  )
}

/** The samples of a file of 16 bits, mono, within ±1. */
export function samplesOf(wav: Uint8Array): number[] {
  const view = new DataView(wav.buffer, wav.byteOffset, wav.byteLength)
  return Array.from({ length: (wav.length - 44) / 2 }, (_, n) => view.getInt16(44 + 2 * n, true) / 32_768)
}

/** How strong one tone is in samples, in dB below full scale (Goertzel). */
export function levelAt(hz: number, samples: readonly number[], rate: number): number {
  const [re, im] = samples.reduce<[number, number]>(
    ([a, b], sample, n) => {
      // Under a Hann window, so that a tone elsewhere does not leak here.
      const weighed = sample * (1 - Math.cos((2 * Math.PI * n) / samples.length))
      const angle = (2 * Math.PI * hz * n) / rate
      return [a + weighed * Math.cos(angle), b + weighed * Math.sin(angle)]
    },
    [0, 0],
  )
  return 20 * Math.log10((2 * Math.hypot(re, im)) / samples.length + 1e-9)
}

function write(data: Buffer, at: number, sample: number, tag: number, bits: number): void {
  if (tag === 3) return void (bits === 32 ? data.writeFloatLE(sample, at) : data.writeDoubleLE(sample, at))
  if (bits === 8) return void data.writeUInt8(Math.round(128 + 127 * sample), at)
  data.writeIntLE(Math.round(sample * (2 ** (bits - 1) - 1)), at, bits / 8)
}

function chunk(word: string, content: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(content.length)
  return Buffer.concat([Buffer.from(word), size, content, Buffer.alloc(content.length % 2)])
}
