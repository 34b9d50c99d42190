import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../functions/local/database.ts'
import { startDatabase, type TestDatabase } from '../support/database.ts'

const server = process.env.TEST_DATABASE_URL ?? ''
const lines = new Set<Socket>()
/** Takes connections on to PostgreSQL, until they are cut. */
const between = createServer((near) => {
  const { hostname, port } = new URL(server)
  const far = connect(Number(port || 5432), hostname)
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    lines.add(one)
    one.on('error', () => {}).on('close', () => other.destroy())
    one.pipe(other)
  }
})

describe.skipIf(server === '')('a connection to PostgreSQL', () => {
  let made: TestDatabase
  let database: Awaited<ReturnType<typeof openDatabase>>
  beforeAll(async () => {
    between.listen(0, '127.0.0.1')
    await once(between, 'listening')
    made = await startDatabase()
    const { rows } = await made.pool.query('select current_database() as name')
    const url = new URL(server)
    url.pathname = `/${rows[0]?.name}`
    url.hostname = '127.0.0.1'
    url.port = String((between.address() as AddressInfo).port)
    database = await openDatabase({ databaseUrl: url.href })
  })
  afterAll(async () => {
    await database?.close()
    await made?.close()
    between.close()
  })

  test('which breaks under a statement fails that statement; the next one has another', async () => {
    const client = await database.pool.connect()
    const asked = client.query('select pg_sleep(30)')
    const failed = expect(asked).rejects.toThrow()
    for (const line of lines) line.destroy()
    await failed
    client.release()
    expect((await database.pool.query('select 1 as one')).rows).toEqual([{ one: '1' }])
  })
})
