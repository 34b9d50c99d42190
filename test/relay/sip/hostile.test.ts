import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { readSdp } from '../../../relay/sdp/description.ts'
import { parseNameAddrs } from '../../../relay/sip/address.ts'
import { sdpBody } from '../../../relay/sip/body.ts'
import { parseChallenges, parseCredentials } from '../../../relay/sip/digest.ts'
import { infoDigitOf } from '../../../relay/sip/dtmf-relay.ts'
import { Framer } from '../../../relay/sip/framing.ts'
import type { Message, Request } from '../../../relay/sip/message.ts'
import { parseMessage } from '../../../relay/sip/parse.ts'
import { reply } from '../../../relay/sip/reply.ts'
import { screen } from '../../../relay/sip/screen.ts'
import { parseUri } from '../../../relay/sip/uri.ts'
import { parseVia } from '../../../relay/sip/via.ts'
import { writeMessage } from '../../../relay/sip/write.ts'
import { growth } from '../../support/growth.ts'
import { bytes, invite, register, requestText, responseText } from '../../support/wire.ts'

const flow = { transport: 'udp', address: '192.0.2.1', port: portNumber(5060) } as const
const valid = [invite(), register(), responseText(200), requestText('BYE')].map(bytes)

describe('whatever a stranger sends', () => {
  test('no bytes make the parser throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), survives))
  })

  test('nor does a good message with a few octets spoilt', () => {
    const spoil = fc.tuple(
      fc.nat(2000),
      fc.constantFrom(0, 9, 10, 13, 32, 34, 37, 44, 58, 59, 60, 62, 64, 92, 127, 200, 255),
    )
    fc.assert(
      fc.property(fc.constantFrom(...valid), fc.array(spoil, { maxLength: 6 }), (message, spoils) => {
        const spoilt = message.slice()
        for (const [at, octet] of spoils) spoilt[at % spoilt.length] = octet
        survives(spoilt)
      }),
      { numRuns: 1000 },
    )
  })

  test('nor one with a piece missing, or in twice', () => {
    fc.assert(
      fc.property(fc.constantFrom(...valid), fc.nat(2000), fc.nat(2000), (message, a, b) => {
        const [from, to] = [a % message.length, b % message.length]
        survives(Uint8Array.of(...message.subarray(0, from), ...message.subarray(to)))
      }),
      { numRuns: 1000 },
    )
  })

  test('nor does any text make a reader of headers throw', () => {
    const crooked = fc.string({
      unit: fc.constantFrom(
        '"',
        '<',
        '>',
        ';',
        ',',
        '=',
        ':',
        '@',
        '%',
        '\\',
        ' ',
        'sip:',
        'a',
        '[',
        ']',
        '/',
        'Digest ',
      ),
    })
    fc.assert(
      fc.property(crooked, (text) => {
        for (const reads of [parseUri, parseVia, parseNameAddrs, parseChallenges, parseCredentials])
          reads(text)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('64 KiB of malice takes no more than its share of time', () => {
  const heads: Record<string, (size: number) => string> = {
    'spaces before a colon': (size) => invite({ headers: { Via: `SIP/2.0/UDP a${' '.repeat(size)}b` } }),
    'headers without end': (size) => `INVITE sip:a SIP/2.0\r\n${'a:\r\n'.repeat(size / 4)}`,
    'lines without a colon': (size) => `INVITE sip:a SIP/2.0\r\n${'a\r\n'.repeat(size / 3)}`,
    'folds without end': (size) => `INVITE sip:a SIP/2.0\r\nSubject: a${'\r\n '.repeat(size / 3)}\r\n\r\n`,
    'carriage returns': (size) => `INVITE sip:a SIP/2.0\r\nSubject: ${'\r'.repeat(size)}\r\n\r\n`,
    'open brackets': (size) => invite({ headers: { Contact: '<'.repeat(size) } }),
    'open quotes': (size) => invite({ headers: { Contact: '"'.repeat(size) } }),
    'open addresses': (size) => invite({ headers: { Contact: 'a <'.repeat(size / 3) } }),
    commas: (size) => invite({ headers: { Contact: ','.repeat(size), Require: 'a,'.repeat(size / 2) } }),
    'URI parameters': (size) => invite({ uri: `sip:a;${';'.repeat(size)}` }),
    escapes: (size) => invite({ uri: `sip:${'%41'.repeat(size / 3)}@a` }),
    'a long first line': (size) => `${'A '.repeat(size / 2)}\r\n\r\n`,
    'a body of dashes': (size) =>
      invite({
        body: '-'.repeat(size),
        headers: { 'Content-Type': `multipart/mixed;boundary=${'-'.repeat(60)}` },
      }),
    'parameters of a From which cannot be read': (size) =>
      requestText('OPTIONS', { from: ';'.repeat(size / 8) }),
    'tags of a From which cannot be read': (size) =>
      requestText('OPTIONS', { from: ';tag='.repeat(size / 40) }),
    'a body of parts': (size) =>
      invite({ body: '--a\r\n'.repeat(size / 5), headers: { 'Content-Type': 'multipart/mixed;boundary=a' } }),
  }

  test.each(Object.entries(heads))('as %s', (_, text) => {
    const [small, large] = [bytes(text(4_000)), bytes(text(64_000))]
    expect(
      growth(
        () => survives(small),
        () => survives(large),
      ),
    ).toBeLessThan(80)
  })

  const values: Record<string, [(size: number) => string, (text: string) => unknown]> = {
    'spaces in a Via': [(size) => `SIP/2.0/UDP a${' '.repeat(size)}b`, parseVia],
    'Via parameters': [(size) => `SIP/2.0/UDP a${';a'.repeat(size / 2)}`, parseVia],
    'addresses which never close': [(size) => 'a <'.repeat(size / 3), parseNameAddrs],
    'quotes which never close': [(size) => '<sip:a>,"'.repeat(size / 9), parseNameAddrs],
    'addresses in a row': [(size) => '<sip:a>,'.repeat(size / 8), parseNameAddrs],
    'digest parameters': [(size) => `Digest ${'a=b,'.repeat(size / 4)}`, parseChallenges],
    'digest spaces': [(size) => `Digest a${' '.repeat(size)}`, parseCredentials],
    'URI parameters': [(size) => `sip:a${';'.repeat(size)}`, parseUri],
    'spaces in a line of a description': [(size) => `v=0\r\ns=a${' '.repeat(size / 2.1)}b\r\n`, readSdp],
    'spaces in a place of a description': [(size) => `c=IN IP4 a${' '.repeat(size / 2.1)}b\r\n`, readSdp],
    'spaces in its attributes': [
      (size) => `m=audio 1 RTP/AVP 0\r\na=rtpmap:0 a${' '.repeat(size / 2.1)}b\r\n`,
      readSdp,
    ],
    'spaces in its formats': [(size) => `m=audio 1 RTP/AVP 0${' '.repeat(size / 2.1)}b\r\n`, readSdp],
    'line breaks in an INFO of keys': [
      (size) =>
        requestText('INFO', {
          body: `${'\n'.repeat(size)}x`,
          headers: { 'Content-Type': 'application/dtmf-relay' },
        }),
      (text) => infoDigitOf(parsedRequest(text)),
    ],
  }

  test.each(Object.entries(values))('as %s', (_, [text, reads]) => {
    const [small, large] = [text(4_000), text(64_000)]
    expect(
      growth(
        () => reads(small),
        () => reads(large),
      ),
    ).toBeLessThan(80)
  })

  test.each([
    ['a message', (size: number) => bytes(`INVITE sip:a SIP/2.0\r\nl: 9\r\nX: ${'x'.repeat(size)}`)],
    ['a head of carriage returns', (size: number) => bytes(`A\r\n${'\r'.repeat(size)}`)],
    ['line breaks', (size: number) => bytes('\r\n'.repeat(size / 2))],
    ['small messages', (size: number) => bytes('A\r\nl:0\r\n\r\n'.repeat(size / 10))],
  ])('as %s, octet by octet', (_, stream) => {
    const feed = (all: Uint8Array) => () => {
      const framer = new Framer()
      for (let i = 0; i < all.length; i++) framer.push(all.subarray(i, i + 1))
    }
    expect(growth(feed(stream(4_000)), feed(stream(64_000)))).toBeLessThan(80)
  })
})

function parsedRequest(text: string): Request {
  const parsed = parseMessage(bytes(text))
  if (!parsed.ok || parsed.value.kind !== 'request') throw new Error('It is no request.')
  return parsed.value
}

/** Everything the engine may do with what it was sent. */
function survives(stranger: Uint8Array): void {
  const parsed = parseMessage(stranger)
  parseMessage(stranger, { stream: true })
  new Framer().push(stranger)
  const message: Message | undefined = parsed.ok ? parsed.value : parsed.fault.answerable
  if (message === undefined) return
  void [message.via, message.from, message.to, message.callId, message.cseq, message.all('contact')]
  sdpBody(message)
  writeMessage(message)
  if (message.kind === 'response') return
  void [message.target, message.maxForwards]
  screen(message)
  writeMessage(reply(message, 400, { toTag: 'x', flow }))
}
