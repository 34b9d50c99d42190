import { readIp, spelledIp } from '#ip'
import { portNumber } from '#units'

/**
 * An IP address and port as plain numbers, so that packets can be compared without text.
 *
 * The address is four 32-bit words in network order; IPv4 stands in the last, mapped as in RFC 4291 §2.5.5.2.
 */
export class SocketAddress {
  a = 0
  b = 0
  c = 0
  d = 0
  port = portNumber(0)

  copy(other: SocketAddress): void {
    this.a = other.a
    this.b = other.b
    this.c = other.c
    this.d = other.d
    this.port = other.port
  }

  sameAddress(other: SocketAddress): boolean {
    return this.d === other.d && this.c === other.c && this.b === other.b && this.a === other.a
  }

  same(other: SocketAddress): boolean {
    return this.port === other.port && this.sameAddress(other)
  }

  get isIPv4(): boolean {
    return this.a === 0 && this.b === 0 && this.c === MAPPED
  }

  /** The address as text (RFC 5952); an IPv4 address in dots, even where it travelled mapped. Not for every packet. */
  get address(): string {
    if (this.isIPv4) return bytesOf(this.d).join('.')
    return spelledIp([this.a, this.b, this.c, this.d].flatMap(bytesOf))
  }
}

/** The word before an IPv4 address which travels as IPv6 (RFC 4291 §2.5.5.2). */
export const MAPPED = 0xffff

/** Reads a literal IP address, IPv6 with or without brackets; undefined for names and nonsense. */
export function readSocketAddress(address: string, port = portNumber(0)): SocketAddress | undefined {
  const ip = readIp(address)
  if (ip === undefined) return undefined
  const parsed = new SocketAddress()
  parsed.port = port
  parsed.d = wordOf(ip, ip.length - 4)
  if (ip.length === 4) parsed.c = MAPPED
  else [parsed.a, parsed.b, parsed.c] = [wordOf(ip, 0), wordOf(ip, 4), wordOf(ip, 8)]
  return parsed
}

function wordOf(ip: readonly number[], at: number): number {
  return ((ip[at] ?? 0) << 24) | ((ip[at + 1] ?? 0) << 16) | ((ip[at + 2] ?? 0) << 8) | (ip[at + 3] ?? 0)
}

function bytesOf(word: number): number[] {
  return [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]
}
