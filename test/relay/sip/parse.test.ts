import { describe, expect, test } from 'vitest'
import type { Fault } from '../../../relay/sip/message.ts'
import { parseMessage } from '../../../relay/sip/parse.ts'
import {
  bytes,
  invite,
  read,
  readRequest,
  readResponse,
  requestText,
  responseText,
} from '../../support/wire.ts'

describe('a request read from a datagram (RFC 3261 §7)', () => {
  test('shows its method, parties, Via, Call-ID and CSeq', () => {
    const request = readRequest(invite())
    expect(request).toMatchObject({ kind: 'request', method: 'INVITE', requestUri: 'sip:bob@example.com' })
    expect(request.target).toMatchObject({ user: 'bob', host: 'example.com' })
    expect(request.via).toMatchObject({
      transport: 'UDP',
      host: '192.0.2.10',
      port: 5060,
      branch: 'z9hG4bKalice1',
    })
    expect(request.from).toMatchObject({ display: 'Alice', tag: 'a1', uri: 'sip:alice@example.com' })
    expect(request.to).toMatchObject({ display: '', tag: undefined })
    expect(request.callId).toBe('call-1@192.0.2.10')
    expect(request.cseq).toEqual({ number: 1, method: 'INVITE' })
    expect(request.maxForwards).toBe(70)
  })

  test('knows its headers in any case, in compact form and folded', () => {
    const text = invite({ headers: { Subject: null, s: 'one\r\n  two\r\n\tthree', 'uSER-aGENT': 'phone' } })
    expect(readRequest(text).header('subject')).toBe('one two three')
    expect(readRequest(text).header('user-agent')).toBe('phone')
    expect(readRequest(text).header('server')).toBeUndefined()
  })

  test('takes no header for another of the same length and first letter', () => {
    const extra = { Subject: null, Supposed: 'a', Expired: 'b', Refer_to: 'c', x: '1800', q: 'd' }
    const request = readRequest(invite({ headers: extra }))
    expect(
      ['supported', 'expires', 'refer-to', 'session-expires', 'supposed', 'expired', 'q'].map((name) =>
        request.header(name),
      ),
    ).toEqual([undefined, undefined, undefined, '1800', 'a', 'b', 'd'])
    const long = 'S'.repeat(40)
    expect(readRequest(invite({ headers: { [long]: 'e' } })).header(long.toLowerCase())).toBe('e')
  })

  test('splits list headers at their commas, and nothing else', () => {
    const request = readRequest(
      invite({
        headers: {
          Allow: ['INVITE, ACK', 'BYE'],
          Route: '<sip:a,b@example.com;lr>, "x, y" <sip:c@example.com>',
          'Proxy-Authorization': 'Digest realm="a", nonce="b"',
          'X-Odd': 'a, b',
        },
      }),
    )
    expect(request.all('allow')).toEqual(['INVITE', 'ACK', 'BYE'])
    expect(request.all('route')).toEqual(['<sip:a,b@example.com;lr>', '"x, y" <sip:c@example.com>'])
    expect(request.all('proxy-authorization')).toEqual(['Digest realm="a", nonce="b"'])
    expect(request.all('x-odd')).toEqual(['a, b'])
    expect(request.all('warning')).toEqual([])
  })

  test('takes the first of several Vias on one line as the top one', () => {
    const text = invite({ headers: { Via: 'SIP/2.0/TCP a.example;branch=z9hG4bK1, SIP/2.0/UDP b.example' } })
    expect(readRequest(text).via).toMatchObject({ transport: 'TCP', host: 'a.example' })
    expect(readRequest(text).all('via')).toHaveLength(2)
  })

  test('has 70 hops left where it does not say, and 255 at most', () => {
    expect(readRequest(invite({ headers: { 'Max-Forwards': null } })).maxForwards).toBe(70)
    expect(readRequest(invite({ headers: { 'Max-Forwards': '300' } })).maxForwards).toBe(255)
  })

  test('has no target when its scheme is not SIP', () => {
    expect(readRequest(requestText('OPTIONS', { uri: 'tel:+15551234567' })).target).toBeUndefined()
  })

  test('may speak sip/2.0 in any case, and begin with line breaks', () => {
    expect(read(`\r\n\r\n${invite().replace('SIP/2.0\r\n', 'sip/2.0\r\n')}`).kind).toBe('request')
  })

  test('takes the rest of the datagram as body when Content-Length is absent, and never more than it says', () => {
    const absent = requestText('OPTIONS', { body: 'hello', headers: { 'Content-Length': null } })
    const short = requestText('OPTIONS', { body: 'hello', headers: { 'Content-Length': '2' } })
    expect(new TextDecoder().decode(read(absent).body)).toBe('hello')
    expect(new TextDecoder().decode(read(short).body)).toBe('he')
  })

  test('keeps a name which an old phone spelled in Latin-1', () => {
    const [before = '', after = ''] = invite().split('Alice')
    const latin1 = new Uint8Array([...bytes(before), 0x4a, 0xfc, 0x72, 0x67, ...bytes(after)])
    expect(read(latin1).from.display).toBe('Jürg')
  })
})

describe('a header nobody needs (RFC 3261 §8.2.2)', () => {
  const lines = [
    'X Model: T46',
    'X-Gerät: 1',
    'P/V: 1',
    'no colon',
    ': 1',
    'X-Odd: a\nVia: b',

    '\0',
  ]

  test.each(lines)('does no harm in a request when it cannot be read: %j', (line) => {
    const request = readRequest(invite().replace('Max-Forwards', `${line}\r\nMax-Forwards`))
    expect(request.headers).toEqual(readRequest(invite()).headers)
  })

  test.each([
    ...lines,
    `X-Long: ${'x'.repeat(9000)}`,
    'Max-Forwards: many',
    'Max-Forwards: 1\r\nMax-Forwards: 2',
    'Expires: 60\r\nExpires: 60',
    'Require: a\nb',
    'Content-Length: many',
    'From: <<>>',
    'Call-ID: b',
    'Contact: <<>>',
  ])('nor in a response: %#', (line) => {
    const response = readResponse(responseText(486).replace('Content-Length', `${line}\r\nContent-Length`))
    expect([response.status, response.cseq, response.to.tag]).toEqual([
      486,
      { number: 1, method: 'INVITE' },
      'b1',
    ])
  })

  test.each(['From', 'Call-ID'])('may be missing: a response needs no %s', (name) => {
    expect(readResponse(responseText(486, { headers: { [name]: null } })).status).toBe(486)
  })

  test('leaves the tag of a To whose name never closes, for the ACK and the BYE', () => {
    const to = '"Bob <sip:bob@example.com>;tag=b1'
    expect(readResponse(responseText(200, { to })).to.tag).toBe('b1')
    expect(readResponse(responseText(200, { to })).header('to')).toBe(to)
  })

  test('is not the line ending: a response with bare line feeds is read', () => {
    expect(readResponse(responseText(486).replaceAll('\r', '')).status).toBe(486)
  })
})

describe('a response read from a datagram', () => {
  test('shows its status and reason', () => {
    expect(readResponse(responseText(486))).toMatchObject({
      kind: 'response',
      status: 486,
      reason: 'Whatever',
    })
  })

  test('may speak sip/2.0 in any case', () => {
    expect(readResponse(responseText(200).replace('SIP/2.0 ', 'Sip/2.0 ')).status).toBe(200)
  })

  test('may have no reason at all', () => {
    expect(readResponse(responseText(200).replace(' Whatever', '')).reason).toBe('')
  })

  test.each([
    ['a status of four digits', responseText(2000)],
    ['a status beyond 699', responseText(700)],
    ['a status below 100', responseText(99)],
    ['another version', responseText(200).replace('SIP/2.0 ', 'SIP/3.0 ')],
    ['no Via', responseText(200, { headers: { Via: null } })],
    ['no CSeq', responseText(200, { headers: { CSeq: null } })],
    ['no To, which its ACK must copy', responseText(200, { headers: { To: null } })],
    ['less body than it promises', responseText(200, { headers: { 'Content-Length': '9' } })],
  ])('is met with silence when it has %s', (_, text) => {
    expect(faultOf(text).answerable).toBeUndefined()
  })
})

describe('a request which is refused', () => {
  test.each<[what: string, status: number, text: string]>([
    ['another version', 505, invite().replace('SIP/2.0\r\n', 'SIP/3.0\r\n')],
    ['two spaces in its first line', 400, invite().replace('INVITE ', 'INVITE  ')],
    ['a Request-URI in brackets', 400, invite({ uri: '<sip:bob@example.com>' })],
    ['a Request-URI with headers', 400, invite({ uri: 'sip:bob@example.com?Subject=x' })],
    ['a Request-URI which is no URI', 400, invite({ uri: 'bob' })],
    ['a broken SIP Request-URI', 400, invite({ uri: 'sip:bob@exa mple.com' })],
    ['no From', 400, invite({ headers: { From: null } })],
    ['no To', 400, invite({ headers: { To: null } })],
    ['no Call-ID', 400, invite({ headers: { 'Call-ID': null } })],
    ['no CSeq', 400, invite({ headers: { CSeq: null } })],
    ['two Call-IDs', 400, invite({ headers: { 'Call-ID': ['a', 'b'] } })],
    ['two CSeqs', 400, invite({ headers: { CSeq: ['1 INVITE', '2 INVITE'] } })],
    ['a From which never closes its quote', 400, invite({ from: '"Alice <sip:a@example.com>' })],
    ['two addresses in To', 400, invite({ to: '<sip:a@example.com>, <sip:b@example.com>' })],
    ['a CSeq without method', 400, invite({ headers: { CSeq: '1' } })],
    ['a CSeq of 2^31', 400, invite({ headers: { CSeq: '2147483648 INVITE' } })],
    ['an empty branch', 400, invite({ headers: { Via: 'SIP/2.0/UDP a.example;branch=z9hG4bK' } })],
    ['empty Via parameters', 400, invite({ headers: { Via: 'SIP/2.0/UDP a.example;;branch=z9hG4bK1' } })],
    ['Max-Forwards in words', 400, invite({ headers: { 'Max-Forwards': 'many' } })],
    ['a negative Content-Length', 400, invite({ headers: { 'Content-Length': '-1' } })],
    ['two Content-Lengths', 400, invite({ headers: { 'Content-Length': ['1', '2'] } })],
    ['less body than promised', 400, invite({ headers: { 'Content-Length': '9999' } })],
    ['lines which end in a line feed alone', 400, invite().replaceAll('\r', '')],
    ['half a line break in what is heeded', 400, invite({ headers: { Require: 'a\nVia: b' } })],
    ['more than 100 headers', 513, invite({ headers: { 'X-Odd': Array(100).fill('x') } })],
    ['a header beyond 8 KiB', 513, invite({ headers: { 'X-Odd': 'x'.repeat(8192) } })],
    ['more than 70 hops', 513, invite({ headers: { Via: `SIP/2.0/UDP a${', SIP/2.0/UDP a'.repeat(70)}` } })],
    ['more than 64 KiB', 513, invite({ body: 'x'.repeat(65_536) })],
  ])('is told so when it has %s: %d', (_, status, text) => {
    const fault = faultOf(text)
    expect(fault.status).toBe(status)
    expect(fault.answerable?.via.host).toMatch(/^(?:192\.0\.2\.10|a|a\.example)$/)
  })

  test('is told where and why in words fit for a reason phrase', () => {
    expect(faultOf(invite({ headers: { 'Call-ID': null } }))).toMatchObject({
      where: 'Call-ID',
      why: 'Call-ID is missing',
    })
  })

  test('hears nothing when there is no Via to send the answer by', () => {
    expect(faultOf(invite({ headers: { Via: null } })).answerable).toBeUndefined()
    expect(faultOf(invite({ headers: { Via: 'nonsense' } })).answerable).toBeUndefined()
  })

  test('hears nothing when it is an ACK, which no response may follow', () => {
    expect(faultOf(requestText('ACK', { headers: { From: null } }))).toMatchObject({
      status: 400,
      answerable: undefined,
    })
  })

  test.each(['', '\r\n\r\n', 'hello', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', '\0\0\0\0'])(
    'hears nothing when it is %j',
    (text) => {
      expect(faultOf(text).answerable).toBeUndefined()
    },
  )
})

describe('a request on a stream', () => {
  test('must say how long it is (RFC 3261 §18.3)', () => {
    const text = requestText('OPTIONS', { headers: { 'Content-Length': null } })
    const parsed = parseMessage(bytes(text), { stream: true })
    expect(parsed.ok ? undefined : parsed.fault).toMatchObject({ where: 'Content-Length', status: 400 })
    expect(parseMessage(bytes(text)).ok).toBe(true)
  })
})

function faultOf(text: string): Fault {
  const parsed = parseMessage(bytes(text))
  if (parsed.ok) throw new Error('was accepted')
  return parsed.fault
}
