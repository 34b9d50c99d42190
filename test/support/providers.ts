import { type BeatAnswer, beatAnswer, monotonicMs, type ProviderFacts, providerFacts } from '#contract'
import { type Ladder, type Party, unsaidTime } from './ladder.ts'
import { provider } from './office.ts'
import { configuration, filed } from './snapshot.ts'

/*
 * Providers as the relay knows their configuration, and what the edge says of them.
 */

/** Whose the providers are: not the office's, which nothing is known of here. */
export const ownerId = '88888888-8888-4888-8888-888888888888'

/** A carrier as configured: the same one calls go to. */
export function configured(carrier: Party, more: Partial<ProviderFacts> = {}): ProviderFacts {
  const { provider_id, name, hostname } = provider(carrier)
  return providerFacts.parse({
    id: provider_id,
    customer_id: ownerId,
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
    at: unsaidTime,
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

/** The relay has these providers on its shelf from now on, and has read them. */
export function knows(ladder: Ladder, ...providers: ProviderFacts[]): Ladder {
  const { snapshot, secrets } = configuration(ownerId, 1)
  const files = [filed({ snapshot: { ...snapshot, providers }, secrets })]
  const confirmed = { version: 1, held: 1, at: 0, behind: {} }
  return ladder.hear({ type: 'cached', files, confirmed }).after(250)
}

/** The edge answers a beat. */
export function hears(ladder: Ladder, more: Partial<BeatAnswer> = {}): Ladder {
  beats(ladder, more)
  return ladder
}

/** What the relay's next beat says, the edge's answer heard meanwhile. */
export function beats(ladder: Ladder, more: Partial<BeatAnswer> = {}): ReturnType<Ladder['engine']['pulse']> {
  const said = ladder.engine.pulse(monotonicMs(ladder.now))
  ladder.hear({ type: 'beat', answer: edgeSays(more), sentAt: monotonicMs(ladder.now) })
  return said
}

/** How one carrier looks in the next beat; undefined: nothing was seen of it. */
export function healthOf(ladder: Ladder, carrier: Party) {
  const { provider_id } = provider(carrier)
  return ladder.engine
    .pulse(monotonicMs(ladder.now))
    .health.find((report) => report.provider_id === provider_id)
}
