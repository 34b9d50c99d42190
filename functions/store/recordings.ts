import { type SQL, sql } from 'drizzle-orm'
import {
  type Beat,
  type EventTell,
  PLATFORM,
  type RecordingArrival,
  recordingHeaderBytes,
  recordingTold,
} from '#contract'
import { calls, type Database, partyOf, recordings as table } from '#db'
import type { Fact } from './calls.ts'

/*
 * Recordings as relays tell of them: in events, and by bringing their sound. Either may come first, and each more than once.
 */

/** The statement which keeps what events tell of recordings; undefined: none does. */
export function keepRecordings(facts: readonly Fact[]): SQL | undefined {
  const told = facts.filter(isAboutRecording).flatMap(({ data, customer_id, relay_id }) => {
    const read = recordingTold.safeParse(data)
    return read.success ? [{ ...read.data, customer_id: customer_id ?? PLATFORM, relay_id }] : []
  })
  if (told.length === 0) return undefined
  // One statement may touch a row only once: what is told last of a recording has all that was told before.
  const last = new Map(told.map((one) => [one.subject_id, one]))
  return sql`
    insert into recordings as r (id, customer_id, relay_id, kind, call_id, extension_id, source, channels, ms, bytes,
      ending, message, started_at, ended_at, updated_at)
    select subject_id, t.customer_id, t.relay_id, t.kind, call_id, coalesce(t.extension_id, (select e.id from extensions e
      where e.customer_id = t.customer_id and e.extension = t.mailbox and e.deleted_at is null)), source, channels, ms, bytes,
      ending, message, tm_start, tm_end, now()
    from jsonb_to_recordset(${JSON.stringify([...last.values()])}::jsonb) as t (subject_id uuid, customer_id uuid,
      relay_id text, kind text, call_id uuid, extension_id uuid, mailbox text, source text, channels integer, ms integer, bytes bigint,
      ending text, message text, tm_start timestamptz, tm_end timestamptz)
    join customers c on c.id = t.customer_id
    order by call_id, subject_id
    on conflict (id) do update set kind = excluded.kind, call_id = excluded.call_id, extension_id = excluded.extension_id,
      source = excluded.source, channels = excluded.channels, ms = coalesce(r.ms, excluded.ms),
      bytes = coalesce(r.bytes, excluded.bytes), started_at = excluded.started_at,
      ending = case when excluded.ended_at is null then r.ending else excluded.ending end,
      message = coalesce(excluded.message, r.message), ended_at = coalesce(excluded.ended_at, r.ended_at), updated_at = now()
    where r.customer_id = excluded.customer_id and r.relay_id = excluded.relay_id`
}

/**
 * A relay has a whole file. The row as it is then, or none where there is no such customer. What was not told to be over by
 * the process which wrote it, and that is no more, was broken off with it. One in which nothing is has no sound to come.
 */
export function arrived(id: string, relayId: string, { customer_id, ...file }: RecordingArrival): SQL {
  const [ending, endedAt] = file.interrupted ? ['interrupted', sql`now()`] : [null, sql`null::timestamptz`]
  const isEmpty = file.ms === 0 && file.bytes <= recordingHeaderBytes
  const [bytes, why] = isEmpty ? [0, nothingIn] : [file.bytes, null]
  return sql`
    insert into recordings as r (id, customer_id, relay_id, channels, ms, bytes, ending, message, started_at, ended_at, updated_at)
    select ${id}, id, ${relayId}, ${file.channels}, ${file.ms}, ${bytes}, ${ending}::text, ${why}::text, now(), ${endedAt}, now()
    from customers where id = ${customer_id} and deleted_at is null
    on conflict (id) do update set channels = excluded.channels, ms = excluded.ms, bytes = excluded.bytes,
      ending = coalesce(r.ending, excluded.ending), message = coalesce(r.message, excluded.message),
      ended_at = coalesce(r.ended_at, excluded.ended_at), updated_at = now()
    where r.customer_id = excluded.customer_id and r.relay_id = excluded.relay_id
    returning *`
}

const nothingIn = 'It was over before anything was recorded.'

/** So many mailboxes are named in a beat, those first in which something has changed last. */
const NAMED = 10_000
/** A change may be seen so much later than it says, since its transaction took its time. */
const OVERLAP = sql`interval '10 seconds'`

/** What lies in mailboxes in which something has changed since a relay heard of them last; without that, in those with something new. */
export function namedMailboxes({ mailboxes_since }: Pick<Beat, 'mailboxes_since'>): SQL {
  const since = mailboxes_since ?? null
  const live = sql`r.kind = 'voicemail' and r.bytes > 0 and r.deleted_at is null`
  return sql`(
    select coalesce(jsonb_agg(jsonb_build_object('customer_id', customer_id, 'extension_id', extension_id, 'new', new, 'old', old)), '[]')
    from (
      select c.customer_id, c.extension_id, m.new, m.old from (
        select customer_id, extension_id, max(updated_at) as at from recordings
        where kind = 'voicemail' and extension_id is not null and updated_at > coalesce(${since}::timestamptz - ${OVERLAP}, '-infinity')
        group by 1, 2 order by 3 desc limit ${NAMED}) as c,
      lateral (select count(*) filter (where r.heard_at is null) as new, count(*) filter (where r.heard_at is not null) as old
        from recordings r where r.customer_id = c.customer_id and r.extension_id = c.extension_id and ${live}) as m
      where ${since}::timestamptz is not null or m.new > 0) as named)`
}

/** Deletes what was recorded of a number's calls, or of an extension's. */
export async function deleteRecordings(
  db: Database,
  customerId: string,
  { number, extensionId }: { readonly number: string | null; readonly extensionId: string | null },
): Promise<void> {
  const called = sql`r.call_id in (select id from calls where customer_id = ${customerId}
    and (${partyOf(calls.source)} = ${number} or ${partyOf(calls.destination)} = ${number}))`
  const whose =
    number === null ? sql`r.extension_id = ${extensionId}` : sql`(r.source = ${number} or ${called})`
  await db.execute(deleting(sql`recordings r`, sql`r.customer_id = ${customerId} and ${whose}`))
}

/**
 * The same of erasures which begin now: a relay may have told since of calls which were under way when they were asked for. Gives as
 * `running` whether there is an erasure.
 */
export function deleteRecordingsToErase(): SQL {
  const deleted = deleting(
    sql`erasures e join recordings r using (customer_id)`,
    sql`e.status = 'running' and e.phase = 'calls' and e.cursor_at = '-infinity' and r.started_at <= e.created_at
      and case when e.number is null then r.extension_id = e.extension_id
        else r.source = e.number or exists (select from calls c where c.id = r.call_id and c.customer_id = e.customer_id
          and (${partyOf(sql`c.source`)} = e.number or ${partyOf(sql`c.destination`)} = e.number)) end`,
  )
  return sql`with deleted as (${deleted}) select exists (select from erasures where status = 'running') as running`
}

/** Deletes recordings `r`, locked call by call in the order in which calls are stored. */
function deleting(from: SQL, which: SQL): SQL {
  return sql`
    update recordings set deleted_at = now(), updated_at = now() where id = any(array(
      select r.id from ${from} where r.deleted_at is null and ${which} order by r.call_id, r.id for no key update of r))`
}

/** What the API calls the state of a recording. */
export const recordingStatus = sql<RecordingStatus>`case
  when ${table.uploadedAt} is not null then 'available' when ${table.bytes} > 0 then 'uploading'
  when ${table.endedAt} is null then 'recording' else 'failed' end`
export const recordingStatuses = ['recording', 'uploading', 'available', 'failed'] as const
type RecordingStatus = (typeof recordingStatuses)[number]

function isAboutRecording(tell: Fact): tell is EventTell {
  return tell.kind === 'event' && /^recording\.(started|finished|failed)$/.test(tell.type)
}
