import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSecrets } from '../../functions/local/secrets-file.ts'
import { relayKey } from '../../functions/relay-key.ts'
import type { Row } from '../support/api.ts'
import { busy, Carrier } from '../support/carrier.ts'
import { changeHeard } from '../support/customer.ts'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import type { Phone } from '../support/phone.ts'
import { header, statusOf } from '../support/sip-text.ts'
import { hasSipp, type Sipp, sippWaits } from '../support/sipp.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

/*
 * A stolen password over two relays, and a drill which finds the second carrier.
 */

const NUMBER = '+15551234567'
const secondAt = '127.0.7.81'
const folder = mkdtempSync(join(tmpdir(), 'trunkline-second-'))
let stack: OwnStack
let second: LoneRelay
let carrier: Carrier
let office: Office
const phones: Phone[] = []

beforeAll(async () => {
  stack = await startStack()
  second = await startSecond(String(await freePort(secondAt)))
  carrier = await Carrier.open({ name: 'carrier', address: '127.0.7.82', relay: stack.relay }, busy)
  office = await openOffice(stack, [carrier.place], ['office1', 'office2'])
  for (const [name, address, relay] of [
    ['office1', '127.0.7.83', stack.relay],
    ['office1', '127.0.7.84', second.place],
    ['office2', '127.0.7.85', second.place],
  ] as const)
    phones.push(await office.phone(name, address, 'UDP', relay))
})
afterAll(async () => {
  for (const phone of phones) phone.close()
  carrier?.close()
  await second?.stop().catch(() => undefined)
  rmSync(folder, { recursive: true, force: true })
  await stack?.stop()
})

describe('the guard against fraud, over two relays', () => {
  test('lets as many calls of one account begin within a minute as may, and says how to release it', async () => {
    const id = await extensionOf('office1')
    await office.api.patch(`/extensions/${id}`, { max_calls_per_minute: 4 })
    await changeHeard(stack, office.api)
    const before = carrier.calls.length
    const heard: number[] = []
    for (let at = 0; at < 10; at += 1) heard.push(await dialled(at % 2))
    expect(carrier.calls.length - before).toBe(4)
    expect(heard.filter((status) => status === 486)).toHaveLength(4)
    expect(heard.filter((status) => status === 403)).toHaveLength(6)
    expect(await dialled(2)).toBe(486)
    const { call, result } = await phone(1).call(NUMBER)
    const refused = await result
    expect(call.statuses.at(-1)).toBe(403)
    expect(header(refused, 'reason')).toContain(`VELOCITY_EXCEEDED`)
    expect(header(refused, 'reason')).toContain(`POST /v1.0/extensions/${id}/release`)
    const [event] = await soon('the event', async () => {
      const events = await office.api.list('/events?type=fraud.suspected')
      return events.length > 0 ? events : undefined
    })
    expect(event).toMatchObject({ resource_id: id, data: { reason: 'VELOCITY_EXCEEDED', name: 'office1' } })
    await office.api.post(`/extensions/${id}/release`, {})
    // A relay which had nothing of the limit left is granted some with its next beats.
    await soon('a call to be let in', async () => (await dialled(1)) === 486 || undefined, 30_000, 500)
  })

  test('does not forget what began at a relay which is killed and begins anew', async () => {
    const id = await extensionOf('office1')
    await office.api.patch(`/extensions/${id}`, { max_calls_per_minute: null, max_calls_per_hour: 1 })
    // The one call begins here; a relay which waits for a share in vain refuses, too.
    let [began, refused] = [false, 0]
    await soon(
      'the limit to be used up here',
      async () => {
        const answer = await (await phone(1).call(NUMBER)).result
        began ||= statusOf(answer) === 486
        refused = header(answer, 'reason')?.includes('Too many calls an hour') ? refused + 1 : 0
        return began && refused >= 3
      },
      30_000,
      100,
    )
    await second.kill()
    second = await startSecond(String(second.place.port))
    const before = carrier.calls.length
    expect([await dialled(1), await dialled(0)]).toEqual([403, 403])
    expect(carrier.calls).toHaveLength(before)
  })

  test('stops an account at both relays, and no other', async () => {
    const id = await extensionOf('office1')
    await office.api.patch(`/extensions/${id}`, { max_calls_per_hour: null })
    await office.api.post(`/extensions/${id}/block`, { hang_up: true })
    await changeHeard(stack, office.api)
    expect([await dialled(0), await dialled(1), await dialled(2)]).toEqual([403, 403, 486])
    await office.api.post(`/extensions/${id}/release`, {})
    await changeHeard(stack, office.api)
    expect([await dialled(0), await dialled(1)]).toEqual([486, 486])
  })
})

describe.skipIf(!hasSipp)('a drill', () => {
  test('rings at the second carrier as if the first were down, and moves no live call', async () => {
    const backup = { address: '127.0.7.86', port: 5086 }
    const waits: Sipp = await sippWaits({ scenario: 'rings', at: backup })
    const [first] = await office.api.list('/providers')
    const provider = await office.api.post('/providers', {
      name: 'Backup',
      hostname: backup.address,
      port: backup.port,
      probe_interval: 0,
    })
    await office.api.post('/routes', { provider_id: provider.id, priority: 9 })
    const drill = await office.api.post('/drills', {
      name: 'The first is down',
      assume: { provider_id: first?.id, down: true },
      call: { from: 'office1', to: NUMBER },
    })
    const calls = carrier.calls.length
    const run = await office.api.post(`/drills/${drill.id}/run`, {})
    await waits.done
    expect(run).toMatchObject({ state: 'done', ok: true, status: 180, provider_id: provider.id })
    expect(run.pdd_ms).toEqual(expect.any(Number))
    const candidates = [{ code: 'ASSUMED_DOWN' }, { code: 'KEPT' }]
    expect(run).toMatchObject({ decision: { candidates } })
    expect(carrier.calls.length).toBe(calls)
    expect(await dialled(0)).toBe(486)
    expect(carrier.calls.length).toBe(calls + 1)
    process.stdout.write(`${JSON.stringify({ drill: run.verdict, pdd_ms: run.pdd_ms })}\n`)
    const again = await office.api.post(`/drills/${drill.id}/run`, {})
    expect(again).toMatchObject({ state: 'done', ok: false, pdd_ms: null })
    expect((await office.api.list('/events?type=drill.*')).map(({ type }: Row) => type)).toContain(
      'drill.failed',
    )
  })
})

async function startSecond(port: string): Promise<LoneRelay> {
  return startRelay(stack.local.api_url, secondAt, {
    RELAY_KEY: await relayKey(readSecrets(stack.folder)?.relay_secret ?? '', 'second'),
    BASE_DOMAIN: stack.local.realm.split('.registrar.')[1] ?? '',
    SIP_PORT: port,
    DATA_DIR: folder,
  })
}

/** Dials from one of the phones, and gives what it hears in the end. */
async function dialled(at: number): Promise<number> {
  const { result } = await phone(at).call(NUMBER)
  return statusOf(await result) ?? 0
}

function phone(at: number): Phone {
  const one = phones[at]
  if (!one) throw new Error(`There is no phone ${at}.`)
  return one
}

async function extensionOf(name: string): Promise<string> {
  const [one] = await office.api.list(`/extensions?extension=${name}`)
  return String(one?.id)
}
