import {
  type NumberFacts,
  PLATFORM,
  type ProviderFacts,
  type RouteQuestion,
  type TrunkFacts,
} from '#contract'
import type { Book } from './book.ts'
import { callingCode, dialledName, internationalReadings, nationalReadings, readNumber } from './e164.ts'
import { trunkDomainOf } from './realm.ts'

/** The number a call rings, and how it was read. */
export interface Rung {
  number: NumberFacts
  /** The called number in E.164; as dialled where it could not be read. */
  e164: string
}

/** Who is behind an address, and by which rule; or what was tried in vain. */
export type Source =
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
 * number, by the address alone where it is one party's only.
 */
export function recognise({ to }: RouteQuestion, sender: Sender, book: Book, baseDomain: string): Source {
  const { address, port, line } = sender
  const registered = line === null ? undefined : book.line(line)
  if (registered) return byToken(registered, to.user, book)
  const domain = trunkDomainOf(to.host, baseDomain)
  const named = domain === undefined ? undefined : book.trunkNamed(domain)
  if (named) return byDomain(named, to.host, address, book)
  const there = book.providersAt(address)
  const providers = likely(there, port)
  const rung = providers.length === 0 ? undefined : rungBy(providers, to.user, book)
  if (rung) return { kind: 'provider', ...rung, ...words('source_and_number', sender, rung, there) }
  const trunks = book.trunksAt(address)
  if (trunks.length > 0) return byTrunks(trunks, address, baseDomain)
  if (providers.length === 0) return unknown(address, line)
  return byAddress(providers, to.user, sender, book, there)
}

/** It came to the contact we registered there, so it is this provider, wherever it calls from. */
function byToken(provider: ProviderFacts, dialled: string, book: Book): Source {
  const why = `it came to the contact we registered at ${provider.name}`
  const rung = rungBy([provider], dialled, book)?.rung ?? caught(provider, dialled, book)[0]
  if (rung) return { kind: 'provider', provider, rung, rule: 'registration_token', why }
  return notRung([provider], dialled, why)
}

function byDomain(trunk: TrunkFacts, host: string, address: string, book: Book): Source {
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

/** No number led anywhere: whoever takes all that comes from there, if that is one. */
function byAddress(
  providers: readonly ProviderFacts[],
  dialled: string,
  sender: Sender,
  book: Book,
  there: readonly ProviderFacts[],
): Source {
  const { address } = sender
  const taking = providers
    .flatMap((provider) => caught(provider, dialled, book).map((rung) => ({ provider, rung })))
    .filter(
      ({ rung: { number } }, at, all) => at === all.findIndex(({ rung }) => isSame(rung.number, number)),
    )
  const [only, ...others] = taking
  if (only && others.length === 0)
    return { kind: 'provider', ...only, ...words('source', sender, only, there) }
  const customers = new Set(providers.map(({ customer_id }) => customer_id))
  if (only || customers.size > 1) {
    const message = `${address} is the address of several providers, and ${dialled} is a number of none of their customers.`
    return ambiguous(message, providers)
  }
  return notRung(providers, dialled, `${address} is an address of ${named(providers)}`)
}

/** The number dialled, and the provider it came from: exact numbers before ranges, the owner's provider before the platform's. */
function rungBy(providers: readonly ProviderFacts[], dialled: string, book: Book) {
  for (const among of ['numbers', 'ranges'] as const)
    for (const e164 of readingsFor(providers, dialled, book))
      for (const number of book[among](e164)) {
        const provider =
          providers.find(({ customer_id }) => customer_id === number.customer_id) ??
          providers.find(({ customer_id }) => customer_id === PLATFORM)
        if (provider) return { provider, rung: { number, e164 } }
      }
  return undefined
}

/** What a number may mean: first without a country, then within the countries of the providers. */
function readingsFor(providers: readonly ProviderFacts[], dialled: string, book: Book): string[] {
  const national = nationalReadings(dialled)
  const within = providers.flatMap((provider) => {
    const code = callingCode(countryOf(provider, book))
    return code === undefined ? [] : national.map((digits) => `+${code}${digits}`)
  })
  return [...internationalReadings(dialled), ...within]
}

/** Whoever takes all that comes from a provider. */
function caught(provider: ProviderFacts, dialled: string, book: Book): Rung[] {
  const read = readNumber(dialled, countryOf(provider, book))
  const e164 = read.kind === 'number' ? read.e164 : dialledName(dialled)
  return [...book.catchAlls(provider.id)]
    .filter(({ customer_id }) => customer_id === provider.customer_id || provider.customer_id === PLATFORM)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((number) => ({ number, e164 }))
}

/** Catch-alls of one customer: two of its providers are there, and the likelier comes first. */
function isSame(one: NumberFacts, other: NumberFacts): boolean {
  return one.customer_id === other.customer_id
}

/** Who of each customer's providers at an address may be calling, the oldest first: those whose port it is, if any. */
function likely(there: readonly ProviderFacts[], port: number): ProviderFacts[] {
  const calls = (provider: ProviderFacts) => portOf(provider) === port
  return there
    .filter((one) => calls(one) || !rivals(one, there).some(calls))
    .sort((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1))
}

/** The same customer's other providers there. */
function rivals({ id, customer_id }: ProviderFacts, there: readonly ProviderFacts[]): ProviderFacts[] {
  return there.filter((other) => other.customer_id === customer_id && other.id !== id)
}

function portOf({ port }: ProviderFacts): number {
  return port ?? 5060
}

function ageOf({ created_at, id }: ProviderFacts): string {
  return `${created_at} ${id}`
}

function countryOf(provider: ProviderFacts, book: Book): string {
  return provider.country ?? book.customer(provider.customer_id)?.country ?? ''
}

function words(
  rule: string,
  { address, port }: Sender,
  { provider, rung }: { provider: ProviderFacts; rung: Rung },
  there: readonly ProviderFacts[],
) {
  const through =
    rung.number.number === 'any'
      ? 'whatever comes from there is taken'
      : `${rung.e164} is a number it may ring`
  const why = `${address} is an address of ${provider.name}, and ${through}`
  return { rule, why: `${why}${preferred(provider, rivals(provider, there), port)}` }
}

/** Why this one, where the same customer has others there. */
function preferred(provider: ProviderFacts, others: ProviderFacts[], port: number): string {
  if (others.length === 0) return ''
  if (portOf(provider) === port && !others.some((other) => portOf(other) === port))
    return `; the call comes from its port ${port}, not from that of ${named(others)}`
  return `; ${named(others)} could be meant as well, and ${provider.name} is the oldest which takes it`
}

function unknown(address: string, line: string | null): Source {
  const message = `No provider or trunk calls from ${address}.`
  const token =
    line === null ? 'it came to no contact of ours at a provider' : `${line} is no contact of ours`
  const why = `rule registration_token failed: ${token}; rules source_and_number and source failed: ${message}`
  return { kind: 'nobody', status: 403, reason: 'UNKNOWN_SOURCE', message, why, customer_id: null }
}

function notRung(providers: readonly ProviderFacts[], dialled: string, known: string): Source {
  const message = `${dialled} is not a number that ${named(providers)} may ring.`
  const why = `${known}; rule source_and_number failed: ${message}`
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
