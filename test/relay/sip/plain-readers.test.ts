import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseNameAddr } from '../../../relay/sip/address.ts'
import { parseUri } from '../../../relay/sip/uri.ts'
import { parseVia } from '../../../relay/sip/via.ts'
import { inRows, plainAddress, plainUri, plainVia } from './plain-readers.ts'

const uris = [
  'sip:+12125550100@carrier.example',
  'SIPS:a%40b:p%41@Example.COM:5061;transport=TCP;x=%41;;lr?subject=a&b=c',
  'sip:[2001:DB8::1]:5060;maddr=192.0.2.1',
  'sip:user;phone-context=x?y@host-1.example',
  'tel:+1-212-555-0100;ext=1',
]
const addresses = [
  '"Alice \\"A\\" Example" <sip:+12125550100@carrier.example>;tag=9fxced76sl',
  'Grüße aus Bad. Ort <sips:a:b@C.example;lr>;q=0.5;TAG="x;y",',
  'sip:bob@biloxi.example;tag=a73;expires=60',
  ...uris.map((uri) => `<${uri}>;lr;a=b`),
]
const vias = [
  'SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK776asdhds',
  'SIP / 2.0 / tcp [2001:DB8::1] : 5070 ;branch=z9hG4bKb;a;b;c;d;e;f;g;h;i, SIP/2.0/UDP b',
  'SIP/3.0/WSS df7jal23ls0d.invalid ;received=192.0.2.1;ttl="1,2"',
]
const pieces = [
  ...'"<>;,=:@%\\ \t[]/?.-_&*aZ09é\u{1f600}\x00\x7f',
  '%41',
  'sip:',
  '99999',
  ':::',
  ';a',
  ';tag=',
  ';lr',
]

/** Texts with a few pieces put in, and letters left out. */
function spoilt(texts: readonly string[]) {
  const spoil = fc.tuple(fc.nat(200), fc.nat(3), fc.constantFrom(...pieces))
  return fc.tuple(fc.constantFrom(...texts), fc.array(spoil, { maxLength: 4 })).map(([text, spoils]) =>
    spoils.reduce((all, [at, less, piece]) => {
      const here = at % (all.length + 1)
      return all.slice(0, here) + piece + all.slice(here + less)
    }, text),
  )
}

describe('what is read in one go says what the grammar says, piece by piece', () => {
  test.each([
    ['a URI', uris, parseUri, plainUri],
    ['an address', addresses, parseNameAddr, plainAddress],
    ['a Via', vias, parseVia, plainVia],
  ] as const)('of %s, whole or spoilt', (_, texts, read, plain) => {
    for (const text of texts) expect(inRows(read(text))).toEqual(plain(text))
    fc.assert(
      fc.property(spoilt(texts), (text) => {
        expect(inRows(read(text))).toEqual(plain(text))
      }),
      { numRuns: 2000 },
    )
  })

  test.each([[uris.map(plainUri)], [addresses.map(plainAddress)], [vias.map(plainVia)]])(
    'and there is something to be read',
    (read) => {
      expect(read.filter((each) => each !== undefined).length).toBeGreaterThan(2)
    },
  )

  test.each([
    ['an address', addresses, parseNameAddr, plainAddress],
    ['a Via', vias, parseVia, plainVia],
  ] as const)(
    'a parameter of %s which is looked up alone says what it says among all',
    (_, texts, read, plain) => {
      fc.assert(
        fc.property(spoilt(texts), (text) => {
          const pairs = new Map(plain(text)?.params)
          const params = read(text)?.params
          for (const name of [...pairs.keys(), 'tag', 'ta', 'lr', 'branch', 'y"'])
            expect([params?.has(name) ?? false, params?.get(name)]).toEqual([
              pairs.has(name),
              pairs.get(name),
            ])
        }),
        { numRuns: 1000 },
      )
    },
  )

  test('and so does a parameter of a URI', () => {
    fc.assert(
      fc.property(spoilt(uris), (text) => {
        const pairs = new Map(plainUri(text)?.params)
        const params = parseUri(text)?.params
        for (const name of [...pairs.keys(), 'lr', 'maddr', 'transport', 'x'])
          expect([params?.has(name) ?? false, params?.get(name)]).toEqual([pairs.has(name), pairs.get(name)])
      }),
      { numRuns: 1000 },
    )
  })
})
