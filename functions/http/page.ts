import type { Context } from 'hono'
import * as z from 'zod'
import type { Edge } from '../env.ts'
import { fromBase64, toBase64 } from '../secrets.ts'
import { ApiError } from './api-error.ts'
import { readQuery, takes } from './query.ts'

/** One page of a list, newest first; `after` is the last row of the page before. */
export interface Page<Last = Cursor> {
  size: number
  after: Last | undefined
}
interface Cursor {
  at: string
  id: string
}

/** PostgreSQL has no year 0. */
const instant = z.iso.datetime({ precision: 6 }).regex(/^(?!0000)/)
const cursor = z.tuple([instant, z.guid()]).transform(([at, id]): Cursor => ({ at, id }))
const place = z.tuple([z.int().positive()]).transform(([nth]) => nth)

const size = 'is a whole number from 1 to 100'
/** What every list takes. */
export const paging = z.object({
  page_size: z
    .string()
    .regex(/^\d{1,3}$/, size)
    .transform(Number)
    .pipe(z.int().min(1, size).max(100, size))
    .default(100)
    .describe('Rows of a page, 1 to 100; 100 unless given.'),
  page_token: z.string().default('').describe('`next_page_token` of the page before.'),
})

/** Declares an endpoint to be a list, with more parameters than those or none. */
export function lists(more: z.core.$ZodLooseShape = {}) {
  return takes(paging.extend(more))
}

/** `page_size` and `page_token` of the query. A bad one is refused, not guessed. */
export function readPage(c: Context<Edge>): Page {
  return readPageOf(c, cursor)
}

/** The same of a list whose rows are numbered, the highest first. */
export function readNumberedPage(c: Context<Edge>): Page<number> {
  return readPageOf(c, place)
}

function readPageOf<Row>(c: Context<Edge>, shape: z.ZodType<Row>): Page<Row> {
  const { page_size, page_token } = readQuery(c, paging)
  return { size: page_size, after: page_token === '' ? undefined : readToken(page_token, shape) }
}

/** The shape of a list's answer. */
export function listShape<Row extends z.ZodType>(row: Row) {
  return z.object({
    result: z.array(row),
    next_page_token: z.string().describe('`page_token` of the next page; empty on the last one.'),
  })
}

/** The list envelope, from one row more than the page holds; the token is empty at the end. */
export function listed<Row>(
  rows: Row[],
  { size }: Pick<Page, 'size'>,
  cursorOf: (row: Row) => Cursor | number,
  present: (row: Row) => unknown,
) {
  const shown = rows.slice(0, size)
  const last = shown.at(-1)
  const more = rows.length > size && last !== undefined
  return { result: shown.map(present), next_page_token: more ? writeToken(cursorOf(last)) : '' }
}

function writeToken(last: Cursor | number): string {
  const said = typeof last === 'number' ? [last] : [last.at, last.id]
  return toBase64(new TextEncoder().encode(JSON.stringify(said)))
}

function readToken<Row>(token: string, shape: z.ZodType<Row>): Row {
  try {
    return shape.parse(JSON.parse(new TextDecoder().decode(fromBase64(token))))
  } catch {
    throw ApiError.field('page_token', 'is not one we gave out', 'INVALID_REQUEST_PARAMETER')
  }
}
