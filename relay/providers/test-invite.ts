import type { Port, ProviderFacts } from '#contract'
import { dialable, written } from '#routing'
import type { Flow } from '../ground/flow.ts'
import type { InviteParts } from '../leg/uac.ts'
import type { Header } from '../sip/message.ts'
import { type SipEndpoint, sipUri } from '../ua/endpoint.ts'
import { fromOf, userAgent } from './options.ts'

/** Whom a test call calls, who calls, and the even port its sound would come to; `home` is the customer's country. */
interface TestInviteOptions {
  readonly home: string
  readonly to: string
  readonly from: string | null
  readonly port: Port
}

/**
 * What the INVITEs of one test call say. The offer is one every carrier takes: G.711 at a port that could be ours;
 * nothing is sent, and what comes is dropped.
 */
export function inviteFor(
  provider: ProviderFacts,
  endpoint: SipEndpoint,
  { home, to, from, port }: TestInviteOptions,
): (flow: Flow) => InviteParts {
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
    body: offer(endpoint, port),
  }
  return (flow) => ({ ...parts, from: `<${fromOf(provider, endpoint, flow, caller)}>` })
}

/** An E.164 number as this provider dials it. */
function numberAt(
  { called_format, tech_prefix, tech_postfix }: ProviderFacts,
  e164: string,
  country: string,
): string {
  return dialable(`${tech_prefix}${written(e164, called_format, country)}${tech_postfix}`)
}

function offer({ address, entropy }: SipEndpoint, port: Port): Uint8Array {
  const family = address.includes(':') ? 'IP6' : 'IP4'
  const lines = [
    'v=0',
    `o=- ${entropy.below(2 ** 31)} 1 IN ${family} ${address}`,
    's=-',
    `c=IN ${family} ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0 8`,
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:8 PCMA/8000',
    'a=sendrecv',
  ]
  return new TextEncoder().encode(lines.map((line) => `${line}\r\n`).join(''))
}
