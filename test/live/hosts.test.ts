import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Carrier } from '../support/carrier.ts'
import { type Customer, newCustomer } from '../support/customer.ts'
import { NameServer } from '../support/name-server.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

/*
 * Carriers which are given by their host's name, as all are: their calls in.
 */

const outside = '+442079460000'
/** Its extension has no phone: the call was recognised, and rang nobody. */
const nobodyHome = 480

let names: NameServer
let stack: OwnStack
const carriers: Carrier[] = []

beforeAll(async () => {
  names = await NameServer.open({
    'SRV _sip._udp.sip.carrier.test': ['10 5 5060 edge.carrier.test'],
    'A edge.carrier.test': ['127.0.7.81'],
  })
  names.ttl = 1
  stack = await startStack({ DNS_SERVERS: names.place })
})
afterAll(async () => {
  for (const carrier of carriers) carrier.close()
  await stack?.stop()
  names?.close()
})

describe('a carrier given by its host’s name', () => {
  test('calls in, for two customers who both have it, and from where DNS says next; a stranger’s call is told', async () => {
    const offices = [await office('+12125550001'), await office('+12125550002')] as const
    const [here, there] = [await opened('127.0.7.81'), await opened('127.0.8.82')]
    for (const { number, api } of offices) {
      const found = async () =>
        (await api.list('/providers')).some((provider) => String(provider.addresses) !== '')
      await soon('an address', found, 30_000, 250)
      await soon('a call in', () => rings(here, number))
    }
    expect(await status(there, offices[0].number)).toBe(403)
    const told = await soon('the event', () => refused(offices[0]))
    expect(told.data).toMatchObject({
      reason: 'UNKNOWN_SOURCE',
      source_address: '127.0.8.82',
      why: expect.stringContaining('add it to the provider’s inbound_addresses'),
    })
    names.zone['A edge.carrier.test'] = ['127.0.8.82']
    for (const { number } of offices) await soon('a call from there', () => rings(there, number), 60_000, 500)
    expect(await status(here, offices[1].number)).toBe(403)
    const moves = await offices[0].api.list('/events?type=provider.addresses_changed')
    expect(moves).toMatchObject([
      { data: { from: ['127.0.7.81'], to: ['127.0.8.82'] } },
      { data: { from: [], to: ['127.0.7.81'] } },
    ])
  }, 120_000)
})

/** A customer with a number, who has the carrier by its name as the README says. */
async function office(number: string): Promise<Customer & { number: string }> {
  const customer = await newCustomer(stack, number)
  const { api } = customer
  await api.post('/providers', { name: 'Carrier', type: 'sip', hostname: 'sip.carrier.test' })
  const wish = { name: 'office', username: 'office1', password: 'secure-password' }
  const { id } = await api.post('/extensions', wish)
  await api.post('/numbers', { number, extension_id: id })
  return { ...customer, number }
}

async function opened(address: string): Promise<Carrier> {
  const carrier = await Carrier.open({ name: address, address, relay: stack.relay })
  carriers.push(carrier)
  return carrier
}

async function status(carrier: Carrier, number: string): Promise<number | undefined> {
  const { result } = await carrier.call(outside, number)
  return statusOf(await result)
}

async function rings(carrier: Carrier, number: string): Promise<boolean> {
  return (await status(carrier, number)) === nobodyHome
}

async function refused({ api }: Customer) {
  const [event] = await api.list('/events?type=call.refused')
  return event
}
