import { hash } from 'node:crypto'
import type { CredentialAnswer, FailoverPolicy, ProviderTarget, RouteDecision } from '#contract'
import { hostPort } from '../../relay/ground/flow.ts'
import { prove as answered, noAuthorizations } from '../../relay/sip/authorization.ts'
import { type Header, type Request, type Response, request } from '../../relay/sip/message.ts'
import { reply } from '../../relay/sip/reply.ts'
import { steadyEntropy, steadyHashes } from './entropy.ts'
import { Ladder, type Party, party, realm, relayAddress } from './ladder.ts'

/*
 * The cast of the ladders: Alice and Bob have phones in one office, Telnyx and Twilio are its carriers.
 */

export const alice = party('Alice', '192.0.2.10', 5062)
export const bob = party('Bob', '192.0.2.20', 5064)
/** Bob's second phone. */
export const bobMobile = party("Bob's mobile", '192.0.2.21', 5066)
export const telnyx = party('Telnyx', '203.0.113.1')
export const twilio = party('Twilio', '203.0.113.2')
export const scanner = party('the scanner', '192.0.2.66', 40_000)

export const customerId = '11111111-1111-4111-8111-111111111111'
export const extensionIds = {
  alice: '22222222-2222-4222-8222-222222222222',
  bob: '33333333-3333-4333-8333-333333333333',
}

export const password = 'correct horse battery'
const entropy = steadyEntropy(1_000_000)

export function office(options: ConstructorParameters<typeof Ladder>[1] = {}, ...guests: Party[]): Ladder {
  return new Ladder([alice, bob, bobMobile, telnyx, twilio, scanner, ...guests], options)
}

/** What the edge knows of an extension. */
export function account(name: keyof typeof extensionIds): CredentialAnswer {
  return {
    kind: 'known',
    customer_id: customerId,
    account: 'extension',
    extension_id: extensionIds[name],
    extension: name,
    realm,
    ha1_md5: hash('md5', `${name}:${realm}:${password}`),
    ha1_sha256: hash('sha256', `${name}:${realm}:${password}`),
    algorithms: ['MD5'],
    enabled: true,
    max_contacts: 10,
    min_expires: 60,
    max_expires: 3600,
    default_expires: 3600,
    keepalive_s: 0,
    ended_tokens: [],
    ttl: 60,
  }
}

export function sdp(address: string, port = 4000, more = 'a=sendrecv'): Uint8Array {
  return new TextEncoder().encode(
    `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n${more}\r\n`,
  )
}

/** An INVITE as `from` sends it; `to` is a user or a whole URI. */
export function invite(
  from: Party,
  to: string,
  options: {
    headers?: Header[]
    body?: Uint8Array
    /** Of its body; left out: a session description. */
    type?: string
    callId?: string
    user?: string
    domain?: string
    cseq?: number
    hops?: string
  } = {},
): Request {
  const user = options.user ?? from.name.toLowerCase().replace(/\W/g, '')
  const uri = /^(?:sips?|tel):/.test(to) ? to : `sip:${to}@${realm}`
  const body = options.body ?? sdp(from.flow.address)
  return request({
    method: 'INVITE',
    requestUri: uri,
    headers: [
      ['via', via(from)],
      ['max-forwards', options.hops ?? '70'],
      ['from', `"${from.name}" <sip:${user}@${options.domain ?? realm}>;tag=${entropy.hex(6)}`],
      ['to', `<${uri}>`],
      ['call-id', options.callId ?? `${entropy.hex(8)}@${from.flow.address}`],
      ['cseq', `${options.cseq ?? 1} INVITE`],
      ['contact', `<sip:${user}@${place(from)}>`],
      ...(body.length > 0 ? [['content-type', options.type ?? 'application/sdp'] as Header] : []),
      ...(options.headers ?? []),
    ],
    body,
  })
}

export function register(from: Party, user: string, headers: Header[] = [], domain = realm): Request {
  const aor = `<sip:${user}@${domain}>`
  return request({
    method: 'REGISTER',
    requestUri: `sip:${domain}`,
    headers: [
      ['via', via(from)],
      ['max-forwards', '70'],
      ['from', `${aor};tag=${entropy.hex(6)}`],
      ['to', aor],
      ['call-id', `${entropy.hex(8)}@${from.flow.address}`],
      ['cseq', '1 REGISTER'],
      ...(headers.some(([name]) => name === 'contact')
        ? []
        : [['contact', `<sip:${user}@${place(from)}>`] as Header]),
      ...headers,
    ],
  })
}

/** The same request again, with the challenge in `response` answered. */
export function prove(challenged: Request, response: Response, user: string, secret = password): Request {
  const answer = answered(
    noAuthorizations,
    response,
    challenged,
    { username: user, password: secret, realm: null },
    { entropy, hashes: steadyHashes },
  )
  if (!answer) throw new Error(`no challenge in ${response.status}`)
  const headers = challenged.headers.map(([name, old]): Header => {
    if (name === 'via') return [name, old.replace(/branch=[^;]+/, `branch=z9hG4bK${entropy.hex(8)}`)]
    return name === 'cseq' ? [name, `${challenged.cseq.number + 1} ${challenged.method}`] : [name, old]
  })
  headers.push(...answer.headers)
  return request({
    method: challenged.method,
    requestUri: challenged.requestUri,
    headers,
    body: challenged.body,
  })
}

/** Alice dials: challenged, proved, known; the relay now asks where the call goes. Gives the INVITE which counts. */
export function aliceDials(ladder: Ladder, to: string, options: Parameters<typeof invite>[2] = {}): Request {
  const first = invite(alice, to, options)
  ladder.when(alice, first).gives('407 to Alice')
  const second = prove(first, ladder.lastResponse(alice), 'alice')
  ladder.when(alice, second)
  // Who Alice is, is asked once; later the relay remembers.
  if (ladder.questions.some(({ question }) => question.ask === 'credential')) {
    ladder.gives('ask credential').credential(account('alice'))
  }
  ladder.gives('100 to Alice', 'ask route')
  return second
}

/** A phone of an extension registers. */
export function registers(
  ladder: Ladder,
  phone: Party,
  user: keyof typeof extensionIds,
  headers: Header[] = [],
): void {
  const first = register(phone, user, headers)
  ladder.when(phone, first).whatever()
  ladder.when(phone, prove(first, ladder.lastResponse(phone), user)).whatever()
  if (ladder.questions.length > 0) ladder.credential(account(user))
  ladder.whatever()
}

/** A final or provisional answer of `party` to what it was last asked. */
export function answers(
  to: Request,
  from: Party,
  status: number,
  options: { body?: Uint8Array; headers?: Header[]; tag?: string; contact?: string } = {},
): Response {
  const where = options.contact ?? `<sip:${place(from)}>`
  const contact: Header[] = status < 300 && status > 100 ? [['contact', where]] : []
  const typed: Header[] = options.body ? [['content-type', 'application/sdp']] : []
  return reply(to, status, {
    toTag: options.tag ?? `tag-${from.name.replace(/\W/g, '')}`,
    headers: [...contact, ...typed, ...(options.headers ?? [])],
    ...(options.body ? { body: options.body } : {}),
  })
}

/** The ACK of a caller for the relay's answer. */
export function ack(invited: Request, response: Response, options: { body?: Uint8Array } = {}): Request {
  const success = response.status < 300
  return request({
    method: 'ACK',
    requestUri: invited.requestUri,
    headers: [
      ['via', success ? via(alice) : (invited.header('via') ?? '')],
      ['max-forwards', '70'],
      ['from', invited.header('from') ?? ''],
      ['to', response.header('to') ?? ''],
      ['call-id', invited.callId],
      ['cseq', `${invited.cseq.number} ACK`],
      ...(options.body ? [['content-type', 'application/sdp'] as Header] : []),
    ],
    ...(options.body ? { body: options.body } : {}),
  })
}

export function cancel(invited: Request, headers: Header[] = []): Request {
  return request({
    method: 'CANCEL',
    requestUri: invited.requestUri,
    headers: [
      ...invited.headers.filter(([name]) => ['via', 'max-forwards', 'from', 'to', 'call-id'].includes(name)),
      ['cseq', `${invited.cseq.number} CANCEL`],
      ...headers,
    ],
  })
}

/** What a request inside a dialog may add. */
interface Inside {
  body?: Uint8Array
  headers?: Header[]
}

/** A request of the caller inside its dialog. */
export function within(
  invited: Request,
  answered: Response,
  from: Party,
  method: string,
  cseq: number,
  more: Inside = {},
): Request {
  return inside(invited.callId, [invited.header('from'), answered.header('to')], from, method, cseq, more)
}

/** A request of the callee inside its dialog: From and To change places. */
export function fromCallee(
  invited: Request,
  answered: Response,
  from: Party,
  method: string,
  cseq: number,
  more: Inside = {},
): Request {
  return inside(invited.callId, [answered.header('to'), invited.header('from')], from, method, cseq, more)
}

function inside(
  callId: string,
  [us, them]: readonly [string | undefined, string | undefined],
  from: Party,
  method: string,
  cseq: number,
  { body, headers = [] }: Inside,
): Request {
  const typed: Header[] = body && method !== 'INFO' ? [['content-type', 'application/sdp']] : []
  return request({
    method,
    requestUri: `sip:${relayAddress}`,
    headers: [
      ['via', via(from)],
      ['max-forwards', '70'],
      ['from', us ?? ''],
      ['to', them ?? ''],
      ['call-id', callId],
      ['cseq', `${cseq} ${method}`],
      ['contact', `<sip:${place(from)}>`],
      ...typed,
      ...headers,
    ],
    ...(body ? { body } : {}),
  })
}

export const policy: FailoverPolicy = {
  next_on: [401, 403, 407, 408, 500, 502, 503, 504],
  first_response_ms: 3_000,
  progress_ms: 8_000,
  answer_ms: 60_000,
  search_ms: 30_000,
}

export function provider(carrier: Party, more: Partial<ProviderTarget> = {}): ProviderTarget {
  const digit = carrier === telnyx ? '4' : '5'
  return {
    provider_id: `${digit.repeat(8)}-4444-4444-8444-444444444444`,
    route_id: null,
    name: carrier.name,
    hostname: `sip.${carrier.name.toLowerCase()}.test`,
    port: null,
    transport: null,
    tls: { verify: 'full', fingerprint: null },
    user: '+15551234567',
    headers: [],
    calling: null,
    asserted: null,
    codecs: [],
    credentials: null,
    place: null,
    policy,
    diversion: 'off',
    redirects: 'refuse',
    ...more,
  }
}

const facts = {
  customer_id: customerId,
  source: { type: 'extension' as const, target: 'alice', target_name: 'alice', name: '', detail: '' },
  destination: { type: 'tel' as const, target: '+15551234567', target_name: '', name: '', detail: '' },
  explanation: null,
  scopes: [],
  extension_id: null,
  trunk_id: null,
}

/** The edge says: through these carriers, in this order. */
export function through(...providers: ProviderTarget[]): RouteDecision {
  return {
    kind: 'connect',
    direction: 'outgoing',
    targets: { kind: 'providers', providers },
    caller_id: {
      user: '+15557654321',
      display: '',
      asserted: '+15557654321',
      diverting: [],
      unverified: false,
      hidden: null,
    },
    number_id: null,
    provider_id: null,
    ...facts,
  }
}

/** The edge says: ring Bob. */
export function ringBob(direction: 'incoming' | 'internal' = 'internal', ringMs = 30_000): RouteDecision {
  return {
    kind: 'connect',
    direction,
    targets: {
      kind: 'extension',
      extension: {
        extension_id: extensionIds.bob,
        customer_id: customerId,
        extension: 'bob',
        realm,
        ring_ms: ringMs,
      },
    },
    caller_id: {
      user: 'alice',
      display: 'Alice',
      asserted: null,
      diverting: [],
      unverified: false,
      hidden: null,
    },
    number_id: null,
    provider_id: null,
    ...facts,
  }
}

export function rejected(
  status: number,
  reason: string,
  customer: string | null = customerId,
  message = reason,
): RouteDecision {
  return {
    kind: 'reject',
    status,
    reason,
    message,
    direction: 'outgoing',
    ...facts,
    customer_id: customer,
  }
}

function via({ flow }: Party): string {
  return `SIP/2.0/${flow.transport.toUpperCase()} ${hostPort(flow.address, flow.port)};rport;branch=z9hG4bK${entropy.hex(8)}`
}

function place({ flow }: Party): string {
  return hostPort(flow.address, flow.port)
}
