import { describe, expect, test } from 'vitest'
import type { RouteDecision } from '#contract'
import type { Header, Message, Request, Response } from '../../../relay/sip/message.ts'
import { follows } from '../../support/flow-call.ts'
import { type Ladder, type Party, relayAddress } from '../../support/ladder.ts'
import { counted } from '../../support/limits.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
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
import { forgets, text } from '../../support/scene.ts'

/*
 * Transfers in which anything happens in any order. Whatever comes of them: no leg is left up, nothing stays behind, and
 * who asked hears the end of it.
 */

type Below = (below: number) => number

/** A dialog with the relay, as the party at its other end knows it. */
interface Dialog {
  readonly party: Party
  readonly callId: string
  readonly tag: string
  readonly asks: (method: string, cseq: number, more?: Parameters<typeof within>[5]) => Request
  over: boolean
}

interface Play {
  readonly ladder: Ladder
  readonly below: Below
  readonly dialogs: Dialog[]
  readonly refers: { readonly dialog: Dialog; readonly request: Request }[]
  /** Branches of the relay's requests which were answered finally. */
  readonly answered: Set<string | undefined>
}

const alices = { transfer: 'local', extension_id: extensionIds.alice } as const
const outside = (carrier: Party) => counted({ ...through(provider(carrier)), ...alices } as RouteDecision)
const inside = () => counted({ ...ringBob(), ...alices } as RouteDecision)
const hold = { type: 'sleep', option: { duration: 20_000 } }
const ring = { type: 'connect', option: { destinations: [{ type: 'extension', target: 'bob' }] } }
const menu = () => counted(follows([hold, ring, hold], alices))

describe('transfers in which anything happens in any order', () => {
  for (let block = 0; block < 4; block++) {
    test(`leave no leg up, and nothing behind (seeds ${block * 50} to ${block * 50 + 49})`, () => {
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
  const ladder = office()
  const play: Play = { ladder, below, dialogs: [], refers: [], answered: new Set() }
  registers(ladder, bob, 'bob')
  talk(play, telnyx, outside(telnyx))
  if (below(2) === 0)
    talk(
      play,
      ...pick(
        [
          [twilio, outside(twilio)],
          [bob, inside()],
        ] as const,
        below,
      ),
    )
  refers(play)
  // Who is to be offered something else may be busy with what it is asked still.
  if (below(2) === 0) changes(play)
  ladder.whatever()
  for (let step = 0; step < 25; step++) {
    pick(acts, below)(play)
    ladder.whatever()
  }
  while (ladder.questions.length > 0) ladder.noAnswer(ladder.questions[0]?.question.ask ?? 'route').whatever()
  // Whatever is waited for is given up by then.
  ladder.after(400_000).whatever()
  toldOfTransfers(play)
  for (const dialog of play.dialogs) if (below(2) === 0) bye(play, dialog)
  forgets(ladder)
  legsAreDown(play)
  expect(ladder.engine.rooms.ledger.leases()).toEqual([])
  const opened = new Set(ladder.media.filter(({ type }) => type === 'open').map(({ session }) => session))
  const closed = new Set(ladder.media.filter(({ type }) => type === 'close').map(({ session }) => session))
  expect(closed).toEqual(opened)
}

/** Each dialog got a BYE, or sent one, or its party said that it knows of none any more. */
function legsAreDown({ ladder, dialogs }: Play): void {
  for (const dialog of dialogs) {
    const heard = byes(ladder, dialog)
    expect(dialog.over || heard.length > 0, `${dialog.party.name} ${dialog.callId} is left up`).toBe(true)
  }
}

function byes(ladder: Ladder, { party, callId }: Dialog) {
  return ladder
    .messages(party)
    .filter((one) => one.kind === 'request' && one.method === 'BYE' && one.callId === callId)
}

/** Each REFER which was taken got its final NOTIFY, unless its dialog ended. */
function toldOfTransfers({ ladder, refers }: Play): void {
  for (const { dialog, request } of refers) {
    const taken = ladder
      .messages(alice)
      .some((one) => one.kind === 'response' && one.status === 202 && one.via.branch === request.via.branch)
    const final = ladder
      .messages(alice)
      .filter((one) => one.kind === 'request' && one.method === 'NOTIFY' && one.callId === dialog.callId)
      .filter((one) => one.header('event') === `refer;id=${request.cseq.number}`)
      .some((one) => one.header('subscription-state')?.startsWith('terminated'))
    const ended = dialog.over || byes(ladder, dialog).length > 0
    expect(!taken || final || ended, `REFER ${request.cseq.number}: ${text(request.body)}`).toBe(true)
  }
}

/** Alice has a call with a party. */
function talk({ ladder, dialogs }: Play, callee: Party, decision: RouteDecision): void {
  const invited = aliceDials(ladder, callee === bob ? 'bob' : '+15551234567')
  ladder.decide(decision).whatever()
  if (ladder.questions.length > 0) ladder.locate(callee).whatever()
  const sent = ladder.lastRequest(callee, 'INVITE')
  accepts({ ladder, dialogs }, callee, sent)
  const answer = ladder.lastResponse(alice)
  ladder.when(alice, ack(invited, answer)).whatever()
  dialogs.push({
    party: alice,
    callId: invited.callId,
    tag: answer.to.tag ?? '',
    asks: (method, cseq, more) => within(invited, answer, alice, method, cseq, more),
    over: false,
  })
}

/** A party takes a call of the relay's. */
function accepts({ ladder, dialogs }: Pick<Play, 'ladder' | 'dialogs'>, party: Party, sent: Request): void {
  const accepted: Response = answers(sent, party, 200, { body: sdp(party.flow.address) })
  ladder.when(party, accepted).whatever()
  const acked = ladder.messages(party).some((one) => isAck(one) && one.callId === sent.callId)
  // An INVITE which is over long since is answered too late to begin anything.
  if (!acked || dialogs.some(({ callId }) => callId === sent.callId)) return
  dialogs.push({
    party,
    callId: sent.callId,
    tag: accepted.to.tag ?? '',
    asks: (method, cseq, more) => fromCallee(sent, accepted, party, method, cseq, more),
    over: false,
  })
}

function isAck(one: Message): boolean {
  return one.kind === 'request' && one.method === 'ACK'
}

/** Alice asks for a transfer of one of her calls, to Bob, to Twilio, or into another one of hers. */
function refers({ ladder, below, dialogs, refers: asked }: Play): void {
  const hers = dialogs.filter(({ party, over }) => party === alice && !over)
  if (hers.length === 0) return
  const dialog = pick(hers, below)
  const other = pick(hers, below)
  const replaces = encodeURIComponent(
    `${other.callId};to-tag=${other.tag};from-tag=${other.asks('INFO', 1).from.tag}`,
  )
  const targets = [
    '<sip:bob@trunkline.test>',
    '<sip:+15557654321@trunkline.test>',
    `<sip:${relayAddress}?Replaces=${replaces}>`,
  ]
  const request = dialog.asks('REFER', next(), { headers: [['refer-to', pick(targets, below)] as Header] })
  asked.push({ dialog, request })
  ladder.when(alice, request).whatever()
}

let last = 10

/** A CSeq number above all before. */
function next(): number {
  return ++last
}

function bye({ ladder }: Play, dialog: Dialog): void {
  if (dialog.over) return
  dialog.over = true
  ladder.when(dialog.party, dialog.asks('BYE', next())).whatever()
}

const acts: readonly ((play: Play) => void)[] = [
  decides,
  decides,
  calledAnswers,
  calledAnswers,
  offeredAnswers,
  offeredAnswers,
  offeredAnswers,
  othersAnswer,
  othersAnswer,
  (play) => refers(play),
  changes,
  changeAcked,
  targetLeaves,
  timePasses,
  timePasses,
  (play) => play.below(2) === 0 && bye(play, pick(play.dialogs, play.below)),
]

function decides({ ladder, below }: Play): void {
  const ask = ladder.questions[0]?.question.ask
  if (ask === 'locate') ladder.locate(twilio)
  else if (ask === 'route')
    ladder.decide(pick([inside(), inside(), outside(twilio), menu(), rejected(403, 'NO_ROUTE')], below))
}

/** Requests of the relay to a party which it has not answered finally. */
function open({ ladder, answered }: Play, party: Party): Request[] {
  return ladder
    .messages(party)
    .filter((one): one is Request => one.kind === 'request' && one.method !== 'ACK')
    .filter((one) => !answered.has(one.via.branch))
}

/** Who is called by a transfer answers, or does not want to. */
function calledAnswers(play: Play): void {
  const { ladder, below, answered } = play
  const party = pick([bob, twilio], below)
  const sent = open(play, party).find(({ method, to }) => method === 'INVITE' && to.tag === undefined)
  if (!sent) return
  const status = pick([180, 200, 200, 200, 486], below)
  if (status >= 200) answered.add(sent.via.branch)
  if (status === 200) accepts(play, party, sent)
  else ladder.when(party, answers(sent, party, status))
}

/** Who is offered another sound takes it, refuses it, or rings on. */
function offeredAnswers(play: Play): void {
  const { ladder, below, answered } = play
  const party = pick([telnyx, bob, twilio, alice], below)
  const sent = open(play, party).find(({ method, to }) => method === 'INVITE' && to.tag !== undefined)
  if (!sent) return
  const status = pick([180, 200, 200, 200, 408, 481, 488, 491, 500], below)
  if (status >= 200) answered.add(sent.via.branch)
  // It has no call any more.
  if (status === 481) for (const dialog of play.dialogs) if (dialog.callId === sent.callId) dialog.over = true
  const sound = status === 200 ? { body: sdp(party.flow.address, 4000 + below(3)) } : {}
  ladder.when(party, answers(sent, party, status, { tag: '', ...sound }))
}

/** What else a party was asked, it answers. */
function othersAnswer(play: Play): void {
  const { ladder, below, answered } = play
  const party = pick([telnyx, bob, twilio, alice], below)
  const sent = open(play, party).find(({ method }) => method !== 'INVITE')
  if (!sent) return
  answered.add(sent.via.branch)
  ladder.when(party, answers(sent, party, 200, { tag: '' }))
}

/** A party changes its sound. */
function changes({ ladder, below, dialogs }: Play): void {
  const dialog = pick(dialogs, below)
  if (dialog.over) return
  ladder.when(dialog.party, dialog.asks('INVITE', next(), { body: sdp(dialog.party.flow.address, 4002) }))
}

/** And acknowledges the answer to that. */
function changeAcked({ ladder, below, dialogs }: Play): void {
  const dialog = pick(dialogs, below)
  const answer = ladder
    .messages(dialog.party)
    .findLast(
      (one) => one.kind === 'response' && one.callId === dialog.callId && one.cseq.method === 'INVITE',
    )
  if (answer?.kind === 'response' && answer.status === 200)
    ladder.when(dialog.party, dialog.asks('ACK', answer.cseq.number))
}

/** Who was called by a transfer answers and hangs up at once. */
function targetLeaves(play: Play): void {
  const { dialogs, ladder } = play
  const before = dialogs.length
  calledAnswers(play)
  ladder.whatever()
  for (const dialog of dialogs.slice(before)) bye(play, dialog)
}

function timePasses({ ladder, below }: Play): void {
  ladder.after(pick([0, 0, 200, 200, 1_000, 4_000, 33_000, 181_000], below))
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
