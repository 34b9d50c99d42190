import type { Context } from 'hono'
import * as z from 'zod'
import type { Edge } from '../env.ts'
import { ApiError } from './api-error.ts'
import { actFor } from './authenticate.ts'
import { faultsOf, inWords } from './faults.ts'
import { bodyText, readJson, readStorable, refuseUnprintable } from './json.ts'

/**
 * The request's JSON body, as `shape` reads it; anything else is refused, naming the fields.
 *
 * `ignored` are keys a client may send back because we showed them, though it cannot change them; of those in
 * `shown` the refusal says so.
 */
export async function readBody<Shape extends z.ZodType>(
  c: Context<Edge>,
  shape: Shape,
  ignored: readonly string[] = [],
  shown: readonly string[] = [],
): Promise<z.output<Shape>> {
  const body = await readJson(c)
  refuseUnprintable(body)
  note(c, shape, body)
  return parse(shape, without(body, ignored), shown)
}

/** The same of an order which may say nothing: where there is no body all is as the shape has it by default. */
export async function readOrder<Shape extends z.ZodType>(
  c: Context<Edge>,
  shape: Shape,
): Promise<z.output<Shape>> {
  return (await bodyText(c)) === '' ? parse(shape, {}) : readBody(c, shape)
}

/**
 * The same of something a customer configures. Whose it is `customer_id` may say, for an administrator: from here
 * on the principal is that customer. `said` is what the body says where that was no JSON.
 */
export async function readInput<Shape extends z.ZodType>(
  c: Context<Edge>,
  shape: Shape,
  ignored: readonly string[] = [],
  shown: readonly string[] = [],
  said?: Readonly<Record<string, unknown>>,
): Promise<z.output<Shape>> {
  const body = said ?? (await readJson(c))
  refuseUnprintable(body)
  if (isRecord(body) && body.customer_id !== undefined) await actFor(c, body.customer_id)
  note(c, shape, body)
  return parse(shape, without(body, [...ignored, 'customer_id']), shown)
}

/** For a request whose body needs say nothing: one which says more than `customer_id` is refused, not passed over. */
export async function readNoBody(c: Context<Edge>): Promise<void> {
  if ((await bodyText(c)) !== '') await readInput(c, z.strictObject({}))
}

/**
 * The request's JSON body, which says what is to change of something; `owner` is whose such things are. Throws where
 * it is no object.
 */
export async function readObject(
  c: Context<Edge>,
  owner: 'customer' | 'nobody',
): Promise<Record<string, unknown>> {
  const body = await readJson(c)
  refuseUnprintable(body)
  if (!isRecord(body)) throw ApiError.field('body', 'is to be an object')
  if (owner === 'nobody' || body.customer_id === undefined) return body
  await actFor(c, body.customer_id)
  return without(body, ['customer_id'])
}

/** Refuses a body about a customer which says another's id than the path does; its own it may say, as other nouns' do. */
export async function refuseOtherCustomer(c: Context<Edge>, id: string): Promise<void> {
  const body = await readJson(c)
  if (!isRecord(body) || body.customer_id === undefined) return
  if (String(body.customer_id).toLowerCase() === id) return
  throw ApiError.field('customer_id', 'is not the id of this customer, which the path or the query names')
}

/** What a relay says: keys it does not know are another edge's, and what the database cannot keep was on the wire. */
export async function readTold<Shape extends z.ZodType>(
  c: Context<Edge>,
  shape: Shape,
): Promise<z.output<Shape>> {
  return parse(shape, await readStorable(c))
}

/** For the answer, which says what the body left out. */
function note(c: Context<Edge>, shape: z.ZodType, body: unknown): void {
  const fields = shape instanceof z.ZodObject ? Object.keys(shape.shape) : []
  c.set('sent', { body: isRecord(body) ? body : {}, fields })
}

/** What `shape` reads of a body; anything else is refused, naming the fields. `shown` are keys which we alone set. */
export function parse<Shape extends z.ZodType>(
  shape: Shape,
  body: unknown,
  shown: readonly string[] = [],
): z.output<Shape> {
  const read = shape.safeParse(body, { error: inWords })
  if (read.success) return read.data
  const details = faultsOf(read.error, body, shown)
  throw new ApiError(
    'INVALID_ARGUMENT',
    details.map(({ field, message }) => `${field}: ${message}`).join('; '),
    details,
  )
}

const guid = z.guid()

/** The `{id}` of the path. */
export function readId(c: Context<Edge>): string {
  return readIdOf(c, 'id')
}

/** A UUID of the path by its name there. Throws INVALID_ID where it is none. */
export function readIdOf(c: Context<Edge>, name: string): string {
  const id = guid.safeParse(c.req.param(name))
  if (id.success) return id.data.toLowerCase()
  throw new ApiError('INVALID_ID', 'The id in the path is not a UUID.')
}

function without<Body>(body: Body, ignored: readonly string[]): Body {
  if (!isRecord(body)) return body
  return Object.fromEntries(Object.entries(body).filter(([key]) => !ignored.includes(key))) as Body
}

function isRecord(body: unknown): body is Record<string, unknown> {
  return typeof body === 'object' && body !== null && !Array.isArray(body)
}
