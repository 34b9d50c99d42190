import { describe, expect, test } from 'vitest'
import { samplesOf } from '../../../relay/media/played-wav.ts'
import { wave, wavOf } from '../../support/played-wav.ts'

const sound = wave(40)
const bytes = (text: string) => new Uint8Array(Buffer.from(text))

describe('a WAV file of 16-bit PCM, mono, at 8 kHz', () => {
  test.each([
    ['as it is', wavOf(sound)],
    [
      'with what its writer has to say before the sound',
      wavOf(sound, { before: { LIST: bytes('odd'), fact: bytes('even') } }),
    ],
    ['whose writer was cut off and left no length', wavOf(sound, { says: 0 })],
    ['whose writer did not know its length', wavOf(sound, { says: 0xffff_ffff })],
    ['which lies at an odd place', wavOf(sound, { before: {} }).slice()],
  ])('%s has its samples', (_, file) => {
    expect(samplesOf(file)).toEqual(sound)
    const odd = new Uint8Array(file.length + 1)
    odd.set(file, 1)
    expect(samplesOf(odd.subarray(1))).toEqual(sound)
  })

  test('which is cut off has the samples which are there', () => {
    expect(samplesOf(wavOf(sound).slice(0, 44 + 101))).toEqual(sound.slice(0, 50))
  })
})

describe('what is none', () => {
  test.each([
    ['nothing', new Uint8Array(0), 'It is no WAV file.'],
    ['a text', bytes('This is no sound at all, is it?'), 'It is no WAV file.'],
    ['a head without sound', wavOf(sound).slice(0, 36), 'It has no sound.'],
    ['stereo', wavOf(sound, { channels: 2 }), /^It is not 16-bit PCM, mono, at 8000 Hz: form 1, 2 channels/],
    ['at 16 kHz', wavOf(sound, { rate: 16_000 }), /16 bits at 16000 Hz/],
    ['of 8 bits', wavOf(sound, { bits: 8 }), /8 bits/],
    ['of a codec', wavOf(sound, { form: 7 }), /form 7/],
  ])('%s has a sentence for it', (_, file, why) => {
    expect(samplesOf(file)).toEqual(typeof why === 'string' ? why : expect.stringMatching(why))
  })

  test('any bytes at all: a sentence or samples, never an error', () => {
    const file = wavOf(sound)
    for (let at = 0; at < 44; at++)
      for (const value of [0, 1, 0x7f, 0xff]) {
        const broken = file.with(at, value)
        expect(['string', 'object']).toContain(typeof samplesOf(broken))
        expect(['string', 'object']).toContain(typeof samplesOf(broken.slice(0, at + 1)))
      }
  })
})
