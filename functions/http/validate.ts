import type { Context } from 'hono'
import * as z from 'zod'
import type { Edge } from '../env.ts'
import { type Detail, Problem } from './problem.ts'

/**
 * The request's JSON body, as `shape` reads it; anything else is refused, naming the fields.
 *
 * `ignored` are keys a client may send back because we showed them, though it cannot change them.
 */
export async function readBody<Shape extends z.ZodType>(
  c: Context<Edge>,
  shape: Shape,
  ignored: readonly string[] = [],
): Promise<z.output<Shape>> {
  const body = without(await readJson(c), ignored)
  const read = shape.safeParse(body)
  if (read.success) return read.data
  const details = read.error.issues.flatMap(toDetails)
  throw new Problem(
    'INVALID_ARGUMENT',
    details.map(({ field, message }) => `${field}: ${message}`).join('; '),
    details,
  )
}

/** The query's parameters that `shape` names; a bad one is refused, not ignored. */
export function readQuery<Shape extends z.ZodType>(c: Context<Edge>, shape: Shape): z.output<Shape> {
  const read = shape.safeParse(c.req.query())
  if (read.success) return read.data
  const [wrong] = read.error.issues.flatMap(toDetails)
  throw Problem.field(wrong?.field ?? 'query', wrong?.message ?? 'is wrong', 'INVALID_REQUEST_PARAMETER')
}

/** The `{id}` of the path. */
export function readId(c: Context<Edge>): string {
  return readIdOf(c, 'id')
}

/** A UUID of the path by its name there. */
export function readIdOf(c: Context<Edge>, name: string): string {
  const id = z.guid().safeParse(c.req.param(name))
  if (id.success) return id.data.toLowerCase()
  throw new Problem('INVALID_ID', 'The id in the path is not a UUID.')
}

/** Whether what leans on a resource should go with it. */
export function readCascade(c: Context<Edge>): boolean {
  const asked = c.req.query('cascade') ?? 'false'
  if (asked === 'true' || asked === 'false') return asked === 'true'
  throw Problem.field('cascade', 'is true or false', 'INVALID_REQUEST_PARAMETER')
}

async function readJson(c: Context<Edge>): Promise<unknown> {
  const text = await c.req.text()
  try {
    return unstorable.test(text) ? JSON.parse(text, storable) : JSON.parse(text)
  } catch {
    throw new Problem('INVALID_JSON_BODY', 'The body is not valid JSON.')
  }
}

const unstorable = /\\u0000|\\ud[89a-f]|\p{Surrogate}/iu

/** PostgreSQL keeps neither NUL nor half a surrogate pair; what SIP brings may hold both. */
function storable(_: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\0', '').replace(/\p{Surrogate}/gu, '\ufffd') : value
}

function without(body: unknown, ignored: readonly string[]): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  return Object.fromEntries(Object.entries(body).filter(([key]) => !ignored.includes(key)))
}

function toDetails(issue: z.core.$ZodIssue): Detail[] {
  const at = issue.path.map(String)
  const field = at.join('.') || 'body'
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => ({ field, message }))
  if (issue.code !== 'unrecognized_keys') return [{ field, message: issue.message }]
  return issue.keys.map((key) => ({ field: [...at, key].join('.'), message: 'is not a field we know' }))
}
