import { isEmergency, readNumber } from '#routing'
import { ApiError } from '../http/api-error.ts'

/** A phone number as a customer writes it, read in `country`; else a refusal naming `field`. Throws that. */
export function numberField(
  field: string,
  written: string,
  country: string,
): { e164: string; country: string | null } {
  if (/;\s*(ext|isub)\s*=/i.test(written))
    throw ApiError.field(field, 'names an extension behind a number; give the number alone')
  const read = readNumber(written, country)
  if (read.kind === 'number') return read
  if (read.kind === 'short' && isEmergency(read.digits, country))
    throw ApiError.field(field, `is an emergency number (${country}), which rings where help is`)
  throw ApiError.field(field, 'is not a phone number; write it as +15551234567')
}
