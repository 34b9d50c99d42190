import type { ProviderFacts } from '#contract'
import { type Ip, readIp, readNetwork, unmapped, within, writeIp } from './ip.ts'

/*
 * Why a provider is at an address: it lists a network the address lies in, or its hostname leads there. A name leads
 * where the owner of its zone says, so that it says less than a list: it counts from when it first led there.
 */

/** A provider as it is at an address: no older there than its host is, where it does not list it. */
export function asThere(provider: ProviderFacts, address: string): ProviderFacts {
  const since = hostSince(provider, address)
  return since === undefined || since <= provider.created_at ? provider : { ...provider, created_at: since }
}

/** Whether it is there by its hostname alone. */
export function isByHost(provider: ProviderFacts, address: string): boolean {
  return hostSince(provider, address) !== undefined
}

function hostSince({ found, sources }: ProviderFacts, address: string): string | undefined {
  if (found.length === 0) return undefined
  const read = readIp(address)
  const ip = read && unmapped(read)
  if (!ip || sources.some((network) => holds(network, ip))) return undefined
  const written = writeIp(ip)
  return found.find((place) => writtenIp(place.address) === written)?.since
}

function holds(network: string, ip: Ip): boolean {
  const read = readNetwork(network)
  return read !== undefined && read.ip.length === ip.length && within(ip, read.ip, read.bits)
}

function writtenIp(text: string): string | undefined {
  const ip = readIp(text)
  return ip && writeIp(ip)
}
