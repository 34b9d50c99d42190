import { type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import { instant, newCountryPolicies, outboundGuard } from '#contract'
import { customers, extensions, trunks } from '#db'
import { field, type InputOf, readOnly } from '../http/field.ts'

const most = z.int().min(1, 'is at least 1; null sets no limit').max(1_000_000).nullable().default(null)

/**
 * What guards the calls out of a customer, extension or trunk against fraud. A PUT of all its fields releases nothing:
 * what was blocked or released is said by `block` and `release` alone.
 */
export const guardFields = {
  outbound_blocked: readOnly(
    z.boolean().describe('Its calls out are refused, until `release`.'),
    (row: GuardRow) => row.outboundBlocked,
  ),
  max_calls_per_minute: field(
    most.describe('Calls out it may begin within any minute, over all relays; null: any number.'),
  ),
  max_calls_per_hour: field(
    most.describe('Calls out it may begin within any hour, over all relays; null: any number.'),
  ),
  new_countries: field(
    z
      .enum(newCountryPolicies)
      .nullable()
      .default(null)
      .describe(
        'What becomes of a call to a country to which it made none that was answered, nor was released: it is allowed, told ' +
          'of (`fraud.suspected`), or refused until `release`. null: as the customer says, else `allow`.',
      ),
  ),
  known_countries: readOnly(
    z
      .array(z.string())
      .describe(
        'Countries which are not new: those called in the 90 days before `new_countries` was set, and released ones.',
      ),
    (row: GuardRow) => row.knownCountries.map((code) => code.toLowerCase()),
  ),
  tm_release: readOnly(
    instant.nullable().describe('When it was released last: calls begun before count no more.'),
    (row: GuardRow) => row.releasedAt,
  ),
}

/** What examples show of it. */
export const guardShown = { outbound_blocked: false, known_countries: [], tm_release: null }

type GuardRow = Pick<
  typeof extensions.$inferSelect,
  'outboundBlocked' | 'knownCountries' | 'releasedAt' | 'newCountries'
>

const tables = { customer: customers, extension: extensions, trunk: trunks } as const
const ownCalls = {
  customer: (id: string) => sql`c.customer_id = ${id}::uuid`,
  extension: (id: string) => sql`c.extension_id = ${id}::uuid`,
  trunk: (id: string) => sql`c.trunk_id = ${id}::uuid`,
} as const

/**
 * The column of known countries where the policy begins to ask for it: those it called lately, beside those it was released for.
 * Nothing of it changes where the policy stays.
 */
export async function countriesKnown(
  kind: keyof typeof tables,
  { id, customerId }: { id: string; customerId: string },
  { new_countries }: Pick<InputOf<typeof guardFields>, 'new_countries'>,
  stored: (() => Promise<GuardRow>) | undefined,
): Promise<{ knownCountries?: SQL }> {
  if (!stored || !asks(new_countries) || asks((await stored()).newCountries)) return {}
  return {
    knownCountries: sql`array(
      select unnest(${tables[kind].knownCountries}) union
      select c.country from calls c where c.customer_id = ${customerId}::uuid and ${ownCalls[kind](id)}
        and c.direction = 'outgoing' and c.answered_at is not null and c.country is not null
        and c.started_at > now() - interval '90 days' order by 1)`,
  }
}

function asks(policy: string | null): boolean {
  return outboundGuard.shape.new_countries.parse(policy) !== null && policy !== 'allow'
}
