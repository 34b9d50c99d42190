import { rememberLast } from '../ground/remember.ts'
import type { Request, Response } from '../sip/message.ts'
import { cookie, type Via } from '../sip/via.ts'

/**
 * Names the server transaction a request belongs to (RFC 3261 §17.2.3).
 *
 * `method` asks for the transaction of another method: a CANCEL asks for its INVITE (§9.2). An ACK
 * always does. Values are unfolded, so a line feed parts them safely.
 */
export function serverKey(request: Request, method?: string): string {
  return method === undefined ? ownServerKey(request) : serverKeyOf(request, method)
}

/** A text of its own is hashed anew wherever it is looked up: one event looks up the same one several times. */
const ownServerKey = rememberLast(2, (request: Request) => serverKeyOf(request, ofTransaction(request)))

function serverKeyOf(request: Request, method: string): string {
  const { via } = request
  if (!modern(via)) return oldKey(request, method)
  return `${via.branch}\n${via.host}\n${via.port ?? ''}\n${method}`
}

/** Names the client transaction a response belongs to, or a request begins (§17.1.3). */
export function clientKey({ via, cseq }: Request | Response): string {
  return `${via.branch ?? ''}\n${cseq.method}`
}

/**
 * Names what the copies of a forked request share, whichever way they came (§8.2.2.2).
 *
 * undefined: it belongs to a dialog, or cancels a request that was asked the same question.
 */
export const mergeKey = rememberLast(2, ({ method, from, to, callId, cseq }: Request): string | undefined => {
  if (to.tag !== undefined || method === 'CANCEL') return undefined
  return `${callId}\n${from.tag ?? ''}\n${cseq.number}\n${cseq.method}`
})

/** Whether the branch alone identifies; otherwise the client speaks RFC 2543. */
export function modern({ branch }: Via): boolean {
  return branch?.startsWith(cookie) === true
}

/** RFC 2543's way. The To tag is left out: an ACK has one where its INVITE had none. */
function oldKey(request: Request, method: string): string {
  const { requestUri, from, callId, cseq } = request
  const via = request.all('via')[0] ?? ''
  return `${requestUri}\n${from.tag ?? ''}\n${callId}\n${cseq.number}\n${via}\n${method}`
}

function ofTransaction({ method }: Request): string {
  return method === 'ACK' ? 'INVITE' : method
}
