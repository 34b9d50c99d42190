import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import type { Edge } from '../env.ts'

/** How long a browser may remember what it was allowed: Chromium keeps it no longer than this. */
const MAX_AGE_S = 7_200

const shared = cors({
  origin: (origin, c) => allowed(origin, c.get('settings').CORS_ORIGINS),
  allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowHeaders: [
    'Authorization',
    'Content-Type',
    'Idempotency-Key',
    'If-Match',
    'If-None-Match',
    'Last-Event-ID',
    'X-Request-Id',
  ],
  exposeHeaders: [
    'Allow',
    'ETag',
    'Idempotency-Replayed',
    'Location',
    'RateLimit',
    'RateLimit-Policy',
    'Retry-After',
    'X-Request-Id',
  ],
  maxAge: MAX_AGE_S,
})

/**
 * Middleware: lets pages of the origins in `CORS_ORIGINS` read answers, and answers their browsers' preflights, which
 * carry no access key (Fetch §3.2). Where no origin is set there is no such thing; an OPTIONS which is no preflight
 * asks what a path takes.
 */
export const crossOrigin: MiddlewareHandler<Edge> = (c, next) => {
  const asksForPath =
    c.req.method === 'OPTIONS' && c.req.header('access-control-request-method') === undefined
  return asksForPath || c.get('settings').CORS_ORIGINS.length === 0 ? next() : shared(c, next)
}

/** The origin which the answer says may read it; null: none. */
function allowed(origin: string, origins: readonly string[]): string | null {
  if (origins.includes('*')) return '*'
  return origins.includes(origin) ? origin : null
}
