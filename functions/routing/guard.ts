import type { CustomerFacts, Limit, NewCountryPolicy, OutboundGuard, Scope, Velocity } from '#contract'
import { velocities } from '#contract'
import type { Party } from './caller-id.ts'
import type { Dialled } from './e164.ts'

/*
 * What guards calls out against fraud: who is blocked, and which countries are new. How fast calls begin is a limit
 * (`limits.ts`), shared by relays. Each refusal says which request releases it, within the 120 characters a phone shows.
 */

/** What was found suspicious about a call out, and whose it is. */
export interface Suspicion {
  readonly kind: Scope['kind']
  readonly id: string
  readonly name: string
  readonly reason: 'OUTBOUND_BLOCKED' | 'COUNTRY_NEW' | 'VELOCITY_EXCEEDED'
  readonly refused: boolean
  /** ISO 3166 alpha-2, lower case, where a country is new. */
  readonly country: string | null
  /** One sentence for a person. */
  readonly message: string
}

/** What stands against a call to this number, or is to be told of it; undefined: nothing. */
export function suspicionOf(
  party: Party,
  customer: CustomerFacts,
  dialled: Exclude<Dialled, { kind: 'nonsense' }>,
): Suspicion | undefined {
  const those = guarded(party, customer)
  const blocked = those.find(({ guard }) => guard?.blocked)
  if (blocked) return { ...suspect(blocked, 'OUTBOUND_BLOCKED'), message: blockedWords(blocked) }
  return dialled.kind === 'number' && dialled.country !== null
    ? newCountry(those, customer, dialled.country)
    : undefined
}

/** The accounts a call out counts for, and what guards it: the caller's own first. */
interface Guarded {
  readonly kind: 'customer' | 'extension' | 'trunk'
  readonly id: string
  readonly name: string
  readonly guard: OutboundGuard | null | undefined
}

function guarded(party: Party, customer: CustomerFacts): Guarded[] {
  const whole: Guarded = { kind: 'customer', id: customer.id, name: '', guard: customer.guard }
  if (party.kind === 'number') return [whole]
  const { id, guard } = party.kind === 'trunk' ? party.trunk : party.extension
  const name = party.kind === 'trunk' ? party.trunk.domain_name : party.extension.extension
  return [{ kind: party.kind, id, name, guard }, whole]
}

function newCountry(
  those: readonly Guarded[],
  { country: own, number_countries }: CustomerFacts,
  country: string,
): Suspicion | undefined {
  if (country === own || number_countries.includes(country)) return undefined
  if (those.some(({ guard }) => guard?.known_countries.includes(country))) return undefined
  const asks = those.find(({ guard }) => (guard?.new_countries ?? null) !== null)
  const policy: NewCountryPolicy = asks?.guard?.new_countries ?? 'allow'
  if (!asks || policy === 'allow') return undefined
  const refused = policy === 'refuse'
  const message = refused ? newWords(asks, country) : `Nothing was called in ${country} before.`
  return { ...suspect(asks, 'COUNTRY_NEW'), refused, country: country.toLowerCase(), message }
}

function suspect({ kind, id, name }: Guarded, reason: Suspicion['reason']): Omit<Suspicion, 'message'> {
  return { kind, id, name, reason, refused: true, country: null }
}

function blockedWords({ kind, id }: Guarded): string {
  return `Calls out are blocked. ${releaseOf(kind, id)} lets the ${kind} call again.`
}

function newWords({ kind, id }: Guarded, country: string): string {
  return `${country} is new. ${releaseOf(kind, id)} with country ${country.toLowerCase()} lets the ${kind} call there.`
}

/** The request which releases a customer, extension or trunk. */
function releaseOf(kind: string, id: string): string {
  return kind === 'customer' ? 'POST /v1.0/customer/release' : `POST /v1.0/${kind}s/${id}/release`
}

/** Whether a limit is one on how fast calls out begin. */
export function isVelocity(resource: string): resource is Velocity {
  return (velocities as readonly string[]).includes(resource)
}

/** What it is where a call out would be one too many. */
export function suspicionOfLimit(limit: Pick<Limit, 'kind' | 'id' | 'name' | 'resource'>): Suspicion {
  const { id, name } = limit
  const kind = limit.kind as Scope['kind']
  const message = velocityWords(limit)
  return { kind, id, name, reason: 'VELOCITY_EXCEEDED', refused: true, country: null, message }
}

/** Why a call out which would be one too many is refused, and what lets it be made. */
export function velocityWords({ kind, id, resource }: Pick<Limit, 'kind' | 'id' | 'resource'>): string {
  const period = resource === 'calls_per_hour' ? 'an hour' : 'a minute'
  return `Too many calls ${period}. Wait, or ${releaseOf(kind, id)}; max_${resource} of the ${kind} says how many.`
}
