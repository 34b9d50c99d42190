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

/** How far an address reaches; `none` are those nothing may ever be sent to. */
export type Reach = 'none' | 'loopback' | 'private' | 'public'

/** Reads a literal IP address, IPv6 with or without brackets; undefined for names and nonsense. */
export function readPlace(address: string, port = 0): Place | undefined {
  const place = new Place()
  place.port = port
  const bare = address.startsWith('[') && address.endsWith(']') ? address.slice(1, -1) : address
  const read = bare.includes(':') ? readIPv6(bare, place) : readIPv4(bare, place)
  return read ? place : undefined
}

/** Unspecified, multicast and broadcast addresses reach nobody in particular; link-local counts as private. */
export function reachOf(place: Place): Reach {
  return place.isIPv4 ? reachOfIPv4(place.d) : reachOfIPv6(place)
}

function reachOfIPv4(word: number): Reach {
  const [a, b] = bytesOf(word) as [number, number, number, number]
  if (a === 0 || a >= 224) return 'none'
  if (a === 127) return 'loopback'
  const local = a === 10 || (a === 172 && b >> 4 === 1) || (a === 192 && b === 168)
  return local || (a === 169 && b === 254) || (a === 100 && b >> 6 === 1) ? 'private' : 'public'
}

function reachOfIPv6({ a, b, c, d }: Place): Reach {
  if ((a | b | c) === 0) return d === 1 ? 'loopback' : 'none'
  const top = a >>> 16
  if (top >> 8 === 0xff) return 'none'
  return top >> 9 === 0xfc >> 1 || top >> 6 === 0xfe80 >> 6 ? 'private' : 'public'
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

/** RFC 4291 §2.2: eight groups, one run of zeros as `::`, the last two perhaps as IPv4. */
function readIPv6(text: string, into: Place): boolean {
  if (text.length > 45) return false
  const halves = text.split('::')
  const head = groups(halves[0] ?? '')
  const tail = groups(halves[1] ?? '')
  if (halves.length > 2 || head === undefined || tail === undefined) return false
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return false
  const all = [...head, ...new Array<number>(missing).fill(0), ...tail]
  const word = (i: number) => ((all[i] ?? 0) << 16) | (all[i + 1] ?? 0)
  into.a = word(0)
  into.b = word(2)
  into.c = word(4)
  into.d = word(6)
  return true
}

function groups(text: string): number[] | undefined {
  if (text === '') return []
  const all: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    const mapped = i === parts.length - 1 ? ipv4Word(part) : undefined
    if (mapped !== undefined) all.push(mapped >>> 16, mapped & 0xffff)
    else if (/^[0-9a-f]{1,4}$/i.test(part)) all.push(Number.parseInt(part, 16))
    else return undefined
  }
  return all
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
