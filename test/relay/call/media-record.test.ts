import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { MediaCounters } from '../../../relay/ground/media.ts'
import { sessionId } from '../../../relay/ground/media.ts'
import type { Ladder } from '../../support/ladder.ts'
import {
  alice,
  aliceDials,
  answers,
  office,
  provider,
  sdp,
  telnyx,
  through,
  within,
} from '../../support/office.ts'
import { answered, calling, closeMedia, leavesNothingBehind, talking, watch } from '../../support/scene.ts'

leavesNothingBehind()

const nothing: MediaCounters = { packets: 0, bytes: 0, lost: 0, dropped: 0, jitterMs: 0 }

describe('the record of a call’s sound', () => {
  test('names what both sides said of it as soon as it is answered, and our place towards each', () => {
    const { ladder } = answered()
    expect(ladder.record.media).toEqual({
      from_caller: {
        packets: 0,
        bytes: 0,
        lost: 0,
        dropped: 0,
        jitter_ms: 0,
        unauthentic: 0,
        codecs: ['PCMU', 'PCMA'],
        sdp_address: '192.0.2.10:4000',
        sdp_origin: '192.0.2.10',
        source_address: '192.0.2.10:5062',
        contact_address: '192.0.2.10:5062',
        via_address: '192.0.2.10:5062',
        latched_address: null,
        signalling: 'udp',
        cipher: null,
        local_address: expect.stringMatching(/^198\.51\.100\.1:10\d\d\d$/),
        codec: null,
        reordered: 0,
        duplicates: 0,
        gaps: 0,
        longest_gap_ms: null,
        first_packet_ms: null,
        round_trip_ms: null,
        reported_lost: null,
        reported_jitter_ms: null,
        reports: 0,
        reports_unheard: 0,
        mos: null,
      },
      from_callee: expect.objectContaining({ codecs: ['PCMU', 'PCMA'], sdp_address: '203.0.113.1:4000' }),
    })
  })

  test('has its counters while it goes on, and where each side really is', () => {
    const { ladder } = talking()
    const told = ladder.tells.length
    counted(ladder)
    expect(ladder.tells).toHaveLength(told + 1)
    expect(ladder.record).toMatchObject({
      status: 'progressing',
      media: {
        from_caller: {
          packets: 500,
          lost: 3,
          unauthentic: 2,
          latched_address: '192.0.2.10:61234',
          codec: 'PCMA',
          reordered: 1,
          gaps: 2,
          longest_gap_ms: 61,
          first_packet_ms: 12,
          round_trip_ms: 30,
          reported_lost: 4,
          reported_jitter_ms: 2.5,
          reports: 3,
          reports_unheard: 1,
          mos: 4.34,
        },
        from_callee: { packets: 0, latched_address: null, sdp_address: '203.0.113.1:4000' },
      },
    })
  })

  test('is not told anew while it rings', () => {
    const { ladder } = calling()
    const told = ladder.tells.length
    counted(ladder)
    expect(ladder.tells).toHaveLength(told)
  })

  test('is silent between the end and the media thread’s last word: what an ended call’s record says is final', () => {
    const { ladder, invited, answer } = talking()
    counted(ladder)
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).whatever()
    expect(ladder.record).toMatchObject({ status: 'hangup', media: null })
    closeMedia(ladder)
    expect(ladder.record).toMatchObject({ status: 'hangup', media: { from_caller: { packets: 100 } } })
  })

  test('says what was counted last where the media thread has no last word', () => {
    const { ladder, invited, answer } = talking()
    counted(ladder)
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).whatever()
    ladder.after(1_000).whatever()
    expect(ladder.record).toMatchObject({ status: 'hangup', media: { from_caller: { packets: 500 } } })
  })

  test('says what the caller offered where no codec was shared', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567', { body: sdp('192.0.2.10') })
    ladder
      .decide(through(provider(telnyx)))
      .whatever()
      .locate(telnyx)
      .whatever()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 488)).whatever()
    closeMedia(ladder)
    expect(ladder.record).toMatchObject({
      reject_reason: 'NO_COMMON_CODEC',
      media: { from_caller: { codecs: ['PCMU', 'PCMA'] }, from_callee: { codecs: [], sdp_address: null } },
    })
  })

  test('is none where the call never came to its sound', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567', { body: new TextEncoder().encode('nonsense') })
    ladder.decide(through(provider(telnyx))).whatever()
    closeMedia(ladder)
    expect(ladder.record).toMatchObject({ status: 'hangup', reject_reason: 'SOUND_UNUSABLE' })
  })
})

/** The media thread counts: Alice is heard from elsewhere than she said, Telnyx not at all. */
function counted(ladder: Ladder): void {
  const [{ session = 0 } = {}] = ladder.media
  const stream = {
    reordered: 1,
    gaps: 2,
    longestGapMs: 60.7,
    firstMs: 12.2,
    payloadType: 8,
    roundTripMs: 30,
    reported: { lost: 4, jitterMs: 2.5 },
    reports: { all: 3, unheard: 1 },
  }
  const latched = { address: '192.0.2.10', port: portNumber(61_234) }
  const caller = { ...nothing, packets: 500, lost: 3, unauthentic: 2, stream, latched }
  ladder
    .hear({
      type: 'media',
      report: { type: 'counted', session: sessionId(session), caller, callee: nothing },
    })
    .whatever()
}
