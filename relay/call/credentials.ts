import type { Flow } from '../flow.ts'
import { answerChallenge } from '../sip/digest.ts'
import { type Header, type Request, type Response, request } from '../sip/message.ts'
import type { Branch } from './state.ts'
import { type Station, viaOf } from './station.ts'

/** Where our credentials stand in a request; an ACK repeats its INVITE's (RFC 3261 §22.1). */
const proofs = new Set(['authorization', 'proxy-authorization'])

/**
 * Answers a provider's digest challenge with that provider's credentials: once per request, and once
 * more where it says that only its nonce was stale (RFC 3261 §22.2, RFC 7616 §3.3).
 *
 * Only the provider's own next hop ever gets here, and only a realm it was configured with where one
 * is pinned: no challenge of anybody else is answered (CVE-2021-41158). undefined: a refusal.
 */
export function proveToProvider(
  branch: Branch,
  challenged: Request,
  response: Response,
  count: number,
  station: Station,
): Header | undefined {
  const credentials = branch.provider?.credentials
  if (!credentials || (response.status !== 401 && response.status !== 407)) return undefined
  const asked = { method: challenged.method, uri: challenged.requestUri }
  const fresh = { cnonce: station.chance.hex(8) }
  const answer = answerChallenge(response, asked, credentials, fresh, station.chance)
  const again = count === 0 || (count === 1 && answer?.challenge.stale === true)
  return again ? answer?.header : undefined
}

/** A request inside a dialog once more, under its next number, with proof (RFC 3261 §22.2). */
export function withProof(
  sent: Request,
  number: number,
  proof: Header,
  flow: Flow,
  station: Station,
): Request {
  const kept = sent.headers.filter(([name]) => name !== 'via' && name !== 'cseq' && !proofs.has(name))
  return request({
    method: sent.method,
    requestUri: sent.requestUri,
    headers: [['via', viaOf(station, flow)], ...kept, ['cseq', `${number} ${sent.method}`], proof],
    body: sent.body,
  })
}

/** The credentials a request bears. */
export function proofsOf({ headers }: Request): Header[] {
  return headers.filter(([name]) => proofs.has(name))
}
