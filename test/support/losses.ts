import { header, type SipText } from './sip-text.ts'

/** So many of one message are lost at most: where all seven provisionals of an INVITE are, no CANCEL may follow it (RFC 3261 §9.1). */
const lostAtMost = 2

/** Which messages a lossy line loses. One which is sent again comes at last, however unlucky it was. */
export class Losses {
  /** Of all messages. */
  share = 0
  readonly #lost = new Map<string, number>()

  loses(message: SipText): boolean {
    if (Math.random() >= this.share) return false
    const name = [message.start, ...['via', 'call-id', 'cseq'].map((each) => header(message, each))].join(
      '\n',
    )
    const lost = this.#lost.get(name) ?? 0
    if (lost === lostAtMost) return false
    this.#lost.set(name, lost + 1)
    return true
  }
}
