import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSecrets } from '../../functions/local/secrets-file.ts'
import { relayKey } from '../../functions/relay-key.ts'
import { answers } from '../support/carrier.ts'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import type { Phone } from '../support/phone.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { header, statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon, within } from '../support/wait.ts'

/*
 * Two relays of one edge: a phone is at `away` by WebSocket, and its calls come to `local`.
 */

let stack: OwnStack
let office: Office
let away: LoneRelay
let webAtAway: HostAndPort
let webAtLocal: HostAndPort
const open: Phone[] = []
const address = '127.0.7.105'

beforeAll(async () => {
  webAtAway = { address, port: await freePort(address) }
  webAtLocal = { address: '127.0.7.1', port: await freePort('127.0.7.1') }
  stack = await startStack({ SIP_WS_PORT: String(webAtLocal.port) })
  away = await startRelay(stack.local.api_url, address, {
    RELAY_KEY: await relayKey(readSecrets(stack.folder)?.relay_secret ?? '', 'away'),
    BASE_DOMAIN: stack.local.realm.split('.registrar.')[1] ?? '',
    SIP_WS_PORT: String(webAtAway.port),
  })
  office = await openOffice(stack, [], ['office1', 'office2'])
})
afterAll(async () => {
  for (const phone of open) phone.close()
  await away?.kill()
  await stack?.stop()
})

describe('a phone which is at one relay by WebSocket, called at another', () => {
  let desk: Phone
  let web: Phone
  beforeAll(async () => {
    desk = await phone('office1', '127.0.7.106', 'UDP', stack.relay)
    web = await phone('office2', '127.0.7.107', 'WS', webAtAway)
    await isAt('away', 'ws')
    await soon('relays to hear of one another', () => rings(desk, web), 60_000, 250)
  })

  test('rings down its own connection, is heard both ways, and calls back', async () => {
    await office.recorded(
      () => talk(desk, web, webAtAway),
      (record) =>
        expect(record).toMatchObject({ direction: 'internal', status: 'hangup', hangup_by: 'caller' }),
    )
    await talk(web, desk)
  })

  test('is not reached once its connection is gone, and rings where it comes back', async () => {
    web.close()
    await soon('its registration to end', async () => (await registrations()).length === 0)
    expect(statusOf(await (await desk.call('office2')).result)).toBe(480)
    web = await phone('office2', '127.0.7.107', 'WS', webAtAway)
    await isAt('away', 'ws')
    await soon('it to ring', () => rings(desk, web), 60_000, 250)
  })

  test('hears that its relay was killed, registers at the other, and rings there', async () => {
    const { gone } = web.socket
    await away.kill()
    await within(30_000, 'the phone to hear of it', gone ?? lost())
    web = await phone('office2', '127.0.7.107', 'WS', webAtLocal)
    await isAt('local', 'ws')
    await office.recorded(
      () => talk(desk, web, webAtLocal),
      (record) => expect(record).toMatchObject({ status: 'hangup', reject_reason: null }),
    )
    await talk(web, desk)
    expect(stack.words()).not.toMatch(/bug/)
  })
})

async function phone(
  username: string,
  from: string,
  transport: 'UDP' | 'WS',
  relay: HostAndPort,
): Promise<Phone> {
  const one = await office.phone(username, from, transport, relay)
  open.push(one)
  expect(statusOf(await one.register())).toBe(200)
  one.onCall = answers('b', 20)
  return one
}

async function registrations() {
  const list = await office.api.list('/registrations')
  return list.filter(({ extension }) => extension === 'office2')
}

/** The edge knows of it there; a relay which was killed has taken nothing back. */
async function isAt(relayId: string, transport: string): Promise<void> {
  await soon(`the edge to hear of a phone at ${relayId}`, async () => {
    const list = await registrations()
    return list.some((one) => one.relay_id === relayId && one.transport === transport)
  })
}

/** Whether a call is answered by it. */
async function rings(caller: Phone, callee: Phone): Promise<boolean> {
  const before = callee.calls.length
  const { call, result } = await caller.call(callee.credentials.username)
  if (statusOf(await result) !== 200) return false
  await call.bye()
  await callee.calls[before]?.over
  return true
}

/** One calls the other, both hear each other, and the caller hangs up; `by`: the WebSocket at which the call came in. */
async function talk(caller: Phone, callee: Phone, by?: HostAndPort): Promise<void> {
  const before = callee.calls.length
  const { call, result } = await caller.call(callee.credentials.username, 'a')
  expect(statusOf(await result)).toBe(200)
  const incoming = callee.calls[before]
  await soon('both to be heard', () => call.sound?.heardOf('b') && incoming?.sound?.heardOf('a'))
  if (by) expect(header(incoming?.invite ?? lost(), 'via')).toMatch(`SIP/2.0/WS ${by.address}:${by.port};`)
  expect(await call.bye()).toBe(200)
  expect(await incoming?.over).toBe('them')
}

function lost(): never {
  throw new Error('no call came')
}
