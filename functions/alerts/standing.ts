import type { DrillFact, ProviderFact, RelayFact, StandingFact } from './facts.ts'
import { type AlertRule, type Judgement, type KindRules, type Sighting, secondsInWords } from './kind.ts'

/*
 * Alerts on how something stands: a phone which is gone, a provider which is not well.
 */

/** A registration is looked at again no more often than this: what ends it is told. */
const AGAIN_MS = 60_000

/** Extensions and trunks which were registered and are so no more. */
export const unregistered: KindRules<'unregistered', StandingFact, StandingFact> = {
  facts: () => ['binding'],
  sightings(rule, fact) {
    if (fact.kind !== 'standing' || !isWatched(rule, fact)) return []
    const { at, accountId, account, type, address } = fact
    const about = { [`${type}_id`]: accountId, account, source_address: address }
    return [{ at, subject: accountId, about, count: 1, sample: fact }]
  },
  remembered: (_, { sample }) => sample,
  judged(standing, { when }, at) {
    const { account, address, able, registered, until } = standing
    const plain = { value: null, address }
    if (!able)
      return { ...plain, holds: false, reason: `${account} is not to register any more.`, empty: true }
    if (registered) {
      const nextAt = Math.max(until + 1_000, at + AGAIN_MS)
      return { ...plain, holds: false, reason: `${account} is registered again.`, nextAt }
    }
    const since = until + when.window * 1000
    const gone = Math.max(0, Math.round((at - until) / 1000))
    const reason = `${account} is not registered any more, for ${secondsInWords(gone)}: ${endings(standing)}`
    return { ...plain, holds: at >= since, value: gone, reason, nextAt: at >= since ? undefined : since }
  },
}

function isWatched({ extensionId, trunkId }: AlertRule, { accountId }: StandingFact): boolean {
  const wanted = extensionId ?? trunkId
  return wanted === null || wanted === accountId
}

function endings({ ended, reason, address }: StandingFact): string {
  const from = address === null ? '' : ` It was at ${address} last.`
  if (ended === 'unregistered') return `${whoEnded[reason ?? ''] ?? 'its registration was ended.'}${from}`
  return ended === 'flow_lost' || ended === 'lost'
    ? `its connection was lost.${from}`
    : `its registration ran out.${from}`
}

const whoEnded: Readonly<Record<string, string>> = {
  BY_PHONE: 'it ended its registration itself.',
  BY_API: 'it was thrown out, by the API or the console.',
  PUT_OUT: 'others of its account registered later, and max_contacts allows no more.',
  PASSWORD_CHANGED: 'its password was changed.',
}

/** Drills whose last run failed. */
export const drillFailed: KindRules<'drill_failed', DrillFact, DrillFact> = {
  facts: () => ['drill.failed', 'drill.passed'],
  sightings(_, fact) {
    if (fact.kind !== 'drill') return []
    const { at, drillId, name } = fact
    return [{ at, subject: drillId, about: { drill_id: drillId, drill: name }, count: 1, sample: fact }]
  },
  remembered: (_, { sample }) => sample,
  judged: ({ name, passed, verdict }) => ({
    holds: !passed,
    value: null,
    reason: `The drill ${name || 'without a name'} ${passed ? 'passed' : 'failed'}: ${verdict}`,
    address: null,
    empty: passed,
  }),
}

/** Providers which are unhealthy. */
export const providerUnhealthy: KindRules<'provider_unhealthy', ProviderFact, ProviderFact> = {
  facts: () => ['provider.health_changed'],
  sightings: (rule, fact) => (fact.kind === 'health' ? sightingsOf(rule, fact) : []),
  remembered: (_, { sample }) => sample,
  judged: (standing) => judgedBy(standing, ['unhealthy', 'half_open'], [], 'is not well'),
}

/** Providers where our registration failed. */
export const providerUnregistered: KindRules<'provider_unregistered', ProviderFact, ProviderFact> = {
  facts: () => ['provider.registration_changed'],
  sightings: (rule, fact) => (fact.kind === 'provider_registration' ? sightingsOf(rule, fact) : []),
  remembered: (_, { sample }) => sample,
  judged: (standing) =>
    judgedBy(standing, ['failed', 'auth_failed'], ['pending'], 'does not have our registration'),
}

/** Relays which were lost: the platform alone is told of them. */
export const relayLost: KindRules<'relay_lost', RelayFact, RelayFact> = {
  facts: () => ['relay.lost', 'relay.back', 'relay.deleted'],
  sightings(_, fact) {
    if (fact.kind !== 'relay') return []
    const { at, relayId, address } = fact
    return [{ at, subject: relayId, about: { relay_id: relayId, address }, count: 1, sample: fact }]
  },
  remembered: (_, { sample }) => sample,
  judged({ relayId, lost, why, address }) {
    const over = why === '' ? `${relayId} is back.` : `${relayId} is gone: ${why}`
    const reason = lost ? `${relayId} is lost: ${why}` : over
    return { holds: lost, value: null, reason, address, empty: !lost }
  },
}

function sightingsOf(rule: AlertRule, fact: ProviderFact): Sighting<ProviderFact>[] {
  const { at, providerId, provider, address } = fact
  if (rule.providerId !== null && rule.providerId !== providerId) return []
  const about = { provider_id: providerId, provider, address }
  return [{ at, subject: providerId, about, count: 1, sample: fact }]
}

function judgedBy(
  { provider, status, why, address }: ProviderFact,
  ill: readonly string[],
  undecided: readonly string[],
  fault: string,
): Judgement {
  const holds = undecided.includes(status) ? undefined : ill.includes(status)
  const reason =
    holds === false ? `${provider} is ${status.replace('_', ' ')}.` : `${provider} ${fault}: ${why}`
  return { holds, value: null, reason, address, empty: holds === false }
}
