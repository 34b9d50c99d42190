import { describe, expect, test } from 'vitest'
import { type CallCommand, monotonicMs, type RouteDecision } from '#contract'
import type { Header } from '../../../relay/sip/message.ts'
import { writeMessage } from '../../../relay/sip/write.ts'
import { type Ladder, type Party, relayAddress } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  extensionIds,
  fromCallee,
  invite,
  office,
  prove,
  provider,
  registers,
  ringBob,
  sdp,
  telnyx,
  through,
  twilio,
  within,
} from '../../support/office.ts'
import { edgeSays } from '../../support/providers.ts'
import { type Answered, closeMedia, leavesNothingBehind, reply200, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

/** Before and after nothing of its INVITE is repeated any more, 64·T1. */
const [awakeMs, restingMs] = [1_000, 33_000]

type Act = (scene: Scene) => unknown

/**
 * What all parties are sent, what is ordered and told of it, and by what a capture knows its messages, from so long after the
 * answer on. Names which dice make are left out.
 */
function seen(act: Act, ms: number): string[] {
  const scene = talking()
  const { ladder, invited, answer } = scene
  const parties = [alice, telnyx, twilio, bob]
  ladder.after(ms).whatever()
  const [orderedBefore, toldBefore] = [ladder.media.length, ladder.tells.length]
  const before = new Set(parties.flatMap((party) => ladder.messages(party)))
  act(scene)
  ladder.whatever()
  if (ladder.engine.load.calls === 2 && ladder.record.status !== 'hangup') {
    ladder.when(alice, within(invited, answer, alice, 'BYE', 99)).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'BYE')).whatever()
  }
  closeMedia(ladder)
  const legs = ladder.tells.slice(toldBefore).map((tell) => ladder.engine.rooms.calls.legsOf(tell))
  const sent = parties.flatMap((party) => ladder.messages(party))
  const said = sent.filter((message) => !before.has(message)).map((message) => text(writeMessage(message)))
  const calls = ladder.tells.slice(toldBefore).map(({ call }) => untimed(call))
  return [
    ...said,
    ...[...ladder.media.slice(orderedBefore), ...calls, ...legs].map((one) => JSON.stringify(one)),
  ].map((line) => line.replaceAll(/[0-9a-f]{12,}|(?<=nonce=")\w+|[0-9a-f]{8}-[0-9a-f-]{27}/g, '#'))
}

/** A record without when and for how long. */
function untimed(call: object): unknown {
  return JSON.parse(JSON.stringify(call, (name, value) => (/_ms$|_at$/.test(name) ? undefined : value)))
}

/** Alice speaks with Telnyx, and with Twilio in another call, and may transfer them; Bob is there. */
interface Scene extends Answered {
  readonly other: Omit<Answered, 'ladder'>
}

function talking(): Scene {
  const ladder = watch(office())
  registers(ladder, bob, 'bob')
  const other = talksWith(ladder, twilio)
  return { ...talksWith(ladder, telnyx), ladder, other }
}

function talksWith(ladder: Ladder, carrier: Party): Omit<Answered, 'ladder'> {
  const invited = aliceDials(ladder, '+15551234567')
  ladder.decide({
    ...through(provider(carrier)),
    transfer: 'local',
    extension_id: extensionIds.alice,
  } as RouteDecision)
  ladder.whatever().locate(carrier)
  const sent = ladder.lastRequest(carrier, 'INVITE')
  const accepted = answers(sent, carrier, 200, { body: sdp(carrier.flow.address) })
  ladder.whatever().when(carrier, accepted).whatever()
  const answer = ladder.lastResponse(alice)
  ladder.when(alice, ack(invited, answer)).whatever()
  return { invited, sent, accepted, answer }
}

/** The API has the callee held, or spoken with again. */
function holds(ladder: Ladder, held: boolean): void {
  orders(ladder, { kind: 'call_hold', party: 'callee', music: null, held }, Number(held))
}

/** What the API orders of the call which was told of last. */
function orders(ladder: Ladder, wish: Pick<CallCommand, 'kind'> & Record<string, unknown>, at = 2): void {
  const { call_id, customer_id } = ladder.record
  const command_id = `eeeeeeee-eeee-4eee-8eee-00000000000${at}`
  const command = { ...wish, command_id, call_id, customer_id } as CallCommand
  ladder
    .hear({ type: 'beat', answer: edgeSays({ commands: [command] }), sentAt: monotonicMs(ladder.now) })
    .whatever()
}

/** One asks the other to change the sound, which answers this. */
function changes(who: 'alice' | 'telnyx', cseq: number, offer: Uint8Array, status = 200): Act {
  return ({ ladder, invited, answer, sent, accepted }) => {
    const [party, other] = who === 'alice' ? [alice, telnyx] : [telnyx, alice]
    const asks = (method: string, body?: Uint8Array) =>
      who === 'alice'
        ? within(invited, answer, alice, method, cseq, body ? { body } : {})
        : fromCallee(sent, accepted, telnyx, method, cseq, body ? { body } : {})
    ladder.when(party, asks('INVITE', offer)).whatever()
    const asked = ladder.lastRequest(other, 'INVITE')
    const body = sdp(other.flow.address, 4_000, 'a=recvonly')
    ladder
      .when(other, answers(asked, other, status, status < 300 ? { tag: '', body } : { tag: '' }))
      .whatever()
    ladder.when(party, asks('ACK')).whatever()
  }
}

/** Alice asks for a change, and hears no before long. */
const asksInVain: Act = ({ ladder, invited, answer }) => {
  const body = sdp('192.0.2.10', 6_000, 'a=sendonly')
  ladder.when(alice, within(invited, answer, alice, 'INVITE', 50, { body })).whatever()
  const asked = ladder.lastRequest(telnyx, 'INVITE')
  ladder.when(telnyx, answers(asked, telnyx, 100, { tag: '' })).whatever()
  ladder.after(2_000).whatever()
  ladder.when(telnyx, answers(asked, telnyx, 488, { tag: '' })).whatever()
  ladder.when(alice, within(invited, answer, alice, 'ACK', 50)).whatever()
}

function inTurn(...acts: Act[]): Act {
  return (scene) => {
    for (const act of acts) act(scene)
  }
}

const refersToBob: readonly Header[] = [['refer-to', '<sip:bob@trunkline.test>']]

/** Alice has Telnyx connected with Bob, who answers. */
const transfers: Act = ({ ladder, invited, answer }) => {
  ladder.when(alice, within(invited, answer, alice, 'REFER', 50, { headers: [...refersToBob] })).whatever()
  ladder.decide(ringBob()).whatever()
  const body = sdp(bob.flow.address)
  ladder.when(bob, answers(ladder.lastRequest(bob, 'INVITE'), bob, 200, { body })).whatever()
  ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp(telnyx.flow.address))).whatever()
  ladder.when(alice, within(invited, answer, alice, 'BYE', 51)).whatever()
}

/** Of a dialog of Alice's, as Replaces names it. */
function dialogOf({ invited, answer }: Pick<Answered, 'invited' | 'answer'>): string {
  return `${invited.callId};to-tag=${answer.to.tag};from-tag=${invited.from.tag}`
}

/** Alice has Telnyx connected with Twilio, with whom she speaks in her other call. */
const joins: Act = ({ ladder, invited, answer, other, sent, accepted }) => {
  const referTo = `<sip:${relayAddress}?Replaces=${encodeURIComponent(dialogOf(other))}>`
  ladder
    .when(alice, within(invited, answer, alice, 'REFER', 50, { headers: [['refer-to', referTo]] }))
    .whatever()
  ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp(telnyx.flow.address, 5_000))).whatever()
  ladder.when(alice, within(invited, answer, alice, 'BYE', 51)).whatever()
  ladder.when(alice, reply200(ladder, alice, 'BYE')).whatever()
  ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'INFO', 52)).whatever()
  ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 53)).whatever()
  ladder.when(twilio, reply200(ladder, twilio, 'BYE')).whatever()
}

/** Bob calls to speak with Telnyx in Alice's place. */
const takesPlace: Act = (scene) => {
  const { ladder, sent, accepted } = scene
  const first = invite(bob, 'alice', { headers: [['replaces', dialogOf(scene)]] })
  ladder.when(bob, first).whatever()
  const second = prove(first, ladder.lastResponse(bob), 'bob')
  ladder.when(bob, second).whatever()
  ladder.when(bob, ack(second, ladder.lastResponse(bob))).whatever()
  ladder.when(alice, reply200(ladder, alice, 'BYE')).whatever()
  ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 50)).whatever()
  ladder.when(bob, reply200(ladder, bob, 'BYE')).whatever()
}

/** Both offer something else at once. */
const crosses: Act = ({ ladder, invited, answer, sent, accepted }) => {
  const hold = sdp('192.0.2.10', 4_000, 'a=sendonly')
  ladder.when(alice, within(invited, answer, alice, 'INVITE', 50, { body: hold })).whatever()
  const theirs = sdp('203.0.113.1', 4_000, 'a=inactive')
  ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'INVITE', 50, { body: theirs })).whatever()
  ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'ACK', 50)).whatever()
  ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 491, { tag: '' })).whatever()
  ladder.when(alice, within(invited, answer, alice, 'ACK', 50)).whatever()
}

const toBob = { type: 'extension', target: 'bob', target_name: 'bob', name: '', detail: '' } as const

const acts: Readonly<Record<string, Act>> = {
  'is hung up': () => {},
  'is put on hold by its caller, and taken back': inTurn(
    changes('alice', 50, sdp('192.0.2.10', 4_000, 'a=sendonly')),
    changes('alice', 51, sdp('192.0.2.10')),
  ),
  'is put on hold by its callee, and taken back': inTurn(
    changes('telnyx', 50, sdp('203.0.113.1', 4_000, 'a=sendonly')),
    changes('telnyx', 51, sdp('203.0.113.1')),
  ),
  'keeps what was agreed on where a change is refused': inTurn(
    changes('alice', 50, sdp('192.0.2.10', 6_000, 'a=sendonly'), 488),
    changes('alice', 51, sdp('192.0.2.10', 8_000)),
  ),
  'is asked for an offer': ({ ladder, invited, answer }) => {
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 50)).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1', 7_000))).whatever()
    ladder.when(alice, within(invited, answer, alice, 'ACK', 50, { body: sdp('192.0.2.10') })).whatever()
  },
  'is offered what it was offered': ({ ladder, invited, answer }) => {
    const headers: Header[] = [['session-expires', '1800']]
    ladder
      .when(alice, within(invited, answer, alice, 'INVITE', 50, { body: invited.body, headers }))
      .whatever()
    ladder.when(alice, within(invited, answer, alice, 'ACK', 50)).whatever()
  },
  'is changed by UPDATE': ({ ladder, invited, answer }) => {
    const body = sdp('192.0.2.10', 6_000)
    ladder.when(alice, within(invited, answer, alice, 'UPDATE', 50, { body })).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'UPDATE', sdp('203.0.113.1'))).whatever()
  },
  'is told of a key by INFO': ({ ladder, invited, answer }) => {
    const headers: Header[] = [['content-type', 'application/dtmf-relay']]
    const body = new TextEncoder().encode('Signal=5\r\nDuration=160\r\n')
    ladder.when(alice, within(invited, answer, alice, 'INFO', 50, { body, headers })).whatever()
  },
  'is held by the API': ({ ladder }) => {
    holds(ladder, true)
    ladder
      .when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1', 4_000, 'a=recvonly')))
      .whatever()
    holds(ladder, false)
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1'))).whatever()
  },
  'is transferred': transfers,
  'is transferred by the API': ({ ladder }) => {
    orders(ladder, { kind: 'call_transfer', party: 'callee', destination: toBob })
    ladder.decide({ ...ringBob(), extension_id: extensionIds.alice } as RouteDecision).whatever()
    const body = sdp(bob.flow.address)
    ladder.when(bob, answers(ladder.lastRequest(bob, 'INVITE'), bob, 200, { body })).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp(telnyx.flow.address))).whatever()
    ladder.after(1).whatever()
    ladder.when(alice, reply200(ladder, alice, 'BYE')).whatever()
  },
  'is joined with another one': joins,
  'has the place of its caller taken': takesPlace,
  'is hung up by the API': ({ ladder }) => orders(ladder, { kind: 'call_hangup' }),
  'is asked for two changes at once': crosses,
  'is to pass a message to a carrier, which takes none': ({ ladder, invited, answer }) => {
    const body = new TextEncoder().encode('hello')
    const headers: Header[] = [['content-type', 'text/plain']]
    ladder.when(alice, within(invited, answer, alice, 'MESSAGE', 50, { body, headers })).whatever()
  },
}

describe('a call which lasts', () => {
  test.each(Object.entries(acts))('%s as one which has just begun', (_, act) => {
    const resting = seen(act, restingMs)
    expect(resting.length).toBeGreaterThan(1)
    expect(resting).toEqual(seen(act, awakeMs))
  })

  test('keeps what was agreed on where a change waits for its answer just as it comes to rest, and is refused', () => {
    const act = inTurn(asksInVain, changes('alice', 51, sdp('192.0.2.10', 6_000, 'a=sendonly')))
    expect(seen(act, restingMs - 2_000)).toEqual(seen(act, awakeMs))
  })
})
