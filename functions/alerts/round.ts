import type {
  AlertEventRow,
  AlertWork,
  IncidentRow,
  JudgedAlerts,
  Knowledge,
  KnowledgeAsked,
  StateRow,
  SubjectKey,
} from '../store/alert-work.ts'
import { type AlertState, type AlertTelling, abandoned, evaluate, type OpenIncident } from './evaluate.ts'
import type { AlertFact } from './facts.ts'
import type { AlertRule, Sighting } from './kind.ts'
import { sightingsOf } from './kinds.ts'
import { factsOf, ruleOf, standingOf, standingsOf } from './reading.ts'

/*
 * One round of judging a customer's alerts: what is to be known first, and what then comes of it.
 */

/** A customer's work, read. */
interface AlertRound {
  readonly work: AlertWork
  readonly rules: readonly AlertRule[]
  /** Those which begin anew, watched for no more among them. */
  readonly anew: readonly AlertRule[]
  readonly facts: readonly AlertFact[]
}

/** Reads a customer's work. */
export function roundOf(work: AlertWork): AlertRound {
  const rules = work.alerts.map((row) => ruleOf(work.customerId, row))
  const changed = new Set(work.facts.flatMap(({ type, subjectId }) => (type === 'alert' ? [subjectId] : [])))
  const facts = work.facts.flatMap((row) => factsOf(row))
  return { work, rules, anew: rules.filter(({ id }) => changed.has(id)), facts }
}

/** What must be known beside the work to judge it. */
export function knowledgeFor({ work, rules, anew, facts }: AlertRound): KnowledgeAsked {
  const watching = rules.filter(({ live, when }) => live && when.kind === 'unregistered')
  const told = work.facts.flatMap(({ type, subjectId }) =>
    type === 'binding' && subjectId ? [subjectId] : [],
  )
  const due = work.due.filter(({ alertId }) => watching.some(({ id }) => id === alertId))
  const accounts = [...new Set([...told, ...due.map(({ subject }) => subject)])]
  const seen = rules.flatMap((rule) =>
    facts.flatMap((fact) => sightingsOf(rule, fact).map(({ subject }) => keyOf(rule, subject))),
  )
  const stood = watching.flatMap((rule) => accounts.map((subject) => keyOf(rule, subject)))
  const wants = (...kinds: string[]) => anew.some(({ live, when }) => live && kinds.includes(when.kind))
  return {
    keys: unique([...work.due, ...seen, ...stood]),
    accounts,
    anew: anew.map(({ id }) => id),
    seeds: {
      accounts: wants('unregistered'),
      providers: wants('provider_unhealthy', 'provider_unregistered'),
      countries: wants('new_country'),
    },
  }
}

/** Judges the work by all that is known. `newId` gives ids of incidents and events. */
export function judgedRound(round: AlertRound, known: Knowledge, newId: () => string): JudgedAlerts {
  const { work, rules, anew } = round
  const begun = new Set(anew.map(({ id }) => id))
  const states = new Map(
    known.states.filter(({ alertId }) => !begun.has(alertId)).map((row) => [wordOf(row), stateOf(row)]),
  )
  const outcome = new RoundOutcome(work, newId)
  const byId = new Map(rules.map((rule) => [rule.id, rule]))
  for (const row of known.raised) {
    const rule = byId.get(row.alertId)
    if (rule) outcome.tell(rule, row.subject, abandoned(stateOf(row), endingOf(rule)))
  }
  const sightings = sightingsBy(round, known)
  const keys = unique([...sightings.values()].map(({ key }) => key).concat(work.due))
  for (const key of keys) {
    const rule = byId.get(key.alertId)
    if (!rule?.live) continue
    const before = states.get(wordOf(key))
    const seen = sightings.get(wordOf(key))?.seen ?? []
    const { state, dueAt, told } = evaluate(rule, before, seen, work.now, newId)
    outcome.keep(key, before, state, dueAt)
    outcome.tell(rule, key.subject, told)
    outcome.note(rule, key.subject, before, state)
  }
  return outcome.judged([...begun])
}

/** What is told and remembered in a round. */
class RoundOutcome {
  readonly #work: AlertWork
  readonly #newId: () => string
  readonly #states: StateRow[] = []
  readonly #forgotten: SubjectKey[] = []
  readonly #incidents = new Map<string, IncidentRow>()
  readonly #events: AlertEventRow[] = []

  constructor(work: AlertWork, newId: () => string) {
    this.#work = work
    this.#newId = newId
  }

  keep(
    key: SubjectKey,
    before: AlertState | undefined,
    state: AlertState | undefined,
    dueAt: number | undefined,
  ): void {
    if (state) this.#states.push({ ...key, state, dueAt: dueAt === undefined ? null : instantOf(dueAt) })
    else if (before) this.#forgotten.push(key)
  }

  tell(rule: AlertRule, subject: string, told: readonly AlertTelling[]): void {
    for (const telling of told) {
      this.#events.push(eventOf(this.#newId(), rule, subject, telling))
      this.#incident(rule, subject, telling.incident, telling.about, telling.resolution)
    }
  }

  /** An incident which lasts has figures which move. */
  note(
    rule: AlertRule,
    subject: string,
    before: AlertState | undefined,
    state: AlertState | undefined,
  ): void {
    const incident = state?.incident
    if (state && incident && JSON.stringify(incident) !== JSON.stringify(before?.incident))
      this.#incident(rule, subject, incident, state.about, null)
  }

  judged(anew: readonly string[]): JudgedAlerts {
    const { customerId, version, facts } = this.#work
    return {
      customerId,
      version,
      facts: facts.map(({ id }) => id),
      anew,
      states: this.#states,
      forgotten: this.#forgotten,
      incidents: [...this.#incidents.values()],
      events: this.#events,
    }
  }

  #incident(
    rule: AlertRule,
    subject: string,
    { id, raisedAt, toldAt, count, value, reason, address }: OpenIncident,
    about: object,
    resolution: string | null,
  ): void {
    this.#incidents.set(id, {
      ...keyOf(rule, subject),
      id,
      raisedAt: instantOf(raisedAt),
      resolvedAt: resolution === null ? null : instantOf(this.#work.now),
      toldAt: instantOf(toldAt),
      count,
      value,
      reason,
      address,
      resolution,
      about,
    })
  }
}

/** Everything that was seen of each subject of each alert, in its order: first what those which begin anew are told. */
function sightingsBy({ work, rules, anew, facts }: AlertRound, known: Knowledge) {
  const found = new Map<string, { key: SubjectKey; seen: Sighting[] }>()
  const see = (among: readonly AlertRule[], fact: AlertFact) => {
    for (const rule of among)
      for (const sighting of sightingsOf(rule, fact)) {
        const key = keyOf(rule, sighting.subject)
        const entry = found.get(wordOf(key)) ?? { key, seen: [] }
        entry.seen.push(sighting)
        found.set(wordOf(key), entry)
      }
  }
  for (const provider of known.providers) for (const fact of standingsOf(provider, work.now)) see(anew, fact)
  for (const country of known.called) see(anew, { kind: 'known', at: work.now, country })
  for (const fact of facts) see(rules, fact)
  for (const row of known.standings) see(rules, standingOf(row, work.now))
  return found
}

function eventOf(id: string, rule: AlertRule, subject: string, telling: AlertTelling): AlertEventRow {
  const { incident, about, resolution, type } = telling
  return {
    id,
    alertId: rule.id,
    type: type === 'resolved' ? 'alert.resolved' : 'alert.raised',
    data: {
      alert_id: rule.id,
      name: rule.name,
      kind: rule.when.kind,
      incident_id: incident.id,
      subject,
      ...about,
      value: incident.value,
      count: incident.count,
      reason: incident.reason,
      address: incident.address,
      raised_at: instantOf(incident.raisedAt),
      repeated: incident.told - 1,
      resolution,
    },
  }
}

function endingOf({ live }: AlertRule): string {
  return live ? 'The alert was changed, and begins anew.' : 'The alert was disabled or deleted.'
}

function stateOf({ state }: Knowledge['states'][number]): AlertState {
  return state as object as AlertState
}

function keyOf({ id }: AlertRule, subject: string): SubjectKey {
  return { alertId: id, subject }
}

function wordOf({ alertId, subject }: SubjectKey): string {
  return `${alertId} ${subject}`
}

function unique(keys: readonly SubjectKey[]): SubjectKey[] {
  return [...new Map(keys.map((key) => [wordOf(key), key])).values()]
}

function instantOf(at: number): string {
  return new Date(at).toISOString()
}
