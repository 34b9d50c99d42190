import { type CountryCode, type PhoneNumber, parsePhoneNumberFromString } from 'libphonenumber-js/min'
import { isCountry, type Reading, readInternational, readNational } from './numbering.ts'
import { isShort, plainly } from './spelling.ts'

export { callingCode, callingCodes } from './numbering.ts'
export { dialledName } from './spelling.ts'

/** What a caller dialled. */
export type Dialled =
  | { kind: 'number'; e164: string; country: string | null }
  /** Emergency and other short numbers, and service codes: dialled as they are, wherever they are dialled. */
  | { kind: 'short'; digits: string }
  | { kind: 'nonsense' }

/**
 * Reads a number as dialled in `country`: with a plus, with an international prefix, or nationally.
 *
 * Possible is enough: whether a number exists is for the phone network to say.
 */
export function readNumber(written: string, country: string): Dialled {
  const text = plainly(written)
  if (text === '') return { kind: 'nonsense' }
  if (isShort(text)) return { kind: 'short', digits: text }
  if (!/^\+?\d{5,18}$/.test(text)) return { kind: 'nonsense' }
  const home = isCountry(country) ? country : 'US'
  const read = text.startsWith('+') ? withPlus(text, home) : withoutPlus(text, home)
  return read ? { kind: 'number', ...read } : { kind: 'nonsense' }
}

/** Every E.164 number that what was dialled may mean without knowing a country, likeliest first. */
export function internationalReadings(written: string): string[] {
  const text = plainly(written)
  if (/^\+\d{5,15}$/.test(text)) return withTrunkPrefix(text)
  if (!/^\d{5,18}$/.test(text)) return []
  const unprefixed = exits.filter((exit) => text.startsWith(exit)).map((exit) => text.slice(exit.length))
  return [...unprefixed, text]
    .filter((digits) => /^[1-9]\d{4,14}$/.test(digits))
    .flatMap((digits) => withTrunkPrefix(`+${digits}`))
}

/** What may follow a calling code where a number was dialled nationally: with and without trunk prefix. */
export function nationalReadings(written: string): string[] {
  const [whole, ...stripped] = tailsOf(written)
  if (whole === undefined) return []
  return /^[018]/.test(whole) ? [whole, ...stripped.slice(0, 1)] : [whole]
}

/** What is left of a number without its first digits: any country's international, trunk or carrier prefix. */
export function tailsOf(written: string): string[] {
  const text = plainly(written)
  if (!/^\d{5,18}$/.test(text)) return []
  return Array.from({ length: 8 }, (_, at) => text.slice(at)).filter((tail) => tail.length >= 4)
}

/** What a number means in the countries where its first digits may be left out, in E.164 by country. */
export function localReadings(written: string): Record<string, string> {
  if (!/^\d{5,8}$/.test(plainly(written))) return {}
  const read = elliptic.map((country) => [country, readNumber(written, country)] as const)
  return Object.fromEntries(
    read.flatMap(([country, number]) => (number.kind === 'number' ? [[country, number.e164]] : [])),
  )
}

/** All beginnings of some numbers: what a route's target must be one of. */
export function prefixesOf(numbers: string[]): string[] {
  return [
    ...new Set(numbers.flatMap((number) => Array.from(number, (_, at) => number.slice(0, at + 1)).slice(1))),
  ]
}

/** All beginnings of a short number as it was dialled; none where it is none. */
export function shortBeginnings(written: string): string[] {
  const text = plainly(written)
  return isShort(text) ? Array.from(text, (_, at) => text.slice(0, at + 1)) : []
}

/** Countries in which a national number can lack digits that its E.164 form has, as an island's area code. */
export const elliptic =
  'AG AI AR AS BB BM BS CC CX DM GD GG GU IM JE KN KY LC MG MP MS NF SM SX TC TT VC VG VI'.split(' ')

/** International prefixes: what is dialled for the plus, ITU-wide and in the countries that differ. */
const exits = ['00', '011', '0011', '010', '810']

/** A trunk prefix is sometimes written after the calling code, as in +49 (0)30, though nothing dials it. */
function withTrunkPrefix(text: string): string[] {
  const read = readNumber(text, 'US')
  return read.kind === 'number' && read.e164 !== text ? [read.e164, text] : [text]
}

function withPlus(text: string, home: CountryCode): Reading | null {
  const read = readInternational(text, home)
  return read === undefined ? parsed(text, home) : read
}

/** 00 means plus everywhere; digits alone may be a whole number without its plus. */
function withoutPlus(text: string, home: CountryCode): Reading | null {
  if (text.startsWith('00')) return withPlus(`+${text.slice(2)}`, home) ?? parsed(text, home)
  return readNational(text, home) ?? parsed(text, home) ?? withPlus(`+${text}`, home)
}

function parsed(text: string, home: CountryCode): Reading | null {
  const number = parsePhoneNumberFromString(text, { defaultCountry: home, extract: false })
  return number?.isPossible() ? { e164: number.number, country: countryOf(number, home) } : null
}

/** Where a number's country cannot be told, as in +1 555, it is the caller's own if that can be, else the main one. */
function countryOf(number: PhoneNumber, home: CountryCode): string | null {
  if (number.country) return number.country
  const possible = number.getPossibleCountries()
  return possible.find((country) => country === home) ?? possible[0] ?? null
}
