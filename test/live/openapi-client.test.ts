import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiDocument } from '../support/api-document.ts'
import { answers, Carrier } from '../support/carrier.ts'
import { changeHeard } from '../support/customer.ts'
import { DocumentedClient } from '../support/documented-client.ts'
import { NameServer } from '../support/name-server.ts'
import { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

let stack: OwnStack
let names: NameServer
let carrier: Carrier
let phone: Phone
let client: DocumentedClient

describe('a program which knows nothing of the API but openapi.json', () => {
  beforeAll(async () => {
    const place = { address: '127.0.7.64', port: 5060 }
    names = await NameServer.open({
      [`SRV _sip._udp.${hostname}`]: [`0 0 ${place.port} gate.${hostname}`],
      [`A gate.${hostname}`]: [place.address],
    })
    stack = await startStack({ DNS_SERVERS: names.place })
    carrier = await Carrier.open({ name: 'carrier', ...place, relay: stack.relay }, answers('c', 50))
    const { api_url, access_key } = stack.local
    const document = await fetch(`${api_url}/v1.0/openapi.json`).then((response) => response.json())
    const carry = (path: string, init: RequestInit) => fetch(`${api_url}${path}`, init)
    client = new DocumentedClient(new ApiDocument(document), carry, access_key)
  })
  afterAll(async () => {
    phone?.close()
    carrier?.close()
    await stack?.stop()
    names?.close()
  })

  test('makes a provider for a route, and an extension for a number', async () => {
    const { body: route } = await client.reach('createRoute')
    const { body: provider } = await client.reach('getProvider')
    expect([provider.hostname, route.provider_id]).toEqual([hostname, provider.id])
    const { body: number } = await client.reach('createNumber')
    const { body: extension } = await client.reach('getExtension')
    expect(number.extension_id).toBe(extension.id)
  })

  test('is told where a call would go', async () => {
    const { body: explanation } = await client.reach('resolveRoute')
    const { body: provider } = await client.reach('getProvider')
    expect(explanation.candidates[0]).toMatchObject({ provider_id: provider.id, kept: true, order: 1 })
  })

  test('reads the call which the extension then makes', async () => {
    const { body: extension } = await client.reach('getExtension')
    const { password } = client.document.operation('createExtension').example.body as { password: string }
    const { extension: username, realm } = extension
    await changeHeard(stack, stack.api)
    phone = await Phone.open({
      name: 'phone',
      address: '127.0.7.65',
      relay: stack.relay,
      realm,
      username,
      password,
    })
    const { call, result } = await phone.call('+15551234567')
    expect(statusOf(await result)).toBe(200)
    expect(await call.bye()).toBe(200)
    const read = await soon('the call to be listed', () => client.reach('getCall').catch(() => undefined))
    expect(read.body).toMatchObject({ extension_id: extension.id, status: 'hangup', hangup_reason: 'normal' })
  })
})

/** Where the document's example of a provider is. */
const hostname = 'sip.provider.com'
