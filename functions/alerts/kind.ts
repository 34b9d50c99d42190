import type { AlertCondition, AlertKind } from '#contract'
import type { AlertFact } from './facts.ts'

/** An alert as it is judged. */
export interface AlertRule<When extends AlertCondition = AlertCondition> {
  readonly id: string
  readonly customerId: string
  readonly name: string
  readonly when: When
  readonly extensionId: string | null
  readonly trunkId: string | null
  readonly providerId: string | null
  readonly routeId: string | null
  /** Upper case. */
  readonly country: string | null
  readonly minSamples: number
  /** Since when it watches for what it does now. */
  readonly since: number
  /** Whether it is there, and enabled. */
  readonly live: boolean
}

/** An alert of one kind, or of some. */
export type RuleOf<Kind extends AlertKind> = AlertRule<Extract<AlertCondition, { kind: Kind }>>

/** What an incident is about, as its events tell it. */
export type AlertAbout = Readonly<Record<string, string | number | null>>

/** What a fact says of one subject of an alert. */
export interface Sighting<Sample = unknown> {
  readonly at: number
  readonly subject: string
  readonly about: AlertAbout
  readonly sample: Sample
  /** How many it stands for. */
  readonly count: number
}

/** Whether an alert holds of a subject, and why. */
export interface Judgement {
  /** undefined: it cannot be said, and stays as it is. */
  readonly holds: boolean | undefined
  readonly value: number | null
  /** Of what happened up to now, where it is counted. */
  readonly count?: number
  /** Why it holds, or holds no more, in a sentence. */
  readonly reason: string
  readonly address: string | null
  /** When time alone may change it. */
  readonly nextAt?: number | undefined
  /** Nothing need be remembered for later. */
  readonly empty?: boolean
}

/** How alerts of one kind are judged. `Memory` is kept as JSON; times are UTC ms. */
export interface KindRules<Kind extends AlertKind, Memory, Sample> {
  /** Types of facts it follows from, as `alert_facts` names them. */
  facts(when: RuleOf<Kind>['when']): readonly string[]
  sightings(rule: RuleOf<Kind>, fact: AlertFact): readonly Sighting<Sample>[]
  remembered(memory: Memory | undefined, sighting: Sighting<Sample>, rule: RuleOf<Kind>): Memory
  /** `lasting`: it was raised, and is not resolved. */
  judged(memory: Memory, rule: RuleOf<Kind>, at: number, lasting: boolean): Judgement
}

/** Seconds in words. */
export function secondsInWords(seconds: number): string {
  if (seconds < 120) return `${seconds} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}
