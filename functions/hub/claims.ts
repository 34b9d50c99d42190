import type { UtcMs } from '#contract'
import type { LimitClaim, LimitPart, LimitShare } from './claim.ts'
import { groupOf, type RelayGroup } from './groups.ts'
import { type KnownLimit, keyOf, type LimitKey } from './limit.ts'

/** After which an owner which did not answer is asked again. */
const retryMs = 2_000

/** How a group stands with one owner of limits. */
interface OwnerStanding {
  n: number
  seen: LimitClaim['seen']
  /** What was said last, as the owner has it since it answered. */
  said: ReadonlyMap<LimitKey, LimitPart>
  /** Limits of which it is known what is this group's, and final. */
  known: ReadonlySet<LimitKey>
  asked: boolean
  /** The owner is to hear all of it, whatever it was told before. */
  owed: boolean
  retryAt: UtcMs | undefined
}

/** What one group says to the owners of limits, each one word at a time, and hears from them. */
export class Claims {
  readonly #group: RelayGroup
  readonly #boot: string
  readonly #owners = new Map<number, OwnerStanding>()
  #waits = false

  constructor(group: RelayGroup, boot: string) {
    this.#group = group
    this.#boot = boot
  }

  /** An owner asks what there is here. */
  owe(owner: number): void {
    this.#standing(owner).owed = true
  }

  /** Some owner waits for a word. */
  isDue(now: UtcMs): boolean {
    return [...this.#owners.values()].some(
      ({ owed, asked, retryAt }) => owed && !asked && (retryAt ?? now) <= now,
    )
  }

  /** What is to be said now, where relays hold so much; undefined: that is not known, and waits. */
  due(parts: readonly LimitPart[] | undefined, now: UtcMs): { owner: number; claim: LimitClaim }[] {
    this.#waits = parts === undefined
    if (parts === undefined) return []
    const owners = new Map<number, Map<LimitKey, LimitPart>>(
      [...this.#owners.keys()].map((owner) => [owner, new Map()]),
    )
    for (const part of parts) {
      const [key, owner] = [keyOf(part), groupOf(keyOf(part), this.#group.of)]
      owners.set(owner, (owners.get(owner) ?? new Map()).set(key, part))
    }
    return [...owners].flatMap(([owner, mine]) => {
      const standing = this.#standing(owner)
      if (standing.asked || (standing.retryAt ?? 0) > now) return []
      if (!standing.owed && isSaid(standing.said, mine)) return []
      standing.n += 1
      Object.assign(standing, { said: mine, asked: true, owed: false, retryAt: undefined })
      const { n, seen } = standing
      return [
        { owner, claim: { group: this.#group.number, boot: this.#boot, n, seen, parts: [...mine.values()] } },
      ]
    })
  }

  /** An owner answered, or (undefined) did not; what is this group's from now on. `first`: it is said of these for the first time. */
  shared(
    owner: number,
    share: LimitShare | undefined,
    now: UtcMs,
  ): { readonly limits: readonly KnownLimit[]; readonly first: LimitKey[] } {
    const standing = this.#standing(owner)
    standing.asked = false
    if (share === undefined) {
      Object.assign(standing, { owed: true, retryAt: now + retryMs })
      return { limits: [], first: [] }
    }
    standing.seen = { owner: share.owner, serial: share.serial }
    // Of what it gave the owner knows by itself.
    const given = new Map(share.limits.map((limit) => [keyOf(limit), limit.limit ?? 0]))
    standing.said = new Map(
      [...standing.said].map(([key, part]) => [
        key,
        { ...part, held: Math.max(part.held, given.get(key) ?? 0) },
      ]),
    )
    const first = [...given.keys()].filter((key) => !standing.known.has(key))
    if (share.final) standing.known = new Set(given.keys())
    return { limits: share.limits, first }
  }

  /** When an owner is to be asked again; undefined: none is, or something is to be known first. */
  dueAt(): UtcMs | undefined {
    if (this.#waits) return undefined
    const times = [...this.#owners.values()].flatMap(({ retryAt }) => retryAt ?? [])
    return times.length > 0 ? (Math.min(...times) as UtcMs) : undefined
  }

  #standing(owner: number): OwnerStanding {
    const known = this.#owners.get(owner)
    if (known) return known
    const fresh: OwnerStanding = {
      n: 0,
      seen: { owner: '', serial: 0 },
      said: new Map(),
      known: new Set(),
      asked: false,
      owed: false,
      retryAt: undefined,
    }
    this.#owners.set(owner, fresh)
    return fresh
  }
}

function isSaid(said: ReadonlyMap<LimitKey, LimitPart>, now: ReadonlyMap<LimitKey, LimitPart>): boolean {
  if (said.size !== now.size) return false
  return [...now].every(([key, part]) => JSON.stringify(said.get(key)) === JSON.stringify(part))
}
