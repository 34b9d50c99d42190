import { type CountryCode, getCountries, Metadata } from 'libphonenumber-js/min'

/*
 * The library's numbering plans, laid out for reading a number in a microsecond instead of fifteen. What is
 * read here is what the library would read; what needs more thought is left to it.
 */

/** A whole number, and its country where it can be told. */
export interface Reading {
  e164: string
  country: string | null
}

/** Reads a plus and digits; undefined: the library must look, null: there can be no such number. */
export function readInternational(e164: string, home: string): Reading | null | undefined {
  const digits = e164.slice(1)
  const code = codeOf(digits)
  const zone = code === undefined ? undefined : zones.get(code)
  const main = zone?.plans[0]
  if (code === undefined || !zone || !main) return undefined
  const national = digits.slice(code.length)
  if (main.trunkPrefix?.test(national)) return undefined
  const known = planIn(zone, national)
  if (!(known ?? main).lengths.has(national.length)) return null
  return { e164, country: known?.country ?? likely(zone.plans, national, home) }
}

/** Reads digits dialled within `home` without any prefix; undefined: the library must look. */
export function readNational(digits: string, home: string): Reading | undefined {
  const plan = countries.get(home)
  const zone = plan && zones.get(plan.code)
  if (!plan || !zone || digits.startsWith(plan.code) || plan.trunkPrefix?.test(digits)) return undefined
  if (plan.exit.test(digits)) return undefined
  const known = planIn(zone, digits) ?? plan
  return known.lengths.has(digits.length)
    ? { e164: `+${plan.code}${digits}`, country: known.country }
    : undefined
}

/** The calling code a number without its plus begins with. undefined where there is none. */
export function codeOf(digits: string): string | undefined {
  for (let length = 1; length <= 3; length += 1) {
    const code = digits.slice(0, length)
    if (zones.has(code)) return code
  }
  return undefined
}

/** The calling code of a country, or undefined where there is no such country. */
export function callingCode(country: string): string | undefined {
  return countries.get(country)?.code
}

/** Whether the library knows the country. */
export function isCountry(country: string): country is CountryCode {
  return countries.has(country)
}

/** Every country's calling code. */
export function callingCodes(): Record<string, string> {
  return Object.fromEntries(Array.from(countries, ([country, { code }]) => [country, code]))
}

/** The caller's own country where the number cannot tell, as +1 555 cannot; else the main one of its code. */
function likely(plans: Plan[], national: string, home: string): string | null {
  const possible = plans.filter(({ lengths }) => lengths.has(national.length))
  return (possible.find(({ country }) => country === home) ?? possible[0])?.country ?? null
}

/** The country whose number it is: one look tells whether any that are known by their first digits can be it. */
function planIn({ plans, leading, others }: Zone, national: string): Plan | undefined {
  if (plans.length === 1) return plans[0]
  const possible = leading?.test(national) ? plans : others
  return possible.find((plan) => belongs(national, plan))
}

function belongs(national: string, { leading, general, kinds }: Plan): boolean {
  if (leading) return leading.test(national)
  return kinds.get(national.length)?.test(national) === true && general.test(national)
}

/** The countries of one calling code, the main one first. */
interface Zone {
  plans: Plan[]
  /** What numbers of those countries begin with which are known by their beginning; `others` are not. */
  leading: RegExp | undefined
  others: Plan[]
}

interface Plan {
  country: string
  code: string
  /** Digits a number may have after the calling code. */
  lengths: ReadonlySet<number>
  exit: RegExp
  trunkPrefix: RegExp | undefined
  leading: RegExp | undefined
  general: RegExp
  /** Numbers which are of some kind (fixed, mobile, free …), by how many digits they have. */
  kinds: ReadonlyMap<number, RegExp>
}

/** A part of the metadata which the library has and its types do not name. */
interface Rules {
  callingCode(): string
  possibleLengths(): number[]
  IDDPrefix(): string
  nationalPrefixForParsing(): string | 0 | undefined
  leadingDigits(): string | 0 | undefined
  nationalNumberPattern(): string
  type(kind: string): { pattern(): string | undefined; possibleLengths(): number[] } | undefined
}

const metadata = new Metadata() as unknown as {
  numberingPlan: Rules
  selectNumberingPlan(country: CountryCode): void
  getCountryCodesForCallingCode(code: string): string[] | undefined
}

const kinds =
  'FIXED_LINE MOBILE PREMIUM_RATE TOLL_FREE SHARED_COST VOIP PERSONAL_NUMBER PAGER UAN VOICEMAIL'.split(' ')

const countries = new Map(getCountries().map((country) => [country as string, planOf(country)]))
const zones = new Map(Array.from(countries.values(), ({ code }) => [code, zoneOf(code)]))

function zoneOf(code: string): Zone {
  const names = metadata.getCountryCodesForCallingCode(code) ?? []
  const plans = names.flatMap((country) => countries.get(country) ?? [])
  const begun = plans.flatMap(({ leading }) => leading?.source ?? [])
  return {
    plans,
    leading: begun.length > 0 ? new RegExp(begun.join('|')) : undefined,
    others: plans.filter(({ leading }) => !leading),
  }
}

function planOf(country: CountryCode): Plan {
  metadata.selectNumberingPlan(country)
  const rules = metadata.numberingPlan
  return {
    country,
    code: rules.callingCode(),
    lengths: new Set(rules.possibleLengths()),
    exit: beginning(rules.IDDPrefix()),
    trunkPrefix: optional(rules.nationalPrefixForParsing(), beginning),
    leading: optional(rules.leadingDigits(), beginning),
    general: whole(rules.nationalNumberPattern()),
    kinds: kindsOf(rules),
  }
}

function kindsOf(rules: Rules): Map<number, RegExp> {
  const known = kinds.flatMap((kind) => rules.type(kind) ?? []).filter((type) => type.pattern())
  const lengths = new Set(known.flatMap((type) => type.possibleLengths()))
  return new Map(
    Array.from(lengths, (length) => {
      const fitting = known.filter((type) => type.possibleLengths().includes(length))
      return [length, whole(fitting.map((type) => type.pattern()).join('|'))]
    }),
  )
}

function optional(pattern: string | 0 | undefined, compile: (pattern: string) => RegExp) {
  return pattern ? compile(pattern) : undefined
}

function beginning(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})`)
}

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`)
}
