import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Bencoded, bencode, readBencoded } from '../../../relay/media/bencode.ts'

const text = (bytes: Uint8Array) => new TextDecoder('latin1').decode(bytes)
const bytes = (written: string) => Uint8Array.from(written, (letter) => letter.charCodeAt(0))

describe('bencode', () => {
  test.each<[Bencoded, string]>([
    [42, 'i42e'],
    [-3, 'i-3e'],
    ['', '0:'],
    ['offer', '5:offer'],
    ['ü', '2:\xc3\xbc'],
    [Uint8Array.of(0, 255), '2:\x00\xff'],
    [['a', 1], 'l1:ai1ee'],
    [{ sdp: 'v=0', 'call-id': 'c', absent: undefined }, 'd7:call-id1:c3:sdp3:v=0e'],
  ])('writes %j', (value, written) => {
    expect(text(bencode(value))).toBe(written)
  })

  test('is read as it was written, whatever it says', () => {
    const { value } = fc.letrec<{ value: Bencoded }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.maxSafeInteger(),
        fc.string({ unit: 'grapheme' }),
        fc.array(tie('value')),
        fc.dictionary(fc.string(), tie('value'), { noNullPrototype: true }),
      ),
    }))
    fc.assert(fc.property(value, (said) => void expect(readBencoded(bencode(said))).toEqual(said)))
  })

  test.each([
    '',
    'i42',
    'ie',
    'i4.5e',
    'i--1e',
    '5:offe',
    '-1:a',
    '99999999999:a',
    'l1:a',
    'd1:a',
    'd1:ae',
    'di1e1:ae',
    '1:a1:b',
    'x',
    'l'.repeat(100_000),
  ])('which is none is read as nothing (%#)', (written) => {
    expect(readBencoded(bytes(written))).toBeUndefined()
  })

  test('never throws at any octets', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (any) => void readBencoded(any)))
  })

  test('names of dictionaries are only names', () => {
    const read = readBencoded(bytes('d9:__proto__d1:ai1eee')) as object
    expect(Object.keys(read)).toEqual(['__proto__'])
    expect('a' in read).toBe(false)
  })
})
