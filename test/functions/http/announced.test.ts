import { Hono } from 'hono'
import { expect, test } from 'vitest'
import type { Edge } from '../../../functions/env.ts'
import { announced } from '../../../functions/http/announced.ts'

const id = crypto.randomUUID()

test.each([
  ['POST', '/v1.0/extensions'],
  ['PATCH', `/v1.0/extensions/${id}`],
  ['POST', `/v1.0/extensions/${id}/tokens/more`],
  ['DELETE', `/v1.0/numbers/${id}`],
  ['POST', '/v1.0/accesskeys'],
])('hubs hear before and after it of a change: %s %s', async (method, path) => {
  expect(await toldBy(method, path)).toEqual(['changing', 'it happens', 'changed'])
})

test.each([
  ['GET', '/v1.0/extensions'],
  ['POST', '/v1.0/routes/resolve'],
  ['POST', `/v1.0/calls/${id}/hangup`],
  ['POST', '/v1.0/turn-credentials'],
  ['POST', `/v1.0/extensions/${id}/tokens`],
  ['POST', `/v1.0/extensions/${id}/tokens/`],
  ['POST', `/v1.0/extensions/${id}/provisioning`],
])('hubs hear nothing of what changes nothing that relays go by: %s %s', async (method, path) => {
  expect(await toldBy(method, path)).toEqual(['it happens'])
})

/** What the hub is told of a request, and when that happens. */
async function toldBy(method: string, path: string): Promise<string[]> {
  const told: string[] = []
  const app = new Hono<Edge>()
    .use(async (c, next) => {
      c.set('principal', { customerId: id } as Edge['Variables']['principal'])
      await next()
    })
    .use(announced)
    .all('*', (c) => {
      told.push('it happens')
      return c.body(null, 204)
    })
  const hub = {
    fetch: async (url: string) => {
      told.push(new URL(url).pathname.slice(1))
      return Response.json({})
    },
  }
  const env = { RELAY_HUB: { idFromName: (name: string) => name, get: () => hub } }
  await app.request(path, { method }, env as unknown as Edge['Bindings'])
  return told
}
