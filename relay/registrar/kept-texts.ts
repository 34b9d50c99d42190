import { type Flow, sameFlow } from '../ground/flow.ts'
import { detached, SharedTexts } from '../ground/texts.ts'
import type { BindingState } from './contact-binding.ts'

/** What bindings keep of a message's texts. Those cut from it would keep the whole message in memory. */
export class KeptTexts {
  /** Texts which many bindings share, once each. */
  readonly #shared = new SharedTexts(10_000)

  /** A binding as stated, in texts of its own; those `held` already stay. */
  owned(stated: BindingState, held?: BindingState): BindingState {
    const own = (text: string, old: string | undefined) => (text === old ? old : detached(text))
    return {
      contact: own(stated.contact, held?.contact),
      instance: own(stated.instance, held?.instance ?? ''),
      q: stated.q,
      callId: own(stated.callId, held?.callId),
      cseq: stated.cseq,
      flow: this.#way(stated.flow, held?.flow),
      proof: stated.proof,
      tokenId: stated.tokenId,
      behindNat: stated.behindNat,
      keepaliveMs: stated.keepaliveMs,
      path: stated.path.length === 0 ? noPath : stated.path.map(detached),
      userAgent: this.once(stated.userAgent),
      expiresAt: stated.expiresAt,
    }
  }

  /** The way held where it is the same; a proxy's is made anew. */
  #way(flow: Flow, held: Flow | undefined): Flow {
    const isSame = held && sameFlow(flow, held) && flow.connection === held.connection
    if (isSame && !flow.proxy && !held.proxy && flow.neighbour === held.neighbour) return held
    return { ...flow, address: flow.address === held?.address ? held.address : detached(flow.address) }
  }

  /** One text for all who say the same. */
  once(text: string): string {
    return this.#shared.once(text)
  }
}

const noPath: readonly string[] = []
