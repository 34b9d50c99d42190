import type { Port, ProviderFacts } from '#contract'
import { dialable, written } from '#routing'
import type { Flow } from '../ground/flow.ts'
import { keyingFor, keysToOffer } from '../leg/keying.ts'
import type { Keying, UacLeg } from '../leg/leg.ts'
import type { InviteParts } from '../leg/uac.ts'
import { readSdp } from '../sdp/description.ts'
import { sdpBytes } from '../sdp/message-sdp.ts'
import { composeSdp } from '../sdp/offer.ts'
import { type Header, noBody } from '../sip/message.ts'
import { type SipEndpoint, sipUri } from '../ua/endpoint.ts'
import { fromOf, userAgent } from './options.ts'

/** Whom a test call calls, who calls, and the even port its sound would come to; `home` is the customer's country. */
interface TestInviteOptions {
  readonly home: string
  readonly to: string
  readonly from: string | null
  readonly port: Port
}

/** What a test's INVITE to an address says on a leg; `keying`: how it is offered keys, where that is not the leg's own way. */
export type InviteBuilder = (leg: UacLeg, flow: Flow, keying?: Keying) => InviteParts

/**
 * What the INVITEs of one test call say. The offer is one every carrier takes: G.711 at a port that could be ours;
 * nothing is sent, and what comes is dropped.
 */
export function inviteFor(
  provider: ProviderFacts,
  endpoint: SipEndpoint,
  { home, to, from, port }: TestInviteOptions,
): InviteBuilder {
  const country = provider.country ?? home
  const number = numberAt(provider, to, country)
  const caller = from === null ? '' : written(from, provider.calling_format, country)
  const said = Object.entries(provider.tech_headers).map(
    ([name, value]): Header => [name.toLowerCase(), value],
  )
  const parts = {
    requestUri: sipUri(number, provider.hostname, provider.port, provider.transport),
    to: `<${sipUri(number, provider.hostname)}>`,
    maxForwards: 70,
    headers: [...said, ['user-agent', userAgent] as const],
  }
  return (leg, flow, keying) => ({
    ...parts,
    from: `<${fromOf(provider, endpoint, flow, caller)}>`,
    body: offerOn(leg, port, endpoint, keying),
  })
}

/** An E.164 number as this provider dials it. */
function numberAt(
  { called_format, tech_prefix, tech_postfix }: ProviderFacts,
  e164: string,
  country: string,
): string {
  return dialable(`${tech_prefix}${written(e164, called_format, country)}${tech_postfix}`)
}

/** What the offer says; the leg says the rest. */
const spoken = readSdp(
  ['v=0', 't=0 0', 'm=audio 9 RTP/AVP 0 8', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:8 PCMA/8000', 'a=sendrecv']
    .map((line) => `${line}\r\n`)
    .join(''),
)

/** The same offer as often as it is asked for, with keys where the provider must have them. */
function offerOn(leg: UacLeg, port: Port, endpoint: SipEndpoint, asked: Keying | undefined): Uint8Array {
  if (!spoken) return noBody
  const said = { sdp: spoken, at: 0 }
  const keys = keysToOffer(leg, asked ?? keyingFor(leg, said), endpoint)
  leg.sdp.sent = composeSdp(leg.sdp.sent, said, { address: endpoint.address, port, id: leg.sdp.id, keys })
  return sdpBytes(leg.sdp.sent)
}
