import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Beat, type Port, portNumber } from '#contract'
import { type App, type Client, startApp } from '../../support/app.ts'
import { newRelay, type TestRelay } from '../../support/beat.ts'

type Report = Beat['hosts'][number]

let app: App
let bob: Client & { id: string }
let relays: [TestRelay, TestRelay]
let carrier: { id: string; hostname: string }
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
})
beforeEach(async () => {
  for (const table of ['relays', 'provider_hosts', 'events', 'numbers', 'providers', 'trunks'])
    await app.database.pool.query(`delete from ${table}`)
  relays = [await newRelay(app, 'relay-1'), await newRelay(app, 'relay-2')]
  carrier = await made('telnyx', 'sip.telnyx.test')
})
afterAll(() => app.close())

describe('a provider’s host', () => {
  test('is where relays say that its name leads, and calls from there are the provider’s', async () => {
    const extension_id = await phone()
    await bob('POST', '/v1.0/numbers', { number: '+12125550000', extension_id })
    const asked = () => resolved('192.0.2.7')
    expect(await asked()).toMatchObject({ outcome: 'reject', reason: 'UNKNOWN_SOURCE' })
    await relays[0].beat(found('192.0.2.7', '2001:db8::7'))
    expect(await asked()).toMatchObject({ outcome: 'connect', caller: { rule: 'host' } })
    expect(await resolved('2001:db8:0:0::7')).toMatchObject({ outcome: 'connect' })
    await relays[0].beat(found('192.0.2.8'))
    expect(await asked()).toMatchObject({ outcome: 'reject', reason: 'UNKNOWN_SOURCE' })
    expect(await resolved('192.0.2.8')).toMatchObject({ outcome: 'connect' })
  })

  test('shows its addresses, since when, and an event each time they change', async () => {
    await relays[0].beat(found('192.0.2.7', '192.0.2.8'))
    const [first, second] = (await shown()).addresses
    expect([first.address, second.address]).toEqual(['192.0.2.7', '192.0.2.8'])
    await relays[0].beat(found('192.0.2.8', '192.0.2.9'))
    const [kept, fresh] = (await shown()).addresses
    expect(kept).toEqual(second)
    expect(Date.parse(fresh.since)).toBeGreaterThan(Date.parse(kept.since))
    await relays[0].beat(found('192.0.2.8', '192.0.2.9'))
    expect(await events('provider.addresses_changed')).toMatchObject([
      { hostname: 'sip.telnyx.test', from: ['192.0.2.7', '192.0.2.8'], to: ['192.0.2.8', '192.0.2.9'] },
      { from: [], to: ['192.0.2.7', '192.0.2.8'] },
    ])
  })

  test('raises the customer’s version where it moves, and only then', async () => {
    const before = await version()
    await relays[0].beat(found('192.0.2.7'))
    const after = await version()
    expect(after).toBeGreaterThan(before)
    await relays[0].beat(found('192.0.2.7'))
    await relays[1].beat(found('192.0.2.7'))
    expect(await version()).toBe(after)
    const { body } = await relays[0].client('GET', `/relay/v1/snapshots/${bob.id}`)
    expect(body.providers[0].found).toEqual([{ address: '192.0.2.7', since: expect.any(String) }])
  })

  test('is wherever any living relay finds it; what a dead one found counts for want of better', async () => {
    await relays[0].beat(found('192.0.2.7'))
    await relays[1].beat(found('192.0.2.8'))
    expect(await addresses()).toEqual(['192.0.2.7', '192.0.2.8'])
    await relays[0].fallSilent()
    await relays[1].beat(found('192.0.2.8'))
    expect(await addresses()).toEqual(['192.0.2.8'])
    await relays[1].fallSilent()
    await relays[0].beat({ hosts: [{ ...report(), addresses: null }] })
    expect(await addresses()).toEqual(['192.0.2.7'])
  })

  test('stays where it was for a day while DNS is silent, and not longer', async () => {
    await relays[0].beat(found('192.0.2.7'))
    const silence = { hosts: [{ ...report(), addresses: null, why: 'DNS gave no answer' }] }
    await relays[0].beat(silence)
    expect(await addresses()).toEqual(['192.0.2.7'])
    await app.database.pool.query("update provider_hosts set found_at = found_at - interval '25 hours'")
    await relays[0].beat(silence)
    expect(await addresses()).toEqual([])
  })

  test('is nowhere anew once the provider moves, and what is told of the old place is not heard', async () => {
    await relays[0].beat(found('192.0.2.7'))
    await bob('PUT', `/v1.0/providers/${carrier.id}`, { name: 'telnyx', hostname: 'sip.other.test' })
    expect(await addresses()).toEqual([])
    await relays[0].beat(found('192.0.2.7'))
    expect(await addresses()).toEqual([])
    await bob('PUT', `/v1.0/providers/${carrier.id}`, { name: 'again', hostname: 'sip.other.test' })
    await relays[0].beat({ hosts: [{ ...report('192.0.2.9'), hostname: 'sip.other.test' }] })
    await bob('PUT', `/v1.0/providers/${carrier.id}`, { name: 'and again', hostname: 'sip.other.test' })
    expect(await addresses()).toEqual(['192.0.2.9'])
  })

  test('is at thirty-two addresses at most, whatever the relays find', async () => {
    const many = (from: number) => Array.from({ length: 32 }, (_, at) => `192.0.2.${from + at}`)
    await relays[0].beat(found(...many(1)))
    await relays[1].beat(found(...many(101)))
    expect(await addresses()).toEqual(many(1))
  })

  test('is found by its customer’s word alone: another’s event says nothing of it', async () => {
    await relays[0].beat({ hosts: [{ ...report('192.0.2.7'), provider_id: crypto.randomUUID() }] })
    expect(await events('provider.addresses_changed')).toEqual([])
  })
})

describe('two carriers of one customer which turn out to be at one place', () => {
  test('are told of in an event, unless their ports or registrations tell them apart', async () => {
    const ported = await made('ported', 'sip.ported.test', { port: portNumber(5080) })
    const twin = await made('twin', 'sip.twin.test')
    await relays[0].beat(found('192.0.2.7'))
    await relays[0].beat({ hosts: [of(ported, '192.0.2.7')] })
    expect(await events('provider.ambiguous')).toEqual([])
    await relays[0].beat({ hosts: [of(twin, '192.0.2.7')] })
    expect(await events('provider.ambiguous')).toMatchObject([
      {
        address: '192.0.2.7',
        other_provider_id: carrier.id,
        why: expect.stringContaining('those of telnyx'),
      },
    ])
    await relays[0].beat({ hosts: [of(twin, '192.0.2.7')] })
    expect(await events('provider.ambiguous')).toHaveLength(1)
  })

  test('are refused when one of them is saved, and so is a PBX', async () => {
    await relays[0].beat(found('192.0.2.7'))
    const save = (noun: string, wish: object) => bob('POST', `/v1.0/${noun}`, wish)
    const again = (hostname: string, more = {}) => save('providers', { name: 'again', hostname, ...more })
    expect((await again('192.0.2.7')).body).toMatchObject({
      error: { details: [{ message: expect.stringContaining('192.0.2.7 could not be told apart') }] },
    })
    expect((await again('sip.more.test', { inbound_addresses: ['192.0.2.0/24'] })).status).toBe(409)
    expect((await again('192.0.2.7', { port: portNumber(5080) })).status).toBe(200)
    const office = { domain_name: `office${Date.now()}`, auth_types: ['ip'], allowed_ips: ['192.0.2.7'] }
    expect((await save('trunks', office)).status).toBe(409)
    expect((await save('trunks', { ...office, allowed_ips: ['192.0.2.9'] })).status).toBe(200)
  })

  test('whatever their ports, where one listed the address', async () => {
    await made('listed', '203.0.113.1', { port: portNumber(5080), inbound_addresses: ['192.0.2.0/24'] })
    await relays[0].beat(found('192.0.2.7'))
    expect(await events('provider.ambiguous')).toMatchObject([{ why: expect.stringContaining('listed') }])
  })
})

function report(...addresses: string[]): Report {
  return of(carrier, ...addresses)
}

function of(
  { id, hostname, port = null }: { id: string; hostname: string; port?: Port | null },
  ...addresses: string[]
) {
  return { provider_id: id, hostname, port, transport: null, addresses, why: '' } satisfies Report
}

function found(...addresses: string[]) {
  return { hosts: [report(...addresses)] }
}

async function made(name: string, hostname: string, more: object = {}) {
  return (await bob('POST', '/v1.0/providers', { name, hostname, ...more })).body
}

async function phone(): Promise<string> {
  const wish = { name: 'office', username: `office${Date.now()}`, password: 'a long password 1' }
  return (await bob('POST', '/v1.0/extensions', wish)).body.id
}

async function resolved(source: string) {
  const asked = { from: '+442079460000', to: '+12125550000', source }
  return (await bob('POST', '/v1.0/routes/resolve', asked)).body
}

async function shown() {
  return (await bob('GET', `/v1.0/providers/${carrier.id}`)).body
}

async function addresses(): Promise<string[]> {
  return (await shown()).addresses.map(({ address }: { address: string }) => address)
}

async function version(): Promise<number> {
  const { rows } = await app.database.pool.query('select version from customers where id = $1', [bob.id])
  return Number(rows[0].version)
}

async function events(type: string) {
  const { body } = await bob('GET', `/v1.0/events?type=${type}`)
  return body.result.map(({ data }: { data: object }) => data)
}
