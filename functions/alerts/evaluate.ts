import type { UtcMs } from '#contract'
import type { AlertAbout, AlertRule, Judgement, Sighting } from './kind.ts'
import { judged, remembered } from './kinds.ts'

/** What is told again of what lasts, once in so long at most. */
const AGAIN_MS = 3_600_000

/** What an alert remembers of one subject, as it is kept. */
export interface AlertState {
  readonly about: AlertAbout
  /** Its kind's own. */
  readonly memory: unknown
  /** null: it does not hold. */
  readonly incident: OpenIncident | null
}

/** An incident which lasts. Times are UTC ms. */
export interface OpenIncident {
  readonly id: string
  readonly raisedAt: number
  readonly toldAt: number
  /** Times it was told. */
  readonly told: number
  readonly count: number
  readonly value: number | null
  readonly reason: string
  readonly address: string | null
}

/** What is told of an incident. */
export interface AlertTelling {
  readonly type: 'raised' | 'repeated' | 'resolved'
  readonly about: AlertAbout
  readonly incident: OpenIncident
  /** Why it is over, where it is. */
  readonly resolution: string | null
}

/** What becomes of one subject of an alert. */
export interface Evaluation {
  /** undefined: nothing need be remembered. */
  readonly state: AlertState | undefined
  /** When time alone may change it. */
  readonly dueAt: number | undefined
  readonly told: readonly AlertTelling[]
}

/**
 * Judges one subject of an alert by what was seen of it, in its order, and then by the time alone. A fact is judged as of
 * its own time: what was told late is raised, and resolved where it is over. `incidentId` is that of the next incident.
 */
export function evaluate(
  rule: AlertRule,
  state: AlertState | undefined,
  sightings: readonly Sighting[],
  now: UtcMs,
  incidentId: () => string,
): Evaluation {
  const told: AlertTelling[] = []
  let current = state
  for (const sighting of sightings) {
    const memory = remembered(rule, current?.memory, { ...sighting, at: Math.min(sighting.at, now) })
    const incident = current?.incident ?? null
    const about = incident && current ? current.about : { ...current?.about, ...sighting.about }
    const judgement = judged(rule, memory, Math.min(sighting.at, now), incident !== null)
    current = { about, memory, incident: after({ about, incident }, judgement, sighting.count) }
  }
  if (!current) return { state: undefined, dueAt: undefined, told }
  const last = judged(rule, current.memory, now, current.incident !== null)
  const incident = after(current, last, 0)
  const repeat = incident && incident.toldAt + AGAIN_MS
  const dueAt = Math.min(last.nextAt ?? Number.POSITIVE_INFINITY, repeat ?? Number.POSITIVE_INFINITY)
  return {
    state: incident === null && last.empty ? undefined : { ...current, incident },
    dueAt: Number.isFinite(dueAt) ? dueAt : undefined,
    told,
  }

  /** The incident after a judgement; what is to be told of it is told. */
  function after(
    { about, incident }: Pick<AlertState, 'about' | 'incident'>,
    judgement: Judgement,
    count: number,
  ): OpenIncident | null {
    if (incident === null) return judgement.holds ? raised(about, judgement) : null
    if (judgement.holds === false) {
      told.push({ type: 'resolved', about, incident, resolution: judgement.reason })
      return null
    }
    const { value, reason, address } = judgement.holds ? judgement : incident
    const lasting = { ...incident, count: incident.count + count, value, reason, address }
    if (now < incident.toldAt + AGAIN_MS) return lasting
    const again = { ...lasting, toldAt: now, told: incident.told + 1 }
    told.push({ type: 'repeated', about, incident: again, resolution: null })
    return again
  }

  function raised(about: AlertAbout, { count = 1, value, reason, address }: Judgement): OpenIncident {
    const incident = { id: incidentId(), raisedAt: now, toldAt: now, told: 1, count, value, reason, address }
    told.push({ type: 'raised', about, incident, resolution: null })
    return incident
  }
}

/** Ends what an alert raised, since it is not watched for any more. */
export function abandoned(state: AlertState, resolution: string): AlertTelling[] {
  const { about, incident } = state
  return incident === null ? [] : [{ type: 'resolved', about, incident, resolution }]
}
