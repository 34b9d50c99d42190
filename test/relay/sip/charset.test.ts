import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { decode, encode, readable } from '../../../relay/sip/charset.ts'
import { reply } from '../../../relay/sip/reply.ts'
import { parseUri, writeUri } from '../../../relay/sip/uri.ts'
import { writeMessage } from '../../../relay/sip/write.ts'
import { bytes, invite, readRequest } from '../../support/wire.ts'

const flow = { transport: 'udp', address: '192.0.2.1', port: portNumber(5060) } as const

describe('text on the wire', () => {
  test('goes back octet for octet, whatever it was', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (octets) => {
        expect(encode(decode(octets))).toEqual(octets)
      }),
      { numRuns: 2000 },
    )
  })

  test('stays as it was written, whatever is written after it', () => {
    const texts = Array.from({ length: 300 }, (_, at) => `${at} é `.repeat(1 + ((at * 37) % 1500)))
    const written = texts.map(encode)
    expect(written.map((octets) => decode(octets))).toEqual(texts)
  })

  test.each([
    ['a letter cut short', [0xe2, 0x82]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
    ['beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
    ['a private letter of ours', [0xef, 0x9e, 0x80]],
    ['one beside it', [0xef, 0x9d, 0xbf]],
    ['a byte order mark', [0xef, 0xbb, 0xbf]],
  ])('even %s', (_, octets) => {
    expect([...encode(decode(Uint8Array.from(octets)))]).toEqual(octets)
  })

  test('holds no half surrogate, which no database takes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (octets) => decode(octets).isWellFormed()))
  })

  test('is Latin-1 for people where it is no UTF-8', () => {
    expect(readable(decode(Uint8Array.from([0x4a, 0xfc, 0x72, 0x67])))).toBe('Jürg')
    expect(readable('Zoë')).toBe('Zoë')
  })
})

describe('one octet of Latin-1 in a message', () => {
  /** `%` stands for the octet. */
  const latin1 = (text: string): Uint8Array => bytes(text).map((octet) => (octet === 0x25 ? 0xfc : octet))

  test('spoils no name elsewhere', () => {
    const headers = { 'X-Device': 'T%r', Subject: 'Größe' }
    const request = readRequest(latin1(invite({ from: '"Zoë Żak" <sip:z@example.com>;tag=1', headers })))
    expect(request.from.display).toBe('Zoë Żak')
    expect(request.header('subject')).toBe('Größe')
  })

  test('is a letter of the name it stands in', () => {
    expect(readRequest(latin1(invite({ from: '"J%rg" <sip:j@example.com>;tag=1' }))).from.display).toBe(
      'Jürg',
    )
  })

  test('goes back as it came, in From and in To', () => {
    const parties = { from: '"J%rg" <sip:j@example.com>;tag=1', to: 'B%r <sip:b@example.com>' }
    const answer = writeMessage(reply(readRequest(latin1(invite(parties))), 200, { toTag: 'x', flow }))
    const text = new TextDecoder('latin1').decode(answer)
    expect(text).toContain('From: "Jürg" <sip:j@example.com>;tag=1\r\n')
    expect(text).toContain('To: Bür <sip:b@example.com>;tag=x\r\n')
  })

  test.each(['sip:caf%E9@example.com', 'sip:a@example.com;x=%FC', 'sip:%EF%9E%80@b'])(
    'stands escaped in a URI and goes back so: %s',
    (text) => {
      const uri = parseUri(text)
      expect(uri && writeUri(uri)).toBe(text)
    },
  )
})
