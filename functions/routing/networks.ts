import { type Ip, readIp, readNetwork, unmapped } from './ip.ts'

/** Who is found at which address. */
export interface Networks<Who> {
  add(network: string, who: Who): void
  remove(network: string, who: Who): void
  /** Owners of the networks an address lies in, the narrowest first. */
  at(address: string): Who[]
}

/**
 * Networks by length and by their first bits, both families: a look-up costs one step per length in use.
 */
export function newNetworks<Who>(): Networks<Who> {
  const lengths = new Map<number, Map<string, Who[]>>()
  return {
    add(network, who) {
      const place = placeOf(network)
      if (!place) return
      const those = lengths.get(place.length) ?? new Map<string, Who[]>()
      lengths.set(place.length, those.set(place.key, [...(those.get(place.key) ?? []), who]))
    },
    remove(network, who) {
      const place = placeOf(network)
      const those = place && lengths.get(place.length)
      if (!those) return
      const left = (those.get(place.key) ?? []).filter((one) => one !== who)
      if (left.length > 0) those.set(place.key, left)
      else those.delete(place.key)
      if (those.size === 0) lengths.delete(place.length)
    },
    at(address) {
      const read = readIp(address)
      if (!read) return []
      const ip = unmapped(read)
      const found: Who[] = []
      for (let bits = ip.length * 8; bits >= 0; bits -= 1) {
        const those = lengths.get(lengthOf(ip, bits))
        if (those) found.push(...(those.get(keyOf(ip, bits)) ?? []))
      }
      return [...new Set(found)]
    },
  }
}

function placeOf(network: string): { length: number; key: string } | undefined {
  const read = readNetwork(network)
  if (!read) return undefined
  const mapped = read.ip.length === 16 && read.bits >= 96 ? unmapped(read.ip) : read.ip
  const bits = read.bits - (read.ip.length - mapped.length) * 8
  return { length: lengthOf(mapped, bits), key: keyOf(mapped, bits) }
}

/** Both families in one table: 0 to 32, and 1000 to 1128. */
function lengthOf(ip: Ip, bits: number): number {
  return ip.length === 4 ? bits : 1000 + bits
}

function keyOf(ip: Ip, bits: number): string {
  return ip.map((byte, at) => byte & (0xff << (8 - Math.min(8, Math.max(0, bits - at * 8)))) & 0xff).join('.')
}
