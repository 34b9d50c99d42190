import ipaddr from 'ipaddr.js'

/** A literal address: 4 or 16 bytes. */
export type Ip = number[]

/** Reads `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`; undefined for anything else, shorthands and zones included. */
export function readIp(text: string): Ip | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  return bare.includes(':') ? readV6(bare) : readV4(bare)
}

/** Reads an address, or a network as `192.0.2.0/24`. undefined where the text is neither. */
export function readNetwork(text: string): { ip: Ip; bits: number } | undefined {
  const [, address = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const ip = readIp(address)
  if (!ip) return undefined
  const bits = length === undefined ? ip.length * 8 : Number(length)
  return bits <= ip.length * 8 ? { ip, bits } : undefined
}

/** IPv4 as itself, also where it came in the clothes of IPv6. */
export function unmapped(ip: Ip): Ip {
  return ip.length === 16 && within(ip, mapped, 96) ? ip.slice(12) : ip
}

/** A literal address in the one spelling PostgreSQL and a SIP URI agree on; mapped IPv4 as IPv4. */
export function writeIp(ip: Ip): string {
  const plain = unmapped(ip)
  if (plain.length === 4) return plain.join('.')
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((ip[at * 2] ?? 0) << 8) | (ip[at * 2 + 1] ?? 0)).toString(16),
  )
  return groups.join(':')
}

/** An address as sockets write it (RFC 5952), mapped IPv4 as IPv4; what is no address stays as it is. */
export function spelled(text: string): string {
  const ip = readIp(text)
  return ip === undefined ? text : spelledIp(ip)
}

/** The same of an address which was read. */
export function spelledIp(ip: Ip): string {
  const plain = unmapped(ip)
  if (plain.length === 4) return plain.join('.')
  return new ipaddr.IPv6(plain).toRFC5952String()
}

/** A network as PostgreSQL writes it: without the bits which name a host in it, and without its length where that is whole. */
export function writeNetwork(ip: Ip, bits: number): string {
  if (ip.length === 16 && bits >= 96 && within(ip, mapped, 96)) return writeNetwork(ip.slice(12), bits - 96)
  const first = ip.map((byte, at) => byte & (0xff << (8 - Math.min(8, Math.max(0, bits - at * 8)))) & 0xff)
  return bits === ip.length * 8 ? writeIp(first) : `${writeIp(first)}/${bits}`
}

/**
 * The network of so many bits an address lies in, for what is counted by network; what is no address stays as it is.
 * `v4` 32 asks for the address itself.
 */
export function networkAt(text: string, { v4, v6 }: { v4: number; v6: number }): string {
  const ip = readIp(text)
  if (ip === undefined) return text
  const plain = unmapped(ip)
  return writeNetwork(plain, plain.length === 4 ? v4 : v6)
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

/** The library would take octal, hex and fewer parts. A relay reads dozens for each call: digit by digit. */
function readV4(text: string): Ip | undefined {
  if (text.length > 15) return undefined
  const ip: Ip = [0, 0, 0, 0]
  let [bytes, start] = [0, 0]
  for (let end = 0; end <= text.length; end++) {
    if (end < text.length && text[end] !== '.') continue
    const byte = readByte(text, start, end)
    if (byte === undefined || bytes === 4) return undefined
    ip[bytes++] = byte
    start = end + 1
  }
  return bytes === 4 ? ip : undefined
}

/** A decimal number below 256 without needless zeros. */
function readByte(text: string, start: number, end: number): number | undefined {
  if (end === start || end - start > 3 || (text[start] === '0' && end - start > 1)) return undefined
  let byte = 0
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - zero
    if (digit < 0 || digit > 9) return undefined
    byte = byte * 10 + digit
  }
  return byte < 256 ? byte : undefined
}

const zero = '0'.charCodeAt(0)

/** The library would take zones, and has its own ideas of a dotted end (RFC 4291 §2.2): that is read here. */
function readV6(text: string): Ip | undefined {
  const [, groups = '', dotted = ''] = /^([\da-f:]*:)([\da-f]{0,4}|[\d.]+)$/i.exec(text) ?? []
  const quad = dotted.includes('.') ? readV4(dotted) : undefined
  if (groups.length > 40 || (dotted.includes('.') && quad === undefined)) return undefined
  try {
    const ip = ipaddr.IPv6.parse(groups + (quad ? '0:0' : dotted)).toByteArray()
    return quad ? [...ip.slice(0, 12), ...quad] : ip
  } catch {
    return undefined
  }
}

/** ::ffff:0:0/96, IPv4 in the clothes of IPv6 (RFC 4291 §2.5.5.2). */
const mapped: Ip = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
