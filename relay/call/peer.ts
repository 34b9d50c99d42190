import type { TrunkTarget } from '#contract'
import type { CalledPeer } from './state.ts'

/** Milliseconds in which a PBX at a host says anything at all; then its next address is tried. */
const firstResponseMs = 3_000

/** A PBX at a host of its own, called as a provider is: address by address. No other follows it. */
export function peerOf({
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
  return {
    provider_id: null,
    route_id: null,
    name: '',
    hostname,
    port,
    transport,
    tls,
    user,
    calling: null,
    asserted: null,
    headers: [],
    codecs,
    takes,
    credentials: null,
    dtmf,
    place: null,
    secure,
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
