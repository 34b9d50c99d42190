import { describe, expect, test } from 'vitest'
import { plannedRing, type RingStep, type RouteDecision, type RouteQuestion } from '#contract'
import type { Header } from '../../../relay/sip/message.ts'
import { FlowScene, follows } from '../../support/flow-call.ts'
import { type Ladder, party } from '../../support/ladder.ts'
import { explanationOf } from '../../support/limits.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  bobMobile,
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
import { leavesNothingBehind, reply200, text, watch } from '../../support/scene.ts'

/*
 * A call comes to a flow late: by a list which ends with one, by a number of the customer's own, by a transfer.
 */

leavesNothingBehind()

const door = party('the door', '192.0.2.77', 5070)
const forwarder = { kind: 'extension', id: extensionIds.bob, name: 'bob' } as const
const flowId = '88888888-8888-4888-8888-888888888888'
const explanation = { ...explanationOf([]), outcome: 'flow' as const }
const menu = () =>
  follows([{ type: 'answer' }, { type: 'sleep', option: { duration: 60_000 } }], { explanation })
type Sought = RingStep['targets'][number]
const sought = (type: Sought['type'], target: string): Sought => ({
  type,
  target,
  ring_ms: null,
  delay_ms: 0,
})
const itself = sought('extension', 'bob')
const toFlow = sought('flow', flowId)

/** The edge says: ring whom Bob's list names. */
function list(...steps: RingStep[]): RouteDecision {
  const plan = steps.flatMap(({ when, targets }, at) =>
    targets.map(({ type, target }) => plannedRing.parse({ type, target, when, by: 'bob', step: at + 1 })),
  )
  return {
    ...(ringBob() as Extract<RouteDecision, { kind: 'connect' }>),
    explanation: { ...explanationOf([]), plan },
    targets: { kind: 'plan', plan: { forwarder, called: 'bob', steps } },
  }
}

function calls(decision: RouteDecision, ...phones: (typeof bob)[]) {
  const ladder = watch(office({}, door))
  for (const phone of phones) registers(ladder, phone, 'bob')
  const invited = aliceDials(ladder, 'bob')
  ladder.decide(decision)
  return { ladder, invited }
}

/** Where the question asked last leads. */
function asked(ladder: Ladder): string | undefined {
  const question = ladder.questions.findLast(({ question }) => question.ask === 'route')?.question
  const { caller, to } = question?.ask === 'route' ? question.question : ({} as RouteQuestion)
  return caller?.kind === 'forwarder' ? `${caller.type} ${to.user}` : undefined
}

const says = (ladder: Ladder, who: typeof bob, status: number) =>
  ladder.when(who, answers(ladder.lastRequest(who, 'INVITE'), who, status))

describe('a list which ends with a flow', () => {
  const orFlow = list({ when: [], targets: [itself] }, { when: ['busy'], targets: [toFlow] })

  test('has that answer when nobody before it did', () => {
    const { ladder, invited } = calls(orFlow, bob)
    ladder.gives('ask route').decide(ringBob()).gives('INVITE to Bob')
    says(ladder, bob, 180).gives('180 to Alice')
    says(ladder, bob, 486).gives('ACK to Bob', 'ask route')
    expect(asked(ladder)).toBe(`flow ${flowId}`)
    ladder.decide(menu()).gives('200 to Alice')
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
    expect(ladder.record).toMatchObject({
      status: 'progressing',
      attempts: [{ destination: 'bob', status: 486 }],
      flow: { trace: [{ outcome: 'answered' }, {}] },
      decision: {
        plan: [{ target: 'bob' }, { target: flowId, outcome: 'flow' }],
      },
    })
    ladder.after(60_000).gives('BYE to Alice')
    expect(ladder.record).toMatchObject({ hangup_by: 'system', flow: { ended: 'hung_up' } })
  })

  test('has it only where those before it ended as it waits for', () => {
    const { ladder } = calls(orFlow)
    ladder.gives('ask route').decide(ringBob()).gives('480 to Alice')
  })

  test('has it hear the caller’s keys, and connect others for it', () => {
    const flow = follows([
      { type: 'answer' },
      { type: 'digits_receive', option: { length: 1, duration: 5_000 } },
      { type: 'connect', option: { destinations: [{ type: 'sip', target: 'sip:door@door.test' }] } },
    ])
    const { ladder, invited } = calls(orFlow, bob)
    ladder.gives('ask route').decide(ringBob()).whatever()
    says(ladder, bob, 486).whatever().decide(flow).gives('200 to Alice')
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
    const session = ladder.media.find(({ type }) => type === 'open')?.session ?? 0
    const pressed = { type: 'digit', side: 'caller', session, key: '1', form: 'rfc4733' }
    ladder.hear({ type: 'media', report: pressed as never }).gives('ask route')
    expect(asked(ladder)).toBe('sip sip:door@door.test')
    ladder.decide(ringBob()).gives('INVITE to Bob')
    ladder.when(bob, answers(ladder.lastRequest(bob, 'INVITE'), bob, 200, { body: sdp('192.0.2.20') }))
    ladder.gives('ACK to Bob')
  })

  test('lets who rings still ring on, though the flow’s turn has come in the list of one of them', () => {
    const both = list({ when: [], targets: [itself, sought('sip', 'sip:door@door.test')] })
    const { ladder, invited } = calls(both, bob, bobMobile)
    ladder.gives('ask route', 'ask route').decide(menu()).gives()
    ladder.decide(ringBob()).gives('INVITE to Bob', "INVITE to Bob's mobile")
    says(ladder, bob, 180).gives('180 to Alice')
    says(ladder, bob, 486).whatever()
    says(ladder, bobMobile, 480).gives("ACK to Bob's mobile", '200 to Alice')
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
    expect(ladder.record).toMatchObject({ status: 'progressing', flow: { flow_id: expect.any(String) } })
  })

  test('and is answered by who rings still leads to no flow', () => {
    const both = list({ when: [], targets: [itself, sought('sip', 'sip:door@door.test')] })
    const { ladder } = calls(both, bob)
    ladder.gives('ask route', 'ask route').decide(menu()).decide(ringBob()).gives('INVITE to Bob')
    ladder.when(bob, answers(ladder.lastRequest(bob, 'INVITE'), bob, 200, { body: sdp('192.0.2.20') }))
    ladder.gives('ACK to Bob', '200 to Alice')
    expect(ladder.record.flow).toBeNull()
  })

  test('rings nobody after one which leads to a flow: that takes the call', () => {
    const first = list(
      { when: [], targets: [sought('tel', '+12125550100')] },
      { when: ['busy', 'no_answer', 'not_registered', 'failed'], targets: [itself] },
    )
    const { ladder, invited } = calls(first, bob)
    ladder.gives('ask route').decide(menu()).gives('200 to Alice')
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
  })

  test('parts the caller from a callee which was heard before it failed', () => {
    const steps = [
      { when: [], targets: [sought('tel', '+13105550123')] },
      { when: ['busy' as const], targets: [toFlow] },
    ]
    const { ladder, invited } = calls(list(...steps))
    ladder
      .gives('ask route')
      .decide(through(provider(telnyx)))
      .gives('ask locate')
      .locate(telnyx)
    const sent = ladder.lastRequest(telnyx, 'INVITE')
    ladder
      .whatever()
      .when(telnyx, answers(sent, telnyx, 183, { body: sdp('203.0.113.1') }))
      .gives('183 to Alice')
    ladder.when(telnyx, answers(sent, telnyx, 486)).gives('ACK to Telnyx', 'ask route')
    const before = ladder.media.length
    ladder.decide(menu()).gives('200 to Alice')
    expect(ladder.media.slice(before)).toMatchObject([
      { type: 'disconnect', side: 'caller' },
      { type: 'aim', side: 'callee', aim: { rtp: undefined } },
      ...ladder.media.slice(before + 2),
    ])
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
  })

  test('says how the flow ended where that answered nothing', () => {
    const { ladder } = calls(orFlow, bob)
    ladder.gives('ask route').decide(ringBob()).whatever()
    says(ladder, bob, 486).whatever()
    ladder.decide(follows([{ type: 'hangup', option: { reason: 'busy' } }])).gives('486 to Alice')
    expect(ladder.record).toMatchObject({ reject_reason: 'FLOW_ENDED', sip_status: 486 })
  })
})

describe('a phone’s 302 to a number which follows a flow', () => {
  test('leads there', () => {
    const { ladder, invited } = calls(ringBob(), bob)
    const rung = ladder.lastRequest(bob, 'INVITE')
    const headers: Header[] = [['contact', '<sip:+12125550100@trunkline.test>']]
    ladder
      .whatever()
      .when(bob, answers(rung, bob, 302, { headers }))
      .gives('ACK to Bob', 'ask route')
    ladder.decide(menu()).gives('200 to Alice')
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
  })
})

describe('a flow which connects its caller with what follows a flow', () => {
  const connect = (target: string) => ({
    type: 'connect',
    option: { destinations: [{ type: 'tel', target }], relay_reason: false },
  })
  const outer = [{ type: 'answer' }, connect('+12125550100'), { type: 'beep' }]

  function led(): FlowScene {
    const scene = new FlowScene(outer)
    watch(scene.ladder)
    scene.ladder.gives('200 to Alice', 'ask route')
    scene.acks().ladder.gives()
    return scene
  }

  test('goes through that one, and then on', () => {
    const scene = led()
    const inner = [
      { id: 'b1', type: 'sleep', option: { duration: 1_000 } },
      { id: 'b2', type: 'answer' },
    ]
    scene.ladder.decide(follows(inner)).gives().after(1_000)
    expect(scene.played).toEqual(['tone 1000'])
    scene.playedOut().ladder.gives('BYE to Alice')
    expect(scene.outcomes.map((one) => one.split(' ')[1])).toEqual([
      'answered',
      'answered',
      'slept',
      'answered',
      'played',
    ])
  })

  test('goes round a few times, and no more: then nobody was there', () => {
    const scene = led()
    const round = [
      { id: 'again', ...connect('+12125550101') },
      { id: 'behind', type: 'answer' },
    ]
    for (let at = 0; at < 5; at++) scene.ladder.decide(follows(round)).gives('ask route')
    scene.ladder.decide(follows(round)).gives()
    expect(scene.ordered('play')).toBeDefined()
    scene.playedOut().ladder.gives('BYE to Alice')
    expect(scene.outcomes).toContain('again failed')
    expect(scene.outcomes.at(-1)).toBe('a3 played')
  })
})

describe('a transfer to what follows a flow', () => {
  const alices = { transfer: 'local', extension_id: extensionIds.alice } as const
  const target: Header = ['refer-to', '<sip:+12125550100@trunkline.test>']

  /** Alice talks with Telnyx, and has asked that Telnyx be led to our number. */
  function referred() {
    const ladder = watch(office())
    registers(ladder, bob, 'bob')
    const invited = aliceDials(ladder, '+15551234567')
    ladder.decide({ ...through(provider(telnyx)), ...alices } as RouteDecision).whatever()
    ladder.locate(telnyx).whatever()
    const sent = ladder.lastRequest(telnyx, 'INVITE')
    const accepted = answers(sent, telnyx, 200, { body: sdp('203.0.113.1') })
    ladder.when(telnyx, accepted).whatever()
    const answer = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, answer)).gives()
    ladder.when(alice, within(invited, answer, alice, 'REFER', 3, { headers: [target] }))
    ladder.gives('202 to Alice', 'NOTIFY to Alice', 'ask route')
    const asks = (method: string, cseq: number) => fromCallee(sent, accepted, telnyx, method, cseq)
    return { ladder, invited, answer, asks }
  }
  function transferred(flow = menu()) {
    const scene = referred()
    scene.ladder.decide(flow).gives('INVITE to Telnyx')
    return scene
  }
  const told = (ladder: Ladder) => text(ladder.lastRequest(alice, 'NOTIFY').body).trim()
  const taken = (ladder: Ladder) =>
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1', 5_000)))

  test('offers the party our sound; the flow begins when it is there, and who asked is left', () => {
    const { ladder, invited, answer, asks } = transferred()
    expect(text(ladder.lastRequest(telnyx, 'INVITE').body)).toContain('PCMU/8000')
    taken(ladder).gives('ACK to Telnyx', 'NOTIFY to Alice')
    expect(told(ladder)).toBe('SIP/2.0 200 OK')
    ladder.when(alice, within(invited, answer, alice, 'BYE', 4)).gives('200 to Alice')
    expect(ladder.tells.map(({ call }) => call).findLast(({ status }) => status === 'hangup')).toMatchObject({
      hangup_reason: 'transferred',
    })
    const second = ladder.tells.findLast(({ call }) => call.transfer_type === 'blind')
    expect(second?.call).toMatchObject({ status: 'progressing', flow: { name: expect.any(String) } })
    expect(ladder.media.findLast(({ type }) => type === 'listen')).toMatchObject({ side: 'caller' })
    ladder.when(telnyx, asks('BYE', 1)).gives('200 to Telnyx')
    expect(ladder.record).toMatchObject({
      hangup_by: 'caller',
      hangup_reason: 'normal',
      flow: { ended: 'left', trace: [{ outcome: 'answered' }, { outcome: 'left' }] },
    })
  })

  test('hears its keys, and connects it with others; when those leave it goes on', () => {
    const { ladder } = transferred(
      follows([
        { type: 'digits_receive', option: { length: 1, duration: 5_000 } },
        { type: 'connect', option: { destinations: [{ type: 'extension', target: 'bob' }] } },
        { type: 'sleep', option: { duration: 1_000 } },
      ]),
    )
    taken(ladder).gives('ACK to Telnyx', 'NOTIFY to Alice')
    const session = ladder.media.findLast(({ type }) => type === 'listen')?.session ?? 0
    const pressed = { type: 'digit', side: 'caller', session, key: '1', form: 'rfc4733' }
    ladder.hear({ type: 'media', report: pressed as never }).gives('ask route')
    ladder.decide(ringBob()).gives('INVITE to Bob')
    const rung = ladder.lastRequest(bob, 'INVITE')
    const bobs = answers(rung, bob, 200, { body: sdp('192.0.2.20') })
    ladder.when(bob, bobs).gives('ACK to Bob')
    ladder.when(bob, fromCallee(rung, bobs, bob, 'BYE', 1)).gives('200 to Bob')
    ladder.after(1_000).whatever()
    expect(ladder.lastRequest(telnyx, 'BYE').method).toBe('BYE')
    expect(ladder.record).toMatchObject({ flow: { ended: 'hung_up' } })
  })

  test('which the party does not take is told, and its call goes on', () => {
    const { ladder, invited, answer } = transferred()
    const refusal = answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 488, { tag: '' })
    ladder.when(telnyx, refusal).gives('ACK to Telnyx', 'NOTIFY to Alice')
    expect(told(ladder)).toBe('SIP/2.0 488 Not Acceptable Here')
    ladder.when(alice, within(invited, answer, alice, 'INFO', 4)).gives('INFO to Telnyx')
  })

  test('by a list comes to it when nobody before it answered', () => {
    const { ladder } = referred()
    ladder.decide(list({ when: [], targets: [itself] }, { when: ['busy'], targets: [toFlow] }))
    ladder.gives('ask route').decide(ringBob()).gives('INVITE to Bob')
    says(ladder, bob, 486).gives('ACK to Bob', 'ask route')
    ladder.decide(menu()).gives('INVITE to Telnyx')
    taken(ladder).gives('ACK to Telnyx', 'NOTIFY to Alice').after(60_000).whatever()
    expect(ladder.record).toMatchObject({ flow: { ended: 'hung_up', trace: [{ outcome: 'answered' }, {}] } })
  })
})
