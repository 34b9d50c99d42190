import type { CustomerFacts } from '#contract'
import type { Dialled } from './e164.ts'
import { codeOf } from './numbering.ts'

type Number = Exclude<Dialled, { kind: 'nonsense' }>

/** Why it may not be called, which is no emergency number; undefined where it may. Short numbers stay in their country. */
export function forbiddenTo(
  dialled: Number,
  customer: CustomerFacts,
): { reason: string; message: string } | undefined {
  const blocked = blockedBy(dialled, customer.blocked_prefixes)
  if (blocked !== undefined) {
    const message = `Calls to ${blocked} are blocked. To allow them take it out of blocked_prefixes with PATCH /v1.0/customer.`
    return { reason: 'DESTINATION_BLOCKED', message }
  }
  if (dialled.kind === 'short') return undefined
  const { e164, country } = dialled
  const { allowed, country: own, number_countries } = customer
  if (country !== null && (allowed ? allowed.includes(country) : country === own)) return undefined
  if (country !== null && allowed === null && number_countries.includes(country)) return undefined
  return { reason: 'DESTINATION_NOT_ALLOWED', message: notAllowed(e164, country, customer) }
}

function blockedBy(dialled: Number, prefixes: readonly string[]): string | undefined {
  if (prefixes.length === 0) return undefined
  if (dialled.kind === 'short') return prefixes.find((prefix) => dialled.digits.startsWith(prefix))
  const { e164 } = dialled
  return prefixes.find((prefix) =>
    prefix.startsWith('+') ? e164.startsWith(prefix) : isShortOf(prefix, e164.slice(1)),
  )
}

/** Whether an E.164 number is a short one with its calling code before it, as +49 11833 is 11833. */
function isShortOf(prefix: string, digits: string): boolean {
  const national = digits.slice(codeOf(digits)?.length ?? 0)
  return national.length <= 6 && national.startsWith(prefix)
}

/** With the request which allows it: a first list takes the place of the countries which are allowed without one. */
function notAllowed(e164: string, country: string | null, customer: CustomerFacts): string {
  if (country === null) return `${e164} belongs to no country, and only countries can be allowed.`
  const name = country.toLowerCase()
  if (customer.allowed !== null)
    return `Calls to ${name} are not allowed: add "${name}" to destination_whitelist by PATCH /v1.0/customer.`
  const list = [...new Set([customer.country, ...customer.number_countries, country])]
  const body = JSON.stringify({ destination_whitelist: list.map((each) => each.toLowerCase()) })
  return `Calls to ${name} are not allowed: PATCH /v1.0/customer ${body} allows them.`
}
