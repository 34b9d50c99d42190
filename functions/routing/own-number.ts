import type { CustomerFacts, NumberFacts, RouteDecision } from '#contract'
import { type Callee, calleeOf, isAccount, ringCallee } from './callee.ts'
import type { Configuration } from './configuration.ts'
import { type Draft, type DraftDestination, refuse, telAddress } from './draft.ts'
import { countAlso, fullCallee, fullLimit } from './full.ts'
import { wentRound } from './went-round.ts'

/*
 * A customer's own call to one of its own numbers: it does what a call from outside would do there, and no carrier has it.
 */

/** A number of the customer's own which was called. */
export interface OwnNumber {
  readonly number: NumberFacts
  readonly e164: string
}

/**
 * The customer's own number which a call to `e164` is for. undefined: it is none, or one which leads nowhere; then the
 * call goes out as any other, since a number which is listed to be shown may be anywhere.
 */
export function ownNumber(customerId: string, e164: string, book: Configuration): OwnNumber | undefined {
  const isOwn = (one: NumberFacts) => one.customer_id === customerId && one.enabled && leadsSomewhere(one)
  const number = book.numbers(e164).find(isOwn) ?? book.ranges(e164).find(isOwn)
  return number && { number, e164 }
}

function leadsSomewhere({ extension_id, trunk_id, flow_id, destinations }: NumberFacts): boolean {
  return (extension_id ?? trunk_id ?? flow_id ?? destinations) !== null
}

/** Notes that the call stays in the house, and which of its numbers was called. */
export function noteOwn(known: Draft, { e164 }: OwnNumber): void {
  known.direction = 'internal'
  known.destination = telAddress(e164)
  known.own_number = e164
}

/** Decides a call to it, within the limits of who calls and of whom it rings; `place` says whom the callee sees. */
export function toOwnNumber(
  known: Draft,
  own: OwnNumber,
  customer: CustomerFacts,
  place: Omit<DraftDestination, 'targets'>,
): RouteDecision {
  const { number, e164 } = own
  noteOwn(known, own)
  const circle = wentRound(known, customer.country, e164)
  if (circle) return circle
  const callee = calleeOf(number, e164, known.book)
  if ('reason' in callee) return refuse(known, callee.status, callee.reason, callee.message)
  const full = fullLimit(known) ?? fullCalled(known, callee)
  if (full) return full
  const { id: number_id } = number
  const seen = { ...place, ...recordedFor(number, place), number_id }
  return ringCallee(known, callee, customer, { e164, from: null }, seen)
}

/** A refusal where the extension or PBX it leads to is full, which counts the call besides; undefined: there is room. */
function fullCalled(known: Draft, callee: Callee): RouteDecision | undefined {
  if (!isAccount(callee)) return undefined
  countAlso(known, callee)
  return fullCallee(known)
}

/** What is recorded of its calls, and what is said before: as the number says, else as who calls does. */
function recordedFor(
  number: NumberFacts,
  { record, record_announcement }: Omit<DraftDestination, 'targets'>,
) {
  return number.record === 'off'
    ? { record, record_announcement }
    : { record: number.record, record_announcement: number.record_announcement }
}
