import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type MadeStep, madeSteps, PaperFleet, type Trouble } from '../../support/paper-fleet.ts'

/*
 * Calls which the API orders, of two relays: the edge and its database are real, a relay is its core. Who dies at which step of a
 * call, and what becomes of that: calls placed are records are events, no party is rung twice, and no record goes on for ever.
 */

let fleet: PaperFleet
beforeAll(async () => {
  // What is said of a database which is lost is no matter here.
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  fleet = await PaperFleet.open()
})
beforeEach(() => fleet.anew())
afterAll(async () => {
  vi.restoreAllMocks()
  await fleet.close()
})

const everything = process.env.TEST_DATABASE_URL !== undefined

/** `begins anew`, `is gone`: the relay; else what stands in the way of the next request, before or after it was carried out. */
const victims = [
  'begins anew',
  'is gone',
  'workerd before',
  'workerd after',
  'database before',
  'database after',
] as const
type Victim = (typeof victims)[number]

const once = 'rung once: normal'
const cut = 'rung once: RELAY_LOST'
const lost = 'not rung: RELAY_LOST'

const table: Record<MadeStep, Record<Victim, string>> = {
  asked: row(once, once, once),
  ordered: row(once, once, once),
  taken: row(once, once, once),
  begun: row(lost, lost, 'not rung: NOT_DECIDED'),
  invited: row(cut, cut, once),
  ringing: row(cut, cut, once),
  answered: row(cut, cut, once),
  ended: row(once, cut, once),
}

function row(anew: string, gone: string, edge: string): Record<Victim, string> {
  const [a, b, c, d, e, f] = victims
  return { [a]: anew, [b]: gone, [c]: edge, [d]: edge, [e]: edge, [f]: edge } as Record<Victim, string>
}

describe.each(madeSteps)('where one dies when a call was %s', (step) => {
  test.each(playedAt(step))('%s', async (victim) => {
    strike(step, victim)
    const { rung, ended, events, ...rest } = await fleet.calls()
    const times = ['not rung', 'rung once'][rung] ?? `rung ${rung} times`
    expect(`${times}: ${ended}`).toBe(table[step][victim])
    expect(rest).toEqual({ placed: true, records: 1, status: 'hangup' })
    expect([events[0], events.at(-1)]).toEqual(['call.created', 'call.ended'])
    expect(events).toEqual([...new Set(events)])
  })
})

test('whatever is lost of what relays and clients ask, and whichever relay dies, no party is rung twice and each record ends', async () => {
  const trouble = fc.record<Trouble>({
    who: fc.constantFrom('workerd', 'database'),
    when: fc.constantFrom('before', 'after'),
  })
  const death = fc.option(fc.tuple(fc.constantFrom(...madeSteps), fc.constantFrom('begins anew', 'is gone')))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(trouble), { maxLength: 12 }), death, async (troubles, dies) => {
      await fleet.anew()
      if (dies) strike(...(dies as [MadeStep, Victim]))
      const left = [...troubles]
      fleet.trouble = () => left.shift() ?? undefined
      const { placed, rung, records, status, events } = await fleet.calls()
      expect(rung).toBeLessThan(2)
      expect(records).toBeLessThan(2)
      if (placed) expect(records).toBe(1)
      if (records === 0) return
      expect([status, events[0], events.at(-1)]).toEqual(['hangup', 'call.created', 'call.ended'])
      expect(events).toEqual([...new Set(events)])
    }),
    { numRuns: everything ? 60 : 4 },
  )
})

/** All on PostgreSQL, of each step a third on PGlite, so that a newcomer does not wait. */
function playedAt(step: MadeStep): readonly Victim[] {
  if (everything) return victims
  return victims.filter((_, nth) => nth % 3 === madeSteps.indexOf(step) % 3)
}

/** At that step the relay dies, or the next request meets what happened to the edge. */
function strike(step: MadeStep, victim: Victim): void {
  const [who, when] = victim.split(' ') as [Trouble['who'], Trouble['when']]
  let next: Trouble | undefined
  fleet.reached = (reached, relay) => {
    if (reached !== step) return
    if (who === 'workerd' || who === 'database') next = { who, when }
    else {
      relay.kill()
      if (victim === 'begins anew') relay.begin()
    }
  }
  fleet.trouble = () => {
    const met = next
    next = undefined
    return met
  }
}
