import { and, eq, sql } from 'drizzle-orm'
import { type Database, prompts } from '#db'
import { utcNow } from '../clock.ts'
import { prepare } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { causesOf, log } from '../log.ts'
import { bucketOf, fromBucket } from './bucket.ts'

/** A prompt's octets, as a download answers them. */
export interface PromptSound {
  readonly body: ReadableStream
  readonly size: number
}

/** Deleted prompts whose octets are taken away at a time. */
const STEP = 200
/** Steps follow one another for so long; the next minute goes on. */
const SWEEP_MS = 20_000

/** Puts a prompt's octets into the bucket; the same again is the same. Throws SOUND_STORE_UNAVAILABLE. */
export async function keepPrompt(
  env: object,
  { customerId, id }: PromptName,
  wav: Uint8Array,
): Promise<void> {
  const httpMetadata = { contentType: 'audio/wav' }
  await fromBucket(bucketOf(env).put(keyOf(customerId, id), wav, { httpMetadata }))
}

/** Its octets. Throws SOUND_GONE where they are no longer kept, and SOUND_STORE_UNAVAILABLE. */
export async function promptSound(env: object, { customerId, id }: PromptName): Promise<PromptSound> {
  const found = await fromBucket(bucketOf(env).get(keyOf(customerId, id)))
  if (found) return found
  throw new ApiError('SOUND_GONE', 'This prompt was deleted, and its sound is no longer kept.')
}

/** Takes its octets out of the bucket. Throws SOUND_STORE_UNAVAILABLE. */
export async function forgetPrompt(env: object, { customerId, id }: PromptName): Promise<void> {
  await fromBucket(bucketOf(env).delete(keyOf(customerId, id)))
}

/** Whose a prompt is, and which. */
export interface PromptName {
  readonly customerId: string
  readonly id: string
}

/** One prompt by whose and which it is, a deleted one too; undefined: there is none. */
export async function findPrompt(db: Database, { customerId, id }: PromptName) {
  const mine = and(eq(prompts.customerId, customerId), eq(prompts.id, id))
  const [row] = await db.select().from(prompts).where(mine)
  return row
}

/** Takes away what was deleted long enough ago, all of it if there is time; gives up quietly, since the next minute goes on. */
export async function sweepPrompts(env: object): Promise<void> {
  const until = utcNow() + SWEEP_MS
  try {
    while ((await sweepStep(env)) === STEP && utcNow() < until);
  } catch (error) {
    log('warn', 'prompts.not_swept', { causes: causesOf(error) })
  }
}

/** How many went. */
async function sweepStep(env: object): Promise<number> {
  const { db, settings } = prepare(env)
  const { rows } = await db.execute<{ id: string; customer_id: string }>(sql`
      select p.id, p.customer_id from prompts p join customers c on c.id = p.customer_id
      where p.erased_at is null and p.deleted_at
        <= now() - coalesce((c.retention ->> 'prompts')::integer, ${settings.RETENTION_DAYS.prompts}::integer) * interval '1 day'
      order by p.deleted_at limit ${STEP}`)
  if (rows.length === 0) return 0
  await bucketOf(env).delete(rows.map(({ id, customer_id }) => keyOf(customer_id, id)))
  const ids = rows.map(({ id }) => id)
  await db.execute(sql`update prompts set erased_at = now() where id = any(${sql.param(ids)}::uuid[])`)
  return rows.length
}

function keyOf(customerId: string, id: string): string {
  return `prompts/${customerId}/${id}.wav`
}
