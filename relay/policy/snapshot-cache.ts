import {
  type BeatAnswer,
  type BindingList,
  currentForMs,
  type HubNews,
  type MonotonicMs,
  type Snapshot,
} from '#contract'
import { type Account, ConfigIndex } from '#routing'
import type { Clock } from '../ground/clock.ts'
import { EffectBuffer } from '../ground/effect-buffer.ts'
import type { Effect, Entropy, Input, SnapshotAnswer, VerifiedSnapshot } from '../ground/effects.ts'
import { type QuestionNumbers, Questions, type Reply } from '../ground/questions.ts'
import { endedOf, type RevokedAccount, revokedBy } from './revoked.ts'

/** What the snapshot cache stands on. */
interface SnapshotCacheDeps {
  readonly clock: Pick<Clock, 'at'>
  readonly numbers: QuestionNumbers
  readonly entropy: Pick<Entropy, 'below'>
}

/** What is configured is otherwise than before: some accounts may have been taken back. */
export type SnapshotEvent =
  | { readonly type: 'configured'; readonly customerId: string }
  | { readonly type: 'revoked'; readonly accounts: readonly RevokedAccount[] }

/** A customer whose newest configuration is not here: what the edge named, and when ours was last current. */
interface OutdatedCustomer {
  version: number
  readonly confirmedAt: number
  /** It was complained about. */
  older: boolean
  /** Monotonic ms until which what was named is not asked for again: it is too large. */
  restUntil: number
}

/* Implementation */
const never = Number.NEGATIVE_INFINITY
const atOnce = 4
/** After a pull which failed, until the next one. */
const restMs = 5_000
/** After one which was too large: the edge would make all of it anew to say so. */
const tooLargeRestMs = 600_000
/** What was named is ahead of beats by no more: another hub, or a copy which lags, may answer them. */
const aheadMs = 10_000
/** Written no more often; after a death everything counts as so much older at most. */
const confirmEveryMs = 10_000

/**
 * The snapshots held: which of them the edge named current and when, and which are to be fetched.
 *
 * Versions only go up. One which is older than what is here is refused, and until the edge is ahead again that
 * customer's snapshot does not count as current.
 */
export class SnapshotCache {
  readonly index = new ConfigIndex()
  readonly #deps: SnapshotCacheDeps
  readonly #effects = new EffectBuffer<SnapshotEvent>()
  /** Customers whose snapshot was asked for. */
  readonly #questions: Questions<string>
  readonly #behind = new Map<string, OutdatedCustomer>()
  /** Customers whose snapshot is on its way, and the version which was named when it was asked for. */
  readonly #pulling = new Map<string, number>()
  readonly #held = new Set<string>()
  /** Accounts with tokens which were ended, by their ids. */
  readonly #withEnded = new Map<string, Account>()
  /** Monotonic ms at which the last beat was sent whose answer was good. */
  #confirmedAt = never
  /** Highest version whose snapshots are all here; and the one that will be when nothing is behind. */
  #version = 0
  #coming = 0
  /** What the last beat said. */
  #said = 0
  /** Monotonic ms at which news, or a beat, last named a newer version. */
  #newsAt = never
  /** The edge has gone back: until it has named all it has nothing counts as confirmed; and since when, monotonic ms. */
  #older = false
  #olderAt = never
  #failures = 0
  #restUntil = never
  #written = { at: never, version: -1 }

  constructor(deps: SnapshotCacheDeps) {
    this.#deps = deps
    this.#questions = new Questions(this.#effects, deps.numbers)
  }

  receive(
    event: Extract<Input, { type: 'beat' | 'news' | 'pong' | 'cached' | 'restored' }> | Reply,
    now: MonotonicMs,
  ): (Effect | SnapshotEvent)[] | undefined {
    switch (event.type) {
      case 'beat':
        this.#beatAnswered(now, event)
        break
      case 'news':
        this.#told(now, event.news)
        break
      case 'pong':
        this.#confirmed(now, event.sentAt)
        break
      case 'cached':
        this.#restore(now, event)
        break
      case 'restored':
        this.#revokeEnded(event.list)
        break
      default: {
        const customerId = this.#questions.answered(event)
        if (customerId === undefined) return undefined
        this.#answered(now, customerId, event)
      }
    }
    return this.#effects.take()
  }

  /** The version to be said in a beat. */
  beatVersion(): number {
    this.#said = this.#version
    return this.#said
  }

  /** Nothing newer is known than what is here. */
  get complete(): boolean {
    return this.#behind.size === 0
  }

  /** The edge has gone back, or was overtaken: until it has named all there are, who is not here may be there. */
  get older(): boolean {
    return this.#older
  }

  /** Whether every customer's newest configuration is here, as far as the edge has named it. */
  get whole(): boolean {
    return this.complete && !this.empty
  }

  /** Whether there is anything to decide on. */
  get empty(): boolean {
    return this.#held.size === 0
  }

  /** When the edge last named a customer's snapshot current, monotonic ms; where there is none, that of all. */
  confirmedAt(customerId?: string): number {
    return this.#behind.get(customerId ?? '')?.confirmedAt ?? this.#confirmedAt
  }

  /** Whether what is here of a customer counts as the edge's own. */
  current(now: MonotonicMs, customerId?: string): boolean {
    return !this.#behind.has(customerId ?? '') && now - this.#confirmedAt <= currentForMs
  }

  /** Takes up what was on disk. */
  #restore(now: MonotonicMs, { files, confirmed }: Extract<Input, { type: 'cached' }>): void {
    for (const verified of files) this.#store(verified)
    if (confirmed === undefined) return
    const { at } = this.#deps.clock
    const monotonic = (then: number) => now - Math.max(0, at - then)
    this.#version = confirmed.version
    // An edge which has gone back meanwhile names less than that.
    this.#coming = confirmed.version
    this.#confirmedAt = monotonic(confirmed.at)
    for (const [customerId, then] of Object.entries(confirmed.behind))
      this.#behind.set(customerId, {
        version: 0,
        confirmedAt: monotonic(then),
        older: false,
        restUntil: never,
      })
  }

  /** The edge says what is new to a relay at our version; sent at `sentAt`. */
  #beatAnswered(now: MonotonicMs, { answer, sentAt }: { answer: BeatAnswer; sentAt: MonotonicMs }): void {
    // It was sent before that, and names less than all.
    if (this.#older && sentAt < this.#olderAt) return
    const isOvertaken = sentAt <= this.#newsAt + aheadMs
    if (answer.version < (isOvertaken ? this.#said : this.#coming))
      return this.#startOver(now, answer.version)
    if (answer.version < this.#coming) return this.#overtaken(now, answer, sentAt)
    const named = new Set(answer.changed.map(({ customer_id }) => customer_id))
    for (const customerId of this.#behind.keys()) if (!named.has(customerId)) this.#behind.delete(customerId)
    if (this.#said === 0) this.#compare(answer.version, named)
    this.#older = false
    this.#take(now, answer)
    this.#confirmed(now, sentAt)
  }

  /** What was heard before this answer says more than it: what that named is still to be fetched, and nothing has gone back. */
  #overtaken(now: MonotonicMs, answer: BeatAnswer, sentAt: MonotonicMs): void {
    if (this.#said > 0) {
      this.#take(now, answer)
      return this.#confirmed(now, sentAt)
    }
    // It was to name all there are: who is gone is seen by that.
    this.#hearAll(now)
  }

  /** The edge says what is new to those who have heard all before. */
  #told(now: MonotonicMs, { version, changed }: HubNews): void {
    if (version === undefined || changed === undefined || this.#older) return
    // It has gone back, as a restored database does: a beat finds out how far.
    if (version < this.#version) return this.#effects.emit({ type: 'beat' })
    this.#take(now, { version, changed })
    this.#pull(now)
    this.#write(now)
  }

  #take(now: MonotonicMs, { version, changed }: Pick<BeatAnswer, 'version' | 'changed'>): void {
    if (version > this.#coming) this.#newsAt = now
    const late = version < this.#coming
    for (const { customer_id, version, gone } of changed) {
      if (gone) this.#drop(customer_id)
      else if (!late || version > this.#newest(customer_id)) this.#named(customer_id, version)
    }
    this.#coming = Math.max(this.#coming, version)
    this.#arrive()
  }

  /** The newest version of a customer which was named or is here; 0: none. */
  #newest(customerId: string): number {
    return Math.max(this.index.version(customerId) ?? 0, this.#behind.get(customerId)?.version ?? 0)
  }

  /** All that was named until then is all there is. */
  #confirmed(now: MonotonicMs, sentAt: MonotonicMs): void {
    if (this.#older) return
    this.#confirmedAt = Math.max(this.#confirmedAt, sentAt)
    this.#pull(now)
    this.#write(now)
  }

  #named(customerId: string, version: number): void {
    const held = this.index.version(customerId)
    if (held === version) return void this.#behind.delete(customerId)
    const before = this.#behind.get(customerId)
    const confirmedAt = before?.confirmedAt ?? (held === undefined ? never : this.#confirmedAt)
    const restUntil = before?.version === version ? before.restUntil : never
    const behind = { version, confirmedAt, older: before?.older ?? false, restUntil }
    this.#behind.set(customerId, behind)
    if (held !== undefined && held > version) this.#complain(customerId, behind, version)
  }

  /** All there are were named. Those which were not are gone; unless the edge has gone back behind what is here. */
  #compare(version: number, named: ReadonlySet<string>): void {
    const held = this.index.customers()
    const highest = Math.max(0, ...held.map((one) => one.version))
    for (const { customer_id } of held) {
      if (named.has(customer_id)) continue
      if (version < highest) this.#named(customer_id, 0)
      else this.#drop(customer_id)
    }
  }

  /** The edge has gone back behind what is here, or was named: hear all versions again, and compare. */
  #startOver(now: MonotonicMs, version: number): void {
    const sentence = version < this.#version ? goneBack : lost
    this.#effects.note('error', 'snapshot.older', { version, held: this.#version, sentence })
    this.#hearAll(now)
  }

  /** Says version 0 from now on, by a beat at once, and believes nothing until all there are were named. */
  #hearAll(now: MonotonicMs): void {
    this.#version = 0
    this.#coming = 0
    this.#older = true
    this.#olderAt = now
    this.#effects.emit({ type: 'beat' })
  }

  #complain(customerId: string, behind: OutdatedCustomer, version: number): void {
    if (behind.older) return
    behind.older = true
    const held = this.index.version(customerId)
    this.#effects.note('error', 'snapshot.older', {
      customer_id: customerId,
      version,
      held,
      sentence: goneBack,
    })
  }

  #pull(now: MonotonicMs): void {
    const room = this.#failures > 0 ? 1 : atOnce
    for (const [customerId, { version, restUntil }] of this.#behind) {
      if (this.#pulling.size >= room || now < this.#restUntil) return
      if (now < restUntil) continue
      const held = this.index.version(customerId)
      if (this.#pulling.has(customerId) || (held !== undefined && held >= version)) continue
      this.#pulling.set(customerId, version)
      this.#questions.ask(customerId, { ask: 'snapshot', question: { customer_id: customerId, held } })
    }
  }

  #answered(now: MonotonicMs, customerId: string, reply: Reply): void {
    const asked = this.#pulling.get(customerId) ?? 0
    this.#pulling.delete(customerId)
    const answer = reply.type === 'answered' ? reply.answer : undefined
    if (answer?.ask === 'snapshot') this.#pulled(now, customerId, answer.answer, asked)
    else this.#failed(now, customerId, reply.type === 'unanswered' ? reply.why : '')
    this.#pull(now)
  }

  /** `asked`: the version which was named when it was asked for; another may have been named since. */
  #pulled(now: MonotonicMs, customerId: string, pulled: SnapshotAnswer, asked: number): void {
    if (pulled.kind === 'gone') this.#drop(customerId)
    if (pulled.kind === 'too large') return this.#tooLarge(now, customerId, asked, pulled.why)
    if (pulled.kind === 'same') return this.#failed(now, customerId, 'the edge has nothing newer')
    if (pulled.kind === 'snapshot') this.#put(customerId, pulled.verified)
    // A copy from in between, or a database which lags: asked for again at once it would come again at once.
    if (this.#behind.has(customerId) && (this.index.version(customerId) ?? 0) < asked)
      return this.#failed(now, customerId, 'what came is older than what was named')
    this.#failures = 0
    this.#arrive()
  }

  /** No other customer waits for that: its calls are asked about, one by one. */
  #tooLarge(now: MonotonicMs, customerId: string, version: number, sentence: string): void {
    this.#effects.note('error', 'snapshot.too_large', { customer_id: customerId, version, sentence })
    this.#failures = 0
    const behind = this.#behind.get(customerId)
    if (behind?.version === version) behind.restUntil = now + tooLargeRestMs
  }

  /** Stores it, unless it is older than what is here. */
  #put(customerId: string, verified: VerifiedSnapshot): void {
    const { version } = verified.snapshot
    const behind = this.#behind.get(customerId)
    if (version < (this.index.version(customerId) ?? 0)) {
      if (behind) this.#complain(customerId, behind, version)
      return
    }
    this.#store(verified)
    this.#effects.emit({ type: 'keep', verified })
    if (behind && version >= behind.version) this.#behind.delete(customerId)
  }

  #store({ snapshot, secrets }: VerifiedSnapshot): void {
    const before = this.index.accounts(snapshot.customer_id)
    this.index.put(snapshot, secrets)
    this.#revoke(before, snapshot)
    this.#effects.emit({ type: 'configured', customerId: snapshot.customer_id })
    this.#held.add(snapshot.customer_id)
  }

  /** The others go first the next time. */
  #failed(now: MonotonicMs, customerId: string, why: string): void {
    this.#effects.note('error', 'snapshot.not_pulled', { customer_id: customerId, why })
    this.#failures++
    this.#restUntil = now + restMs + this.#deps.entropy.below(1_000)
    const behind = this.#behind.get(customerId)
    this.#behind.delete(customerId)
    if (behind) this.#behind.set(customerId, behind)
  }

  #drop(customerId: string): void {
    this.#behind.delete(customerId)
    if (!this.#held.delete(customerId)) return
    const before = this.index.accounts(customerId)
    this.index.drop(customerId)
    this.#revoke(before, undefined)
    this.#effects.emit({ type: 'configured', customerId })
    this.#effects.emit({ type: 'discard', customerId })
  }

  #revoke(before: readonly Account[], snapshot: Snapshot | undefined): void {
    const after = snapshot ? this.index.accounts(snapshot.customer_id) : []
    for (const { id, ended_tokens } of before) if (ended_tokens.length > 0) this.#withEnded.delete(id)
    for (const account of after) if (account.ended_tokens.length > 0) this.#withEnded.set(account.id, account)
    const revoked = revokedBy(before, after, snapshot)
    if (revoked.length > 0) this.#effects.emit({ type: 'revoked', accounts: revoked })
  }

  /** Phones of before may have been let in by tokens which were ended while no relay of ours was there. */
  #revokeEnded({ bindings }: BindingList): void {
    const byToken = bindings.filter(({ token_id }) => token_id !== null)
    const accounts = new Set(byToken.flatMap(({ extension_id }) => this.#withEnded.get(extension_id) ?? []))
    if (accounts.size > 0) this.#effects.emit({ type: 'revoked', accounts: endedOf([...accounts]) })
  }

  #arrive(): void {
    if (this.complete) this.#version = Math.max(this.#version, this.#coming)
  }

  #write(now: MonotonicMs): void {
    const { at } = this.#deps.clock
    const { at: writtenAt, version } = this.#written
    if (version === this.#version && now - writtenAt < confirmEveryMs) return
    this.#written = { at: now, version: this.#version }
    const utc = (then: number) => Math.floor(at - (now - then))
    const late = [...this.#behind].filter(([, { confirmedAt }]) => confirmedAt > never)
    const behind = Object.fromEntries(late.map(([id, { confirmedAt }]) => [id, utc(confirmedAt)]))
    const confirmed = { version: this.#version, held: this.#held.size, at: utc(this.#confirmedAt), behind }
    this.#effects.emit({ type: 'confirmed', confirmed })
  }
}

const goneBack =
  'The edge names an older configuration than the one kept here, as after a restored database. It is refused; ' +
  'calls are asked about one by one. To take it, stop the relay and delete its folder of snapshots.'
const lost =
  'The edge names an older version than it named before, as after a restored database. What is here is none newer: ' +
  'all versions are heard once more.'
