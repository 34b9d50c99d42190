import type { AlertCondition } from '#contract'
import type { AlertFact, EndedFact, HeardFact, HeardSound } from './facts.ts'
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
 * Alerts on what calls come to on average: how many are answered, how long until it rings, how it sounds.
 */

type RatedKind = 'success_rate' | 'post_dial_delay' | 'quality'
/** How many, and sums of what is measured. */
type Sums = readonly number[]

/** Too few calls are answered. */
export const successRate: KindRules<'success_rate', Tally, Sums> = {
  facts: () => ['call_ended'],
  sightings: (rule, fact) =>
    triesOf(rule, fact).map((tried) => sightingOf(tried, [1, tried.answered ? 1 : 0])),
  remembered: (memory, { at, sample }, { when }) => added(memory ?? noTally, at, sample, when.window * 1000),
  judged: (tally, rule, at, lasting) =>
    judgedBy(tally, rule, at, lasting, ([count = 0, answered = 0]) => {
      const percent = (100 * answered) / count
      const value = rounded(percent)
      return {
        bad: percent < rule.when.threshold,
        value,
        words: `${value} % of ${count} calls were answered`,
      }
    }),
}

/** It takes too long until it rings. */
export const postDialDelay: KindRules<'post_dial_delay', Tally, Sums> = {
  facts: () => ['call_ended'],
  sightings: (rule, fact) =>
    triesOf(rule, fact).flatMap((tried) => {
      const { pddMs } = tried
      return pddMs === null ? [] : [sightingOf(tried, [1, pddMs > rule.when.threshold ? 1 : 0, pddMs])]
    }),
  remembered: (memory, { at, sample }, { when }) => added(memory ?? noTally, at, sample, when.window * 1000),
  // The percentile is above the threshold where more calls than the rest of it are: no delay need be kept for that.
  judged: (tally, rule, at, lasting) =>
    judgedBy(tally, rule, at, lasting, ([count = 0, slow = 0, sum = 0]) => {
      const { percentile, threshold } = rule.when
      const share = (100 * slow) / count
      const words = `${rounded(share)} % of ${count} calls took longer than ${threshold} ms to ring, ${Math.round(sum / count)} ms on average`
      return { bad: share > 100 - percentile, value: Math.round(sum / count), words }
    }),
}

/** It sounds too badly. */
export const quality: KindRules<'quality', Tally, Sums> = {
  facts: () => ['call_heard'],
  sightings(rule, fact) {
    if (fact.kind !== 'heard' || !isCountry(rule, fact)) return []
    const place = heardPlace(rule, fact)
    const sound = rule.when.of === 'customer' ? fact.both : fact.fromProvider
    const value = sound && measured(rule.when.measure, sound)
    return place && value !== null ? [sightingOf({ at: fact.at, ...place }, [1, value])] : []
  },
  remembered: (memory, { at, sample }, { when }) => added(memory ?? noTally, at, sample, when.window * 1000),
  judged: (tally, rule, at, lasting) =>
    judgedBy(tally, rule, at, lasting, ([count = 0, sum = 0]) => {
      const { measure, threshold } = rule.when
      const [mean, value] = [sum / count, rounded(sum / count)]
      const words = { mos: `a MOS of ${value}`, loss: `${value} % loss`, jitter: `${value} ms of jitter` }
      const bad = measure === 'mos' ? mean < threshold : mean > threshold
      return { bad, value, words: `${count} calls had ${words[measure]} on average` }
    }),
}

/** One try of a call, and where it counts. */
interface CountedTry {
  readonly at: number
  readonly subject: string
  readonly about: AlertAbout
  readonly answered: boolean
  readonly pddMs: number | null
}

/** The tries of a call out which count, each where it does; of the customer's calls each once. */
function triesOf(rule: RuleOf<'success_rate' | 'post_dial_delay'>, fact: AlertFact): CountedTry[] {
  if (fact.kind !== 'ended' || !fact.outgoing || !isCountry(rule, fact)) return []
  if (rule.when.of === 'customer') return wholeOf(rule, fact)
  return fact.attempts.flatMap(({ answered, pddMs, ...place }) => {
    const found = placeOf(rule, place)
    return found ? [{ at: fact.at, ...found, answered, pddMs }] : []
  })
}

function wholeOf(rule: AlertRule, { at, attempts }: EndedFact): CountedTry[] {
  if (attempts.length === 0) return []
  const answered = attempts.some((attempt) => attempt.answered)
  const pddMs = attempts.findLast((attempt) => attempt.pddMs !== null)?.pddMs ?? null
  return [{ at, subject: rule.customerId, about: countryOf(rule), answered, pddMs }]
}

function heardPlace(rule: RuleOf<'quality'>, { providerId, provider, routeId }: HeardFact) {
  if (rule.when.of === 'customer') return { subject: rule.customerId, about: countryOf(rule) }
  return providerId === null ? undefined : placeOf(rule, { providerId, provider, routeId })
}

/** The provider or route it counts for; undefined: for none. */
function placeOf(
  rule: RuleOf<RatedKind>,
  { providerId, provider, routeId }: { providerId: string; provider: string; routeId: string | null },
): { subject: string; about: AlertAbout } | undefined {
  const subject = rule.when.of === 'route' ? routeId : providerId
  const wanted = rule.when.of === 'route' ? rule.routeId : rule.providerId
  if (subject === null || (wanted !== null && wanted !== subject)) return undefined
  const route = rule.when.of === 'route' ? { route_id: routeId } : {}
  return { subject, about: { ...route, provider_id: providerId, provider, ...countryOf(rule) } }
}

function isCountry({ country }: AlertRule, fact: { country: string | null }): boolean {
  return country === null || country === fact.country
}

function countryOf({ country }: AlertRule): AlertAbout {
  return country === null ? {} : { country: country.toLowerCase() }
}

function sightingOf(
  { at, subject, about }: Pick<CountedTry, 'at' | 'subject' | 'about'>,
  sample: Sums,
): Sighting<Sums> {
  return { at, subject, about, sample, count: 1 }
}

interface Measure {
  readonly bad: boolean
  readonly value: number
  readonly words: string
}

/** Too few say nothing: what was raised lasts until there are enough again, or none at all. */
function judgedBy(
  tally: Tally,
  { when, minSamples }: RuleOf<RatedKind>,
  at: number,
  lasting: boolean,
  measure: (figures: Sums) => Measure,
): Judgement {
  const window = when.window * 1000
  const figures = totals(tally, at, window, 3)
  const [count = 0] = figures
  const leaves = leaving(tally, window)
  const within = `within ${secondsInWords(when.window)}`
  const nextAt = lasting ? leaves?.first : leaves?.last
  if (count === 0)
    return { holds: false, value: null, reason: `There was no call ${within}.`, address: null, empty: true }
  const { bad, value, words } = measure(figures)
  const holds = count >= minSamples ? bad : lasting ? undefined : false
  return {
    holds,
    value,
    reason: `${words} ${within}.`,
    address: null,
    nextAt: holds ? leaves?.first : nextAt,
  }
}

function measured(
  measure: Extract<AlertCondition, { kind: 'quality' }>['measure'],
  { packets, lost, jitterMs, mos }: HeardSound,
): number | null {
  if (measure === 'loss') return (100 * lost) / (packets + lost)
  return measure === 'jitter' ? jitterMs : mos
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
