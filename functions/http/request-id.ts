import type { MiddlewareHandler } from 'hono'
import type { Edge } from '../env.ts'

/** Gives every request a name, the client's own where it is a decent one, and says it in the answer. */
export const requestId: MiddlewareHandler<Edge> = async (c, next) => {
  const asked = c.req.header('x-request-id') ?? ''
  const id = /^[A-Za-z0-9_-]{1,64}$/.test(asked) ? asked : fresh()
  c.set('requestId', id)
  c.header('X-Request-Id', id)
  await next()
}

const base32 = 'abcdefghijklmnopqrstuvwxyz234567'

function fresh(): string {
  let id = 'req_'
  for (const byte of crypto.getRandomValues(new Uint8Array(26))) id += base32[byte % 32]
  return id
}
