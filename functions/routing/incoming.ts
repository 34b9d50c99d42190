import type { CustomerFacts, NumberFacts, ProviderFacts, RouteDecision } from '#contract'
import { type Callee, calleeOf, isAccount, ringCallee } from './callee.ts'
import type { Configuration } from './configuration.ts'
import { type Draft, type DraftDestination, refuse, telAddress } from './draft.ts'
import { dialledName, readNumber } from './e164.ts'
import { countedOf, countIn, fullCallee } from './full.ts'
import type { Rung } from './rung.ts'
import { wentRound } from './went-round.ts'

/** Decides a call from a provider to a number of a customer: it rings the extension or trunk to which the number leads. */
export function decideIncoming(known: Draft, provider: ProviderFacts, rung: Rung): RouteDecision {
  const { number, e164 } = rung
  const { from: caller, to } = known.question
  const from = callerNumber(known, provider)
  known.customer_id = number.customer_id
  known.source = { ...telAddress(from ?? caller.user), name: caller.display }
  known.destination = telAddress(e164)
  known.number = { dialled: to.user, kind: 'number', e164, country: null }
  const circle = wentRound(known, countryOf(provider, known.book), e164)
  if (circle) return circle
  const callee = calleeOf(number, e164, known.book)
  if ('reason' in callee) return refuse(known, callee.status, callee.reason, callee.message)
  const customer = known.book.customer(number.customer_id)
  if (!customer) return refuse(known, 404, 'NUMBER_NOT_FOUND', `${e164} belongs to nobody any more.`)
  count(known, callee, customer)
  const place = placeOf(known, provider, number, from)
  return fullCallee(known) ?? ringCallee(known, callee, customer, { e164, from }, place)
}

/** The caller in E.164 where its provider's country lets it be read so. */
function callerNumber({ question, book }: Draft, provider: ProviderFacts): string | null {
  const country = countryOf(provider, book)
  for (const text of [question.from.asserted ?? '', question.from.user]) {
    const read = readNumber(text, country)
    if (read.kind === 'number') return read.e164
  }
  return null
}

function countryOf({ country, customer_id }: ProviderFacts, book: Configuration): string {
  return country ?? book.customer(customer_id)?.country ?? ''
}

/** Notes the called customer's limits and those of the extension or trunk that is rung. */
function count(known: Draft, callee: Callee, customer: CustomerFacts): void {
  const whole = { scope: { kind: 'customer', id: customer.id } as const, name: '', caps: customer.caps }
  countIn(known, [whole, ...(isAccount(callee) ? [countedOf(callee)] : [])])
  if (callee.kind === 'extension') known.extension_id = callee.one.id
  if (callee.kind === 'trunk') known.trunk_id = callee.one.id
}

/** What the callee sees of a caller from the phone network, and whose settings hold for its leg. */
function placeOf(
  { question }: Draft,
  { id: provider_id, transfer, dtmf, secure }: ProviderFacts,
  { id: number_id, record, record_announcement }: NumberFacts,
  from: string | null,
): Omit<DraftDestination, 'targets'> {
  const { user, display } = question.from
  const seen = { display, asserted: from, diverting: [], unverified: false, hidden: null }
  const caller_id = { user: from ?? dialledName(user), ...seen }
  return { number_id, provider_id, caller_id, transfer, dtmf, secure, record, record_announcement }
}
