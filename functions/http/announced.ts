import type { MiddlewareHandler } from 'hono'
import type { Edge } from '../env.ts'
import { hubOf } from '../hub/client.ts'

/**
 * What changes nothing that relays go by, though it is a POST: what is ordered of them they are told by itself, tokens they
 * know by the password, and a link for a phone says that it changes something once it is spent.
 */
const harmless = new RegExp(
  [
    '/(resolve|simulate|test|run)/?$',
    '^/v1\\.0/calls(/|$)',
    '^/v1\\.0/turn-credentials/?$',
    '^/v1\\.0/extensions/[^/]+/(tokens|provisioning)/?$',
  ].join('|'),
)

/** Tells the hub of a change before it may happen, and once it has: so no relay goes on for long on what was before. */
export const announced: MiddlewareHandler<Edge> = async (c, next) => {
  if (['GET', 'HEAD', 'OPTIONS'].includes(c.req.method) || harmless.test(c.req.path)) return next()
  const happened = await hubOf(c).changing(c.get('principal').customerId)
  try {
    await next()
  } finally {
    await happened()
  }
}
