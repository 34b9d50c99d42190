import { type BindingTell, parseUtc } from '#contract'

/** What is known of a registration before it is refreshed. */
type KnownBinding = Pick<BindingTell['binding'], 'expires_at' | 'refreshed_at' | 'call_id' | 'cseq'>

/** Relays alive, as far as the edge has said, and since when (UTC ms) this one is alone; infinite: it is not, or that is not known. */
export interface Fleet {
  readonly relays: number
  readonly aloneSince: number
}

/** A challenge and its answer take so many numbers. */
const numbersOfRefresh = 2

/** Refreshes of one relay go to the edge once in so long, or with what is told anyway. */
const gatherMs = 60_000
/** Relays whose turns make up for one another: a fleet of more tells more often, but never later. */
const turnsAtMost = 5
/** The edge hears of a refresh so long before the registration it knows of would run out. */
const marginMs = 5_000

/**
 * How long a tell may wait for others to go with: a phone's refresh which changes nothing but the expiry, so that all
 * relays together bring one batch a minute. 0: it is news. `known`: the registration of before.
 */
export function holdMsOf(told: BindingTell, known: KnownBinding | undefined, fleet: Fleet): number {
  const { event, reason, moved_from: movedFrom, at } = told
  if (event !== 'refreshed' || reason !== '' || movedFrom !== null || known === undefined) return 0
  // Told again, as after a restart: what the edge knows is older than that.
  if (known.refreshed_at === told.binding.refreshed_at) return 0
  if (mayHaveBeenElsewhere(told.binding, known, fleet)) return 0
  const left = parseUtc(known.expires_at) - parseUtc(at) - marginMs
  return Math.max(0, Math.min(left, gatherMs * Math.min(Math.max(1, fleet.relays), turnsAtMost)))
}

/** Whether a phone has spoken with another registrar meanwhile, whose relay the edge takes for its own: calls are to find it here. */
function mayHaveBeenElsewhere(now: KnownBinding, before: KnownBinding, { aloneSince }: Fleet): boolean {
  const isNextWord = now.call_id === before.call_id && now.cseq - before.cseq <= numbersOfRefresh
  return !isNextWord && parseUtc(before.refreshed_at) < aloneSince
}

/** How many relays there are, as the edge says it from time to time. */
export class KnownFleet implements Fleet {
  relays = 1
  #aloneSince = Number.POSITIVE_INFINITY
  #isAway = false

  get aloneSince(): number {
    return this.#isAway ? Number.POSITIVE_INFINITY : this.#aloneSince
  }

  /** The edge did not say it: another relay may have come meanwhile, and gone. */
  missed(): void {
    this.#isAway = true
  }

  /** Whether others have come, with whom a phone may have been by then. `relays` undefined: it said nothing of that. `at`: UTC ms. */
  said(relays: number | undefined, at: number): boolean {
    if (relays === undefined) return false
    const wasAlone = this.#aloneSince < Number.POSITIVE_INFINITY
    const isAlone = relays <= 1
    this.relays = relays
    if (wasAlone !== isAlone || this.#isAway) this.#aloneSince = isAlone ? at : Number.POSITIVE_INFINITY
    this.#isAway = false
    return wasAlone && !isAlone
  }
}
