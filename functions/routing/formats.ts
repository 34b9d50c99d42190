import { parsePhoneNumberFromString } from 'libphonenumber-js/min'
import { callingCode, codeOf } from './numbering.ts'

/**
 * Writes an E.164 number as a provider or trunk wants it: `+e164`, `e164`, `00`, `national`, or a template in which
 * `{e164}`, `{+e164}`, `{cc}` and `{national}` (the number after its calling code) are filled in.
 *
 * `national` is what one dials within `country`; a number of another country gets 00 before it, or 011
 * where the calling code is 1.
 */
export function written(e164: string, format: string, country: string): string {
  if (format === '+e164') return e164
  const digits = e164.slice(1)
  if (format === 'e164') return digits
  if (format === '00') return `00${digits}`
  if (format === 'national') return nationally(e164, digits, country)
  return filled(format, e164, digits)
}

function nationally(e164: string, digits: string, country: string): string {
  const code = callingCode(country)
  if (code === undefined || codeOf(digits) !== code) return `${code === '1' ? '011' : '00'}${digits}`
  const dialled = parsePhoneNumberFromString(e164)?.formatNational().replace(/\D/g, '')
  return dialled ?? digits.slice(code.length)
}

function filled(template: string, e164: string, digits: string): string {
  const code = codeOf(digits) ?? ''
  const parts: Record<string, string> = {
    '{e164}': digits,
    '{+e164}': e164,
    '{cc}': code,
    '{national}': digits.slice(code.length),
  }
  return dialable(template.replace(/\{[^{}]*\}/g, (part) => parts[part] ?? ''))
}

/** What may stand in the user part of a Request-URI without being mistaken for its end. */
export function dialable(text: string): string {
  return text.replace(/[^0-9A-Za-z*#+._-]/g, '')
}
