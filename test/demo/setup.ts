import type { Row } from '../support/api.ts'
import type { Carrier } from '../support/carrier.ts'
import type { Outcome } from './show.ts'
import type { Stage } from './stage.ts'

/**
 * The seed's Complete Setup Example through the public API, its three bodies as they stand; then
 * the provider is pointed at scripted carrier A instead of the internet.
 */
export async function setupExample(stage: Stage): Promise<Outcome> {
  const rows: [string, Row][] = []
  const post = async (path: string, body: object): Promise<Row> => {
    const row = await stage.api.post(path, body)
    rows.push([`POST /v1.0${path} ${JSON.stringify(body)}`, row])
    return row
  }
  const provider = await post('/providers', {
    name: 'Primary SIP Provider',
    type: 'sip',
    hostname: 'sip.provider.com',
  })
  const route = await post('/routes', {
    name: 'Default Outbound Route',
    provider_id: provider.id,
    priority: 1,
  })
  const extension = await post('/extensions', {
    name: 'office-phone',
    username: 'office1',
    password: 'secure-password',
  })
  await pointAtCarriers(stage, provider)
  await ownNumber(stage)
  return {
    what: 'provider, route and extension made; no password comes back',
    rows,
    checks: {
      'the hostname kept as written': provider.hostname === 'sip.provider.com',
      'the route bound to the provider': route.provider_id === provider.id && route.priority === 1,
      'the extension named by its username': extension.username === 'office1',
      'no password in any answer': !JSON.stringify(rows.map(([, row]) => row)).includes('secure-password'),
    },
  }
}

/** The provider becomes carrier A; B and C stand behind it. */
async function pointAtCarriers({ api, a, b, c }: Stage, provider: Row): Promise<void> {
  await api.put(`/providers/${provider.id}`, at('Primary SIP Provider', a))
  for (const [priority, carrier] of [
    [2, b],
    [3, c],
  ] as const) {
    const { id } = await api.post('/providers', at(`Provider ${carrier.name}`, carrier))
    await api.post('/routes', { name: `Route to ${carrier.name}`, provider_id: id, priority })
  }
}

/** A number whose flow rings the office phone. */
async function ownNumber({ api, number }: Stage): Promise<void> {
  const office = { type: 'extension', target_name: 'office1' }
  const flow = await api.post('/flows', {
    name: 'Ring the office phone',
    actions: [{ type: 'connect', option: { destinations: [office] } }],
  })
  await api.post('/numbers', { number, name: 'Main line', call_flow_id: flow.id })
}

function at(name: string, carrier: Carrier): Record<string, unknown> {
  return { name, type: 'sip', hostname: carrier.address, port: carrier.place.port, transport: 'udp' }
}
