import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Framer } from '../../../relay/sip/framing.ts'
import { parseMessage } from '../../../relay/sip/parse.ts'
import { bytes, invite, register, requestText } from '../../support/wire.ts'

describe('a byte stream (RFC 3261 §18.3)', () => {
  test('gives the same messages however it is cut', () => {
    const stream = bytes(
      `\r\n${invite()}${register()}\r\n\r\n${invite({ headers: { l: '0', 'Content-Length': null }, body: '' })}`,
    )
    const whole = pushed([stream])
    expect(whole).toMatchObject({ pings: 1, broken: undefined })
    expect(whole.texts).toHaveLength(3)
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 40 }), (cuts) => {
        expect(pushed(cut(stream, cuts))).toEqual(whole)
      }),
    )
    expect(pushed([...stream].map((octet) => Uint8Array.of(octet)))).toEqual(whole)
  })

  test('passes a message on as soon as it is whole, and not before', () => {
    const framer = new Framer()
    const stream = bytes(invite())
    expect(framer.push(stream.subarray(0, -1)).messages).toEqual([])
    expect(framer.push(stream.subarray(-1)).messages).toEqual([stream])
  })

  test('keeps nothing of the pieces it was given', () => {
    const framer = new Framer()
    const stream = bytes(invite())
    const [message] = framer.push(stream).messages
    stream.fill(0)
    expect(message).toEqual(bytes(invite()))
  })

  test('reads Content-Length by any of its names, folded or not', () => {
    const lengths = [
      'Content-Length: 2',
      'content-LENGTH : 2',
      'l:2',
      'L: 2',
      'l:\r\n 2',
      'X-l: 9\r\nl: 2',
      'l: 2\r\nl: 2',
    ]
    for (const line of lengths) {
      expect(pushed([bytes(`A sip:b SIP/2.0\r\n${line}\r\n\r\nhihi`)]).texts, line).toEqual([
        `A sip:b SIP/2.0\r\n${line}\r\n\r\nhi`,
      ])
    }
  })
})

describe('a keep-alive on a stream (RFC 5626 §3.5.1)', () => {
  test.each([
    ['a double CRLF', '\r\n\r\n', 1],
    ['a single CRLF', '\r\n', 0],
    ['three CRLFs', '\r\n\r\n\r\n', 1],
    ['four CRLFs', '\r\n\r\n\r\n\r\n', 2],
    ['bare line feeds', '\n\n\n\n', 0],
  ])('%s', (_, text, pings) => {
    expect(pushed([bytes(text)])).toEqual({ texts: [], pings, broken: undefined })
  })

  test('may be zeros, one or more, before a message and between two', () => {
    const text = requestText('OPTIONS')
    expect(pushed([bytes('\0'), bytes(text), bytes(`\0\0\0\0${text}`)]).texts).toEqual([text, text])
    expect(pushed([bytes('\r\n\0\r\n')]).pings).toBe(0)
  })

  test('is no keep-alive when half of it came before a message and half after', () => {
    expect(pushed([bytes(`\r\n${invite()}\r\n`)]).pings).toBe(0)
  })
})

describe('a stream nobody can frame any more', () => {
  test.each<[what: string, status: number, text: string]>([
    ['no Content-Length', 400, requestText('OPTIONS', { headers: { 'Content-Length': null } })],
    ['a negative Content-Length', 400, requestText('OPTIONS', { headers: { 'Content-Length': '-999' } })],
    ['two Content-Lengths', 400, requestText('OPTIONS', { headers: { 'Content-Length': ['5', '13'] } })],
    ['a body beyond all bounds', 513, requestText('OPTIONS', { headers: { 'Content-Length': '99999999' } })],
    [
      'a head beyond all bounds',
      513,
      requestText('OPTIONS', { headers: { 'X-Odd': Array(50).fill('x'.repeat(2000)) } }),
    ],
  ])('with %s hands over what is there, to be answered %d', (_, status, text) => {
    const framed = new Framer().push(bytes(`${register()}${text}`))
    expect(framed.broken?.status).toBe(status)
    expect(framed.messages).toHaveLength(2)
    const parsed = parseMessage(framed.messages[1] ?? new Uint8Array(), { stream: true })
    expect(parsed.ok ? undefined : parsed.fault.status).toBe(status)
    expect(parsed.ok ? undefined : parsed.fault.answerable?.callId).toBe('call-1@192.0.2.10')
  })

  test('is not looked at again', () => {
    const framer = new Framer()
    framer.push(bytes(requestText('OPTIONS', { headers: { 'Content-Length': null } })))
    expect(framer.push(bytes(invite()))).toEqual({ messages: [], pings: 0 })
  })

  test('is given up when it never comes to an end', () => {
    const framer = new Framer()
    const rounds = 200
    const broken = Array.from({ length: rounds }, () => framer.push(bytes('x'.repeat(1000))).broken)
    expect(broken.findIndex((flaw) => flaw !== undefined)).toBe(65)
  })
})

function cut(stream: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const edges = [0, ...[...cuts].sort((a, b) => a - b), stream.length]
  return edges.slice(1).map((edge, i) => stream.subarray(edges[i], edge))
}

function pushed(pieces: readonly Uint8Array[]) {
  const framer = new Framer()
  const framed = pieces.map((piece) => framer.push(piece))
  return {
    texts: framed.flatMap(({ messages }) => messages.map((message) => new TextDecoder().decode(message))),
    pings: framed.reduce((sum, { pings }) => sum + pings, 0),
    broken: framed.find(({ broken }) => broken !== undefined)?.broken,
  }
}
