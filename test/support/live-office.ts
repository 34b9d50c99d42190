import { type CallRecord, type Customer, endedCall, knownCalls, newCustomer } from './customer.ts'
import { Phone } from './phone.ts'
import type { HostAndPort, Transport } from './sip-socket.ts'
import type { Stack } from './stack.ts'

/** A customer ready to call: carriers in the order to try them, phones, and a number which rings the first. */
export interface Office extends Customer {
  /** E.164; rings office1. */
  number: string
  /** A phone of extension `username`, whose password is `secure-password`. */
  phone(username: string, address: string, transport?: Transport, relay?: HostAndPort): Promise<Phone>
  /** Does `play`, and checks the record of the one call it made once that has ended. */
  recorded(play: () => Promise<void>, check: (record: CallRecord) => void): Promise<void>
}

/** `more`: further fields of every provider. */
export async function openOffice(
  stack: Stack,
  carriers: readonly (HostAndPort & { transport?: 'udp' | 'tcp' | 'tls' })[],
  extensions = ['office1'],
  more: Record<string, unknown> = {},
): Promise<Office> {
  const customer = await newCustomer(stack, 'Live test')
  const { api, realm } = customer
  for (const [at, { address, port, transport = 'udp' }] of carriers.entries()) {
    const name = `Carrier ${at + 1}`
    const provider = await api.post('/providers', {
      name,
      type: 'sip',
      hostname: address,
      port,
      transport,
      // Between two calls nobody may be there, and a scenario knows no OPTIONS.
      probe_interval: 0,
      ...more,
    })
    await api.post('/routes', { name, provider_id: provider.id, priority: at + 1 })
  }
  const made = []
  for (const username of extensions)
    made.push(await api.post('/extensions', { name: username, username, password: 'secure-password' }))
  const number = `+1555${1_000_000 + Math.floor(Math.random() * 8_999_999)}`
  const line = { number, name: 'Main line', extension_id: made[0]?.id }
  await stack.api.post('/numbers', { ...line, customer_id: customer.id })
  return {
    ...customer,
    number,
    phone: (username, address, transport = 'UDP', relay = stack.relay) =>
      Phone.open({
        name: username,
        address,
        transport,
        relay,
        realm,
        username,
        password: 'secure-password',
      }),
    recorded: async (play, check) => {
      const known = await knownCalls(api)
      await play()
      check(await endedCall(api, known))
    },
  }
}
