import type { Context } from 'hono'
import type { Edge } from '../env.ts'

/**
 * The answer to what made something, and in `Location` where it is now for this key. The status is 200, not 201: clients of
 * these nouns written for VoIPBIN look for just that.
 */
export function created<Wire extends { id: string }>(c: Context<Edge>, wire: Wire): Response {
  const { ownId, customerId } = c.get('principal')
  const whose = customerId === ownId ? '' : `?customer_id=${customerId}`
  c.header('Location', `${c.req.path}/${wire.id}${whose}`)
  return c.json(wire)
}

/**
 * The answer to a PUT: what the thing is now, and as `reset` the fields which lost what they had because the body left
 * them out; inside an object that was sent in part, `failover.answer_ms`.
 */
export function replaced<Wire extends object>(c: Context<Edge>, before: Wire, after: Wire): Response {
  const { body, fields } = c.get('sent')
  const settable = Object.entries(before).filter(([field]) => fields.includes(field))
  return c.json({ ...after, reset: leftOut(Object.fromEntries(settable), body, after) })
}

function leftOut(before: object, sent: object, after: object, path = ''): string[] {
  return Object.entries(before).flatMap(([key, was]) => {
    const [said, is] = [own(sent, key), own(after, key)]
    if (said === undefined) return JSON.stringify(was) === JSON.stringify(is) ? [] : [path + key]
    return isRecord(was) && isRecord(said) && isRecord(is) ? leftOut(was, said, is, `${path}${key}.`) : []
  })
}

function own(of: object, key: string): unknown {
  return Object.hasOwn(of, key) ? Reflect.get(of, key) : undefined
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
