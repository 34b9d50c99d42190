import { type BindingTell, parseUtc } from '#contract'

/** What is known of a registration before it is refreshed. */
type KnownBinding = Pick<BindingTell['binding'], 'expires_at' | 'call_id' | 'cseq'>

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
export function holdMsOf(told: BindingTell, known: KnownBinding | undefined, relays: number): number {
  const { event, reason, moved_from: movedFrom, at } = told
  if (event !== 'refreshed' || reason !== '' || movedFrom !== null || known === undefined) return 0
  if (wasElsewhere(told.binding, known)) return 0
  const left = parseUtc(known.expires_at) - parseUtc(at) - marginMs
  return Math.max(0, Math.min(left, gatherMs * Math.min(Math.max(1, relays), turnsAtMost)))
}

/** Whether a phone has spoken with another registrar meanwhile, whose relay the edge takes for its own: calls are to find it here. */
function wasElsewhere(now: KnownBinding, before: KnownBinding): boolean {
  return now.call_id !== before.call_id || now.cseq - before.cseq > numbersOfRefresh
}
