import type { BeatAnswer, HealthReport, HealthStatus, MonotonicMs, ProviderFacts } from '#contract'
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
import type { EffectBuffer } from '../ground/effect-buffer.ts'
import type { Note } from '../ground/effects.ts'
import type { TransactionOutput } from '../transaction/layer.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type {
  OutOfDialogRequests,
  RequestInFlight,
  RequestOutcome,
  RequestOver,
} from '../ua/out-of-dialog.ts'
import { Pacer } from '../ua/pacer.ts'
import { describeFlow, optionsFor, targetOf } from './options.ts'

/** What the monitor stands on. */
interface MonitorDeps {
  readonly endpoint: SipEndpoint
  readonly outOfDialog: OutOfDialogRequests
  readonly effects: EffectBuffer<TransactionOutput>
}

/* Implementation */
/** One address may be silent so long: four packets, at 0, 0.5, 1.5 and 3.5 s. */
const timeoutMs = 4_000
/** After a failure, and while half open, the next look comes sooner. */
const closeLookMs = 5_000
/** First looks are spread over so long. */
const firstLookMs = 3_000
/** Probes set out one by one, never more than forty a second. */
const paceMs = 25
/** What we have seen ourselves counts so long; then the other relays' word is better. */
const ownWordMs = 300_000

/** A provider we look after. */
interface MonitoredProvider {
  facts: ProviderFacts
  health: Health
  due: Deadline<MonitoredProvider> | undefined
  /** It has its place in the row of those who wait to set out. */
  ready: boolean
  /** The probe under way. */
  probe: RequestInFlight | undefined
}

/**
 * Looks after every provider: asks OPTIONS of it now and then, hears how calls to it went, and says how it is.
 *
 * One probe per provider at a time; the next one follows when the last has ended.
 */
export class Monitor {
  readonly #deps: MonitorDeps
  readonly #monitored = new Map<string, MonitoredProvider>()
  readonly #deadlines = new Deadlines<MonitoredProvider>()
  readonly #pacer = new Pacer(paceMs)
  /** Probes under way, whose they are, and when they set out. */
  readonly #probes = new Map<
    RequestInFlight,
    { readonly monitored: MonitoredProvider; readonly at: number }
  >()
  #others = new Map<string, HealthStatus>()

  constructor(deps: MonitorDeps) {
    this.#deps = deps
  }

  /** Probes under way. */
  get size(): number {
    let count = 0
    for (const { probe } of this.#monitored.values()) if (probe) count++
    return count
  }

  /** All providers there are, as they are configured now; one that moved is looked at as if it were new. */
  configure(now: MonotonicMs, list: readonly ProviderFacts[]): void {
    const there = new Map(list.filter(isWatched).map((facts) => [facts.id, facts]))
    for (const [id, monitored] of this.#monitored) if (!there.has(id)) this.#dismiss(now, monitored)
    for (const facts of there.values()) this.#take(now, facts)
  }

  /** Something was seen of a provider; of one we do not look after it says nothing. */
  observe(now: MonotonicMs, providerId: string, seen: Observation): void {
    const monitored = this.#monitored.get(providerId)
    if (monitored) this.#saw(now, monitored, seen)
  }

  /** A request is over; false: it is no probe. */
  over(now: MonotonicMs, { request, outcome }: RequestOver): boolean {
    const probe = this.#probes.get(request)
    if (!probe) return false
    this.#probes.delete(request)
    const { monitored, at } = probe
    monitored.probe = undefined
    this.#saw(now, monitored, this.#judge(monitored.facts, outcome))
    this.#look(monitored, this.#next(at, now, monitored))
    return true
  }

  /** How providers look to all relays together. */
  aggregated(list: BeatAnswer['health']): void {
    this.#others = new Map(list.map(({ provider_id, status }) => [provider_id, status]))
  }

  /** How a provider is: by what we saw of it lately, else by what all relays say. */
  health(now: MonotonicMs, providerId: string): HealthStatus {
    const monitored = this.#monitored.get(providerId)
    const { last, status } = monitored ? healthAt(monitored.health, now) : unseen
    const own = last !== null && now - last.at < ownWordMs
    return own ? status : (this.#others.get(providerId) ?? status)
  }

  /** Whether this call may be the one which tries a half-open provider; a yes is given once. */
  trial(now: MonotonicMs, providerId: string): boolean {
    const monitored = this.#monitored.get(providerId)
    if (!monitored || !trialDue(monitored.health, now, this.health(now, providerId))) return false
    monitored.health = trialBegun(monitored.health, now)
    return true
  }

  /** For the beat: every provider of which something was seen. */
  reports(now: MonotonicMs): HealthReport[] {
    const { epoch } = this.#deps.endpoint
    const iso = (at: number) => new Date(Math.floor(epoch + at)).toISOString()
    return [...this.#monitored.values()].flatMap(({ facts, health }) => {
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

  tick(now: MonotonicMs): void {
    for (let monitored = this.#deadlines.due(now); monitored; monitored = this.#deadlines.due(now)) {
      const at = monitored.ready ? now : this.#pacer.next(now)
      if (at <= now) this.#probe(now, monitored)
      else this.#queue(monitored, at)
    }
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  #take(now: MonotonicMs, facts: ProviderFacts): void {
    const monitored = this.#monitored.get(facts.id)
    if (monitored && placeKey(monitored.facts) === placeKey(facts)) {
      const paced = monitored.facts.probe_interval === facts.probe_interval
      monitored.facts = facts
      if (!paced)
        this.#look(monitored, now + this.#entropy(Math.min(firstLookMs, facts.probe_interval * 1000)))
      return
    }
    if (monitored) this.#dismiss(now, monitored)
    const fresh: MonitoredProvider = {
      facts,
      health: { ...unseen, since: now },
      due: undefined,
      ready: false,
      probe: undefined,
    }
    this.#monitored.set(facts.id, fresh)
    this.#look(fresh, now + this.#entropy(firstLookMs))
  }

  #dismiss(now: MonotonicMs, monitored: MonitoredProvider): void {
    this.#monitored.delete(monitored.facts.id)
    this.#deadlines.cancel(monitored.due)
    if (!monitored.probe) return
    this.#probes.delete(monitored.probe)
    this.#deps.outOfDialog.abandon(now, monitored.probe)
  }

  /** The next probe is due then; none while one is under way, or where none is wanted. */
  #look(monitored: MonitoredProvider, at: number): void {
    this.#deadlines.cancel(monitored.due)
    monitored.ready = false
    if (monitored.probe || monitored.facts.probe_interval === 0) return
    monitored.due = this.#deadlines.set(at, monitored)
  }

  /** Others were first: it gets the next place in their row, and keeps it. */
  #queue(monitored: MonitoredProvider, at: number): void {
    monitored.ready = true
    monitored.due = this.#deadlines.set(at, monitored)
  }

  #probe(now: MonotonicMs, monitored: MonitoredProvider): void {
    monitored.ready = false
    const { outOfDialog, endpoint } = this.#deps
    monitored.probe = outOfDialog.run(now, {
      target: targetOf(monitored.facts),
      timeoutMs,
      credentials: null,
      every: 0,
      build: optionsFor(monitored.facts, endpoint),
    })
    this.#probes.set(monitored.probe, { monitored, at: now })
  }

  #judge({ hostname, probe_accept }: ProviderFacts, { tries, why }: RequestOutcome): Observation {
    const last = tries.at(-1)
    if (!last) return { by: 'probe', ok: false, status: 0, why: `${hostname}: ${why}` }
    const { flow, status, ms, unreachable } = last
    const ok = probeServes(status, probe_accept)
    const seen = {
      by: 'probe',
      ok,
      status,
      why: `${last.why} ${status === 0 ? 'at' : 'from'} ${describeFlow(flow)}`,
    } as const
    return status === 0 ? { ...seen, unreachable } : { ...seen, ms: Math.round(ms * 10) / 10 }
  }

  /** When to look next: an interval after the last look began, a fifth more or less; sooner in doubt. */
  #next(began: number, now: MonotonicMs, { facts, health }: MonitoredProvider): number {
    const every = facts.probe_interval * 1000
    const { status, failures } = health
    const doubtful = status === 'half_open' || (status !== 'unhealthy' && failures > 0)
    const ms = doubtful ? Math.min(closeLookMs, every) : every
    return Math.max(now, began + ms * 0.8 + this.#entropy(ms * 0.4))
  }

  #saw(now: MonotonicMs, monitored: MonitoredProvider, seen: Observation): void {
    const before = healthAt(monitored.health, now).status
    monitored.health = observed(monitored.health, now, seen)
    const { status, why } = monitored.health
    if (status === before) return
    const { id, customer_id, name } = monitored.facts
    this.#deps.effects.note(levelOf(before, status), `provider.${status}`, {
      provider_id: id,
      customer_id,
      name,
      why,
    })
    // A probe while it is half open decides; it comes soon.
    if (status === 'half_open') this.#look(monitored, now + closeLookMs)
  }

  #entropy(below: number): number {
    return this.#deps.endpoint.entropy.below(Math.max(1, Math.floor(below)))
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
