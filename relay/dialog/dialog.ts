import { detached } from '../ground/texts.ts'
import { hopsOf } from '../sip/address.ts'
import type { Message, Request, Response } from '../sip/message.ts'

/** Two parties who have met, as one of them sees it (RFC 3261 §12). Plain facts; the functions below keep them. */
export interface Dialog {
  readonly callId: string
  readonly localTag: string
  /** Empty when the other side knows no tags (RFC 2543). */
  readonly remoteTag: string
  /** The From of our requests, tag included. */
  readonly local: string
  /** The To of our requests, tag included. */
  readonly remote: string
  /** The number of our last request; 0 before the first. */
  localCseq: number
  /** The number of their last request; undefined before the first. */
  remoteCseq: number | undefined
  /** The URI our requests are meant for. */
  remoteTarget: string
  /** Route values our requests carry, first hop first. */
  routeSet: readonly string[]
  /** False while early: no 2xx yet. */
  confirmed: boolean
  /** The first hop, `host:port`, at which our requests were lost; undefined: none was. */
  lostAt?: string | undefined
}

/** The dialog a caller enters by a 101-299 to its INVITE (RFC 3261 §12.1.2). */
export function uacDialog(invite: Request, response: Response): Dialog {
  return {
    callId: invite.callId,
    localTag: invite.from.tag ?? '',
    remoteTag: response.to.tag ?? '',
    local: invite.header('from') ?? '',
    remote: response.header('to') ?? '',
    localCseq: invite.cseq.number,
    remoteCseq: undefined,
    remoteTarget: contact(response) ?? invite.requestUri,
    routeSet: hopsOf(response, 'record-route').reverse(),
    confirmed: response.status >= 200,
  }
}

/** The dialog a callee enters by answering an INVITE under a tag of its own (RFC 3261 §12.1.1); early at first. */
export function uasDialog(invite: Request, localTag: string): Dialog {
  return {
    callId: invite.callId,
    localTag,
    remoteTag: invite.from.tag ?? '',
    local: `${invite.header('to') ?? ''};tag=${localTag}`,
    remote: invite.header('from') ?? '',
    localCseq: 0,
    remoteCseq: invite.cseq.number,
    remoteTarget: contact(invite) ?? invite.from.uri,
    routeSet: hopsOf(invite, 'record-route'),
    confirmed: false,
  }
}

/**
 * Takes note of a request that came in the dialog (RFC 3261 §12.2.2).
 *
 * 'old': it was overtaken by a later one and is to be answered 500. An ACK bears its INVITE's number
 * and a CANCEL its request's, so neither can be old.
 */
export function receiveInDialog(dialog: Dialog, { method, cseq }: Request): 'ok' | 'old' {
  if (method === 'ACK' || method === 'CANCEL') return 'ok'
  if (dialog.remoteCseq !== undefined && cseq.number < dialog.remoteCseq) return 'old'
  dialog.remoteCseq = cseq.number
  return 'ok'
}

/**
 * Where the other side says it is from now on, once its INVITE or UPDATE, or ours, was answered by
 * `status` (RFC 3261 §12.2). `theirs` is the message they sent, request or response. Only a 2xx moves.
 */
export function refreshTarget(dialog: Dialog, theirs: Message, status: number): void {
  const { method } = theirs.cseq
  if (status < 200 || status > 299 || (method !== 'INVITE' && method !== 'UPDATE')) return
  const target = contact(theirs)
  // Of a call at rest, it would keep the whole message.
  if (target !== undefined) dialog.remoteTarget = detached(target)
}

/** Names a dialog among all of one party; the line feed stands in none of the three (RFC 3261 §12). */
export function dialogKey({
  callId,
  localTag,
  remoteTag,
}: Pick<Dialog, 'callId' | 'localTag' | 'remoteTag'>): string {
  return `${callId}\n${localTag}\n${remoteTag}`
}

/** The dialog a request from the other side belongs to; undefined when it has no To tag, so belongs to none. */
export function dialogKeyOf({ callId, from, to }: Request): string | undefined {
  return to.tag === undefined ? undefined : dialogKey({ callId, localTag: to.tag, remoteTag: from.tag ?? '' })
}

function contact(message: Message): string | undefined {
  return message.addresses('contact')[0]?.uri
}
