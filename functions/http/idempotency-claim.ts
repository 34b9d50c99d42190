import { eq, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import * as z from 'zod'
import { idempotencyKeys as table } from '#db'
import type { ClaimedKey, Edge } from '../env.ts'
import type { Place } from '../secrets.ts'
import { ApiError } from './api-error.ts'

/** How long an answer is kept. */
const kept = sql`interval '24 hours'`
/** The condition that a claim is so old that its key is another's. */
const isGone = sql`held.created_at < now() - ${kept}`
/** What has no answer after so long never will: whatever carried it out is gone. No request takes half of that. */
const abandoned = sql`interval '1 minute'`
/** Old rows taken away by each new one: more than can ever be added, so that none stays for long. */
const SWEPT = 100

/** Headers which belong to the answer itself, not to the request it was given to. */
const ownHeaders = ['content-type', 'location', 'etag']

const keptAnswer = z.object({
  status: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
})
/** An answer as it is kept: sealed, since it may show a secret which is shown once. */
export type KeptAnswer = z.output<typeof keptAnswer>

/** What became of an idempotency key: it is this request's; or an earlier one had that answer. */
export type Claim = ClaimedKey | { answer: KeptAnswer }

interface ClaimRow extends Record<string, unknown> {
  claimed: string | null
  id: string | null
  sealed_request: string | null
  sealed_answer: string | null
}

/**
 * Claims a key of the access key which asks, in one statement. Undefined: an earlier request holds it and has no answer
 * yet. Throws IDEMPOTENCY_KEY_REUSED where `request`, the hash of what is asked, is not the earlier one's.
 */
export async function claimKey(c: Context<Edge>, key: string, request: string): Promise<Claim | undefined> {
  const [seal, id] = [c.get('seal'), crypto.randomUUID()]
  const row = await claimRow(c, key, id, await seal.close(placeOf(id, 'request'), request))
  if (row?.claimed === id) return { id, again: false }
  if (!row?.id || !row.sealed_request) return undefined
  if ((await seal.open(placeOf(row.id, 'request'), row.sealed_request)) !== request) {
    if (row.claimed) await giveBack(c, row.claimed)
    throw new ApiError('IDEMPOTENCY_KEY_REUSED', 'Another request came with this Idempotency-Key before.')
  }
  if (row.claimed) return { id: row.claimed, again: true }
  if (!row.sealed_answer) return undefined
  return {
    answer: keptAnswer.parse(JSON.parse(await seal.open(placeOf(row.id, 'answer'), row.sealed_answer))),
  }
}

/** The hash is sealed too: who could read it might try passwords on it. */
async function claimRow(
  c: Context<Edge>,
  key: string,
  id: string,
  sealedRequest: string,
): Promise<ClaimRow | undefined> {
  const { ownId, keyId } = c.get('principal')
  const named = sql`(${ownId}::uuid, ${keyId}::uuid, ${key}::text)`
  const { rows } = await c.get('db').execute<ClaimRow>(sql`
    with swept as (
      delete from idempotency_keys where id = any(array(
        select id from idempotency_keys
        where created_at < now() - ${kept} and (customer_id, access_key_id, key) <> ${named}
        order by created_at limit ${SWEPT} for update skip locked))
    ),
    claim as (
      insert into idempotency_keys as held (id, customer_id, access_key_id, key, sealed_request)
      values (${id}::uuid, ${ownId}::uuid, ${keyId}::uuid, ${key}, ${sealedRequest})
      on conflict (customer_id, access_key_id, key) do update set
        id = case when ${isGone} then excluded.id else held.id end,
        sealed_request = case when ${isGone} then excluded.sealed_request else held.sealed_request end,
        sealed_answer = null, created_at = now()
      where ${isGone} or held.sealed_answer is null and held.created_at < now() - ${abandoned}
      returning id
    )
    select (select id from claim) as claimed, held.id, held.sealed_request, held.sealed_answer
    from (select) as once
    left join idempotency_keys held on (held.customer_id, held.access_key_id, held.key) = ${named}`)
  return rows[0]
}

/** Keeps the answer of a claim; of one which was taken for abandoned nothing is kept. */
export async function keep(c: Context<Edge>, id: string, answer: Response): Promise<void> {
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => ownHeaders.includes(name)))
  const text = JSON.stringify({ status: answer.status, headers, body: await answer.text() })
  const sealedAnswer = await c.get('seal').close(placeOf(id, 'answer'), text)
  await c.get('db').update(table).set({ sealedAnswer }).where(eq(table.id, id))
}

/** Frees the key of a claim by which nothing was done. */
export async function free(c: Context<Edge>, id: string): Promise<void> {
  await c.get('db').delete(table).where(eq(table.id, id))
}

/** Lets the same request try again at once under the claim's id: what it made, if it made something, has that too. */
export async function giveBack(c: Context<Edge>, id: string): Promise<void> {
  const createdAt = sql`now() - ${abandoned}`
  await c.get('db').update(table).set({ createdAt }).where(eq(table.id, id))
}

function placeOf(id: string, field: 'request' | 'answer'): Place {
  return { table: 'idempotency_keys', id, field }
}
