import type { SignalledLeg } from '../call/signalled-legs.ts'
import type { Message, Request } from '../sip/message.ts'
import { glance } from '../sip/parse.ts'

/**
 * Whose leg a message is of. A Call-ID alone does not say: what a proxy sends back to us is another call with the same one,
 * and the same From tag (a spiral, RFC 3261 §16.3).
 */
export interface LegMarks {
  readonly sipCallId: string
  /** Our dialog, by our tag, which no other dialog has; undefined: the message has no tag of ours. */
  readonly dialog: string | undefined
  /** The other side's transaction; undefined: it is ours. */
  readonly request: string | undefined
  /** It is an INVITE by which a dialog begins. */
  readonly begins: boolean
  /** Of such a one which came, who wants whom: one which comes anew with a proof wants the same. */
  readonly wish: string | undefined
  /** Our answer to an INVITE: its tag is of the leg which that INVITE began. */
  readonly names: boolean
}

interface PassedMessage {
  readonly direction: 'in' | 'out'
  /** host:port of the other side. */
  readonly address: string
  readonly bytes: Uint8Array | undefined
}

/** Reads whose leg a message is of; undefined: it is no message, or has no Call-ID. */
export function marksOf({ direction, address, bytes }: PassedMessage): LegMarks | undefined {
  const message = bytes && glance(bytes)
  if (!message || message.callId === '') return undefined
  const isTheirs = (message.kind === 'request') === (direction === 'in')
  return isTheirs ? ofTheirs(message, address) : ofOurs(message)
}

function ofTheirs(message: Message, address: string): LegMarks {
  const { callId, from, to, via } = message
  const begins = isInvite(message) && to.tag === undefined
  return {
    sipCallId: callId,
    dialog: to.tag === undefined ? undefined : dialogName(callId, to.tag),
    request: requestName(callId, from.tag, via.branch),
    begins,
    wish: begins ? `${callId}\n${from.tag}\n${message.requestUri}\n${address}` : undefined,
    names: message.kind === 'response' && message.cseq.method === 'INVITE',
  }
}

function ofOurs(message: Message): LegMarks {
  const { callId, from } = message
  return {
    sipCallId: callId,
    dialog: from.tag === undefined ? undefined : dialogName(callId, from.tag),
    request: undefined,
    begins: isInvite(message) && message.to.tag === undefined,
    wish: undefined,
    names: false,
  }
}

function isInvite(message: Message): message is Request {
  return message.kind === 'request' && message.method === 'INVITE'
}

/** By what messages of a leg are known, as `LegMarks` has it. */
export function namesOf({ sipCallId, localTag, came }: SignalledLeg): {
  readonly dialog: string
  /** The INVITE by which it came; undefined: we call. */
  readonly request: string | undefined
} {
  return {
    dialog: dialogName(sipCallId, localTag),
    request: came && requestName(sipCallId, came.fromTag, came.branch),
  }
}

function dialogName(callId: string, ourTag: string): string {
  return `dialog\n${callId}\n${ourTag}`
}

/** Without its method: CANCEL, and the ACK of a refusal, go with their INVITE (RFC 3261 §9.1, §17.1.1.3). */
function requestName(callId: string, theirTag = '', branch = ''): string {
  return `request\n${callId}\n${theirTag}\n${branch}`
}
