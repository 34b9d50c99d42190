import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  monotonicMs as ms,
  type OutboundGuard,
  type RouteDecision,
  type SliceHeld,
  type Velocity,
  velocities,
} from '#contract'
import type { BegunBefore } from '../../../relay/ground/begun-before.ts'
import { admitCall } from '../../../relay/limits/admit-call.ts'
import { Ledger } from '../../../relay/limits/ledger.ts'
import { alicesPhone, counted, limitedBy } from '../../support/limits.ts'
import { provider, telnyx, through } from '../../support/office.ts'

/*
 * How fast calls out begin: at one relay on its own, and at several, whose beats and answers take their time or never come.
 */

const MINUTE = 60_000
const out = counted(through(provider(telnyx)))

describe('calls out of one extension', () => {
  test.each<[string, Velocity, number, ...number[]]>([
    ['are let in as many as may begin within a minute', 'calls_per_minute', MINUTE, 0, 1, 2],
    ['are let in as many as may begin within an hour', 'calls_per_hour', 60 * MINUTE, 0, MINUTE, 2 * MINUTE],
  ])('%s', (_, velocity, period, ...begun) => {
    const phone = guardedPhone({ [`max_${velocity}`]: 3 })
    phone.granted(0, 3, velocity)
    expect(begun.map((at) => phone.dials(at))).toEqual(begun.map(() => 'connect'))
    expect(phone.dials(period - 1)).toBe('VELOCITY_EXCEEDED')
    phone.granted(period, 3, velocity)
    expect(phone.dials(period)).toBe('connect')
    expect(phone.dials(period)).toBe('VELOCITY_EXCEEDED')
  })

  test('count whether they last or not, and once however many phones of the customer call besides', () => {
    const phone = guardedPhone({ max_calls_per_minute: 2 })
    phone.granted(0, 2)
    expect(phone.dials(0)).toBe('connect')
    phone.endsAll(1)
    expect([phone.dials(2), phone.dials(3)]).toEqual(['connect', 'VELOCITY_EXCEEDED'])
    const inside = { ...out, direction: 'internal', targets: { kind: 'sip' } } as unknown as RouteDecision
    expect(phone.dials(4, inside)).toBe('connect')
    expect(phone.dials(5, { ...out, scopes: [out.scopes[0]] } as RouteDecision)).toBe('connect')
  })

  test('for help are let in, however many began', () => {
    const phone = guardedPhone({ max_calls_per_minute: 1 })
    phone.granted(0, 1)
    const help = { ...out, explanation: out.explanation && { ...out.explanation, emergency: true } }
    expect([phone.dials(0), phone.dials(1, help), phone.dials(2)]).toEqual([
      'connect',
      'connect',
      'VELOCITY_EXCEEDED',
    ])
  })

  test('begin anew when it is released', () => {
    const guard: Partial<OutboundGuard> = { max_calls_per_minute: 1 }
    const phone = guardedPhone(guard)
    phone.granted(0, 1)
    expect([phone.dials(0), phone.dials(1)]).toEqual(['connect', 'VELOCITY_EXCEEDED'])
    guard.released_at = '2026-01-05T12:00:01Z'
    expect([phone.dials(2), phone.dials(3)]).toEqual(['connect', 'VELOCITY_EXCEEDED'])
  })

  test('say how to release it, and what the record keeps', () => {
    const phone = guardedPhone({ max_calls_per_minute: 1 })
    phone.granted(0, 1)
    phone.dials(0)
    expect(admitCall(phone.ledger, ms(1), 'one-more', out)).toMatchObject({
      status: 403,
      reason: 'VELOCITY_EXCEEDED',
      message: expect.stringContaining(`POST /v1.0/extensions/${alicesPhone.id}/release`),
      explanation: {
        outcome: 'reject',
        suspicion: { kind: 'extension', reason: 'VELOCITY_EXCEEDED', refused: true },
      },
    })
  })

  test.each([
    ['wait for a share while the edge is there', 5_999, 'VELOCITY_EXCEEDED'],
    ['go by an equal share while it is away', 6_000, 'connect'],
  ])('%s', (_, at, outcome) => {
    const phone = guardedPhone({ max_calls_per_minute: 4 })
    phone.hears(0, [], 2)
    expect(phone.dials(at)).toBe(outcome)
  })

  test('which an equal share lets in are half of them', () => {
    const phone = guardedPhone({ max_calls_per_minute: 4 })
    phone.hears(0, [], 2)
    expect([6_000, 6_001, 6_002].map((at) => phone.dials(at))).toEqual([
      'connect',
      'connect',
      'VELOCITY_EXCEEDED',
    ])
  })
})

describe('a relay which begins anew', () => {
  test('counts what began in the process before, as long as it counts, and no call which was released since', () => {
    const guard: Partial<OutboundGuard> = { max_calls_per_minute: 3, max_calls_per_hour: 3 }
    const before = guardedPhone(guard)
    for (const velocity of velocities) before.granted(0, 3, velocity)
    expect([before.dials(0), before.dials(40_000)]).toEqual(['connect', 'connect'])
    const written = { at: 40_000, begun: before.ledger.begunLately(ms(40_000)) ?? [] }
    expect(before.ledger.begunLately(ms(41_000))).toBeUndefined()
    const anew = () => {
      const phone = guardedPhone(guard)
      phone.remembers(50_000, written)
      return phone
    }
    const after = anew()
    expect(after.standing(50_000)).toMatchObject({ held: 2, used: 2 })
    expect(after.standing(60_000)).toMatchObject({ held: 1 })
    for (const velocity of velocities) after.granted(60_000, 3, velocity)
    expect([after.dials(60_000), after.dials(60_001)]).toEqual(['connect', 'VELOCITY_EXCEEDED'])
    guard.released_at = '2026-01-05T12:00:01Z'
    expect(anew().standing(50_000)).toMatchObject({ held: null, used: 0 })
  })
})

describe('relays which share how fast calls begin', () => {
  const step = fc.record({
    relay: fc.nat(1),
    ms: fc.nat(3_000),
    act: fc.constantFrom(
      'call',
      'call',
      'beat',
      'beat',
      'answer',
      'answer',
      'answer',
      'lost',
      'end',
      'restart',
    ),
  })

  test('never let more begin within any minute than may, whatever beat or answer is late or lost, and whichever begins anew', () => {
    let [refused, begunInAll] = [0, 0]
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(step, { minLength: 150, maxLength: 300 }),
        (limit, steps) => {
          const edge = new Edge(limit)
          const relays = [0, 1].map(() => guardedPhone({ max_calls_per_minute: limit }))
          const answers = relays.map((): { slices: number; sentAt: number }[] => [])
          const written = relays.map(() => ({ at: 0, begun: [] as readonly BegunBefore[] }))
          const begun: number[] = []
          let now = 0
          for (const relay of relays) relay.hears(0, [], 2)
          for (const { relay: nth, ms: pause, act } of steps) {
            now += pause
            const [relay, waiting] = [relays[nth], answers[nth]]
            if (!relay || !waiting) continue
            // However late the answers are: the edge is there.
            relay.stays(now)
            if (act === 'call') {
              if (relay.dials(now) === 'connect') begun.push(now)
              else refused++
              const last = relay.ledger.begunLately(ms(now))
              if (last) written[nth] = { at: now, begun: last }
            } else if (act === 'restart') {
              relays[nth] = guardedPhone({ max_calls_per_minute: limit })
              relays[nth]?.hears(now, [], 2)
              relays[nth]?.remembers(now, written[nth])
              waiting.splice(0)
            } else if (act === 'end') relay.endsAll(now)
            else if (act === 'beat' || act === 'lost') {
              const slices = edge.hear(nth, relay.standing(now))
              // A relay beats again when it does not wait for an answer any more.
              waiting.splice(0)
              if (act === 'beat') waiting.push({ slices, sentAt: now })
            } else {
              const answer = waiting.shift()
              if (answer) relay.granted(now, answer.slices, 'calls_per_minute', 2, answer.sentAt)
            }
            expect(begun.filter((at) => at > now - MINUTE).length).toBeLessThanOrEqual(limit)
          }
          begunInAll += begun.length
        },
      ),
      { numRuns: 200 },
    )
    // The limit is not kept by refusing all of them, nor by nothing which would break it.
    expect(begunInAll).toBeGreaterThan(200)
    expect(refused).toBeGreaterThan(200)
  })
})

/** A relay which counts the calls of Alice's phone. */
function guardedPhone(guard: Partial<OutboundGuard>) {
  const ledger = new Ledger({ epoch: 0 }, limitedBy({ [alicesPhone.id]: guard }))
  const calls: string[] = []
  let count = 0
  let relays = 1
  const hears = (now: number, slices: SliceGranted[], of: number, sentAt = now) => {
    relays = of
    ledger.receive({ type: 'beat', answer: { relays: of, slices, seconds: [] }, sentAt: ms(sentAt) }, ms(now))
  }
  return {
    ledger,
    hears,
    /** What the process before wrote down. */
    remembers(now: number, written: { at: number; begun: readonly BegunBefore[] } | undefined): void {
      const { at = 0, begun = [] } = written ?? {}
      const aged = begun.map((one) => ({
        ...one,
        begun: one.begun.map(([ago, of]) => [ago + now - at, of] as const),
      }))
      ledger.receive({ type: 'remembered', begun: aged }, ms(now))
    },
    stays: (now: number) => hears(now, [], relays, -1),
    granted: (now: number, amount: number, resource: Velocity = 'calls_per_minute', of = 2, sentAt = now) =>
      hears(now, [{ scope: alicesPhone, resource, amount }], of, sentAt),
    /** How a call ends up which is dialled now. */
    dials(now: number, decision: RouteDecision = out): string {
      const id = `call ${++count} of ${Math.random()}`
      const admitted = admitCall(ledger, ms(now), id, decision)
      if (admitted.kind === 'reject') return admitted.reason
      calls.push(id)
      return admitted.kind
    },
    endsAll(now: number): void {
      for (const id of calls.splice(0)) ledger.free(ms(now), id)
    },
    standing: (now: number): SliceHeld | undefined =>
      ledger
        .slices(ms(now))
        .find(({ scope, resource }) => scope.id === alicesPhone.id && resource === 'calls_per_minute'),
  }
}
type SliceGranted = { scope: typeof alicesPhone; resource: Velocity; amount: number }

/** An edge which shares as the statement in `store/slices.ts` does: it gives what no relay may believe it has. */
class Edge {
  readonly #limit: number
  readonly #amounts = new Map<number, number>()
  readonly #wanted = new Map<number, number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  hear(relay: number, said: SliceHeld | undefined): number {
    const held = Math.max(0, said?.held ?? 0)
    const used = said?.used ?? 0
    const others = [...this.#amounts].reduce((sum, [id, amount]) => sum + (id === relay ? 0 : amount), 0)
    this.#wanted.set(relay, used + (said?.refused ?? 0))
    // Those who want more than there is share alike; what was not asked for is taken back.
    const asking = [...this.#wanted.values()].filter((wanted) => wanted > 0).length
    const aim = Math.min(this.#wanted.get(relay) ?? 0, Math.ceil(this.#limit / Math.max(1, asking)))
    const amount = Math.max(0, Math.min(used, held), Math.min(aim, this.#limit - others))
    this.#amounts.set(relay, Math.max(amount, held))
    return amount
  }
}
