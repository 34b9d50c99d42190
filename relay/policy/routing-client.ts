import {
  beatEveryMs,
  type CredentialAnswer,
  type CredentialQuestion,
  type DigestAlgorithm,
  type MonotonicMs,
  PLATFORM,
  type ProviderFacts,
  type RouteDecision,
  type RouteQuestion,
} from '#contract'
import { type Account, type Configuration, customerOf, decide, type Runtime, trunkDomainOf } from '#routing'
import type { CachedAccount } from '../auth/accounts.ts'
import { EffectBuffer } from '../ground/effect-buffer.ts'
import type { Answer, Effect, Input, Question } from '../ground/effects.ts'
import { Questions, type Reply } from '../ground/questions.ts'
import { RateLimiter } from '../ground/rate-limiter.ts'
import { rememberLast } from '../ground/remember.ts'
import type { BeatPart, BeatReporter } from '../ground/reporter.ts'
import { sourcePrefix } from '../ground/source-prefix.ts'
import { Circuit } from './circuit.ts'
import type { AccountReply, Routed, RoutingClientDeps, RoutingEvent } from './routing-events.ts'
import type { SnapshotCache, SnapshotEvent } from './snapshot-cache.ts'

/** What waits for the edge; `own`: what a call goes by without it. */
type WaitingQuestion =
  | { readonly ask: 'route'; readonly question: RouteQuestion; readonly own: LocalDecision | undefined }
  | { readonly ask: 'credential'; readonly question: CredentialQuestion }

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
  readonly #effects = new EffectBuffer()
  readonly #questions: Questions<WaitingQuestion>
  readonly #circuit = new Circuit()
  readonly #secondLooks = new RateLimiter(secondLooks)
  readonly #secondLooksEach = new RateLimiter(secondLooksEach)
  #beatAnsweredAt = Number.NEGATIVE_INFINITY

  /** The snapshots, and what was found here since they came. */
  readonly #alone: Configuration

  constructor(deps: RoutingClientDeps) {
    this.#deps = deps
    this.#snapshots = deps.snapshots
    this.#questions = new Questions(this.#effects, deps.numbers)
    this.#alone = {
      ...deps.snapshots.index.configuration,
      providersAt: (address) => this.#providersAt(address),
    }
  }

  /** Whom a realm names: a customer by id, a PBX by its domain. */
  readonly #named = rememberLast(4, (realm: string) => {
    const { baseDomain } = this.#deps
    return { customer: customerOf(realm, baseDomain), trunk: trunkDomainOf(realm, baseDomain) }
  })

  get configuration(): Configuration {
    return this.#snapshots.index.configuration
  }

  /** Whether calls can be decided at all. */
  ready(now: MonotonicMs): boolean {
    return this.#circuit.closed || (!this.#snapshots.empty && now - this.#snapshots.confirmedAt() <= staleMs)
  }

  beatPart(): Partial<BeatPart> {
    return { version: this.#snapshots.beatVersion() }
  }

  receive(
    event: Extract<Input, { type: 'beat' | 'news' | 'pong' | 'unbeaten' | 'cached' | 'restored' }> | Reply,
    now: MonotonicMs,
  ): (Effect | RoutingEvent | SnapshotEvent)[] | undefined {
    switch (event.type) {
      case 'cached':
      case 'restored':
      case 'news':
        return this.#snapshots.receive(event, now)
      case 'beat':
        this.#circuit.answered()
        this.#beatAnsweredAt = now
        return this.#snapshots.receive(event, now)
      case 'pong':
        // It says that the hub lives: of the edge's other doors only that nothing is known against them.
        if (this.#circuit.closed) this.#beatAnsweredAt = now
        return this.#snapshots.receive(event, now)
      case 'unbeaten':
        if (event.away) this.#circuit.failed(now)
        return []
      default:
        return this.#answered(now, event) ?? this.#snapshots.receive(event, now)
    }
  }

  /** Whether calls from this address are a customer's, as far as is known here. */
  isFamiliar(address: string): boolean {
    return this.#alone.providersAt(address).length > 0 || this.configuration.trunksAt(address).length > 0
  }

  /** Whether the PBX of this domain may call from there without a password; undefined: that is not known here. */
  allowsAddress(now: MonotonicMs, realm: string, address: string): boolean | undefined {
    const trunk = this.configuration.trunkNamed(this.#named(realm).trunk ?? '')
    if (!trunk || !this.#snapshots.current(now, trunk.customer_id)) return undefined
    return this.configuration.trunksAt(address).some(({ id }) => id === trunk.id)
  }

  /** Decides a call: at once where it can, else by a `routed` which follows what it asks. */
  route(now: MonotonicMs, question: RouteQuestion): Routed | readonly Effect[] {
    const own = this.#decide(now, question)
    if (own?.current && !this.#asksAgain(now, question, own.decision))
      return { decision: own.decision, why: '' }
    const worthwhile = own === undefined ? this.#circuit.admits(now) : this.#circuit.closed
    if (!worthwhile) return { decision: (own ?? this.#decide(now, question))?.decision, why: edgeAway }
    return this.#ask(now, { ask: 'route', question, own }, { ask: 'route', question }, own !== undefined)
  }

  /**
   * Asks about an account, and hears by an `account`; unless asking is of no use now. Without beats some phones wait for
   * an answer, so that an edge which hears questions only is found out, and a password of yesterday does not hold for a
   * day.
   */
  account(now: MonotonicMs, question: CredentialQuestion): AccountReply | readonly Effect[] {
    const spared = this.cached(now, question) !== undefined
    const worthwhile = spared ? this.#circuit.tries(now) : this.#circuit.admits(now)
    if (!worthwhile) return { answer: undefined, why: edgeAway }
    return this.#ask(now, { ask: 'credential', question }, { ask: 'credential', question }, spared)
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
    return { answer: knownAs(account), since, current }
  }

  /** What each account of a realm is challenged with, as far as the snapshots know them. */
  algorithms(realm: string): readonly (readonly DigestAlgorithm[])[] {
    return this.#snapshots.index.algorithms(realm)
  }

  /** Whose realm it is, as far as that is known here. */
  customerOf(realm: string): string | undefined {
    const { customer, trunk } = this.#named(realm)
    const id = trunk === undefined ? customer : this.configuration.trunkNamed(trunk)?.customer_id
    return id === undefined || this.configuration.customer(id) === undefined ? undefined : id
  }

  /** `spared`: there is something to go by without the answer. */
  #ask(now: MonotonicMs, waiting: WaitingQuestion, question: Question, spared: boolean): readonly Effect[] {
    this.#questions.ask(waiting, question, spared && !this.#lives(now) ? shortlyMs : undefined)
    return this.#effects.take()
  }

  #answered(now: MonotonicMs, reply: Reply): (Effect | RoutingEvent)[] | undefined {
    const waiting = this.#questions.answered(reply)
    if (waiting === undefined) return undefined
    const answer = reply.type === 'answered' ? reply.answer : undefined
    if (answer) this.#circuit.answered()
    else this.#circuit.failed(now)
    const why = reply.type === 'unanswered' ? reply.why : ''
    return [
      waiting.ask === 'route'
        ? { type: 'routed', question: waiting.question, ...this.#routed(now, waiting, answer, why) }
        : { type: 'account', question: waiting.question, answer: accountIn(answer), why },
    ]
  }

  #routed(
    now: MonotonicMs,
    { question, own }: Extract<WaitingQuestion, { ask: 'route' }>,
    answer: Answer | undefined,
    why: string,
  ): Routed {
    if (answer?.ask === 'route') return { decision: answer.answer, why: '' }
    return { decision: (own ?? this.#decide(now, question))?.decision, why }
  }

  /** The edge answered a beat just now. */
  #lives(now: MonotonicMs): boolean {
    return now - this.#beatAnsweredAt <= livesForMs
  }

  #providersAt(address: string): readonly ProviderFacts[] {
    const told = this.configuration.providersAt(address)
    const found = this.#deps.providers.foundAt(address)
    if (found.length === 0) return told
    const ids = new Set(told.map(({ id }) => id))
    const since = new Date(this.#deps.clock.at).toISOString()
    const more = found.filter(({ id }) => !ids.has(id))
    return [...told, ...more.map((one) => ({ ...one, found: [...one.found, { address, since }] }))]
  }

  /** By the snapshots, where those of all customers concerned are here and not too old. */
  #decide(now: MonotonicMs, question: RouteQuestion): LocalDecision | undefined {
    const configuration = this.#snapshots.current(now) ? this.configuration : this.#alone
    const concerned = this.#concerned(question, configuration)
    if (concerned === undefined) return undefined
    const decision = decide(question, configuration, this.#runtime(now, question.call_id))
    // A number may be a customer's whom the question did not name.
    const all = decision.customer_id === null ? concerned : [...concerned, decision.customer_id]
    if (all.every((id) => this.#snapshots.current(now, id))) return { decision, current: true }
    const ageMs = now - Math.min(...all.map((id) => this.#snapshots.confirmedAt(id)))
    return ageMs > staleMs ? undefined : { decision: aged(decision, Math.ceil(ageMs)), current: false }
  }

  /** How things stand which are no configuration. */
  #runtime(now: MonotonicMs, callId: string): Runtime {
    const { providers, ledger, baseDomain, clock } = this.#deps
    return {
      health: (id) => providers.health(now, id),
      trial: (id) => providers.trial(now, id),
      use: (scope) => ledger.use(scope, now, callId),
      version: (customerId) => this.#snapshots.index.version(customerId) ?? null,
      at: clock.at,
      baseDomain,
      decidedBy: 'relay',
      snapshotAgeMs: 0,
    }
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
    return this.#snapshots.whole ? [PLATFORM] : undefined
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

const edgeAway = 'the edge is away'

/** As the edge answers of an account. */
const knownAs = rememberLast(4, (account: Account) => {
  const { kind, id, username } = account
  return {
    ...account,
    kind: 'known',
    account: kind,
    extension_id: id,
    extension: username,
    ttl: 0,
  } as const
})

function accountIn(answer: Answer | undefined): CredentialAnswer | undefined {
  return answer?.ask === 'credential' ? answer.answer : undefined
}

function aged(decision: RouteDecision, ageMs: number): RouteDecision {
  const { explanation } = decision
  return explanation ? { ...decision, explanation: { ...explanation, snapshot_age_ms: ageMs } } : decision
}
