import { describe, expect, test } from 'vitest'
import { type FlowAction, type FlowServerAnswer, monotonicMs } from '#contract'
import type { Answer } from '../../../relay/ground/effects.ts'
import type { Aim } from '../../../relay/ground/media.ts'
import type { Response } from '../../../relay/sip/message.ts'
import { actionsOf, type Written } from '../../functions/flows/told.ts'
import { FlowScene } from '../../support/flow-call.ts'
import { acme } from '../../support/limits.ts'
import {
  ack,
  alice,
  answers,
  bob,
  cancel,
  fromCallee,
  provider,
  ringBob,
  sdp,
  telnyx,
  through,
  within,
} from '../../support/office.ts'

const text = (body: Uint8Array) => new TextDecoder().decode(body)
const sales = { type: 'connect', option: { destinations: [{ type: 'extension', target: 'bob' }] } }
const talk = { type: 'talk', option: { text: 'Press 1.', digits_handle: 'next' } }
const menu: Written[] = [
  { type: 'answer' },
  talk,
  { type: 'digits_receive' },
  { type: 'branch', option: { target_ids: { 1: 'sales' }, default_target_id: 'a2' } },
  { id: 'sales', ...sales },
  { type: 'beep' },
]

/** Alice hears the menu. */
function hearsMenu(written = menu): FlowScene {
  const scene = new FlowScene(written)
  scene.ladder.gives('200 to Alice', 'ask sound')
  scene.acks().ladder.gives()
  scene.ladder.answer({ ask: 'sound', answer: { path: '/sounds/menu.wav', ms: 900 } })
  return scene
}

/** Alice is asked to press a key. */
function isAsked(): FlowScene {
  return hearsMenu().playedOut()
}

describe('a call which follows a flow', () => {
  test('is answered by G.711, and hears what the flow says', () => {
    const scene = hearsMenu()
    expect(scene.played).toEqual(['/sounds/menu.wav'])
    expect(scene.ordered('aim')).toMatchObject({
      side: 'caller',
      aim: {
        plays: { codec: 'PCMU', type: 0, ms: 20 },
        digits: {
          events: [101],
          tones: [
            { type: 0, law: 'PCMU' },
            { type: 8, law: 'PCMA' },
          ],
        },
      },
    })
    expect(text(scene.answered.body)).toMatch(/m=audio \d+ RTP\/AVP 0 8 101/)
    expect(scene.ladder.record).toMatchObject({ status: 'progressing', sip_status: 200 })
  })

  test.each([
    ['telephone events', (scene: FlowScene) => scene.presses('1')],
    ['tones', (scene: FlowScene) => scene.presses('1', 'inband')],
    ['INFO', (scene: FlowScene) => scene.pressesByInfo('1')],
    ['two of these, as one key', (scene: FlowScene) => scene.presses('1').presses('1', 'inband')],
  ])('hears a key by %s', (what, press) => {
    const scene = press(isAsked())
    scene.ladder.gives(...(what === 'INFO' ? ['200 to Alice'] : []), 'ask route')
  })

  test('hears a key while it speaks, which cuts it short', () => {
    const scene = hearsMenu().presses('1')
    expect(scene.ordered('stop-play')).toMatchObject({ play: 1 })
    scene.ladder.gives('ask route')
  })

  test('connects, rings, and lets both be heard without asking the caller for anything', () => {
    const scene = isAsked().presses('1')
    scene.ladder.gives('ask route')
    scene.rings().bob(180).ladder.gives()
    expect(scene.played.at(-1)).toBe('tone 425')
    expect(text(scene.ladder.lastRequest(bob, 'INVITE').body)).toContain('RTP/AVP 0 8 101')
    scene.bob(200).ladder.gives('ACK to Bob')
    expect(scene.ordered('stop-play')).toMatchObject({ play: 1_000_001 })
    expect(scene.ladder.record).toMatchObject({ status: 'progressing', attempts: [{ status: 200 }] })
  })

  test('goes on when the callee has hung up, and ends when it has nothing more to do', () => {
    const scene = isAsked().presses('1')
    scene.ladder.gives('ask route')
    scene.rings().bob(200).ladder.gives('ACK to Bob')
    scene.bobHangsUp().ladder.gives('200 to Bob')
    expect(scene.ordered('disconnect')).toMatchObject({ side: 'caller' })
    expect(scene.played.at(-1)).toBe('tone 1000')
    scene.playedOut().ladder.gives('BYE to Alice')
    expect(scene.ladder.record).toMatchObject({ hangup_by: 'system', hangup_reason: 'normal' })
    expect(scene.outcomes).toEqual([
      'a1 answered',
      'a2 played',
      'a3 digits',
      'a4 matched',
      'sales answered',
      'a6 played',
    ])
  })

  test('ends when its caller was not heard for too long after the answer, and not before', () => {
    const scene = isAsked()
    const silence = { type: 'silent', ms: 60_000 } as const
    scene.tells({ ...silence, side: 'callee' }).ladder.gives()
    scene.tells({ ...silence, side: 'both' }).ladder.gives('BYE to Alice')
    expect(scene.ladder.record).toMatchObject({ hangup_reason: 'media_timeout' })
  })

  test('is listened to when it was answered, heard before or not', () => {
    const scene = new FlowScene([{ type: 'beep' }, { type: 'answer' }, { type: 'beep' }])
    scene.ladder.gives('183 to Alice')
    expect(scene.ordered('listen')).toBeUndefined()
    scene.playedOut().ladder.gives('200 to Alice')
    expect(scene.ordered('listen')).toMatchObject({ side: 'caller' })
  })

  test('may be with its flow alone for four hours, and with a callee for longer', () => {
    const hours = 60 * 60_000
    const waits = new Array(5).fill({ type: 'sleep', option: { duration: hours } })
    const scene = new FlowScene([{ type: 'answer' }, sales, ...waits])
    scene.ladder.gives('200 to Alice', 'ask route')
    scene.acks().rings().bob(200).ladder.gives('ACK to Bob')
    scene.ladder.after(5 * hours).gives('tell expired')
    scene.bobHangsUp().ladder.gives('200 to Bob')
    scene.ladder.after(4 * hours - 1).gives()
    scene.ladder.after(1).gives('BYE to Alice')
    expect(scene.ladder.record).toMatchObject({ hangup_by: 'system', reject_reason: 'FLOW_ENDED' })
    const alone = new FlowScene([{ type: 'answer' }, ...waits], { registered: false })
    alone.ladder.gives('200 to Alice')
    alone
      .acks()
      .ladder.after(4 * hours - 1)
      .gives()
    alone.ladder.after(1).gives('BYE to Alice')
  })

  test('is ended by the callee who was the last thing it did', () => {
    const scene = isAsked().presses('1')
    scene.ladder.whatever()
    const last = new FlowScene([{ type: 'answer' }, sales])
    last.ladder.whatever()
    last.acks().ladder.whatever()
    last.rings().bob(200).ladder.whatever()
    last.bobHangsUp().ladder.gives('200 to Bob', 'BYE to Alice')
    expect(last.ladder.record).toMatchObject({ hangup_by: 'callee', flow: { ended: 'hung_up' } })
  })

  test.each([
    ['busy', 486, 'busy'],
    ['declines', 603, 'busy'],
    ['cannot', 500, 'failed'],
  ])('goes on when the callee %s', (_, status, result) => {
    const scene = isAsked().presses('1')
    scene.ladder.gives('ask route')
    scene.rings().bob(status).ladder.gives('ACK to Bob')
    expect(scene.played.at(-1)).toBe('tone 1000')
    scene.aliceHangsUp().ladder.gives('200 to Alice')
    expect(scene.ladder.record.flow?.trace[4]).toMatchObject({
      outcome: result,
      variables: { 'voipbin.connect.result': result, 'voipbin.connect.status': String(status) },
    })
  })

  test('goes on when the callee has not registered, or does not answer in time', () => {
    const timed = { ...sales, option: { ...sales.option, timeout: 20_000 } }
    const away = new FlowScene([{ type: 'answer' }, timed, { type: 'beep' }], { registered: false })
    away.ladder.whatever()
    away.acks().ladder.whatever()
    away.ladder.decide(bobIsAway)
    expect(away.played).toEqual(['tone 1000'])
    const late = new FlowScene([{ type: 'answer' }, timed, { type: 'beep' }])
    late.ladder.whatever()
    late.acks().ladder.whatever()
    late.rings().bob(180).ladder.gives().after(20_000).gives('CANCEL to Bob')
    expect(late.played).toEqual(['tone 425', 'tone 1000'])
  })

  test.each([
    [true, undefined],
    [false, 'tone 425'],
  ])(
    'lets the caller hear what the callee says before it answers (%s), or that its phone rings',
    (early_media, ringing) => {
      const scene = new FlowScene([
        { type: 'answer' },
        { ...sales, option: { ...sales.option, early_media } },
      ])
      scene.ladder.whatever()
      scene.acks().ladder.whatever()
      scene.ladder.whatever()
      scene.rings().bob(183, sdp(bob.flow.address, 4_020))
      expect(scene.played.at(-1)).toBe(ringing)
      const heard = scene.ladder.media.some(
        (one) => one.type === 'aim' && one.side === 'callee' && one.aim.rtp?.port === 4_020,
      )
      expect(heard).toBe(early_media)
    },
  )

  const noneAnswers: [string, (scene: FlowScene) => unknown][] = [
    ['is busy', (scene) => scene.bob(486)],
    ['cannot', (scene) => scene.bob(480)],
    ['does not answer in time', ({ ladder }) => ladder.after(20_000)],
    [
      'has answered, and leaves',
      (scene) => {
        scene.bob(200).ladder.whatever()
        scene.bobHangsUp()
      },
    ],
  ]
  test.each(noneAnswers)(
    'lets a callee who was heard early and %s hear nothing more, and hears keys in the caller’s sound again',
    (_, leaves) => {
      const timed = { ...sales, option: { ...sales.option, timeout: 20_000 } }
      const scene = new FlowScene([{ type: 'answer' }, timed, sales])
      scene.ladder.whatever()
      scene.acks().ladder.whatever()
      scene.rings().bob(183, sdp(bob.flow.address, 4_020))
      expect(aimedLast(scene, 'caller').digits?.tones).toBeUndefined()
      leaves(scene)
      expect(scene.ordered('disconnect')).toMatchObject({ side: 'caller' })
      expect(aimedLast(scene, 'callee').rtp).toBeUndefined()
      expect(aimedLast(scene, 'caller').digits?.tones).toHaveLength(2)
      scene.ladder.whatever()
      expect(scene.ordered('connect')).toMatchObject({ side: 'caller', to: { side: 'callee' } })
      scene.rings().bob(200).ladder.gives('ACK to Bob')
      expect(aimedLast(scene, 'callee').rtp).toBeDefined()
    },
  )

  test('calls the next one where the first was answered and has left', () => {
    const scene = new FlowScene([{ type: 'answer' }, sales, sales])
    scene.ladder.whatever()
    scene.acks().ladder.whatever()
    scene.rings().bob(200).ladder.whatever()
    scene.bobHangsUp().ladder.gives('200 to Bob', 'ask route')
    expect(scene.ordered('connect')).toMatchObject({ side: 'caller', to: { side: 'callee' } })
    scene.rings().bob(200).ladder.gives('ACK to Bob')
    expect(scene.ladder.record.attempts).toHaveLength(2)
  })
})

test('a carrier’s place in a call is free when its callee has left, while the flow goes on', () => {
  const out = { type: 'connect', option: { destinations: [{ type: 'tel', target: '+12125550000' }] } }
  const scene = new FlowScene([{ type: 'answer' }, out, { type: 'sleep', option: { duration: 60_000 } }])
  const { ladder } = scene
  ladder.gives('200 to Alice', 'ask route')
  scene.acks()
  ladder
    .decide(through(provider(telnyx)))
    .gives('ask locate')
    .locate(telnyx)
    .gives('INVITE to Telnyx')
  const invited = ladder.lastRequest(telnyx, 'INVITE')
  const taken = answers(invited, telnyx, 200, { body: sdp(telnyx.flow.address) })
  ladder.when(telnyx, taken).gives('ACK to Telnyx')
  const place = { kind: 'provider', id: provider(telnyx).provider_id } as const
  const holds = () => ladder.engine.rooms.ledger.holds(ladder.record.call_id, place)
  expect(holds()).toBe(true)
  ladder.when(telnyx, fromCallee(invited, taken, telnyx, 'BYE', 1)).gives('200 to Telnyx')
  expect(holds()).toBe(false)
})

test('minutes are those with a callee: none while the flow goes on without one', () => {
  const out = { type: 'connect', option: { destinations: [{ type: 'tel', target: '+12125550000' }] } }
  const pause = { type: 'sleep', option: { duration: 120_000 } }
  const scene = new FlowScene([{ type: 'answer' }, out, pause, out, pause], {
    limits: { max_daily_minutes: 99 },
  })
  const { ladder } = scene
  ladder.whatever()
  scene.acks()
  for (const used of [1, 2]) {
    ladder
      .decide(through(provider(telnyx)))
      .gives('ask locate')
      .locate(telnyx)
      .whatever()
    const invited = ladder.lastRequest(telnyx, 'INVITE')
    const taken = answers(invited, telnyx, 200, { body: sdp(telnyx.flow.address) })
    ladder.when(telnyx, taken).whatever().after(60_000).whatever()
    ladder
      .when(telnyx, fromCallee(invited, taken, telnyx, 'BYE', 1))
      .whatever()
      .after(119_000)
      .whatever()
    expect(ladder.engine.rooms.ledger.limits(acme, monotonicMs(ladder.now))).toMatchObject([{ used }])
    if (used === 1) ladder.after(1_000).gives('ask route')
  }
})

describe('a flow which connects again and again', () => {
  const again: Written[] = [
    { type: 'answer' },
    { ...sales, id: 'again' },
    { type: 'goto', option: { target_id: 'again', loop_count: 1_000 } },
  ]
  const refusedTimes = (times: number) => {
    const scene = new FlowScene(again)
    scene.ladder.whatever()
    scene.acks()
    for (let time = 0; time < times; time++) {
      scene.ladder.decide(ringBob()).whatever()
      scene.bob(486).ladder.whatever().after(1)
    }
    return scene
  }

  test('rings each time', () => {
    refusedTimes(40).rings()
  })

  test('for hundreds of times rings no more, and takes none of the relay’s time meanwhile', () => {
    const scene = refusedTimes(255)
    const { calls } = scene.ladder.engine.load
    expect(calls).toBe(1)
    scene.ladder.after(10).gives('BYE to Alice')
    expect(scene.ladder.record).toMatchObject({ status: 'hangup', flow: { ended: 'too_long' } })
  })
})

describe('hanging up', () => {
  test('while it is spoken to, or waited for, leaves nothing up', () => {
    for (const scene of [hearsMenu(), isAsked()]) {
      scene.aliceHangsUp().ladder.gives('200 to Alice')
      expect(scene.ordered('close')).toBeDefined()
      expect(scene.ladder.record).toMatchObject({ hangup_by: 'caller', flow: { ended: 'left' } })
      scene.presses('1').ladder.after(60_000).gives()
    }
  })

  test('while another phone rings gives that up', () => {
    const scene = isAsked().presses('1')
    scene.ladder.whatever()
    scene.rings().bob(180).ladder.gives()
    scene.aliceHangsUp().ladder.gives('200 to Alice', 'CANCEL to Bob')
  })

  test('while it speaks with a callee ends both', () => {
    const scene = isAsked().presses('1')
    scene.ladder.whatever()
    scene.rings().bob(200).ladder.whatever()
    scene.aliceHangsUp().ladder.gives('200 to Alice', 'BYE to Bob')
    expect(scene.ladder.record.flow).toMatchObject({ ended: 'left' })
  })

  test('before the answer takes the call back', () => {
    const scene = new FlowScene([{ type: 'sleep', option: { duration: 60_000 } }])
    scene.ladder.gives().when(alice, cancel(scene.invited)).gives('200 to Alice', '487 to Alice')
  })

  test('by the relay which goes down ends it, too', () => {
    const scene = isAsked().presses('1')
    scene.ladder.whatever()
    scene.rings().bob(180).ladder.gives().hear({ type: 'stop' }).gives('CANCEL to Bob', 'BYE to Alice')
  })
})

describe('at any moment', () => {
  const steps: ((scene: FlowScene) => unknown)[] = [
    (scene) => scene.ladder.answer({ ask: 'sound', answer: { path: '/a.wav', ms: 9 } }),
    (scene) => scene.acks(),
    (scene) => scene.playedOut(),
    (scene) => scene.presses('1'),
    (scene) => scene.ladder.decide(ringBob()),
    (scene) => scene.bob(100),
    (scene) => scene.bob(180),
    (scene) => scene.bob(200),
    (scene) => scene.bobHangsUp(),
    (scene) => scene.playedOut(),
  ]
  test.each(steps.map((_, at) => at))('(after %i steps) a caller who hangs up leaves nothing', (at) => {
    const scene = new FlowScene(menu)
    for (const step of steps.slice(0, at)) {
      scene.ladder.whatever()
      step(scene)
    }
    scene.ladder.whatever()
    const { calls } = scene.ladder.engine.load
    if (calls > 0) scene.aliceHangsUp()
    scene.ladder.whatever()
    for (let second = 0; second < 200; second++) scene.ladder.after(1_000).whatever()
    expect(scene.ladder.whatever().engine.load).toMatchObject({ calls: 0, legs: 0, transactions: 0 })
    expect(scene.ordered('close')).toBeDefined()
    expect(scene.ladder.record.flow?.ended).not.toBeNull()
  })
})

describe('a caller who is not answered', () => {
  test('hears what is played before the answer, and then what it was told by it', () => {
    const scene = new FlowScene([{ type: 'beep' }, { type: 'answer' }, { type: 'beep' }])
    scene.ladder.gives('183 to Alice')
    const early = scene.answered
    scene.playedOut().ladder.gives('200 to Alice')
    expect(text(scene.answered.body)).toBe(text(early.body))
    expect(tagOf(scene.answered)).toBe(tagOf(early))
  })

  test('hears what the callee says of the call, as if it had been called', () => {
    const scene = new FlowScene([sales, { type: 'hangup', option: { reason: 'normal' } }])
    scene.ladder.gives('ask route')
    scene.rings().bob(180).ladder.gives('180 to Alice')
    scene.bob(200).ladder.gives('ACK to Bob', '200 to Alice')
    scene.acks().bobHangsUp().ladder.gives('200 to Bob', 'BYE to Alice')
  })

  test('hears how the last callee refused, where nothing more is done', () => {
    const scene = new FlowScene([sales])
    scene.ladder.gives('ask route')
    scene.rings().bob(486).ladder.gives('ACK to Bob', '486 to Alice')
    expect(scene.ladder.record).toMatchObject({ sip_status: 486, hangup_reason: 'busy' })
  })

  test('is so for three minutes at most', () => {
    const { ladder } = new FlowScene([{ type: 'beep' }])
    ladder.gives('183 to Alice').after(179_999).gives().after(1).gives('480 to Alice')
    expect(ladder.record).toMatchObject({ hangup_by: 'system', reject_reason: 'FLOW_ENDED' })
  })

  test('hears what a hangup says', () => {
    new FlowScene([{ type: 'hangup', option: { reason: 'rejected' } }]).ladder.gives('603 to Alice')
    new FlowScene([{ type: 'stop' }]).ladder.gives('480 to Alice')
  })

  test('hears 488 where it speaks nothing which is played, and its call is to be answered', () => {
    const offer = new TextEncoder().encode(
      text(sdp(alice.flow.address))
        .replace('AVP 0 8 101', 'AVP 18')
        .replace(/a=rtpmap.*\r\n/g, ''),
    )
    new FlowScene(menu, { offer }).ladder.gives('488 to Alice')
  })
})

describe('a caller which', () => {
  test('leaves the offer to us is offered G.711, heard where its ACK says, and connected by that', () => {
    const scene = new FlowScene([{ type: 'answer' }, { type: 'sleep', option: { duration: 9_000 } }, sales], {
      offer: new Uint8Array(),
    })
    scene.ladder.gives('200 to Alice')
    expect(text(scene.answered.body)).toContain('RTP/AVP 0 8 101')
    scene.ladder
      .when(alice, ack(scene.invited, scene.answered, { body: sdp(alice.flow.address, 4010) }))
      .gives()
    expect(scene.ordered('aim')).toMatchObject({
      side: 'caller',
      aim: { rtp: { port: 4010 }, plays: { type: 0 } },
    })
    scene.ladder.after(9_000).gives('ask route')
    scene.rings().bob(200).ladder.gives('ACK to Bob')
  })

  test('leaves the offer to us hears the first words of its flow, once its ACK says where', () => {
    const scene = new FlowScene([{ type: 'answer' }, { type: 'beep' }], { offer: new Uint8Array() })
    scene.ladder.gives('200 to Alice')
    expect(scene.played).toEqual([])
    const acknowledged = ack(scene.invited, scene.answered, { body: sdp(alice.flow.address, 4010) })
    scene.ladder.when(alice, acknowledged).when(alice, acknowledged).gives()
    expect(scene.played).toEqual(['tone 1000'])
    const orders = scene.ladder.media.map(({ type }) => type)
    expect(orders.indexOf('aim')).toBeLessThan(orders.indexOf('play'))
    scene.playedOut().ladder.gives('BYE to Alice')
    expect(scene.outcomes).toEqual(['a1 answered', 'a2 played'])
  })

  test.each([
    ['no SDP', undefined],
    ['SDP which is none', new TextEncoder().encode('v=0\r\n')],
    [
      'no codec which is played',
      new TextEncoder().encode(text(sdp(alice.flow.address)).replace('AVP 0 8 101', 'AVP 101')),
    ],
  ])('leaves the offer to us, and acknowledges the answer by %s, is hung up', (_, body) => {
    const scene = new FlowScene([{ type: 'answer' }, { type: 'beep' }], { offer: new Uint8Array() })
    scene.ladder.gives('200 to Alice').when(alice, ack(scene.invited, scene.answered, body ? { body } : {}))
    scene.ladder.gives('BYE to Alice')
    expect(scene.played).toEqual([])
    expect(scene.ladder.record).toMatchObject({ hangup_reason: 'failed', reject_reason: 'SOUND_UNUSABLE' })
  })

  test('wants provisionals reliably is answered when it has acknowledged what it was told before', () => {
    const scene = new FlowScene([{ type: 'beep' }, { type: 'answer' }, { type: 'beep' }], {
      headers: [['require', '100rel']],
    })
    scene.ladder.gives('183 to Alice')
    scene.playedOut().ladder.gives()
    const rack = `${scene.answered.header('rseq')} ${scene.invited.cseq.number} INVITE`
    const pracked = within(scene.invited, scene.answered, alice, 'PRACK', 5, { headers: [['rack', rack]] })
    scene.ladder.when(alice, pracked).gives('200 to Alice', '200 to Alice')
    expect(scene.played).toEqual(['tone 1000', 'tone 1000'])
  })

  test('has not acknowledged that it rings when the time to answer is over is not connected with who answered', () => {
    const timed = { ...sales, option: { ...sales.option, timeout: 20_000 } }
    const scene = new FlowScene([timed, { type: 'sleep', option: { duration: 5_000 } }], {
      headers: [['require', '100rel']],
    })
    scene.ladder.gives('ask route')
    scene.rings().bob(183, sdp(bob.flow.address)).ladder.gives('180 to Alice')
    const { answered } = scene
    scene.ladder.after(19_000).whatever()
    scene.bob(200).ladder.gives()
    scene.ladder.after(1_000).gives('ACK to Bob', 'BYE to Bob')
    scene.ladder.when(bob, answers(scene.ladder.lastRequest(bob, 'BYE'), bob, 200)).gives()
    const rack = `${answered.header('rseq')} ${scene.invited.cseq.number} INVITE`
    const pracked = within(scene.invited, answered, alice, 'PRACK', 5, { headers: [['rack', rack]] })
    scene.ladder.when(alice, pracked).gives('200 to Alice')
    scene.ladder.after(5_000).gives('480 to Alice')
    expect(scene.ladder.record.attempts).toMatchObject([{ status: 0, reason: 'given up' }])
    expect(scene.outcomes).toEqual(['a1 no_answer', 'a2 slept'])
  })

  test('must be encrypted is answered with keys, and hears by them', () => {
    const keys = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz'
    const offer = text(sdp(alice.flow.address)).replace('RTP/AVP', 'RTP/SAVP').replace('a=sendrecv', keys)
    const scene = new FlowScene([{ type: 'answer' }], { offer: new TextEncoder().encode(offer) })
    scene.ladder.whatever()
    const answered = scene.ladder.messages(alice).find((one) => one.kind === 'response' && one.status === 200)
    expect(text(answered?.body ?? new Uint8Array())).toMatch(/RTP\/SAVP 0 8 101[\s\S]*a=crypto:1 /)
    expect(scene.ordered('aim')).toMatchObject({ aim: { srtp: {}, plays: {} } })
  })
})

describe('what a caller asks in its flow', () => {
  test('is answered here: hold, another address, a sign of life', () => {
    const scene = isAsked()
    scene.aliceAsks('INVITE', sdp(alice.flow.address, 4002, 'a=sendonly')).ladder.gives('200 to Alice')
    expect(text(scene.answered.body)).toContain('a=recvonly')
    expect(scene.ordered('aim')).toMatchObject({ aim: { rtp: { port: 4002 } } })
    scene.ladder.whatever()
    scene.acks().ladder.whatever()
    scene.aliceAsks('UPDATE').ladder.gives('200 to Alice')
  })

  test('next, before the ACK to the answer of the last came, settles that; it waits for an ACK which is to bring an answer', () => {
    const scene = isAsked()
    const [held, again] = ['a=sendonly', 'a=sendrecv'].map((way) => sdp(alice.flow.address, 4002, way))
    scene.aliceAsks('INVITE', held).ladder.whatever()
    scene.aliceAsks('INVITE', again).ladder.gives('200 to Alice')
    expect(text(scene.answered.body)).not.toContain('a=recvonly')
    scene.aliceAsks('INVITE').ladder.gives('200 to Alice')
    scene.aliceAsks('INVITE', held).ladder.gives('491 to Alice')
  })

  test('of another party is refused', () => {
    isAsked().aliceAsks('REFER').ladder.gives('403 to Alice')
    isAsked().aliceAsks('MESSAGE').ladder.gives('501 to Alice')
  })
})

describe('a sound', () => {
  test('which is not to be had is passed over', () => {
    const scene = new FlowScene([{ type: 'answer' }, talk, { type: 'beep' }])
    scene.ladder.gives('200 to Alice', 'ask sound').noAnswer('sound', 'there is no voice')
    expect(scene.played).toEqual(['tone 1000'])
    scene.acks().aliceHangsUp().ladder.whatever()
    expect(scene.ladder.record.flow?.trace[1]).toMatchObject({
      outcome: 'not_played',
      why: 'there is no voice',
    })
  })

  test('is asked for by whose call it is, and waited for longer than a decision', () => {
    const scene = new FlowScene([{ type: 'answer' }, talk])
    expect(scene.ladder.within('sound')).toBe(15_000)
    expect(scene.ladder.questions[0]?.question).toMatchObject({
      question: { sound: { kind: 'speech', text: 'Press 1.', language: 'en-US', voice: '' } },
    })
  })
})

describe('whom a flow calls one after the other', () => {
  test('is recorded with when it answered, and how long it was talked with', () => {
    const scene = new FlowScene([{ type: 'answer' }, sales, sales])
    scene.ladder.whatever()
    scene.acks().rings().ladder.after(1_000).whatever()
    scene.bob(200).ladder.whatever().after(2_000).whatever()
    scene.bobHangsUp().ladder.whatever()
    scene.ladder.decide(ringBob()).whatever()
    scene.ladder.after(500).whatever()
    scene.bob(200).ladder.whatever()
    scene.aliceHangsUp().ladder.whatever()
    const [first, second] = scene.ladder.record.attempts
    expect(first).toMatchObject({ talked_ms: 2_000 })
    expect(second).toMatchObject({ talked_ms: null })
    expect((second?.answered_ms ?? 0) - (first?.answered_ms ?? 0)).toBe(2_500)
  })
})

describe('a recording', () => {
  test('is of both parties, in a file of its own, and is paused and stopped', () => {
    const scene = new FlowScene([
      { type: 'answer' },
      { type: 'recording_start', option: { channels: 2, duration: 60 } },
      { type: 'recording_pause' },
      { type: 'recording_stop' },
      { type: 'sleep', option: { duration: 1_000 } },
    ])
    scene.ladder.gives('200 to Alice')
    const begun = scene.ordered('record')
    expect(begun).toMatchObject({ side: 'both', channels: 2, maxMs: 60_000 })
    const { recording, path } = begun as { recording: string; path: string }
    expect(path).toMatch(new RegExp(`^[0-9a-f-]{36}\\.${recording}\\.wav$`))
    expect(scene.ordered('record-pause')).toMatchObject({ recording })
    expect(scene.ordered('record-stop')).toMatchObject({ recording })
  })

  test('of a voicemail is of the caller, and ends the flow when it ends', () => {
    const scene = new FlowScene([
      { type: 'voicemail', option: { prompt: { stream_url: 'https://example.com/a.wav' } } },
    ])
    scene.ladder
      .gives('200 to Alice', 'ask sound')
      .answer({ ask: 'sound', answer: { path: '/a.wav', ms: 9 } })
    scene.acks().ladder.gives()
    scene.playedOut().playedOut()
    const begun = scene.ordered('record') as { recording: string }
    expect(begun).toMatchObject({ side: 'caller', maxMs: 120_000, silenceMs: 5_000 })
    scene.tells({ type: 'recorded', recording: begun.recording, ms: 900, bytes: 99, end: 'silence' } as never)
    scene.ladder.gives('BYE to Alice')
    expect(scene.outcomes).toEqual(['a1 recorded'])
  })

  test('by a setting ends as the callee leaves, so that a message can be left', () => {
    const scene = new FlowScene([
      { type: 'answer' },
      sales,
      { type: 'voicemail', option: { prompt: { stream_url: 'https://example.com/a.wav' } } },
    ])
    scene.ladder.whatever()
    scene.acks()
    scene.ladder.decide({ ...ringBob(), record: 'mixed' } as never).whatever()
    scene.bob(200).ladder.whatever()
    const { recording } = scene.ordered('record') as { recording: string }
    scene.bobHangsUp().ladder.whatever()
    expect(scene.ordered('record-stop')).toMatchObject({ recording })
    scene.tells({ type: 'recorded', recording, ms: 900, bytes: 99, end: 'stopped' } as never)
    scene.ladder.whatever()
    scene.ladder.answer({ ask: 'sound', answer: { path: '/a.wav', ms: 9 } })
    scene.playedOut().playedOut()
    expect(scene.ladder.media.filter(({ type }) => type.startsWith('record'))).toMatchObject([
      { type: 'record', side: 'both' },
      { type: 'record-stop', recording },
      { type: 'record', side: 'caller' },
    ])
  })

  test('which a flow began goes on when a callee has left', () => {
    const scene = new FlowScene([
      { type: 'answer' },
      { type: 'recording_start' },
      sales,
      { type: 'sleep', option: { duration: 1_000 } },
    ])
    scene.ladder.whatever()
    scene.acks().rings().bob(200).ladder.whatever()
    scene.bobHangsUp().ladder.whatever()
    expect(scene.ordered('record-stop')).toBeUndefined()
  })

  test('which fails is in the trace, with why', () => {
    const scene = new FlowScene([{ type: 'voicemail' }])
    scene.ladder.whatever()
    scene.ladder.noAnswer('sound', 'no voice')
    scene.playedOut()
    const { recording } = scene.ordered('record') as { recording: string }
    scene.tells({
      type: 'recorded',
      recording,
      ms: 0,
      bytes: 0,
      end: 'failed',
      why: 'no disk is there',
    } as never)
    scene.ladder.whatever()
    expect(scene.ladder.record.flow?.trace[0]).toMatchObject({
      outcome: 'not_recorded',
      why: 'no disk is there',
    })
  })
})

describe('a flow which asks its customer\u2019s server', () => {
  const fetch = (more: object = {}) => ({
    id: 'ask',
    type: 'fetch',
    option: { event_url: 'https://example.com/menu', failed_target_id: 'sorry', ...more },
  })
  const asking: Written[] = [
    fetch(),
    { type: 'hangup' },
    { id: 'sorry', type: 'hangup', option: { reason: 'busy' } },
  ]
  const nothing = { why: null, actions: null, programs: [], variables: {} }
  const said = (answer: Partial<FlowServerAnswer> & Pick<FlowServerAnswer, 'result'>): Answer => ({
    ask: 'flow-server',
    answer: { ...nothing, status: 200, ...answer },
  })
  const traced = (scene: FlowScene) =>
    scene.ladder.record.flow?.trace.map(({ type, outcome }) => `${type} ${outcome}`)

  test('has the edge ask it, and does what it says', () => {
    const scene = new FlowScene(asking)
    scene.ladder.gives('ask flow-server')
    const [bye] = actionsOf([{ id: 'bye', type: 'hangup', option: { reason: 'busy' } }])
    scene.ladder.answer(said({ result: 'ok', actions: [bye as FlowAction] })).gives('486 to Alice')
    expect(traced(scene)).toEqual(['fetch ok', 'hangup hung_up'])
  })

  const failing: [string, (scene: FlowScene) => unknown, string, RegExp][] = [
    [
      'too slow',
      ({ ladder }) => ladder.answer(said({ result: 'timeout', status: null, why: 'It did not answer.' })),
      'timeout',
      /did not answer/,
    ],
    [
      'saying nonsense',
      ({ ladder }) => ladder.answer(said({ result: 'nonsense', why: 'It answered what is no JSON.' })),
      'nonsense',
      /no JSON/,
    ],
    [
      'not there',
      ({ ladder }) => ladder.answer(said({ result: 'unreachable', status: null, why: 'It hung up.' })),
      'unreachable',
      /hung up/,
    ],
    [
      'behind an edge which is away',
      ({ ladder }) => ladder.noAnswer('flow-server', 'no answer in 7500 ms'),
      'unreachable',
      /the edge did not ask it: no answer/,
    ],
  ]
  test.each(failing)('which is %s goes where it says for that', (_, fail, outcome, why) => {
    const scene = new FlowScene(asking)
    scene.ladder.gives('ask flow-server')
    fail(scene)
    scene.ladder.gives('486 to Alice')
    expect(scene.ladder.record.flow?.trace[0]).toMatchObject({ outcome, why: expect.stringMatching(why) })
    expect(scene.ladder.record.flow?.trace[1]).toMatchObject({ action_id: 'sorry' })
  })

  test('tells it, and does not wait', () => {
    const told = { type: 'webhook_send', option: { uri: 'https://example.com', data: 'Hello' } }
    const scene = new FlowScene([told, { type: 'hangup' }])
    scene.ladder.gives('ask flow-server', '480 to Alice')
    expect(traced(scene)).toEqual(['webhook_send sent', 'hangup hung_up'])
  })
})

const bobIsAway = {
  kind: 'reject',
  status: 480,
  reason: 'EXTENSION_DISABLED',
  message: 'The extension bob is disabled.',
} as never

function aimedLast({ ladder }: FlowScene, side: 'caller' | 'callee'): Aim {
  const last = ladder.media.findLast((one) => one.type === 'aim' && one.side === side)
  if (last?.type !== 'aim') throw new Error(`the ${side} is aimed nowhere`)
  return last.aim
}

function tagOf(response: Response): string | undefined {
  return response.to.tag
}
