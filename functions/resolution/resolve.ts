import { type Context, Hono } from 'hono'
import { type RouteQuestion, routeQuestion } from '#contract'
import type { OutboundFacts, ProviderFacts } from '#routing'
import { decide, type Facts } from '#routing'
import { readIp, writeIp } from '../config/ip.ts'
import type { Edge } from '../env.ts'
import { readBody } from '../http/validate.ts'
import type { Seal } from '../secrets.ts'
import { inboundFacts, outboundFacts } from './candidates.ts'

/** The relay's question where a call goes: one round trip to the database, then a pure decision. */
export const resolve = new Hono<Edge>().post('/', async (c) => {
  const question = await readBody(c, routeQuestion)
  const { BASE_DOMAIN, UNKNOWN_SOURCE } = c.get('settings')
  const decision = decide(question, await factsFor(c, question), BASE_DOMAIN)
  const silent =
    decision.kind === 'reject' && decision.reason === 'UNKNOWN_SOURCE' && UNKNOWN_SOURCE === 'ignore'
  return c.json(silent ? { ...decision, status: 0 } : decision)
})

async function factsFor(c: Context<Edge>, { caller, to }: RouteQuestion): Promise<Facts> {
  const db = c.get('db')
  if (caller.kind === 'extension') {
    const facts = await outboundFacts(db, caller.customer_id, caller.extension_id, to.user)
    return { kind: 'extension', facts: await unsealed(facts, c.get('seal')) }
  }
  const ip = caller.kind === 'source' ? readIp(caller.address) : undefined
  return { kind: 'source', facts: await inboundFacts(db, ip ? writeIp(ip) : null, to.user) }
}

/** The same with the providers' passwords in the clear; one that cannot be opened must not stop the others. */
async function unsealed(facts: OutboundFacts, seal: Seal): Promise<OutboundFacts> {
  const routes = facts.routes.map(async (route) => ({
    ...route,
    provider: await legible(route.provider, seal),
  }))
  return { ...facts, routes: await Promise.all(routes) }
}

async function legible(provider: ProviderFacts, seal: Seal): Promise<ProviderFacts> {
  if (provider.password === null) return provider
  const place = { table: 'providers', id: provider.id, field: 'password' }
  return seal.open(place, provider.password).then(
    (password) => ({ ...provider, password }),
    () => ({ ...provider, password: null, locked: true }),
  )
}
