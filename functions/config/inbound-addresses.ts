import * as z from 'zod'
import { reachOf, readNetwork, writeNetwork } from '#routing'
import { ApiError } from '../http/api-error.ts'

/** Addresses and networks calls come from, as written. */
export const sources = z.array(z.string().trim()).max(64).default([])

/** Shortest lengths a network may have, by family. */
export interface Widest {
  v4: number
  v6: number
}

/** What a customer may say that it calls from, and what an administrator may say of the platform's own carriers. */
export const neighbourhood: Widest = { v4: 24, v6: 56 }
export const carriersNetwork: Widest = { v4: 8, v6: 19 }

/** The same, read; `field` is named where one is none, or so wide that others would be in it. */
export function networks(field: string, written: string[], allowPrivate: boolean, widest: Widest): string[] {
  return written.map((text, at) => network(`${field}.${at}`, text, allowPrivate, widest))
}

/** Refuses a hostname at which no other host on the internet is, or that is our own. */
export function refusePrivate(hostname: string, baseDomain: string, field = 'hostname'): void {
  if (!reachable(hostname, baseDomain)) throw ApiError.field(field, 'is not a place on the public internet')
}

function network(field: string, text: string, allowPrivate: boolean, { v4, v6 }: Widest): string {
  const read = readNetwork(text)
  if (!read) throw ApiError.field(field, 'is not an IP address or a network such as 192.0.2.0/24')
  const written = writeNetwork(read.ip, read.bits)
  const longest = written.includes(':') ? v6 : v4
  if (lengthOf(written) < longest)
    throw ApiError.field(field, `is wider than /${longest}: others call from there too`)
  const reach = reachOf(read.ip)
  if (reach === 'none' || (!allowPrivate && reach !== 'public'))
    throw ApiError.field(field, 'is not on the public internet')
  return written
}

/** IPv4 in the clothes of IPv6 is written as itself, and measured so. */
function lengthOf(network: string): number {
  return readNetwork(network)?.bits ?? 0
}

function reachable(hostname: string, baseDomain: string): boolean {
  const reach = reachOf(hostname)
  if (reach) return reach === 'public'
  return ![baseDomain, 'localhost', 'local', 'internal', 'home.arpa'].some(
    (domain) => hostname === domain || hostname.endsWith(`.${domain}`),
  )
}
