import { Hono } from 'hono'
import type { Hello } from '#contract'
import type { Edge } from '../env.ts'

/** Tells a relay, by the key it holds, whose it is and at which edge. */
export const greeting = new Hono<Edge>().get('/', (c) => {
  const answer: Hello = { relay_id: c.get('relayId'), base_domain: c.get('settings').BASE_DOMAIN }
  return c.json(answer)
})
