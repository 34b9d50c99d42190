import type { Transport } from '#contract'
import type { LocateQuestion } from '../ground/effects.ts'
import { parseNameAddr } from '../sip/address.ts'

/**
 * Where an INVITE for a provider goes: to the first of the route its registrar gave us (RFC 3608 §6.1), else to its
 * host. A provider which is called over TLS is called over nothing else.
 */
export function firstHop(
  { hostname, port, transport, tls }: LocateQuestion,
  route: readonly string[],
): LocateQuestion {
  const hop = route[0] === undefined ? undefined : parseNameAddr(route[0])?.sip
  const trust = tls ? { tls } : {}
  if (!hop) return { hostname, port, transport, ...trust }
  const named = hop.params.get('transport')?.toLowerCase()
  const secure = hop.scheme === 'sips' || transport === 'tls'
  const over = secure ? 'tls' : isTransport(named) ? named : transport
  return { hostname: hop.params.get('maddr') ?? hop.host, port: hop.port ?? null, transport: over, ...trust }
}

function isTransport(name: string | undefined): name is Transport {
  return name === 'udp' || name === 'tcp' || name === 'tls'
}
