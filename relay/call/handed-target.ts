import type { Header } from '../sip/message.ts'
import type { Branch } from './state.ts'

/** The header which names it. */
export const targetHeader = 'trunkline-target'

/** What an INVITE to another relay says of whom it is for; nothing where its branch rings a phone. */
export function targetOf({ contact, hunt, secure }: Branch): Header[] {
  const targets = hunt.decision?.targets
  if (contact?.relay === undefined || (targets?.kind !== 'extension' && targets?.kind !== 'trunk')) return []
  const id = targets.kind === 'extension' ? targets.extension.extension_id : targets.trunk.trunk_id
  const { customer_id: customer } = targets.kind === 'extension' ? targets.extension : targets.trunk
  const ring = Math.max(1, Math.ceil(hunt.rounds.ms / 1000))
  return [[targetHeader, `${targets.kind};id=${id};customer=${customer};ring=${ring};secure=${secure}`]]
}
