import type { CustomerFacts, ExtensionFacts, NumberFacts, RouteQuestion, TrunkFacts } from '#contract'
import type { Configuration } from './configuration.ts'
import { readNumber } from './e164.ts'

/** Who makes the call: an extension, or a PBX. */
export type CallingParty =
  | { kind: 'extension'; extension: ExtensionFacts }
  | { kind: 'trunk'; trunk: TrunkFacts }

/** On whose behalf a call goes out: of the one who makes it, or of a number (E.164) which sends it on. */
export type Party = CallingParty | { kind: 'number'; number: string }

/** What the callee sees, or why the call may not be made. */
export type CallerId =
  | { number: string | null; from: string; unverified: boolean; why: string }
  | { reason: 'CALLER_ID_REQUIRED' | 'CALLER_ID_NOT_OWNED'; message: string }

/**
 * Chooses the caller id: the number asked for where the caller may show it, else the caller's own, the
 * customer's default, the only one there is; else a name, which no provider vouches for.
 */
export function callerIdFor(
  question: RouteQuestion,
  party: Party,
  customer: CustomerFacts,
  country: string,
  book: Configuration,
): CallerId {
  const asked = askedNumber(question, country)
  if (asked !== undefined && mayShow(asked, party, customer, book))
    return shown(asked, 'asked', `${asked} was asked for, and is the customer’s`)
  if (asked !== undefined && party.kind === 'trunk' && customer.require_caller_id)
    return { reason: 'CALLER_ID_NOT_OWNED', message: notOwned(asked, party.trunk) }
  const instead = asked === undefined ? '' : `; ${asked} was asked for and ${notShown(asked, customer, book)}`
  const own = ownNumber(party, customer, book)
  if (own) return shown(own, party.kind, `it is the ${party.kind}’s own${instead}`)
  if (customer.default_number)
    return shown(customer.default_number, 'default', `it is the customer’s default${instead}`)
  if (customer.only_number)
    return shown(customer.only_number, 'only', `it is the only number of the customer${instead}`)
  if (customer.require_caller_id) return { reason: 'CALLER_ID_REQUIRED', message: required(party) }
  const why = `${noneToShow(customer)}${instead}`
  return { number: null, from: 'none', unverified: true, why }
}

/** Where who helps calls back, if the extension says so and the number is still the customer's; undefined: it does not. */
export function callbackOf(
  party: Party,
  customer: CustomerFacts,
  book: Configuration,
): Exclude<CallerId, { reason: string }> | undefined {
  const number = party.kind === 'extension' ? party.extension.emergency?.callback_number : undefined
  if (!number || !owns(customer, number, book)) return undefined
  return shown(number, 'emergency', `${number} is where to call the extension back in an emergency`)
}

/** Of those a PBX says it calls for, the ones which are its customer's: a provider may hear of no others. */
export function divertingFor(
  { from }: RouteQuestion,
  party: Party,
  customer: CustomerFacts,
  country: string,
  book: Configuration,
): string[] {
  if (party.kind !== 'trunk') return []
  return from.diverting.filter((user) => {
    const read = readNumber(user, country)
    return read.kind === 'number' && owns(customer, read.e164, book)
  })
}

function shown(number: string, from: string, why: string): Exclude<CallerId, { reason: string }> {
  return { number, from, unverified: false, why }
}

/** The number the caller itself named: asserted (RFC 3325), or else in From. */
function askedNumber({ from }: RouteQuestion, country: string): string | undefined {
  for (const text of [from.asserted ?? '', from.user]) {
    const read = readNumber(text, country)
    if (read.kind === 'number') return read.e164
  }
  return undefined
}

function mayShow(asked: string, party: Party, customer: CustomerFacts, book: Configuration): boolean {
  const any = party.kind !== 'trunk' || party.trunk.caller_ids.length === 0
  return (any || party.trunk.caller_ids.includes(asked)) && owns(customer, asked, book)
}

/** Whether a number is the customer's, by itself or within a range; what it only claims is not. */
function owns(customer: CustomerFacts, e164: string, book: Configuration): boolean {
  return listed(customer, e164, book).some(({ ownership }) => ownership !== 'claimed')
}

function listed(customer: CustomerFacts, e164: string, book: Configuration): NumberFacts[] {
  return [...book.numbers(e164), ...book.ranges(e164)].filter(
    ({ customer_id, enabled }) => customer_id === customer.id && enabled,
  )
}

function notShown(asked: string, customer: CustomerFacts, book: Configuration): string {
  const claimed = listed(customer, asked, book).length > 0 && !owns(customer, asked, book)
  return claimed ? `is only claimed: ${unproved}` : 'may not be shown'
}

const unproved =
  'it is shown once a call to it came in over a provider of the customer’s own, or an administrator assigned it'

function ownNumber(party: Party, customer: CustomerFacts, book: Configuration): string | null | undefined {
  return ownNumbers(party).find((number) => number !== null && owns(customer, number, book))
}

function ownNumbers(party: Party): readonly (string | null)[] {
  if (party.kind === 'number') return [party.number]
  return party.kind === 'trunk' ? party.trunk.caller_ids : [party.extension.caller_id]
}

function notOwned(asked: string, { id, caller_ids }: TrunkFacts): string {
  const choice =
    caller_ids.length > 0
      ? `Show one of ${caller_ids.slice(0, 5).join(', ')}, or add it to caller_ids with PATCH /v1.0/trunks/${id}.`
      : 'Show a number of the customer’s, or add this one with POST /v1.0/numbers.'
  return `${asked} is no number this trunk may show, and the customer requires a caller id. ${choice}`
}

/** Numbers which are not owned count for no country: the customer may have some of those. */
function noneToShow({ number_countries }: CustomerFacts): string {
  return number_countries.length === 0
    ? 'the customer has no number to show'
    : 'nothing says which of its numbers the customer shows: set a caller_id, or default_outgoing_number_id by PATCH /v1.0/customer'
}

function required({ kind }: Party): string {
  const field = kind === 'trunk' ? 'caller_ids' : 'a caller_id'
  return `The customer requires a caller id and has none: give the ${kind} ${field} or set a default number.`
}
