import type { BeatAnswer, SliceHeld } from '#contract'
import type { LimitPart } from './claim.ts'
import { believed, boundOf, type Holding, mostHeld, note } from './holding.ts'
import { type KnownLimit, keyOf, type LimitKey, nameOf } from './limit.ts'
import { aims, sum } from './sharing.ts'

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
  #touched = false

  /** Whether what is held here may be another than when this was asked last. */
  touched(): boolean {
    const touched = this.#touched
    this.#touched = false
    return touched
  }

  /** Who shares through the database meanwhile: nothing is given to others of what these may believe. */
  beside(strangers: Strangers): void {
    this.#strangers = strangers
    this.#touched = true
  }

  /** Limits as they are now. */
  limited(limits: readonly KnownLimit[]): void {
    for (const known of limits) this.#limits.set(keyOf(known), known)
    this.#touched = true
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

  /** Limits of which some relay speaks; `unknown`: of one it is not known what it is. Others are no longer known. */
  named(): { names: Omit<KnownLimit, 'limit'>[]; unknown: boolean } {
    const named = new Map<LimitKey, Omit<KnownLimit, 'limit'>>()
    for (const holdings of this.#relays.values())
      for (const [key, { scope, resource }] of holdings) named.set(key, { scope, resource })
    for (const key of this.#limits.keys()) if (!named.has(key)) this.#limits.delete(key)
    return { names: [...named.values()], unknown: [...named.keys()].some((key) => !this.#limits.has(key)) }
  }

  /** It is known that there is no limit. */
  isUnlimited(key: LimitKey): boolean {
    return this.#limits.get(key)?.limit === null
  }

  /** A relay says what it has, having applied all up to a frame; what it does not speak of it gives back. */
  say(relayId: string, slices: readonly SliceHeld[], seen: number): void {
    const parts = slices.map(({ scope, resource, held, used, refused }) => {
      const uses = Math.max(0, used)
      const sharers = [{ used: uses, wanted: uses + Math.max(0, refused) }]
      return { scope, resource, held: Math.max(0, held ?? 0), sharers }
    })
    this.claim(relayId, parts, seen)
  }

  /** A relay comes on a line whose frames are counted anew: it may have all which it was given before. */
  keep(relayId: string): void {
    for (const holding of this.#relays.get(relayId)?.values() ?? []) {
      holding.held = mostHeld(holding)
      holding.sent = []
    }
  }

  /** The same of a group, whose every relay counts in sharing. */
  claim(relayId: string, parts: readonly LimitPart[], seen: number): void {
    const before = this.#relays.get(relayId)
    const said = new Map<LimitKey, Holding>()
    const unseen = (key: LimitKey) => (before?.get(key)?.sent ?? []).filter(({ serial }) => serial > seen)
    for (const { scope, resource, held, sharers } of parts) {
      const key = keyOf({ scope, resource })
      const [used, wanted] = [sum(sharers.map((one) => one.used)), sum(sharers.map((one) => one.wanted))]
      const many = sharers.length > 1 ? { sharers } : {}
      said.set(key, { scope, resource, used, wanted, held, sent: unseen(key), ...many })
    }
    for (const [key, { scope, resource }] of before ?? [])
      if (!said.has(key) && unseen(key).length > 0)
        said.set(key, { scope, resource, used: 0, wanted: 0, held: 0, sent: unseen(key) })
    this.#relays.set(relayId, said)
    this.#touched = true
  }

  /**
   * All that is held here, of each limit, as this group says it to who owns the limit; of what no relay speaks any more nothing is
   * known from then on. undefined: it is not known what some relay holds.
   */
  parts(): LimitPart[] | undefined {
    if ([...this.#strangers.values()].includes(undefined)) return undefined
    const foreign = [...this.#strangers.values()].flatMap((amounts) => [...(amounts?.keys() ?? [])])
    const keys = new Set([...this.allKeys(), ...foreign])
    for (const key of this.#limits.keys()) if (!keys.has(key)) this.#limits.delete(key)
    return [...keys].map((key) => {
      const holders = [...this.#relays.values()].flatMap((holdings) => holdings.get(key) ?? [])
      const sharers = [...holders, ...this.#foreign(key)].map(({ used, wanted }) => ({ used, wanted }))
      const taken = sum([...holders.map(boundOf), ...this.#foreign(key).map(({ used }) => used)])
      return { ...nameOf(key), held: Math.max(taken, this.#limits.get(key)?.limit ?? 0), sharers }
    })
  }

  /** A relay is no more: what it had is free. */
  forget(relayId: string): void {
    this.#relays.delete(relayId)
    this.#touched = true
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
   * beyond their share. `on`: relays which can be told, each with the serial of its next frame; `first`: these limits were not known
   * before, and each relay is told of them.
   */
  others(
    on: ReadonlyMap<string, number>,
    about: readonly LimitKey[],
    grows: boolean,
    first = false,
  ): Map<string, ShareGrant[]> {
    const told = new Map<string, ShareGrant[]>()
    for (const key of about)
      for (const [relayId, amount] of first ? this.#amounts(key, grows) : this.#moves(key, grows)) {
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

  /** Relays which `others` would tell something. */
  moving(grows: boolean): Set<string> {
    return new Set(this.allKeys().flatMap((key) => this.#moves(key, grows).map(([relayId]) => relayId)))
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
    const tooMuch = sum(now.map(({ believes }) => believes)) > (this.#limits.get(key)?.limit ?? 0)
    const less = lacking || tooMuch ? now.filter(({ amount, believes }) => amount < believes) : []
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
    const sharers = holders.flatMap(({ id, holding: { used, wanted, sharers = [{ used, wanted }] } }) =>
      sharers.map((one, n) => ({ ...one, id: `${id} ${n}`, holder: id })),
    )
    const aimed = aims(limit, [...sharers, ...foreign])
    const aim = new Map<string, number>()
    for (const { id, holder } of sharers) aim.set(holder, (aim.get(holder) ?? 0) + (aimed.get(id) ?? 0))
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
