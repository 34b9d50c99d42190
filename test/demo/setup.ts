import type { Carrier } from '../support/carrier.ts'
import type { Outcome } from './show.ts'
import type { Stage } from './stage.ts'

/**
 * The seed's Complete Setup Example through the public API, its three bodies as they stand; then
 * the provider is pointed at scripted carrier A instead of the internet, and two more stand behind it.
 */
export async function setupExample({ api, a, b, c, number }: Stage): Promise<Outcome> {
  const provider = await api.post('/providers', {
    name: 'Primary SIP Provider',
    type: 'sip',
    hostname: 'sip.provider.com',
  })
  const route = await api.post('/routes', {
    name: 'Default Outbound Route',
    provider_id: provider.id,
    priority: 1,
  })
  const extension = await api.post('/extensions', {
    name: 'office-phone',
    username: 'office1',
    password: 'secure-password',
  })
  const pointed = await api.put(`/providers/${provider.id}`, at('Primary SIP Provider', a))
  for (const [priority, carrier] of [
    [2, b],
    [3, c],
  ] as const) {
    const { id } = await api.post('/providers', at(`Demo ${carrier.name}`, carrier))
    await api.post('/routes', { name: `Route to ${carrier.name}`, provider_id: id, priority })
  }
  const flow = await api.post('/flows', {
    name: 'Ring the office phone',
    actions: [{ type: 'connect', option: { destinations: [{ type: 'extension', target_name: 'office1' }] } }],
  })
  const owned = await api.post('/numbers', { number, name: 'Main line', call_flow_id: flow.id })
  return {
    what: 'provider, route and extension made; no password comes back',
    rows: [pointed, route, extension, owned],
    checks: {
      'the hostname kept as written': provider.hostname === 'sip.provider.com',
      'the route bound to the provider': route.provider_id === provider.id && route.priority === 1,
      'the extension named by its username': extension.username === 'office1',
      'no password in any answer': !JSON.stringify([provider, route, extension]).includes('secure-password'),
    },
  }
}

function at(name: string, carrier: Carrier): Record<string, unknown> {
  return { name, type: 'sip', hostname: carrier.address, port: carrier.place.port, transport: 'udp' }
}
