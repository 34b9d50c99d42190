import { portNumber } from '#contract'
import type { Located, Question } from '../ground/effects.ts'
import { readSocketAddress } from '../ground/socket-address.ts'
import type { ResolvedHost } from './state.ts'

/*
 * Host names in SDP (RFC 4566 §5.7): looked up as providers' names are, and refused where those would be.
 */

/** Milliseconds a host is waited for; an offer which names it is refused then. */
export const lookUpMs = 2_000

/** Asks where a host leads: its port says that its own addresses are meant, not a service (RFC 3263 §4.2). */
export function hostQuestion(hostname: string): Question {
  return { ask: 'locate', question: { hostname, port: portNumber(9), transport: 'udp' } }
}

/** Hosts a call keeps; one which names ever others forgets the oldest. */
export const hostsAtMost = 16

/** The first address of our family; undefined where a host leads nowhere we may send to. */
export function leadOf(ours: string, host: string, located: Located): ResolvedHost {
  const family = readSocketAddress(ours)?.isIPv4
  const address = located.flows.find((flow) => readSocketAddress(flow.address)?.isIPv4 === family)?.address
  return {
    address,
    why: `the sound's host ${host} leads nowhere: ${located.why ?? 'no address of our family'}`,
  }
}
