import { and, desc, eq, getTableColumns, inArray, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { address, attempt, explanation, flowTrace, mediaSide } from '#contract'
import { type Database, calls as table } from '#db'
import { utcNow } from '../clock.ts'
import { soundWords } from '../diagnosis/sound.ts'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { asked } from '../http/asked.ts'
import { confirmsKey } from '../http/authenticate.ts'
import { DEEPEST, depthOf } from '../http/json.ts'
import type { BatchStatement } from '../http/noun.ts'
import { listed, lists, type Page, readPage } from '../http/page.ts'
import { before } from '../http/queries.ts'
import { readId } from '../http/validate.ts'
import { endSilent, lostAfterMs } from '../store/lost-calls.ts'
import { callsAsked, filters } from './call-filters.ts'

/** What became of every call: read only, told by the relays. */
export const calls = new Hono<Edge>()
  .get('/', lists(filters), confirmsKey(list))
  .get('/:id', confirmsKey(get))

async function list(c: Context<Edge>): Promise<Response> {
  const [page, wanted] = [readPage(c), await callsAsked(c)]
  const { customerId } = c.get('principal')
  const rows = await missed(c, () => pageOfCalls(c.get('db'), customerId, wanted, page))
  return c.json(listed([...rows], page, ({ startedAt, id }) => ({ at: startedAt, id }), present))
}

async function get(c: Context<Edge>): Promise<Response> {
  const mine = and(eq(table.customerId, c.get('principal').customerId), eq(table.id, readId(c)))
  const [row] = await missed(c, () => c.get('db').select(columns).from(table).where(mine))
  if (!row) throw new ApiError('CALL_NOT_FOUND', 'There is no such call.')
  return c.json(present(row))
}

/** Calls of the asking customer by their ids, as they are shown, in that order. */
export async function callsById(c: Context<Edge>, ids: readonly string[]) {
  const mine = and(eq(table.customerId, c.get('principal').customerId), inArray(table.id, [...ids]))
  const rows = await c.get('db').select(columns).from(table).where(mine)
  return rows.sort((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id)).map(present)
}

type Row = typeof table.$inferSelect & { readonly recordingIds: string[] }

/** What was recorded of it comes with a call, the oldest first. */
const columns = {
  ...getTableColumns(table),
  recordingIds: sql<string[]>`array(select r.id from recordings r where r.customer_id = calls.customer_id
    and r.call_id = calls.id and r.deleted_at is null order by r.started_at, r.id)`,
}

/** One page of a customer's calls, of those which were asked for, and one more than it holds if there is one. */
export function pageOfCalls(db: Database, customerId: string, asked: SQL | undefined, page: Page) {
  const after = page.after && before(table.startedAt, table.id, page.after)
  return db
    .select(columns)
    .from(table)
    .where(and(eq(table.customerId, customerId), asked, after))
    .orderBy(desc(table.startedAt), desc(table.id))
    .limit(page.size + 1)
}

/**
 * Calls as they are read, once more where one goes on by its record and has not been heard of for long: where every
 * relay is gone, no beat ends what the last one carried.
 */
async function missed(
  c: Context<Edge>,
  read: () => BatchStatement & PromiseLike<Row[]>,
): Promise<readonly Row[]> {
  const rows = await asked(c, read())
  const quietSince = utcNow() - lostAfterMs
  const quiet = ({ status, updatedAt }: Row) => status !== 'hangup' && Date.parse(updatedAt) < quietSince
  if (!rows.some(quiet)) return rows
  await c.get('db').execute(endSilent())
  return read()
}

/*
 * jsonb forgets the order of keys; read by the words they were told in, they stand as documented. What an older or a
 * later edge kept in other words is shown as it is: one record must not keep the others from being read.
 */
const attempts = legibly(z.array(attempt))
const decision = legibly(explanation.nullable())
const flow = legibly(flowTrace.nullable())
const media = z.object({ from_caller: mediaSide, from_callee: mediaSide })
const party = legibly(address)

function legibly(shape: z.ZodType): (kept: unknown) => unknown {
  return (kept) => {
    const read = shape.safeParse(kept)
    if (read.success) return read.data
    return depthOf(kept) > DEEPEST ? null : kept
  }
}

/** A call's sound, with what is wrong with it in a sentence. */
function sound({ media: kept, answeredAt, endedAt, updatedAt }: Row) {
  const read = media.safeParse(kept)
  if (!read.success) return legibly(z.null())(kept)
  const until = endedAt ?? updatedAt
  const seconds = answeredAt === null ? 0 : (Date.parse(until) - Date.parse(answeredAt)) / 1000
  return { ...read.data, message: soundWords(read.data, seconds) }
}

function seconds(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : (Date.parse(to) - Date.parse(from)) / 1000
}

function present(row: Row) {
  return {
    id: row.id,
    customer_id: row.customerId,
    direction: row.direction,
    source: party(row.source),
    destination: party(row.destination),
    number_id: row.numberId,
    provider_id: row.providerId,
    route_id: row.routeId,
    status: row.status,
    unverified: row.unverified,
    hangup_by: row.hangupBy,
    hangup_reason: row.hangupReason,
    reject_reason: row.rejectReason,
    reject_message: row.rejectMessage,
    transferred_from: row.transferredFrom,
    transfer_type: row.transferType,
    recording_ids: row.recordingIds,
    sip_status: row.sipStatus,
    sip_call_id: row.sipCallId || null,
    attempts: attempts(row.attempts),
    media: sound(row),
    decision: decision(row.decision),
    flow: flow(row.flow),
    held: row.held,
    muted: row.muted,
    metadata: row.metadata ?? {},
    extension_id: row.extensionId,
    trunk_id: row.trunkId,
    /** Seconds talked, which are billed; and from the first to the last. Null while that goes on, or was never answered. */
    duration: seconds(row.answeredAt, row.endedAt),
    total_duration: seconds(row.startedAt, row.endedAt),
    tm_ringing: row.ringingAt,
    tm_progressing: row.answeredAt,
    tm_hangup: row.endedAt,
    tm_create: row.startedAt,
    tm_update: row.updatedAt,
    tm_delete: null,
  }
}
