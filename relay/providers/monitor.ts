import type { BeatAnswer, HealthReport, HealthStatus, ProviderFacts } from '#contract'
import {
  type Health,
  healthAt,
  latencyOf,
  type Observation,
  observed,
  probeServes,
  trialBegun,
  trialDue,
  unseen,
} from '#routing'
import { type Deadline, Deadlines } from '../ground/deadlines.ts'
import type { Note } from '../ground/effects.ts'
import type { Station } from '../ua/endpoint.ts'
import type { Errands, Outcome, Trip } from '../ua/out-of-dialog.ts'
import { Pace } from '../ua/pacer.ts'
import { optionsFor, placeOf, placeWords } from './options.ts'

/** What the watch needs of the engine around it. */
export interface Post {
  readonly station: Station
  readonly errands: Errands
  note(level: Note['level'], event: string, fields: Note['fields']): void
}

/* Implementation */
/** One address may be silent so long: four packets, at 0, 0.5, 1.5 and 3.5 s. */
export const patienceMs = 4_000
/** After a failure, and while half open, the next look comes sooner. */
export const closeLookMs = 5_000
/** First looks are spread over so long. */
const firstLookMs = 3_000
/** Probes set out one by one, never more than forty a second. */
export const paceMs = 25
/** What we have seen ourselves counts so long; then the other relays' word is better. */
export const ownWordMs = 300_000

/** A provider we look after. */
interface Charge {
  facts: ProviderFacts
  health: Health
  due: Deadline<Charge> | undefined
  /** It has its place in the row of those who wait to set out. */
  ready: boolean
  /** The probe under way. */
  trip: Trip | undefined
}

/**
 * Looks after every provider: asks OPTIONS of it now and then, hears how calls to it went, and says how it is.
 *
 * One probe per provider at a time; the next one follows when the last has ended.
 */
export class Watch {
  readonly #post: Post
  readonly #charges = new Map<string, Charge>()
  readonly #deadlines = new Deadlines<Charge>()
  readonly #pace = new Pace(paceMs)
  #others = new Map<string, HealthStatus>()

  constructor(post: Post) {
    this.#post = post
  }

  /** Probes under way. */
  get size(): number {
    let count = 0
    for (const { trip } of this.#charges.values()) if (trip) count++
    return count
  }

  /** All providers there are, as they are configured now; one that moved is looked at as if it were new. */
  configure(now: number, list: readonly ProviderFacts[]): void {
    const there = new Map(list.filter(isWatched).map((facts) => [facts.id, facts]))
    for (const [id, charge] of this.#charges) if (!there.has(id)) this.#dismiss(now, charge)
    for (const facts of there.values()) this.#take(now, facts)
  }

  /** Something was seen of a provider; of one we do not look after it says nothing. */
  observe(now: number, providerId: string, seen: Observation): void {
    const charge = this.#charges.get(providerId)
    if (charge) this.#saw(now, charge, seen)
  }

  /** How providers look to all relays together. */
  aggregated(list: BeatAnswer['health']): void {
    this.#others = new Map(list.map(({ provider_id, status }) => [provider_id, status]))
  }

  /** How a provider is: by what we saw of it lately, else by what all relays say. */
  health(now: number, providerId: string): HealthStatus {
    const charge = this.#charges.get(providerId)
    const { last, status } = charge ? healthAt(charge.health, now) : unseen
    const own = last !== null && now - last.at < ownWordMs
    return own ? status : (this.#others.get(providerId) ?? status)
  }

  /** Whether this call may be the one which tries a half-open provider; a yes is given once. */
  trial(now: number, providerId: string): boolean {
    const charge = this.#charges.get(providerId)
    if (!charge || !trialDue(charge.health, now, this.health(now, providerId))) return false
    charge.health = trialBegun(charge.health, now)
    return true
  }

  /** For the beat: every provider of which something was seen. */
  reports(now: number): HealthReport[] {
    const { epoch } = this.#post.station
    const iso = (at: number) => new Date(Math.floor(epoch + at)).toISOString()
    return [...this.#charges.values()].flatMap(({ facts, health }) => {
      const { status, since, last, why } = healthAt(health, now)
      if (last === null) return []
      return {
        provider_id: facts.id,
        customer_id: facts.customer_id,
        status,
        since: iso(since),
        latency_ms: latencyOf(health),
        last: { by: last.by, status: last.status, at: iso(last.at) },
        why,
      }
    })
  }

  tick(now: number): void {
    for (let charge = this.#deadlines.due(now); charge; charge = this.#deadlines.due(now)) {
      const at = charge.ready ? now : this.#pace.next(now)
      if (at <= now) this.#probe(now, charge)
      else this.#queue(charge, at)
    }
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  #take(now: number, facts: ProviderFacts): void {
    const charge = this.#charges.get(facts.id)
    if (charge && placeKey(charge.facts) === placeKey(facts)) {
      const paced = charge.facts.probe_interval === facts.probe_interval
      charge.facts = facts
      if (!paced) this.#look(charge, now + this.#chance(Math.min(firstLookMs, facts.probe_interval * 1000)))
      return
    }
    if (charge) this.#dismiss(now, charge)
    const fresh: Charge = {
      facts,
      health: { ...unseen, since: now },
      due: undefined,
      ready: false,
      trip: undefined,
    }
    this.#charges.set(facts.id, fresh)
    this.#look(fresh, now + this.#chance(firstLookMs))
  }

  #dismiss(now: number, charge: Charge): void {
    this.#charges.delete(charge.facts.id)
    this.#deadlines.cancel(charge.due)
    if (charge.trip) this.#post.errands.giveUp(now, charge.trip)
  }

  /** The next probe is due then; none while one is under way, or where none is wanted. */
  #look(charge: Charge, at: number): void {
    this.#deadlines.cancel(charge.due)
    charge.ready = false
    if (charge.trip || charge.facts.probe_interval === 0) return
    charge.due = this.#deadlines.set(at, charge)
  }

  /** Others were first: it gets the next place in their row, and keeps it. */
  #queue(charge: Charge, at: number): void {
    charge.ready = true
    charge.due = this.#deadlines.set(at, charge)
  }

  #probe(now: number, charge: Charge): void {
    charge.ready = false
    const { errands, station } = this.#post
    charge.trip = errands.run(now, {
      place: placeOf(charge.facts),
      patienceMs,
      credentials: null,
      every: 0,
      build: optionsFor(charge.facts, station),
      done: (later, outcome) => {
        charge.trip = undefined
        this.#saw(later, charge, this.#judge(charge.facts, outcome))
        this.#look(charge, this.#next(now, later, charge))
      },
    })
  }

  #judge({ hostname, probe_accept }: ProviderFacts, { tries, why }: Outcome): Observation {
    const last = tries.at(-1)
    if (!last) return { by: 'probe', ok: false, status: 0, why: `${hostname}: ${why}` }
    const { flow, status, ms } = last
    const ok = probeServes(status, probe_accept)
    const seen = {
      by: 'probe',
      ok,
      status,
      why: `${last.why} ${status === 0 ? 'at' : 'from'} ${placeWords(flow)}`,
    } as const
    return status === 0 ? seen : { ...seen, ms: Math.round(ms * 10) / 10 }
  }

  /** When to look next: an interval after the last look began, a fifth more or less; sooner in doubt. */
  #next(began: number, now: number, { facts, health }: Charge): number {
    const every = facts.probe_interval * 1000
    const { status, failures } = health
    const doubtful = status === 'half_open' || (status !== 'unhealthy' && failures > 0)
    const ms = doubtful ? Math.min(closeLookMs, every) : every
    return Math.max(now, began + ms * 0.8 + this.#chance(ms * 0.4))
  }

  #saw(now: number, charge: Charge, seen: Observation): void {
    const before = healthAt(charge.health, now).status
    charge.health = observed(charge.health, now, seen)
    const { status, why } = charge.health
    if (status === before) return
    const { id, customer_id, name } = charge.facts
    this.#post.note(levelOf(before, status), `provider.${status}`, {
      provider_id: id,
      customer_id,
      name,
      why,
    })
    // A probe while it is half open decides; it comes soon.
    if (status === 'half_open') this.#look(charge, now + closeLookMs)
  }

  #chance(below: number): number {
    return this.#post.station.chance.below(Math.max(1, Math.floor(below)))
  }
}

/** Falling and getting up are news; the tries between them are not. */
function levelOf(before: HealthStatus, status: HealthStatus): Note['level'] {
  if (status === 'unhealthy') return before === 'half_open' ? 'debug' : 'warn'
  return status === 'healthy' && before !== 'unknown' ? 'info' : 'debug'
}

function isWatched({ enabled, deleted }: ProviderFacts): boolean {
  return enabled && !deleted
}

function placeKey({ hostname, port, transport, tls }: ProviderFacts): string {
  return JSON.stringify([hostname, port, transport, tls])
}
