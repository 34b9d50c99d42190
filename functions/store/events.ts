import { and, asc, desc, eq, gt, inArray, isNotNull, lt, type SQL, sql } from 'drizzle-orm'
import { PLATFORM } from '#contract'
import { type Database, events } from '#db'

/** An event as it is read: one which shows has its number. */
export type EventRow = typeof events.$inferSelect & { readonly sequence: number }

/** Which events of a customer are looked for; what is undefined narrows nothing. */
interface EventQuery {
  readonly types: readonly string[] | undefined
  readonly subjectId: string | undefined
  /** Those with a higher, and a lower, number. */
  readonly above: number | undefined
  readonly below?: number | undefined
  readonly order: 'newest' | 'oldest'
  readonly most: number
}

/** Events of a customer, of the platform those of no customer too. */
export async function eventsOf(db: Database, owner: string, query: EventQuery): Promise<EventRow[]> {
  const { order, most } = query
  const rows = await db
    .select()
    .from(events)
    .where(
      and(ownedBy(sql`${events.customerId}`, owner), isNotNull(events.sequence), ...conditions(owner, query)),
    )
    .orderBy(order === 'newest' ? desc(events.sequence) : asc(events.sequence))
    .limit(most)
  return rows as EventRow[]
}

/** One of them; undefined: there is none. */
export async function eventOf(db: Database, owner: string, id: string): Promise<EventRow | undefined> {
  const [row] = await db
    .select()
    .from(events)
    .where(and(ownedBy(sql`${events.customerId}`, owner), isNotNull(events.sequence), eq(events.id, id)))
  return row as EventRow | undefined
}

function conditions(owner: string, query: EventQuery): SQL[] {
  const { types, subjectId, above, below } = query
  const narrow = [
    subjectId === undefined ? undefined : eq(events.subjectId, subjectId),
    above === undefined ? undefined : gt(events.sequence, above),
    below === undefined ? undefined : lt(events.sequence, below),
  ].filter((condition) => condition !== undefined)
  if (types === undefined) return narrow
  if (subjectId !== undefined || types.length === 1) return [...narrow, inArray(events.type, [...types])]
  return [...narrow, amongFirst(owner, types, query)]
}

/**
 * The condition that an event is among the first of some types. Each type's are looked up by themselves, so that few
 * among many are found without reading the many.
 */
function amongFirst(owner: string, types: readonly string[], { above, below, order, most }: EventQuery): SQL {
  const direction = sql.raw(order === 'newest' ? 'desc' : 'asc')
  return sql`${events.sequence} = any(array(
    select one.sequence from unnest(${sql.param([...types])}::text[]) as wanted (type), lateral (
      select e.sequence from events e where ${ownedBy(sql`e.customer_id`, owner)} and e.type = wanted.type
        and e.sequence > ${above ?? 0}::bigint and e.sequence < ${below ?? Number.MAX_SAFE_INTEGER}::bigint
      order by e.sequence ${direction} limit ${most}) as one
    order by one.sequence ${direction} limit ${most}))`
}

/** The condition that an event is a customer's; those of none are the platform's. It is written as the indexes have it. */
export function ownedBy(customerId: SQL, owner: string): SQL {
  return sql`coalesce(${customerId}, ${sql.raw(`'${PLATFORM}'::uuid`)}) = ${owner}::uuid`
}
