import type { Context, Hono } from 'hono'
import type { Edge } from '../env.ts'
import { ApiError } from './api-error.ts'
import { lettersOf } from './faults.ts'

/**
 * Answers a request which no endpoint takes: 405 where its path has others, named in Allow; 204 and Allow to OPTIONS;
 * else 404 (RFC 9110 §9.3.7, §15.5.5, §15.5.6). HEAD is wherever GET is. The last two it throws.
 */
export function unanswered(app: Hono<Edge>, c: Context<Edge>): Response {
  const allowed = methodsAt(app, c.req.path)
  if (allowed.length === 0) throw new ApiError('RESOURCE_NOT_FOUND', nothingAt(app, c.req.path))
  const named = allowed.join(', ')
  c.header('Allow', named)
  if (c.req.method === 'OPTIONS') return c.body(null, 204)
  throw new ApiError('METHOD_NOT_ALLOWED', `${c.req.method} is not possible at this path; it takes ${named}.`)
}

/** The sentence names a path of the API which may be meant, or where all are listed. */
function nothingAt(app: Hono<Edge>, path: string): string {
  const [first = '', ...rest] = path.split('/').filter((part) => part !== '')
  const noun = version.test(first) ? (rest[0] ?? '') : first
  const meant = nounsOf(app).find((one) => singular(one) === singular(noun))
  if (meant === undefined || path.startsWith(`/v1.0/${meant}/`))
    return 'There is nothing at this path; /docs lists those there are.'
  return `There is nothing at this path; /v1.0/${meant} is one of the API.`
}

const version = /^v\d/

/** What stands behind `/v1.0/` in paths of endpoints: `extensions`, `flows`. */
function nounsOf(app: Hono<Edge>): string[] {
  const named = app.routes.flatMap(({ path }) => /^\/v1\.0\/([\w-]+)/.exec(path)?.[1] ?? [])
  return [...new Set(named)]
}

/** One of several, or written in several words, it is the same noun. */
function singular(noun: string): string {
  return lettersOf(noun).replace(/s$/, '')
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

function methodsAt(app: Hono<Edge>, path: string): string[] {
  const found = methods.filter((method) => endpointOf(app, method, path) === method)
  const allowed = found.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return allowed.length === 0 ? [] : [...allowed, 'OPTIONS']
}

/** The method which the first endpoint for such a request was declared with; middleware stands at a path with a star. */
function endpointOf(app: Hono<Edge>, method: string, path: string): string | undefined {
  const routes = app.router.match(method, path)[0].map(([[, route]]) => route)
  return routes.find((route) => !route.path.endsWith('*'))?.method
}
