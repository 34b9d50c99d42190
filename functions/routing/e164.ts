import { type CountryCode, type PhoneNumber, parsePhoneNumberFromString } from 'libphonenumber-js/min'
import { isCountry, type Reading, readInternational, readNational } from './numbering.ts'

export { callingCode, callingCodes } from './numbering.ts'

/** What somebody dialled. */
export type Dialled =
  | { kind: 'number'; e164: string; country: string | null }
  /** Emergency and other short numbers: dialled as they are, wherever they are dialled. */
  | { kind: 'short'; digits: string }
  | { kind: 'nonsense' }

/**
 * Reads a number as dialled in `country`: with a plus, with an international prefix, or nationally.
 *
 * Possible is enough: whether a number exists is for the phone network to say. `tel:`, parameters and
 * visual separators are not looked at.
 */
export function readNumber(written: string, country: string): Dialled {
  if (!hasDigit(written)) return { kind: 'nonsense' }
  const text = bare(written)
  if (/^[*#0-9][0-9]{1,5}$/.test(text)) return { kind: 'short', digits: text }
  if (!/^\+?\d{5,18}$/.test(text)) return { kind: 'nonsense' }
  const home = isCountry(country) ? country : 'US'
  const read = text.startsWith('+') ? withPlus(text, home) : withoutPlus(text, home)
  return read ? { kind: 'number', ...read } : { kind: 'nonsense' }
}

/** What was dialled without `tel:` and without parameters, as `;npdi` or `;user=phone` (RFC 3966 §3). */
export function dialledName(written: string): string {
  const name = written[3] === ':' ? written.replace(/^tel:/i, '') : written
  const end = name.indexOf(';')
  return end === -1 ? name : name.slice(0, end)
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

/** What a number means in the countries where its first digits may be left out, in E.164 by country. */
export function localReadings(written: string): Record<string, string> {
  if (!/^\d{5,8}$/.test(bare(written))) return {}
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

/** Countries in which a national number can lack digits that its E.164 form has, as an island's area code. */
export const elliptic =
  'AG AI AR AS BB BM BS CC CX DM GD GG GU IM JE KN KY LC MG MP MS NF SM SX TC TT VC VG VI'.split(' ')

/** International prefixes: what is dialled for the plus, ITU-wide and in the countries that differ. */
const exits = ['00', '011', '0011', '010', '810']

/** The digits and plus of what was dialled; a global phone-context goes before them (RFC 3966 §5.1.5). */
function bare(written: string): string {
  if (isPlain(written)) return written
  const name = dialledName(written)
  const [, context = ''] = /;phone-context=(\+[\d\-.()]+)/i.exec(written) ?? []
  return (name.startsWith('+') ? name : context + name).replace(/[\s().\-/]/g, '')
}

function hasDigit(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (isDigit(text.charCodeAt(at))) return true
  return false
}

/** Whether it holds only digits and plus, so that nothing has to be taken off. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (!isDigit(code) && code !== plus) return false
  }
  return true
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

const plus = 0x2b

function withPlus(text: string, home: CountryCode): Reading | null {
  const read = readInternational(text.slice(1), home)
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
