import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../functions/local/database.ts'
import { startNeonEndpoint } from '../../functions/local/neon.ts'
import { settleRestored } from '../../functions/local/restored.ts'
import { relayKey } from '../../functions/relay-key.ts'
import { ha1s } from '../../functions/secrets.ts'
import { type App, RELAY_SECRET, startApp } from '../support/app.ts'
import { newRelay, type TestRelay } from '../support/beat.ts'

const server = process.env.TEST_DATABASE_URL ?? ''
const folder = mkdtempSync(join(tmpdir(), 'backup-'))
const file = join(folder, 'trunkline.dump')
let app: App
let relay: TestRelay
/** The edge on what was put back, with the keys which the lost one had. */
let restored: { env: object; pool: pg.Pool; close(): Promise<void> }
let call: string
let phone: { realm: string }
let known: number
let key: string

/** `pg_dump` and `pg_restore` of a real PostgreSQL, as functions/deploying/README.md has them typed. */
describe.skipIf(server === '' || !existsSync('/usr/bin/pg_dump'))('a backup which was put back', () => {
  beforeAll(async () => {
    app = await startApp()
    relay = await newRelay(app, 'relay-1')
    key = await relayKey(RELAY_SECRET, 'relay-1')
    phone = (await made('/extensions', { extension: 'office1', password: 'as it was saved' })).body
    call = crypto.randomUUID()
    const party = JSON.stringify({ type: 'tel', target: '+15550001', target_name: '', name: '', detail: '' })
    await app.database.pool.query(
      `insert into calls (id, customer_id, relay_id, sequence, direction, source, destination, status, unverified,
         sip_call_id, started_at, attempts)
       values ($1, $2, 'relay-1', 1, 'outgoing', $3, $3, 'hangup', false, 'x', now(), '[]')`,
      [call, app.aliceId, party],
    )
    const { rows } = await app.database.pool.query('select current_database() as name')
    const lost = String(rows[0]?.name)
    execFileSync('pg_dump', ['--format=custom', `--file=${file}`, `--dbname=${at(lost)}`])
    for (const later of ['later1', 'later2'])
      await made('/extensions', { extension: later, password: 'after the backup' })
    known = (await relay.beat()).version
    restored = await putBack()
  })
  afterAll(async () => {
    await restored?.close()
    await app?.close()
    rmSync(folder, { recursive: true })
  })

  test('has the records which there were, and secrets which open', async () => {
    expect(await asked('GET', `/v1.0/calls/${call}`, app.aliceKey)).toMatchObject({
      status: 200,
      body: { id: call },
    })
    const question = { realm: phone.realm, username: 'office1' }
    const { md5 } = await ha1s('office1', phone.realm, 'as it was saved')
    const answer = await asked('POST', '/relay/v1/credential', key, question)
    expect(JSON.stringify(answer.body)).toContain(md5)
    expect(
      await asked('POST', '/relay/v1/credential', key, { ...question, username: 'later1' }),
    ).toMatchObject({
      body: { kind: 'unknown' },
    })
  })

  test('would be refused by relays as older, until it is made newer than what they have', async () => {
    const before = await version()
    expect(before).toBeLessThan(known)
    const { version: after, customers } = await settleRestored(restored.pool)
    expect(customers).toBeGreaterThan(0)
    expect(after).toBeGreaterThan(known)
    const { rows } = await restored.pool.query('select distinct version::text from customers')
    expect(rows).toEqual([{ version: String(after) }])
  })

  test('has no statement compiled, and ends each: a dump does not say so of its database', async () => {
    const { rows } = await restored.pool.query(
      'select setconfig::text from pg_db_role_setting join pg_database d on d.oid = setdatabase where datname = current_database()',
    )
    expect(JSON.stringify(rows)).toMatch(/jit=off.*statement_timeout=20s/)
  })
})

function made(path: string, body: object) {
  return app.alice('POST', `/v1.0${path}`, body)
}

function at(database: string): string {
  const url = new URL(server)
  url.pathname = `/${database}`
  return url.href
}

async function putBack() {
  const name = `restored_${crypto.randomUUID().replaceAll('-', '')}`
  const admin = new pg.Pool({ connectionString: server, max: 1 })
  await admin.query(`create database ${name}`)
  execFileSync('pg_restore', ['--no-owner', `--dbname=${at(name)}`, file])
  const { pool, close } = await openDatabase({ databaseUrl: at(name) })
  const endpoint = await startNeonEndpoint({ pool, heard: () => {} })
  return {
    env: { ...app.env, DATABASE_URL: endpoint.databaseUrl, NEON_ENDPOINT: endpoint.url },
    pool,
    async close() {
      await endpoint.close()
      await close()
      await admin.query(`drop database ${name} with (force)`)
      await admin.end()
    },
  }
}

function asked(method: string, path: string, key: string, body?: object) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return app.send(path, { method, headers, ...(body && { body: JSON.stringify(body) }) }, restored.env)
}

async function version(): Promise<number> {
  const { rows } = await restored.pool.query('select version from configuration')
  return Number(rows[0]?.version)
}
