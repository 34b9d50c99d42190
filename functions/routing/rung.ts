import { type NumberFacts, PLATFORM, type ProviderFacts } from '#contract'
import type { Configuration } from './configuration.ts'
import { callingCode, dialledName, internationalReadings, nationalReadings, readNumber } from './e164.ts'

/** The number a call rings, and how it was read. */
export interface Rung {
  number: NumberFacts
  /** The called number in E.164; as dialled where it could not be read. */
  e164: string
}

/** The number a call rings, and the provider it came from. */
export interface Match {
  provider: ProviderFacts
  rung: Rung
}

/**
 * The number dialled, of those which calls from these providers may ring.
 *
 * What is assigned or proved counts before what is only claimed, exact numbers before ranges, and the owner's provider before
 * the platform's. Claims of several customers none of whom proved the number are `contested`.
 */
export function rungBy(
  providers: readonly ProviderFacts[],
  dialled: string,
  book: Configuration,
): Match | 'contested' | undefined {
  const readings = readingsFor(providers, dialled, book)
  const among = (numbers: readonly NumberFacts[], e164: string) =>
    numbers.flatMap((number) => matchOf(number, providers, e164))
  for (const list of ['numbers', 'ranges'] as const)
    for (const e164 of readings) {
      const [own] = among(book[list](e164).filter(isOwned).sort(assignedFirst), e164)
      if (own) return own
    }
  for (const e164 of readings) {
    const [claim, ...others] = among([...book.numbers(e164), ...book.ranges(e164)], e164)
    const another = isOther(claim?.rung.number)
    if (claim) return others.some(({ rung }) => another(rung.number)) ? 'contested' : claim
  }
  return undefined
}

/** Who has a number, as far as it says whom a call was for. undefined where it says nothing. */
export function whoseIs(
  providers: readonly ProviderFacts[],
  dialled: string,
  book: Configuration,
): NumberFacts | undefined {
  const readings = readingsFor(providers, dialled, book)
  const exact = readings.flatMap((e164) => book.numbers(e164))
  const [own] = [...exact, ...readings.flatMap((e164) => book.ranges(e164))]
    .filter(isOwned)
    .sort(assignedFirst)
  const [claim, ...others] = exact
  return own ?? (others.some(isOther(claim)) ? undefined : claim)
}

/**
 * The provider of its customer which may ring a number, or the platform's where an administrator assigned it. Where the
 * platform's is, nothing else rings: a customer who lists its address would have its numbers by claiming them.
 */
function matchOf(number: NumberFacts, providers: readonly ProviderFacts[], e164: string): Match[] {
  const of = (owner: string) => providers.find(({ customer_id }) => customer_id === owner)
  if (number.ownership !== 'assigned' && of(PLATFORM)) return []
  const provider = of(number.customer_id) ?? (number.ownership === 'assigned' ? of(PLATFORM) : undefined)
  return provider ? [{ provider, rung: { number, e164 } }] : []
}

/** Whether a number is more than claimed: verified or assigned. */
export function isOwned({ ownership }: NumberFacts): boolean {
  return ownership !== 'claimed'
}

/** Two are there for a moment only, while one becomes another's. */
function assignedFirst(a: NumberFacts, b: NumberFacts): number {
  if (a.ownership !== b.ownership) return a.ownership === 'assigned' ? -1 : 1
  return a.id < b.id ? -1 : 1
}

function isOther(number: NumberFacts | undefined): (other: NumberFacts) => boolean {
  return ({ customer_id }) => customer_id !== number?.customer_id
}

/** What a number may mean: first without a country, then within the countries of the providers. */
function readingsFor(providers: readonly ProviderFacts[], dialled: string, book: Configuration): string[] {
  const national = nationalReadings(dialled)
  const within = providers.flatMap((provider) => {
    const code = callingCode(countryOf(provider, book))
    return code === undefined ? [] : national.map((digits) => `+${code}${digits}`)
  })
  return [...internationalReadings(dialled), ...within]
}

/** The number `any` of a provider, which takes all that comes from it. */
export function caught(provider: ProviderFacts, dialled: string, book: Configuration): Rung[] {
  const read = readNumber(dialled, countryOf(provider, book))
  const e164 = read.kind === 'number' ? read.e164 : dialledName(dialled)
  return [...book.catchAlls(provider.id)]
    .filter(({ customer_id }) => customer_id === provider.customer_id || provider.customer_id === PLATFORM)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((number) => ({ number, e164 }))
}

function countryOf(provider: ProviderFacts, book: Configuration): string {
  return provider.country ?? book.customer(provider.customer_id)?.country ?? ''
}
