import type { ConnectDecision, CustomerFacts, ExtensionFacts, RouteDecision, Scope } from '#contract'
import {
  type CallerId,
  type CallingParty,
  callbackOf,
  callerIdFor,
  divertingFor,
  type Party,
} from './caller-id.ts'
import { candidatesFor, type Dialling } from './candidates.ts'
import type { Configuration } from './configuration.ts'
import { forbiddenTo } from './destinations.ts'
import { connect, type Draft, type DraftDestination, extensionAddress, refuse, telAddress } from './draft.ts'
import { callingCode, type Dialled, readNumber } from './e164.ts'
import { isEmergency } from './emergency.ts'
import { fullLimit } from './full.ts'
import { suspicionOf } from './guard.ts'
import { isLimited, limitsOf } from './limits.ts'
import { ownNumber, toOwnNumber } from './own-number.ts'
import { customerOf, isRealmOf, trunkDomainOf } from './realm.ts'
import { toExtension } from './ringing.ts'
import { dialledName, plainly } from './spelling.ts'
import { withoutCode } from './star-codes.ts'

type Number = Exclude<Dialled, { kind: 'nonsense' }>

/** Decides a call from an extension or a PBX: to an extension or a number of the customer, or to the phone network. */
export function decideOutgoing(known: Draft, party: CallingParty, customer: CustomerFacts): RouteDecision {
  const { question, book } = known
  const country = (party.kind === 'trunk' ? party.trunk.country : null) ?? customer.country
  const { rest, hidden } = withoutCode(question.to.user)
  const dialled = readNumber(rest, country)
  known.hidden = hidden
  identify(known, party, customer)
  known.number = asRead(question.to.user, dialled)
  known.emergency = dialled.kind === 'short' && isEmergency(dialled.digits, country)
  const disabled = disabledCaller(party)
  if (disabled) return refuse(known, 403, disabled, `The calling ${party.kind} is disabled.`)
  const domain = domainOf(known, customer)
  const { emergency } = known
  const callee = emergency ? undefined : extensionDialled(rest, customer, book)
  if (callee && domain !== 'foreign' && (domain === 'own' || dialled.kind !== 'number' || isWord(rest)))
    return internal(known, party, customer, callee)
  if ((domain === 'foreign' && !emergency) || dialled.kind === 'nonsense') return nobody(known)
  const own = dialled.kind === 'number' ? ownNumber(customer.id, dialled.e164, book) : undefined
  if (own) return toOwnNumber(known, own, customer, insideFrom(known, party))
  return outside(known, party, customer, { dialled, country })
}

/** What is dialled to the phone network, and from which country. */
export interface Outside {
  dialled: Number
  country: string
}

/** Letters may stand for digits, but name an extension first. */
function isWord(dialled: string): boolean {
  return /[a-z]/i.test(dialledName(dialled))
}

/** No account begins with a plus, and looking for a text which was not read before is dear. */
function extensionDialled(
  dialled: string,
  { id }: CustomerFacts,
  book: Configuration,
): ExtensionFacts | undefined {
  return dialled.startsWith('+') ? undefined : book.extensionNamed(id, dialledName(dialled))
}

/** Notes who calls, and in whose limits it counts. */
function identify(known: Draft, party: CallingParty, customer: CustomerFacts): void {
  const one = party.kind === 'trunk' ? party.trunk : party.extension
  known.customer_id = customer.id
  if (party.kind === 'extension') known.extension_id = one.id
  else known.trunk_id = one.id
  known.source = addressOf(party)
  const [customers, own] = [scopeOf('customer', customer.id), scopeOf(party.kind, one.id)]
  known.scopes = [customers, own]
  if (!isLimited(customer) && !isLimited(one)) return
  const counted = [
    { scope: customers, name: '', caps: customer.caps, guard: customer.guard },
    { scope: own, name: one.name, caps: one.caps, guard: one.guard },
  ]
  known.limits = limitsOf(counted, known.live)
}

/** What the caller's own settings say of its leg: what it may ask, how it is sent keys, whether it is encrypted. */
function settingsOf(
  party: Party,
): Pick<ConnectDecision, 'transfer' | 'dtmf' | 'secure' | 'record' | 'record_announcement'> {
  const unrecorded = { record: undefined, record_announcement: undefined }
  if (party.kind === 'number')
    return { transfer: undefined, dtmf: undefined, secure: undefined, ...unrecorded }
  const { transfer, dtmf, secure } = party.kind === 'trunk' ? party.trunk : party.extension
  if (party.kind === 'trunk') return { transfer, dtmf, secure, ...unrecorded }
  const { record, record_announcement } = party.extension
  return { transfer, dtmf, secure, record, record_announcement }
}

function scopeOf(kind: Scope['kind'], id: string): Scope {
  return { kind, id }
}

function addressOf(party: CallingParty) {
  if (party.kind === 'extension') return extensionAddress(party.extension)
  const { domain_name, name } = party.trunk
  return { type: 'sip' as const, target: domain_name, target_name: domain_name, name, detail: '' }
}

function asRead(dialled: string, read: Dialled): Draft['number'] {
  return {
    dialled,
    kind: read.kind,
    e164: read.kind === 'number' ? read.e164 : null,
    country: read.kind === 'number' ? read.country : null,
  }
}

function disabledCaller(party: CallingParty): string | undefined {
  if (party.kind === 'trunk') return party.trunk.enabled ? undefined : 'TRUNK_DISABLED'
  return party.extension.enabled ? undefined : 'EXTENSION_DISABLED'
}

/** Whether the caller dialled within its own domain, within another customer's, or named no domain of ours. */
function domainOf({ question, book, live }: Draft, customer: CustomerFacts): 'own' | 'foreign' | 'elsewhere' {
  if (isRealmOf(question.to.host, customer.id, live.baseDomain)) return 'own'
  const realm = customerOf(question.to.host, live.baseDomain)
  if (realm !== undefined) return realm === customer.id ? 'own' : 'foreign'
  const domain = trunkDomainOf(question.to.host, live.baseDomain)
  const trunk = domain === undefined ? undefined : book.trunkNamed(domain)
  return trunk?.customer_id === customer.id ? 'own' : 'elsewhere'
}

function internal(
  known: Draft,
  party: CallingParty,
  customer: CustomerFacts,
  callee: ExtensionFacts,
): RouteDecision {
  known.direction = 'internal'
  known.destination = extensionAddress(callee)
  known.number = { dialled: known.question.to.user, kind: 'extension', e164: null, country: null }
  if (!callee.enabled)
    return refuse(known, 480, 'EXTENSION_DISABLED', `The extension ${callee.extension} is disabled.`)
  const full = fullLimit(known)
  if (full) return full
  return toExtension(known, callee, customer, insideFrom(known, party))
}

/** What the customer's own see of a caller, by the name under which they would call back; and its leg's settings. */
function insideFrom(known: Draft, party: CallingParty): Omit<DraftDestination, 'targets'> {
  const { user, display } = nameOf(party, known, true)
  const { hidden } = known
  const caller_id = { user, display, asserted: null, diverting: [], unverified: false, hidden }
  return { caller_id, ...settingsOf(party) }
}

/** Who calls where no number is shown; the name it gives itself is taken where it may be, else its customer's for it. */
function nameOf(party: Party, { question: { from } }: Draft, mayClaim: boolean) {
  const claimed = mayClaim ? from.display : ''
  if (party.kind === 'number') return { user: party.number, display: claimed }
  if (party.kind === 'extension')
    return { user: party.extension.extension, display: claimed || party.extension.name }
  return { user: dialledName(from.user) || party.trunk.domain_name, display: claimed || party.trunk.name }
}

/** Neither an extension of the customer's nor a number. */
function nobody(known: Draft): RouteDecision {
  const { user } = known.question.to
  const text = plainly(user)
  if (/^[+\d]*[*#]/.test(text)) {
    known.destination = telAddress(user)
    return refuse(known, 404, 'SERVICE_CODE_UNKNOWN', unknownCode(user))
  }
  if (/^(\+?\d+$|\+\d|\d{7})/.test(text)) {
    known.destination = telAddress(user)
    return refuse(known, 484, 'INVALID_NUMBER', `${user} is not a phone number that could exist.`)
  }
  known.direction = 'internal'
  known.destination = extensionAddress({ extension: user, name: '' })
  return refuse(known, 404, 'EXTENSION_NOT_FOUND', `There is no extension ${user} in this realm.`)
}

function unknownCode(code: string): string {
  return `${code} is no service code we know: *67 or #31# before a number hides the caller id, *82 or *31# shows it.`
}

/** Decides a call to the phone network, on whosever behalf: allowed, within the limits, by which providers. */
export function outside(known: Draft, party: Party, customer: CustomerFacts, to: Outside): RouteDecision {
  const { dialled, country } = to
  const { emergency } = known
  known.destination = telAddress(dialled.kind === 'number' ? dialled.e164 : dialled.digits)
  // Who helps must be able to call back.
  if (emergency) known.hidden = false
  const forbidden = emergency ? undefined : forbiddenTo(dialled, customer)
  if (forbidden) return refuse(known, 403, forbidden.reason, forbidden.message)
  const suspicion = emergency ? undefined : suspicionOf(party, customer, dialled)
  if (suspicion) known.suspicion = suspicion
  if (suspicion?.refused) return refuse(known, 403, suspicion.reason, suspicion.message)
  const rules = emergency ? { ...customer, require_caller_id: false } : customer
  const shown =
    (emergency && callbackOf(party, rules, known.book)) ||
    callerIdFor(known.question, party, rules, country, known.book)
  if ('reason' in shown) return refuse(known, 403, shown.reason, shown.message)
  known.caller_id = known.hidden ? { ...shown, why: `${shown.why}; it is hidden for this call` } : shown
  const full = emergency ? undefined : fullLimit(known)
  if (full) return full
  const diverting = divertingFor(known.question, party, customer, country, known.book)
  return towards(known, party, customer, to, { ...shown, diverting })
}

function towards(
  known: Draft,
  party: Party,
  customer: CustomerFacts,
  { dialled, country }: Outside,
  { number, unverified, diverting }: Exclude<CallerId, { reason: string }> & { diverting: string[] },
): RouteDecision {
  const zone = dialled.kind === 'short' ? `+${callingCode(country) ?? '1'}` : ''
  const place = known.emergency && party.kind === 'extension' ? party.extension.emergency?.place : null
  const dialling: Dialling = {
    callId: known.question.call_id,
    customer,
    dialled,
    zone,
    emergency: known.emergency,
    place: place ?? null,
    shown: number,
    original: originalOf(known),
  }
  const { providers, candidates, leftOut } = candidatesFor(dialling, known.book, known.live)
  known.candidates = candidates
  known.left_out = leftOut
  if (providers.length === 0) return noProvider(known)
  const { user, display } = nameOf(party, known, customer.pass_display_name)
  // A number which a PBX wrote without being allowed to must not come through as a name.
  const name = party.kind === 'trunk' ? party.trunk.domain_name : user
  return connect(known, `Tries ${providers.map(({ name }) => name).join(', then ')}.`, {
    targets: { kind: 'providers', providers },
    ...settingsOf(party),
    caller_id: {
      user: number ?? name,
      display,
      asserted: number,
      diverting,
      unverified,
      hidden: known.hidden,
    },
  })
}

/**
 * The caller of a call which is sent on, for providers who hear on whose behalf it comes; null: there is no such number.
 * One which is not asserted is what a flow or a PBX wrote: it may be any number.
 */
function originalOf({ question: { caller, from } }: Draft): string | null {
  const number = from.asserted ?? ''
  return caller.kind === 'forwarder' && /^\+\d{5,15}$/.test(number) ? number : null
}

function noProvider(known: Draft): RouteDecision {
  const { candidates } = known
  const full = candidates.filter(
    ({ code }) => code === 'CHANNELS' || code === 'CPS' || code === 'DAILY_MINUTES',
  )
  if (full.length > 0) {
    const who = full.map(({ provider_name, why }) => `${provider_name} (${why})`).join(', ')
    return refuse(
      known,
      503,
      'ALL_PROVIDERS_FULL',
      `Every provider that could take the call is full: ${who}.`,
    )
  }
  return refuse(known, 404, 'NO_ROUTE', noRoute(known))
}

function noRoute({ candidates, number, destination }: Draft): string {
  if (candidates.length === 0) return 'There is no route yet. Make one with POST /v1.0/routes.'
  const why = candidates.slice(0, 3).map(({ provider_name, why }) => `${provider_name || 'a route'}: ${why}`)
  const rest = candidates.length > 3 ? `, and ${candidates.length - 3} more in the explanation` : ''
  const wanted = `Give one the target ${destination.target}, the country’s calling code or all.`
  return `No route can be taken. ${why.join('; ')}${rest}.${number?.kind === 'short' ? ` ${wanted}` : ''}`
}
