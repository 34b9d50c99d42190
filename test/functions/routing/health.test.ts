import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { monotonicMs as ms } from '#contract'
import {
  callServes,
  type Health,
  healthAt,
  latencyOf,
  longestHoldOffMs,
  type Observation,
  observed,
  probeServes,
  trialBegun,
  trialDue,
  unseen,
} from '#routing'

describe('the health of a provider', () => {
  test('is healthy after the first success', () => {
    expect(see(unseen, ms(0), probe(true)).status).toBe('healthy')
    expect(see(unseen, ms(0), call(true)).status).toBe('healthy')
  })

  test('bears two failures in a row, and is unhealthy after three', () => {
    let health = see(unseen, ms(0), probe(true))
    health = see(health, ms(1_000), probe(false))
    health = see(health, ms(2_000), call(false))
    expect(health.status).toBe('healthy')
    health = see(health, ms(3_000), probe(false))
    expect(health).toMatchObject({ status: 'unhealthy', since: 3_000 })
    expect(health.why).toBe('3 failures in a row, last: no response')
  })

  test('is unhealthy when half of at least eight calls in a minute fail', () => {
    const seven = alternating(unseen, 7, 1_000, 'call')
    expect(seven.status).toBe('healthy')
    const eight = see(seven, ms(8_000), call(false))
    expect(eight).toMatchObject({ status: 'unhealthy' })
    expect(eight.why).toContain('4 of 8 calls in a minute failed')
  })

  test('is unhealthy after three failed calls in a row though it answers every probe between them', () => {
    let health = see(unseen, ms(0), probe(true))
    for (const at of [30_000, 60_000]) {
      health = see(health, ms(at), call(false, 500))
      health = see(health, ms(at + 1), probe(true))
    }
    expect(health.status).toBe('healthy')
    health = see(health, ms(90_000), call(false, 500))
    expect(health.why).toContain('3 calls in a row failed')
  })

  test('is not blamed for three calls that failed days apart', () => {
    const day = 86_400_000
    let health = see(unseen, ms(0), probe(true))
    for (const at of [day, 2 * day, 3 * day]) {
      health = see(health, ms(at), call(false))
      health = see(health, ms(at + 1), probe(true))
    }
    expect(health.status).toBe('healthy')
  })

  test.each([
    ['are silence', 'healthy', {}],
    ['do not reach it', 'unhealthy', { unreachable: true, why: 'nobody listens there' }],
  ])('which took a call, of whose OPTIONS the first three %s, is %s', (_, status, seen) => {
    let health = see(unseen, ms(0), call(true))
    for (const at of [30_000, 60_000, 90_000]) health = see(health, ms(at), { ...probe(false), ...seen })
    expect(health.status).toBe(status)
  })

  test('is unhealthy after five calls in a row which it refused, for whatever reason, though it answers OPTIONS', () => {
    let health = see(unseen, ms(0), probe(true))
    for (const [i, status] of [404, 403, 404, 488].entries()) {
      health = see(health, ms(i * 60_000 + 1), refused(status))
      health = see(health, ms(i * 60_000 + 2), probe(true))
    }
    expect(health.status).toBe('healthy')
    health = see(health, ms(300_000), refused(403))
    expect(health.status).toBe('unhealthy')
    expect(health.why).toBe('5 calls in a row did not get through, last: 403')
  })

  test('is not blamed for refusals between which a call gets through, or a person speaks', () => {
    let health = see(unseen, ms(0), probe(true))
    for (let at = 1; at < 40; at++)
      health = see(health, ms(at * 1_000), at % 5 === 0 ? call(true, 486) : refused(404))
    expect(health.status).toBe('healthy')
  })

  test('is not lifted by OPTIONS where its calls failed all the same: a call has to get through', () => {
    let health = see(unseen, ms(0), probe(true))
    for (const at of [1_000, 2_000, 3_000]) health = see(health, ms(at), call(false, 503))
    for (let at = 30_000; at < 3_600_000; at += 30_000) health = see(health, ms(at), probe(true))
    expect(health.status).toBe('half_open')
    expect(health.why).toContain('a call has to get through first: 3 failures in a row, last: ')
    expect(see(health, ms(3_600_000), refused(403)).status).toBe('unhealthy')
    expect(see(health, ms(3_600_000), call(true)).status).toBe('healthy')
  })

  test('is lifted by OPTIONS where those had failed as well', () => {
    let health = see(unseen, ms(0), probe(true))
    health = see(health, ms(1_000), probe(false))
    for (const at of [2_000, 3_000]) health = see(health, ms(at), call(false))
    expect(health.status).toBe('unhealthy')
    health = see(health, ms(14_000), probe(true))
    expect(see(health, ms(15_000), probe(true)).status).toBe('healthy')
  })

  test('takes no harm from unanswered probes where calls go through and no probe ever was answered', () => {
    let health = see(unseen, ms(0), call(true))
    for (let at = 1; at < 100; at++) health = see(health, ms(at * 30_000), probe(false))
    expect(health.status).toBe('healthy')
  })

  test('is half open when its hold-off is over, or at once when it gives a sign of life', () => {
    const down = dead(unseen, 0)
    expect(healthAt(down, ms(9_999)).status).toBe('unhealthy')
    expect(healthAt(down, ms(10_000))).toMatchObject({ status: 'half_open', since: 10_000 })
    expect(see(down, ms(1_000), probe(true)).status).toBe('half_open')
  })

  test('is healthy again after two successes in a row, unhealthy after one failure', () => {
    const half = see(dead(unseen, 0), ms(1_000), probe(true))
    expect(see(half, ms(2_000), probe(true)).status).toBe('healthy')
    expect(see(half, ms(2_000), probe(false))).toMatchObject({ status: 'unhealthy' })
  })

  test('is held off twice as long each time it fails again, five minutes at most', () => {
    let health = dead(unseen, 0)
    let at = 0
    const holds: number[] = []
    for (let i = 0; i < 8; i++) {
      holds.push(health.heldUntil - at)
      at = health.heldUntil
      health = see(health, ms(at), call(false))
    }
    expect(holds).toEqual([10, 20, 40, 80, 160, 300, 300, 300].map((s) => s * 1000))
  })

  test('is found again at once by a probe after a whole day away', () => {
    let health = dead(unseen, 0)
    for (let at = 30_000; at < 86_400_000; at += 30_000) health = see(health, ms(at), probe(false))
    health = see(health, ms(86_400_000), probe(true))
    expect(health.status).toBe('half_open')
    expect(see(health, ms(86_405_000), probe(true)).status).toBe('healthy')
  })

  test('is forgiven its falls after ten healthy minutes', () => {
    const back = (health: Health, at: number) =>
      see(see(health, ms(at), probe(true)), ms(at + 1), probe(true))
    const relapsed = dead(back(dead(unseen, 0), 10), 20)
    expect(relapsed).toMatchObject({ relapses: 1 })
    const well = back(relapsed, relapsed.heldUntil)
    expect(dead(well, well.since + 599_000)).toMatchObject({ relapses: 2 })
    expect(dead(well, well.since + 600_000)).toMatchObject({ relapses: 0 })
  })

  test('half open gets one trial call at a time, every five seconds', () => {
    const half = healthAt(dead(unseen, 0), ms(10_000))
    expect(trialDue(dead(unseen, 0), ms(9_000))).toBe(false)
    expect(trialDue(half, ms(10_000))).toBe(true)
    const trying = trialBegun(half, ms(10_000))
    expect(trialDue(trying, ms(20_000))).toBe(false)
    const tried = see(trying, ms(12_000), call(true))
    expect(trialDue(tried, ms(14_999))).toBe(false)
    expect(trialDue(tried, ms(15_000))).toBe(true)
    expect(trialDue(trying, ms(40_000))).toBe(true)
  })

  test('has the median of its last nine round trips as latency', () => {
    expect(latencyOf(unseen)).toBeNull()
    const trips = [900, 10, 20, 30, 40, 50, 60, 70, 80, 2_000]
    const health = trips.reduce((one, trip, i) => see(one, ms(i), { ...probe(true), ms: trip }), unseen)
    expect(latencyOf(health)).toBe(50)
  })

  test('takes any answer but 408 and 503 to OPTIONS for a sign of health, or those it was told to', () => {
    expect([200, 404, 405, 486, 500, 603].every((status) => probeServes(status, null))).toBe(true)
    expect([0, 408, 503].some((status) => probeServes(status, null))).toBe(false)
    expect(probeServes(503, [503])).toBe(true)
    expect(probeServes(404, [200])).toBe(false)
  })

  test.each([
    ['busy', 486, true],
    ['not found', 404, true],
    ['declined', 603, true],
    ['forbidden, which may be this number only', 403, true],
    ['an answer', 200, true],
    ['silence', 0, false],
    ['request timeout', 408, false],
    ['out of service', 503, false],
    ['a server error we move on from', 500, false],
    ['credentials refused', 401, false],
  ])('a call which ends in %s (%i) speaks for it: %s', (_, status, serves) => {
    expect(callServes(status, [401, 403, 407, 408, 500, 502, 503, 504])).toBe(serves)
  })

  test('a server error its policy keeps to is the callee speaking', () => {
    expect(callServes(500, [503])).toBe(true)
  })
})

describe('whatever is seen of a provider', () => {
  test('alternating answers and silence never make it healthy again, nor unhealthy by probes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120_000 }), (stepMs) => {
        expect(alternating(unseen, 500, stepMs, 'probe').status).toBe('healthy')
        const statuses = trail(dead(unseen, 0), alternation(500, stepMs))
        expect(statuses).not.toContain('healthy')
      }),
    )
  })

  test('its status is taken back from unhealthy at most seven times in any ten minutes', () => {
    fc.assert(
      fc.property(fc.array(sight(), { minLength: 50, maxLength: 2_000 }), (sights) => {
        const times: number[] = []
        let health = unseen
        for (const [at, seen] of timed(sights)) {
          const after = see(health, ms(at), seen)
          if (after.status === 'healthy' && health.status !== 'healthy') times.push(at)
          health = after
        }
        for (const from of times) {
          const near = times.filter((at) => at >= from && at < from + 600_000)
          expect(near.length).toBeLessThanOrEqual(7)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('even who answers and falls silent as it suits worst is taken back seven times in ten minutes', () => {
    let [health, times] = [unseen, 0]
    for (let at = 0; at < 600_000; at += 500) {
      const after = see(health, ms(at), probe(health.status !== 'healthy'))
      if (after.status === 'healthy' && health.status !== 'healthy') times++
      health = after
    }
    expect(times).toBeGreaterThan(2)
    expect(times).toBeLessThanOrEqual(7)
  })

  test('a provider that died is found by the next three calls alone', () => {
    fc.assert(
      fc.property(fc.array(sight(), { maxLength: 300 }), (sights) => {
        const [health, at] = asSeen(sights)
        expect(dead(health, at).status).toBe('unhealthy')
      }),
    )
  })

  test('a provider that was silent and came back is found by probes alone within its hold-off and two probes', () => {
    fc.assert(
      fc.property(fc.array(sight(), { maxLength: 300 }), fc.integer({ min: 1, max: 60 }), (sights, s) => {
        let [health, at] = asSeen(sights)
        const end = Math.max(at, health.heldUntil) + 2 * s * 1000
        expect(health.heldUntil).toBeLessThanOrEqual(at + longestHoldOffMs)
        for (; at < end; at += s * 1000) health = see(health, ms(at + s * 1000), probe(true))
        expect(health.status).toBe('healthy')
      }),
    )
  })

  test('what is remembered of it does not grow', () => {
    fc.assert(
      fc.property(fc.array(sight(), { maxLength: 2_000 }), (sights) => {
        const [health] = asSeen(sights)
        expect(health.roundTrips.length).toBeLessThanOrEqual(9)
        expect(health.slices.length).toBeLessThanOrEqual(7)
        expect(health.failedCalls.length).toBeLessThanOrEqual(3)
        expect(health.lostCalls.length).toBeLessThanOrEqual(5)
      }),
      { numRuns: 30 },
    )
  })
})

type Sight = readonly [gapMs: number, seen: Observation]

function sight(): fc.Arbitrary<Sight> {
  const seen = fc.record({ by: fc.constantFrom('probe', 'call'), ok: fc.boolean() })
  return fc.tuple(
    fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 100_000 })),
    seen.map(({ by, ok }): Observation => (by === 'probe' ? { ...probe(ok), ms: 10 } : call(ok))),
  )
}

function timed(sights: readonly Sight[]): [number, Observation][] {
  let at = 0
  return sights.map(([gap, seen]) => {
    at += gap
    return [at, seen]
  })
}

function asSeen(sights: readonly Sight[]): [Health, number] {
  const all = timed(sights)
  const health = all.reduce((one, [at, seen]) => see(one, ms(at), seen), unseen)
  return [health, all.at(-1)?.[0] ?? 0]
}

function alternation(count: number, stepMs: number): [number, Observation][] {
  return Array.from({ length: count }, (_, i) => [(i + 1) * stepMs, probe(i % 2 === 0)])
}

function trail(health: Health, all: readonly [number, Observation][]): string[] {
  let last = health
  return all.map(([at, seen]) => {
    last = see(last, ms(at), seen)
    return last.status
  })
}

function alternating(health: Health, count: number, stepMs: number, by: 'probe' | 'call'): Health {
  return alternation(count, stepMs).reduce((one, [at, seen]) => see(one, ms(at), { ...seen, by }), health)
}

/** Three calls in a row fail. */
function dead(health: Health, at: number): Health {
  return [0, 0, 0].reduce((one) => see(one, ms(at), call(false)), health)
}

const see = observed

function probe(ok: boolean): Observation {
  return { by: 'probe', ok, status: ok ? 200 : 0, why: ok ? '200 OK' : 'no response' }
}

function call(ok: boolean, status = ok ? 200 : 0): Observation {
  return { by: 'call', ok, status, why: ok ? '200 OK' : 'no response' }
}

function refused(status: number): Observation {
  return { by: 'call', ok: true, refused: true, status, why: `${status}` }
}
