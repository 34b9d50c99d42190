import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sealAnew, sealedColumns } from '../../functions/local/sealed-anew.ts'
import { relayKey } from '../../functions/relay-key.ts'
import { ha1s, type SealKey } from '../../functions/secrets.ts'
import { type App, RELAY_SECRET, startApp } from '../support/app.ts'
import { newTrunk } from '../support/trunk.ts'

const keyOf = (kid: string, byte: number): SealKey => ({ kid, bytes: new Uint8Array(32).fill(byte) })
const [old, young] = [keyOf('prod_1', 1), keyOf('prod2', 2)]
const asSetting = ({ kid, bytes }: SealKey) => `${kid}:${Buffer.from(bytes).toString('base64')}`
let app: App
let realm: string
beforeAll(async () => {
  app = await startApp({ SEAL_KEYS: asSetting(old) })
  await app.alice('POST', '/v1.0/providers', {
    hostname: '203.0.113.5',
    username: 'u',
    password: 'between us',
  })
  realm = (await app.alice('POST', '/v1.0/extensions', { extension: 'desk', password: 'long enough' })).body
    .realm
  await newTrunk(app, app.aliceId, 'pbx', ['basic'])
  const { body } = await app.alice('POST', '/v1.0/webhooks', { url: 'http://127.0.0.1:9009/', events: ['*'] })
  await app.alice('POST', `/v1.0/webhooks/${body.id}/rotate`, { overlap_seconds: 3600 })
  await app.alice('POST', '/v1.0/alerts', {
    when: { kind: 'new_country' },
    webhook_id: body.id,
    format: 'pagerduty',
    routing_key: '0123456789abcdef0123456789abcdef',
  })
})
afterAll(() => app.close())

describe('secrets, when another key seals', () => {
  test('are all looked through: no column of them is left out', async () => {
    const { rows } = await app.database.pool.query(
      `select table_name || '.' || column_name as name from information_schema.columns
       where table_schema = 'public' and column_name like 'sealed%' and table_name <> 'idempotency_keys'`,
    )
    expect(sealedColumns.map(({ table, column }) => `${table}.${column}`).sort()).toEqual(
      rows.map(({ name }) => name).sort(),
    )
    for (const { table, column } of sealedColumns)
      expect(await sealedBy(table, column), `${table}.${column}`).toEqual(['prod_1'])
  })

  test('are sealed by it alone, no change is noted, and open without the older one', async () => {
    const before = await changes()
    expect(await sealAnew(app.database.pool, [young, old])).toBe(sealedColumns.length)
    for (const { table, column } of sealedColumns) expect(await sealedBy(table, column)).toEqual(['prod2'])
    expect(await changes()).toBe(before)
    await app.alice('PATCH', '/v1.0/customer', { detail: 'a change, which is noted as ever' })
    await app.alice('POST', '/v1.0/extensions', { extension: 'next', password: 'long enough' })
    expect(await changes()).toBe(before + 2)
    // What the edge saves meanwhile it seals as it was told.
    expect(await sealAnew(app.database.pool, [young, old])).toBe(2)
    const env = { ...app.env, SEAL_KEYS: asSetting(young) }
    const asked = { method: 'POST', body: JSON.stringify({ realm, username: 'desk' }) }
    const authorization = `Bearer ${await relayKey(RELAY_SECRET, 'relay-1')}`
    const headers = { authorization, 'content-type': 'application/json' }
    const answer = await app.send('/relay/v1/credential', { ...asked, headers }, env)
    expect(JSON.stringify(answer.body)).toContain((await ha1s('desk', realm, 'long enough')).md5)
  })

  test('name the key which is missing', async () => {
    await expect(sealAnew(app.database.pool, [keyOf('prod3', 3)])).rejects.toThrow('no key named prod2')
  })
})

async function sealedBy(table: string, column: string): Promise<string[]> {
  const { rows } = await app.database.pool.query(
    `select distinct split_part(${column}, '.', 1) as kid from ${table} where ${column} is not null`,
  )
  return rows.map(({ kid }) => kid)
}

async function changes(): Promise<number> {
  return Number((await app.database.pool.query('select count(*) from changes')).rows[0]?.count)
}
