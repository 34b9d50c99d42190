import ipaddr from 'ipaddr.js'
import { type Ip, readIp } from './ip.ts'

/** How far an address reaches; `none`: nothing may ever be sent to it. */
export type Reach = 'none' | 'loopback' | 'private' | 'public'

/**
 * How far an address reaches, by the registries of special purposes (RFC 6890), which the library keeps; undefined
 * for text which is no address.
 *
 * IPv6 which leads to an IPv4 address reaches as far as that one. What is kept for examples counts as public: it
 * may be typed as it is, and nothing is there.
 */
export function reachOf(ip: Ip): Reach
export function reachOf(text: string): Reach | undefined
export function reachOf(address: Ip | string): Reach | undefined {
  const ip = typeof address === 'string' ? readIp(address) : address
  if (ip === undefined) return undefined
  const read = ipaddr.fromByteArray(ip)
  const own = ipaddr.subnetMatch(read, exceptions, '')
  if (own !== '') return own as Reach
  const range: string = read.range()
  const inside = embedded[range]?.(ip).map((one) => reachOf(one))
  return inside ? nearest(inside) : (reaches[range] ?? 'private')
}

/** What the library's ranges are to us; one it comes to know later is not public. */
const reaches: Record<string, Reach> = {
  unicast: 'public',
  // Anycast for which any network may answer (RFC 7534, 7535, 7450).
  as112: 'public',
  as112v6: 'public',
  amt: 'public',
  loopback: 'loopback',
  private: 'private',
  uniqueLocal: 'private',
  carrierGradeNat: 'private',
  linkLocal: 'private',
  deprecatedSiteLocal: 'private',
  benchmarking: 'private',
  segmentRouting: 'private',
  reserved: 'private',
  unspecified: 'none',
  broadcast: 'none',
  multicast: 'none',
  discard: 'none',
  deprecatedOrchid: 'none',
  orchid2: 'none',
  droneRemoteIdProtocolEntityTags: 'none',
}

/** Where the library's ranges are wider than ours, the first which fits. */
const exceptions = {
  loopback: networks('::1/128'),
  // RFC 5737, 3849, 9637.
  public: networks('192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32', '3fff::/20'),
  // Where IPv4 is in these depends on the translator (RFC 8215), so it is not looked for.
  private: networks('64:ff9b:1::/48'),
  // RFC 1112 §4; IPv4-compatible IPv6, given up (RFC 4291 §2.5.5.1).
  none: networks('240.0.0.0/4', '::/96'),
}

function networks(...texts: string[]) {
  return texts.map((text) => ipaddr.parseCIDR(text))
}

/** The IPv4 addresses which packets for an IPv6 address are for in the end, or on their way. */
const embedded: Record<string, (ip: Ip) => Ip[]> = {
  ipv4Mapped: last,
  rfc6145: last,
  rfc6052: last,
  '6to4': (ip) => [ip.slice(2, 6)],
  // The server, and the client's NAT, written inverted (RFC 4380 §4).
  teredo: (ip) => [ip.slice(4, 8), ip.slice(12).map((byte) => byte ^ 255)],
}

function last(ip: Ip): Ip[] {
  return [ip.slice(12)]
}

function nearest(those: Reach[]): Reach {
  return byDistance.find((reach) => those.includes(reach)) ?? 'public'
}

const byDistance: Reach[] = ['none', 'loopback', 'private']
