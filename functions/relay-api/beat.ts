import { type Context, Hono } from 'hono'
import { type Beat, type BeatAnswer, beat, protocolHeader } from '#contract'
import { hurryAlerts } from '../alerts/hurry.ts'
import type { Edge } from '../env.ts'
import { hurryDeliveries } from '../events/dispatcher.ts'
import { ApiError } from '../http/api-error.ts'
import { readTold } from '../http/validate.ts'
import { groupsOf } from '../hub/binding.ts'
import { hubOf } from '../hub/client.ts'
import { judge } from './judge.ts'
import { protocolIn } from './understood.ts'

/**
 * A relay says how things stand, and hears what is new: by the hub, so that one place grants, else by the database alone, in
 * one round trip, in which relays take turns where they share.
 *
 * 409 tells a process that another has taken its name since: it is to step down.
 */
export const beats = new Hono<Edge>().post('/', async (c) => {
  const told = await readTold(c, beat)
  const relayId = c.get('relayId')
  if (told.relay_id !== relayId)
    throw new ApiError('PERMISSION_DENIED', `This key is ${relayId}'s, not ${told.relay_id}'s.`)
  const speaks = { ...told, protocol: told.protocol ?? protocolIn(c.req.header(protocolHeader)) }
  const hub = hubOf(c)
  const heard = (await hub.beat(speaks)) ?? (await hearAlone(c, speaks, hub.exists))
  if (heard === 'replaced')
    throw new ApiError('RELAY_REPLACED', `Another process of ${relayId} took its place: this one steps down.`)
  return c.json({ ...heard, base_domain: c.get('settings').BASE_DOMAIN })
})

async function hearAlone(c: Context<Edge>, told: Beat, hubExists: boolean): Promise<BeatAnswer | 'replaced'> {
  const judged = await judge(c.get('db'), told, hubExists ? 'database' : 'no hub', groupsOf(c.env))
  if (judged === 'replaced') return judged
  const { answer, slices, deliveriesDue, alertsDue } = judged
  if (alertsDue) hurryAlerts(c)
  else if (deliveriesDue) hurryDeliveries(c)
  return { ...answer, slices }
}
