import type { BeatAnswer, Resource, Scope, SliceHeld } from '#contract'
import { aims, sum } from './sharing.ts'

/** Which limit: a scope's channels or calls a second. */
export type LimitKey = string

/** A limit which relays share; null: there is none. */
export interface KnownLimit {
  readonly scope: Scope
  readonly resource: Resource
  readonly limit: number | null
}

/** What one relay has of one limit. */
export interface Holding {
  readonly scope: Scope
  readonly resource: Resource
  used: number
  wanted: number
  /** As the relay said last. */
  held: number
  /** What was granted since, in frames which the relay does not say it has applied. */
  sent: { serial: number; amount: number }[]
}

/** What relays hold which the database shares for: undefined: it is not known how much. */
export type Strangers = ReadonlyMap<string, ReadonlyMap<LimitKey, number> | undefined>

type ShareGrant = BeatAnswer['slices'][number]

/**
 * Shares of limits, as far as relays know of them.
 *
 * Safe: a relay is given more only from what no relay may believe it has. It may believe whatever it said it holds, and all
 * that was sent to it since; what it uses counts even where it holds less. What is in use is never taken away.
 * Fair: each aims at its share by water-filling.
 */
export class Grants {
  readonly #limits = new Map<LimitKey, KnownLimit>()
  readonly #relays = new Map<string, Map<LimitKey, Holding>>()
  #strangers: Strangers = new Map()

  /** Who shares through the database meanwhile: nothing is given to others of what these may believe. */
  beside(strangers: Strangers): void {
    this.#strangers = strangers
  }

  /** Limits as they are now. */
  limited(limits: readonly KnownLimit[]): void {
    for (const known of limits) this.#limits.set(keyOf(known), known)
  }

  /** Limits as they were when Postgres was asked something else: what is known already may be newer. */
  introduced(limits: readonly KnownLimit[]): void {
    this.limited(limits.filter((limit) => this.unknownOf([limit])))
  }

  /** Limits which relays speak of and which are not known. */
  unknownOf(slices: readonly Pick<SliceHeld, 'scope' | 'resource'>[]): boolean {
    return slices.some((slice) => !this.#limits.has(keyOf(slice)))
  }

  /** All limits which are known, to be asked for again. */
  known(): Omit<KnownLimit, 'limit'>[] {
    return [...this.#limits.values()].map(({ scope, resource }) => ({ scope, resource }))
  }

  /** A relay says what it has, having applied all up to a frame; what it does not speak of it gives back. */
  say(relayId: string, slices: readonly SliceHeld[], seen: number): void {
    const before = this.#relays.get(relayId)
    const said = new Map<LimitKey, Holding>()
    const unseen = (key: LimitKey) => (before?.get(key)?.sent ?? []).filter(({ serial }) => serial > seen)
    for (const { scope, resource, held, used, refused } of slices) {
      const key = keyOf({ scope, resource })
      const uses = Math.max(0, used)
      const has = Math.max(0, held ?? 0)
      said.set(key, {
        scope,
        resource,
        used: uses,
        wanted: uses + Math.max(0, refused),
        held: has,
        sent: unseen(key),
      })
    }
    for (const [key, { scope, resource }] of before ?? [])
      if (!said.has(key) && unseen(key).length > 0)
        said.set(key, { scope, resource, used: 0, wanted: 0, held: 0, sent: unseen(key) })
    this.#relays.set(relayId, said)
  }

  /** A relay is no more: what it had is free. */
  forget(relayId: string): void {
    this.#relays.delete(relayId)
  }

  /** What a relay has, as it may be kept and brought back. */
  holdings(relayId: string): Holding[] {
    return [...(this.#relays.get(relayId)?.values() ?? [])]
  }

  /** Brings back what was kept. */
  restore(relayId: string, holdings: readonly Holding[]): void {
    this.#relays.set(relayId, new Map(holdings.map((holding) => [keyOf(holding), holding])))
  }

  /**
   * What a relay may use from now on of all it speaks of, sent in a frame of that serial.
   *
   * `grows`: false where it may get no more than it says it holds.
   */
  answer(relayId: string, serial: number, grows: boolean): ShareGrant[] {
    return this.holdings(relayId).flatMap((holding) => {
      const { scope, resource } = holding
      const amount = this.#amounts(keyOf(holding), grows).get(relayId)
      if (amount === undefined) return []
      note(holding, serial, amount)
      return [{ scope, resource, amount }]
    })
  }

  /**
   * What others are to hear unasked: more where one lacks it and it is free; less where another lacks what they have
   * beyond their share. `on`: relays which can be told, each with the serial of its next frame.
   */
  others(
    on: ReadonlyMap<string, number>,
    about: readonly LimitKey[],
    grows: boolean,
  ): Map<string, ShareGrant[]> {
    const told = new Map<string, ShareGrant[]>()
    for (const key of about)
      for (const [relayId, amount] of this.#moves(key, grows)) {
        const [serial, holding] = [on.get(relayId), this.#relays.get(relayId)?.get(key)]
        if (serial === undefined || !holding) continue
        note(holding, serial, amount)
        told.set(relayId, [
          ...(told.get(relayId) ?? []),
          { scope: holding.scope, resource: holding.resource, amount },
        ])
      }
    return told
  }

  /** Limits of which more than one relay has a part. */
  keysOf(relayId: string): LimitKey[] {
    return [...(this.#relays.get(relayId)?.keys() ?? [])]
  }

  /** Every limit some relay speaks of. */
  allKeys(): LimitKey[] {
    return [...new Set([...this.#relays.keys()].flatMap((relayId) => this.keysOf(relayId)))]
  }

  #moves(key: LimitKey, grows: boolean): [string, number][] {
    const amounts = [...this.#amounts(key, grows)]
    const now = amounts.map(([relayId, amount]) => ({
      relayId,
      amount,
      believes: this.#believes(relayId, key),
    }))
    const wants = (relayId: string) => this.#relays.get(relayId)?.get(key)?.wanted ?? 0
    const more = now.filter(({ relayId, amount, believes }) => amount > believes && wants(relayId) > believes)
    const lacking = now.some(({ relayId, amount, believes }) => wants(relayId) > Math.max(amount, believes))
    const less = lacking ? now.filter(({ amount, believes }) => amount < believes) : []
    return [...more, ...less].map(({ relayId, amount }) => [relayId, amount])
  }

  /** What each relay may use of one limit; nothing where there is no limit. */
  #amounts(key: LimitKey, grows: boolean): Map<string, number> {
    const limit = this.#limits.get(key)?.limit ?? undefined
    if (limit === undefined) return new Map()
    const holders = [...this.#relays].flatMap(([id, holdings]) => {
      const holding = holdings.get(key)
      return holding ? [{ id, holding, bound: boundOf(holding) }] : []
    })
    const foreign = this.#foreign(key)
    const sharers = holders.map(({ id, holding: { used, wanted } }) => ({ id, used, wanted }))
    const aim = aims(limit, [...sharers, ...foreign])
    const taken = sum(holders.map(({ bound }) => bound)) + sum(foreign.map(({ used }) => used))
    return new Map(
      holders.map(({ id, holding, bound }) => {
        const free = limit - (taken - bound)
        const mine = Math.min(holding.used, mostHeld(holding))
        const amount = Math.max(0, mine, Math.min(aim.get(id) ?? 0, free))
        return [id, grows ? amount : Math.min(amount, believed(holding))]
      }),
    )
  }

  #foreign(key: LimitKey) {
    return [...this.#strangers].map(([id, amounts]) => {
      const used = amounts === undefined ? Number.MAX_SAFE_INTEGER / 1024 : (amounts.get(key) ?? 0)
      return { id, used, wanted: used }
    })
  }

  #believes(relayId: string, key: LimitKey): number {
    const holding = this.#relays.get(relayId)?.get(key)
    return holding ? believed(holding) : 0
  }
}

/** A frame says what a relay may use. Of a relay which never says what it has applied the older ones are one, of their most. */
function note({ sent }: Holding, serial: number, amount: number): void {
  sent.push({ serial, amount })
  if (sent.length <= sentAtMost) return
  const older = sent.splice(0, sent.length - sentAtMost / 2)
  const most = older.reduce((so, one) => Math.max(so, one.amount), 0)
  sent.unshift({ serial: older.at(-1)?.serial ?? 0, amount: most })
}

const sentAtMost = 64

/** What counts as taken: the most a relay may believe it has, or what it uses. */
function boundOf(holding: Holding): number {
  return Math.max(mostHeld(holding), holding.used)
}

function mostHeld({ held, sent }: Holding): number {
  return Math.max(held, ...sent.map(({ amount }) => amount))
}

/** What it will believe once all which was sent has come. */
function believed({ held, sent }: Holding): number {
  return sent.at(-1)?.amount ?? held
}

/** How a limit is called here. */
function keyOf({ scope: { kind, id }, resource }: Pick<SliceHeld, 'scope' | 'resource'>): LimitKey {
  return `${kind} ${id} ${resource}`
}
