import { describe, expect, test } from 'vitest'
import { monotonicMs, type Scope } from '#contract'
import type { Header, Request } from '../../../relay/sip/message.ts'
import { type Ladder, type Party, party, relayAddress } from '../../support/ladder.ts'
import { acme, alicesPhone, counted, limitedBy } from '../../support/limits.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  bobMobile,
  cancel,
  customerId,
  extensionIds,
  fromCallee,
  office,
  provider,
  registers,
  rejected,
  ringBob,
  sdp,
  telnyx,
  through,
  twilio,
  within,
} from '../../support/office.ts'
import { forgets, proxied } from '../../support/scene.ts'

/*
 * Calls in which everybody does anything at any time. Nothing is known of what comes out, but that
 * nobody throws, every call ends with one sound record, nothing stays behind, and no limit is ever overstepped.
 */

/** Where carriers' Contacts may lead. */
const core = party('203.0.113.77:5080', '203.0.113.77', 5080)

type Below = (below: number) => number

interface Play {
  readonly ladder: Ladder
  readonly below: Below
  readonly invited: Request
  readonly callees: readonly Party[]
  cseq: number
  /** What was asked of the relay, and by whom. */
  readonly asked: { from: Party; request: Request }[]
}

const statuses = [
  100, 180, 183, 183, 200, 200, 200, 302, 401, 407, 408, 422, 481, 486, 487, 491, 500, 503, 603,
]
const methods = ['INVITE', 'INVITE', 'CANCEL', 'BYE', 'UPDATE', 'INFO'] as const
const timers: Header[][] = [
  [],
  [['supported', 'timer']],
  [['session-expires', '120;refresher=uac']],
  [['session-expires', '90;refresher=uas']],
]
const waits = [0, 1, 60_000, 200, 500, 3_000, 8_000, 30_000, 32_000, 60_000, 181_000]

describe('calls in which anything happens in any order', () => {
  for (let block = 0; block < 8; block++) {
    test(`end, and leave nothing behind (seeds ${block * 50} to ${block * 50 + 49})`, () => {
      for (let seed = block * 50; seed < block * 50 + 50; seed++) {
        try {
          playOut(seed)
        } catch (error) {
          throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
            cause: error,
          })
        }
      }
    })
  }
})

function playOut(seed: number): void {
  const below = seededBelow(seed)
  const play = begin(below)
  const { ladder } = play
  for (let step = 0; step < 40; step++) {
    const act = acts[below(acts.length)]
    act?.(play)
    ladder.whatever()
    withinLimits(ladder)
  }
  while (ladder.questions.length > 0) ladder.noAnswer(ladder.questions[0]?.question.ask ?? 'route').whatever()
  // Alice's ACK may still be awaited before she is told BYE.
  ladder.after(64 * 500).whatever()
  forgets(ladder)
  withinLimits(ladder)
  expect(ladder.engine.rooms.ledger.leases()).toEqual([])
  for (const { from, request } of play.asked)
    expect(finals(ladder, from, request), request.method).toBeGreaterThan(0)
}

/** Where a description's sound is: an address, or now and then one of two hosts which have to be looked up. */
function place(address: string, below: Below): string {
  return below(5) === 0 ? `host${below(2)}.test` : address
}

/** Nobody has more calls than it may, and a call counts for as long as it goes on. */
function withinLimits({ engine, now, tells }: Ladder): void {
  for (const scope of [acme, alicesPhone, at(telnyx), at(twilio)])
    for (const { resource, used, of } of engine.rooms.ledger.limits(scope, monotonicMs(now)))
      expect(used, `${resource} of ${scope.kind}`).toBeLessThanOrEqual(of)
  const last = tells.at(-1)?.call
  const goesOn = last && last.status !== 'hangup' ? [last.call_id] : []
  expect(engine.rooms.ledger.leases().map(({ call_id }) => call_id)).toEqual(goesOn)
}

function at(carrier: Party): Scope {
  return { kind: 'provider', id: provider(carrier).provider_id }
}

/** How many final answers a request got. INFO and UPDATE may rightly get none: RFC 4320 §4.2. */
function finals(ladder: Ladder, from: Party, { via, cseq }: Request): number {
  if (cseq.method === 'INFO' || cseq.method === 'UPDATE') return 1
  return ladder
    .messages(from)
    .filter((message) => message.kind === 'response' && message.status >= 200)
    .filter((message) => message.via.branch === via.branch && message.cseq.method === cseq.method).length
}

/** Asks something of the relay, which must not be left without an answer. */
function says({ ladder, asked }: Play, from: Party, request: Request): void {
  if (request.method !== 'ACK') asked.push({ from, request })
  ladder.when(from, request)
}

function begin(below: Below): Play {
  const ladder = office({ limits: anyLimits(below) })
  const inside = below(3) === 0
  if (inside) {
    registers(ladder, bob, 'bob')
    registers(ladder, bobMobile, 'bob')
  }
  const body = below(4) === 0 ? new Uint8Array(0) : sdp(place('192.0.2.10', below))
  const headers = pick<Header[]>(
    [
      [],
      [
        ['supported', '100rel'],
        ['allow', 'UPDATE, PRACK'],
      ],
      [['require', '100rel']],
    ],
    below,
  )
  const invited = aliceDials(ladder, inside ? 'bob' : '+15551234567', { body, headers })
  if (below(10) > 0) ladder.decide(counted(inside ? ringBob() : through(...carriers(below)))).whatever()
  const play = {
    ladder,
    below,
    invited,
    callees: inside ? [bob, bobMobile] : [telnyx, twilio],
    cseq: 10,
    asked: [{ from: alice, request: invited }],
  }
  if (below(3) > 0) connect(play)
  return play
}

/** Two plays of three begin with an answered call; the most can go wrong in those. */
function connect({ ladder, invited, callees: [callee = telnyx] }: Play): void {
  if (ladder.questions[0]?.question.ask === 'locate') ladder.locate(callee).whatever()
  const asked = requestTo(ladder, callee, 'INVITE')
  if (!asked) return
  ladder.when(callee, answers(asked, callee, 200, { body: sdp(callee.flow.address) })).whatever()
  const body = invited.body.length === 0 ? { body: sdp('192.0.2.10') } : {}
  ladder.when(alice, ack(invited, ladder.lastResponse(alice), body)).whatever()
}

/** Most plays have limits which let one call through; some have a full carrier, or a full customer. */
function anyLimits(below: Below) {
  const max_channels = () => pick([null, 1, 1, 1, 1, 2, 0], below)
  return limitedBy({
    [customerId]: { max_channels: pick([1, 1, 1, 1, 1, 1, 1, 1, 0], below), max_daily_minutes: 600 },
    [extensionIds.alice]: { max_channels: 1, max_cps: 1 },
    [provider(telnyx).provider_id]: { max_channels: max_channels(), max_cps: 1 },
    [provider(twilio).provider_id]: { max_channels: max_channels() },
  })
}

function carriers(below: Below) {
  const credentials = below(2) === 0 ? { username: 'acme', password: 'pw', realm: null } : null
  return [provider(telnyx, { credentials, codecs: below(3) === 0 ? ['PCMU'] : [] }), provider(twilio)]
}

/** What may happen next; what makes no sense yet, does nothing. */
const acts: readonly ((play: Play) => void)[] = [
  located,
  located,
  calleeAnswers,
  calleeAnswers,
  calleeAnswers,
  calleeAnswers,
  calleeAsks,
  callerAcks,
  callerAcks,
  callerAsks,
  callerAnswers,
  callerAnswers,
  callerCancels,
  changeCancelled,
  timePasses,
  timePasses,
  netFails,
  mediaSpeaks,
  again,
  comesBack,
]

function located({ ladder, below }: Play): void {
  const waiting = ladder.questions[0]?.question.ask
  if (waiting === 'locate')
    ladder.locate(...([[telnyx], [twilio], [telnyx, twilio], []][below(4)] as Party[]))
  else if (waiting === 'route') ladder.decide(counted(through(...carriers(below))))
}

function calleeAnswers({ ladder, below, callees }: Play): void {
  const callee = pick(callees, below)
  const asked = requestTo(ladder, callee, below(3) === 0 ? pick(methods, below) : 'INVITE')
  if (asked) ladder.when(callee, anyAnswer(asked, callee, below))
}

function callerAnswers({ ladder, below }: Play): void {
  const asked = requestTo(ladder, alice, pick(methods, below))
  if (asked) ladder.when(alice, anyAnswer(asked, alice, below))
}

function calleeAsks(play: Play): void {
  const { ladder, below, callees } = play
  const callee = pick(callees, below)
  const invited = requestTo(ladder, callee, 'INVITE')
  if (!invited || invited.to.tag !== undefined) return
  const method = pick(['INVITE', 'BYE', 'UPDATE', 'INFO', 'ACK'], below)
  const cseq = method === 'ACK' ? play.cseq : ++play.cseq
  const body = below(2) === 0 ? { body: sdp(place(callee.flow.address, below)) } : {}
  says(play, callee, fromCallee(invited, answers(invited, callee, 200), callee, method, cseq, body))
}

function callerAsks(play: Play): void {
  const { ladder, below, invited } = play
  const method = pick(
    ['INVITE', 'INVITE', 'BYE', 'UPDATE', 'INFO', 'OPTIONS', 'PRACK', 'PRACK', 'ACK'],
    below,
  )
  const cseq = method === 'ACK' ? play.cseq : ++play.cseq
  const body = below(2) === 0 ? { body: sdp(place('192.0.2.10', below), 4000 + below(3)) } : {}
  const last = ladder.lastResponse(alice)
  const rack: Header[] = method === 'PRACK' ? [['rack', `${last.header('rseq')} ${last.header('cseq')}`]] : []
  const more = { ...body, headers: [...pick(timers, below), ...rack] }
  says(play, alice, within(invited, last, alice, method, cseq, more))
}

function callerAcks({ ladder, below, invited }: Play): void {
  const response = ladder.lastResponse(alice)
  const body = below(3) === 0 ? { body: sdp('192.0.2.10') } : {}
  if (response.status >= 200 && response.cseq.method === 'INVITE')
    ladder.when(alice, ack(invited, response, body))
}

function callerCancels(play: Play): void {
  const { below, invited } = play
  if (below(3) === 0) says(play, alice, cancel(invited))
}

/** Who asked for a change takes it back, in whatever state it is. */
function changeCancelled(play: Play): void {
  const { below, asked } = play
  const changes = asked.filter(({ request }) => request.method === 'INVITE')
  const { from, request } = pick(changes, below)
  says(play, from, cancel(request))
}

function timePasses({ ladder, below }: Play): void {
  ladder.after(pick(waits, below))
}

function netFails({ ladder, below, callees }: Play): void {
  if (below(3) > 0) return
  const { flow } = pick([alice, ...callees, core], below)
  ladder.hear({ type: 'unsent', flow, why: 'ECONNREFUSED' })
}

function mediaSpeaks({ ladder, below }: Play): void {
  const session = ladder.media[0]?.session
  if (session === undefined || below(4) > 0) return
  const silent = {
    type: 'silent',
    session,
    side: pick(['both', 'caller'] as const, below),
    ms: 60_000,
  } as const
  ladder.hear({ type: 'media', report: below(3) === 0 ? { type: 'failed', session, why: 'busy' } : silent })
}

/** A message is repeated, as UDP may. */
function again({ ladder, invited, below }: Play): void {
  if (below(2) === 0) ladder.when(alice, invited)
}

/** Telnyx sends our INVITE back to us, as it was or changed, and hears of a loop or that it is nobody’s. */
function comesBack({ ladder, below }: Play): void {
  const sent = requestTo(ladder, telnyx, 'INVITE')
  if (!sent || sent.to.tag !== undefined || below(3) > 0) return
  ladder
    .when(telnyx, proxied(sent, pick([sent.requestUri, `sip:+15557654321@${relayAddress}`], below)))
    .whatever()
  if (ladder.questions.at(-1)?.question.ask !== 'route') return
  ladder.decide(rejected(403, 'UNKNOWN_SOURCE', null))
}

function anyAnswer(asked: Request, from: Party, below: Below) {
  const status = pick(statuses, below)
  const stale = below(2) === 0 ? ', stale=true' : ''
  const demand = `Digest realm="r", nonce="n${below(9)}", qop="auth", algorithm=MD5${stale}`
  const headers: Header[] = []
  if (status === 401) headers.push(['www-authenticate', demand])
  if (status === 407) headers.push(['proxy-authenticate', demand])
  if (status === 503) headers.push(['retry-after', '30'])
  const sound =
    status < 300 && below(4) > 0 ? { body: sdp(place(from.flow.address, below), 4000 + below(3)) } : {}
  const tag =
    asked.to.tag !== undefined ? '' : below(5) === 0 ? 'fork' : `tag-${from.name.replace(/\W/g, '')}`
  if (status < 300) headers.push(...pick(timers, below))
  if (status === 422) headers.push(['min-se', '3600'])
  if (status > 100 && status < 200 && below(2) === 0)
    headers.push(['require', '100rel'], ['rseq', String(1 + below(4))], ['allow', 'UPDATE, PRACK'])
  const contact = below(4) === 0 ? { contact: '<sip:core@203.0.113.77:5080>' } : {}
  return answers(asked, from, status, { headers, tag, ...contact, ...sound })
}

function requestTo(ladder: Ladder, to: Party, method: string): Request | undefined {
  try {
    return ladder.lastRequest(to, method)
  } catch {
    return undefined
  }
}

function pick<T>(from: readonly T[], below: Below): T {
  return from[below(from.length)] as T
}

/** The same dice for the same seed (a linear congruential generator). */
function seededBelow(seed: number): Below {
  let state = (seed * 2_654_435_761 + 1) >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
