import type { AlertCondition, AlertKind } from '#contract'
import { fraudSuspected, limitReached, registrationFailures } from './counted.ts'
import { minutes, newCountry } from './destinations.ts'
import type { AlertFact } from './facts.ts'
import type { AlertRule, Judgement, KindRules, Sighting } from './kind.ts'
import { postDialDelay, quality, successRate } from './rates.ts'
import { drillFailed, providerUnhealthy, providerUnregistered, relayLost, unregistered } from './standing.ts'

/** Every kind, and how it is judged. */
const kinds = {
  registration_failures: registrationFailures,
  unregistered,
  provider_unhealthy: providerUnhealthy,
  provider_unregistered: providerUnregistered,
  success_rate: successRate,
  post_dial_delay: postDialDelay,
  quality,
  relay_lost: relayLost,
  limit_reached: limitReached,
  fraud_suspected: fraudSuspected,
  drill_failed: drillFailed,
  new_country: newCountry,
  minutes,
} as const satisfies { [Kind in AlertKind]: KindRules<Kind, never, never> | object }

/** A kind whose memory and samples are its own affair. */
type AnyKind = KindRules<AlertKind, unknown, unknown>

/** Types of the facts which a condition follows from. */
export function factsFor(when: AlertCondition): readonly string[] {
  return kindOf(when.kind).facts(when)
}

/** What a fact says of an alert's subjects. */
export function sightingsOf(rule: AlertRule, fact: AlertFact): readonly Sighting[] {
  return rule.live ? kindOf(rule.when.kind).sightings(rule, fact) : []
}

/** What is remembered of a subject after one more sighting. */
export function remembered(rule: AlertRule, memory: unknown, sighting: Sighting): unknown {
  return kindOf(rule.when.kind).remembered(memory, sighting, rule)
}

/** Whether an alert holds of a subject at `at`. */
export function judged(rule: AlertRule, memory: unknown, at: number, lasting: boolean): Judgement {
  return kindOf(rule.when.kind).judged(memory, rule, at, lasting)
}

function kindOf(kind: AlertKind): AnyKind {
  return kinds[kind] as object as AnyKind
}
