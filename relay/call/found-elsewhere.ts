import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallEvents, Reachable } from './call-events.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { abandon, after, concluded } from './ending.ts'
import { alive, phonesFailed } from './failed-hunt.ts'
import { isRung } from './handed-on.ts'
import { ringNext } from './hunt.ts'
import { goesOn, over } from './hunts.ts'
import type { Call, Hunt } from './state.ts'

/** It does not ring yet: it begins with all of them. */
export function foundBefore(hunt: Hunt, { contacts, unreached }: Reachable): CallOrder[] {
  Object.assign(hunt, { contacts, unreached })
  return []
}

/** Those ring, too, which were not thought of; where none is left which could, it is over. */
export function foundElsewhere(
  call: Call,
  { hunt, reachable: { contacts, unreached } }: CallEvents['found'],
  endpoint: SipEndpoint,
): CallStep {
  const wasWaited = hunt.lookedAgain === 'asked'
  if (wasWaited) hunt.lookedAgain = 'answered'
  if (hunt.state !== 'hunting') return { effects: [] }
  hunt.unreached = unreached
  const left = leftRelays(call, hunt, contacts)
  const { ms, contacts: rounds } = hunt.rounds
  const more = contacts.filter((one) => !isRung(call, hunt, one))
  if (more.length > 0) hunt.rounds = { ms, contacts: [more, ...rounds] }
  if (more.length > 0) return after(left, ringNext(call, hunt, endpoint))
  if (!wasWaited || goesOn(call, hunt)) return { effects: [] }
  return rounds.length > 0 ? ringNext(call, hunt, endpoint) : over(call, hunt, endpoint, phonesFailed(hunt))
}

/** A phone which moved rings at one relay alone: at that which had it before, its flow may still lead to it. */
function leftRelays(call: Call, hunt: Hunt, contacts: Reachable['contacts']): CallOrder[] {
  const there = new Set(contacts.flatMap(({ relay }) => relay ?? []))
  if (there.size === 0) return []
  const left = alive(call, hunt).filter(
    ({ contact }) => contact?.relay !== undefined && !there.has(contact.relay),
  )
  for (const branch of left) concluded(call, branch, 0, 'the phone has moved', 'next')
  return left.flatMap((branch) => abandon(branch))
}
