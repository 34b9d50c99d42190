import { describe, expect, test } from 'vitest'
import { type CallCommand, monotonicMs, type RouteDecision } from '#contract'
import type { Header } from '../../../relay/sip/message.ts'
import { writeMessage } from '../../../relay/sip/write.ts'
import type { Ladder } from '../../support/ladder.ts'
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
  ringBob,
  sdp,
  telnyx,
  through,
  within,
} from '../../support/office.ts'
import { edgeSays } from '../../support/providers.ts'
import { type Answered, closeMedia, leavesNothingBehind, reply200, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

/** Before and after nothing of its INVITE is repeated any more, 64·T1. */
const [awakeMs, restingMs] = [1_000, 33_000]

type Act = (scene: Answered) => unknown

/** What both parties are sent, and what is ordered and told of it, from so long after the answer on. Names which dice make are left out. */
function seen(act: Act, ms: number): string[] {
  const scene = talking()
  const { ladder, invited, answer } = scene
  ladder.after(ms).whatever()
  const [orderedBefore, toldBefore] = [ladder.media.length, ladder.tells.length]
  const before = new Set([alice, telnyx, bob].flatMap((party) => ladder.messages(party)))
  act(scene)
  ladder.whatever()
  if (ladder.engine.load.calls === 1 && ladder.record.status !== 'hangup') {
    ladder.when(alice, within(invited, answer, alice, 'BYE', 99)).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'BYE')).whatever()
  }
  closeMedia(ladder)
  const sent = [alice, telnyx, bob].flatMap((party) => ladder.messages(party))
  const said = sent.filter((message) => !before.has(message)).map((message) => text(writeMessage(message)))
  const calls = ladder.tells.slice(toldBefore).map(({ call }) => untimed(call))
  return [...said, ...[...ladder.media.slice(orderedBefore), ...calls].map((one) => JSON.stringify(one))].map(
    (line) => line.replaceAll(/[0-9a-f]{12,}|[0-9a-f]{8}-[0-9a-f-]{27}/g, '#'),
  )
}

/** A record without when and for how long. */
function untimed(call: object): unknown {
  return JSON.parse(JSON.stringify(call, (name, value) => (/_ms$|_at$/.test(name) ? undefined : value)))
}

/** Alice speaks with Telnyx, and may transfer it; Bob is there. */
function talking(): Answered {
  const ladder = watch(office())
  registers(ladder, bob, 'bob')
  const invited = aliceDials(ladder, '+15551234567')
  ladder.decide({
    ...through(provider(telnyx)),
    transfer: 'local',
    extension_id: extensionIds.alice,
  } as RouteDecision)
  ladder.whatever().locate(telnyx)
  const sent = ladder.lastRequest(telnyx, 'INVITE')
  const accepted = answers(sent, telnyx, 200, { body: sdp('203.0.113.1') })
  ladder.whatever().when(telnyx, accepted).whatever()
  const answer = ladder.lastResponse(alice)
  ladder.when(alice, ack(invited, answer)).whatever()
  return { ladder, invited, sent, accepted, answer }
}

/** The API has the callee held, or spoken with again. */
function holds(ladder: Ladder, held: boolean): void {
  const { call_id, customer_id } = ladder.record
  const command_id = `eeeeeeee-eeee-4eee-8eee-00000000000${Number(held)}`
  const command: CallCommand = {
    kind: 'call_hold',
    party: 'callee',
    music: null,
    held,
    command_id,
    call_id,
    customer_id,
  }
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
}

describe('a call which lasts', () => {
  test.each(Object.entries(acts))('%s as one which has just begun', (_, act) => {
    const resting = seen(act, restingMs)
    expect(resting.length).toBeGreaterThan(1)
    expect(resting).toEqual(seen(act, awakeMs))
  })
})
