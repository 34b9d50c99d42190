import { type HubStub, hubsAt } from '../hub/binding.ts'
import type { LimitClaim, LimitShare } from '../hub/claim.ts'
import { answerOf } from '../hub/client.ts'

/** A group which does not answer in that time is asked again. */
const patienceMs = 2_000

/** What the hub of one group says to those of others. */
export class HubMail {
  readonly #env: object

  constructor(env: object) {
    this.#env = env
  }

  /** Says to the owner of limits what there is here of them; undefined: it does not answer. */
  async claim(owner: number, claim: LimitClaim): Promise<LimitShare | undefined> {
    const stub = this.#at(owner)
    if (stub === undefined) return undefined
    return (await answerOf<{ share?: LimitShare }>(stub, 'claim', { claim }, patienceMs))?.share
  }

  /** Asks a group what it has of limits which are another's to share. */
  async nudge(group: number, owner: number): Promise<void> {
    const stub = this.#at(group)
    if (stub) await answerOf(stub, 'nudge', { owner }, patienceMs)
  }

  #at(group: number): HubStub | undefined {
    return hubsAt(this.#env)?.at(group)
  }
}
