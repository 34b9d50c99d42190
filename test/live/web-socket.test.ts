import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Baresip, hasBaresip } from '../support/baresip.ts'
import { answers } from '../support/carrier.ts'
import { certificate } from '../support/certificate.ts'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { header, statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

const folder = mkdtempSync(join(tmpdir(), 'trunkline-ws-'))
let stack: OwnStack
let office: Office
let ports: { ws: number; wss: number }
const open: { close(): unknown }[] = []

describe('phones which come by WebSocket to the running stack', () => {
  beforeAll(async () => {
    const pair = certificate({ names: ['DNS:sip.trunkline.test'] })
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
    writeFileSync(files.cert, pair.cert)
    writeFileSync(files.key, pair.key)
    const host = '127.0.7.1'
    ports = { ws: await freePort(host), wss: await freePort(host) }
    stack = await startStack({
      SIP_TLS_PORT: String(await freePort(host)),
      SIP_WS_PORT: String(ports.ws),
      SIP_WSS_PORT: String(ports.wss),
      TLS_CERT: files.cert,
      TLS_KEY: files.key,
    })
    office = await openOffice(stack, [], ['office1', 'office2'])
  })
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
  })
  afterAll(async () => {
    await stack?.stop()
    rmSync(folder, { recursive: true })
  })

  test('register, call one another by ws and wss, hear each other and hang up', async () => {
    const [caller, callee] = [await phone('office1', 'WS'), await phone('office2', 'WSS')]
    callee.onCall = answers('b', 20)
    for (const each of [caller, callee]) expect(statusOf(await each.register())).toBe(200)
    const ways = async () => (await registrations()).map(({ transport }) => transport).sort()
    await soon('both to be registered', async () => (await ways()).join() === 'ws,wss')
    await office.recorded(
      async () => {
        const { call, result } = await caller.call('office2', 'a')
        expect(statusOf(await result)).toBe(200)
        await soon('both to be heard', () => call.sound?.heardOf('b') && callee.calls[0]?.sound?.heardOf('a'))
        expect(header(callee.calls[0]?.invite ?? lost(), 'via')).toMatch(
          `SIP/2.0/WSS 127.0.7.1:${ports.wss};`,
        )
        expect(await call.bye()).toBe(200)
        expect(await callee.calls[0]?.over).toBe('them')
      },
      (record) => expect(record).toMatchObject({ status: 'hangup', hangup_by: 'caller' }),
    )
  })

  test('are registered no longer once their connection is gone', async () => {
    const gone = await phone('office1', 'WS')
    expect(statusOf(await gone.register())).toBe(200)
    await soon('its registration', async () => (await registrations()).length === 1)
    gone.close()
    await soon('that it is gone', async () => (await registrations()).length === 0)
  })

  test.skipIf(!hasBaresip)('call a softphone (baresip), and are called by it', async () => {
    const browser = await phone('office1', 'WSS')
    browser.onCall = answers('b', 20)
    expect(statusOf(await browser.register())).toBe(200)
    const soft = await Baresip.open({
      username: 'office2',
      password: 'secure-password',
      realm: office.realm,
      relay: stack.relay,
      tone: 880,
      answers: true,
    })
    open.push(soft)
    await soft.registered()
    const { call, result } = await browser.call('office2', 'b')
    expect(statusOf(await result)).toBe(200)
    await soft.hears('CALL_ESTABLISHED')
    expect(await call.bye()).toBe(200)
    await soft.hears('CALL_CLOSED')
    soft.command('dial', `sip:office1@${office.realm}`)
    await soon('the call of baresip', () => browser.calls[1])
    await soon('its answer', () => soft.told.filter(({ type }) => type === 'CALL_ESTABLISHED').length === 2)
    await browser.calls[1]?.bye()
    expect(stack.words()).not.toMatch(/bug/)
  })
})

async function phone(username: string, transport: 'WS' | 'WSS'): Promise<Phone> {
  const port = transport === 'WS' ? ports.ws : ports.wss
  const made = await office.phone(username, '127.0.7.70', transport, { address: stack.relay.address, port })
  open.push(made)
  return made
}

function registrations() {
  return office.api.list('/registrations')
}

function lost(): never {
  throw new Error('no call came')
}
