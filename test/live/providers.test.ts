import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSecrets } from '../../functions/local/secrets-file.ts'
import { relayKey } from '../../functions/relay-key.ts'
import type { Row } from '../support/api.ts'
import { answers, busy, Carrier, refuse } from '../support/carrier.ts'
import { endedCall, knownCalls } from '../support/customer.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import { Registrar } from '../support/registrar.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

/*
 * Providers as the running product sees them: the API's word on their health and registration, with two more
 * relays beside the stack's own.
 */

let stack: OwnStack
let carrier: Carrier
const registrars: Registrar[] = []
let relays: Record<string, LoneRelay> = {}

beforeAll(async () => {
  stack = await startStack()
  const secret = readSecrets(stack.folder)?.relay_secret ?? ''
  const beside = async (name: string, address: string) =>
    startRelay(stack.local.api_url, address, {
      RELAY_KEY: await relayKey(secret, name),
      BASE_DOMAIN: stack.local.realm.split('.registrar.')[1] ?? '',
    })
  const [second, third] = await Promise.all([beside('second', '127.0.7.61'), beside('third', '127.0.7.62')])
  relays = { second, third }
  carrier = await Carrier.open({ name: 'carrier', address: '127.0.7.63', relay: stack.relay })
})
afterAll(async () => {
  carrier?.close()
  await Promise.all(Object.values(relays).map((relay) => relay.stop().catch(() => undefined)))
  await stack?.stop()
  // Relays which stop take their contacts back there.
  for (const registrar of registrars) registrar.close()
})

describe('a provider of the running product', () => {
  test('is shown healthy once a relay has asked OPTIONS of it, unhealthy when it has died', async () => {
    const { id } = await created({ probe_interval: 5 })
    const well = await soon('health', () => healthIs(id, 'healthy'), 60_000, 250)
    expect(well).toMatchObject({ latency_ms: expect.any(Number) })
    carrier.deaf = true
    const began = performance.now()
    const ill = await soon('illness', () => healthIs(id, 'unhealthy'), 60_000, 250)
    expect(ill).toMatchObject({ why: expect.stringContaining('in a row') })
    carrier.deaf = false
    const died = performance.now()
    await soon('recovery', () => healthIs(id, 'healthy'), 60_000, 250)
    const seconds = (ms: number) => Math.round(ms / 100) / 10
    process.stdout.write(
      `${JSON.stringify({ dead_noticed_s: seconds(died - began), back_noticed_s: seconds(performance.now() - died) })}\n`,
    )
    await stack.api.delete(`/providers/${id}`)
  })

  test('is tested by OPTIONS and by a call, and told in words', async () => {
    const { id } = await created({ probe_interval: 0 })
    const options = await stack.api.post(`/providers/${id}/test`, { type: 'options' })
    expect(options).toMatchObject({
      state: 'done',
      ok: true,
      verdict: expect.stringMatching(
        /^127\.0\.7\.63 answers: 200 OK from 127\.0\.7\.63:\d+ over UDP in \d+ ms$/,
      ),
    })
    carrier.onCall = busy
    const called = await stack.api.post(`/providers/${id}/test`, { type: 'call', to: '+15551234567' })
    expect(called).toMatchObject({ ok: true, verdict: expect.stringContaining('the number is busy') })
    carrier.onCall = refuse(403, 'Forbidden')
    const refused = await stack.api.post(`/providers/${id}/test`, { type: 'call', to: '+15551234567' })
    expect(refused).toMatchObject({ ok: false, verdict: expect.stringContaining('does not know us: 403') })
    carrier.onCall = answers('n')
    const rang = await stack.api.post(`/providers/${id}/test`, { type: 'call', to: '+15551234567' })
    expect(rang).toMatchObject({ ok: true, verdict: expect.stringContaining('takes the call, it rings') })
    await soon('the cancel', () => carrier.calls.at(-1)?.wasCancelled)
    await stack.api.delete(`/providers/${id}`)
  })

  test('which wants us to register is registered at by one relay, by another once that one died', async () => {
    const account = { username: 'trunk7', password: 'secret' }
    const registrar = await Registrar.open('127.0.7.64', account)
    registrars.push(registrar)
    const hostname = registrar.place.address
    const wish = { hostname, port: registrar.place.port, ...account, register: true, probe_interval: 0 }
    // As many as there are relays: each keeps one.
    const ids: string[] = []
    for (const name of ['a', 'b', 'c']) ids.push((await created({ ...wish, name })).id)
    const all = async () => {
      const rows = await standing(ids)
      return rows.every(({ status }) => status === 'registered') ? rows : undefined
    }
    const before = await soon('all to be registered', all, 60_000, 250)
    expect(new Set(before.map(({ relay_id }) => relay_id)).size).toBe(3)
    expect(registrar.standing).toHaveLength(3)
    const lost = ids[before.findIndex(({ relay_id }) => relay_id === 'second')] ?? ''
    const line = (contact: string) => /line=([^;]+)/.exec(contact)?.[1]
    const old = registrar.standing.find((contact) => contact.includes('@127.0.7.61:')) ?? ''
    await rungByTheContact(
      registrar,
      before.findIndex(({ relay_id }) => relay_id === 'local'),
      ids,
    )
    const killed = performance.now()
    await relays.second?.kill()
    Reflect.deleteProperty(relays, 'second')
    const again = () => registrar.standing.filter((contact) => line(contact) === line(old)).length > 1
    await soon('the next holder', again, 60_000)
    const ms = Math.round(performance.now() - killed)
    process.stdout.write(`${JSON.stringify({ handed_over_after_ms: ms })}\n`)
    const row = await soon('its report', async () => {
      const [found] = await standing([lost])
      return found?.status === 'registered' && found.relay_id !== 'second' ? found : undefined
    })
    expect(['local', 'third']).toContain(row.relay_id)
  })
})

/** A call to the contact we registered is the provider's, from whatever address it comes; one beside it is nobody's. */
async function rungByTheContact(registrar: Registrar, at: number, ids: string[]): Promise<void> {
  const number = '+15557650001'
  const extension = await stack.api.post('/extensions', { username: 'rung', password: 'secure-password' })
  await stack.api.post('/numbers', { number, extension_id: extension.id })
  const stranger = await Carrier.open({ name: 'stranger', address: '127.0.7.65', relay: stack.relay })
  const ours = registrar.standing.find((contact) => contact.includes(`@${stack.relay.address}:`))
  const beside = await (await stranger.call('+15551112222', number)).result
  expect(statusOf(beside)).toBe(403)
  const known = await knownCalls(stack.api)
  const { result } = await stranger.call('+15551112222', number, 'n', ours)
  // Its phone is not there: the number was rung.
  expect(statusOf(await result)).toBe(480)
  expect(await endedCall(stack.api, known)).toMatchObject({
    direction: 'incoming',
    provider_id: ids[at],
    decision: { caller: { rule: 'registration_token' } },
  })
  stranger.close()
}

async function created(more: object): Promise<Row> {
  const { address, port } = carrier.place
  return stack.api.post('/providers', { name: 'carrier', type: 'sip', hostname: address, port, ...more })
}

async function healthIs(id: string, status: string): Promise<{ status: string } | undefined> {
  const { health } = (await stack.api.get(`/providers/${id}`)) as Row & { health: { status: string } }
  return health.status === status ? health : undefined
}

async function standing(ids: string[]): Promise<{ status: string; relay_id: string }[]> {
  const rows = await Promise.all(ids.map((id) => stack.api.get(`/providers/${id}`)))
  return rows.map(({ registration }) => registration as { status: string; relay_id: string })
}
