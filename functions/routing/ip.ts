import ipaddr from 'ipaddr.js'

/** A literal address: 4 or 16 bytes. */
export type Ip = number[]

/** Reads `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`; undefined for anything else, shorthands included. */
export function readIp(text: string): Ip | undefined {
  const bare = /^\[.*\]$/.test(text) ? text.slice(1, -1) : text
  return bare.includes(':') ? readV6(bare) : readV4(bare)
}

/** Reads an address, or a network as `192.0.2.0/24`. */
export function readNetwork(text: string): { ip: Ip; bits: number } | undefined {
  const [, address = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const ip = readIp(address)
  if (!ip) return undefined
  const bits = length === undefined ? ip.length * 8 : Number(length)
  return bits <= ip.length * 8 ? { ip, bits } : undefined
}

/** A literal address in the one spelling PostgreSQL and a SIP URI agree on; mapped IPv4 as IPv4. */
export function writeIp(ip: Ip): string {
  if (ip.length === 4) return ip.join('.')
  if (within(ip, mapped, 96)) return ip.slice(12).join('.')
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((ip[at * 2] ?? 0) << 8) | (ip[at * 2 + 1] ?? 0)).toString(16),
  )
  return groups.join(':')
}

/** An address as sockets write it (RFC 5952), mapped IPv4 as IPv4; what is no address stays as it is. */
export function spelled(text: string): string {
  const ip = readIp(text)
  if (ip === undefined) return text
  const address = ipaddr.fromByteArray(ip.length === 16 && within(ip, mapped, 96) ? ip.slice(12) : ip)
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()
}

/** A network as PostgreSQL writes it: without the bits which name a host in it, and without its length where that is whole. */
export function writeNetwork(ip: Ip, bits: number): string {
  if (ip.length === 16 && bits >= 96 && within(ip, mapped, 96)) return writeNetwork(ip.slice(12), bits - 96)
  const first = ip.map((byte, at) => byte & (0xff << (8 - Math.min(8, Math.max(0, bits - at * 8)))) & 0xff)
  return bits === ip.length * 8 ? writeIp(first) : `${writeIp(first)}/${bits}`
}

/** Every network an address lies in, itself first. */
export function networksAround(ip: Ip): string[] {
  const lengths = ip.length * 8
  return Array.from({ length: lengths + 1 }, (_, less) => writeNetwork(ip, lengths - less))
}

/** Whether an address lies in a network of so many bits. */
export function within(ip: Ip, network: Ip, bits: number): boolean {
  return ip.every((byte, at) => {
    const left = Math.min(8, Math.max(0, bits - at * 8))
    const mask = (0xff << (8 - left)) & 0xff
    return (byte & mask) === ((network[at] ?? 0) & mask)
  })
}

function readV4(text: string): Ip | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined
  return parts.map(Number)
}

function readV6(text: string): Ip | undefined {
  const halves = text.split('::')
  if (halves.length > 2 || !/^[0-9a-fA-F:]*:[0-9a-fA-F.]*$/.test(text)) return undefined
  const [head, tail] = halves.map(readGroups)
  if (!head || (halves.length === 2 && !tail)) return undefined
  const gap = 16 - head.length - (tail?.length ?? 0)
  if (halves.length === 2 ? gap < 2 : gap !== 0) return undefined
  return [...head, ...Array<number>(gap).fill(0), ...(tail ?? [])]
}

/** Colon-separated groups of 16 bits; the last may be a dotted quad (RFC 4291 §2.2). */
function readGroups(text: string): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [at, group] of groups.entries()) {
    const quad = at === groups.length - 1 && group.includes('.') ? readV4(group) : undefined
    if (quad) bytes.push(...quad)
    else if (/^[0-9a-fA-F]{1,4}$/.test(group))
      bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255)
    else return undefined
  }
  return bytes
}

/** ::ffff:0:0/96, IPv4 in the clothes of IPv6 (RFC 4291 §2.5.5.2). */
const mapped: Ip = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
