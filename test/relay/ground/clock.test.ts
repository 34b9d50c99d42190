import { describe, expect, test } from 'vitest'
import { type BeatAnswer, monotonicMs, utcMs } from '#contract'
import { Corrections, clockError } from '../../../relay/ground/clock.ts'
import type { Ladder } from '../../support/ladder.ts'
import {
  alice,
  bob,
  customerId,
  invite,
  office,
  registers,
  ringBob,
  telnyx,
  within,
} from '../../support/office.ts'
import { talking } from '../../support/scene.ts'
import { beatAnswer } from '../../support/snapshot.ts'

const hour = 3_600_000

describe('how far our UTC is behind the edge’s', () => {
  const epoch = 1_700_000_000_000
  const told = (edgeAt: number) =>
    clockError(epoch, { edgeAt: utcMs(edgeAt), sentAt: monotonicMs(1_000), heardAt: monotonicMs(1_200) })
  test.each([
    ['nothing, where it lies between question and answer', epoch + 1_100, 0],
    ['nothing, two seconds either way', epoch + 1_200 + 2_000, 0],
    ['nothing, two seconds either way', epoch + 1_000 - 2_000, 0],
    ['an hour', epoch + 1_100 + hour, hour],
    ['minus an hour', epoch + 1_100 - hour, -hour],
    ['nothing, where the edge says no time', Number.NaN, 0],
  ])('is %s', (_, edgeAt, ms) => expect(told(edgeAt)).toBe(ms))
})

describe('what the edge says of the time', () => {
  const epoch = 1_700_000_000_000
  const story = (told: readonly (readonly [seconds: number, ahead: number])[]) => {
    const corrections = new Corrections()
    let now = epoch
    const made = told.map(([seconds, ahead]) => {
      const at = seconds * 1_000
      const correction = corrections.hear(now, {
        edgeAt: utcMs(epoch + ahead + at),
        sentAt: monotonicMs(at),
        heardAt: monotonicMs(at),
      })
      now += correction
      return correction
    })
    return made
  }
  test.each([
    ['is believed at once when it is heard first', [[0, hour]], [hour]],
    [
      'later, when it says the same twice',
      [
        [0, 0],
        [2, hour],
        [4, hour],
        [6, hour],
      ],
      [0, 0, hour, 0],
    ],
    [
      'is not, when it says something else every time',
      [
        [0, 0],
        [2, hour],
        [4, -hour],
        [6, hour],
        [8, 0],
        [10, hour],
      ],
      [0, 0, 0, 0, 0, 0],
    ],
    [
      'bends ours once a minute, however it turns',
      [
        [0, hour],
        [2, 0],
        [4, 0],
        [6, 0],
        [58, 0],
        [62, 0],
        [64, hour],
        [66, hour],
        [121, hour],
        [123, hour],
      ],
      [hour, 0, 0, 0, 0, -hour, 0, 0, 0, hour],
    ],
  ] as const)('%s', (_, told, made) => expect(story(told)).toEqual(made))
})

describe('a relay whose clock is wrong', () => {
  test.each([
    ['an hour ahead', -hour],
    ['an hour behind', hour],
  ])('%s goes by the edge’s as soon as it hears it, and says so', (_, behindMs) => {
    const ladder = office()
    hearsTime(ladder, behindMs)
    expect(ladder.notes).toMatchObject([{ event: 'clock.wrong', fields: { behind_ms: behindMs } }])
    expect(ladder.engine.rooms.clock.epoch).toBeCloseTo(before + behindMs, -1)
    hearsTime(ladder, 0)
    expect(ladder.notes).toHaveLength(1)
  })

  test.each([
    ['an hour ahead', -hour],
    ['an hour behind', hour],
  ])('%s makes no call longer or shorter when it is put right meanwhile', (_, behindMs) => {
    const { ladder, invited, answer } = talking()
    const { started_at, answered_at } = ladder.record
    hearsTime(ladder, behindMs)
    ladder
      .after(10_000)
      .when(alice, within(invited, answer, alice, 'BYE', 3))
      .whatever()
    expect(ladder.record).toMatchObject({ started_at, answered_at })
    expect(Date.parse(ladder.record.ended_at ?? '') - Date.parse(answered_at ?? '')).toBe(10_000)
  })

  test.each([
    ['an hour ahead', -hour],
    ['an hour behind', hour],
  ])('%s tells of its phones again, by the right time, and forgets none', (_, behindMs) => {
    const ladder = office()
    registers(ladder, alice, 'alice')
    const [told] = ladder.bindings
    hearsTime(ladder, behindMs)
    ladder.gives('tell refreshed')
    const shifted = Date.parse(told?.binding.expires_at ?? '') + behindMs
    const off = Date.parse(ladder.bindings[1]?.binding.expires_at ?? '') - shifted
    expect(Math.abs(off)).toBeLessThan(2)
    ladder.after(3_500_000).gives()
    ladder.after(102_000).gives('tell expired')
  })
})

test('an edge whose clocks disagree has phones told of once a minute, not with every beat', () => {
  const ladder = office()
  registers(ladder, alice, 'alice')
  hearsTime(ladder, 0)
  for (let beat = 0; beat < 10; beat++) {
    ladder.after(2_000)
    hearsTime(ladder, beat % 2 === 0 ? hour : 0)
  }
  ladder.gives()
  expect(ladder.notes).toEqual([])
})

describe('phones on disk, when a relay starts with a clock', () => {
  test('an hour ahead are rung, and kept when the edge tells the time', () => {
    const ladder = restarted(-hour)
    rings(ladder).gives('100 to Telnyx', 'INVITE to Bob')
    ladder.after(60_000).whatever()
    hearsTimeAndName(ladder, -hour)
    ladder.after(60_000).whatever()
    rings(ladder).gives('100 to Telnyx', 'INVITE to Bob')
  })

  test('an hour behind are kept no longer than they were granted, once the edge tells the time', () => {
    const ladder = restarted(hour)
    hearsTimeAndName(ladder, hour)
    expect(told(ladder.after(3_500_000))).toEqual([])
    expect(told(ladder.after(102_000))).toEqual(['expired'])
  })

  test('which is right are forgotten when the edge has told the time, not before', () => {
    const ladder = restarted(-hour)
    rings(ladder).gives('100 to Telnyx', 'INVITE to Bob')
    ladder.after(60_000).whatever()
    hearsTimeAndName(ladder, 0)
    ladder.after(1_000).gives('tell expired')
    rings(ladder).gives('100 to Telnyx', '480 to Telnyx')
  })

  test('and without an edge are forgotten after half an hour, if their time is up by it', () => {
    const ladder = restarted(-hour)
    expect(told(ladder.after(1_795_000))).toEqual([])
    expect(told(ladder.after(10_000))).toEqual(['expired'])
  })
})

/** What was told of bindings so far; what is sent to phones meanwhile keeps their NAT open. */
function told(ladder: Ladder): string[] {
  ladder.whatever()
  return ladder.bindings.map(({ event }) => event)
}

/** UTC at monotonic 0, in ladders. */
const before = office().engine.rooms.clock.epoch

/** The edge answers a beat; its clock is so much ahead of the relay's. */
function hearsTime(ladder: Ladder, aheadMs: number, changed: BeatAnswer['changed'] = []): Ladder {
  const at = new Date(ladder.engine.rooms.clock.epoch + ladder.now + aheadMs).toISOString()
  const answer = { ...beatAnswer(1, changed), at }
  return ladder.hear({ type: 'beat', answer, sentAt: monotonicMs(ladder.now) })
}

/** The same, and it names whose phones there are: their configuration is on its way, so that none is taken for deleted. */
function hearsTimeAndName(ladder: Ladder, aheadMs: number): void {
  hearsTime(ladder, aheadMs, [{ customer_id: customerId, version: 1, gone: false }]).gives('ask snapshot')
}

/** A call from the phone network for Bob. */
function rings(ladder: Ladder): Ladder {
  return ladder
    .when(
      telnyx,
      invite(telnyx, `sip:+15557654321@198.51.100.1`, { user: '+15551112222', domain: telnyx.flow.address }),
    )
    .gives('ask route')
    .decide(ringBob('incoming'))
}

/** Bob registered for an hour in right time; now the relay starts again, its clock so much behind. */
function restarted(behindMs: number): Ladder {
  const ladder = office()
  registers(ladder, bob, 'bob')
  const [told] = ladder.bindings
  if (!told) throw new Error('Bob is not registered')
  const moved = (at: string) => new Date(Date.parse(at) + behindMs).toISOString()
  const { binding, sequence } = told
  const kept = {
    ...binding,
    sequence,
    registered_at: moved(binding.registered_at),
    refreshed_at: moved(binding.refreshed_at),
    expires_at: moved(binding.expires_at),
  }
  return office().hear({ type: 'restored', from: 'disk', list: { bindings: [kept] } })
}
