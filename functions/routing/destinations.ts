import type { CustomerFacts } from '#contract'
import type { Dialled } from './e164.ts'

type Number = Exclude<Dialled, { kind: 'nonsense' }>

/** Why it may not be called; undefined where it may. Short numbers stay in their country. */
export function forbiddenTo(
  dialled: Number,
  customer: CustomerFacts,
): { reason: string; message: string } | undefined {
  if (dialled.kind === 'short') return undefined
  const { e164, country } = dialled
  const blocked = customer.blocked_prefixes.find((prefix) => e164.startsWith(prefix))
  if (blocked !== undefined) {
    const message = `Calls to ${blocked} are blocked. To allow them take it out of blocked_prefixes with PUT /v1.0/customer.`
    return { reason: 'DESTINATION_BLOCKED', message }
  }
  const { allowed, country: own, number_countries } = customer
  if (country !== null && (allowed ? allowed.includes(country) : country === own)) return undefined
  if (country !== null && allowed === null && number_countries.includes(country)) return undefined
  return { reason: 'DESTINATION_NOT_ALLOWED', message: notAllowed(e164, country?.toLowerCase()) }
}

function notAllowed(e164: string, country: string | undefined): string {
  if (country === undefined) return `${e164} belongs to no country, and only countries can be allowed.`
  return `Calls to ${country} are not allowed. To allow them add "${country}" to destination_whitelist with PUT /v1.0/customer.`
}
