import {
  type BeatAnswer,
  beatEveryMs,
  type CredentialQuestion,
  type DigestAlgorithm,
  type MonotonicMs,
  PLATFORM,
  type ProviderFacts,
  type RouteDecision,
  type RouteQuestion,
  type UtcMs,
} from '#contract'
import {
  type ConfigIndex,
  type Configuration,
  customerOf,
  decide,
  type Runtime,
  trunkDomainOf,
  unused,
} from '#routing'
import type { CachedAccount } from '../auth/accounts.ts'
import type { Answer, Question, SnapshotConfirmation, VerifiedSnapshot } from '../ground/effects.ts'
import { sourcePrefix } from '../ground/flow.ts'
import { RateLimiter } from '../ground/rate-limiter.ts'
import type { BeatPart, BeatReporter } from '../ground/reporter.ts'
import { Circuit } from './circuit.ts'
import { SnapshotCache, type SnapshotCacheDeps } from './snapshot-cache.ts'

/** How things stand which are no configuration: other rooms know. */
type RuntimeState = Pick<Runtime, 'health' | 'trial' | 'use'>

/** No provider was looked at, and nothing is counted. */
export const unknownState: RuntimeState = {
  health: () => 'unknown',
  trial: () => false,
  use: () => unused,
}

interface RoutingClientDeps {
  readonly engine: Pick<SnapshotCacheDeps, 'emit' | 'note' | 'below' | 'revoke'> & {
    ask(question: Question, then: Then, withinMs?: number): void
  }
  readonly baseDomain: string
  readonly runtime: RuntimeState
  /** Providers whose host this relay itself found at an address: what to go by while the edge is away. */
  foundAt?(address: string): readonly ProviderFacts[]
  /** UTC of the event being handled, in whole milliseconds. */
  at(): UtcMs
}

type Then = (now: MonotonicMs, answer: Answer | undefined, why: string) => void

/** A decision; undefined: neither edge nor snapshot decided, and why. */
type OnDecision = (now: MonotonicMs, decision: RouteDecision | undefined, why: string) => void

/* Implementation */
/** A snapshot the edge did not confirm for so long is no longer decided on. */
const staleMs = 86_400_000
/** A caller whom a snapshot could answer waits no longer for an edge of which it is not known whether it lives. */
const shortlyMs = 300
/** An answer to a beat says that the edge lives until the next one is due. */
const livesForMs = beatEveryMs * 1.25
const secondLooks = { atOnce: 50, perSecond: 20, remembered: 1 }
/** Of them, those of one caller: an address may be forged, and must not use up those of all. */
const secondLooksEach = { atOnce: 10, perSecond: 4 }

/**
 * Decides where calls go, and knows who may register: by snapshots which the edge named current, else by asking
 * the edge, else by the last snapshots, up to a day old.
 *
 * A refusal is asked about once more while the edge listens: what was configured a second ago is known there.
 */
export class RoutingClient implements BeatReporter {
  readonly #deps: RoutingClientDeps
  readonly #snapshots: SnapshotCache
  readonly #circuit = new Circuit()
  readonly #secondLooks = new RateLimiter(secondLooks)
  readonly #secondLooksEach = new RateLimiter(secondLooksEach)
  #beatAnsweredAt = Number.NEGATIVE_INFINITY

  /** The snapshots, and what was found here since they came. */
  readonly #alone: Configuration

  constructor(deps: RoutingClientDeps) {
    this.#deps = deps
    this.#snapshots = new SnapshotCache(deps.engine)
    this.#alone = {
      ...this.#snapshots.index.configuration,
      providersAt: (address) => this.#providersAt(address),
    }
  }

  /** Everything that is configured, as far as it is here; always the present state. */
  get index(): ConfigIndex {
    return this.#snapshots.index
  }

  get configuration(): Configuration {
    return this.#snapshots.index.configuration
  }

  /** Rises when anything is configured otherwise than before. */
  get changes(): number {
    return this.#snapshots.changes
  }

  /** All customers' providers, their passwords in the clear. */
  providers(): readonly ProviderFacts[] {
    return this.#snapshots.index.providers()
  }

  /** Whether what is here of a customer's configuration is what the edge has. */
  current(now: MonotonicMs, customerId: string): boolean {
    return this.#snapshots.current(now, customerId)
  }

  /** Whether every customer's newest configuration is here, as far as the edge has named it. */
  get complete(): boolean {
    return this.#snapshots.complete && !this.#snapshots.empty
  }

  /** Whether calls can be decided at all. */
  ready(now: MonotonicMs): boolean {
    return this.#circuit.closed || (!this.#snapshots.empty && now - this.#snapshots.confirmedAt() <= staleMs)
  }

  beatPart(): Partial<BeatPart> {
    return { version: this.#snapshots.beatVersion() }
  }

  beatAnswered(now: MonotonicMs, answer: BeatAnswer, sentAt: MonotonicMs): void {
    this.#circuit.answered()
    this.#beatAnsweredAt = now
    this.#snapshots.beatAnswered(now, this.#deps.at(), answer, sentAt)
  }

  /** A beat came to nothing. */
  missed(now: MonotonicMs, away: boolean): void {
    if (away) this.#circuit.failed(now)
  }

  /** Snapshots as they were on disk. */
  restore(
    now: MonotonicMs,
    files: readonly VerifiedSnapshot[],
    confirmed: SnapshotConfirmation | undefined,
  ): void {
    this.#snapshots.restore(now, this.#deps.at(), files, confirmed)
  }

  /** Whether calls from this address are a customer's, as far as is known here. */
  isFamiliar(address: string): boolean {
    return this.#alone.providersAt(address).length > 0 || this.configuration.trunksAt(address).length > 0
  }

  /** Whether the PBX of this domain may call from there without a password; undefined: that is not known here. */
  allowsAddress(now: MonotonicMs, realm: string, address: string): boolean | undefined {
    const trunk = this.configuration.trunkNamed(trunkDomainOf(realm, this.#deps.baseDomain) ?? '')
    if (!trunk || !this.#snapshots.current(now, trunk.customer_id)) return undefined
    return this.configuration.trunksAt(address).some(({ id }) => id === trunk.id)
  }

  /** Decides a call, at once where it can. */
  route(now: MonotonicMs, question: RouteQuestion, then: OnDecision): void {
    const own = this.#decide(now, question)
    if (own?.current && !this.#asksAgain(now, question, own.decision)) return then(now, own.decision, '')
    const spared = own !== undefined
    const worthwhile = spared ? this.#circuit.closed : this.#circuit.admits(now)
    this.#ask(now, { ask: 'route', question }, { spared, worthwhile }, (later, answer, why) => {
      if (answer?.ask === 'route') return then(later, answer.answer, '')
      then(later, (own ?? this.#decide(later, question))?.decision, why)
    })
  }

  /**
   * Asks about an account, unless that is of no use now. Without beats some phones wait for an answer, so that an edge
   * which hears questions only is found out, and a password of yesterday does not hold for a day.
   */
  account(now: MonotonicMs, question: CredentialQuestion, then: Then): void {
    const spared = this.cached(now, question) !== undefined
    const worthwhile = spared ? this.#circuit.tries(now) : this.#circuit.admits(now)
    this.#ask(now, { ask: 'credential', question }, { spared, worthwhile }, then)
  }

  /** What the snapshots say of an account; undefined: they do not know its customer. */
  cached(now: MonotonicMs, { realm, username }: CredentialQuestion): CachedAccount | undefined {
    const customerId = this.customerOf(realm)
    if (customerId === undefined) return undefined
    const since = this.#snapshots.confirmedAt(customerId)
    if (now - since > staleMs) return undefined
    const current = this.#snapshots.current(now, customerId)
    const account = this.#snapshots.index.account(realm, username)
    if (account === undefined) return { answer: { kind: 'unknown', ttl: 0 }, since, current }
    const { kind, id, ...rest } = account
    const answer = {
      ...rest,
      kind: 'known',
      account: kind,
      extension_id: id,
      extension: username,
      ttl: 0,
    } as const
    return { answer, since, current }
  }

  /** What each account of a realm is challenged with, as far as the snapshots know them. */
  algorithms(realm: string): readonly (readonly DigestAlgorithm[])[] {
    return this.#snapshots.index.algorithms(realm)
  }

  /** Whose realm it is, as far as that is known here. */
  customerOf(realm: string): string | undefined {
    const { baseDomain } = this.#deps
    const domain = trunkDomainOf(realm, baseDomain)
    const id =
      domain === undefined
        ? customerOf(realm, baseDomain)
        : this.configuration.trunkNamed(domain)?.customer_id
    return id === undefined || this.configuration.customer(id) === undefined ? undefined : id
  }

  /** Asks where that is worthwhile; `spared`: there is something to go by without. */
  #ask(
    now: MonotonicMs,
    question: Question,
    { spared, worthwhile }: { spared: boolean; worthwhile: boolean },
    then: Then,
  ): void {
    if (!worthwhile) return then(now, undefined, 'the edge is away')
    const answered: Then = (later, answer, why) => {
      if (answer) this.#circuit.answered()
      else this.#circuit.failed(later)
      then(later, answer, why)
    }
    this.#deps.engine.ask(question, answered, spared && !this.#lives(now) ? shortlyMs : undefined)
  }

  /** The edge answered a beat just now. */
  #lives(now: MonotonicMs): boolean {
    return now - this.#beatAnsweredAt <= livesForMs
  }

  #providersAt(address: string): readonly ProviderFacts[] {
    const told = this.configuration.providersAt(address)
    const found = this.#deps.foundAt?.(address) ?? []
    if (found.length === 0) return told
    const ids = new Set(told.map(({ id }) => id))
    const since = new Date(this.#deps.at()).toISOString()
    const more = found.filter(({ id }) => !ids.has(id))
    return [...told, ...more.map((one) => ({ ...one, found: [...one.found, { address, since }] }))]
  }

  /** By the snapshots, where those of all customers concerned are here and not too old. */
  #decide(now: MonotonicMs, question: RouteQuestion): LocalDecision | undefined {
    const configuration = this.#snapshots.current(now) ? this.configuration : this.#alone
    const concerned = this.#concerned(question, configuration)
    if (concerned === undefined) return undefined
    const { runtime, baseDomain, at } = this.#deps
    const version = (customerId: string) => this.#snapshots.index.version(customerId) ?? null
    const live = { ...runtime, at: at(), baseDomain, decidedBy: 'relay', snapshotAgeMs: 0, version } as const
    const decision = decide(question, configuration, live)
    // A number may be a customer's whom the question did not name.
    const all = decision.customer_id === null ? concerned : [...concerned, decision.customer_id]
    if (all.every((id) => this.#snapshots.current(now, id))) return { decision, current: true }
    const ageMs = now - Math.min(...all.map((id) => this.#snapshots.confirmedAt(id)))
    return ageMs > staleMs ? undefined : { decision: aged(decision, Math.ceil(ageMs)), current: false }
  }

  /** Whose configuration a question is about, the platform's with it; undefined: not all of it is here. */
  #concerned({ caller }: RouteQuestion, configuration: Configuration): string[] | undefined {
    if (caller.kind !== 'source')
      return configuration.customer(caller.customer_id) && [PLATFORM, caller.customer_id]
    const line = caller.line === null ? undefined : configuration.line(caller.line)
    const known = [
      ...configuration.providersAt(caller.address),
      ...configuration.trunksAt(caller.address),
      ...(line ? [line] : []),
    ]
    if (known.length > 0) return [PLATFORM, ...known.map(({ customer_id }) => customer_id)]
    return this.#snapshots.complete && !this.#snapshots.empty ? [PLATFORM] : undefined
  }

  /** Nothing but a limit is known better here than at the edge. */
  #asksAgain(now: MonotonicMs, { caller }: RouteQuestion, decision: RouteDecision): boolean {
    if (decision.kind !== 'reject' || !this.#circuit.closed) return false
    const full = decision.explanation?.limits.some(({ exceeded }) => exceeded)
    if (full || decision.reason === 'ALL_PROVIDERS_FULL') return false
    const who = caller.kind === 'source' ? sourcePrefix(caller.address) : caller.customer_id
    return this.#secondLooksEach.take(now, who) && this.#secondLooks.take(now, '')
  }
}

/** A decision made here; `current`: the edge would have made the same. */
interface LocalDecision {
  readonly decision: RouteDecision
  readonly current: boolean
}

function aged(decision: RouteDecision, ageMs: number): RouteDecision {
  const { explanation } = decision
  return explanation ? { ...decision, explanation: { ...explanation, snapshot_age_ms: ageMs } } : decision
}
