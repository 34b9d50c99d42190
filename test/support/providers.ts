import { type BeatAnswer, beatAnswer, type ProviderFacts, providerFacts } from '#contract'
import type { Ladder, Party } from './ladder.ts'
import { customerId, provider } from './office.ts'

/*
 * Providers as the relay knows their configuration, and what the edge says of them.
 */

/** A carrier as configured: the same one calls go to. */
export function configured(carrier: Party, more: Partial<ProviderFacts> = {}): ProviderFacts {
  const { provider_id, name, hostname } = provider(carrier)
  return providerFacts.parse({
    id: provider_id,
    customer_id: customerId,
    name,
    enabled: true,
    hostname,
    port: null,
    transport: null,
    codecs: '',
    tech_prefix: '',
    tech_postfix: '',
    tech_headers: {},
    username: null,
    failover: null,
    ...more,
  })
}

/** The edge's answer to a beat. */
export function edgeSays(more: Partial<BeatAnswer> = {}): BeatAnswer {
  return beatAnswer.parse({
    at: '2026-01-01T00:00:00.000Z',
    version: 1,
    changed: [],
    slices: [],
    seconds: [],
    health: [],
    registrations: [],
    commands: [],
    relays: 1,
    ...more,
  })
}

/** What the relay's next beat says, the edge's answer heard meanwhile. */
export function beats(ladder: Ladder, more: Partial<BeatAnswer> = {}): ReturnType<Ladder['engine']['pulse']> {
  const said = ladder.engine.pulse(ladder.now)
  ladder.hear({ type: 'beat', answer: edgeSays(more), sentAt: ladder.now })
  return said
}

/** How one carrier looks in the next beat; undefined: nothing was seen of it. */
export function healthOf(ladder: Ladder, carrier: Party) {
  const { provider_id } = provider(carrier)
  return ladder.engine.pulse(ladder.now).health.find((report) => report.provider_id === provider_id)
}
