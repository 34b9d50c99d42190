import { type BindingTell, parseUtc } from '#contract'

/** Refreshes of one relay go to the edge once in so long, or with what is told anyway. */
const gatherMs = 60_000
/** Relays whose turns make up for one another: a fleet of more tells more often, but never later. */
const turnsAtMost = 5
/** The edge hears of a refresh so long before the registration it knows of would run out. */
const marginMs = 5_000

/**
 * How long a tell may wait for others to go with: a phone's refresh which changes nothing but the expiry, so that all
 * relays together bring one batch a minute. 0: it is news. `knownUntil`: when the registration of before runs out.
 */
export function holdMsOf(told: BindingTell, knownUntil: string | undefined, relays: number): number {
  const { event, reason, moved_from: movedFrom, at } = told
  if (event !== 'refreshed' || reason !== '' || movedFrom !== null || knownUntil === undefined) return 0
  const left = parseUtc(knownUntil) - parseUtc(at) - marginMs
  return Math.max(0, Math.min(left, gatherMs * Math.min(Math.max(1, relays), turnsAtMost)))
}
