import { isEmergency } from './emergency.ts'
import { callingCode, codeOf } from './numbering.ts'
import { plainly } from './spelling.ts'

/**
 * Reads the beginning of numbers as a route's target or a blocked prefix names it: `+1212` for E.164, `911` for short
 * numbers as they are dialled in `country`. Undefined: no number begins so.
 *
 * The plus may be left out, so what could be a calling code is one. Short is an emergency number of the country, and
 * whatever no E.164 number begins with: 0, 10, 11, *, #, 999, and 211 to 911 where the calling code is 1.
 */
export function readBeginning(written: string, country: string): string | undefined {
  const text = withPlus(plainly(written), country)
  return /^(\+[1-9]\d{0,14}|\d{1,6}|[*#][*#\d]{0,7})$/.test(text) ? text : undefined
}

function withPlus(text: string, country: string): string {
  if (/^00[1-9]/.test(text)) return `+${text.slice(2)}`
  const zone1 = callingCode(country) === '1'
  if (zone1 && /^011[1-9]/.test(text)) return `+${text.slice(3)}`
  const short = !/^[1-9]\d*$/.test(text) || isShortOnly(text, zone1) || isEmergency(text, country)
  return short ? text : `+${text}`
}

function isShortOnly(text: string, zone1: boolean): boolean {
  if (/^1[01]/.test(text) || (zone1 && /^[2-9]11$/.test(text))) return true
  return text.length > 2 && codeOf(text) === undefined
}
