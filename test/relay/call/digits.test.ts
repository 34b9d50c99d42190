import { describe, expect, test } from 'vitest'
import { type DtmfForm, monotonicMs } from '#contract'
import type { DigitAim, Side } from '../../../relay/ground/media.ts'
import { mayTell, nextToTell } from '../../../relay/leg/keys.ts'
import type { Request, Response } from '../../../relay/sip/message.ts'
import type { Ladder } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  fromCallee,
  office,
  provider,
  sdp,
  telnyx,
  through,
  within,
} from '../../support/office.ts'

const text = (body: Uint8Array) => new TextDecoder().decode(body)
const bytes = (words: string) => new TextEncoder().encode(words)
/** Without telephone events, and with G.729 alone. */
const mute = (address: string) =>
  bytes(
    text(sdp(address))
      .replace(' 101', '')
      .replace(/a=rtpmap:101.*\r\n/, ''),
  )
const narrow = (address: string) =>
  bytes(
    text(mute(address))
      .replace('AVP 0 8', 'AVP 18')
      .replace(/a=rtpmap.*\r\n/g, ''),
  )

interface Parties {
  readonly caller?: DtmfForm
  readonly callee?: DtmfForm
  readonly offers?: Uint8Array
  readonly takes?: Uint8Array
}

describe('which telephone events are spoken of', () => {
  test.each<[string, Parties, string, string]>([
    ['both are set to nothing', {}, '0 8 101', '0 8 101'],
    ['neither has any', { offers: mute(alice.flow.address), takes: mute('203.0.113.1') }, '0 8', '0 8'],
    [
      'the callee is set to events',
      { callee: 'rfc4733', offers: mute(alice.flow.address) },
      '0 8 101',
      '0 8',
    ],
    ['the callee is set to INFO', { callee: 'info', takes: mute('203.0.113.1') }, '0 8 101', '0 8 101'],
    ['the callee is set to tones', { callee: 'inband', takes: mute('203.0.113.1') }, '0 8 101', '0 8 101'],
    ['the caller is set to INFO', { caller: 'info' }, '0 8 101', '0 8 101'],
    ['the caller is set to events', { caller: 'rfc4733', takes: mute('203.0.113.1') }, '0 8 101', '0 8 101'],
  ])('where %s', (_, parties, offered, answered) => {
    const { ladder, sent } = talking(parties)
    expect(formats(sent)).toBe(offered)
    expect(formats(ladder.lastResponse(alice))).toBe(answered)
  })

  test('have a number which is free', () => {
    const taken = text(mute(alice.flow.address))
      .replace('AVP 0 8', 'AVP 0 8 101')
      .replace('a=send', 'a=rtpmap:101 speex/8000\r\na=send')
    const { sent } = talking({ callee: 'rfc4733', offers: bytes(taken) })
    expect(formats(sent)).toBe('0 8 101 127')
    expect(text(sent.body)).toContain('a=rtpmap:127 telephone-event/8000')
  })
})

describe('what the media thread hears and sends', () => {
  const events = { form: 'rfc4733', type: 101, clock: 8000 }
  const types = [
    { type: 0, law: 'PCMU' },
    { type: 8, law: 'PCMA' },
  ]
  const tones = { form: 'inband', types }
  test.each<[string, Parties, object | undefined, object | undefined]>([
    [
      'events pass between two who take them',
      {},
      { events: [101], passes: true, send: events },
      { events: [101], passes: true, send: events },
    ],
    [
      'tones pass between two who take no events',
      { offers: mute(alice.flow.address), takes: mute('203.0.113.1') },
      { events: [], passes: true, send: tones },
      { events: [], passes: true, send: tones },
    ],
    [
      'events are for us where the other takes INFO',
      { callee: 'info', takes: mute('203.0.113.1') },
      { events: [101], passes: false, send: events },
      { events: [101], passes: true },
    ],
    [
      'events are for us where the other takes tones, which are heard',
      { callee: 'inband', takes: mute('203.0.113.1') },
      { events: [101], passes: false, send: events },
      { events: [101], passes: true, tones: types, send: tones },
    ],
    [
      'tones are heard where the other takes events',
      { callee: 'rfc4733', offers: mute(alice.flow.address) },
      { events: [], passes: true, tones: types, send: tones },
      { events: [101], passes: false, send: events },
    ],
    [
      'nothing of G.729',
      { offers: narrow(alice.flow.address), takes: narrow('203.0.113.1') },
      undefined,
      undefined,
    ],
  ])('is that %s', (_, parties, caller, callee) => {
    const { ladder } = talking(parties)
    expect(aimed(ladder, 'caller')).toEqual(caller)
    expect(aimed(ladder, 'callee')).toEqual(callee)
  })
})

describe('a key', () => {
  test('told by INFO is an event to whom takes those, and is answered here', () => {
    const scene = talking({})
    scene.ladder.when(alice, told(scene, '#', 250)).gives('200 to Alice')
    expect(keysSent(scene.ladder)).toEqual([['callee', '#', 250]])
  })

  test('told by INFO goes on as it is to whom is set to that, or takes nothing else', () => {
    for (const parties of [{ callee: 'info' }, { takes: mute('203.0.113.1') }] as const) {
      const scene = talking(parties)
      scene.ladder.when(alice, told(scene, '5')).gives('INFO to Telnyx')
      expect(text(scene.ladder.lastRequest(telnyx, 'INFO').body)).toBe('Signal=5\r\nDuration=160\r\n')
      expect(keysSent(scene.ladder)).toEqual([])
    }
  })

  test('told by INFO is a tone to whom is set to tones', () => {
    const scene = talking({ callee: 'inband' })
    scene.ladder.when(alice, told(scene, '5')).gives('200 to Alice')
    expect(keysSent(scene.ladder)).toEqual([['callee', '5', 160]])
  })

  test('heard as an event is told by INFO, in its dialog and with its number, to whom is set to that', () => {
    const { ladder } = talking({ callee: 'info', takes: mute('203.0.113.1') })
    heard(ladder, 'caller', '7', 'rfc4733').gives('INFO to Telnyx')
    const sent = ladder.lastRequest(telnyx, 'INFO')
    expect(sent.header('content-type')).toBe('application/dtmf-relay')
    expect([text(sent.body), sent.cseq.number]).toEqual(['Signal=7\r\nDuration=160\r\n', 2])
    ladder.when(telnyx, answers(sent, telnyx, 200)).gives()
  })

  test('is told once more, with proof, to a carrier which wants that; any other refusal ends nothing', () => {
    const credentials = { username: 'acme', password: 'secret', realm: null }
    const { ladder } = talking({ callee: 'info', takes: mute('203.0.113.1') }, { credentials })
    heard(ladder, 'caller', '7', 'rfc4733').gives('INFO to Telnyx')
    const challenge = 'Digest realm="telnyx.test", nonce="n", algorithm=MD5, qop="auth"'
    const asks = answers(ladder.lastRequest(telnyx, 'INFO'), telnyx, 407, {
      headers: [['proxy-authenticate', challenge]],
    })
    ladder.when(telnyx, asks).gives('INFO to Telnyx')
    const again = ladder.lastRequest(telnyx, 'INFO')
    expect([again.header('proxy-authorization') !== undefined, again.cseq.number]).toEqual([true, 3])
    ladder.when(telnyx, answers(again, telnyx, 415)).gives()
    expect(ladder.record.status).toBe('progressing')
  })

  test('is told by INFO once the one before it is answered, whatever that is, and of a flood 64 wait', () => {
    const { ladder } = talking({ callee: 'info', takes: mute('203.0.113.1') })
    heard(ladder, 'caller', '0', 'rfc4733').gives('INFO to Telnyx')
    for (let at = 1; at <= 100; at++) heard(ladder, 'caller', String(at % 10), 'rfc4733').gives()
    const answered = (status: number) => answers(ladder.lastRequest(telnyx, 'INFO'), telnyx, status)
    ladder.when(telnyx, answered(100)).gives()
    for (let at = 1; at <= 64; at++) {
      ladder.when(telnyx, answered(at % 2 ? 200 : 415)).gives('INFO to Telnyx')
      expect(text(ladder.lastRequest(telnyx, 'INFO').body)).toContain(`Signal=${at % 10}\r`)
    }
    ladder.when(telnyx, answered(200)).gives()
    heard(ladder, 'caller', '9', 'rfc4733').gives('INFO to Telnyx')
  })

  test('which is never answered holds up no other for longer than a request lives', () => {
    const leg: Parameters<typeof mayTell>[0] = { telling: undefined }
    const digit = { key: '1', ms: 160 }
    expect(mayTell(leg, digit, monotonicMs(0))).toBe(true)
    expect(mayTell(leg, digit, monotonicMs(32_999))).toBe(false)
    expect(mayTell(leg, digit, monotonicMs(33_000))).toBe(true)
    expect(nextToTell(leg, monotonicMs(33_100))).toBeUndefined()
    expect(mayTell(leg, digit, monotonicMs(33_200))).toBe(true)
  })

  test('heard in one form is sent in the other where they differ, and only noted where they do not', () => {
    const inward = talking({ callee: 'inband', takes: mute('203.0.113.1') }).ladder
    heard(inward, 'caller', '1', 'rfc4733').gives()
    heard(inward, 'callee', '2', 'inband').gives()
    expect(keysSent(inward)).toEqual([
      ['callee', '1', 160],
      ['caller', '2', 160],
    ])
    const plain = talking({}).ladder
    heard(plain, 'caller', '1', 'rfc4733').gives()
    expect(keysSent(plain)).toEqual([])
  })

  test('heard as an event whose clock the other does not know is sent as one which it knows', () => {
    const wide = (address: string) => bytes(text(sdp(address)).replace('event/8000', 'event/16000'))
    const { ladder } = talking({ takes: wide('203.0.113.1') })
    expect(aimed(ladder, 'caller')?.passes).toBe(false)
    expect(aimed(ladder, 'callee')?.send).toEqual({ form: 'rfc4733', type: 101, clock: 16_000 })
    heard(ladder, 'caller', '3', 'rfc4733').gives()
    expect(keysSent(ladder)).toEqual([['callee', '3', 160]])
  })

  test('which is told in two forms at once is one, whichever comes first', () => {
    const scene = talking({})
    heard(scene.ladder, 'caller', '5', 'rfc4733').gives()
    scene.ladder.when(alice, told(scene, '5')).gives('200 to Alice')
    expect(keysSent(scene.ladder)).toEqual([])
    const other = talking({ callee: 'inband' })
    other.ladder.when(alice, told(other, '5')).gives('200 to Alice')
    heard(other.ladder, 'caller', '5', 'rfc4733').gives()
    expect(keysSent(other.ladder)).toEqual([['callee', '5', 160]])
  })

  test('pressed twice in two forms is two', () => {
    const scene = talking({ callee: 'inband' })
    for (const cseq of [3, 4]) {
      heard(scene.ladder, 'caller', '5', 'rfc4733').gives()
      scene.ladder.when(alice, told(scene, '5', 160, cseq)).gives('200 to Alice')
    }
    expect(keysSent(scene.ladder)).toHaveLength(2)
    scene.ladder
      .after(1_500)
      .when(alice, told(scene, '5', 160, 5))
      .gives('200 to Alice')
    expect(keysSent(scene.ladder)).toHaveLength(3)
  })

  test('pressed before the answer reaches who is heard', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567', { body: sdp(alice.flow.address) })
    ladder
      .decide(through(provider(telnyx, { dtmf: 'inband' })))
      .whatever()
      .locate(telnyx)
      .gives('INVITE to Telnyx')
    const early = answers(ladder.lastRequest(telnyx), telnyx, 183, { body: sdp('203.0.113.1') })
    ladder.when(telnyx, early).gives('183 to Alice')
    heard(ladder, 'caller', '1', 'rfc4733').gives()
    expect(keysSent(ladder)).toEqual([['callee', '1', 160]])
  })

  describe('told by INFO before the answer', () => {
    test('reaches who is heard in its form: an event, a tone', () => {
      for (const callee of ['rfc4733', 'inband'] as const) {
        const { ladder, invited } = ringing({ callee }, sdp('203.0.113.1'))
        const press = within(invited, ladder.lastResponse(alice), alice, 'INFO', 3, dtmf('4'))
        ladder.when(alice, press).gives('200 to Alice')
        expect(keysSent(ladder)).toEqual([['callee', '4', 160]])
      }
    })

    test('reaches who takes INFO in its early dialog, and the dialog goes on from there', () => {
      const { ladder, invited, sent } = ringing({ callee: 'info' })
      const rings = ladder.lastResponse(alice)
      const press = (key: string, cseq: number) => within(invited, rings, alice, 'INFO', cseq, dtmf(key))
      ladder.when(alice, press('4', 3)).gives('200 to Alice', 'INFO to Telnyx')
      const info = ladder.lastRequest(telnyx, 'INFO')
      expect([info.to.tag, info.cseq.number]).toEqual(['early', sent.cseq.number + 1])
      ladder.when(alice, press('5', 4)).gives('200 to Alice')
      ladder.when(telnyx, answers(info, telnyx, 200, { tag: '' })).gives('INFO to Telnyx')
      const ok = answers(sent, telnyx, 200, { body: sdp('203.0.113.1'), tag: 'early' })
      ladder.when(telnyx, ok).gives('ACK to Telnyx', '200 to Alice')
      ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
      const second = ladder.lastRequest(telnyx, 'INFO')
      ladder.when(telnyx, answers(second, telnyx, 200, { tag: '' })).gives()
      heard(ladder, 'caller', '6', 'rfc4733').gives('INFO to Telnyx')
      expect(ladder.lastRequest(telnyx, 'INFO').cseq.number).toBe(second.cseq.number + 1)
    })

    test('of who rings reaches the caller, in its early dialog', () => {
      const { ladder, sent } = ringing({ caller: 'info' }, sdp('203.0.113.1'))
      const tag = ladder.lastResponse(alice).to.tag
      const early = answers(sent, telnyx, 183, { tag: 'early' })
      const press = (cseq: number) => fromCallee(sent, early, telnyx, 'INFO', cseq, dtmf('9'))
      ladder.when(telnyx, press(3)).gives('200 to Telnyx', 'INFO to Alice')
      const info = ladder.lastRequest(alice, 'INFO')
      expect([info.from.tag, info.cseq.number]).toEqual([tag, 1])
      ladder.when(alice, answers(info, alice, 200, { tag: '' })).gives()
      ladder.when(telnyx, press(2)).gives('500 to Telnyx')
    })

    test('is to be told again soon where no party can be told, and what is no key after the answer', () => {
      const { ladder, invited } = ringing({ callee: 'inband' })
      const rings = ladder.lastResponse(alice)
      ladder.when(alice, within(invited, rings, alice, 'INFO', 3, dtmf('4'))).gives('500 to Alice')
      expect(ladder.lastResponse(alice).header('retry-after')).toBeDefined()
      const other = { body: bytes('x'), headers: [['content-type', 'text/plain']] } as const
      ladder
        .when(alice, within(invited, rings, alice, 'INFO', 4, { ...other, headers: [...other.headers] }))
        .gives('500 to Alice')
    })

    test('heard as an event before the answer is told by INFO, too', () => {
      const { ladder, sent } = ringing({ callee: 'info' }, mute('203.0.113.1'))
      heard(ladder, 'caller', '7', 'rfc4733').gives('INFO to Telnyx')
      expect(ladder.lastRequest(telnyx, 'INFO').cseq.number).toBe(sent.cseq.number + 1)
    })
  })

  test('of the callee reaches the caller alike', () => {
    const { ladder, invited, sent, answer } = talking({})
    const info = fromCallee(sent, answers(sent, telnyx, 200), telnyx, 'INFO', 3, dtmf('9'))
    ladder.when(telnyx, info).gives('200 to Telnyx')
    expect(keysSent(ladder)).toEqual([['caller', '9', 160]])
    expect([invited, answer]).toHaveLength(2)
  })
})

interface Scene {
  ladder: Ladder
  invited: Request
  sent: Request
  answer: Response
}

/** Alice hears that Telnyx rings, with sound if it says some. */
function ringing(parties: Parties, early?: Uint8Array): Omit<Scene, 'answer'> {
  const { ladder, invited, sent } = dialling(parties)
  const rings = answers(sent, telnyx, early ? 183 : 180, { tag: 'early', ...(early && { body: early }) })
  ladder.when(telnyx, rings).whatever()
  return { ladder, invited, sent }
}

/** Alice, set to send keys in one form, speaks with Telnyx, which is set to another. */
function talking(parties: Parties, more: object = {}): Scene {
  const { ladder, invited, sent } = dialling(parties, more)
  const body = parties.takes ?? sdp('203.0.113.1')
  ladder.when(telnyx, answers(sent, telnyx, 200, { body })).whatever()
  const answer = ladder.lastResponse(alice)
  ladder.when(alice, ack(invited, answer)).gives()
  return { ladder, invited, sent, answer }
}

function dialling({ caller, callee, offers }: Parties, more: object = {}): Omit<Scene, 'answer'> {
  const ladder = office()
  const invited = aliceDials(ladder, '+15551234567', { body: offers ?? sdp(alice.flow.address) })
  const decision = through(provider(telnyx, { dtmf: callee, ...more }))
  if (decision.kind !== 'connect') throw new Error('not connected')
  ladder
    .decide({ ...decision, dtmf: caller })
    .whatever()
    .locate(telnyx)
    .gives('INVITE to Telnyx')
  return { ladder, invited, sent: ladder.lastRequest(telnyx) }
}

function told({ invited, answer }: Scene, key: string, ms = 160, cseq = 3): Request {
  return within(invited, answer, alice, 'INFO', cseq, dtmf(key, ms))
}

function dtmf(key: string, ms = 160) {
  const headers: [string, string][] = [['content-type', 'application/dtmf-relay']]
  return { body: bytes(`Signal=${key}\r\nDuration=${ms}\r\n`), headers }
}

function heard(ladder: Ladder, side: Side, key: string, form: 'rfc4733' | 'inband'): Ladder {
  const [opened] = ladder.media
  if (!opened) throw new Error('no media')
  ladder.hear({ type: 'media', report: { type: 'digit', session: opened.session, side, key, form } })
  return ladder
}

function keysSent(ladder: Ladder): unknown[] {
  return ladder.media.flatMap((command) =>
    command.type === 'digits' ? [[command.side, command.keys, command.ms]] : [],
  )
}

function aimed(ladder: Ladder, side: Side): DigitAim | undefined {
  const commands = ladder.media.flatMap((command) =>
    command.type === 'aim' && command.side === side ? [command.aim] : [],
  )
  return commands.at(-1)?.digits
}

function formats({ body }: Request | Response): string | undefined {
  return /m=audio \d+ RTP\/AVP ([\d ]+)/.exec(text(body))?.[1]
}
