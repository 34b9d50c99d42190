import { describe, expect, test } from 'vitest'
import { type CallCommand, monotonicMs, type RouteDecision } from '#contract'
import { follows } from '../../support/flow-call.ts'
import type { Ladder } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  extensionIds,
  office,
  provider,
  registers,
  ringBob,
  sdp,
  telnyx,
  through,
} from '../../support/office.ts'
import { edgeSays } from '../../support/providers.ts'
import { leavesNothingBehind, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

type Wish = DistributiveOmit<CallCommand, 'command_id' | 'customer_id' | 'call_id'>
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

let commands = 0
const idOf = (n: number) => `eeeeeeee-eeee-4eee-8eee-${String(n).padStart(12, '0')}`

/** The API orders something of the call which was told of last. */
function orders(ladder: Ladder, wish: Wish, id = idOf(++commands)): void {
  const { call_id, customer_id } = ladder.tells.at(-1)?.call ?? { call_id: '', customer_id: '' }
  const command = { ...wish, command_id: id, call_id, customer_id } as CallCommand
  ladder.hear({ type: 'beat', answer: edgeSays({ commands: [command] }), sentAt: monotonicMs(ladder.now) })
}

/** What the relay says became of what was ordered last. */
function cameTo(ladder: Ladder): unknown {
  const { results } = ladder.engine.pulse(monotonicMs(ladder.now))
  return results.at(-1)?.result
}

const outside = {
  ...through(provider(telnyx)),
  transfer: 'local',
  extension_id: extensionIds.alice,
} as RouteDecision

/** Alice calls Telnyx' party, which rings. */
function ringing() {
  const ladder = watch(office())
  registers(ladder, bob, 'bob')
  const invited = aliceDials(ladder, '+15551234567')
  ladder.decide(outside).whatever()
  ladder.locate(telnyx).whatever()
  const sent = ladder.lastRequest(telnyx, 'INVITE')
  ladder.when(telnyx, answers(sent, telnyx, 180)).whatever()
  return { ladder, invited, sent }
}

function talking() {
  const { ladder, invited, sent } = ringing()
  const accepted = answers(sent, telnyx, 200, { body: sdp(telnyx.flow.address) })
  ladder.when(telnyx, accepted).whatever()
  const answer = ladder.lastResponse(alice)
  ladder.when(alice, ack(invited, answer)).whatever()
  return { ladder, invited, sent, accepted, answer }
}

const ok = { ok: true, reason: null }
const invalid = { ok: false, reason: 'CALL_STATE_INVALID' }
const media = (ladder: Ladder, type: string) => ladder.media.filter((command) => command.type === type)

describe('hang up', () => {
  test('ends both legs of a call which goes on, and its record says by whom', () => {
    const { ladder } = talking()
    orders(ladder, { kind: 'call_hangup' })
    ladder.gives('BYE to Alice', 'BYE to Telnyx', 'beat')
    expect(cameTo(ladder)).toMatchObject(ok)
    expect(ladder.record).toMatchObject({
      hangup_by: 'system',
      hangup_reason: 'normal',
      reject_reason: 'HUNG_UP',
    })
    ladder.whatever()
  })

  test('takes back one which rings', () => {
    const { ladder, sent } = ringing()
    orders(ladder, { kind: 'call_hangup' })
    ladder.gives('CANCEL to Telnyx', '480 to Alice', 'beat')
    expect(ladder.record).toMatchObject({
      hangup_reason: 'cancel',
      sip_status: 480,
      reject_reason: 'HUNG_UP',
    })
    ladder.when(telnyx, answers(sent, telnyx, 487)).whatever()
  })

  test('comes to nothing where the call is none of that customer, or over', () => {
    const { ladder } = talking()
    orders(ladder, { kind: 'call_hangup' })
    ladder.whatever()
    orders(ladder, { kind: 'call_hangup' })
    expect(cameTo(ladder)).toMatchObject({ ok: false, reason: 'CALL_NOT_FOUND' })
    ladder.whatever()
  })

  test('is carried out once, however often it comes', () => {
    const { ladder } = talking()
    orders(ladder, { kind: 'call_dtmf', party: 'callee', keys: '1', ms: 160 }, idOf(1))
    orders(ladder, { kind: 'call_dtmf', party: 'callee', keys: '1', ms: 160 }, idOf(1))
    expect(media(ladder, 'digits')).toHaveLength(1)
    ladder.whatever()
  })
})

describe('keys', () => {
  test('are sent to a side, one by one', () => {
    const { ladder } = talking()
    orders(ladder, { kind: 'call_dtmf', party: 'callee', keys: '12#', ms: 200 })
    expect(media(ladder, 'digits')).toMatchObject(
      [...'12#'].map((keys) => ({ side: 'callee', keys, ms: 200 })),
    )
    expect(cameTo(ladder)).toMatchObject(ok)
    ladder.whatever()
  })

  test('are not where that side is not up', () => {
    const { ladder } = ringing()
    orders(ladder, { kind: 'call_dtmf', party: 'callee', keys: '1', ms: 200 })
    expect(cameTo(ladder)).toMatchObject(invalid)
    ladder.whatever()
  })
})

describe('a sound', () => {
  const said = { kind: 'speech', text: 'Hello', language: 'en-US', voice: '' } as const

  test('is brought here, played to both sides, and silenced', () => {
    const { ladder } = talking()
    orders(ladder, { kind: 'call_play', party: 'both', sounds: [said], loop: true })
    ladder.gives('ask sound')
    expect(cameTo(ladder)).toBeUndefined()
    ladder.answer({ ask: 'sound', answer: { path: '/sounds/hello.wav', ms: 900 } }).gives('beat')
    expect(cameTo(ladder)).toMatchObject(ok)
    expect(media(ladder, 'play')).toMatchObject(
      ['caller', 'callee'].map((side) => ({
        side,
        loop: true,
        sounds: [{ kind: 'file', path: '/sounds/hello.wav' }],
      })),
    )
    orders(ladder, { kind: 'call_silence', party: 'caller' })
    expect(media(ladder, 'stop-play')).toMatchObject([{ side: 'caller' }])
    expect(cameTo(ladder)).toMatchObject(ok)
    orders(ladder, { kind: 'call_silence', party: 'caller' })
    expect(cameTo(ladder)).toMatchObject(invalid)
    ladder.whatever()
  })

  test('which is not to be had is said so, and nothing is played', () => {
    const { ladder } = talking()
    orders(ladder, {
      kind: 'call_play',
      party: 'caller',
      sounds: [said, { kind: 'url', url: 'http://x/' }],
      loop: false,
    })
    ladder.gives('ask sound', 'ask sound').noAnswer('sound', 'no such voice')
    ladder.answer({ ask: 'sound', answer: { path: '/x.wav', ms: 9 } }).whatever()
    expect(cameTo(ladder)).toMatchObject({ ok: false, reason: 'SOUND_UNAVAILABLE' })
    expect(media(ladder, 'play')).toEqual([])
  })
})

describe('mute', () => {
  test('keeps what a party says from the other, and its record says so until it is taken back', () => {
    const { ladder } = talking()
    orders(ladder, { kind: 'call_mute', party: 'caller', muted: true })
    expect(media(ladder, 'mute')).toMatchObject([{ side: 'caller', muted: true }])
    expect(ladder.record.muted).toEqual(['caller'])
    orders(ladder, { kind: 'call_mute', party: 'both', muted: false })
    expect(ladder.record.muted).toBeUndefined()
    ladder.whatever()
  })

  test('is refused before the answer', () => {
    const { ladder } = ringing()
    orders(ladder, { kind: 'call_mute', party: 'caller', muted: true })
    expect(cameTo(ladder)).toMatchObject(invalid)
    ladder.whatever()
  })
})

describe('hold', () => {
  function held() {
    const scene = talking()
    const { ladder } = scene
    orders(ladder, { kind: 'call_hold', party: 'callee', held: true, music: null })
    ladder.gives('INVITE to Telnyx', 'beat')
    return { ...scene, offer: ladder.lastRequest(telnyx, 'INVITE') }
  }

  test('parts the two, and tells that party that we send alone', () => {
    const { ladder, offer } = held()
    expect(text(offer.body)).toContain('a=sendonly')
    expect(media(ladder, 'disconnect')).toMatchObject([{ side: 'callee' }])
    expect(cameTo(ladder)).toMatchObject(ok)
    expect(ladder.record.held).toEqual(['callee'])
    const body = new TextEncoder().encode(`${text(sdp(telnyx.flow.address))}a=recvonly\r\n`)
    ladder.when(telnyx, answers(offer, telnyx, 200, { body })).gives('ACK to Telnyx')
    orders(ladder, { kind: 'call_hold', party: 'callee', held: false, music: null })
    ladder.gives('INVITE to Telnyx', 'beat')
    const again = ladder.lastRequest(telnyx, 'INVITE')
    expect(text(again.body)).not.toContain('a=sendonly')
    expect(media(ladder, 'connect').at(-1)).toMatchObject({ side: 'callee', to: { side: 'caller' } })
    expect(ladder.record.held).toBeUndefined()
    ladder
      .when(telnyx, answers(again, telnyx, 200, { body: sdp(telnyx.flow.address) }))
      .gives('ACK to Telnyx')
  })

  test('plays music to it until it is over', () => {
    const { ladder } = talking()
    const music = { kind: 'url', url: 'https://example.com/music.wav' } as const
    orders(ladder, { kind: 'call_hold', party: 'callee', held: true, music })
    ladder.gives('INVITE to Telnyx', 'ask sound')
    const offer = ladder.lastRequest(telnyx, 'INVITE')
    ladder.answer({ ask: 'sound', answer: { path: '/music.wav', ms: 60_000 } }).whatever()
    expect(media(ladder, 'play')).toMatchObject([{ side: 'callee', loop: true }])
    ladder.when(telnyx, answers(offer, telnyx, 200, { body: sdp(telnyx.flow.address) })).whatever()
    orders(ladder, { kind: 'call_hold', party: 'callee', held: false, music: null })
    expect(media(ladder, 'stop-play')).toMatchObject([{ side: 'callee' }])
    ladder.whatever()
  })

  test('is refused twice, before the answer, and while the call is being changed', () => {
    const { ladder, offer } = held()
    orders(ladder, { kind: 'call_hold', party: 'callee', held: true, music: null })
    expect(cameTo(ladder)).toMatchObject(invalid)
    orders(ladder, { kind: 'call_hold', party: 'caller', held: true, music: null })
    expect(cameTo(ladder)).toMatchObject(invalid)
    ladder.whatever()
    ladder.when(telnyx, answers(offer, telnyx, 488)).gives('ACK to Telnyx')
    const early = ringing()
    orders(early.ladder, { kind: 'call_hold', party: 'callee', held: true, music: null })
    expect(cameTo(early.ladder)).toMatchObject(invalid)
    early.ladder.whatever()
  })
})

describe('a transfer', () => {
  const toBob = { type: 'extension', target: 'bob', target_name: 'bob', name: '', detail: '' } as const

  function ordered() {
    const scene = talking()
    const { ladder } = scene
    orders(ladder, { kind: 'call_transfer', party: 'callee', destination: toBob })
    ladder.gives('ask route', 'beat')
    expect(cameTo(ladder)).toMatchObject(ok)
    return scene
  }

  test('asks where its destination is in the name of who is left', () => {
    const { ladder } = ordered()
    const question = ladder.questions.find(({ question }) => question.ask === 'route')?.question
    expect(question).toMatchObject({
      question: {
        caller: { kind: 'api', extension_id: extensionIds.alice, type: 'extension' },
        to: { user: 'bob' },
      },
    })
    ladder.decide({ ...ringBob(), extension_id: extensionIds.alice } as RouteDecision).whatever()
    ladder.when(bob, answers(ladder.lastRequest(bob, 'INVITE'), bob, 486)).whatever()
    // As it was: Alice and the carrier's party still speak.
    expect(ladder.tells.find(({ call }) => call.hangup_reason === 'transferred')).toBeUndefined()
  })

  test('leads the party there, and hangs up who was left', () => {
    const { ladder } = ordered()
    ladder.decide({ ...ringBob(), extension_id: extensionIds.alice } as RouteDecision).gives('INVITE to Bob')
    const rung = ladder.lastRequest(bob, 'INVITE')
    ladder.when(bob, answers(rung, bob, 180)).whatever()
    ladder
      .when(bob, answers(rung, bob, 200, { body: sdp(bob.flow.address) }))
      .gives('ACK to Bob', 'INVITE to Telnyx')
    const offer = ladder.lastRequest(telnyx, 'INVITE')
    ladder
      .when(telnyx, answers(offer, telnyx, 200, { body: sdp(telnyx.flow.address) }))
      .gives('ACK to Telnyx')
    ladder.after(1).gives('BYE to Alice')
    const records = [...new Map(ladder.tells.map(({ call }) => [call.call_id, call])).values()]
    expect(records).toMatchObject([
      { status: 'hangup', hangup_reason: 'transferred' },
      { status: 'progressing', transfer_type: 'blind', transferred_from: records[0]?.call_id },
    ])
  })

  test('leads the party to a flow, which begins when it has taken our sound', () => {
    const { ladder } = ordered()
    const hold = { type: 'sleep', option: { duration: 5_000 } }
    ladder.decide(follows([hold], { extension_id: extensionIds.alice })).gives('INVITE to Telnyx')
    const offer = ladder.lastRequest(telnyx, 'INVITE')
    ladder
      .when(telnyx, answers(offer, telnyx, 200, { body: sdp(telnyx.flow.address) }))
      .gives('ACK to Telnyx')
    ladder.after(1).gives('BYE to Alice').after(5_000).whatever()
    expect(ladder.lastRequest(telnyx, 'BYE').method).toBe('BYE')
    expect(ladder.record).toMatchObject({
      transfer_type: 'blind',
      hangup_by: 'system',
      flow: { trace: [{ outcome: 'slept' }] },
    })
  })

  test('is refused while another goes on, and before the answer', () => {
    const { ladder } = ordered()
    orders(ladder, { kind: 'call_transfer', party: 'callee', destination: toBob })
    expect(cameTo(ladder)).toMatchObject(invalid)
    ladder.whatever()
    const early = ringing()
    orders(early.ladder, { kind: 'call_transfer', party: 'callee', destination: toBob })
    expect(cameTo(early.ladder)).toMatchObject(invalid)
    early.ladder.whatever()
  })
})
