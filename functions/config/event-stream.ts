import { type SQL, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import * as z from 'zod'
import { eventTypesMeant } from '#contract'
import type { Database } from '#db'
import { utcNow } from '../clock.ts'
import { type Edge, prepare, quietly } from '../env.ts'
import { OpenStreams, STREAMS, type StreamPlace } from '../events/open-streams.ts'
import { beat, opening, remark, told, waitAfter } from '../events/stream-words.ts'
import { ApiError } from '../http/api-error.ts'
import { presentedKey } from '../http/authenticate.ts'
import { readQuery } from '../http/query.ts'
import { covers } from '../http/scopes.ts'
import { type HolderRow, holderFrom, holderOf } from '../key-holder.ts'
import { causesOf, log } from '../log.ts'
import { type RoundsKeeper, roundsOf } from '../rounds-keeper.ts'
import { sha256Hex } from '../secrets.ts'
import { eventsOf } from '../store/events.ts'
import { filters, placeOf, presentEvent } from './event-filters.ts'

/** The longest a stream lasts: a Worker may make a thousand requests, and each look is one. */
const LONGEST_S = 300
const LOOKS = 600
/** Events which are read at a time. */
const BATCH = 100
const BEAT_MS = 10_000

/** What a stream is narrowed by, and how long it lasts. */
export const streamFilters = {
  ...filters,
  seconds: z
    .string()
    .regex(/^\d{1,3}$/, `is a whole number from 1 to ${LONGEST_S}`)
    .transform(Number)
    .pipe(z.int().min(1).max(LONGEST_S))
    .default(LONGEST_S)
    .describe('How long it lasts at most.'),
}

/**
 * Answers with events as they come, the oldest first. It begins after the one which the client had last
 * (`Last-Event-ID`, or `after`), or now, and ends after a while: clients come back by themselves, and miss nothing.
 *
 * Nothing tells this isolate of events which others write: it looks every two seconds at least whether there are any; while
 * the database is not used there are none, and it may sleep.
 */
export async function streamEvents(c: Context<Edge>): Promise<Response> {
  const { type, resource_id, after, seconds } = readQuery(c, z.object(streamFilters))
  const last = c.req.header('last-event-id')
  const from = await placeOf(c, last === undefined || last === '' ? after : last)
  const query = { types: type === undefined ? undefined : eventTypesMeant(type), subjectId: resource_id }
  const hash = await sha256Hex(presentedKey(c) ?? '')
  const place = openStream(c)
  if (c.req.method === 'HEAD') {
    place.close()
    return c.body(null, 200, { 'content-type': 'text/event-stream' })
  }
  const until = utcNow() + seconds * 1_000
  const { db } = prepare(quietly(c.env))
  const owner = c.get('principal').customerId
  const work = { db, rounds: roundsOf(c.env), owner, hash, query, until, place }
  return streamSSE(c, (stream) => new EventStream(stream, work).run(from))
}

const open = new WeakMap<object, OpenStreams>()

function openStream(c: Context<Edge>): StreamPlace {
  const streams = open.get(c.env) ?? new OpenStreams()
  open.set(c.env, streams)
  const place = streams.open(c.get('principal').keyId, utcNow())
  if (place) return place
  c.header('Retry-After', '30')
  throw new ApiError('TOO_MANY_STREAMS', `This access key has ${STREAMS} streams open. Close one.`)
}

interface StreamWork {
  readonly db: Database
  /** undefined: whether the database is used cannot be told. */
  readonly rounds: Pick<RoundsKeeper, 'used'> | undefined
  readonly owner: string
  /** Of the token which opened it. */
  readonly hash: string
  readonly query: { readonly types: readonly string[] | undefined; readonly subjectId: string | undefined }
  /** UTC ms. */
  readonly until: number
  readonly place: StreamPlace
}

/** One stream while it lasts. */
class EventStream {
  readonly #stream: SSEStreamingApi
  readonly #work: StreamWork
  /** All up to here were told, or are not asked for. */
  #seen = 0
  #wroteAt = 0

  constructor(stream: SSEStreamingApi, work: StreamWork) {
    this.#stream = stream
    this.#work = work
  }

  async run(from: number | undefined): Promise<void> {
    try {
      await this.#goOn(from)
    } catch (error) {
      log('warn', 'event_stream.interrupted', { causes: causesOf(error) })
    } finally {
      this.#work.place.close()
    }
  }

  async #goOn(from: number | undefined): Promise<void> {
    const { until, place } = this.#work
    this.#seen = from ?? (await this.#look()) ?? 0
    await this.#write(opening(this.#seen))
    for (let [looks, quiet] = [0, 0]; looks < LOOKS && !this.#stream.aborted; looks += 1) {
      const last = (await this.#isAsleep()) ? this.#seen : await this.#look()
      if (last === undefined) return this.#write(remark('The access key opens nothing any longer.'))
      const found = last > this.#seen && (await this.#tell(last))
      const now = utcNow()
      if (now >= until) return this.#write(beat(this.#seen))
      place.looked(now)
      if (now - this.#wroteAt >= BEAT_MS) await this.#write(beat(this.#seen))
      quiet = found ? 0 : quiet + 1
      await this.#stream.sleep(Math.min(waitAfter(quiet), until - now))
    }
  }

  async #isAsleep(): Promise<boolean> {
    return (await this.#work.rounds?.used()) === false
  }

  /** The customer's last event so far; undefined: the token opens nothing any longer. */
  async #look(): Promise<number | undefined> {
    const { db, owner, hash } = this.#work
    const { rows } = await db.execute<{ last: string; holder: HolderRow | null }>(looking(owner, hash))
    const [row] = rows
    return row?.holder && opens(row.holder) ? Number(row.last) : undefined
  }

  /** Tells what is new, up to `last` at least, since all of it shows by now; gives whether any was asked for. */
  async #tell(last: number): Promise<boolean> {
    const { db, owner, query } = this.#work
    let told = false
    for (let more = true; more && !this.#stream.aborted; ) {
      const rows = await eventsOf(db, owner, { ...query, above: this.#seen, order: 'oldest', most: BATCH })
      if (rows.length > 0) await this.#write(rows.map(frame).join(''))
      told ||= rows.length > 0
      more = rows.length === BATCH
      this.#seen = Math.max(this.#seen, rows.at(-1)?.sequence ?? 0, more ? 0 : last)
    }
    return told
  }

  async #write(text: string): Promise<void> {
    await this.#stream.write(text)
    this.#wroteAt = utcNow()
  }
}

function frame(row: Parameters<typeof presentEvent>[0]): string {
  return told(row.sequence, presentEvent(row))
}

/** One look-up each, by key. */
function looking(owner: string, hash: string): SQL {
  return sql`select coalesce((select last from event_counters where customer_id = ${owner}::uuid), 0) as last,
    (${holderOf(hash)}) as holder`
}

function opens(row: HolderRow): boolean {
  return row.expired_at === null && row.replaced_at === null && covers(holderFrom(row).scopes, 'read')
}
