import type { Message, Request, Response } from '../../relay/sip/message.ts'
import { parseMessage } from '../../relay/sip/parse.ts'

/** What a written message may change: headers by their usual spelling, null for none, a list for several. */
export interface Overrides {
  uri?: string
  from?: string
  to?: string
  body?: string
  headers?: Record<string, string | readonly string[] | null>
}

/** A session description of Alice, who sends from 192.0.2.10. */
export const sdp = [
  'v=0',
  'o=alice 1 1 IN IP4 192.0.2.10',
  's=-',
  'c=IN IP4 192.0.2.10',
  't=0 0',
  'm=audio 40000 RTP/AVP 0 8 101',
  'a=rtpmap:101 telephone-event/8000',
  '',
].join('\r\n')

/** An INVITE from Alice to Bob as text. */
export function invite(overrides: Overrides = {}): string {
  const { headers, ...others } = overrides
  return requestText('INVITE', {
    body: sdp,
    ...others,
    headers: {
      Contact: '<sip:alice@192.0.2.10:5060>',
      ...((others.body ?? sdp) === '' ? {} : { 'Content-Type': 'application/sdp' }),
      ...headers,
    },
  })
}

/** A REGISTER from Alice's phone as text. */
export function register(overrides: Overrides = {}): string {
  const { headers, ...others } = overrides
  return requestText('REGISTER', {
    uri: 'sip:example.com',
    to: '<sip:alice@example.com>',
    ...others,
    headers: { Contact: '<sip:alice@192.0.2.10:5060>', Expires: '300', ...headers },
  })
}

/** Any request as text. */
export function requestText(method: string, overrides: Overrides = {}): string {
  const {
    uri = 'sip:bob@example.com',
    from = '"Alice" <sip:alice@example.com>;tag=a1',
    body = '',
  } = overrides
  return text(
    `${method} ${uri} SIP/2.0`,
    {
      Via: 'SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKalice1',
      'Max-Forwards': '70',
      From: from,
      To: overrides.to ?? '<sip:bob@example.com>',
      'Call-ID': 'call-1@192.0.2.10',
      CSeq: `1 ${method}`,
      ...overrides.headers,
    },
    body,
  )
}

/** A response as text, to an INVITE unless the CSeq header says otherwise. */
export function responseText(status: number, overrides: Overrides = {}): string {
  return text(
    `SIP/2.0 ${status} Whatever`,
    {
      Via: 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKrelay1',
      From: overrides.from ?? '<sip:alice@example.com>;tag=a1',
      To: overrides.to ?? '<sip:bob@example.com>;tag=b1',
      'Call-ID': 'call-1@192.0.2.1',
      CSeq: '1 INVITE',
      ...overrides.headers,
    },
    overrides.body ?? '',
  )
}

/** Bytes of a text. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** The lines of a written message up to the blank one. */
export function lines(written: Uint8Array): string[] {
  return (new TextDecoder().decode(written).split('\r\n\r\n')[0] ?? '').split('\r\n')
}

/** The message a text is; throws where it is none. */
export function read(text: string | Uint8Array): Message {
  const parsed = parseMessage(typeof text === 'string' ? bytes(text) : text)
  if (!parsed.ok) throw new Error(parsed.fault.why)
  return parsed.value
}

export function readRequest(text: string | Uint8Array): Request {
  const message = read(text)
  if (message.kind !== 'request') throw new Error('a response')
  return message
}

export function readResponse(text: string | Uint8Array): Response {
  const message = read(text)
  if (message.kind !== 'response') throw new Error('a request')
  return message
}

function text(start: string, headers: NonNullable<Overrides['headers']>, body: string): string {
  const all = { ...headers, 'Content-Length': headers['Content-Length'] ?? String(bytes(body).length) }
  if (headers['Content-Length'] === null) Reflect.deleteProperty(all, 'Content-Length')
  const written = Object.entries(all).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((one) => `${name}: ${one}\r\n`),
  )
  return `${start}\r\n${written.join('')}\r\n${body}`
}
