import type { CustomerFacts, ExtensionFacts, RouteDecision } from '#contract'
import { type CallerId, callerIdFor, type Party } from './caller-id.ts'
import { candidatesFor } from './candidates.ts'
import { type Case, connect, extensionAddress, extensionTarget, refuse, telAddress } from './case.ts'
import { forbiddenTo } from './destinations.ts'
import { type Dialled, dialledName, readNumber } from './e164.ts'
import { fullness, limitsOf } from './limits.ts'
import { customerOf, trunkDomainOf } from './realm.ts'

type Number = Exclude<Dialled, { kind: 'nonsense' }>

/** Decides a call from an extension or a PBX: to an extension of the customer, or to the phone network. */
export function decideOutgoing(begun: Case, party: Party, customer: CustomerFacts): RouteDecision {
  const { question, book } = begun
  const country = (party.kind === 'trunk' ? party.trunk.country : null) ?? customer.country
  const dialled = readNumber(question.to.user, country)
  const known = { ...begun, ...identity(party, customer, begun), number: asRead(question.to.user, dialled) }
  const disabled = disabledCaller(party)
  if (disabled) return refuse(known, 403, disabled, `The calling ${party.kind} is disabled.`)
  const place = placeOf(known, customer)
  const callee = book.extensionNamed(customer.id, dialledName(question.to.user))
  if (callee && place !== 'foreign' && (place === 'own' || dialled.kind !== 'number'))
    return internal(known, party, customer, callee)
  if (place === 'foreign' || dialled.kind === 'nonsense') return nobody(known)
  return outside(known, party, customer, dialled, country)
}

/** Who calls, and in whose limits it counts. */
function identity(party: Party, customer: CustomerFacts, { live }: Case) {
  const one = party.kind === 'trunk' ? party.trunk : party.extension
  const counted = [
    { scope: { kind: 'customer', id: customer.id } as const, name: '', caps: customer.caps },
    { scope: { kind: party.kind, id: one.id } as const, name: one.name, caps: one.caps },
  ]
  return {
    customer_id: customer.id,
    extension_id: party.kind === 'extension' ? one.id : null,
    trunk_id: party.kind === 'trunk' ? one.id : null,
    source: addressOf(party),
    scopes: counted.map(({ scope }) => scope),
    limits: limitsOf(counted, live),
  }
}

function addressOf(party: Party) {
  if (party.kind === 'extension') return extensionAddress(party.extension)
  const { domain_name, name } = party.trunk
  return { type: 'sip' as const, target: domain_name, target_name: domain_name, name, detail: '' }
}

function asRead(dialled: string, read: Dialled): Case['number'] {
  return {
    dialled,
    kind: read.kind,
    e164: read.kind === 'number' ? read.e164 : null,
    country: read.kind === 'number' ? read.country : null,
  }
}

function disabledCaller(party: Party): string | undefined {
  if (party.kind === 'trunk') return party.trunk.enabled ? undefined : 'TRUNK_DISABLED'
  return party.extension.enabled ? undefined : 'EXTENSION_DISABLED'
}

/** Whether the caller dialled within its own domain, within somebody else's, or named no domain of ours. */
function placeOf({ question, book, live }: Case, customer: CustomerFacts): 'own' | 'foreign' | 'elsewhere' {
  const realm = customerOf(question.to.host, live.baseDomain)
  if (realm !== undefined) return realm === customer.id ? 'own' : 'foreign'
  const domain = trunkDomainOf(question.to.host, live.baseDomain)
  const trunk = domain === undefined ? undefined : book.trunkNamed(domain)
  return trunk?.customer_id === customer.id ? 'own' : 'elsewhere'
}

function internal(begun: Case, party: Party, customer: CustomerFacts, callee: ExtensionFacts): RouteDecision {
  const known: Case = {
    ...begun,
    direction: 'internal',
    destination: extensionAddress(callee),
    number: { dialled: begun.question.to.user, kind: 'extension', e164: null, country: null },
  }
  if (!callee.enabled) return refuse(known, 480, 'EXTENSION_DISABLED', 'The called extension is disabled.')
  const full = fullLimit(known)
  if (full) return full
  const { user, display } = nameOf(party, begun)
  return connect(known, `Rings extension ${callee.extension}.`, {
    targets: { kind: 'extension', extension: extensionTarget(callee, customer, begun.live) },
    caller_id: { user, display, asserted: null, unverified: false },
  })
}

/** Who calls where no number is shown. */
function nameOf(party: Party, { question: { from } }: Case) {
  if (party.kind === 'extension')
    return { user: party.extension.extension, display: from.display || party.extension.name }
  return {
    user: dialledName(from.user) || party.trunk.domain_name,
    display: from.display || party.trunk.name,
  }
}

/** Neither an extension of the customer's nor a number. */
function nobody(known: Case): RouteDecision {
  const { user } = known.question.to
  if (/^[+\d\s().-]+$/.test(dialledName(user))) {
    const message = `${user} is not a phone number that could exist.`
    return refuse({ ...known, destination: telAddress(user) }, 484, 'INVALID_NUMBER', message)
  }
  const destination = extensionAddress({ extension: user, name: '' })
  const message = `There is no extension ${user} in this realm.`
  return refuse({ ...known, direction: 'internal', destination }, 404, 'EXTENSION_NOT_FOUND', message)
}

function outside(
  begun: Case,
  party: Party,
  customer: CustomerFacts,
  dialled: Number,
  country: string,
): RouteDecision {
  const destination = telAddress(dialled.kind === 'number' ? dialled.e164 : dialled.digits)
  const reached: Case = { ...begun, destination }
  const forbidden = forbiddenTo(dialled, customer)
  if (forbidden) return refuse(reached, 403, forbidden.reason, forbidden.message)
  const shown = callerIdFor(begun.question, party, customer, country, begun.book)
  if ('reason' in shown) return refuse(reached, 403, shown.reason, shown.message)
  const known: Case = { ...reached, caller_id: shown }
  // No limit stops a call to a short number, for an emergency's is among them.
  const full = dialled.kind === 'short' ? undefined : fullLimit(known)
  return full ?? towards(known, party, customer, dialled, shown)
}

function towards(
  begun: Case,
  party: Party,
  customer: CustomerFacts,
  dialled: Number,
  { number, unverified }: Exclude<CallerId, { reason: string }>,
): RouteDecision {
  const { question, book, live } = begun
  const dialling = { callId: question.call_id, customer, dialled, shown: number }
  const { providers, candidates } = candidatesFor(dialling, book, live)
  const known: Case = { ...begun, candidates }
  const [first, ...others] = providers
  if (!first) return noProvider(known)
  const { user, display } = nameOf(party, begun)
  // A number which a PBX wrote without being allowed to must not come through as a name.
  const name = party.kind === 'trunk' ? party.trunk.domain_name : user
  return connect(known, `Tries ${providers.map((provider) => provider.name).join(', then ')}.`, {
    targets: { kind: 'providers', providers: [first, ...others] },
    caller_id: { user: number ?? name, display, asserted: number, unverified },
  })
}

/** A refusal where a limit of the caller's side is reached. */
function fullLimit(known: Case): RouteDecision | undefined {
  const full = known.limits.find(({ exceeded }) => exceeded)
  if (!full) return undefined
  const status = full.resource === 'daily_minutes' ? 403 : 503
  const whose = full.name === '' ? `The ${full.kind}` : `The ${full.kind} ${full.name}`
  const message = `${whose} is at its limit: ${fullness(full)}. Wait, or raise max_${full.resource}.`
  return refuse(known, status, `${full.resource.toUpperCase()}_EXCEEDED`, message)
}

function noProvider(known: Case): RouteDecision {
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
  return refuse(known, 404, 'NO_ROUTE', noRoute(candidates))
}

function noRoute(candidates: Case['candidates']): string {
  if (candidates.length === 0) return 'There is no route yet. Make one with POST /v1.0/routes.'
  const why = candidates.slice(0, 3).map(({ provider_name, why }) => `${provider_name || 'a route'}: ${why}`)
  const rest = candidates.length > 3 ? `, and ${candidates.length - 3} more in the explanation` : ''
  return `No route can be taken. ${why.join('; ')}${rest}.`
}
