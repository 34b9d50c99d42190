import { detached, SharedTexts } from '../ground/texts.ts'
import type { BindingState } from './contact-binding.ts'

/** What bindings keep of a message's texts. Those cut from it would keep the whole message in memory. */
export class KeptTexts {
  /** Texts which many bindings share, once each. */
  readonly #shared = new SharedTexts(10_000)

  /** A binding as stated, in texts of its own; those `held` already stay. */
  owned(stated: BindingState, held?: BindingState): BindingState {
    const own = (text: string, old: string | undefined) => (text === old ? old : detached(text))
    const { flow } = stated
    return {
      contact: own(stated.contact, held?.contact),
      instance: own(stated.instance, held?.instance ?? ''),
      q: stated.q,
      callId: own(stated.callId, held?.callId),
      cseq: stated.cseq,
      flow: { ...flow, address: own(flow.address, held?.flow.address) },
      proof: stated.proof,
      tokenId: stated.tokenId,
      behindNat: stated.behindNat,
      keepaliveMs: stated.keepaliveMs,
      path: stated.path.length === 0 ? noPath : stated.path.map(detached),
      userAgent: this.once(stated.userAgent),
      expiresAt: stated.expiresAt,
    }
  }

  /** One text for all who say the same. */
  once(text: string): string {
    return this.#shared.once(text)
  }
}

const noPath: readonly string[] = []
