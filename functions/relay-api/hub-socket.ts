import { Hono } from 'hono'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { hubsAt } from '../hub/binding.ts'
import { presentedKeyHeader } from './relay-hub.ts'

/** The upgrade to the WebSocket over which a relay and the hub speak (`contract/hub.ts`). */
export const hubSockets = new Hono<Edge>().get('/', (c) => {
  const hubs = hubsAt(c.env)
  if (hubs === undefined)
    throw new ApiError('NO_HUB', 'This edge has no hub (RELAY_HUB): relays beat over HTTP.')
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket')
    throw new ApiError('INVALID_ARGUMENT', 'A relay comes here with an upgrade to a WebSocket.')
  const headers = new Headers(c.req.raw.headers)
  headers.set(presentedKeyHeader, JSON.stringify(c.get('presentedKey')))
  return hubs.of(c.get('relayId')).fetch('socket', { headers })
})
