import type { FailureFact, LimitFact, SuspicionFact } from './facts.ts'
import {
  type AlertAbout,
  type AlertRule,
  type Judgement,
  type KindRules,
  type RuleOf,
  type Sighting,
  secondsInWords,
} from './kind.ts'
import { added, leaving, noTally, type Tally, totals } from './tally.ts'

/*
 * Alerts on how often something happened within a window: registrations which fail, limits which are reached.
 */

interface CountedEvents {
  readonly tally: Tally
  readonly why: string
  readonly address: string | null
}
interface Occurrence {
  readonly from: number
  /** Those of before are among them. */
  readonly all: boolean
  readonly why: string
  readonly address: string | null
}

/** Registrations which fail. */
export const registrationFailures: KindRules<'registration_failures', CountedEvents, Occurrence> = {
  facts: ({ of }) => ['registration.failed', ...(of === 'account' ? [] : ['registration.blocked'])],
  sightings(rule, fact) {
    if (fact.kind !== 'failure' || !isAccount(rule, fact.accountId)) return []
    const subject = failing(rule, fact)
    return subject === null ? [] : [sightingOf(fact, subject, aboutFailure(rule, fact))]
  },
  remembered: (memory, sighting, { when }) => counted(memory, sighting, when.window),
  judged({ tally, why, address }, { when }, at, lasting) {
    const few = lasting ? Math.max(1, when.threshold / 2) : when.threshold
    const judgement = judgedBy(tally, at, when.window, few, lasting)
    const times = judgement.count === 1 ? 'A registration' : `${judgement.count} registrations`
    const reason = judgement.holds
      ? `${times} failed within ${secondsInWords(when.window)}: ${why}`
      : `Fewer than ${few} fail within ${secondsInWords(when.window)}.`
    return { ...judgement, reason, address }
  },
}

/** Limits which are reached. */
export const limitReached: KindRules<'limit_reached', CountedEvents, Occurrence> = {
  facts: () => ['limit.reached'],
  sightings(rule, fact) {
    if (fact.kind !== 'limit' || !isScope(rule, fact)) return []
    const about = { scope: fact.scope, scope_id: fact.scopeId, name: fact.name, resource: fact.resource }
    const why = `${fact.scope}${fact.name ? ` ${fact.name}` : ''}: ${fact.resource}`
    const subject = `${fact.scopeId} ${fact.resource}`
    const sample = { from: fact.at, all: false, why, address: null }
    return [{ at: fact.at, subject, about, count: fact.count, sample }]
  },
  remembered: (memory, sighting, { when }) => counted(memory, sighting, when.window),
  judged({ tally, why }, { when }, at, lasting) {
    const judgement = judgedBy(tally, at, when.window, 1, lasting)
    const reason = judgement.holds
      ? `A limit was reached (${why}).`
      : `The limit was not reached again for ${secondsInWords(when.window)}.`
    return { ...judgement, reason, address: null }
  },
}

/** Calls out which look like fraud. */
export const fraudSuspected: KindRules<'fraud_suspected', CountedEvents, Occurrence> = {
  facts: () => ['fraud.suspected'],
  sightings(rule, fact) {
    if (fact.kind !== 'suspicion' || !isAccount(rule, fact.scopeId)) return []
    const { at, scope, scopeId, name, reason, country } = fact
    const about = { scope, scope_id: scopeId, name, fraud: reason, ...(country && { country }) }
    const sample = { from: at, all: false, why: suspicionInWords(fact), address: null }
    return [{ at, subject: `${scopeId} ${reason} ${country ?? ''}`.trim(), about, count: 1, sample }]
  },
  remembered: (memory, sighting, { when }) => counted(memory, sighting, when.window),
  judged({ tally, why }, { when }, at, lasting) {
    const judgement = judgedBy(tally, at, when.window, 1, lasting)
    const reason = judgement.holds ? why : `Nothing of the kind happened for ${secondsInWords(when.window)}.`
    return { ...judgement, reason, address: null }
  },
}

function suspicionInWords({ scope, name, refused, why }: SuspicionFact): string {
  return `A call of the ${scope}${name ? ` ${name}` : ''} was ${refused ? 'refused' : 'allowed'}: ${why}`
}

function isAccount({ extensionId, trunkId }: AlertRule, accountId: string | null): boolean {
  const wanted = extensionId ?? trunkId
  return wanted === null || wanted === accountId
}

function isScope({ extensionId, trunkId, providerId }: AlertRule, { scopeId }: LimitFact): boolean {
  const wanted = extensionId ?? trunkId ?? providerId
  return wanted === null || wanted === scopeId
}

/** Whose failures are counted together; null: no account's, since names which no account has may be invented. */
function failing({ when, customerId }: RuleOf<'registration_failures'>, fact: FailureFact): string | null {
  if (when.of === 'customer') return customerId
  return when.of === 'account' ? fact.accountId : fact.address
}

function aboutFailure({ when }: RuleOf<'registration_failures'>, fact: FailureFact): AlertAbout {
  const { account, accountId, address } = fact
  if (when.of === 'account') return { account_id: accountId, account, source_address: address }
  return when.of === 'address' ? { source_address: address } : {}
}

function sightingOf(fact: FailureFact, subject: string, about: AlertAbout): Sighting<Occurrence> {
  const { at, from, all, count, why, address, account } = fact
  const words = `${why.replace(/\.$/, '')} (${account}${address ? ` from ${address}` : ''}).`
  return { at, subject, about, count, sample: { from, all, why: words, address } }
}

/** What was gathered over some time happened evenly over it. */
function counted(
  memory: CountedEvents | undefined,
  { at, count: told, sample: { from, all, why, address } }: Sighting<Occurrence>,
  seconds: number,
): CountedEvents {
  const window = seconds * 1000
  const known = all && memory ? (totals(memory.tally, at, window, 1)[0] ?? 0) : 0
  const count = Math.max(0, told - known)
  const begun = Math.max(from, at - 2 * window)
  const within = at > from ? (count * (at - begun)) / (at - from) : count
  const parts = Math.max(1, Math.min(40, Math.ceil((at - begun) / (window / 20))))
  let tally = memory?.tally ?? noTally
  for (let part = 1; part <= parts; part += 1)
    tally = added(tally, begun + ((at - begun) * part) / parts, [within / parts], window)
  return { tally, why, address }
}

function judgedBy(
  tally: Tally,
  at: number,
  seconds: number,
  few: number,
  lasting: boolean,
): Pick<Judgement, 'holds' | 'value' | 'nextAt' | 'empty'> & { count: number } {
  const window = seconds * 1000
  // Shares of what was gathered add up to whole ones but for a rounding.
  const count = Math.round((totals(tally, at, window, 1)[0] ?? 0) * 1000) / 1000
  const leaves = leaving(tally, window)
  return {
    holds: count >= few,
    value: Math.round(count),
    count: Math.round(count),
    nextAt: lasting || count >= few ? leaves?.first : leaves?.last,
    empty: count === 0,
  }
}
