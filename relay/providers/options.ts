import type { ProviderFacts } from '#contract'
import type { LocateQuestion } from '../ground/effects.ts'
import { type Flow, hostPort } from '../ground/flow.ts'
import type { DigestAccount } from '../sip/authorization.ts'
import { type Header, type Request, request } from '../sip/message.ts'
import { allowHeader } from '../sip/screen.ts'
import { contactOf, portFor, type SipEndpoint, sipUri, viaOf } from '../ua/endpoint.ts'

/** Where a provider is looked for (RFC 3263). */
export function targetOf({ hostname, port, transport, tls }: ProviderFacts): LocateQuestion {
  return { hostname, port, transport, tls }
}

/** What a provider's challenges are answered with; null: it trusts our address. */
export function accountOf({ username, password, realm }: ProviderFacts): DigestAccount | null {
  return username === null || password === null ? null : { username, password, realm }
}

/** OPTIONS of one provider, one dialogless series: the same Call-ID and tag, a rising number (RFC 3261 §11.1). */
export function optionsFor(
  provider: ProviderFacts,
  endpoint: SipEndpoint,
): (flow: Flow, proof: readonly Header[]) => Request {
  const { hostname, port, transport } = provider
  const uri = sipUri('', hostname, port, transport)
  const callId = endpoint.entropy.hex(16)
  const tag = endpoint.entropy.hex(8)
  let number = 0
  return (flow, proof) =>
    request({
      method: 'OPTIONS',
      requestUri: uri,
      headers: [
        ['via', viaOf(endpoint, flow)],
        ['max-forwards', '70'],
        ['from', `<${fromOf(provider, endpoint, flow)}>;tag=${tag}`],
        ['to', `<${sipUri('', hostname)}>`],
        ['call-id', callId],
        ['cseq', `${++number} OPTIONS`],
        ['contact', contactOf(endpoint, flow.transport)],
        ['accept', 'application/sdp'],
        allowHeader,
        ['user-agent', userAgent],
        ...proof,
      ],
    })
}

/** What we call ourselves to those we ask outside any call (RFC 3261 §20.41). */
export const userAgent = 'Trunkline'

/** Carriers which know us by credentials expect their own domain in From; others our address. */
export function fromOf(
  { username, hostname }: ProviderFacts,
  endpoint: SipEndpoint,
  { transport }: Flow,
  user = '',
): string {
  if (username !== null) return sipUri(user || username, hostname)
  return sipUri(user, endpoint.address, portFor(endpoint, transport))
}

/** `192.0.2.1:5060 over UDP`. */
export function describeFlow({ address, port, transport }: Flow): string {
  return `${hostPort(address, port)} over ${transport.toUpperCase()}`
}
