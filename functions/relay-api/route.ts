import { type Context, Hono } from 'hono'
import { protocolHeader, type RouteQuestion, routeQuestion } from '#contract'
import { decide } from '#routing'
import type { Edge } from '../env.ts'
import { readTold } from '../http/validate.ts'
import { providerOfLine } from '../registration-token.ts'
import { configurationOf, runtimeOf, unsealed } from '../store/configuration.ts'
import { load } from '../store/facts.ts'
import { lookupFor } from '../store/lookup.ts'
import { spanned } from './route-span.ts'
import { protocolIn, understood } from './understood.ts'

/** The relay's question where a call goes: one round trip to the database, then a pure decision. */
export const resolve = new Hono<Edge>().post('/', async (c) => {
  const question = await readTold(c, routeQuestion)
  const protocol = protocolIn(c.req.header(protocolHeader))
  const decision = understood(await spanned(c, () => decided(c, question)), protocol)
  const silent =
    decision.kind === 'reject' &&
    decision.reason === 'UNKNOWN_SOURCE' &&
    c.get('settings').UNKNOWN_SOURCE === 'silent'
  return c.json(silent ? { ...decision, status: 0 } : decision)
})

async function decided(c: Context<Edge>, question: RouteQuestion) {
  const { BASE_DOMAIN, RELAY_SECRET } = c.get('settings')
  const { caller } = question
  const line = caller.kind === 'source' ? caller.line : null
  const provider = line === null ? undefined : await providerOfLine(RELAY_SECRET, line)
  const wanted = lookupFor(question, provider ?? null, BASE_DOMAIN)
  const brought = await unsealed(await load(c.get('db'), wanted), c.get('seal'), { provider, line })
  return decide(question, configurationOf(brought), runtimeOf(brought, question, BASE_DOMAIN))
}
