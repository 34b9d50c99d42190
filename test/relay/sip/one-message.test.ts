import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseNameAddrs } from '../../../relay/sip/address.ts'
import { type Message, type Request, request, response } from '../../../relay/sip/message.ts'
import { parseMessage } from '../../../relay/sip/parse.ts'
import { bytes, invite, register, requestText, responseText } from '../../support/wire.ts'

const odd = {
  'v: ': 'SIP / 2.0 / TCP [2001:db8::1] : 5070 ;branch=z9hG4bKb;a;b;c;d;e;f;g;h;i, SIP/2.0/UDP b',
  Diversion: '<sip:%41@b;x=1?y=z>;reason=unknown, "a, b" <sips:u:p@c>',
  Subject: 'Grüße',
  'X-Odd': ' \t x ',
}
const valid = [
  invite(),
  register({ from: '"Jürg \\"J\\"" <sip:j%C3%BCrg@EXAMPLE.com;Lr>;tag=1' }),
  responseText(200, { headers: odd }),
  requestText('BYE', { headers: odd }),
].map(bytes)
const breaks = ['\r\n', '\n', '\r', '\r\n ', '\r\n\r\n', '\0']
const words = ['Via: ', '\r\nm:', '\r\nX-Odd :', '\r\nTo: ', 'é', '\u{1f600}', '%41', 'sip:']
const pieces = [...'"<>;,=:@%\\ \t[]/?', ...breaks, ...words].map(bytes)
/** Which no message heeds; one with such a line in it is read with care, by other code. */
const noHeader = bytes('no header\r\n')
const names = ['via', 'contact', 'diversion', 'route', 'subject', 'x-odd', 'content-length', 'require']

describe('a message which was spoilt', () => {
  const spoilt = fc
    .tuple(
      fc.constantFrom(...valid),
      fc.array(fc.tuple(fc.nat(2000), fc.nat(4), fc.constantFrom(...pieces)), { maxLength: 4 }),
    )
    .map(([message, spoils]) =>
      spoils.reduce((all, [at, less, piece]) => {
        const here = at % all.length
        return Buffer.concat([all.subarray(0, here), piece, all.subarray(here + less)])
      }, Buffer.from(message)),
    )

  test('says the same with a line which is no header, and as octets of whatever kind', () => {
    fc.assert(
      fc.property(spoilt, (message) => {
        const second = message.indexOf('\r\n') + 2
        fc.pre(second > 2)
        const other = Buffer.concat([message.subarray(0, second), noHeader, message.subarray(second)])
        const told = said(message)
        expect(said(other)).toEqual(told)
        expect(said(new Uint8Array(message))).toEqual(told)
      }),
      { numRuns: 1000 },
    )
  })

  test('says the same as one which is made of its headers', () => {
    fc.assert(
      fc.property(spoilt, (message) => {
        const read = parseMessage(message)
        fc.pre(read.ok)
        if (read.ok) expect(factsOf(made(read.value))).toEqual(factsOf(read.value))
      }),
      { numRuns: 500 },
    )
  })

  test('has the addresses which its values have', () => {
    fc.assert(
      fc.property(spoilt, (message) => {
        const read = parseMessage(message)
        fc.pre(read.ok)
        if (!read.ok) return
        for (const name of names)
          expect(read.value.addresses(name)).toEqual(parseNameAddrs(read.value.all(name)))
      }),
      { numRuns: 1000 },
    )
  })
})

/** What a message says, or why it is none. */
function said(message: Uint8Array) {
  const read = parseMessage(message)
  if (read.ok) return factsOf(read.value)
  const { where, why, status, answerable } = read.fault
  return { where, why, status, answerable: answerable && factsOf(answerable) }
}

function factsOf(message: Message) {
  const { kind, headers, via, from, to, callId, cseq } = message
  const { method, requestUri, target, maxForwards }: Partial<Request> =
    message.kind === 'request' ? message : {}
  const { status, reason } = message.kind === 'response' ? message : { status: 0, reason: '' }
  const each = names.map((name) => [message.header(name), message.all(name), message.addresses(name)])
  const parties = [via, from, to, target, from.sip, to.sip].map((party) => [...(party?.params ?? [])])
  const line = { kind, method, requestUri, status, reason }
  return {
    ...line,
    headers,
    via,
    from,
    to,
    callId,
    cseq,
    target,
    maxForwards,
    each,
    parties,
    body: [...message.body],
  }
}

function made(message: Message): Message {
  const { headers, body } = message
  if (message.kind === 'response')
    return response({ status: message.status, reason: message.reason, headers, body })
  return request({ method: message.method, requestUri: message.requestUri, headers, body })
}
