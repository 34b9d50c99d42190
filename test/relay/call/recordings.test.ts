import { describe, expect, test } from 'vitest'
import { type CallCommand, monotonicMs, type RecordAnnouncement, type RecordingMode } from '#contract'
import type { MediaCommand, MediaReport } from '../../../relay/ground/media.ts'
import { FlowScene } from '../../support/flow-call.ts'
import { type Ladder, unsaidTime } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  customerId,
  fromCallee,
  office,
  provider,
  sdp,
  telnyx,
  through,
} from '../../support/office.ts'
import { closeMedia, talking, watch } from '../../support/scene.ts'

const id = '0198c0de-0000-7000-8000-00000000000a'

describe('a call', () => {
  test.each<[RecordingMode, 1 | 2]>([
    ['mixed', 1],
    ['separate', 2],
  ])(
    'which is set to %s is recorded from its answer on, and what came of it is told though it is over',
    (record, channels) => {
      const { ladder, recording } = recorded(record)
      expect(recording).toMatchObject({ side: 'both', channels })
      expect(told(ladder)).toEqual(['recording.started'])
      expect(ladder.events[0]).toMatchObject({ data: { kind: 'call', channels, ms: null, tm_end: null } })
      ladder
        .when(telnyx, fromCallee(ladder.lastRequest(telnyx, 'INVITE'), answered(ladder), telnyx, 'BYE', 2))
        .whatever()
      closeMedia(ladder)
      ladder.after(60_000).whatever()
      ladder.hear({ type: 'media', report: over(recording, { ms: 1000, bytes: 16_044, end: 'closed' }) })
      expect(told(ladder)).toEqual(['recording.started', 'recording.finished'])
      expect(ladder.events[1]).toMatchObject({
        data: { subject_id: recording.recording, ms: 1000, bytes: 16_044, ending: 'closed', message: null },
      })
    },
  )

  test('which is not set to be is not recorded', () => {
    const { ladder } = talking()
    expect(orders(ladder)).toEqual([])
    expect(told(ladder)).toEqual([])
  })

  test('is recorded, paused and stopped by what a beat says, if it is the customer’s who says it', () => {
    const { ladder } = talking()
    const { call_id, customer_id } = ladder.tells.at(-1)?.call ?? { call_id: '', customer_id: '' }
    const of = { command_id: id, customer_id, call_id }
    says(ladder, {
      ...of,
      kind: 'recording_start',
      customer_id: id,
      recording_id: id,
      channels: 2,
      max_ms: 9,
      silence_ms: null,
    })
    expect(orders(ladder)).toEqual([])
    says(ladder, {
      ...of,
      kind: 'recording_start',
      recording_id: id,
      channels: 2,
      max_ms: 9000,
      silence_ms: 500,
    })
    for (const kind of ['recording_pause', 'recording_resume', 'recording_stop'] as const)
      says(ladder, { ...of, kind })
    expect(orders(ladder)).toMatchObject([
      { type: 'record', recording: id, path: `${customer_id}.${id}.wav`, maxMs: 9000, silenceMs: 500 },
      { type: 'record-pause', recording: id },
      { type: 'record-resume', recording: id },
      { type: 'record-stop', recording: id },
    ])
  })

  test.each<[string, (scene: FlowScene) => unknown]>([
    ['is with its flow', () => undefined],
    ['is with its flow, which has rung a callee in vain', (scene) => scene.rings().bob(486)],
    ['waits for a callee its flow rings', (scene) => scene.rings().bob(180)],
    ['speaks with a callee of its flow', (scene) => scene.rings().bob(200)],
    ['is back with its flow', (scene) => back(scene)],
  ])('whose caller %s is recorded, paused and stopped by what a beat says', (_, comesTo) => {
    const scene = followed([{ type: 'answer' }])
    comesTo(scene)
    scene.ladder.whatever()
    for (const command of [begin, ...changes]) says(scene.ladder, { ...command, ...ofFlow(scene) })
    expect(orders(scene.ladder)).toMatchObject([
      { type: 'record', recording: id, side: 'both', channels: 2 },
      { type: 'record-pause', recording: id },
      { type: 'record-resume', recording: id },
      { type: 'record-stop', recording: id },
    ])
    expect(told(scene.ladder)).toEqual(['recording.started'])
  })

  test('which a beat has recorded goes on being so when a callee of its flow leaves', () => {
    const scene = followed([{ type: 'answer' }])
    scene.rings().bob(200).ladder.whatever()
    says(scene.ladder, { ...begin, ...ofFlow(scene) })
    scene.bobHangsUp().ladder.whatever()
    expect(orders(scene.ladder)).toMatchObject([{ type: 'record' }])
  })

  test('whose flow has not answered it is not recorded, and an event says why', () => {
    const scene = followed([])
    says(scene.ladder, { ...begin, ...ofFlow(scene) })
    expect(orders(scene.ladder)).toEqual([])
    expect(scene.ladder.events).toMatchObject([
      {
        type: 'recording.failed',
        data: {
          subject_id: id,
          ending: 'failed',
          bytes: 0,
          message: 'The caller was not answered, or has left.',
        },
      },
    ])
  })

  test('is recorded no more where its flow takes a message, which has a file of its own', () => {
    const prompt = { stream_url: 'https://example.com/a.wav' }
    const scene = new FlowScene([
      { type: 'answer' },
      { type: 'connect', option: { destinations: [{ type: 'extension', target: 'bob' }] } },
      { type: 'voicemail', option: { prompt } },
    ])
    scene.ladder.whatever()
    scene.acks()
    scene.rings().bob(200).ladder.whatever()
    says(scene.ladder, {
      command_id: id,
      customer_id: customerId,
      call_id: scene.ladder.record.call_id,
      kind: 'recording_start',
      recording_id: id,
      channels: 1,
      max_ms: 9_000,
      silence_ms: null,
    })
    scene.bobHangsUp().ladder.whatever()
    scene.ladder.answer({ ask: 'sound', answer: { path: '/a.wav', ms: 9 } })
    scene.playedOut().playedOut()
    expect(orders(scene.ladder)).toMatchObject([
      { type: 'record', recording: id },
      { type: 'record-stop', recording: id },
      { type: 'record', side: 'caller' },
    ])
  })

  test('which is announced is recorded when both have heard that', () => {
    const { ladder } = announcing({ text: 'Recorded.', language: 'en-US', voice_id: '' })
    expect(orders(ladder)).toEqual([])
    ladder.answer({ ask: 'sound', answer: { path: '/a.wav', ms: 9 } })
    expect(announced(ladder)).toEqual(['caller /a.wav', 'callee /a.wav'])
    hears(ladder, 'caller')
    expect([orders(ladder), told(ladder)]).toEqual([[], []])
    hears(ladder, 'callee')
    expect(orders(ladder)).toMatchObject([{ type: 'record', side: 'both' }])
    expect(told(ladder)).toEqual(['recording.started'])
  })

  test('is announced by a beep where that is set, or the sound is not to be had, which is told', () => {
    const { ladder } = announcing('beep')
    ladder.gives()
    expect(announced(ladder)).toEqual(['caller tone', 'callee tone'])
    const other = announcing({ prompt_id: id }).ladder
    other.noAnswer('sound', 'no such prompt')
    expect(announced(other)).toEqual(['caller tone', 'callee tone'])
    for (const side of ['caller', 'callee'] as const) hears(other, side)
    expect(other.events).toMatchObject([
      { type: 'recording.started', data: { message: expect.stringContaining('no such prompt') } },
    ])
  })

  test('which ends while that is announced was never recorded', () => {
    const { ladder } = announcing('beep')
    ladder
      .when(telnyx, fromCallee(ladder.lastRequest(telnyx, 'INVITE'), answered(ladder), telnyx, 'BYE', 2))
      .whatever()
    for (const side of ['caller', 'callee'] as const) hears(ladder, side)
    expect([orders(ladder), told(ladder)]).toEqual([[], []])
  })

  test('is not recorded where a beat stops that while it is announced, and an event says so', () => {
    const { ladder } = announcing('beep', 'off')
    const { call_id, customer_id } = ladder.tells.at(-1)?.call ?? { call_id: '', customer_id: '' }
    says(ladder, { ...begin, customer_id, call_id })
    says(ladder, { ...begin, customer_id, call_id, recording_id: customerId })
    says(ladder, { command_id: id, kind: 'recording_stop', customer_id, call_id })
    expect(orders(ladder)).toEqual([])
    expect(ladder.media.filter(({ type }) => type === 'stop-play')).toHaveLength(2)
    expect(ladder.events).toMatchObject([
      { type: 'recording.failed', data: { message: 'The call is about to be recorded already.' } },
      {
        type: 'recording.failed',
        data: { subject_id: id, message: 'It was stopped before it began.' },
      },
    ])
  })

  test('is recorded from a pause on which was ordered while it was announced', () => {
    const { ladder } = announcing('beep')
    const { call_id, customer_id } = ladder.tells.at(-1)?.call ?? { call_id: '', customer_id: '' }
    says(ladder, { command_id: id, kind: 'recording_pause', customer_id, call_id })
    for (const side of ['caller', 'callee'] as const) hears(ladder, side)
    expect(orders(ladder)).toMatchObject([{ type: 'record' }, { type: 'record-pause' }])
  })

  test('which its flow records hears that before, and so does each callee who comes', () => {
    const scene = new FlowScene(
      [
        { type: 'answer' },
        { type: 'recording_start' },
        { type: 'connect', option: { destinations: [{ type: 'extension', target: 'bob' }] } },
        { type: 'sleep', option: { duration: 30_000 } },
      ],
      { record_announcement: 'beep' },
    )
    scene.ladder.whatever()
    scene.acks()
    expect(announced(scene.ladder)).toEqual(['caller tone'])
    hears(scene.ladder, 'caller')
    expect(orders(scene.ladder)).toMatchObject([{ type: 'record' }])
    scene.rings().bob(200).ladder.whatever()
    expect(announced(scene.ladder)).toEqual(['caller tone', 'callee tone'])
    hears(scene.ladder, 'callee')
    expect(orders(scene.ladder)).toHaveLength(1)
  })

  test('whose recording fails goes on, and the event says why', () => {
    const { ladder, recording } = recorded('mixed')
    ladder.hear({
      type: 'media',
      report: over(recording, { ms: 0, bytes: 0, end: 'failed', why: 'no space left' }),
    })
    ladder.gives()
    expect(told(ladder)).toEqual(['recording.started', 'recording.failed'])
    expect(ladder.events[1]).toMatchObject({ data: { ending: 'failed', message: 'no space left' } })
  })
})

const begin = {
  command_id: id,
  kind: 'recording_start',
  recording_id: id,
  channels: 2,
  max_ms: 9_000,
  silence_ms: null,
} as const
const changes = (['recording_pause', 'recording_resume', 'recording_stop'] as const).map((kind) => ({
  command_id: id,
  kind,
}))

/** A call which follows a flow: these actions, then Bob is rung, and half a minute passes. */
function followed(written: ConstructorParameters<typeof FlowScene>[0]): FlowScene {
  const destinations = [{ type: 'extension', target: 'bob' }]
  const scene = new FlowScene([
    ...written,
    { type: 'connect', option: { destinations } },
    { type: 'sleep', option: { duration: 30_000 } },
  ])
  scene.ladder.whatever()
  if (written.length > 0) scene.acks()
  return scene
}

/** Bob answers, and leaves. */
function back(scene: FlowScene): void {
  scene.rings().bob(200).ladder.whatever()
  scene.bobHangsUp()
}

function ofFlow({ ladder }: FlowScene) {
  return { customer_id: customerId, call_id: ladder.record.call_id }
}

type Recording = Extract<MediaCommand, { type: 'record' }>

/** Alice talks with Telnyx by a decision which says how that is recorded. */
function recorded(record: RecordingMode): { ladder: Ladder; recording: Recording } {
  const ladder = talkingBy({ record })
  ladder.gives()
  const [recording] = orders(ladder)
  if (recording?.type !== 'record') throw new Error('nothing is recorded')
  return { ladder, recording }
}

/** The same, where the two are to hear something before. */
function announcing(
  record_announcement: RecordAnnouncement,
  record: RecordingMode | undefined = 'mixed',
): { ladder: Ladder } {
  return { ladder: talkingBy({ record, record_announcement }) }
}

function talkingBy(terms: object): Ladder {
  const ladder = watch(office())
  const invited = aliceDials(ladder, '+15551234567')
  ladder
    .decide({ ...through(provider(telnyx)), ...terms } as never)
    .gives('ask locate')
    .locate(telnyx)
  ladder.whatever()
  const accepted = answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 200, { body: sdp('203.0.113.1') })
  const arrows = 'record_announcement' in terms && terms.record_announcement !== 'beep' ? ['ask sound'] : []
  ladder.when(telnyx, accepted).gives('ACK to Telnyx', '200 to Alice', ...arrows)
  ladder.when(alice, ack(invited, ladder.lastResponse(alice)))
  return ladder
}

/** To whom what was played. */
function announced(ladder: Ladder): string[] {
  return ladder.media.flatMap((command) => {
    if (command.type !== 'play') return []
    const [sound] = command.sounds
    return [`${command.side} ${sound?.kind === 'file' ? sound.path : sound?.kind}`]
  })
}

/** A party has heard what was played to it last. */
function hears(ladder: Ladder, side: 'caller' | 'callee'): void {
  const play = ladder.media.findLast((command) => command.type === 'play' && command.side === side)
  if (play?.type !== 'play') throw new Error(`nothing is played to the ${side}`)
  const { session, play: number } = play
  ladder.hear({ type: 'media', report: { type: 'played', session, side, play: number, ms: 9 } }).whatever()
}

function answered(ladder: Ladder) {
  return answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 200, { body: sdp('203.0.113.1') })
}

function over(
  { session, recording }: Recording,
  ended: Pick<Extract<MediaReport, { type: 'recorded' }>, 'ms' | 'bytes' | 'end' | 'why'>,
): MediaReport {
  return { type: 'recorded', session, recording, ...ended }
}

function orders(ladder: Ladder): MediaCommand[] {
  return ladder.media.filter(({ type }) => type.startsWith('record'))
}

function told(ladder: Ladder): string[] {
  return ladder.events.map(({ type }) => type).filter((type) => type.startsWith('recording.'))
}

function says(ladder: Ladder, command: CallCommand): void {
  const nothing = {
    version: 0,
    changed: [],
    slices: [],
    seconds: [],
    health: [],
    registrations: [],
    withdrawn: [],
    ends: [],
  }
  const answer = { ...nothing, at: unsaidTime, relays: 1, commands: [command] }
  ladder.hear({ type: 'beat', answer: answer as never, sentAt: monotonicMs(ladder.now) })
}
