import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bindingList } from '#contract'
import { type App, startApp } from '../../support/app.ts'
import { newRelay, type TestRelay } from '../../support/beat.ts'

let app: App
let relay: TestRelay
let phone: { id: string }
let binding: string
let sequence = 0
beforeAll(async () => {
  app = await startApp()
  relay = await newRelay(app, 'relay-1')
  phone = (await app.alice('POST', '/v1.0/extensions', { extension: 'office1', password: 'long enough' }))
    .body
})
beforeEach(async () => {
  binding = crypto.randomUUID()
  const { ends } = await relay.beat()
  await relay.beat({ ended: ends.map(({ command_id }) => command_id) })
  await told('registered')
})
afterAll(() => app.close())

describe('DELETE /v1.0/registrations/{id}', () => {
  test('is told to the relay which has the phone, at every beat until it was done', async () => {
    expect(await app.alice('DELETE', path())).toMatchObject({
      status: 202,
      body: { id: binding, extension: 'office1', state: 'unregistered' },
    })
    expect(await shown()).toEqual([])
    const end = { binding_id: binding, extension_id: phone.id, command_id: expect.any(String), sequence }
    const { ends, commands } = await relay.beat()
    expect([ends, commands]).toEqual([[end], []])
    expect((await relay.beat()).ends).toEqual([end])
    const ended = ends.map(({ command_id }) => command_id)
    expect((await relay.beat({ ended })).ends).toEqual([])
    expect((await relay.beat()).ends).toEqual([])
  })

  test('is an event at once, as a word of its relay’s is, and one alone', async () => {
    await app.alice('DELETE', path())
    await told('unregistered')
    await told('registered')
    const { body } = await app.alice('GET', `/v1.0/extensions/${phone.id}/registrations/history?page_size=2`)
    expect(body.result).toMatchObject([
      { type: 'registration.made' },
      {
        type: 'registration.removed',
        reason: 'BY_API',
        message: 'It was ended by the API.',
        contact: 'sip:office1@192.0.2.9',
        source_address: '192.0.2.9',
        relay_id: 'relay-1',
      },
    ])
  })

  test('holds though the phone refreshes before the relay hears of it', async () => {
    await app.alice('DELETE', path())
    await told('refreshed')
    expect(await shown()).toEqual([binding])
    expect((await relay.beat()).ends).toMatchObject([{ binding_id: binding }])
    await told('unregistered')
    expect(await shown()).toEqual([])
  })

  test('ends one at once whose relay is dead; the relay hears of it when it is back', async () => {
    await relay.fallSilent()
    expect(await app.alice('DELETE', path())).toMatchObject({ status: 200, body: { id: binding } })
    expect(await shown()).toEqual([])
    expect((await relay.beat()).ends).toMatchObject([{ binding_id: binding }])
  })

  test('says so where there is none: ended already, unknown, or another customer’s', async () => {
    const bob = await app.newcomer('Bob')
    const none = { status: 404, body: { error: { reason: 'REGISTRATION_NOT_FOUND' } } }
    expect(await bob('DELETE', path())).toMatchObject(none)
    expect(await shown()).toEqual([binding])
    expect((await app.alice('DELETE', path())).status).toBe(202)
    expect(await app.alice('DELETE', path())).toMatchObject(none)
    expect(await app.alice('DELETE', `/v1.0/registrations/${crypto.randomUUID()}`)).toMatchObject(none)
  })
})

describe('a relay which begins anew', () => {
  test('is given back no phone of an extension which was disabled or deleted meanwhile', async () => {
    const restored = async () =>
      bindingList
        .parse((await app.relay('GET', '/relay/v1/bindings')).body)
        .bindings.map(({ binding_id }) => binding_id)
    expect(await restored()).toContain(binding)
    await app.alice('PUT', `/v1.0/extensions/${phone.id}`, { enabled: false })
    expect(await restored()).not.toContain(binding)
    await app.alice('PUT', `/v1.0/extensions/${phone.id}`, { enabled: true })
  })
})

const path = () => `/v1.0/registrations/${binding}`

async function shown(): Promise<string[]> {
  const { body } = await app.alice('GET', '/v1.0/registrations')
  return body.result.map(({ id }: { id: string }) => id).filter((id: string) => id === binding)
}

async function told(event: string): Promise<void> {
  const at = new Date().toISOString()
  const tell = {
    kind: 'binding',
    tell_id: crypto.randomUUID(),
    sequence: ++sequence,
    at,
    event,
    binding: {
      binding_id: binding,
      customer_id: app.aliceId,
      extension_id: phone.id,
      relay_id: 'relay-1',
      contact: 'sip:office1@192.0.2.9',
      call_id: 'r1@phone',
      cseq: sequence,
      received: { transport: 'udp', address: '192.0.2.9', port: 5060 },
      registered_at: at,
      refreshed_at: at,
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    },
  }
  await app.relay('POST', '/relay/v1/tells', { relay_id: 'relay-1', tells: [tell] })
}
