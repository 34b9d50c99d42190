import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import * as z from 'zod'
import type { Edge } from '../env.ts'
import { ApiError } from './api-error.ts'
import { faultsOf, inWords } from './faults.ts'
import { isUnprintable } from './json.ts'

/** Shapes which endpoints declared, by what declares them. */
const declared = new WeakMap<object, z.ZodObject>()

/** Says which parameters an endpoint takes; `readQuery` with the same shape gives them. */
export function takes(shape: z.ZodObject): MiddlewareHandler<Edge> {
  const declaration: MiddlewareHandler<Edge> = (_, next) => next()
  declared.set(declaration, shape)
  return declaration
}

/**
 * Refuses parameters which the endpoint does not take, and one given twice: a filter with a typing error in its name
 * must not answer everything. `everywhere` are those of all endpoints behind it.
 */
export function knownParameters(...everywhere: string[]): MiddlewareHandler<Edge> {
  return async (c, next) => {
    const endpoint = matchedRoutes(c).filter(({ method }) => method !== 'ALL')
    if (endpoint.length > 0) refuseUnknown(c, [...endpoint.flatMap(namesOf), ...everywhere])
    await next()
  }
}

/** The query's parameters that `shape` names; a bad one is refused, not ignored. */
export function readQuery<Shape extends z.ZodObject>(c: Context<Edge>, shape: Shape): z.output<Shape> {
  const asked = c.req.query()
  const read = shape.safeParse(asked, { error: inWords })
  if (read.success) return read.data
  const [wrong] = faultsOf(read.error, asked)
  throw refused(wrong?.field ?? 'query', wrong?.message ?? 'is wrong')
}

/** What the deletion of something takes that others lean on. */
export const cascading = z.object({
  cascade: z
    .enum(['true', 'false'], 'is true or false')
    .default('false')
    .transform((word) => word === 'true'),
})

/** Deleting something may take along what leans on it. */
export const mayCascade = takes(cascading)

/** Whether what leans on a resource should go with it. */
export function readCascade(c: Context<Edge>): boolean {
  return readQuery(c, cascading).cascade
}

function namesOf({ handler }: { handler: object }): string[] {
  return Object.keys(declared.get(handler)?.shape ?? {})
}

function refuseUnknown(c: Context<Edge>, known: string[]): void {
  for (const [name, values] of Object.entries(c.req.queries())) {
    if (!known.includes(name)) throw refused(name, `is not a parameter here; known: ${listed(known)}`)
    if (values.length > 1) throw refused(name, 'is given twice')
    if (values.some(isUnprintable)) throw refused(name, 'has control characters, or half a character')
  }
}

function listed(known: string[]): string {
  return known.length === 0 ? 'none' : known.join(', ')
}

function refused(name: string, why: string): ApiError {
  return ApiError.field(name, why, 'INVALID_REQUEST_PARAMETER')
}
