import type { RouteDecision } from '#contract'
import type { Contact } from '../registrar/registrar.ts'

/** No person reaches a phone sooner. */
const roundAtLeastMs = 5_000

type Targets = Extract<RouteDecision, { kind: 'connect' }>['targets']

/** Phones which ring one after the other, those of a round together; and how long each round may ring. */
export interface RingRounds {
  readonly contacts: readonly (readonly Contact[])[]
  readonly ms: number
}

/**
 * By q, the highest first (RFC 3261 §16.6 item 6). All rounds share the time a call may ring; those for which there is
 * none left ring with the last.
 */
export function roundsOf(contacts: readonly Contact[], targets: Targets | undefined): RingRounds {
  const ms = ringMsOf(targets)
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
function ringMsOf(targets: Targets | undefined): number {
  if (targets?.kind === 'trunk') return targets.trunk.ring_ms
  return targets?.kind === 'extension' ? targets.extension.ring_ms : 60_000
}
