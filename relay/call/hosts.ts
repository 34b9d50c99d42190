import type { Answer, Question } from '../effects.ts'
import { readPlace } from '../media/place.ts'
import type { Found } from './state.ts'

/*
 * Host names in SDP (RFC 4566 §5.7): looked up as providers' names are, and refused where those would be.
 */

/** Milliseconds a host is waited for; an offer which names it is refused then. */
export const lookUpMs = 2_000

/** Asks where a host leads: its port says that its own addresses are meant, not a service (RFC 3263 §4.2). */
export function hostQuestion(hostname: string): Question {
  return { ask: 'locate', question: { hostname, port: 9, transport: 'udp' } }
}

/** The first address of our family; undefined where a host leads nowhere we may send to. */
export function foundAt(ours: string, host: string, answer: Answer | undefined, unanswered: string): Found {
  const located = answer?.ask === 'locate' ? answer.answer : { flows: [], why: unanswered }
  const family = readPlace(ours)?.isIPv4
  const address = located.flows.find((flow) => readPlace(flow.address)?.isIPv4 === family)?.address
  return {
    address,
    why: `the sound's host ${host} leads nowhere: ${located.why ?? 'no address of our family'}`,
  }
}
