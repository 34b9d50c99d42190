import { type Context, Hono } from 'hono'
import { hurryAlerts } from '../alerts/hurry.ts'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { administrator } from '../http/authenticate.ts'
import { forgetRelay } from '../store/relay-forgetting.ts'
import { present, relayIn, relayNamed } from './relays.ts'

/** Relays which do not come back, forgotten on an administrator's word. */
export const relayDeletion = new Hono<Edge>().delete('/:id', administrator, async (c) => {
  const relayId = relayIn(c)
  const asItWas = present(await relayNamed(c, relayId))
  const [{ keyId }, requestId] = [c.get('principal'), c.get('requestId')]
  const { rows } = await c.get('db').execute(forgetRelay({ relayId, keyId, requestId }))
  if (rows.length === 0) throw await whyNot(c, relayId)
  // Who was paged hears at once that it is over.
  hurryAlerts(c)
  return c.json({ ...asItWas, alive: false })
})

/** Why it was not forgotten. Throws where another request did it meanwhile. */
async function whyNot(c: Context<Edge>, id: string): Promise<ApiError> {
  await relayNamed(c, id)
  return new ApiError(
    'RELAY_ALIVE',
    `${id} is alive, and would be listed again by its next beat: drain it (POST /v1.0/relays/${id}/drain), stop its process, and delete it some seconds after that.`,
  )
}
