import * as z from 'zod'
import { reachOf, readNetwork, writeNetwork } from '#routing'
import { Problem } from '../http/problem.ts'

/** Addresses and networks calls come from, as written. */
export const sources = z.array(z.string().trim()).max(64).default([])

/** The same, read; `field` is named where one is none, or so wide that anybody would be it. */
export function networks(field: string, written: string[], allowPrivate: boolean): string[] {
  return written.map((text, at) => network(`${field}.${at}`, text, allowPrivate))
}

/** Refuses a hostname nobody else on the internet is at, or that is our own. */
export function refusePrivate(hostname: string, baseDomain: string): void {
  if (!reachable(hostname, baseDomain))
    throw Problem.field('hostname', 'is not a place on the public internet')
}

function network(field: string, text: string, allowPrivate: boolean): string {
  const read = readNetwork(text)
  if (!read) throw Problem.field(field, 'is not an IP address or a network such as 192.0.2.0/24')
  if (read.bits < (read.ip.length === 4 ? 8 : 19))
    throw Problem.field(field, 'is too wide to name who calls from there')
  const reach = reachOf(read.ip)
  if (reach === 'none' || (!allowPrivate && reach !== 'public'))
    throw Problem.field(field, 'is not on the public internet')
  return writeNetwork(read.ip, read.bits)
}

function reachable(hostname: string, baseDomain: string): boolean {
  const reach = reachOf(hostname)
  if (reach) return reach === 'public'
  return ![baseDomain, 'localhost', 'local', 'internal', 'home.arpa'].some(
    (domain) => hostname === domain || hostname.endsWith(`.${domain}`),
  )
}
