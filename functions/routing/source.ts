import {
  type NumberFacts,
  PLATFORM,
  type Port,
  type ProviderFacts,
  portNumber,
  type RouteQuestion,
  type TrunkFacts,
} from '#contract'
import type { Configuration } from './configuration.ts'
import { trunkDomainOf } from './realm.ts'
import { caught, isOwned, type Match, type Rung, rungBy, whoseIs } from './rung.ts'
import { asThere, isByHost } from './there.ts'

/** Who is behind an address, and by which rule; or what was tried in vain. */
type Source =
  | { kind: 'provider'; provider: ProviderFacts; rung: Rung; rule: string; why: string }
  | { kind: 'trunk'; trunk: TrunkFacts; rule: string; why: string }
  | {
      kind: 'nobody'
      status: number
      reason: string
      message: string
      why: string
      customer_id: string | null
    }

type Sender = Extract<RouteQuestion['caller'], { kind: 'source' }>

/**
 * Recognises who calls from an address: by the token of a registration, by a trunk's domain, by address and
 * number, by the address alone.
 *
 * An address is no customer's by being listed: where several customers list one, only a number which is assigned decides
 * against the others, and else who was there first; what may be either's is refused rather than given to the wrong one.
 */
export function recognise(
  { to }: RouteQuestion,
  sender: Sender,
  book: Configuration,
  baseDomain: string,
): Source {
  const { address, port, line } = sender
  const registered = line === null ? undefined : book.line(line)
  if (registered) return byToken(registered, to.user, book)
  const domain = trunkDomainOf(to.host, baseDomain)
  const named = domain === undefined ? undefined : book.trunkNamed(domain)
  if (named) return byDomain(named, to.host, address, book)
  const there = book
    .providersAt(address)
    .map((provider) => asThere(provider, address))
    .sort(eldestFirst)
  const providers = likely(there, port)
  const trunks = trunksAt(address, there, book)
  const rung = rungBy(providers, to.user, book)
  if (rung === 'contested' || (rung && (!givesWay(trunks[0], rung) || isDisputed(rung, there, book))))
    return contested(to.user, address)
  if (rung) return { kind: 'provider', ...rung, ...words('source_and_number', sender, rung, there) }
  const owner = whoseIs(there, to.user, book)
  const taking = takenBy(takers(providers), to.user, address, owner, book)
  if (taking && isBefore(taking, trunks[0]))
    return { kind: 'provider', ...taking, ...words('source', sender, taking, there) }
  if (trunks.length > 0) return byTrunks(trunks, address, baseDomain)
  if (providers.length === 0) return unknown(sender, owner)
  return isAmong(there, owner)
    ? noneRung(providers, to.user, address, owner)
    : unlisted(sender, to.user, owner)
}

/** The trunks of the customer who was first to call from an address; none where a carrier of the platform's does. */
function trunksAt(address: string, there: readonly ProviderFacts[], book: Configuration): TrunkFacts[] {
  if (there.some(({ customer_id }) => customer_id === PLATFORM)) return []
  const trunks = [...book.trunksAt(address)].sort(
    (a, b) => Number(b.enabled) - Number(a.enabled) || eldestFirst(a, b),
  )
  return trunks.filter(({ customer_id }) => customer_id === trunks[0]?.customer_id)
}

/** Whether a call cannot be another customer's trunk's as well, which calls from the same address. */
function givesWay(trunk: TrunkFacts | undefined, { provider, rung }: Match): boolean {
  if (!trunk?.enabled || trunk.customer_id === provider.customer_id) return true
  return rung.number.ownership === 'assigned' || ageOf(provider) < ageOf(trunk)
}

/**
 * Whether a number which a call proved is claimed by another as well who was there first: that call came over a server
 * of its customer's choice, so that it says nothing about this carrier.
 */
function isDisputed(
  { provider, rung }: Match,
  there: readonly ProviderFacts[],
  book: Configuration,
): boolean {
  const { number, e164 } = rung
  if (number.ownership !== 'verified') return false
  const elders = there.filter((other) => ageOf(other) < ageOf(provider))
  const claims = [...book.numbers(e164), ...book.ranges(e164)]
  return claims.some(
    ({ customer_id: claimant }) =>
      claimant !== number.customer_id && elders.some(({ customer_id }) => customer_id === claimant),
  )
}

/** Whether a catch-all of one customer goes before a trunk of another. */
function isBefore(taking: Match, trunk: TrunkFacts | undefined): boolean {
  if (trunk === undefined) return true
  return trunk.customer_id !== taking.provider.customer_id && ageOf(taking.provider) < ageOf(trunk)
}

/** It came to the contact we registered there, so it is this provider, wherever it calls from. */
function byToken(provider: ProviderFacts, dialled: string, book: Configuration): Source {
  const why = `it came to the contact we registered at ${provider.name}`
  const match = rungBy([provider], dialled, book)
  const rung = match === 'contested' ? undefined : (match?.rung ?? caught(provider, dialled, book)[0])
  if (rung) return { kind: 'provider', provider, rung, rule: 'registration_token', why }
  return notRung([provider], dialled, why)
}

function byDomain(trunk: TrunkFacts, host: string, address: string, book: Configuration): Source {
  if (book.trunksAt(address).some(({ id }) => id === trunk.id))
    return { kind: 'trunk', trunk, rule: 'source', why: `${address} may call for the trunk of ${host}` }
  const message = `${address} is not among the allowed_ips of the trunk whose domain is ${host}.`
  const why = `rule source failed: ${message}`
  return {
    kind: 'nobody',
    status: 403,
    reason: 'UNKNOWN_SOURCE',
    message,
    why,
    customer_id: trunk.customer_id,
  }
}

function byTrunks(trunks: readonly TrunkFacts[], address: string, baseDomain: string): Source {
  const [trunk, ...others] = [...trunks].sort((a, b) => (a.id < b.id ? -1 : 1))
  if (trunk && others.length === 0) {
    const why = `${address} is an address of the trunk ${trunk.name || trunk.domain_name} only`
    return { kind: 'trunk', trunk, rule: 'source', why }
  }
  const domains = trunks.map(({ domain_name }) => `${domain_name}.trunk.${baseDomain}`).sort()
  const message = `Several trunks call from ${address}. Call to the domain of one of them: ${domains.slice(0, 3).join(', ')}.`
  return ambiguous(message, trunks)
}

/** Who may take whatever comes from an address: where a carrier of the platform's is, only the platform's. */
function takers(providers: readonly ProviderFacts[]): readonly ProviderFacts[] {
  const platforms = providers.filter(({ customer_id }) => customer_id === PLATFORM)
  return platforms.length > 0 ? platforms : providers
}

/** No number led anywhere: the provider which takes all that comes from there, the oldest where several do. */
function takenBy(
  providers: readonly ProviderFacts[],
  dialled: string,
  address: string,
  owner: NumberFacts | undefined,
  book: Configuration,
): Match | undefined {
  for (const provider of providers) {
    const [rung] = caught(provider, dialled, book)
    if (rung && mayTake(rung, owner, isByHost(provider, address))) return { provider, rung }
  }
  return undefined
}

/** What is assigned to another is not for the provider which takes the rest; nor what is proved, where only a name leads there. */
function mayTake({ number }: Rung, owner: NumberFacts | undefined, byHost: boolean): boolean {
  if (owner === undefined || owner.customer_id === number.customer_id) return true
  return byHost ? !isOwned(owner) : owner.ownership !== 'assigned'
}

/** Whether a number is of a customer who has a provider there, as all have the platform's; or of none. */
function isAmong(there: readonly ProviderFacts[], owner: NumberFacts | undefined): boolean {
  return there.some(({ customer_id: id }) => !owner || id === owner.customer_id || id === PLATFORM)
}

function noneRung(
  providers: readonly ProviderFacts[],
  dialled: string,
  address: string,
  owner: NumberFacts | undefined,
): Source {
  const customers = new Set(providers.map(({ customer_id }) => customer_id))
  if (owner && customers.has(PLATFORM)) return unassigned(dialled, address, owner)
  if (customers.size === 1)
    return notRung(providers, dialled, `${address} is an address of ${named(providers)}`)
  const message = `${address} is the address of several providers, and ${dialled} is a number of none of their customers.`
  return ambiguous(message, providers)
}

function contested(dialled: string, address: string): Source {
  const message = `${dialled} may be for several customers who list ${address}, and is assigned to none. Have an administrator assign it, register at the provider, or call to the trunk’s domain.`
  return ambiguous(message, [])
}

/** Who of each customer's providers at an address may be calling: those whose port it is, if any. */
function likely(there: readonly ProviderFacts[], port: Port): ProviderFacts[] {
  const calls = (provider: ProviderFacts) => portOf(provider) === port
  return there.filter((one) => calls(one) || !rivals(one, there).some(calls))
}

/** The same customer's other providers there. */
function rivals({ id, customer_id }: ProviderFacts, there: readonly ProviderFacts[]): ProviderFacts[] {
  return there.filter((other) => other.customer_id === customer_id && other.id !== id)
}

/** Where a provider listens which names no port (RFC 3261 §19.1.2). */
const sip = portNumber(5060)

function portOf({ port }: ProviderFacts): Port {
  return port ?? sip
}

function eldestFirst(a: Aged, b: Aged): number {
  return ageOf(a) < ageOf(b) ? -1 : 1
}

interface Aged {
  created_at: string
  id: string
}

function ageOf({ created_at, id }: Aged): string {
  return `${created_at} ${id}`
}

function words(
  listed: string,
  { address, port }: Sender,
  { provider, rung }: Match,
  there: readonly ProviderFacts[],
) {
  const byHost = isByHost(provider, address)
  const through =
    rung.number.number === 'any'
      ? 'whatever comes from there is taken'
      : `${rung.e164} is a number it may ring`
  const where = byHost ? `of ${provider.hostname}, the host of ${provider.name}` : `of ${provider.name}`
  const why = `${address} is an address ${where}, and ${through}`
  return {
    rule: byHost ? 'host' : listed,
    why: `${why}${preferred(provider, rivals(provider, there), port)}`,
  }
}

/** Why this one, where the same customer has others there. */
function preferred(provider: ProviderFacts, others: ProviderFacts[], port: Port): string {
  if (others.length === 0) return ''
  if (portOf(provider) === port && !others.some((other) => portOf(other) === port))
    return `; the call comes from its port ${port}, not from that of ${named(others)}`
  return `; ${named(others)} could be meant as well, and ${provider.name} is the oldest which takes it`
}

/** The called number's customer hears what to do; the caller does not hear that the number is a customer's. */
function unknown({ address, line }: Sender, owner: NumberFacts | undefined): Source {
  const message = `No provider or trunk calls from ${address}.`
  const token =
    line === null ? 'it came to no contact of ours at a provider' : `${line} is no contact of ours`
  const why = `rule registration_token failed: ${token}; rules host, source_and_number and source failed: ${message}`
  const known = { kind: 'nobody', status: 403, reason: 'UNKNOWN_SOURCE', message } as const
  if (owner === undefined) return { ...known, why, customer_id: null }
  return { ...known, why: `${why} ${advice(address)}`, customer_id: owner.customer_id }
}

/** The address is known, but not as one of the called number's customer. */
function unlisted({ address }: Sender, dialled: string, owner: NumberFacts | undefined): Source {
  const message = `${dialled} may not be rung from ${address}: no provider of its customer calls from there.`
  const why = `rules host, source_and_number and source failed: ${message} ${advice(address)}`
  const customer_id = owner?.customer_id ?? null
  return { kind: 'nobody', status: 403, reason: 'UNLISTED_SOURCE', message, why, customer_id }
}

/** The platform's carriers ring what an administrator assigned. */
function unassigned(dialled: string, address: string, { customer_id }: NumberFacts): Source {
  const message = `${dialled} is not a number that the platform’s provider may ring.`
  const why = `${address} is an address of the platform’s; rule source_and_number failed: ${message} Have an administrator assign it.`
  return { kind: 'nobody', status: 404, reason: 'NUMBER_NOT_FOUND', message, why, customer_id }
}

function advice(address: string): string {
  return `If your carrier calls from ${address}, add it to the provider’s inbound_addresses.`
}

function notRung(providers: readonly ProviderFacts[], dialled: string, known: string): Source {
  const message = `${dialled} is not a number that ${named(providers)} may ring.`
  const why = `${known}; rule source_and_number failed: ${message} If it is yours, list it with POST /v1.0/numbers.`
  const customer_id = onlyCustomer(providers)
  return { kind: 'nobody', status: 404, reason: 'NUMBER_NOT_FOUND', message, why, customer_id }
}

function ambiguous(message: string, those: readonly { customer_id: string }[]): Source {
  const why = `rules source_and_number and source failed: ${message}`
  const customer_id = onlyCustomer(those)
  return { kind: 'nobody', status: 403, reason: 'AMBIGUOUS_SOURCE', message, why, customer_id }
}

/** Whose call it is where only one customer can be meant. */
function onlyCustomer(those: readonly { customer_id: string }[]): string | null {
  const [only, ...others] = new Set(those.map(({ customer_id }) => customer_id))
  return only !== undefined && others.length === 0 && only !== PLATFORM ? only : null
}

function named(providers: readonly ProviderFacts[]): string {
  return providers.map(({ name }) => name || 'this provider').join(' or ')
}
