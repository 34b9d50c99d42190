import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { credentialAnswer, routeDecision } from '#contract'
import { type App, BASE_DOMAIN, isNoGuard, startApp } from '../support/app.ts'

let app: App
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

describe('the complete setup', () => {
  test('turns three short requests into a phone that dials out and a number that rings it', async () => {
    const { alice, relay, aliceId } = app
    const provider = await alice('POST', '/v1.0/providers', {
      name: 'Primary SIP Provider',
      type: 'sip',
      hostname: 'sip.provider.com',
    })
    expect(provider).toMatchObject({
      status: 200,
      body: { name: 'Primary SIP Provider', hostname: 'sip.provider.com' },
    })
    const route = await alice('POST', '/v1.0/routes', {
      name: 'Default Outbound Route',
      provider_id: provider.body.id,
      priority: 1,
    })
    expect(route).toMatchObject({ status: 200, body: { target: 'all', priority: 1 } })
    const extension = await alice('POST', '/v1.0/extensions', {
      name: 'office-phone',
      username: 'office1',
      password: 'secure-password',
    })
    expect(extension).toMatchObject({ status: 200, body: { extension: 'office1', username: 'office1' } })
    expect(JSON.stringify(extension.body)).not.toContain('secure-password')

    const realm = `${aliceId}.registrar.${BASE_DOMAIN}`
    const answer = await relay('POST', '/relay/v1/credential', { realm, username: 'office1' })
    expect(credentialAnswer.parse(answer.body)).toMatchObject({
      kind: 'known',
      ha1_md5: createHash('md5').update(`office1:${realm}:secure-password`).digest('hex'),
      ha1_sha256: createHash('sha256').update(`office1:${realm}:secure-password`).digest('hex'),
      algorithms: ['MD5'],
    })

    app.database.heard.splice(0)
    const outbound = await relay('POST', '/relay/v1/route', {
      call_id: crypto.randomUUID(),
      caller: { kind: 'extension', customer_id: aliceId, extension_id: extension.body.id },
      from: { user: 'office1' },
      to: { user: '+1-555-123-4567', host: realm },
    })
    expect(app.database.heard.filter(isNoGuard)).toHaveLength(1)
    expect(routeDecision.parse(outbound.body)).toMatchObject({
      kind: 'connect',
      targets: { kind: 'providers', providers: [{ name: 'Primary SIP Provider', user: '+15551234567' }] },
      caller_id: { user: 'office1', asserted: null, unverified: true },
    })

    const flow = await alice('POST', '/v1.0/flows', {
      name: 'ring the office',
      actions: [
        { type: 'connect', option: { destinations: [{ type: 'extension', target_name: 'office1' }] } },
      ],
    })
    expect(flow.status).toBe(200)
    const number = await alice('POST', '/v1.0/numbers', {
      number: '+15551230000',
      call_flow_id: flow.body.id,
    })
    expect(number).toMatchObject({
      status: 200,
      body: { number: '+15551230000', call_flow_id: flow.body.id },
    })

    const carrier = await alice('POST', '/v1.0/providers', {
      name: 'carrier',
      hostname: '127.0.7.3',
      port: 5061,
    })
    expect(carrier.status).toBe(200)
    app.database.heard.splice(0)
    const inbound = await relay('POST', '/relay/v1/route', {
      call_id: crypto.randomUUID(),
      caller: { kind: 'source', address: '127.0.7.3', port: 5061, transport: 'udp' },
      from: { user: '+442079460000' },
      to: { user: '15551230000', host: '127.0.7.1' },
    })
    expect(app.database.heard.filter(isNoGuard)).toHaveLength(1)
    expect(routeDecision.parse(inbound.body)).toMatchObject({
      kind: 'connect',
      targets: { kind: 'extension', extension: { extension: 'office1', realm } },
      caller_id: { user: '+442079460000', asserted: '+442079460000' },
      number_id: number.body.id,
      provider_id: carrier.body.id,
    })
  })
})
