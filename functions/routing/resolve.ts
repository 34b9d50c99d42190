import { type Context, Hono } from 'hono'
import { type RouteDecision, type RouteQuestion, routeQuestion } from '#contract'
import { readIp, writeIp } from '../config/ip.ts'
import type { Edge } from '../env.ts'
import { readBody } from '../http/validate.ts'
import type { Seal } from '../secrets.ts'
import { inboundFacts, outboundFacts } from './candidates.ts'
import { decide, type Facts } from './decide.ts'

/** The relay's question where a call goes: one round trip to the database, then a pure decision. */
export const resolve = new Hono<Edge>().post('/', async (c) => {
  const question = await readBody(c, routeQuestion)
  const decision = decide(question, await factsFor(c, question), c.get('settings').BASE_DOMAIN)
  return c.json(await opened(decision, c.get('seal')))
})

async function factsFor(c: Context<Edge>, { caller, to }: RouteQuestion): Promise<Facts> {
  const db = c.get('db')
  if (caller.kind === 'extension') {
    return {
      kind: 'extension',
      facts: await outboundFacts(db, caller.customer_id, caller.extension_id, to.user),
    }
  }
  const ip = readIp(caller.address)
  return { kind: 'source', facts: await inboundFacts(db, ip ? writeIp(ip) : null, to.user) }
}

/** The decision with its providers' passwords in the clear, for the relay alone. */
async function opened(decision: RouteDecision, seal: Seal): Promise<RouteDecision> {
  if (decision.kind !== 'connect' || decision.targets.kind !== 'providers') return decision
  const providers = await Promise.all(
    decision.targets.providers.map(async (provider) => {
      if (!provider.credentials) return provider
      const place = { table: 'providers', id: provider.provider_id, field: 'password' }
      const password = await seal.open(place, provider.credentials.password)
      return { ...provider, credentials: { ...provider.credentials, password } }
    }),
  )
  return { ...decision, targets: { kind: 'providers', providers } }
}
