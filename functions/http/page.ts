import type { Context } from 'hono'
import * as z from 'zod'
import type { Edge } from '../env.ts'
import { fromBase64, toBase64 } from '../secrets.ts'
import { Problem } from './problem.ts'

/** One page of a list, newest first; `after` is the last row of the page before. */
export interface Page {
  size: number
  after: Cursor | undefined
}
export interface Cursor {
  at: string
  id: string
}

const cursor = z.tuple([z.string().regex(/^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/), z.guid()])

/** `page_size` and `page_token` of the query. A bad one is refused, not guessed. */
export function readPage(c: Context<Edge>): Page {
  const size = Number(c.req.query('page_size') ?? 100)
  if (!Number.isInteger(size) || size < 1 || size > 100) {
    throw Problem.field('page_size', 'is a whole number from 1 to 100', 'INVALID_REQUEST_PARAMETER')
  }
  const token = c.req.query('page_token') ?? ''
  return { size, after: token === '' ? undefined : readToken(token) }
}

/** The list envelope, from one row more than the page holds; the token is empty at the end. */
export function listed<Row>(
  rows: Row[],
  { size }: Page,
  cursorOf: (row: Row) => Cursor,
  toWire: (row: Row) => unknown,
) {
  const shown = rows.slice(0, size)
  const last = shown.at(-1)
  const more = rows.length > size && last !== undefined
  return { result: shown.map(toWire), next_page_token: more ? writeToken(cursorOf(last)) : '' }
}

function writeToken({ at, id }: Cursor): string {
  return toBase64(new TextEncoder().encode(JSON.stringify([at, id])))
}

function readToken(token: string): Cursor {
  try {
    const [at, id] = cursor.parse(JSON.parse(new TextDecoder().decode(fromBase64(token))))
    return { at, id }
  } catch {
    throw Problem.field('page_token', 'is not one we gave out', 'INVALID_REQUEST_PARAMETER')
  }
}
