import type { Address, Consideration, ProviderTarget, RouteDecision, RouteQuestion } from '#contract'
import { type Dialled, readNumber } from './e164.ts'
import type { CustomerFacts, OutboundFacts } from './facts.ts'
import { considered } from './provider-target.ts'
import { customerOf } from './realm.ts'
import { extensionAddress, extensionTarget, rejection, telAddress } from './words.ts'

type Caller = NonNullable<OutboundFacts['caller']>

/** Decides a call from an extension: to another extension of its realm, or to the phone network. */
export function decideOutbound(
  question: RouteQuestion,
  facts: OutboundFacts,
  baseDomain: string,
): RouteDecision {
  const { customer, caller, callee } = facts
  const source = caller
    ? extensionAddress(caller)
    : extensionAddress({ extension: question.from.user, name: '' })
  const unread = { source, destination: telAddress(question.to.user), customer_id: customer?.id ?? null }
  if (!customer || !caller) {
    return rejection(403, 'CALLER_UNKNOWN', 'The calling extension no longer exists.', {
      ...unread,
      direction: 'outgoing',
    })
  }
  if (!caller.enabled) {
    return rejection(403, 'EXTENSION_DISABLED', 'The calling extension is disabled.', {
      ...unread,
      direction: 'outgoing',
    })
  }
  const dialled = readNumber(question.to.user, customer.country)
  const realm = customerOf(question.to.host, baseDomain)
  const stranger = realm !== undefined && realm !== customer.id
  if (callee && !stranger && (realm !== undefined || dialled.kind !== 'number')) {
    return internal(question, customer, caller, callee, baseDomain)
  }
  if (stranger || dialled.kind === 'nonsense') return nobody(question, customer, source)
  return outgoing(question, facts, customer, caller, dialled)
}

function internal(
  question: RouteQuestion,
  customer: CustomerFacts,
  caller: Caller,
  callee: NonNullable<OutboundFacts['callee']>,
  baseDomain: string,
): RouteDecision {
  const known = {
    customer_id: customer.id,
    direction: 'internal' as const,
    source: extensionAddress(caller),
    destination: extensionAddress(callee),
    explanation: null,
    scopes: [],
    extension_id: caller.id,
    trunk_id: null,
  }
  if (!callee.enabled) return rejection(480, 'EXTENSION_DISABLED', 'The called extension is disabled.', known)
  const display = question.from.display || caller.name
  return {
    kind: 'connect',
    targets: { kind: 'extension', extension: extensionTarget(callee, customer.id, baseDomain) },
    caller_id: { user: caller.extension, display, asserted: null, unverified: false },
    number_id: null,
    provider_id: null,
    ...known,
  }
}

/** Neither an extension of the customer's nor a number. */
function nobody({ to }: RouteQuestion, customer: CustomerFacts, source: Address): RouteDecision {
  const known = { customer_id: customer.id, source }
  if (/^[+\d\s().-]+$/.test(to.user)) {
    const place = { ...known, direction: 'outgoing' as const, destination: telAddress(to.user) }
    return rejection(484, 'INVALID_NUMBER', `${to.user} is not a phone number that could exist.`, place)
  }
  const destination = extensionAddress({ extension: to.user, name: '' })
  const place = { ...known, direction: 'internal' as const, destination }
  return rejection(404, 'EXTENSION_NOT_FOUND', `There is no extension ${to.user} in this realm.`, place)
}

function outgoing(
  question: RouteQuestion,
  facts: OutboundFacts,
  customer: CustomerFacts,
  caller: Caller,
  dialled: Exclude<Dialled, { kind: 'nonsense' }>,
): RouteDecision {
  const known = {
    customer_id: customer.id,
    direction: 'outgoing' as const,
    source: extensionAddress(caller),
    destination: telAddress(dialled.kind === 'number' ? dialled.e164 : dialled.digits),
  }
  const forbidden = refusedCountry(dialled, customer)
  if (forbidden !== undefined) return rejection(403, 'DESTINATION_NOT_ALLOWED', forbidden, known)
  const shown = facts.callerIds.own ?? facts.callerIds.default ?? facts.callerIds.only
  if (shown === null && customer.require_caller_id) {
    const message =
      'The customer requires a caller id and has none: give the extension a caller_id or set a default number.'
    return rejection(403, 'CALLER_ID_REQUIRED', message, known)
  }
  const { providers, explanation } = considered(facts.routes, dialled, question)
  if (providers.length === 0) return rejection(404, 'NO_ROUTE', noRoute(explanation), known)
  return {
    kind: 'connect',
    targets: { kind: 'providers', providers: providers as [ProviderTarget, ...ProviderTarget[]] },
    caller_id: {
      user: shown ?? caller.extension,
      display: question.from.display || caller.name,
      asserted: shown,
      unverified: shown === null,
    },
    number_id: null,
    provider_id: null,
    explanation: null,
    scopes: [],
    extension_id: caller.id,
    trunk_id: null,
    ...known,
  }
}

/** Why the country may not be called; undefined where it may. Short numbers stay in their country. */
function refusedCountry(dialled: Dialled, customer: CustomerFacts): string | undefined {
  if (dialled.kind !== 'number') return undefined
  const allowed = customer.allowed ?? [customer.country, ...customer.number_countries]
  if (dialled.country !== null && allowed.includes(dialled.country)) return undefined
  const country = dialled.country?.toLowerCase()
  if (country === undefined)
    return `${dialled.e164} belongs to no country, and only countries can be allowed.`
  return `Calls to ${country} are not allowed. To allow them add "${country}" to destination_whitelist with PUT /v1.0/customer.`
}

function noRoute(explanation: Consideration[]): string {
  return explanation.length === 0
    ? 'There is no route yet. Make one with POST /v1.0/routes.'
    : 'No route can be taken; the explanation says of each why not.'
}
