import { sql } from 'drizzle-orm'
import { PLATFORM } from '#contract'
import { providers } from '#db'
import { readIp, readSipUri, writeNetwork } from '#routing'
import { ApiError } from '../http/api-error.ts'
import { type Check, noneOf } from '../http/check.ts'

/** A SIP address which may be rung, and the field which names it. */
interface SipPlace {
  readonly uri: string
  readonly field: string
}

/**
 * That none of these leads to a carrier of the platform's: what those take from our address is called by number alone, as
 * whitelists, blocked numbers and minutes say. A name which only DNS leads there is refused as it is called.
 */
export function carriersElsewhere(places: readonly SipPlace[]): Check[] {
  const named = places.flatMap(({ uri, field }) => {
    const hostname = readSipUri(uri)?.hostname
    return hostname === undefined ? [] : [{ field, hostname, address: addressIn(hostname) }]
  })
  if (named.length === 0) return []
  const taken = sql`(
    select w.field from jsonb_to_recordset(${JSON.stringify(named)}::jsonb) as w (field text, hostname text, address inet)
    where exists (select from ${providers} p where p.customer_id = ${PLATFORM}::uuid and p.deleted_at is null
      and (lower(p.hostname) = w.hostname or w.address <<= any(p.sources) or w.address = any(p.found)))
    order by w.field)`
  return [
    noneOf<{ field: string }>(taken, ({ field }) => {
      throw ApiError.field(field, 'is where a carrier of the platform is, which is called by numbers alone')
    }),
  ]
}

/** As the database reads it; null: it is a name. */
function addressIn(hostname: string): string | null {
  const ip = readIp(hostname)
  return ip ? writeNetwork(ip, ip.length * 8) : null
}
