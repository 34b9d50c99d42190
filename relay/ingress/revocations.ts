import type { BeatAnswer, BindingReason, BindingTell, MonotonicMs } from '#contract'
import { BoundedMap } from '../ground/bounded-map.ts'
import type { Clock } from '../ground/clock.ts'
import type { Input } from '../ground/effects.ts'
import type { BeatPart, BeatReporter } from '../ground/reporter.ts'
import { configuredOf, type RevokedAccount } from '../policy/revoked.ts'
import type { RoutingEvent } from '../policy/routing-events.ts'
import type { SnapshotCache, SnapshotEvent } from '../policy/snapshot-cache.ts'
import type { Registrar } from '../registrar/registrar.ts'
import type { AdmissionControl } from './admission.ts'
import type { IngressEffects, IngressOutput } from './ingress-effects.ts'

interface RevocationsDeps {
  readonly registrar: Registrar
  readonly snapshots: SnapshotCache
  readonly admission: AdmissionControl
  readonly effects: IngressEffects
  readonly clock: Clock
}

type RevocationsInput =
  | Extract<Input, { type: 'beat' | 'news' | 'pong' | 'restored' }>
  | SnapshotEvent
  | Extract<RoutingEvent, { type: 'account' }>

/** Endings which are remembered: one which is told once more is not carried out again. */
const rememberedAtMost = 10_000
/** Accounts which are compared after a restart each time something is heard: a few hundredths of a second. */
const confirmedAtOnce = 10_000

/**
 * Ends registrations on the word of the configuration or of the API: at once, not when they run out.
 *
 * An ending is told by the edge at every beat, and beside it, until it has heard that it was carried out. It is carried out
 * once, and ends no registration which began after what the edge knew: a phone which registers anew has the same id.
 *
 * What a process before this one was proved is held against the first word of what is configured now: a snapshot which the edge
 * named current, or its answer about an account. Until then it stays.
 */
export class Revocations implements BeatReporter {
  readonly #deps: RevocationsDeps
  readonly #carriedOut = new BoundedMap<string, true>(rememberedAtMost)
  #ended: string[] = []
  /** The edge has answered this process. */
  #heard = false

  constructor(deps: RevocationsDeps) {
    this.#deps = deps
  }

  receive(event: RevocationsInput, now: MonotonicMs): IngressOutput[] {
    if (event.type === 'revoked') this.#revoke(event.accounts)
    else if (event.type === 'account') this.#answered(event)
    else if (event.type === 'configured') this.#confirmOf(now, event.customerId, confirmedAtOnce)
    else this.#heardOf(now, event)
    return this.#deps.effects.take()
  }

  #heardOf(now: MonotonicMs, event: Extract<Input, { type: 'beat' | 'news' | 'pong' | 'restored' }>): void {
    if (event.type === 'beat') this.#heard = true
    if (event.type === 'beat') this.#end(event.answer)
    if (event.type === 'news') this.#end(event.news)
    let left = confirmedAtOnce
    for (const customerId of this.#deps.registrar.unconfirmed) {
      if (left <= 0) return
      left -= this.#confirmOf(now, customerId, left)
    }
  }

  beatPart(): Partial<BeatPart> {
    const ended = this.#ended
    this.#ended = []
    return { ended }
  }

  #end({ ends = [] }: Partial<BeatAnswer>): void {
    const { registrar, effects, clock } = this.#deps
    for (const { command_id, extension_id, binding_id, sequence } of ends) {
      this.#ended.push(command_id)
      if (this.#carriedOut.get(command_id)) continue
      this.#carriedOut.set(command_id, true)
      const tells = registrar.end(clock.at, extension_id, binding_id, sequence)
      if (tells.length > 0) effects.note('info', 'registration.ended', { binding_id, why: 'by the API' })
      effects.tell(tells)
    }
  }

  /** Passwords changed, accounts disabled or deleted: what was proved by the old ones ends, and so do their throttles. */
  #revoke(accounts: readonly RevokedAccount[]): void {
    const { registrar, admission, clock } = this.#deps
    const anew = accounts.filter(({ why }) => why !== 'token ended')
    if (anew.length > 0) admission.pardon(new Set(anew.map(({ account }) => account)))
    for (const one of accounts) {
      const { id, why, ha1 } = one
      this.#over(one, why === 'token ended' ? [] : registrar.revoke(clock.at, id, ha1, reasonOf[why]))
    }
  }

  /**
   * Looks at what was taken up after a restart, of accounts of a customer, so many at most, as soon as it is known what is configured of
   * that now. How many were looked at.
   */
  #confirmOf(now: MonotonicMs, customerId: string, atMost: number): number {
    const { registrar, snapshots } = this.#deps
    const isHeld = snapshots.index.version(customerId) !== undefined
    // Who has none is gone only where all there are were heard of.
    const isKnown = isHeld || (snapshots.complete && !snapshots.older)
    if (!this.#heard || !snapshots.current(now, customerId) || !isKnown) return 0
    const ids = registrar.unconfirmedOf(customerId, atMost)
    for (const one of configuredOf(snapshots.index, customerId, ids)) this.#compare(one)
    for (const id of ids) registrar.settle(id)
    return ids.size
  }

  /** The edge said how one account proves itself, of which there may be no snapshot. */
  #answered({ answer }: Extract<RoutingEvent, { type: 'account' }>): void {
    if (answer?.kind !== 'known') return
    const {
      extension_id: id,
      customer_id: customerId,
      extension,
      realm,
      enabled,
      ha1_md5,
      ended_tokens,
    } = answer
    this.#compare({
      id,
      customerId,
      account: `${extension}@${realm}`,
      why: enabled ? 'password changed' : 'disabled',
      ha1: enabled ? ha1_md5 : undefined,
      endedTokens: ended_tokens,
    })
  }

  #compare(one: RevokedAccount): void {
    const { registrar, clock } = this.#deps
    if (one.why !== 'token ended')
      this.#over(one, registrar.confirm(clock.at, one.id, one.ha1, reasonOf[one.why]))
  }

  #over({ id, account, why, endedTokens }: RevokedAccount, ended: readonly BindingTell[]): void {
    const { registrar, effects, clock } = this.#deps
    const tells = [...ended, ...registrar.revokeTokens(clock.at, id, endedTokens)]
    if (tells.length === 0) return
    effects.note('info', 'registration.ended', {
      account,
      why: ended.length > 0 ? why : 'token ended',
      count: tells.length,
    })
    effects.tell(tells)
  }
}

const reasonOf = {
  'password changed': 'PASSWORD_CHANGED',
  disabled: 'ACCOUNT_DISABLED',
  deleted: 'ACCOUNT_DELETED',
} as const satisfies Record<Exclude<RevokedAccount['why'], 'token ended'>, BindingReason>
