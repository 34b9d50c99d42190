import { describe, expect, test } from 'vitest'
import type { RouteDecision } from '#contract'
import type { Written } from '../../functions/flows/told.ts'
import { FlowScene, follows } from '../../support/flow-call.ts'
import type { Ladder } from '../../support/ladder.ts'
import { limitedBy } from '../../support/limits.ts'
import { CalledParty, callId, clickToCall, MadeScene, orderOf, ringAlice } from '../../support/made-call.ts'
import {
  answers,
  customerId,
  extensionIds,
  provider,
  rejected,
  ringBob,
  sdp,
  telnyx,
  through,
  twilio,
} from '../../support/office.ts'
import { forgets } from '../../support/scene.ts'

const begun = { ok: true, reason: null, message: expect.any(String) }
const nobody = new Uint8Array()
const menu = [
  { type: 'talk', option: { text: 'Press 1.', digits_handle: 'next' } },
  { type: 'digits_receive', option: { duration: 3_000 } },
]
const text = (body: Uint8Array) => new TextDecoder().decode(body)

/** What one party does, what goes out for it, and how the record stands then. */
type Steps = readonly (readonly [act: (scene: MadeScene) => unknown, ...arrows: string[]])[]

function plays(scene: MadeScene, steps: Steps): void {
  for (const [act, ...arrows] of steps) {
    act(scene)
    scene.ladder.gives(...arrows)
  }
}

describe('a call which the API orders to a number', () => {
  test.each<[string, Steps, object]>([
    [
      'is answered, and follows its flow until the callee hangs up',
      [
        [({ telnyx }) => telnyx.says(180)],
        [({ telnyx }) => telnyx.says(200), 'ACK to Telnyx', 'ask sound'],
        [({ telnyx }) => telnyx.hangsUp(), '200 to Telnyx'],
      ],
      { hangup_by: 'callee', hangup_reason: 'normal', sip_status: 200, answered_at: expect.any(String) },
    ],
    [
      'ends with its flow',
      [
        [({ telnyx }) => telnyx.says(200), 'ACK to Telnyx', 'ask sound'],
        [({ ladder }) => ladder.noAnswer('sound')],
        [({ ladder }) => ladder.after(3_000), 'BYE to Telnyx'],
        [
          ({ ladder, telnyx: { party } }) =>
            ladder.when(party, answers(ladder.lastRequest(party), party, 200)),
        ],
      ],
      { hangup_by: 'system', hangup_reason: 'normal', sip_status: 200 },
    ],
    [
      'is declined',
      [[({ telnyx }) => telnyx.says(603), 'ACK to Telnyx']],
      { hangup_by: 'callee', hangup_reason: 'noanswer', sip_status: 603, answered_at: null },
    ],
    [
      'finds the callee busy',
      [[({ telnyx }) => telnyx.says(180)], [({ telnyx }) => telnyx.says(486), 'ACK to Telnyx']],
      { hangup_by: 'callee', hangup_reason: 'busy', sip_status: 486, answered_at: null },
    ],
    [
      'rings as long as it was told to',
      [
        [({ telnyx }) => telnyx.says(180)],
        [({ ladder }) => ladder.after(20_000), 'CANCEL to Telnyx'],
        [({ telnyx }) => telnyx.says(487), 'ACK to Telnyx'],
      ],
      { hangup_by: 'system', hangup_reason: 'noanswer', sip_status: 480, reject_reason: 'NO_ANSWER' },
    ],
    [
      'is answered after it was given up, and hung up',
      [
        [({ telnyx }) => telnyx.says(180)],
        [({ ladder }) => ladder.after(20_000), 'CANCEL to Telnyx'],
        [({ telnyx }) => telnyx.says(200), 'ACK to Telnyx', 'BYE to Telnyx'],
      ],
      { hangup_reason: 'noanswer', answered_at: null },
    ],
    [
      'acknowledges an answer which comes again',
      [
        [({ telnyx }) => telnyx.says(200), 'ACK to Telnyx', 'ask sound'],
        [({ telnyx }) => telnyx.says(200), 'ACK to Telnyx'],
        [({ telnyx }) => telnyx.hangsUp(), '200 to Telnyx'],
      ],
      { hangup_by: 'callee', hangup_reason: 'normal' },
    ],
    [
      'hangs up another answer of the same INVITE',
      [
        [({ telnyx }) => telnyx.says(200), 'ACK to Telnyx', 'ask sound'],
        [
          ({ ladder, telnyx: { invited, party } }) =>
            ladder.when(party, answers(invited, party, 200, { tag: 'fork', body: sdp('203.0.113.9') })),
          'ACK to Telnyx',
          'BYE to Telnyx',
        ],
        [({ telnyx }) => telnyx.hangsUp(), '200 to Telnyx'],
      ],
      { hangup_by: 'callee', hangup_reason: 'normal' },
    ],
    [
      'is heard by what was said before the answer, where that says nothing',
      [
        [({ telnyx }) => telnyx.says(183, sdp('203.0.113.1'))],
        [({ telnyx }) => telnyx.says(200, nobody), 'ACK to Telnyx', 'ask sound'],
        [({ telnyx }) => telnyx.hangsUp(), '200 to Telnyx'],
      ],
      { hangup_reason: 'normal', answered_at: expect.any(String) },
    ],
    [
      'ends where the answer says nothing of sound',
      [[({ telnyx }) => telnyx.says(200, nobody), 'ACK to Telnyx', 'BYE to Telnyx']],
      { hangup_reason: 'failed', sip_status: 488, answered_at: null, reject_reason: 'SOUND_UNUSABLE' },
    ],
    [
      'is taken back when the API hangs it up while it rings',
      [
        [({ telnyx }) => telnyx.says(180)],
        [(scene) => scene.hungUpByApi(), 'CANCEL to Telnyx', 'beat'],
        [({ telnyx }) => telnyx.says(200), 'ACK to Telnyx', 'BYE to Telnyx'],
      ],
      { hangup_by: 'system', hangup_reason: 'cancel', answered_at: null, reject_reason: 'HUNG_UP' },
    ],
    [
      'is hung up by the API while it follows its flow',
      [
        [({ telnyx }) => telnyx.says(200), 'ACK to Telnyx', 'ask sound'],
        [(scene) => scene.hungUpByApi(), 'BYE to Telnyx', 'beat'],
      ],
      { hangup_by: 'system', hangup_reason: 'normal', reject_reason: 'HUNG_UP' },
    ],
    [
      'is taken back when the relay goes down',
      [
        [({ telnyx }) => telnyx.says(180)],
        [({ ladder }) => ladder.hear({ type: 'stop' }), 'CANCEL to Telnyx'],
      ],
      { hangup_by: 'system', hangup_reason: 'failed', reject_reason: 'RELAY_STOPPED' },
    ],
  ])('%s', (_, steps, record) => {
    const scene = new MadeScene(orderOf(menu, { ring_ms: 20_000 })).begun()
    plays(scene, steps)
    expect(scene.results).toContainEqual(begun)
    expect(scene.ladder.record).toMatchObject({
      call_id: callId,
      direction: 'outgoing',
      source: { type: 'tel', target: '+15557654321' },
      status: 'hangup',
      ...record,
    })
    expect(scene.ladder.tells.filter(({ call }) => call.status === 'hangup')).toHaveLength(1)
    forgets(scene.ladder)
  })

  test('tells how it stands by the words of its record', () => {
    const scene = new MadeScene().begun()
    scene.telnyx.says(180).says(200)
    scene.ladder.whatever()
    const words = scene.ladder.tells.map(({ call }) => call.status)
    expect([...new Set(words)]).toEqual(['dialing', 'ringing', 'progressing'])
  })

  test('tries the next carrier, as any call does', () => {
    const scene = new MadeScene().ordered()
    scene.ladder.decide(through(provider(telnyx), provider(twilio))).gives('ask locate')
    scene.ladder.locate(telnyx).gives('INVITE to Telnyx', 'beat')
    scene.telnyx.says(503).ladder.gives('ACK to Telnyx', 'ask locate')
    scene.ladder.locate(twilio).gives('INVITE to Twilio')
    expect(scene.ladder.record.attempts.map(({ provider_name }) => provider_name)).toEqual([
      'Telnyx',
      'Twilio',
    ])
    scene.ladder.hear({ type: 'stop' }).whatever()
    forgets(scene.ladder)
  })

  test('plays to the callee, hears its keys, and records what it says', () => {
    const voicemail = { type: 'voicemail', option: { duration: 5, beep: false } }
    const scene = new MadeScene(
      orderOf([...menu, { type: 'digits_send', option: { digits: '5' } }, voicemail]),
    ).begun()
    scene.telnyx.says(200)
    scene.ladder
      .gives('ACK to Telnyx', 'ask sound')
      .answer({ ask: 'sound', answer: { path: '/a.wav', ms: 9 } })
    expect(scene.media('play')).toMatchObject([{ side: 'callee', sounds: [{ path: '/a.wav' }] }])
    const { session } = scene.media('play')[0] as { session: never }
    const key = { type: 'digit', session, side: 'callee', key: '1', form: 'rfc4733' } as const
    scene.ladder.hear({ type: 'media', report: key }).after(1_000).whatever()
    scene.ladder.noAnswer('sound')
    expect(scene.media('stop-play')).toMatchObject([{ side: 'callee' }])
    expect(scene.media('digits')).toMatchObject([{ side: 'callee', keys: '5' }])
    expect(scene.media('record')).toMatchObject([{ side: 'callee' }])
    scene.telnyx.hangsUp()
    expect(scene.outcomes.slice(0, 2)).toEqual(['talk interrupted', 'digits_receive digits'])
    forgets(scene.ladder)
  })

  test('connects the callee, who stays when the other one leaves', () => {
    const connect = { type: 'connect', option: { destinations: [{ type: 'extension', target: 'bob' }] } }
    const scene = new MadeScene(orderOf([connect, { type: 'sleep', option: { duration: 9_000 } }])).begun()
    scene.telnyx.says(200).ladder.gives('ACK to Telnyx', 'ask route')
    scene.ladder.decide(ringBob()).gives('INVITE to Bob')
    scene.bob.says(180).ladder.gives()
    expect(scene.media('play')).toMatchObject([{ side: 'callee', loop: true }])
    scene.bob.says(200).ladder.gives('ACK to Bob')
    expect(scene.media('aim').map((one) => (one as { side: string }).side)).toEqual([
      'callee',
      'caller',
      'callee',
    ])
    expect(scene.ladder.record).toMatchObject({ provider_id: provider(telnyx).provider_id })
    scene.bob.hangsUp().ladder.gives('200 to Bob')
    expect(scene.ladder.record.status).toBe('progressing')
    scene.telnyx.hangsUp().ladder.gives('200 to Telnyx')
    expect(scene.outcomes).toEqual(['connect answered', 'sleep left'])
    forgets(scene.ladder)
  })

  test('answers its callee who puts it on hold while the flow goes on', () => {
    const scene = new MadeScene(orderOf([{ type: 'sleep', option: { duration: 9_000 } }])).begun()
    scene.telnyx.says(200).ladder.gives('ACK to Telnyx')
    scene.telnyx.asks('INVITE', sdp('203.0.113.1', 4_100, 'a=sendonly')).ladder.gives('200 to Telnyx')
    expect(text(scene.ladder.lastResponse(telnyx).body)).toContain('a=recvonly')
    scene.ladder.after(9_000).whatever()
    forgets(scene.ladder)
  })

  test('counts in the limits of its customer', () => {
    const scopes = [{ kind: 'customer', id: customerId } as const]
    const scene = new MadeScene(orderOf(menu), { limits: limitedBy({ [customerId]: { max_channels: 1 } }) })
    scene.begun({ ...through(provider(telnyx)), scopes })
    const second = orderOf(menu, { command_id: crypto.randomUUID(), call_id: crypto.randomUUID() })
    scene.told(second).ladder.gives('ask begin')
    scene.ladder.answer({ ask: 'begin', answer: { begin: true, message: '' } })
    scene.ladder
      .whatever()
      .decide({ ...through(provider(telnyx)), scopes })
      .gives('beat')
    expect(scene.results.at(-1)).toMatchObject({ ok: false, reason: 'CHANNELS_EXCEEDED' })
    expect(scene.ladder.record).toMatchObject({ status: 'hangup', reject_reason: 'CHANNELS_EXCEEDED' })
    scene.ladder.hear({ type: 'stop' })
    forgets(scene.ladder)
  })
})

describe('an order', () => {
  const begin = (ladder: Ladder, message = '', may = true) =>
    ladder.answer({ ask: 'begin', answer: { begin: may, message } })

  test('which comes twice makes one call', () => {
    const scene = new MadeScene().begun()
    scene.told(scene.order, scene.order).ladder.gives()
    scene.ladder.hear({ type: 'stop' })
    forgets(scene.ladder)
  })

  test.each<[string, (scene: MadeScene) => unknown, string]>([
    [
      'the relay takes no new calls',
      ({ ladder }) => ladder.hear({ type: 'drain' }).gives('beat'),
      'RELAY_DRAINING',
    ],
    ['it is too late', ({ ladder }) => ladder.after(90_000), 'TOO_LATE'],
  ])('is refused at once where %s', (_, before, reason) => {
    const scene = new MadeScene(orderOf(menu, { until: '2023-11-14T22:14:00.000Z' }))
    before(scene)
    scene.told(scene.order).ladder.gives('beat')
    expect(scene.results).toMatchObject([{ ok: false, reason }])
    expect(scene.ladder.tells).toEqual([])
  })

  test.each<[string, (ladder: Ladder) => Ladder, object]>([
    [
      'another relay begins it',
      (ladder) => begin(ladder, 'It is r2’s.', false),
      { reason: 'NOT_TO_BE_BEGUN', message: 'It is r2’s.' },
    ],
    [
      'it is to go nowhere',
      (ladder) => begin(ladder).gives('ask route').decide(rejected(404, 'NO_ROUTE')),
      { reason: 'NO_ROUTE' },
    ],
    [
      'it is not decided',
      (ladder) => begin(ladder).gives('ask route').noAnswer('route'),
      { reason: 'NOT_DECIDED' },
    ],
    [
      'the extension has no phone',
      (ladder) => begin(ladder).gives('ask route').decide(nowhere()),
      { reason: 'NOT_REGISTERED' },
    ],
  ])('is refused in words where %s', (_, answer, result) => {
    const scene = new MadeScene()
    scene.told(scene.order).ladder.gives('ask begin')
    answer(scene.ladder).gives('beat')
    expect(scene.results).toMatchObject([{ ok: false, ...result }])
    forgets(scene.ladder)
  })

  test('of which the edge does not say whether it may be begun is asked about again with the next beat, and begins', () => {
    const scene = new MadeScene()
    scene.told(scene.order).ladder.gives('ask begin').noAnswer('begin').gives('beat')
    expect(scene.results).toEqual([])
    // It is heard twice, and begun once.
    scene.told(scene.order).ladder.gives('ask begin')
    begin(scene.ladder).gives('ask route')
    scene.ladder.decide(through(provider(telnyx))).gives('ask locate')
    scene.ladder.locate(telnyx).gives('INVITE to Telnyx', 'beat')
    expect(scene.results).toMatchObject([{ ok: true }])
    scene.ladder.hear({ type: 'stop' })
    forgets(scene.ladder)
  })

  test.each<[string, (ladder: Ladder) => Ladder, string]>([
    ['it is too late by then', (ladder) => ladder.after(90_000), 'EDGE_AWAY'],
    ['the relay takes no new calls', (ladder) => ladder.hear({ type: 'drain' }).whatever(), 'RELAY_DRAINING'],
  ])('of which the edge said nothing is refused where %s', (_, meanwhile, reason) => {
    const scene = new MadeScene(orderOf(menu, { until: '2023-11-14T22:14:00.000Z' }))
    scene.told(scene.order).ladder.gives('ask begin').noAnswer('begin').gives('beat')
    meanwhile(scene.ladder)
    scene.told().ladder.gives('beat')
    expect(scene.results).toMatchObject([{ ok: false, reason }])
    expect(scene.ladder.tells).toEqual([])
  })

  test('is carried out again once the relay takes calls again', () => {
    const scene = new MadeScene()
    scene.ladder.hear({ type: 'drain' }).hear({ type: 'resume' }).gives('beat', 'beat')
    scene.begun().ladder.hear({ type: 'stop' })
    forgets(scene.ladder)
  })

  test('whose result was heard is not told again', () => {
    const scene = new MadeScene().begun()
    scene.ladder.after(2_000)
    scene.told()
    expect(scene.results).toEqual([])
    scene.ladder.hear({ type: 'stop' })
    forgets(scene.ladder)
  })
})

/** An extension which has never registered. */
function nowhere() {
  const decision = ringBob()
  if (decision.kind !== 'connect' || decision.targets.kind !== 'extension') throw new Error('it is refused')
  const extension = { ...decision.targets.extension, extension_id: crypto.randomUUID() }
  return { ...decision, targets: { kind: 'extension', extension } } as const
}

describe('an extension which is rung first', () => {
  const joined: Steps = [
    [({ alice }) => alice.says(180)],
    [({ alice }) => alice.says(200), 'ACK to Alice', 'ask locate'],
    [({ ladder }) => ladder.locate(telnyx), 'INVITE to Telnyx'],
    [({ telnyx }) => telnyx.says(180)],
    [({ telnyx }) => telnyx.says(200), 'ACK to Telnyx'],
  ]
  const rung: Steps = joined.slice(0, 4)

  test.each<[string, Steps, object]>([
    [
      'is joined with whom it calls, who hangs up',
      [...joined, [({ telnyx }) => telnyx.hangsUp(), '200 to Telnyx', 'BYE to Alice']],
      { hangup_by: 'callee', hangup_reason: 'normal', sip_status: 200, answered_at: expect.any(String) },
    ],
    [
      'hangs up, and so ends both',
      [...joined, [({ alice }) => alice.hangsUp(), '200 to Alice', 'BYE to Telnyx']],
      { hangup_by: 'caller', hangup_reason: 'normal', sip_status: 200 },
    ],
    [
      'is busy',
      [[({ alice }) => alice.says(486), 'ACK to Alice']],
      { hangup_by: 'callee', hangup_reason: 'busy', sip_status: 486, answered_at: null },
    ],
    [
      'does not answer',
      [[({ alice }) => alice.says(180)], [({ ladder }) => ladder.after(20_000), 'CANCEL to Alice']],
      { hangup_reason: 'noanswer', sip_status: 480, answered_at: null },
    ],
    [
      'hears that the other one is busy, and is hung up',
      [...rung, [({ telnyx }) => telnyx.says(486), 'ACK to Telnyx', 'BYE to Alice']],
      { hangup_by: 'callee', hangup_reason: 'busy', sip_status: 486, answered_at: null },
    ],
    [
      'is hung up where the other one does not answer',
      [...rung, [({ ladder }) => ladder.after(20_000), 'CANCEL to Telnyx', 'BYE to Alice']],
      { hangup_by: 'system', hangup_reason: 'noanswer', sip_status: 480, answered_at: null },
    ],
    [
      'hangs up while the other one rings',
      [...rung, [({ alice }) => alice.hangsUp(), '200 to Alice', 'CANCEL to Telnyx']],
      { hangup_by: 'caller', hangup_reason: 'cancel', answered_at: null },
    ],
    [
      'is hung up by the API, and so is the other one',
      [...joined, [(scene) => scene.hungUpByApi(), 'BYE to Alice', 'BYE to Telnyx', 'beat']],
      { hangup_by: 'system', hangup_reason: 'normal', reject_reason: 'HUNG_UP' },
    ],
    [
      'is hung up by the API while the other one rings',
      [...rung, [(scene) => scene.hungUpByApi(), 'CANCEL to Telnyx', 'BYE to Alice', 'beat']],
      { hangup_by: 'system', hangup_reason: 'cancel', answered_at: null },
    ],
    [
      'is told anew where the other one answers on hold',
      [
        ...joined.slice(0, 4),
        [
          ({ telnyx }) => telnyx.says(200, sdp('203.0.113.1', 4_000, 'a=sendonly')),
          'ACK to Telnyx',
          'INVITE to Alice',
        ],
        [({ alice }) => alice.says(200), 'ACK to Alice'],
        [({ alice }) => alice.hangsUp(), '200 to Alice', 'BYE to Telnyx'],
      ],
      { hangup_by: 'caller', hangup_reason: 'normal' },
    ],
  ])('%s', (_, steps, record) => {
    const scene = new MadeScene(clickToCall({ ring_ms: 20_000 })).rungFirst()
    plays(scene, steps)
    expect(scene.results).toContainEqual(begun)
    expect(scene.ladder.record).toMatchObject({
      call_id: callId,
      direction: 'outgoing',
      source: { type: 'extension', target_name: 'alice' },
      status: 'hangup',
      flow: null,
      ...record,
    })
    forgets(scene.ladder)
  })

  test('hears ringing while the other one rings, and what that lets be heard', () => {
    const scene = new MadeScene(clickToCall()).rungFirst()
    plays(scene, rung)
    expect(scene.media('play')).toMatchObject([{ side: 'caller', loop: true }])
    scene.telnyx.says(183, sdp('203.0.113.1')).ladder.gives()
    expect(scene.media('stop-play')).toMatchObject([{ side: 'caller' }])
    expect(scene.media('aim')).toContainEqual(expect.objectContaining({ side: 'callee' }))
    scene.alice.hangsUp()
    forgets(scene.ladder)
  })

  test('offers the other one what it speaks itself', () => {
    const scene = new MadeScene(clickToCall()).rungFirst()
    const pcma = text(sdp('192.0.2.10')).replace('RTP/AVP 0 8 101', 'RTP/AVP 8 101')
    scene.alice.says(200, new TextEncoder().encode(pcma)).ladder.gives('ACK to Alice', 'ask locate')
    scene.ladder.locate(telnyx).gives('INVITE to Telnyx')
    expect(text(scene.telnyx.invited.body)).toMatch(/m=audio \d+ RTP\/AVP 8 0 101/)
    scene.alice.hangsUp()
    forgets(scene.ladder)
  })

  test('follows the flow which it would have dialled', () => {
    const scene = new MadeScene(clickToCall()).ordered()
    scene.ladder.decide(follows(menu)).gives('ask route')
    scene.ladder.decide(ringAlice()).gives('INVITE to Alice', 'beat')
    scene.alice.says(200).ladder.gives('ACK to Alice', 'ask sound')
    expect(scene.ladder.record.flow).toMatchObject({ name: 'Menu' })
    scene.alice.hangsUp().ladder.gives('200 to Alice')
    forgets(scene.ladder)
  })

  test('is with that flow as with a party: the call is answered, and ends as one which was', () => {
    const scene = new MadeScene(clickToCall()).ordered()
    scene.ladder.decide(follows(menu)).gives('ask route').decide(ringAlice()).gives('INVITE to Alice', 'beat')
    scene.alice.says(200).ladder.gives('ACK to Alice', 'ask sound')
    expect(scene.ladder.record).toMatchObject({ status: 'progressing', answered_at: expect.any(String) })
    scene.hungUpByApi().ladder.gives('BYE to Alice', 'beat')
    expect(scene.ladder.record).toMatchObject({
      hangup_by: 'system',
      hangup_reason: 'normal',
      sip_status: 200,
    })
    forgets(scene.ladder)
  })

  test('is joined with the flow to which a list leads, as with a party', () => {
    const scene = new MadeScene(clickToCall()).ordered()
    const targets = [{ type: 'tel' as const, target: '+15551234567', ring_ms: null, delay_ms: 0 }]
    const forwarder = { kind: 'extension' as const, id: extensionIds.bob, name: 'bob' }
    const plan = { forwarder, called: 'bob', steps: [{ when: [], targets }] }
    const list = { ...ringBob(), targets: { kind: 'plan', plan } } as RouteDecision
    scene.ladder.decide(list).gives('ask route').decide(ringAlice()).gives('INVITE to Alice', 'beat')
    scene.alice.says(200).ladder.gives('ACK to Alice', 'ask route')
    scene.ladder.decide(follows([{ type: 'sleep', option: { duration: 900 } }])).gives()
    scene.ladder.after(900).gives('BYE to Alice')
    const answered = { answered_at: expect.any(String), sip_status: 200, hangup_reason: 'normal' }
    expect(scene.ladder.record).toMatchObject(answered)
    forgets(scene.ladder)
  })
})

test('a call with a flow of its own is refused where another flow follows: that has no caller', () => {
  const scene = new MadeScene().ordered()
  scene.ladder.decide(follows(menu)).whatever()
  expect(scene.ladder.record).toMatchObject({ reject_reason: 'FLOW_NOT_FOLLOWED', sip_status: 480 })
  forgets(scene.ladder)
})

describe('a flow’s call', () => {
  const destinations = [{ type: 'tel', target: '+15551234567' }]
  const calls = { type: 'call', option: { destinations, actions: [{ id: 'b1', ...menu[0] }] } }

  test('makes a call to each destination, and goes on', () => {
    const two = { ...calls, option: { ...calls.option, destinations: [...destinations, ...destinations] } }
    const { ladder, outcomes } = flowWhich([two, { type: 'sleep', option: { duration: 500 } }])
    ladder.gives('ask route', 'ask route')
    ladder
      .decide(through(provider(telnyx)))
      .gives('ask locate')
      .locate(telnyx)
      .gives('INVITE to Telnyx')
    ladder.decide(rejected(404, 'NO_ROUTE')).gives()
    new CalledParty(ladder, telnyx).says(200)
    ladder.gives('ACK to Telnyx', 'ask sound')
    expect(ladder.record).toMatchObject({ direction: 'outgoing', source: { target: '+15551234567' } })
    ladder.after(500).gives('480 to Alice')
    expect(outcomes()).toEqual(['call called NO_ROUTE', 'sleep slept'])
    forgets(ladder)
  })

  test.each<[string, readonly Written[], string]>([
    [
      'it would say nothing',
      [{ ...calls, option: { destinations } }],
      'it has neither a flow_id nor actions: nothing would be said to who answers',
    ],
    [
      'there is no such flow',
      [{ ...calls, option: { destinations, flow_id: callId } }],
      `there is no flow ${callId}`,
    ],
  ])('makes none where %s', (_, written, why) => {
    const { ladder, outcomes } = flowWhich(written)
    ladder.gives('480 to Alice')
    expect(outcomes()).toEqual([`call not_called ${why}`])
    forgets(ladder)
  })

  test('makes none where no call leads to it', () => {
    const { ladder, outcomes } = flowWhich([calls])
    ladder.gives('ask route').decide(rejected(403, 'DESTINATION_BLOCKED')).gives('480 to Alice')
    expect(outcomes()).toEqual(['call not_called DESTINATION_BLOCKED'])
    forgets(ladder)
  })

  test('leads to another call so often and no more', () => {
    const self = {
      id: 'c',
      type: 'call',
      option: { destinations, flow_id: '11111111-1111-4111-8111-111111111111' },
    }
    const { ladder } = flowWhich([self])
    const called = new CalledParty(ladder, telnyx)
    for (let depth = 1; depth <= 3; depth++) {
      ladder
        .whatever()
        .decide(through(provider(telnyx)))
        .whatever()
        .locate(telnyx)
        .whatever()
      called.says(200)
    }
    ladder.whatever()
    expect(ladder.record.flow?.trace).toMatchObject([
      { outcome: 'not_called', why: 'flows led to calls 3 times already' },
    ])
    expect(ladder.questions).toEqual([])
    forgets(ladder)
  })

  test('ends with the call which made it, where it is chained', () => {
    const chained = { ...calls, option: { ...calls.option, chained: true } }
    const { ladder } = flowWhich([chained, { type: 'sleep', option: { duration: 500 } }])
    ladder
      .gives('ask route')
      .decide(through(provider(telnyx)))
      .gives('ask locate')
    ladder.locate(telnyx).gives('INVITE to Telnyx')
    new CalledParty(ladder, telnyx).says(180)
    ladder.gives().after(500).gives('480 to Alice', 'CANCEL to Telnyx')
    forgets(ladder)
  })

  test('is one of so many', () => {
    const many = Array.from({ length: 10 }, () => destinations[0])
    const ten = { ...calls, option: { ...calls.option, destinations: many } }
    const { ladder, outcomes } = flowWhich([ten, ten, ten])
    for (let at = 0; at < 20; at++) ladder.whatever().decide(rejected(404, 'NO_ROUTE'))
    ladder.whatever()
    expect(outcomes().at(-1)).toBe('call not_called a call makes 20 others at most')
    forgets(ladder)
  })

  function flowWhich(written: readonly Written[]) {
    const { ladder } = new FlowScene(written)
    const id = () => ladder.tells[0]?.call.call_id
    const told = () => ladder.tells.findLast(({ call }) => call.call_id === id())?.call.flow?.trace ?? []
    const outcomes = () =>
      told().map(({ type, outcome, why }) => [type, outcome, why].filter((one) => one !== null).join(' '))
    return { ladder, outcomes }
  }
})
