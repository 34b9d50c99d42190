import {
  type CountryCode,
  getCountryCallingCode,
  isSupportedCountry,
  type PhoneNumber,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/min'

/** What somebody dialled. */
export type Dialled =
  | { kind: 'number'; e164: string; country: string | null }
  /** Emergency and other short numbers: dialled as they are, wherever they are dialled. */
  | { kind: 'short'; digits: string }
  | { kind: 'nonsense' }

/**
 * Reads a number as dialled in `country`: with a plus, with an international prefix, or nationally.
 *
 * Possible is enough: whether a number exists is for the phone network to say.
 */
export function readNumber(written: string, country: string): Dialled {
  const text = bare(written)
  if (/^[*#0-9][0-9]{1,5}$/.test(text)) return { kind: 'short', digits: text }
  if (!/^\+?\d{5,18}$/.test(text)) return { kind: 'nonsense' }
  const number = spellings(text)
    .map((spelling) =>
      parsePhoneNumberFromString(spelling, { defaultCountry: home(country), extract: false }),
    )
    .find((parsed) => parsed?.isPossible())
  return number ? { kind: 'number', e164: number.number, country: countryOf(number) } : { kind: 'nonsense' }
}

/** Every E.164 number that what was dialled may mean without knowing a country, likeliest first. */
export function internationalReadings(written: string): string[] {
  const text = bare(written)
  if (/^\+\d{5,15}$/.test(text)) return [text]
  if (!/^\d{5,18}$/.test(text)) return []
  const unprefixed = exits.filter((exit) => text.startsWith(exit)).map((exit) => text.slice(exit.length))
  return [...unprefixed, text]
    .filter((digits) => /^[1-9]\d{4,14}$/.test(digits))
    .map((digits) => `+${digits}`)
}

/** What may follow a calling code where a number was dialled nationally: with and without trunk prefix. */
export function nationalReadings(written: string): string[] {
  const [whole, ...stripped] = tailsOf(written)
  if (whole === undefined) return []
  return /^[018]/.test(whole) ? [whole, ...stripped.slice(0, 1)] : [whole]
}

/** What is left of a number without its first digits: any country's international, trunk or carrier prefix. */
export function tailsOf(written: string): string[] {
  const text = bare(written)
  if (!/^\d{5,18}$/.test(text)) return []
  return Array.from({ length: 8 }, (_, at) => text.slice(at)).filter((tail) => tail.length >= 4)
}

/** All beginnings of some numbers: what a route's target must be one of. */
export function prefixesOf(numbers: string[]): string[] {
  return [
    ...new Set(numbers.flatMap((number) => Array.from(number, (_, at) => number.slice(0, at + 1)).slice(1))),
  ]
}

/** The calling code of a country, or undefined where there is no such country. */
export function callingCode(country: string): string | undefined {
  return isSupportedCountry(country) ? getCountryCallingCode(country) : undefined
}

/** Countries in which a national number can lack digits that its E.164 form has, as an island's area code. */
export const elliptic =
  'AG AI AR AS BB BM BS CC CX DM GD GG GU IM JE KN KY LC MG MP MS NF SM SX TC TT VC VG VI'.split(' ')

/** International prefixes: what is dialled for the plus, ITU-wide and in the countries that differ. */
const exits = ['00', '011', '0011', '010', '810']

function bare(written: string): string {
  return written.replace(/[\s().\-/]/g, '')
}

/** 00 means plus everywhere; digits alone may be a whole number without its plus. */
function spellings(text: string): string[] {
  if (text.startsWith('+')) return [text]
  return text.startsWith('00') ? [`+${text.slice(2)}`, text] : [text, `+${text}`]
}

function home(country: string): CountryCode {
  return isSupportedCountry(country) ? country : 'US'
}

/** Where a number's country cannot be told, as in +1 555, it is the calling code's main one. */
function countryOf(number: PhoneNumber): string | null {
  return number.country ?? number.getPossibleCountries()[0] ?? null
}
