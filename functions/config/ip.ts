import { type Ip, mapped, within } from '#routing'

export { readIp, readNetwork, writeIp, writeNetwork } from '#routing'

/** Whether an address can be a carrier's on the internet: not loopback, private, shared, local or multicast. */
export function isPublic(ip: Ip): boolean {
  const networks = ip.length === 4 ? special4 : special6
  if (networks.some(([network, bits]) => within(ip, network, bits))) return false
  const embedded = embeddedV4(ip)
  return embedded === undefined || isPublic(embedded)
}

/** IPv4 inside IPv6: mapped, NAT64 (RFC 6052) and 6to4 (RFC 3056). */
function embeddedV4(ip: Ip): Ip | undefined {
  if (ip.length === 4) return undefined
  if (within(ip, mapped, 96) || within(ip, [0, 0x64, 0xff, 0x9b], 96)) return ip.slice(12)
  return within(ip, [0x20, 0x02], 16) ? ip.slice(2, 6) : undefined
}

/** RFC 6890's special purposes, without those kept for documentation: examples may be typed as they are. */
const special4: [Ip, number][] = [
  [[0], 8],
  [[10], 8],
  [[100, 64], 10],
  [[127], 8],
  [[169, 254], 16],
  [[172, 16], 12],
  [[192, 0, 0], 24],
  [[192, 168], 16],
  [[198, 18], 15],
  [[224], 3],
]
const special6: [Ip, number][] = [
  [[], 127],
  [[0x01], 64],
  [[0xfc], 7],
  [[0xfe, 0x80], 9],
  [[0xff], 8],
]
