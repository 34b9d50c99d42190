import type { ProviderFacts } from '#contract'
import type { Flow } from '../ground/flow.ts'
import { type Header, type Request, request } from '../sip/message.ts'
import { allowHeader } from '../sip/screen.ts'
import { type SipUri, writeUri } from '../sip/uri.ts'
import { portFor, type SipEndpoint, sipUri, viaOf } from '../ua/endpoint.ts'
import { userAgent } from './options.ts'

/** What stays the same from one REGISTER of a registration to the next (RFC 3261 §10.2.4); the number rises. */
export interface RegisterSeries {
  readonly callId: string
  readonly tag: string
  number: number
}

/** A REGISTER for our contact at a provider; zero seconds take it back (RFC 3261 §10.2). */
export function registerFor(
  provider: ProviderFacts,
  endpoint: SipEndpoint,
  series: RegisterSeries,
  seconds: number,
): (flow: Flow, proof: readonly Header[]) => Request {
  const { hostname, port, transport } = provider
  const aor = `<${sipUri(provider.username ?? '', hostname)}>`
  return (flow, proof) =>
    request({
      method: 'REGISTER',
      requestUri: sipUri('', hostname, port, transport),
      headers: [
        ['via', viaOf(endpoint, flow)],
        ['max-forwards', '70'],
        ['from', `${aor};tag=${series.tag}`],
        ['to', aor],
        ['call-id', series.callId],
        ['cseq', `${++series.number} REGISTER`],
        ['contact', `<${writeUri(contactAt(provider, endpoint, flow))}>;expires=${seconds}`],
        ['expires', String(seconds)],
        allowHeader,
        ['user-agent', userAgent],
        ...proof,
      ],
    })
}

/** Where a provider sends calls for us: `line` tells whose they are, whatever address they come from. */
export function contactAt(
  { username, line }: ProviderFacts,
  endpoint: SipEndpoint,
  { transport }: Flow,
): SipUri {
  const port = portFor(endpoint, transport)
  const params = new Map<string, string>()
  if (line !== '') params.set('line', line)
  if (transport !== 'udp') params.set('transport', transport)
  return { scheme: 'sip', user: username ?? '', host: endpoint.address, port, params, headers: undefined }
}

/** Whole seconds of a delta-seconds value; undefined where there is none. */
export function seconds(text: string | undefined): number | undefined {
  const [digits] = /^\s*\d{1,10}/.exec(text ?? '') ?? []
  return digits === undefined ? undefined : Number(digits)
}
