import type { Flow } from '../ground/flow.ts'
import { type Authorizations, prove } from '../sip/authorization.ts'
import { type Header, type Request, type Response, request } from '../sip/message.ts'
import { type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import type { Branch } from './state.ts'

/** Where our credentials stand in a request; an ACK repeats its INVITE's (RFC 3261 §22.1). */
const names = new Set(['authorization', 'proxy-authorization'])

/** Answers a provider's challenges with that provider's credentials: only its own next hop ever gets here. undefined: a refusal. */
export function proveToProvider(
  { provider }: Branch,
  challenged: Request,
  response: Response,
  before: Authorizations,
  endpoint: SipEndpoint,
): Authorizations | undefined {
  return prove(before, response, challenged, provider?.credentials ?? null, endpoint)
}

/** A request inside a dialog once more, under its next number, with proof (RFC 3261 §22.2). */
export function withProof(
  sent: Request,
  number: number,
  proofs: Authorizations,
  flow: Flow,
  endpoint: SipEndpoint,
): Request {
  const kept = sent.headers.filter(([name]) => name !== 'via' && name !== 'cseq' && !names.has(name))
  return request({
    method: sent.method,
    requestUri: sent.requestUri,
    headers: [
      ['via', viaOf(endpoint, flow)],
      ...kept,
      ['cseq', `${number} ${sent.method}`],
      ...proofs.headers,
    ],
    body: sent.body,
  })
}

/** The credentials a request bears. */
export function proofsOf({ headers }: Request): Header[] {
  return headers.filter(([name]) => names.has(name))
}
