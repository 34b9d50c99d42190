import type { BeatAnswer, BindingReason } from '#contract'
import { BoundedMap } from '../ground/bounded-map.ts'
import type { Clock } from '../ground/clock.ts'
import type { Input } from '../ground/effects.ts'
import type { BeatPart, BeatReporter } from '../ground/reporter.ts'
import type { RevokedAccount } from '../policy/revoked.ts'
import type { SnapshotEvent } from '../policy/snapshot-cache.ts'
import type { Registrar } from '../registrar/registrar.ts'
import type { AdmissionControl } from './admission.ts'
import type { IngressEffects, IngressOutput } from './ingress-effects.ts'

interface RevocationsDeps {
  readonly registrar: Registrar
  readonly admission: AdmissionControl
  readonly effects: IngressEffects
  readonly clock: Clock
}

/** Endings which are remembered: one which is told once more is not carried out again. */
const rememberedAtMost = 10_000

/**
 * Ends registrations on the word of the configuration or of the API: at once, not when they run out.
 *
 * An ending is told by the edge at every beat, and beside it, until it has heard that it was carried out. It is carried out
 * once, and ends no registration which began after what the edge knew: a phone which registers anew has the same id.
 */
export class Revocations implements BeatReporter {
  readonly #deps: RevocationsDeps
  readonly #carriedOut = new BoundedMap<string, true>(rememberedAtMost)
  #ended: string[] = []

  constructor(deps: RevocationsDeps) {
    this.#deps = deps
  }

  receive(
    event: Extract<Input, { type: 'beat' | 'news' }> | Extract<SnapshotEvent, { type: 'revoked' }>,
  ): IngressOutput[] {
    if (event.type === 'revoked') this.#revoke(event.accounts)
    else this.#end(event.type === 'beat' ? event.answer : event.news)
    return this.#deps.effects.take()
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
    const { registrar, admission, effects, clock } = this.#deps
    const anew = accounts.filter(({ why }) => why !== 'token ended')
    if (anew.length > 0) admission.pardon(new Set(anew.map(({ account }) => account)))
    for (const { id, account, why, ha1, endedTokens } of accounts) {
      const tells = [
        ...(why === 'token ended' ? [] : registrar.revoke(clock.at, id, ha1, reasonOf[why])),
        ...registrar.revokeTokens(clock.at, id, endedTokens),
      ]
      if (tells.length === 0) continue
      effects.note('info', 'registration.ended', { account, why, count: tells.length })
      effects.tell(tells)
    }
  }
}

const reasonOf = {
  'password changed': 'PASSWORD_CHANGED',
  disabled: 'ACCOUNT_DISABLED',
  deleted: 'ACCOUNT_DELETED',
} as const satisfies Record<Exclude<RevokedAccount['why'], 'token ended'>, BindingReason>
