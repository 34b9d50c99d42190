import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { convertSound, mediaFormOf, SoundFault, valueOfPcma, valueOfPcmu } from '#sound'
import { levelAt, samplesOf, sine, type WavPlan, wavFile } from '../../support/wav.ts'

const tone = (plan: Partial<WavPlan> & { rate: number }): Buffer =>
  wavFile({ channels: [sine(440, { rate: plan.rate, seconds: 0.5 })], ...plan })

describe('a sound becomes 16 bits, mono, 8 kHz', () => {
  test.each<[string, Buffer]>([
    ['PCM of 8 bits', tone({ rate: 8_000, bits: 8 })],
    ['PCM of 16 bits', tone({ rate: 8_000 })],
    ['PCM of 24 bits', tone({ rate: 16_000, bits: 24 })],
    ['PCM of 32 bits', tone({ rate: 48_000, bits: 32 })],
    ['float of 32 bits', tone({ rate: 44_100, tag: 3, bits: 32 })],
    ['float of 64 bits', tone({ rate: 22_050, tag: 3, bits: 64 })],
    ['the form which says so in a GUID', tone({ rate: 11_025, bits: 24, extensible: true })],
    ['a rate below the telephone’s', tone({ rate: 6_000 })],
    ['a rate which has nothing in common with it', tone({ rate: 16_001 })],
    ['a size which its writer did not know', unsized(tone({ rate: 8_000 }))],
  ])('from %s', (_, file) => {
    const { wav, ms } = convertSound(file, 'wav')
    expect(Math.abs(ms - 500)).toBeLessThanOrEqual(1)
    expect(Buffer.from(wav).subarray(20, 36).toString('hex')).toBe('01000100401f0000803e000002001000')
    const samples = samplesOf(wav)
    expect(levelAt(440, samples, 8_000)).toBeCloseTo(-6, 0)
  })

  test('the two channels of stereo are one voice, each at half', () => {
    const [left, silence] = [sine(440, { rate: 16_000, seconds: 0.5 }), Array<number>(8_000).fill(0)]
    const { wav } = convertSound(wavFile({ rate: 16_000, channels: [left, silence] }), 'wav')
    expect(levelAt(440, samplesOf(wav), 8_000)).toBeCloseTo(-12, 0)
  })

  test.each([
    ['PCMU', valueOfPcmu],
    ['PCMA', valueOfPcma],
  ] as const)('bare octets of %s are its samples', (law, sampleOf) => {
    const octets = Uint8Array.from({ length: 256 }, (_, octet) => octet)
    const samples = samplesOf(convertSound(octets, law).wav).map((sample) => Math.round(sample * 32_768))
    expect(samples).toEqual([...octets].map((octet) => sampleOf(octet) + 0))
  })
})

describe('the low-pass', () => {
  /** Where a tone above 4 kHz comes back when every so many samples are simply left out. */
  const folded = (hz: number) => Math.abs(hz - 8_000 * Math.round(hz / 8_000))
  const converted = (hz: number, rate: number) =>
    samplesOf(
      convertSound(wavFile({ rate, channels: [sine(hz, { rate, seconds: 0.5, peak: 0.9 })] }), 'wav').wav,
    )

  test.each([
    [4_300, 16_000],
    [5_000, 16_000],
    [7_000, 22_050],
    [7_900, 44_100],
    [9_000, 48_000],
    [20_000, 48_000],
    [5_000, 47_999],
  ])(
    'leaves nothing of %i Hz at %i samples per second, which would come back as another tone',
    (hz, rate) => {
      expect(levelAt(folded(hz), converted(hz, rate), 8_000)).toBeLessThan(-70)
    },
  )

  test.each([
    [100, 48_000],
    [1_000, 44_100],
    [3_000, 16_000],
    [3_400, 48_000],
  ])('lets %i Hz pass at %i samples per second as loud as it was', (hz, rate) => {
    expect(levelAt(hz, converted(hz, rate), 8_000)).toBeCloseTo(20 * Math.log10(0.9), 1)
  })
})

describe('what is no such sound', () => {
  const whole = tone({ rate: 8_000 })
  const with16 = (at: number, value: number) => {
    const changed = Buffer.from(whole)
    changed.writeUInt16LE(value, at)
    return changed
  }
  test.each<[string, Uint8Array, SoundFault['kind'], RegExp]>([
    ['nothing at all', Buffer.alloc(0), 'broken', /no WAV file/],
    ['text', Buffer.from('{"name":"welcome"}'), 'broken', /no WAV file/],
    ['MP3', Buffer.from([0xff, 0xfb, 0x90, 0x44, ...Array(40).fill(0)]), 'unsupported', /MP3/],
    ['MP3 with a title', Buffer.from('ID3\u0003 and so on'), 'unsupported', /MP3/],
    ['Ogg', Buffer.from('OggS and so on'), 'unsupported', /Ogg/],
    ['MP4', Buffer.from('\0\0\0\u0018ftypM4A '), 'unsupported', /MP4/],
    ['a file which ends in the middle', whole.subarray(0, 1_000), 'broken', /missing/],
    ['a header alone', whole.subarray(0, 36), 'broken', /before its samples/],
    ['no samples', wavFile({ rate: 8_000, channels: [[]] }), 'broken', /no samples/],
    ['ADPCM', with16(20, 2), 'unsupported', /format 2/],
    ['six channels', with16(22, 6), 'unsupported', /6 channels/],
    ['a rate of nothing', with16(24, 0), 'unsupported', /has 0 samples/],
    [
      'eleven minutes',
      wavFile({ rate: 4_000, bits: 8, channels: [Array(660 * 4_000).fill(0)] }),
      'too_long',
      /660/,
    ],
  ])('%s is refused in words', (_, bytes, kind, words) => {
    expect(() => convertSound(bytes, 'wav')).toThrow(
      expect.objectContaining({ kind, message: expect.stringMatching(words) }),
    )
  })

  test('whatever stands in a header, it is a sound or refused in words', () => {
    const file = tone({ rate: 8_000 }).subarray(0, 200)
    const octet = fc.tuple(fc.nat(70), fc.nat(255))
    fc.assert(
      fc.property(fc.array(octet, { minLength: 1, maxLength: 8 }), fc.nat(200), (changes, length) => {
        const changed = Buffer.from(file.subarray(0, length))
        for (const [at, value] of changes) if (at < length) changed[at] = value
        try {
          expect(convertSound(changed, 'wav').ms).toBeLessThanOrEqual(600_000)
        } catch (error) {
          expect(error).toBeInstanceOf(SoundFault)
        }
      }),
    )
  })

  test('a WAV file which is said to be bare G.711 is not heard with its header', () => {
    expect(() => convertSound(whole, 'PCMU')).toThrow(SoundFault)
  })
})

test.each([
  ['audio/wav', '', 'wav'],
  ['Audio/X-WAV; codec=1', '', 'wav'],
  ['audio/basic', '', 'PCMU'],
  ['audio/PCMA;rate=8000', '', 'PCMA'],
  ['application/octet-stream', 'welcome.ULAW', 'PCMU'],
  ['', 'welcome.al', 'PCMA'],
  ['application/octet-stream', 'welcome', undefined],
  ['audio/mpeg', 'welcome.wav', undefined],
  ['', '', undefined],
])('the type %j of a file %j is %s', (type, name, form) => {
  expect(mediaFormOf(type, name)).toBe(form)
})

/** As a program writes it which cannot go back in what it wrote. */
function unsized(file: Buffer): Buffer {
  const at = file.indexOf('data') + 4
  const changed = Buffer.from(file)
  changed.writeUInt32LE(0xffff_ffff, at)
  return changed
}
