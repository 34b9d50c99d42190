import type { Contact } from '../registrar/registrar.ts'
import type { ConnectDecision, Hunt, RingRounds } from './state.ts'

/** No person reaches a phone sooner. */
const roundAtLeastMs = 5_000

/**
 * By q, the highest first (RFC 3261 §16.6 item 6). All rounds share the time a call may ring; those for which there is
 * none left ring with the last.
 */
export function roundsOf({ contacts, sought, decision }: Hunt): RingRounds {
  const ms = sought?.ring_ms ?? ringMsOf(decision?.targets)
  const most = Math.max(1, Math.floor(ms / roundAtLeastMs))
  const rounds: Contact[][] = []
  for (const contact of [...contacts].sort((a, b) => b.q - a.q)) {
    const last = rounds.at(-1)
    if (last && (last[0]?.q === contact.q || rounds.length >= most)) last.push(contact)
    else rounds.push([contact])
  }
  return { contacts: rounds, ms: Math.floor(ms / Math.max(1, rounds.length)) }
}

/** Milliseconds the phones of an extension, or of a PBX where it registered, may ring. */
function ringMsOf(targets: ConnectDecision['targets'] | undefined): number {
  if (targets?.kind === 'trunk') return targets.trunk.ring_ms
  return targets?.kind === 'extension' ? targets.extension.ring_ms : 60_000
}
