import type { SourceBlock } from '../auth/source-blocks.ts'
import { instant } from '../call/record.ts'
import type { Effect } from '../ground/effects.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'

/** A block as it is told: to each customer whose accounts were tried, to the platform, and to the log. */
export function blockEffects({ relayId, entropy }: SipEndpoint, block: SourceBlock): Effect[] {
  const { id, source, since, until, failures, accounts, failuresByCustomer } = block
  const words = {
    subject_id: id,
    block_id: id,
    source_address: source,
    since: instant(since),
    until: instant(until),
    why: 'Many wrong passwords for many accounts came from there.',
  }
  const told = (customerId: string | null, counts: Record<string, number>): Effect => ({
    type: 'tell',
    tell: {
      kind: 'event',
      tell_id: entropy.uuid(since),
      at: instant(since),
      relay_id: relayId,
      customer_id: customerId,
      type: 'registration.blocked',
      data: { ...words, ...counts },
    },
  })
  return [
    { type: 'note', level: 'warn', event: 'registration.blocked', fields: { ...words, failures, accounts } },
    told(null, { failures, accounts }),
    ...[...failuresByCustomer].map(([customerId, count]) => told(customerId, { failures: count, accounts })),
  ]
}
