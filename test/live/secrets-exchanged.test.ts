import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureFirstCustomer } from '../../functions/local/first-customer.ts'
import { sealAnew } from '../../functions/local/sealed-anew.ts'
import { type RunningEdge, startEdge } from '../../functions/local/worker.ts'
import { relayKey } from '../../functions/relay-key.ts'
import type { SealKey } from '../../functions/secrets.ts'
import { openApi } from '../support/api.ts'
import { answers } from '../support/carrier.ts'
import { changeHeard } from '../support/customer.ts'
import { startDatabase, type TestDatabase } from '../support/database.ts'
import { answerChallenge } from '../support/digest.ts'
import { freePort } from '../support/free-port.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import { Phone } from '../support/phone.ts'
import { digestParts, header, type SipText, statusOf } from '../support/sip-text.ts'
import { pause, soon } from '../support/wait.ts'

const keyOf = (kid: string, byte: number): SealKey => ({ kid, bytes: new Uint8Array(32).fill(byte) })
const seals = { old: keyOf('prod1', 1), young: keyOf('prod2', 2) }
const asSetting = ({ kid, bytes }: SealKey) => `${kid}:${Buffer.from(bytes).toString('base64')}`
const relaySecrets = { old: 'o'.repeat(32), young: 'y'.repeat(32) }
const password = 'correct horse battery'

let database: TestDatabase
let edge: RunningEdge
let edgePort: number
let relayPort: number
let customer: { id: string; key: string }
let relay: LoneRelay
let away: LoneRelay | undefined
const folder = mkdtempSync(join(tmpdir(), 'secrets-'))
const open: Phone[] = []

beforeAll(async () => {
  database = await startDatabase()
  const { customer_id: id, access_key: key = '' } = await ensureFirstCustomer(database.pool)
  customer = { id, key }
  edgePort = await freePort('127.0.0.1')
  relayPort = await freePort('127.0.7.111')
  await openEdge(asSetting(seals.old), relaySecrets.old)
  relay = await openRelay('the first')
  for (const username of ['office1', 'office2', 'office3']) await extension(username)
  // What a relay has not heard of it cannot know while its edge is away.
  const api = openApi(edge.url, customer.key)
  await changeHeard({ api }, api)
}, 180_000)
afterAll(async () => {
  for (const phone of open) phone.close()
  await Promise.all([relay?.stop(), away?.stop()])
  await edge?.stop()
  await database?.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('while phones call one another', () => {
  test('what seals and what makes relays’ keys are exchanged, each by another one in front: no call fails', async () => {
    const caller = await phone('office1', '127.0.7.112')
    const callee = await phone('office2', '127.0.7.113')
    callee.onCall = answers('b', 20)
    for (const each of [caller, callee])
      await soon('it to be registered', async () => statusOf(await each.register()) === 200)
    const statuses: (number | undefined)[] = []
    let going = true
    const calling = (async () => {
      while (going) {
        const { call, result } = await caller.call('office2')
        statuses.push(statusOf(await result))
        await call.bye()
        await pause(50)
      }
    })()

    try {
      await openEdge(
        `${asSetting(seals.young)},${asSetting(seals.old)}`,
        `${relaySecrets.young},${relaySecrets.old}`,
      )
      await extension('office4')
      expect(await sealAnew(database.pool, [seals.young, seals.old])).toBeGreaterThan(0)
      await openEdge(asSetting(seals.young), `${relaySecrets.young},${relaySecrets.old}`)
      // One which has nothing yet: all that it knows comes out of what is sealed anew.
      away = await startRelay(edge.url, '127.0.7.114', {
        RELAY_KEY: await relayKey(relaySecrets.young, 'away'),
      })
      const { place } = away
      for (const username of ['office3', 'office4']) {
        const one = await phone(username, '127.0.7.115', place)
        await soon('it to be registered', async () => statusOf(await one.register()) === 200)
      }
      const before = statuses.length
      await soon('calls to go on', () => statuses.length > before + 3)
    } finally {
      going = false
      await calling
    }
    expect(statuses.filter((status) => status !== 200)).toEqual([])
    expect([...relay.lines(), ...(away?.lines() ?? [])].filter(({ event }) => event === 'bug')).toEqual([])
  }, 300_000)

  test('the key of nonces is exchanged: who was challenged before is challenged once more, and is in', async () => {
    const one = await phone('office1', '127.0.7.116')
    const challenge = await one.ask(register(one, 1), one.relay)
    expect(statusOf(challenge)).toBe(401)
    await relay.stop()
    relay = await openRelay('the second')
    const again = await one.ask(register(one, 2, challenge), one.relay)
    expect(statusOf(again)).toBe(401)
    const said = digestParts(header(again, 'www-authenticate'))
    expect(said.get('stale')).toBe('true')
    expect(said.get('nonce')).not.toBe(digestParts(header(challenge, 'www-authenticate')).get('nonce'))
    expect(statusOf(await one.ask(register(one, 3, again), one.relay))).toBe(200)
  }, 180_000)
})

/** In the place of the one before, with other secrets. */
async function openEdge(sealKeys: string, relaySecret: string): Promise<void> {
  await edge?.stop()
  edge = await startEdge({
    host: '127.0.0.1',
    port: edgePort,
    folder,
    said: () => undefined,
    note: () => undefined,
    lost: (error) => {
      throw error
    },
    bindings: {
      DATABASE_URL: database.databaseUrl,
      NEON_ENDPOINT: database.endpointUrl,
      SEAL_KEYS: sealKeys,
      RELAY_SECRET: relaySecret,
      ALLOW_PRIVATE_TARGETS: 'true',
    },
  })
}

async function openRelay(nonceKey: string): Promise<LoneRelay> {
  return startRelay(edge.url, '127.0.7.111', {
    RELAY_KEY: await relayKey(relaySecrets.old, 'here'),
    SIP_PORT: String(relayPort),
    NONCE_KEY: nonceKey,
  })
}

async function extension(username: string): Promise<void> {
  const of = { name: username, username, password, keepalive_s: 0 }
  await openApi(edge.url, customer.key).post('/extensions', of)
}

async function phone(username: string, address: string, at = relay.place): Promise<Phone> {
  const realm = `${customer.id}.registrar.trunkline.localhost`
  const one = await Phone.open({ name: username, address, relay: at, realm, username, password })
  open.push(one)
  return one
}

/** A REGISTER, with an answer to what it was challenged by. */
function register(one: Phone, cseq: number, challenged?: SipText): SipText {
  const uri = `sip:${one.realm}`
  const answer =
    challenged && answerChallenge(header(challenged, 'www-authenticate'), 'REGISTER', uri, one.credentials)
  return {
    start: `REGISTER ${uri} SIP/2.0`,
    headers: [
      ['Via', one.via()],
      ['From', `<${one.address_of_record}>;tag=${cseq}`],
      ['To', `<${one.address_of_record}>`],
      ['Call-ID', 'challenged'],
      ['CSeq', `${cseq} REGISTER`],
      ['Max-Forwards', '70'],
      ['Contact', `<${one.contact(one.credentials.username)}>`],
      ...(answer ? [['Authorization', answer] as [string, string]] : []),
    ],
    body: '',
  }
}
