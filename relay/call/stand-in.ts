import type { UasLeg } from '../leg/leg.ts'
import { type Header, noBody, request } from '../sip/message.ts'
import { type SipEndpoint, sipUri, viaOf } from '../ua/endpoint.ts'

/** What stands for a caller where no party asked for the call: an INVITE which none sent, so that nothing is answered to it. */
export function standIn(endpoint: SipEndpoint): Pick<UasLeg, 'invite' | 'flow' | 'trusted'> {
  const { entropy, address, port } = endpoint
  const flow = { transport: 'udp', address, port } as const
  const uri = sipUri('order', address)
  const headers: Header[] = [
    ['via', viaOf(endpoint, flow)],
    ['max-forwards', '70'],
    ['from', `<${uri}>;tag=${entropy.hex(8)}`],
    ['to', `<${uri}>`],
    ['call-id', entropy.hex(16)],
    ['cseq', '1 INVITE'],
  ]
  return {
    invite: request({ method: 'INVITE', requestUri: uri, headers, body: noBody }),
    flow,
    trusted: true,
  }
}
