import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import type { Side } from '../../../relay/ground/media.ts'
import { sessionId } from '../../../relay/ground/media.ts'
import { MediaRelay, SWEEPS_A_SECOND } from '../../../relay/media/media-relay.ts'
import { receiverReport, rtcpPacket, rtpPacket, senderReport } from '../../support/rtp.ts'
import { aimAt, alice, between, bob, mallory } from './between.ts'

describe('sound between two parties', () => {
  test('crosses to where the other party is, from the port it knows', () => {
    const call = between()
    expect(call.says('caller', alice, 5000)).toBe(`callee → ${bob} 4000`)
    expect(call.says('callee', bob, 4000)).toBe(`caller → ${alice} 5000`)
  })

  test('goes to no one whose SDP names another address, until that one speaks', () => {
    const call = between({ callee: { eager: false } })
    expect(call.says('caller', alice, 5000)).toBe('dropped')
    for (const now of [20, 40, 60]) call.at(now).says('callee', bob, 6000)
    expect(call.says('caller', alice, 5000)).toBe(`callee → ${bob} 6000`)
    expect(call.closed()).toMatchObject({ caller: { packets: 2, dropped: 0 } })
  })

  test('is taken from nobody else, and gives nobody else anything (RTP bleed)', () => {
    const call = between()
    expect(call.says('caller', mallory, 40_000)).toBe('dropped')
    call.says('caller', alice, 5000)
    for (const side of ['caller', 'callee'] as const) expect(call.says(side, mallory, 40_000)).toBe('dropped')
    expect(call.says('callee', bob, 4000)).toBe(`caller → ${alice} 5000`)
    expect(call.closed()).toMatchObject({
      caller: { packets: 1, dropped: 2 },
      callee: { packets: 1, dropped: 1 },
    })
  })

  test('is taken from a known address with another SSRC: phones change theirs', () => {
    const call = between()
    call.says('caller', alice, 5000, rtpPacket({ sequence: 1, ssrc: 1 }))
    expect(call.says('caller', alice, 5000, rtpPacket({ sequence: 9, ssrc: 2 }))).toMatch(/callee/)
  })

  test.each([
    ['eleven bytes', rtpPacket({ sequence: 1, ssrc: 1 }).subarray(0, 11)],
    ['nothing at all', Buffer.alloc(0)],
    ['another version', Buffer.alloc(172, 0x40)],
    ['a STUN request', Buffer.from('000100002112a442b7e7a701bc34d686fa87dfae', 'hex')],
    ['1501 bytes', rtpPacket({ sequence: 1, ssrc: 1, size: 1489 })],
  ])('is not %s', (_, packet) => {
    const call = between()
    expect(call.says('caller', alice, 5000, packet)).toBe('dropped')
    expect(call.closed()).toMatchObject({ caller: { packets: 0, dropped: 1 } })
  })

  test('every 5 ms for ten seconds passes whole, also where those of two seconds come at once', () => {
    const call = between()
    const passed = Array.from({ length: 2_000 }, (_, i) => {
      const now = Math.floor(i / 400) * 2_000
      return call.at(now).says('caller', alice, 5000)
    })
    expect(passed.filter((way) => way === 'dropped')).toEqual([])
  })

  test('of 1500 bytes passes', () => {
    expect(between().says('caller', alice, 5000, rtpPacket({ sequence: 1, ssrc: 1, size: 1488 }))).toMatch(
      /callee/,
    )
  })

  test('every 10 ms for ten seconds passes whole; a flood is cut to what a call can need', () => {
    const steady = between()
    const passed = Array.from({ length: 1000 }, (_, i) => steady.at(i * 10).says('caller', alice, 5000))
    expect(passed.filter((way) => way === 'dropped')).toEqual([])
    const flood = between()
    const through = Array.from({ length: 10_000 }, (_, i) => flood.at(1 + i / 10).says('caller', alice, 5000))
    expect(through.filter((way) => way !== 'dropped').length).toBeLessThan(1_600)
  })

  test('of a fax passes unread', () => {
    const call = between({ caller: { blind: true }, callee: { blind: true } })
    expect(call.says('caller', alice, 5000, Buffer.from([0, 1]))).toBe(`callee → ${bob} 4000`)
    expect(call.says('callee', mallory, 1, Buffer.from([0, 1]))).toBe('dropped')
  })
})

describe('RTCP', () => {
  test('crosses beside the sound and latches on its own', () => {
    const call = between()
    call.says('caller', alice, 5000)
    expect(call.control('caller', alice, 5007)).toBe(`callee rtcp → ${bob} 4001`)
    expect(call.control('callee', bob, 4001)).toBe(`caller rtcp → ${alice} 5007`)
    expect(call.control('callee', mallory, 4001)).toBe('dropped')
  })

  test('under eight bytes is dropped, and so is what is none', () => {
    const call = between()
    expect(call.control('caller', alice, 5001, rtcpPacket(1).subarray(0, 7))).toBe('dropped')
    expect(call.control('caller', alice, 5001, rtpPacket({ sequence: 1, ssrc: 1 }))).toBe('dropped')
  })

  test('on a shared port goes out where the other side wants it (RFC 5761)', () => {
    const call = between({ caller: { mux: true } })
    call.says('caller', alice, 5000)
    expect(call.says('caller', alice, 5000, rtcpPacket(1))).toBe(`callee rtcp → ${bob} 4001`)
    expect(call.control('callee', bob, 4001)).toBe(`caller → ${alice} 5000`)
    expect(call.closed()).toMatchObject({ caller: { packets: 1 } })
  })
})

describe('what RTCP says (RFC 3550 §6.4)', () => {
  const speaks = (call: ReturnType<typeof between>) => {
    call.says('caller', alice, 5000, rtpPacket({ sequence: 1, ssrc: 7 }))
    call.says('callee', bob, 4000, rtpPacket({ sequence: 1, ssrc: 8 }))
  }

  test('is how far away a party is: from passing a sender’s report on to hearing of it', () => {
    const call = between()
    speaks(call)
    call.at(1_000).control('caller', alice, 5001, senderReport(7, 0xaabbccdd))
    const block = { ssrc: 7, lost: 3, jitter: 80, lastReport: 0xaabbccdd, delay: 65_536 / 2 }
    call.at(1_540).control('callee', bob, 4001, receiverReport(8, block))
    expect(call.closed()).toMatchObject({
      callee: { stream: { roundTripMs: 40, reported: { lost: 3, jitterMs: 10 } } },
      caller: { stream: { roundTripMs: undefined, reported: undefined } },
    })
  })

  test('is that also where the two report in step, and a report crosses the one which it will answer', () => {
    const call = between()
    speaks(call)
    call.at(1_000).control('caller', alice, 5001, senderReport(7, 1))
    call.at(6_000).control('caller', alice, 5001, senderReport(7, 2))
    const block = { ssrc: 7, lost: 3, jitter: 80, lastReport: 1, delay: 65_536 * 4.97 }
    call.at(6_010).control('callee', bob, 4001, receiverReport(8, block))
    expect(call.closed()).toMatchObject({ callee: { stream: { roundTripMs: 40 } } })
  })

  test.each([
    ['of another source', { ssrc: 9, lastReport: 1 }, { roundTripMs: undefined, reported: undefined }],
    ['of an older report', { lastReport: 2 }, { roundTripMs: undefined, reported: { lost: 3 } }],
    [
      'of an answer before the question',
      { delay: 65_536 },
      { roundTripMs: undefined, reported: { lost: 3 } },
    ],
  ])('is no distance where it speaks %s', (_, change, stream) => {
    const call = between()
    speaks(call)
    call.at(1_000).control('caller', alice, 5001, senderReport(7, 1))
    const block = { ssrc: 7, lost: 3, jitter: 80, lastReport: 1, delay: 0, ...change }
    call.at(1_100).control('callee', bob, 4001, receiverReport(8, block))
    expect(call.closed()).toMatchObject({ callee: { stream } })
  })

  const block = { ssrc: 7, fraction: 0, lost: 0, highest: 0, jitter: 0, lastReport: 0, delay: 0 }
  const bare = rtcpPacket(8)
  const tells = (highest: number, change = {}) =>
    receiverReport(8, { ...block, highest, jitter: 8, ...change })

  test.each<[what: string, reports: Buffer[], unheard: number]>([
    ['hears all of it', [tells(50), tells(100), tells(150)], 0],
    ['names nobody whom it hears', [bare, bare, bare], 3],
    ['names nobody by a block of zeros', Array(3).fill(receiverReport(8, { ...block, ssrc: 0 })), 3],
    ['hears no more since the first', [tells(50), tells(50), bare], 2],
    ['hears from the second on', [bare, tells(100), tells(150)], 1],
    ['loses all of it', [50, 100, 150].map((at) => tells(at, { fraction: 255, lost: at })), 3],
    ['names it by the name it has behind another SBC', [50, 100, 150].map((at) => tells(at, { ssrc: 9 })), 0],
  ])('is that a party which is sent a second of sound each time %s', (_, reports, unheard) => {
    const call = between()
    speaks(call)
    for (const report of reports) {
      speakOn(call, 50)
      call.control('callee', bob, 4001, report)
    }
    expect(call.closed()).toMatchObject({ callee: { stream: { reports: { all: 3, unheard } } } })
  })

  test('is nothing about sound which a party was not sent: too little of it, and while either side holds', () => {
    const call = between()
    speaks(call)
    speakOn(call, 20)
    call.control('callee', bob, 4001, bare)
    for (const aims of [{ caller: { quiet: true } }, { callee: { quiet: true } }]) {
      for (const side of ['caller', 'callee'] as const) call.aims(side, { quiet: false, ...aims[side] })
      speakOn(call, 60)
      call.control('callee', bob, 4001, bare)
    }
    expect(call.closed()).toMatchObject({ callee: { stream: { reports: { all: 0, unheard: 0 } } } })
  })

  let sequence = 1
  function speakOn(call: ReturnType<typeof between>, packets: number): void {
    for (let i = 0; i < packets; i++)
      call.says('caller', alice, 5000, rtpPacket({ sequence: ++sequence, ssrc: 7 }))
  }
})

test('a session tells how long each side took to begin, and what it spoke', () => {
  const call = between()
  for (let i = 0; i < 3; i++)
    call.at(340 + i * 20).says('caller', alice, 5000, rtpPacket({ sequence: i, ssrc: 1, type: 8 }))
  expect(call.closed()).toMatchObject({
    caller: { stream: { firstMs: 340, payloadType: 8, gaps: 0, reordered: 0, longestGapMs: 20 } },
    callee: { stream: { firstMs: undefined, payloadType: undefined } },
  })
})

describe('silence', () => {
  test('of one side is reported once, again after it spoke', () => {
    const call = between()
    const talk = (from: number, to: number, ...sides: Side[]) => {
      for (let now = from; now < to; now += 1000) {
        for (const side of sides)
          call.at(now).says(side, side === 'caller' ? alice : bob, side === 'caller' ? 5000 : 4000)
        call.sweep()
      }
    }
    talk(1_000, 130_000, 'caller')
    expect(call.silences()).toEqual(['callee 60000'])
    talk(130_000, 140_000, 'caller', 'callee')
    talk(140_000, 260_000, 'caller')
    expect(call.silences()).toEqual(['callee 60000'])
  })

  test('of both is reported once, counted from the last word', () => {
    const call = between()
    call.at(5_000).says('caller', alice, 5000)
    for (let now = 5_000; now < 200_000; now += 1000) call.at(now).sweep()
    expect(call.silences()).toEqual(['both 60000'])
  })

  test('of a held party is no silence, nor is that of a held call for an hour', () => {
    const call = between({ callee: { quiet: true } })
    for (let now = 0; now < 3_000_000; now += 10_000) {
      call.at(now).says('caller', alice, 5000)
      call.sweep()
    }
    expect(call.silences()).toEqual([])
    for (let now = 3_000_000; now < 6_000_000; now += 10_000) call.at(now).sweep()
    expect(call.silences()).toEqual([])
    call.at(6_600_000).sweep()
    expect(call.silences()).toMatchObject([expect.stringContaining('both')])
  })

  test('before the other party has answered is no silence', () => {
    const mediaRelay = new MediaRelay(60_000)
    mediaRelay.open(sessionId(1), { caller: portNumber(1000), callee: portNumber(2000) })
    mediaRelay.aim(monotonicMs(0), sessionId(1), 'caller', aimAt(alice, 5000))
    mediaRelay.sweep(monotonicMs(200_000))
    expect(mediaRelay.reports).toEqual([])
  })

  test('is broken by RTCP alone', () => {
    const call = between()
    for (let now = 0; now < 200_000; now += 5000) {
      call.at(now).control('caller', alice, 5001)
      call.control('callee', bob, 4001)
      call.sweep()
    }
    expect(call.silences()).toEqual([])
  })
})

describe('a session is counted', () => {
  test('ten seconds after both sides have said where they are, and every ten from then on, with where they really are', () => {
    const call = between()
    const counts: string[] = []
    for (let now = 0; now < 40_000; now += 1000) {
      call.at(now).says('caller', alice, 5000)
      call.sweep()
      counts.push(...call.counts())
    }
    expect(counts).toEqual([
      '10000: 11 5000, 0 undefined',
      '20000: 21 5000, 0 undefined',
      '30000: 31 5000, 0 undefined',
    ])
  })

  test('and of a thousand which began together five at a time, for packets wait meanwhile: within ten seconds more, all are', () => {
    const mediaRelay = new MediaRelay(60_000)
    for (let i = 0; i < 1000; i++) {
      mediaRelay.open(sessionId(i), { caller: portNumber(1000 + i), callee: portNumber(3000 + i) })
      for (const side of ['caller', 'callee'] as const)
        mediaRelay.aim(monotonicMs(0), sessionId(i), side, aimAt(alice, 5000))
    }
    const atOnce: number[] = []
    const counted = new Map<number, number[]>()
    for (let now = 0; now < 60_000; now += 1000 / SWEEPS_A_SECOND) {
      mediaRelay.sweep(monotonicMs(now))
      const reports = mediaRelay.reports.splice(0)
      atOnce.push(reports.length)
      for (const { session } of reports) counted.set(session, [...(counted.get(session) ?? []), now])
    }
    expect(Math.max(...atOnce)).toBe(5)
    expect(counted.size).toBe(1000)
    for (const [first = 0, second = 0] of counted.values()) {
      expect(first).toBeLessThan(21_000)
      expect(second - first).toBeGreaterThanOrEqual(10_000)
      expect(second - first).toBeLessThan(12_000)
    }
  })

  test.each([
    [80, 200],
    [81, 50],
    [1_000, 50],
  ])('%i sessions are swept every %i ms: none is looked at less than once a second', (sessions, ms) => {
    const mediaRelay = new MediaRelay(60_000)
    expect(mediaRelay.sweepMs).toBe(200)
    for (let i = 0; i < sessions; i++) {
      mediaRelay.open(sessionId(i), { caller: portNumber(1000 + i), callee: portNumber(3000 + i) })
      for (const side of ['caller', 'callee'] as const)
        mediaRelay.aim(monotonicMs(0), sessionId(i), side, aimAt(alice, 5000))
    }
    expect(mediaRelay.sweepMs).toBe(ms)
    for (let now = 0; now < 1_000; now += ms) mediaRelay.sweep(monotonicMs(100_000 + now))
    const silent = mediaRelay.reports.filter(({ type }) => type === 'silent')
    expect(new Set(silent.map(({ session }) => session)).size).toBe(sessions)
  })

  test('where silence is never reported, too', () => {
    const mediaRelay = new MediaRelay(0)
    mediaRelay.open(sessionId(1), { caller: portNumber(1000), callee: portNumber(2000) })
    for (const side of ['caller', 'callee'] as const)
      mediaRelay.aim(monotonicMs(0), sessionId(1), side, aimAt(alice, 5000))
    for (const now of [0, 9_999, 10_000]) mediaRelay.sweep(monotonicMs(now))
    expect(mediaRelay.reports).toMatchObject([{ type: 'counted', session: 1 }])
  })
})

test('a session which is closed forwards nothing more, and closing it again says nothing', () => {
  const call = between()
  call.closed()
  expect(call.says('caller', alice, 5000)).toBe('dropped')
  expect(call.closed()).toBeUndefined()
})
