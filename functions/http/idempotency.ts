import type { Context, MiddlewareHandler } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { utcNow } from '../clock.ts'
import type { Edge } from '../env.ts'
import { causesOf, log } from '../log.ts'
import { sha256Hex } from '../secrets.ts'
import { ApiError } from './api-error.ts'
import { executionOf } from './execution.ts'
import { type Claim, claimKey, free, giveBack, type KeptAnswer, keep } from './idempotency-claim.ts'

/*
 * A POST which names itself by an Idempotency-Key is carried out once, however often it is sent
 * (draft-ietf-httpapi-idempotency-key-header). Its key is claimed before it is carried out: of two which come at once
 * one waits for the other's answer.
 */

/** How long a request waits for the answer to an earlier one with its key, and what it is told to wait after that. */
const PATIENCE_MS = 2_000
const RETRY_AFTER_S = 1

/**
 * Middleware: answers a repeated POST of one access key as its first was answered, with `Idempotency-Replayed: true`.
 * Answers of 5xx and 429 are not kept: the same key may try again. 409 where the key came with another request before,
 * or where that one is still being carried out. A POST without the header is passed on.
 */
export const idempotent: MiddlewareHandler<Edge> = async (c, next) => {
  const written = c.req.method === 'POST' ? c.req.header('idempotency-key') : undefined
  if (written === undefined) return next()
  return outlive(c, once(c, next, readKey(written), await fingerprint(c)))
}

async function once(
  c: Context<Edge>,
  next: () => Promise<void>,
  key: string,
  request: string,
): Promise<Response | undefined> {
  const claim = await claimInTime(c, key, request)
  if ('answer' in claim) return replay(c, claim.answer)
  c.set('claim', claim)
  await carryOut(c, next, claim.id)
  return undefined
}

/** The key, with or without the quotation marks of a structured field (RFC 9651 §3.3.3). */
function readKey(written: string): string {
  const key = /^"(.*)"$/.exec(written)?.[1] ?? written
  if (/^[!#-~]{1,255}$/.test(key)) return key
  throw ApiError.field(
    'Idempotency-Key',
    'is 1 to 255 visible ASCII characters, without spaces and quotation marks',
    'INVALID_REQUEST_PARAMETER',
  )
}

/** A hash of what is asked: path, query without the access key, and the body to the letter. */
async function fingerprint(c: Context<Edge>): Promise<string> {
  const { pathname, searchParams } = new URL(c.req.url)
  for (const secret of ['token', 'accesskey']) searchParams.delete(secret)
  searchParams.sort()
  // As octets: a sound is no text, and what is read of it later is what was kept of it here.
  const body = await sha256Hex(new Uint8Array(await c.req.arrayBuffer()))
  // Of the body's hash, not of the body: a large one is not copied to stand behind its path.
  return sha256Hex(`${pathname.replace(/\/$/, '')}?${searchParams}\n${body}`)
}

async function claimInTime(c: Context<Edge>, key: string, request: string): Promise<Claim> {
  const patientUntil = utcNow() + PATIENCE_MS
  for (let pause = 25; ; pause = Math.min(2 * pause, 500)) {
    const claim = await claimKey(c, key, request)
    if (claim) return claim
    if (utcNow() > patientUntil) throw inUse(c)
    await new Promise((resume) => setTimeout(resume, pause))
  }
}

function inUse(c: Context<Edge>): ApiError {
  c.header('Retry-After', String(RETRY_AFTER_S))
  return new ApiError(
    'IDEMPOTENCY_KEY_IN_USE',
    'A request with this Idempotency-Key is still being carried out.',
  )
}

function replay(c: Context<Edge>, { status, headers, body }: KeptAnswer): Response {
  return c.body(body, status as ContentfulStatusCode, { ...headers, 'Idempotency-Replayed': 'true' })
}

/** What a client which hangs up has begun is carried through, and its answer kept: it will ask again. */
function outlive<Value>(c: Context<Edge>, work: Promise<Value>): Promise<Value> {
  executionOf(c)?.waitUntil(work.catch(() => {}))
  return work
}

async function carryOut(c: Context<Edge>, next: () => Promise<void>, id: string): Promise<void> {
  try {
    await next()
  } catch (error) {
    await safely(c, error instanceof ApiError ? free(c, id) : giveBack(c, id))
    throw error
  }
  const answer = c.res.clone()
  const passes = answer.status >= 500 || answer.status === 429
  await safely(c, passes ? giveBack(c, id) : keep(c, id, answer))
}

/** The answer goes out also where it cannot be kept: its key is free again before long. */
async function safely(c: Context<Edge>, work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) =>
    log('warn', 'idempotency.answer_not_kept', { causes: causesOf(error), request_id: c.get('requestId') }),
  )
}
