import { customType } from 'drizzle-orm/pg-core'

/**
 * A point in time, to the microsecond; in TypeScript always `2026-01-31T12:00:00.000000Z`.
 *
 * JavaScript's Date stops at milliseconds, which would let two rows of a page change places.
 */
export const instant = customType<{ data: string; driverData: string }>({
  dataType: () => 'timestamp (6) with time zone',
  fromDriver: readInstant,
})

/** Reads PostgreSQL's text form of a timestamptz, whatever time zone the session is in. */
export function readInstant(text: string): string {
  const parts = /^(\d{4,}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d(?::?\d\d)?)$/.exec(text)
  if (!parts) return text
  const [, day, time, fraction = '', offset = 'Z'] = parts
  const seconds = new Date(`${day}T${time}${isoOffset(offset)}`).toISOString().slice(0, 19)
  return `${seconds}.${fraction.padEnd(6, '0')}Z`
}

function isoOffset(offset: string): string {
  if (offset === 'Z') return offset
  return offset.length === 3 ? `${offset}:00` : offset
}
