import { and, desc, eq, isNotNull, isNull, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { recordings as table } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { before } from '../http/queries.ts'
import { readQuery } from '../http/query.ts'
import { readBody, readId } from '../http/validate.ts'
import { linkTo } from '../media/recording-links.ts'
import { recordingStatus, recordingStatuses } from '../store/recordings.ts'
import { extensions } from './extensions.ts'
import { id } from './fields.ts'

const heard = z.enum(['true', 'false'], 'is true or false').optional()

/** Which recordings are listed; all where none is given. */
export const recordingFilters = {
  call_id: id.optional().describe('The call which was recorded.'),
  extension_id: id.optional().describe('The extension whose call it was, or whose mailbox it is in.'),
  type: z.enum(['call', 'voicemail'], 'is call or voicemail').optional(),
  status: z.enum(recordingStatuses, `is one of ${recordingStatuses.join(', ')}`).optional(),
}
/** Which messages of a mailbox are listed. */
export const mailboxFilters = {
  heard: heard.describe('`false`: the new ones, for which the phone’s lamp is lit; `true`: the old ones.'),
}
/** What may be changed of a recording. */
export const recordingChange = z.strictObject({
  heard: z
    .boolean()
    .describe('Of voicemail: whether it was heard. Where none is new, the phone’s lamp goes out.'),
})

/** What was said in calls, and left in mailboxes. */
export const recordings = new Hono<Edge>()
  .get('/', lists(recordingFilters), async (c) => {
    const asked = readQuery(c, z.object(recordingFilters))
    return c.json(
      await page(c, [
        asked.call_id && eq(table.callId, asked.call_id),
        asked.extension_id && eq(table.extensionId, asked.extension_id),
        asked.type && eq(table.kind, asked.type),
        asked.status && eq(recordingStatus, asked.status),
      ]),
    )
  })
  .get('/:id', async (c) => c.json(present(await recordingOf(c))))
  .patch('/:id', async (c) => {
    const { heard } = await readBody(c, recordingChange)
    const row = await recordingOf(c)
    if (row.kind !== 'voicemail') throw ApiError.field('heard', 'is said of voicemail alone')
    return c.json(
      present(await changed(c, { heardAt: heard ? sql`coalesce(${table.heardAt}, now())` : null })),
    )
  })
  .delete('/:id', async (c) => {
    await recordingOf(c)
    return c.json(present(await changed(c, { deletedAt: sql`now()` })))
  })

/** Where a recording can be heard for some minutes, without an access key. */
export const recordingFiles = new Hono<Edge>().get('/:id', async (c) => {
  const row = await recordingOf(c)
  if (row.status !== 'available')
    throw new ApiError(
      'RECORDING_NOT_READY',
      row.status === 'failed'
        ? `There is no sound of it: ${row.message ?? 'the recording failed.'}`
        : 'Its sound is not here yet: the recording goes on, or is on its way.',
    )
  return c.redirect(await linkTo(c.get('settings').RELAY_SECRET[0], row), 307)
})

/** The messages in an extension's mailbox. */
export const mailboxes = new Hono<Edge>().get('/:id/voicemail', lists(mailboxFilters), async (c) => {
  const extensionId = readId(c)
  await extensions.find(c, extensionId)
  const { heard } = readQuery(c, z.object(mailboxFilters))
  return c.json(
    await page(c, [
      eq(table.extensionId, extensionId),
      eq(table.kind, 'voicemail'),
      heard && (heard === 'true' ? isNotNull(table.heardAt) : isNull(table.heardAt)),
    ]),
  )
})

const columns = { recording: table, status: recordingStatus }

/** A customer's recordings; one of which its relay has only brought the sound has no call yet, and is not shown. */
function mine(c: Context<Edge>): SQL | undefined {
  return and(eq(table.customerId, c.get('principal').customerId), isNotNull(table.kind))
}

async function page(c: Context<Edge>, asked: readonly (SQL | '' | undefined)[]) {
  const [page, conditions] = [readPage(c), asked.filter((one) => one !== '')]
  const rows = await c
    .get('db')
    .select(columns)
    .from(table)
    .where(
      and(
        mine(c),
        isNull(table.deletedAt),
        ...conditions,
        page.after && before(table.startedAt, table.id, page.after),
      ),
    )
    .orderBy(desc(table.startedAt), desc(table.id))
    .limit(page.size + 1)
  return listed(rows.map(flat), page, ({ startedAt, id }) => ({ at: startedAt, id }), present)
}

async function recordingOf(c: Context<Edge>): Promise<Shown> {
  const one = and(mine(c), eq(table.id, readId(c)), isNull(table.deletedAt))
  const [row] = await c.get('db').select(columns).from(table).where(one)
  if (!row) throw new ApiError('RECORDING_NOT_FOUND', 'There is no such recording.')
  return flat(row)
}

async function changed(c: Context<Edge>, values: { heardAt?: SQL | null; deletedAt?: SQL }): Promise<Shown> {
  const one = and(mine(c), eq(table.id, readId(c)))
  const [row] = await c
    .get('db')
    .update(table)
    .set({ ...values, updatedAt: sql`now()` })
    .where(one)
    .returning({ recording: table, status: recordingStatus })
  if (!row) throw new ApiError('RECORDING_NOT_FOUND', 'There is no such recording.')
  return flat(row as never)
}

type Shown = typeof table.$inferSelect & { readonly status: (typeof recordingStatuses)[number] }

function flat({
  recording,
  status,
}: {
  recording: typeof table.$inferSelect
  status: Shown['status']
}): Shown {
  return { ...recording, status }
}

function present(row: Shown) {
  return {
    id: row.id,
    customer_id: row.customerId,
    type: row.kind,
    reference_type: 'call',
    reference_id: row.callId,
    extension_id: row.extensionId,
    source: row.source,
    status: row.status,
    format: 'wav',
    channels: row.channels,
    duration: row.ms === null ? null : row.ms / 1000,
    bytes: row.bytes,
    ending: row.ending,
    message: row.message,
    heard: row.kind === 'voicemail' ? row.heardAt !== null : null,
    tm_heard: row.heardAt,
    tm_start: row.startedAt,
    tm_end: row.endedAt,
    tm_create: row.createdAt,
    tm_update: row.updatedAt,
    tm_delete: row.deletedAt,
  }
}
