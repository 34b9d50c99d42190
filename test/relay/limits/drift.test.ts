import { describe, expect, test } from 'vitest'
import {
  type Limit,
  monotonicMs,
  monotonicMs as ms,
  type RouteDecision,
  type Scope,
  type SliceHeld,
} from '#contract'
import { admitCall, reserve } from '../../../relay/limits/admit-call.ts'
import { Ledger } from '../../../relay/limits/ledger.ts'
import { acme, alicesPhone, counted, limitedBy } from '../../support/limits.ts'
import { customerId, provider, telnyx, through } from '../../support/office.ts'

const epoch = Date.parse('2026-01-05T12:00:00Z')
const carrier: Scope = { kind: 'provider', id: provider(telnyx).provider_id }
const decision = counted(through(provider(telnyx)))

describe('a ledger in which calls come and go in any order, and much is said twice', () => {
  test('always says what a list of the calls would say', () => {
    for (let seed = 0; seed < 100; seed++) {
      const below = seededBelow(seed)
      const ledger = new Ledger({ epoch }, limitedBy({ [customerId]: { max_channels: 8 } }))
      const calls = new Map<string, Set<Scope>>()
      let now = 0
      for (let step = 0; step < 300; step++) {
        now += below(50)
        const id = `call-${below(20)}`
        const scope = pick([acme, alicesPhone, carrier], below)
        const act = below(6)
        if (act === 0) {
          ledger.open(id, customerId)
          if (!calls.has(id)) calls.set(id, new Set())
        } else if (act <= 2) {
          ledger.take(ms(now), id, scope)
          calls.get(id)?.add(scope)
        } else if (act === 3) {
          ledger.keep(ms(now), id, [{ scope: acme }, { scope }])
          for (const one of [...(calls.get(id) ?? [])])
            if (one !== acme && one !== scope) calls.get(id)?.delete(one)
        } else if (act === 4)
          ledger.receive(
            { type: 'beat', answer: { relays: 1, slices: [], seconds: [] }, sentAt: monotonicMs(now) },
            monotonicMs(now),
          )
        else {
          ledger.free(ms(now), id)
          calls.delete(id)
        }
        const inAcme = [...calls.values()].filter((scopes) => scopes.has(acme)).length
        expect(ledger.limits(acme, ms(now))[0]?.used, `seed ${seed}`).toBe(inAcme)
        expect(ledger.size).toBe(calls.size)
      }
      for (const id of calls.keys()) ledger.free(ms(now), id)
      expect(ledger.leases()).toEqual([])
      expect(ledger.limits(acme, ms(now))[0]?.used).toBe(0)
    }
  })
})

describe('legs of calls which are paid for', () => {
  test('are never more at once, nor begun in one second, than a limit has places, whoever sends calls on to whom', () => {
    const caps = { max_channels: 4, max_cps: 3 }
    for (let seed = 0; seed < 100; seed++) {
      const below = seededBelow(seed)
      const ledger = new Ledger({ epoch }, limitedBy({ [customerId]: caps, [carrier.id]: caps }))
      const calls = new Map<string, Set<number>>()
      const begun: number[] = []
      let now = 0
      for (let step = 0; step < 300; step++) {
        now += below(120)
        const id = `call-${below(6)}`
        const legs = calls.get(id) ?? new Set()
        const leg = 1 + step
        if (below(4) === 0) {
          for (const one of legs) if (below(2) === 0) legs.delete(one)
          const places = [...legs].flatMap((leg) => [acme, carrier].map((scope) => ({ scope, leg })))
          ledger.keep(ms(now), id, [{ scope: acme }, ...places])
        } else if (!legs.has(leg) && isLetIn(admitCall(ledger, ms(now), id, decision, leg))) {
          const full = reserve(ledger, ms(now), id, carrier.id, false, leg)
          if (!full) legs.add(leg)
          if (!full) begun.push(now)
          calls.set(id, legs)
          const places = [...legs].flatMap((leg) => [acme, carrier].map((scope) => ({ scope, leg })))
          ledger.keep(ms(now), id, [{ scope: acme }, ...places])
        }
        const paid = [...calls.values()].reduce((sum, { size }) => sum + size, 0)
        expect(paid, `seed ${seed}`).toBeLessThanOrEqual(4)
        const lately = begun.filter((at) => at > now - 1_000).length
        expect(lately, `seed ${seed}`).toBeLessThanOrEqual(3)
      }
    }
  })
})

describe('relays which share the limits of one customer', () => {
  test('never have more calls together than the limit, whatever beat or answer is lost', () => {
    for (let seed = 0; seed < 60; seed++) {
      const below = seededBelow(seed)
      const limit = 1 + below(12)
      const edge = new Edge(limit)
      const relays = Array.from({ length: 2 + below(2) }, (_, index) => new Relay(`r${index}`, limit))
      for (const relay of relays) relay.beat(edge, 0, relays.length)
      let most = 0
      for (let now = 0; now < 120_000; now += 1 + below(500)) {
        const relay = pick(relays, below)
        if (below(3) > 0) relay.call(now)
        else relay.hangUp(now, below)
        if (below(4) === 0)
          relay.beat(edge, now, relays.length, pick(['both', 'both', 'beat', 'none'], below))
        const together = relays.reduce((sum, { calls }) => sum + calls.length, 0)
        most = Math.max(most, together)
        expect(together, `seed ${seed}`).toBeLessThanOrEqual(limit)
      }
      // The limit is not kept by refusing everybody.
      expect(most).toBeGreaterThanOrEqual(Math.ceil(limit / 2))
    }
  })
})

/** A relay with nothing in it but its ledger and its calls. */
class Relay {
  readonly name: string
  readonly ledger: Ledger
  calls: string[] = []
  #calls = 0

  constructor(name: string, limit: number) {
    this.name = name
    this.ledger = new Ledger({ epoch }, limitedBy({ [customerId]: { max_channels: limit } }, [acme]))
  }

  call(now: number): void {
    const id = `${this.name}-${++this.#calls}`
    if (isLetIn(admitCall(this.ledger, ms(now), id, decision)) && !placedNowhere(this.ledger, now, id))
      this.calls.push(id)
  }

  hangUp(now: number, below: (below: number) => number): void {
    const [id] = this.calls.splice(below(this.calls.length), 1)
    if (id !== undefined) this.ledger.free(ms(now), id)
  }

  /** What comes through: the beat and its answer, the beat only, or nothing. */
  beat(edge: Edge, now: number, relays: number, through: 'both' | 'beat' | 'none' = 'both'): void {
    const said = this.ledger.slices(ms(now)).filter(({ resource }) => resource === 'channels')
    const amount = through === 'none' ? 0 : edge.hear(this.name, said[0])
    if (through !== 'both') return
    const answer = { relays, slices: [{ scope: acme, resource: 'channels' as const, amount }], seconds: [] }
    this.ledger.receive({ type: 'beat', answer, sentAt: monotonicMs(now) }, monotonicMs(now))
  }
}

function isLetIn(decided: RouteDecision): boolean {
  return decided.kind === 'connect'
}

function placedNowhere(ledger: Ledger, now: number, id: string): Limit | undefined {
  return reserve(ledger, ms(now), id, carrier.id, false)
}

/** An edge which grants what is asked for, as far as nobody else may be using it. */
class Edge {
  readonly #limit: number
  /** The most each relay may believe to have, or has in use. */
  readonly #claims = new Map<string, number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  hear(relay: string, said: SliceHeld | undefined): number {
    const { held, used, refused } = { held: 0, used: 0, refused: 0, ...said }
    const others = [...this.#claims].reduce((sum, [name, claim]) => sum + (name === relay ? 0 : claim), 0)
    const amount = Math.max(0, Math.min(used + refused + 1, this.#limit - others))
    // An answer may be lost: until the relay says that it holds less, it may use what it held.
    this.#claims.set(relay, Math.max(amount, held ?? 0, used))
    return amount
  }
}

function pick<T>(from: readonly T[], below: (below: number) => number): T {
  return from[below(from.length)] as T
}

/** The same dice for the same seed (a linear congruential generator). */
function seededBelow(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
