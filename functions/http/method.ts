import type { Context, Hono } from 'hono'
import type { Edge } from '../env.ts'
import { ApiError } from './api-error.ts'

/**
 * Answers a request which no endpoint takes: 405 where its path has others, named in Allow; 204 and Allow to OPTIONS;
 * else 404 (RFC 9110 §9.3.7, §15.5.5, §15.5.6). HEAD is wherever GET is. The last two it throws.
 */
export function unanswered(app: Hono<Edge>, c: Context<Edge>): Response {
  const allowed = methodsAt(app, c.req.path)
  if (allowed.length === 0) throw new ApiError('RESOURCE_NOT_FOUND', 'There is nothing at this path.')
  const named = allowed.join(', ')
  c.header('Allow', named)
  if (c.req.method === 'OPTIONS') return c.body(null, 204)
  throw new ApiError('METHOD_NOT_ALLOWED', `${c.req.method} is not possible at this path; it takes ${named}.`)
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
