import type { Port, ProviderFacts } from '#contract'
import { dialable, written } from '#routing'
import type { Flow } from '../ground/flow.ts'
import { type Header, type Request, request } from '../sip/message.ts'
import { allowHeader } from '../sip/screen.ts'
import { contactOf, type SipEndpoint, sipUri, viaOf } from '../ua/endpoint.ts'
import { fromOf, userAgent } from './options.ts'

/** Whom a test call calls, who calls, the even port its sound would come to, and by which way; `home` is the customer's country. */
interface TestInviteOptions {
  readonly home: string
  readonly to: string
  readonly from: string | null
  readonly port: Port
  /** Route values, first hop first. */
  readonly route: readonly string[]
}

/**
 * The INVITEs of one test call. The offer is one every carrier takes: G.711 at a port that could be ours;
 * nothing is sent, and what comes is dropped.
 */
export function inviteFor(
  provider: ProviderFacts,
  endpoint: SipEndpoint,
  { home, to, from, port, route }: TestInviteOptions,
): (flow: Flow, proof: readonly Header[]) => Request {
  const country = provider.country ?? home
  const number = numberAt(provider, to, country)
  const uri = sipUri(number, provider.hostname, provider.port, provider.transport)
  const caller = from === null ? '' : written(from, provider.calling_format, country)
  const callId = endpoint.entropy.hex(16)
  const tag = endpoint.entropy.hex(8)
  const body = offer(endpoint, port)
  let sent = 0
  return (flow, proof) =>
    request({
      method: 'INVITE',
      requestUri: uri,
      headers: [
        ['via', viaOf(endpoint, flow)],
        ...route.map((value): Header => ['route', value]),
        ['max-forwards', '70'],
        ['from', `<${fromOf(provider, endpoint, flow, caller)}>;tag=${tag}`],
        ['to', `<${sipUri(number, provider.hostname)}>`],
        ['call-id', callId],
        ['cseq', `${++sent} INVITE`],
        ['contact', contactOf(endpoint, flow.transport)],
        allowHeader,
        ...Object.entries(provider.tech_headers).map(([name, value]): Header => [name.toLowerCase(), value]),
        ['user-agent', userAgent],
        ['content-type', 'application/sdp'],
        ...proof,
      ],
      body,
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
