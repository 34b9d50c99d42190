import { readIp } from '#routing'

/**
 * An IP address and port as plain numbers, so that packets can be compared without text.
 *
 * The address is four 32-bit words in network order; IPv4 stands in the last, mapped as in RFC 4291 §2.5.5.2.
 */
export class Place {
  a = 0
  b = 0
  c = 0
  d = 0
  port = 0

  copy(other: Place): void {
    this.a = other.a
    this.b = other.b
    this.c = other.c
    this.d = other.d
    this.port = other.port
  }

  sameAddress(other: Place): boolean {
    return this.d === other.d && this.c === other.c && this.b === other.b && this.a === other.a
  }

  same(other: Place): boolean {
    return this.port === other.port && this.sameAddress(other)
  }

  get isIPv4(): boolean {
    return this.a === 0 && this.b === 0 && this.c === MAPPED
  }

  /** The address as text; an IPv4 address in dots, even where it travelled mapped. */
  get address(): string {
    return this.isIPv4 ? bytesOf(this.d).join('.') : ipv6Text(this)
  }
}

export const MAPPED = 0xffff

/** Reads a literal IP address, IPv6 with or without brackets; undefined for names and nonsense. */
export function readPlace(address: string, port = 0): Place | undefined {
  const place = new Place()
  place.port = port
  const bare = address.startsWith('[') && address.endsWith(']') ? address.slice(1, -1) : address
  const read = bare.includes(':') ? readIPv6(bare, place) : readIPv4(bare, place)
  return read ? place : undefined
}

function readIPv4(text: string, into: Place): boolean {
  const word = ipv4Word(text)
  if (word === undefined) return false
  into.c = MAPPED
  into.d = word
  return true
}

function ipv4Word(text: string): number | undefined {
  const parts = text.split('.', 5)
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
    return undefined
  return parts.reduce((word, part) => (word << 8) | Number(part), 0)
}

function readIPv6(text: string, into: Place): boolean {
  const ip = text.length > 45 ? undefined : readIp(text)
  if (ip === undefined) return false
  const word = (at: number) => ip.slice(at, at + 4).reduce((all, byte) => (all << 8) | byte, 0)
  into.a = word(0)
  into.b = word(4)
  into.c = word(8)
  into.d = word(12)
  return true
}

function bytesOf(word: number): number[] {
  return [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]
}

/** RFC 5952: lower case, no leading zeros, the longest run of zero groups shortened. */
function ipv6Text({ a, b, c, d }: Place): string {
  const all = [a, b, c, d].flatMap((word) => [word >>> 16, word & 0xffff]).map((group) => group.toString(16))
  const runs = all.join(':').match(/\b0(?::0\b)+/g) ?? []
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '')
  if (longest === '') return all.join(':')
  return all.join(':').replace(new RegExp(`(^|:)${longest}(:|$)`), '::')
}
