import { describe, expect, test } from 'vitest'
import type { ProviderTarget, RouteDecision } from '#contract'
import type { Aim, Side } from '../../../relay/ground/media.ts'
import type { Header } from '../../../relay/sip/message.ts'
import { FlowScene } from '../../support/flow-call.ts'
import type { Ladder } from '../../support/ladder.ts'
import { explanationOf } from '../../support/limits.ts'
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
  twilio,
  within,
} from '../../support/office.ts'
import { calling, leavesNothingBehind, reply200, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

const events = (number: number, clock: number) => `${number} telephone-event/${clock}`
const opusAlone = speaking('192.0.2.10', '111 110', '111 opus/48000/2', events(110, 48_000))
const both = speaking(
  '192.0.2.10',
  '111 0 110 126',
  '111 opus/48000/2',
  events(110, 48_000),
  events(126, 8_000),
)
const pcma = speaking('203.0.113.1', '8 101', events(101, 8_000))
const opusThere = speaking('203.0.113.1', '96 97', '96 opus/48000/2', events(97, 48_000))
const turns = { opus: true } as const

describe('Opus at one side and G.711 at the other', () => {
  test('is one call: the carrier is offered both, and each is told its own', () => {
    const { ladder, sent } = calling({}, { body: opusAlone }, telnyx, turns)
    expect(formats(sent.body)).toBe('111 0 8 110 127')
    expect(text(sent.body)).toContain('a=rtpmap:127 telephone-event/8000')
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: pcma })).gives('ACK to Telnyx', '200 to Alice')
    const answer = text(ladder.lastResponse(alice).body)
    expect(formats(ladder.lastResponse(alice).body)).toBe('111 110')
    expect(answer).toContain('a=fmtp:111 useinbandfec=1\r\n')
    expect(answer).toContain('a=rtpmap:110 telephone-event/48000\r\n')
    expect(answer).not.toContain('ptime')
    const caller = aimed(ladder, 'caller')
    // In packets as long as the carrier wants them.
    expect(caller.opus).toEqual({ from: [111], to: 111, law: 'PCMA', ms: 30 })
    expect(caller.rewrite).toBeUndefined()
    // Inside it speaks G.711: so is it played to, and so are its keys sent on.
    expect(caller).toMatchObject({ plays: { codec: 'PCMU', type: 0 }, clock: 48_000 })
    expect(caller.digits).toMatchObject({
      events: [110],
      passes: false,
      send: { form: 'rfc4733', type: 110, clock: 48_000 },
    })
    const callee = aimed(ladder, 'callee')
    expect(callee.opus).toBeUndefined()
    expect(callee.digits).toMatchObject({ passes: false, send: { form: 'rfc4733', type: 101, clock: 8_000 } })
  })

  test('is not turned where both speak Opus, or both G.711', () => {
    const one = calling({}, { body: opusAlone }, telnyx, turns)
    one.ladder.when(telnyx, answers(one.sent, telnyx, 200, { body: opusThere })).whatever()
    expect(formats(one.ladder.lastResponse(alice).body)).toBe('111 110')
    expect(aimed(one.ladder, 'caller')).not.toHaveProperty('opus')
    expect(aimed(one.ladder, 'caller').rewrite).toContainEqual({ from: 96, to: 111 })
    const other = calling({}, { body: both }, telnyx, turns)
    expect(formats(other.sent.body)).toBe('111 0 8 110 126')
    other.ladder.when(telnyx, answers(other.sent, telnyx, 200, { body: pcma })).whatever()
    expect(formats(other.ladder.lastResponse(alice).body)).toBe('0 126')
    expect(aimed(other.ladder, 'caller')).not.toHaveProperty('opus')
  })

  test('goes on being one through holds, whoever asks', () => {
    const { ladder, invited, sent } = calling({}, { body: opusAlone }, telnyx, turns)
    const accepted = answers(sent, telnyx, 200, { body: pcma })
    ladder.when(telnyx, accepted).whatever()
    const answer = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, answer)).gives()
    const turned = aimed(ladder, 'caller').opus
    const hold = new TextEncoder().encode(`${text(opusAlone)}a=sendonly\r\n`)
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: hold })).gives('INVITE to Telnyx')
    expect(formats(ladder.lastRequest(telnyx, 'INVITE').body)).toMatch(/^111 0 8 /)
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', pcma)).gives('ACK to Telnyx', '200 to Alice')
    expect(formats(ladder.lastResponse(alice).body)).toBe('111 110')
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
    ladder
      .when(telnyx, fromCallee(sent, accepted, telnyx, 'INVITE', 7, { body: pcma }))
      .gives('INVITE to Alice')
    expect(formats(ladder.lastRequest(alice, 'INVITE').body)).toMatch(/^111( \d+)?$/)
    ladder.when(alice, reply200(ladder, alice, 'INVITE', opusAlone)).gives('ACK to Alice', '200 to Telnyx')
    expect(formats(ladder.lastResponse(telnyx).body)).toBe('8 101')
    expect(aimed(ladder, 'caller').opus).toEqual(turned)
  })

  test('is one where the callee is to be sent Opus only', () => {
    const { ladder, sent } = calling({ codecs: ['OPUS'] }, {}, telnyx, turns)
    expect(formats(sent.body)).toMatch(/^127 101$/)
    const theirs = speaking('203.0.113.1', '127 101', '127 opus/48000/2', events(101, 8_000))
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: theirs })).gives('ACK to Telnyx', '200 to Alice')
    expect(formats(ladder.lastResponse(alice).body)).toMatch(/^0 101$/)
    expect(aimed(ladder, 'callee').opus).toEqual({ from: [127], to: 127, law: 'PCMU', ms: 20 })
    expect(aimed(ladder, 'caller')).not.toHaveProperty('opus')
  })

  test('is one with a carrier which is to be sent one law only', () => {
    const { sent } = calling({ codecs: ['PCMA'] }, { body: opusAlone }, telnyx, turns)
    expect(formats(sent.body)).toMatch(/^8 110 127$/)
  })

  test('where Opus cannot be turned is 488, and the record says why', () => {
    const why = 'libopus.so.0: cannot open shared object file'
    const ladder = watch(office({ opus: why }))
    aliceDials(ladder, '+15551234567', { body: opusAlone })
    ladder.decide(through(provider(telnyx, { codecs: ['PCMA'] }))).gives('488 to Alice')
    expect(ladder.record).toMatchObject({ reject_reason: 'NO_COMMON_CODEC' })
    expect(ladder.record.reject_message).toContain(why)
  })
})

describe('Opus of more calls than a relay turns at once', () => {
  const few = { ...turns, opusCalls: 1 }

  test('is refused where a carrier would hear it, before any rings, until one of the others is over', () => {
    const { ladder, invited, sent } = calling({}, { body: opusAlone }, telnyx, few)
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: pcma })).whatever()
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
    const answer = ladder.lastResponse(alice)
    turnedAway(ladder, opusAlone)
    expect(ladder.record.reject_message).toContain('as many calls have theirs turned')
    const because = { reason: 'TRANSCODING_BUSY' }
    expect(ladder.record.attempts).toMatchObject([
      { tries: [], status: 503, decision: 'next', cause: because },
    ])
    // Who speaks G.711, too, needs no place.
    dial(ladder, both).gives('INVITE to Telnyx')
    ladder.when(alice, within(invited, answer, alice, 'BYE', 9)).whatever()
    dial(ladder, opusAlone).gives('INVITE to Telnyx')
    expect(formats(ladder.lastRequest(telnyx, 'INVITE').body)).toBe('111 0 8 110 127')
  })

  test('is turned all the same where help is called for', () => {
    const { ladder } = calling({}, { body: opusAlone }, telnyx, few)
    aliceDials(ladder, '+15551234567', { body: opusAlone })
    const explanation = { ...explanationOf([]), emergency: true }
    ladder
      .decide({ ...through(provider(telnyx)), explanation })
      .gives('ask locate')
      .locate(telnyx)
      .gives('INVITE to Telnyx')
    expect(formats(ladder.lastRequest(telnyx, 'INVITE').body)).toBe('111 0 8 110 127')
  })

  test('has the place of a call whose callee turned out to speak it', () => {
    const { ladder, sent } = calling({}, { body: opusAlone }, telnyx, few)
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: opusThere })).whatever()
    dial(ladder, opusAlone).gives('INVITE to Telnyx')
  })

  test('passes as it is to a carrier which is to be sent Opus', () => {
    calling({}, { body: opusAlone }, telnyx, few).ladder.whatever()
    const { ladder } = calling({}, { body: opusAlone }, telnyx, few)
    dial(ladder, opusAlone, { codecs: ['OPUS', 'PCMA'] }).gives('INVITE to Telnyx')
    expect(formats(ladder.lastRequest(telnyx, 'INVITE').body)).toBe('111 110')
  })

  test('has its place while a new offer which needs it is in the air, and is not answered by what was never offered', () => {
    const { ladder, invited, sent } = calling({}, { body: both }, telnyx, few)
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: pcma })).whatever()
    const answer = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, answer)).gives()
    const change = within(invited, answer, alice, 'INVITE', 3, { body: opusAlone })
    ladder.when(alice, change).gives('INVITE to Telnyx')
    const asked = ladder.lastRequest(telnyx, 'INVITE')
    expect(formats(asked.body)).toMatch(/^111 0 8 /)
    turnedAway(ladder, opusAlone)
    ladder
      .when(telnyx, answers(asked, telnyx, 200, { tag: '', body: pcma }))
      .gives('ACK to Telnyx', '200 to Alice')
    expect(formats(ladder.lastResponse(alice).body)).toBe('111 110')
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
    turnedAway(ladder, opusAlone)
  })

  test('has its place while an offer of ours which needs it is in the air', () => {
    const ladder = watch(office(few))
    registers(ladder, bob, 'bob')
    const invited = aliceDials(ladder, '+15551234567', { body: both })
    const local = { transfer: 'local', extension_id: extensionIds.alice } as const
    ladder.decide({ ...through(provider(telnyx)), ...local } as RouteDecision).gives('ask locate')
    ladder.locate(telnyx).gives('INVITE to Telnyx')
    const sent = ladder.lastRequest(telnyx, 'INVITE')
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: both })).gives('ACK to Telnyx', '200 to Alice')
    const answer = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, answer)).gives()
    const headers: Header[] = [['refer-to', '<sip:bob@trunkline.test>']]
    ladder.when(alice, within(invited, answer, alice, 'REFER', 3, { headers })).whatever()
    ladder.decide({ ...ringBob(), ...local } as RouteDecision).gives('INVITE to Bob')
    const rung = ladder.lastRequest(bob, 'INVITE')
    ladder.when(bob, answers(rung, bob, 200, { body: opusAlone })).whatever()
    expect(formats(ladder.lastRequest(telnyx, 'INVITE').body)).toMatch(/^111 0 8 /)
    turnedAway(ladder, opusAlone)
  })

  test('may be full by the time it is known where the carrier is', () => {
    const ladder = watch(office(few))
    const [invited] = [0, 1].map(() => {
      const invited = aliceDials(ladder, '+15551234567', { body: opusAlone })
      ladder.decide(through(provider(telnyx))).gives('ask locate')
      return invited
    })
    ladder.locate(telnyx).gives('INVITE to Telnyx').locate(telnyx, twilio).gives('503 to Alice')
    expect(ladder.lastResponse(alice).callId).not.toBe(invited?.callId)
    expect(ladder.record).toMatchObject({ reject_reason: 'TRANSCODING_BUSY', hangup_reason: 'rejected' })
  })

  test('is not said to be G.711 by a new answer: who asked is refused, and speaks as it did; who took the change is told what stands', () => {
    const { ladder, invited, sent } = calling({}, { body: both }, telnyx, few)
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: pcma })).whatever()
    const answer = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, answer)).gives()
    dial(ladder, opusAlone).gives('INVITE to Telnyx')
    const held = new TextEncoder().encode(`${text(opusAlone)}a=sendonly\r\n`)
    const change = within(invited, answer, alice, 'INVITE', 3, { body: held })
    ladder.when(alice, change).gives('INVITE to Telnyx')
    const asked = ladder.lastRequest(telnyx, 'INVITE')
    expect(formats(asked.body)).not.toMatch(/\b[08]\b/)
    expect(text(asked.body)).toContain('a=sendonly')
    const theirs = new TextEncoder().encode(`${text(pcma)}a=recvonly\r\n`)
    ladder
      .when(telnyx, answers(asked, telnyx, 200, { tag: '', body: theirs }))
      .gives('ACK to Telnyx', '488 to Alice', 'INVITE to Telnyx')
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
    const back = ladder.lastRequest(telnyx, 'INVITE')
    expect(formats(back.body)).toMatch(/^111 0 /)
    expect(text(back.body)).not.toContain('a=sendonly')
    ladder.when(telnyx, answers(back, telnyx, 200, { tag: '', body: pcma })).gives('ACK to Telnyx')
    expect(aimed(ladder, 'caller').opus).toBeUndefined()
    expect(aimed(ladder, 'callee').quiet).toBe(false)
    ladder
      .when(alice, within(invited, answer, alice, 'INVITE', 4, { body: both }))
      .gives('INVITE to Telnyx')
      .when(telnyx, reply200(ladder, telnyx, 'INVITE', pcma))
      .gives('ACK to Telnyx', '200 to Alice')
    expect(formats(ladder.lastResponse(alice).body)).toBe('0 126')
    ladder.when(alice, within(invited, answer, alice, 'ACK', 4)).gives()
  })

  test('has no room for G.711 either, where a carrier or a phone is to be sent Opus alone', () => {
    const { ladder } = calling({}, { body: opusAlone }, telnyx, few)
    turnedAway(ladder, pcma, { codecs: ['OPUS'] })
    expect(ladder.record.reject_message).toContain('The caller speaks no Opus')
    registers(ladder, bob, 'bob')
    const rings = ringBob()
    if (rings.kind === 'connect' && rings.targets.kind === 'extension')
      Object.assign(rings.targets.extension, { codecs: ['OPUS'] })
    aliceDials(ladder, 'bob', { body: pcma })
    ladder.decide(rings).gives('503 to Alice')
    expect(ladder.lastResponse(alice).header('retry-after')).toBeDefined()
    expect(ladder.record).toMatchObject({ reject_reason: 'TRANSCODING_BUSY', hangup_reason: 'rejected' })
  })

  test('says nothing where turning would be of no use', () => {
    const { ladder } = calling({}, { body: opusAlone }, telnyx, few)
    aliceDials(ladder, '+15551234567', { body: opusAlone })
    ladder.decide(through(provider(telnyx, { codecs: ['G722'] }))).gives('488 to Alice')
    expect(ladder.record).toMatchObject({ reject_reason: 'NO_COMMON_CODEC' })
  })

  test('keeps no carrier from being called which takes Opus, whatever those before it take', () => {
    const { ladder } = calling({}, { body: opusAlone }, telnyx, few)
    aliceDials(ladder, '+15551234567', { body: opusAlone })
    ladder
      .decide(through(provider(telnyx), provider(twilio, { codecs: ['OPUS'] })))
      .gives('ask locate')
      .locate(twilio)
      .gives('INVITE to Twilio')
    expect(formats(ladder.lastRequest(twilio, 'INVITE').body)).toBe('111 110')
    expect(ladder.record.attempts).toMatchObject([
      { tries: [], decision: 'next', cause: { reason: 'TRANSCODING_BUSY' } },
      { decision: null },
    ])
  })

  test('does not stand for what another carrier said', () => {
    const { ladder } = calling({}, { body: opusAlone }, telnyx, few)
    aliceDials(ladder, '+15551234567', { body: opusAlone })
    ladder
      .decide(through(provider(twilio, { codecs: ['OPUS'] }), provider(telnyx)))
      .gives('ask locate')
      .locate(twilio)
      .gives('INVITE to Twilio')
    ladder
      .when(twilio, answers(ladder.lastRequest(twilio, 'INVITE'), twilio, 500))
      .gives('ACK to Twilio', '503 to Alice')
    expect(ladder.record).toMatchObject({ reject_reason: 'ALL_PROVIDERS_FAILED' })
    expect(ladder.record.reject_message).toMatch(/Twilio refused the call: 500 .*theirs turned/)
  })

  test('is one customer’s for all places but a fifth, and for half of them while another has one', () => {
    const { ladder } = calling({}, { body: opusAlone }, telnyx, { ...turns, opusCalls: 10 })
    for (let more = 1; more < 8; more++) dial(ladder, opusAlone).gives('INVITE to Telnyx')
    turnedAway(ladder, opusAlone)
    expect(ladder.record.reject_message).toContain("one customer's may at the time (8 of OPUS_CALLS, 10)")
    aliceDials(ladder, '+15551234567', { body: opusAlone })
    ladder
      .decide({ ...through(provider(telnyx)), customer_id: '22222222-1111-4111-8111-111111111111' })
      .gives('ask locate')
      .locate(telnyx)
      .gives('INVITE to Telnyx')
    turnedAway(ladder, opusAlone)
    expect(ladder.record.reject_message).toContain("one customer's may at the time (5 of OPUS_CALLS, 10)")
  })

  test('is not said to be G.711 by the first answer of a phone which was offered Opus: the call ends on both sides', () => {
    const { ladder } = calling({}, { body: opusAlone }, telnyx, few)
    registers(ladder, bob, 'bob')
    aliceDials(ladder, 'bob', { body: opusAlone })
    ladder.decide(ringBob()).gives('INVITE to Bob')
    const rung = ladder.lastRequest(bob, 'INVITE')
    expect(formats(rung.body)).toBe('111 110')
    ladder.when(bob, answers(rung, bob, 183, { body: pcma })).gives('180 to Alice')
    expect(ladder.lastResponse(alice).body).toHaveLength(0)
    ladder
      .when(bob, answers(rung, bob, 200, { body: pcma }))
      .gives('ACK to Bob', 'BYE to Bob', '488 to Alice')
    expect(ladder.record).toMatchObject({ reject_reason: 'SOUND_UNUSABLE', sip_status: 488 })
    expect(ladder.record.reject_message).toContain('a codec which it was not offered')
  })

  test.each([
    ['and who hands it on listens to what comes of it', false],
    ['and who hands it on hangs up at once', true],
  ])(
    'gives its place back as its call is handed on, though what of it is paid for goes on elsewhere, %s',
    (_, leaves) => {
      const ladder = watch(office(few))
      registers(ladder, bob, 'bob')
      const invited = aliceDials(ladder, '+15551234567', { body: opusAlone })
      const local = { transfer: 'local', extension_id: extensionIds.alice } as const
      ladder.decide({ ...through(provider(telnyx)), ...local } as RouteDecision).gives('ask locate')
      ladder.locate(telnyx).gives('INVITE to Telnyx')
      const sent = ladder.lastRequest(telnyx, 'INVITE')
      ladder.when(telnyx, answers(sent, telnyx, 200, { body: pcma })).gives('ACK to Telnyx', '200 to Alice')
      const answer = ladder.lastResponse(alice)
      ladder.when(alice, ack(invited, answer)).gives()
      turnedAway(ladder, opusAlone)
      const headers: Header[] = [['refer-to', '<sip:bob@trunkline.test>']]
      ladder.when(alice, within(invited, answer, alice, 'REFER', 3, { headers })).whatever()
      ladder.decide({ ...ringBob(), ...local } as RouteDecision).gives('INVITE to Bob')
      const rung = ladder.lastRequest(bob, 'INVITE')
      const leave = () => ladder.when(alice, within(invited, answer, alice, 'BYE', 9)).whatever()
      if (leaves) leave()
      else {
        ladder.when(bob, answers(rung, bob, 200, { body: pcma })).whatever()
        ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', pcma)).whatever()
      }
      dial(ladder, opusAlone).gives('INVITE to Telnyx')
      if (!leaves) leave()
    },
  )

  /** Alice dials, and is refused before any host is looked up. */
  function turnedAway(ladder: Ladder, body: Uint8Array, more: Partial<ProviderTarget> = {}): void {
    aliceDials(ladder, '+15551234567', { body })
    ladder.decide(through(provider(telnyx, more))).gives('503 to Alice')
    expect(ladder.lastResponse(alice).header('retry-after')).toBeDefined()
    expect(ladder.record).toMatchObject({ reject_reason: 'TRANSCODING_BUSY', hangup_reason: 'rejected' })
  }

  function dial(ladder: Ladder, body: Uint8Array, more: Partial<ProviderTarget> = {}): Ladder {
    aliceDials(ladder, '+15551234567', { body })
    return ladder
      .decide(through(provider(telnyx, more)))
      .gives('ask locate')
      .locate(telnyx)
  }
})

describe('a flow which is called by a phone of Opus alone', () => {
  test('answers it with Opus, and hears and is heard as G.711 is', () => {
    const scene = new FlowScene([{ type: 'answer' }, { type: 'talk', option: { text: 'Press 1.' } }], {
      offer: opusAlone,
      ...turns,
    })
    scene.ladder.gives('200 to Alice', 'ask sound')
    expect(formats(scene.answered.body)).toBe('111 110')
    const aim = aimed(scene.ladder, 'caller')
    expect(aim).toMatchObject({
      opus: { from: [111], to: 111, law: 'PCMU', ms: 20 },
      plays: { codec: 'PCMU', type: 0, ms: 20 },
      digits: { events: [110] },
    })
    // What it speaks can be recorded: by the usual numbers.
    expect(aim).not.toHaveProperty('spoken')
  })

  test('refuses it where Opus cannot be turned', () => {
    const scene = new FlowScene([{ type: 'answer' }], { offer: opusAlone, opus: 'no libopus' })
    expect(scene.answered.status).toBe(488)
  })
})

/** What a party says which speaks only these. */
function speaking(address: string, formats: string, ...named: string[]): Uint8Array {
  const lines = named.map((one) => `a=rtpmap:${one}\r\n`).join('')
  const said = new TextDecoder().decode(sdp(address)).replace(/m=audio[\s\S]*/, '')
  return new TextEncoder().encode(`${said}m=audio 4000 RTP/AVP ${formats}\r\n${lines}a=ptime:30\r\n`)
}

function formats(body: Uint8Array): string | undefined {
  return /^m=audio [1-9]\d* RTP\/S?AVP (.*?)\r?$/m.exec(text(body))?.[1]
}

/** How a side was aimed at last. */
function aimed(ladder: Ladder, side: Side): Aim {
  const command = ladder.media.findLast((each) => each.type === 'aim' && each.side === side)
  if (command?.type !== 'aim') throw new Error(`no ${side} was aimed`)
  return command.aim
}
