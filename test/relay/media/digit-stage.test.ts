import { describe, expect, test } from 'vitest'
import { monotonicMs } from '#contract'
import { type Aim, type DigitAim, type MediaReport, sessionId } from '../../../relay/ground/media.ts'
import { digitStages } from '../../../relay/media/digit-stage.ts'
import { payloadStages } from '../../../relay/media/payload-stage.ts'
import { plain, type Stages, stagesFrom } from '../../../relay/media/stages.ts'
import { eventLine, type LinePacket, packetsOf, toneLine } from '../../support/dtmf-line.ts'

const now = monotonicMs(0)
const g711 = [{ type: 0, law: 'PCMU' as const }]
const voice = (packets: number) =>
  packetsOf(
    Array.from({ length: packets * 160 }, (_, n) => 5_000 * Math.sin(n / 9)),
    'PCMU',
  )

describe('keys on their way through a leg', () => {
  test('are reported once each, and pass or stay as its partner wants them', () => {
    const line = eventLine([
      { code: 5, ms: 100, pause: 50 },
      { code: 11, ms: 100, pause: 50 },
    ])
    for (const passes of [true, false]) {
      const { stages, reports } = leg({ events: [101], passes })
      expect(line.map((packet) => stages.listen?.hear(now, packet, packet.length))).toEqual(
        line.map(() => passes),
      )
      expect(reports).toMatchObject([
        { type: 'digit', side: 'caller', key: '5', form: 'rfc4733' },
        { key: '#' },
      ])
    }
    const [sound] = voice(1)
    const { stages } = leg({ events: [101], passes: false })
    expect(sound && stages.listen?.hear(now, sound, sound.length)).toBe(true)
  })

  test('are reported of tones where those are listened for', () => {
    const { stages, reports } = leg({ events: [], passes: true, tones: g711 })
    for (const packet of toneLine([{ code: 10, ms: 100, pause: 100 }], 'PCMU'))
      stages.listen?.hear(now, packet, packet.length)
    expect(reports).toMatchObject([{ key: '*', form: 'inband' }])
  })

  test('are not heard anew where a leg is aimed again in the middle of one', () => {
    const line = eventLine([{ code: 5, ms: 200, pause: 0 }])
    const before = leg({ events: [101], passes: true })
    for (const packet of line.slice(0, 4)) before.stages.listen?.hear(now, packet, packet.length)
    const after = leg({ events: [101], passes: false }, { before: before.stages })
    for (const packet of line.slice(4)) after.stages.listen?.hear(now, packet, packet.length)
    expect([before.reports.length, after.reports.length]).toEqual([1, 0])
  })

  test('which wait are sent after a leg is aimed again, and behind the payload types of its party', () => {
    const send = { form: 'rfc4733', type: 96, clock: 8000 } as const
    const before = leg({ events: [], passes: true, send })
    before.stages.digits?.add('1', 60)
    const rewrite = [{ from: 0, to: 77 }]
    const { stages } = leg({ events: [], passes: true, send }, { before: before.stages, rewrite })
    const types = voice(8).map((packet) => {
      stages.rewrite?.rewrite(packet, packet.length)
      return (packet[1] as number) & 0x7f
    })
    expect(types).toEqual([96, 96, 96, 96, 96, 77, 77, 77])
  })

  test.each([
    ['events', { form: 'rfc4733', type: 101, clock: 8000 } as const],
    ['tones', { form: 'inband', types: g711 } as const],
  ])('which are under way as %s are sent once, though a leg is aimed again meanwhile', (_, send) => {
    let stages = leg({ events: [], passes: true, send }).stages
    stages.digits?.add('1', 100)
    const other = leg({ events: [101], passes: true, tones: g711 })
    for (const [at, packet] of voice(20).entries()) {
      if (at === 3)
        stages = leg({ events: [], passes: true, send: structuredClone(send) }, { before: stages }).stages
      const line = new Uint8Array(packet)
      other.stages.listen?.hear(now, line, stages.rewrite?.rewrite(line, line.length) ?? 0)
    }
    expect(other.reports).toMatchObject([{ key: '1' }])
    expect(other.reports).toHaveLength(1)
  })

  test.each([
    ['keys in another form', { form: 'inband', types: g711 } as const, false],
    ['them by another payload type', { form: 'rfc4733', type: 102, clock: 8000 } as const, false],
    ['them by another clock', { form: 'rfc4733', type: 101, clock: 16_000 } as const, false],
    ['them as before', { form: 'rfc4733', type: 101, clock: 8000 } as const, true],
  ])('are sent by a writer of its own where the leg takes %s now', (_, send, isKept) => {
    const before = leg({ events: [], passes: true, send: { form: 'rfc4733', type: 101, clock: 8000 } }).stages
    const { stages } = leg({ events: [], passes: true, send }, { before })
    expect(stages.digits === before.digits).toBe(isKept)
  })

  test('are told no faster than fingers press them, however a leg is aimed meanwhile', () => {
    const first = leg({ events: [101], passes: false })
    const told = (stages: Stages, ms: number, from: number) => {
      for (let at = 0; at < 200; at++)
        for (const packet of eventLine([{ code: 5, ms: 20, pause: 0 }], { from: from + at * 10_000 }).slice(
          0,
          1,
        ))
          expect(stages.listen?.hear(monotonicMs(ms), packet, packet.length)).toBe(false)
    }
    told(first.stages, 10, 0)
    const second = leg({ events: [101], passes: false }, { before: first.stages })
    told(second.stages, 10, 4_000_000)
    told(second.stages, 1_010, 8_000_000)
    expect([first.reports.length, second.reports.length]).toEqual([20, 12])
  })

  test('which pass while the same are ordered are sent once, whichever comes first', () => {
    const send = { form: 'rfc4733', type: 101, clock: 8000 } as const
    const { stages } = leg({ events: [], passes: true, send })
    const sound = voice(12)
    stages.digits?.add('5', 60)
    const sent = sound.slice(0, 6).map((packet) => stages.rewrite?.rewrite(packet, packet.length))
    expect(sent.filter((length) => length === 16)).toHaveLength(5)
    const passing = (code: number) => eventLine([{ code, ms: 60, pause: 0 }], { from: 6 * 160 })
    const lengths = (line: readonly LinePacket[]) =>
      line.map((packet) => stages.rewrite?.rewrite(packet, packet.length))
    expect(new Set(lengths(passing(5)))).toEqual(new Set([-1]))
    expect(new Set(lengths(passing(6)))).toEqual(new Set([16]))
  })

  test('cost a leg without any nothing', () => {
    expect(stagesFrom([digitStages(payloadStages)])(terms(undefined, {}, []))).toBe(plain)
  })
})

interface Around {
  readonly before?: Stages
  readonly rewrite?: Aim['rewrite']
}

function leg(digits: DigitAim, around: Around = {}): { stages: Stages; reports: MediaReport[] } {
  const reports: MediaReport[] = []
  return { stages: stagesFrom([digitStages(payloadStages)])(terms(digits, around, reports)), reports }
}

function terms(digits: DigitAim | undefined, { before = plain, rewrite }: Around, reports: MediaReport[]) {
  const aim: Aim = {
    rtp: undefined,
    rtcp: undefined,
    sources: [],
    eager: false,
    mux: false,
    quiet: false,
    digits,
  }
  return {
    leg: { session: sessionId(1), side: 'caller' as const },
    aim: rewrite ? { ...aim, rewrite } : aim,
    before,
    report: (report: MediaReport) => void reports.push(report),
  }
}
