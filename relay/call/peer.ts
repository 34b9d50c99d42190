import type { SipTarget, TrunkTarget } from '#contract'
import type { CalledPeer, ConnectDecision } from './state.ts'

/** Milliseconds in which a PBX at a host says anything at all; then its next address is tried. */
const firstResponseMs = 3_000

/** Those to be found at hosts; undefined: an extension, or a PBX where it registered; or a list. */
export function peersOf(targets: ConnectDecision['targets']): readonly CalledPeer[] | undefined {
  if (targets.kind === 'providers') return targets.providers
  if (targets.kind === 'sip') return [addressPeer(targets.sip)]
  const pbx = targets.kind === 'trunk' ? peerOf(targets.trunk) : undefined
  return pbx && [pbx]
}

/** A PBX at a host of its own, called as a provider is: address by address. No other follows it. */
function peerOf({
  hostname,
  port,
  transport,
  tls,
  user,
  codecs,
  takes,
  ring_ms,
  secure,
  dtmf,
}: TrunkTarget): CalledPeer | undefined {
  if (hostname === null) return undefined
  return { ...nobodys(ring_ms), hostname, port, transport, tls, user, codecs, takes, secure, dtmf }
}

/** An address which stands in a list, called likewise. */
function addressPeer({ uri, hostname, port, transport, user, ring_ms }: SipTarget): CalledPeer {
  const tls = { verify: 'full', fingerprint: null } as const
  return {
    ...nobodys(ring_ms),
    hostname,
    port,
    transport,
    tls,
    user,
    codecs: [],
    takes: [],
    // Its scheme asks for it (RFC 3261 §26.2.2); what else could be said of an address, no setting says.
    secure: /^sips:/i.test(uri) ? 'required' : 'allowed',
  }
}

type CalledPlace = 'hostname' | 'port' | 'transport' | 'tls' | 'user' | 'codecs' | 'takes' | 'secure' | 'dtmf'

/** What there is of one called who is no provider. */
function nobodys(ring_ms: number): Omit<CalledPeer, CalledPlace> {
  return {
    provider_id: null,
    route_id: null,
    name: '',
    calling: null,
    asserted: null,
    headers: [],
    credentials: null,
    place: null,
    policy: {
      next_on: [],
      first_response_ms: firstResponseMs,
      progress_ms: ring_ms,
      answer_ms: ring_ms,
      search_ms: ring_ms,
    },
    diversion: 'off',
    redirects: 'refuse',
  }
}
