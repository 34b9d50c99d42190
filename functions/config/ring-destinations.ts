import { and, eq, isNull, ne, type SQL, sql } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { Context } from 'hono'
import * as z from 'zod'
import { destinationTypes, type RingDestination, ringCondition, ringTypes } from '#contract'
import { extensions, flows, numbers, trunks } from '#db'
import { readSipUri } from '#routing'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { type Check, condition, noneOf } from '../http/check.ts'
import type { Leaner } from '../http/noun.ts'
import { live, now } from '../http/queries.ts'
import { carriersElsewhere } from './carriers-elsewhere.ts'
import { refusePrivate } from './inbound-addresses.ts'
import { numberField } from './number-field.ts'
import { countryOf } from './own-numbers.ts'

const most = 10

const target = z
  .string()
  .trim()
  .min(1, 'is empty')
  .max(256)
  .regex(/^[^\p{Cc}]*$/u, 'has control characters')

const party =
  'An extension by its name, a trunk by its domain_name, a number, or a SIP URI as sip:desk@pbx.example.com'

/** The party a destination names: an extension, a trunk's `domain_name`, a number, a SIP URI. */
export const destinationParty = {
  type: z.enum(destinationTypes),
  target: target.describe(`${party}.`),
}

/** Seconds one may ring; null: as its own settings say. */
export const ringSeconds = z
  .int()
  .min(3)
  .max(600)
  .nullable()
  .default(null)
  .describe('Seconds it may ring; null: as its own settings say.')

const destination = z
  .strictObject({
    type: z
      .enum(ringTypes)
      .describe('`flow`: as the last one only, followed when none of those before it answered.'),
    target: target.describe(`${party}; of a flow its id.`),
    ring_seconds: ringSeconds,
    delay_seconds: z
      .int()
      .min(0)
      .max(300)
      .default(0)
      .describe('Seconds by which it begins after those it rings with.'),
    when: z
      .array(ringCondition)
      .max(4)
      .refine((list) => new Set(list).size === list.length, 'names one twice')
      .default([])
      .describe(
        'It rings after those before it in the list, if they ended so; empty: it rings together with the one before it.',
      ),
  })
  .meta({ id: 'RingDestination', description: 'One whom a number or an extension rings.' })

/** A list of them, as it is written; what it names is looked up by `destinationsOf`. */
export const destinations = z.array(destination).max(most).nullable().default(null)

/** What a number or extension which rings a list is: its name as a destination has it. */
interface Owner {
  readonly customerId: string
  readonly type: 'extension' | 'tel'
  readonly target: string
}

/**
 * A list as it is kept, numbers in E.164, and what must hold for it: every account it names is there, and none of them
 * leads back to the extension whose list it is. Throws where a destination can be no such thing.
 */
export async function destinationsOf(
  c: Context<Edge>,
  list: readonly RingDestination[] | null,
  owner: Owner,
): Promise<{ destinations: RingDestination[] | null; checks: Check[] }> {
  if (list === null) return { destinations: null, checks: [] }
  if (list[0]?.when.length)
    throw ApiError.field('destinations.0.when', 'means nothing of the first: none is rung before it')
  const country = list.some(({ type }) => type === 'tel') ? await countryOf(c) : ''
  const read = list.map((one, at) => ({ ...one, target: targetOf(c, one, `destinations.${at}`, country) }))
  refuseTwice(read)
  refuseFlowBefore(read, owner)
  const places = read.flatMap(({ type, target: uri }, at) =>
    type === 'sip' ? [{ uri, field: `destinations.${at}.target` }] : [],
  )
  const checks = [accountsThere(read, owner), ...circles(read, owner), ...carriersElsewhere(places)]
  return { destinations: read, checks }
}

/** One who is named twice in one step would be called, and paid for, twice at once. */
function refuseTwice(list: readonly RingDestination[]): void {
  let named = new Set<string>()
  for (const [at, { type, target, when }] of list.entries()) {
    if (when.length > 0) named = new Set()
    const one = `${type} ${target}`
    if (named.has(one)) throw ApiError.field(`destinations.${at}.target`, 'is rung in this step already')
    named.add(one)
  }
}

/** A flow takes whatever call comes to it: it is what becomes of a call which none of the others has answered. */
function refuseFlowBefore(list: readonly RingDestination[], owner: Owner): void {
  for (const [at, { type, when, ring_seconds, delay_seconds }] of list.entries()) {
    if (type !== 'flow') continue
    const field = `destinations.${at}`
    if (at < list.length - 1)
      throw ApiError.field(`${field}.type`, 'is a flow, which takes the call: put it last in the list')
    if (at === 0 && owner.type === 'tel')
      throw ApiError.field(`${field}.type`, 'is a flow alone: name it by call_flow_id instead of a list')
    if (at > 0 && when.length === 0)
      throw ApiError.field(
        `${field}.when`,
        'is empty: a flow rings together with no other; say how those before it ended, as ["busy", "no_answer", "not_registered", "failed"]',
      )
    if (ring_seconds !== null) throw ApiError.field(`${field}.ring_seconds`, 'means nothing of a flow')
    if (delay_seconds !== 0) throw ApiError.field(`${field}.delay_seconds`, 'means nothing of a flow')
  }
}

/** A destination's target as it is kept; `country`: in which numbers are read. Throws where it can be none, naming `field`. */
export function targetOf(
  c: Context<Edge>,
  { type, target }: Pick<RingDestination, 'type' | 'target'>,
  field: string,
  country: string,
): string {
  if (type === 'tel') return numberField(`${field}.target`, target, country).e164
  if (type === 'trunk') return target.toLowerCase()
  if (type === 'extension') return target
  if (type === 'flow') return flowId(field, target)
  const address = readSipUri(target)
  if (!address) throw ApiError.field(`${field}.target`, 'is not a SIP URI such as sip:desk@pbx.example.com')
  const { ALLOW_PRIVATE_TARGETS, BASE_DOMAIN } = c.get('settings')
  if (!ALLOW_PRIVATE_TARGETS) refusePrivate(address.hostname, BASE_DOMAIN, `${field}.target`)
  return target
}

function flowId(field: string, target: string): string {
  const id = target.toLowerCase()
  if (!z.guid().safeParse(id).success) throw ApiError.field(`${field}.target`, 'is no id of a flow')
  return id
}

/** Each extension, trunk and flow is one of the customer's: a call must not be the first to find out. */
function accountsThere(list: readonly RingDestination[], owner: Owner): Check {
  const { customerId } = owner
  const named = list.flatMap(({ type, target }, at) =>
    (type === 'extension' && !isOwn(owner, { type, target })) || type === 'trunk' || type === 'flow'
      ? [{ at, type, target }]
      : [],
  )
  const gone = sql`(select at, type from jsonb_to_recordset(${JSON.stringify(named)}::jsonb) as w (at int, type text, target text)
    where case w.type when 'extension' then not ${accountThere(extensions, extensions.extension, customerId)}
      when 'trunk' then not ${accountThere(trunks, trunks.domainName, customerId)}
      else not ${accountThere(flows, flows.id, customerId)} end order by at)`
  return noneOf<{ at: number; type: string }>(gone, ({ at, type }) => {
    throw ApiError.field(`destinations.${at}.target`, `names no ${type} of yours`, 'REFERENCE_NOT_FOUND')
  })
}

function accountThere(
  table: PgTable & Record<'customerId' | 'deletedAt', PgColumn>,
  name: PgColumn,
  customerId: string,
): SQL {
  const alive = and(eq(table.customerId, customerId), sql`${name}::text = w.target`, isNull(table.deletedAt))
  return sql`exists (select from ${table} where ${alive})`
}

/** An extension which names itself means its phones. */
function isOwn({ type, target }: Owner, one: Pick<RingDestination, 'type' | 'target'>): boolean {
  return type === 'extension' && one.type === type && one.target === target
}

/** A call which is sent on may not come back, neither by other lists nor by a number of the customer's own. */
function circles(list: readonly RingDestination[], owner: Owner): Check[] {
  const others = list.filter((one) => !isOwn(owner, one) && (one.type === 'extension' || one.type === 'tel'))
  if (others.length === 0) return []
  const { customerId, type, target } = owner
  const lists = (name: string) =>
    sql`jsonb_to_recordset(coalesce(${sql.raw(name)}.destinations, '[]')) as d (type text, target text)`
  const called = sql`from ${numbers} n
    where r.type = 'tel' and n.customer_id = ${customerId}::uuid and n.number = r.target and n.deleted_at is null`
  const apart = sql`not exists (
    with recursive reached (type, target) as (
      select type, target from jsonb_to_recordset(${JSON.stringify(others)}::jsonb) as t (type text, target text)
      union select led.type, led.target from reached r cross join lateral (
        select d.type, d.target from ${extensions} e, ${lists('e')} where r.type = 'extension' and e.extension = r.target
          and e.customer_id = ${customerId}::uuid and e.deleted_at is null
        union all select d.type, d.target from (select n.destinations ${called}) n, ${lists('n')}
        union all select 'extension', e.extension from (select n.extension_id ${called}) n
          join ${extensions} e on e.customer_id = ${customerId}::uuid and e.id = n.extension_id
      ) led
    ) select from reached where type = ${type}::text and target = ${target}::text)`
  return [
    condition(apart, () => ApiError.field('destinations', `lead back to ${target}: the call would go round`)),
  ]
}

/** Numbers and extensions whose list names an account which is deleted: then they ring as if they had none. */
export function ringing(
  type: 'extension' | 'trunk',
  account: { readonly id: string; readonly customerId: string },
): Leaner[] {
  const { id, customerId } = account
  const table = type === 'extension' ? extensions : trunks
  const column = type === 'extension' ? extensions.extension : trunks.domainName
  const named = sql`(select jsonb_build_array(jsonb_build_object('type', ${type}::text, 'target', ${column}))
    from ${table} where ${live(table, customerId, id)})`
  const becomes = { destinations: null, updatedAt: now }
  return [numbers, extensions].map((of) => ({
    table: of,
    where: and(
      eq(of.customerId, customerId),
      ne(of.id, id),
      isNull(of.deletedAt),
      sql`${of.destinations} @> ${named}`,
    ),
    becomes,
  }))
}

/** Numbers and extensions whose list ends with a flow which is deleted: the others of it ring on. */
export function leadingToFlow({
  id,
  customerId,
}: {
  readonly id: string
  readonly customerId: string
}): Leaner[] {
  const named = JSON.stringify([{ type: 'flow', target: id }])
  return [numbers, extensions].map((of) => ({
    table: of,
    where: and(
      eq(of.customerId, customerId),
      isNull(of.deletedAt),
      sql`${of.destinations} @> ${named}::jsonb`,
    ),
    becomes: {
      destinations: sql`(select jsonb_agg(one order by at) from jsonb_array_elements(${of.destinations})
        with ordinality as list (one, at) where one ->> 'type' <> 'flow')`,
      updatedAt: now,
    },
  }))
}
