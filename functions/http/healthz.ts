import { sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { type Edge, prepare, quietly } from '../env.ts'
import { ApiError } from './api-error.ts'
import type { Operation } from './operation.ts'

/** A database which takes longer for nothing at all is none to send requests to. */
const patienceMs = 2_000

/** Whether this edge can work: 200, or 503 within two seconds where its database does not answer. */
export const healthz = new Hono<Edge>().get('/', answering)

/** The same, where machines look for it which tell living from ready: an edge has nothing else to get ready. */
export const readyz = new Hono<Edge>().get('/', answering)

async function answering(c: Context<Edge>) {
  await soon(prepare(quietly(c.env)).db.execute(sql`select 1`))
  return c.json({ status: 'ok' as const })
}

async function soon(answer: Promise<unknown>): Promise<void> {
  let giveUp: () => void = () => {}
  const late = new Promise<never>((_, reject) => {
    giveUp = () => reject(new ApiError('SERVICE_UNAVAILABLE', silent))
  })
  const timer = setTimeout(giveUp, patienceMs)
  await Promise.race([answer, late]).finally(() => clearTimeout(timer))
}

const silent = `The database does not answer within ${patienceMs / 1000} s.`

/** Asking whether the edge can work. */
export const healthzOperations: readonly Operation[] = [
  {
    id: 'getHealth',
    method: 'get',
    path: '/healthz',
    summary: 'Ask whether the edge and its database can work',
    tag: 'about',
    scope: null,
    answer: z.object({ status: z.literal('ok') }),
    errors: [],
    example: { answer: { status: 'ok' } },
  },
  {
    id: 'getReadiness',
    method: 'get',
    path: '/readyz',
    summary: 'Ask the same, as orchestrators do before they send requests',
    tag: 'about',
    scope: null,
    answer: z.object({ status: z.literal('ok') }),
    errors: [],
    example: { answer: { status: 'ok' } },
  },
]
