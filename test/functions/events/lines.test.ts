import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import worker from '../../../functions/index.ts'
import { type App, startApp } from '../../support/app.ts'
import { Receiver } from '../../support/receiver.ts'
import { soon } from '../../support/wait.ts'

const insertion = `insert into events (id, customer_id, type, at, subject_id, data)
  select gen_random_uuid(), $1, 'call.nth', now(), subject, '{}' from unnest($2::uuid[]) as subject`

/** PGlite has one connection, which waits for nobody. */
describe.skipIf(!process.env.TEST_DATABASE_URL)('events about one thing of which one is on its way', () => {
  let app: App
  let receiver: Receiver
  let customer: string
  beforeAll(async () => {
    app = await startApp()
    receiver = await Receiver.open()
    const bob = await app.newcomer('Bob')
    customer = bob.id
    const { status } = await bob('POST', '/v1.0/webhooks', { url: receiver.url, events: ['call.*'] })
    expect(status).toBe(200)
  })
  afterAll(async () => {
    await receiver?.close()
    await app?.close()
  })

  test('follow it, though neither transaction could see what the other wrote', async () => {
    const subject = crypto.randomUUID()
    await run(insertion, [customer, [subject]])
    const other = await app.database.pool.connect()
    let writes: Promise<unknown> = Promise.resolve()
    receiver.reply = () => {
      // It is queued behind the first, and shows to others a moment after that has been settled, or would have been.
      writes = (async () => {
        await other.query('begin')
        await other.query(insertion, [customer, [subject]])
        await other.query('set constraints all immediate')
        await soon('the first to be settled, or to wait for this', async () => {
          const [settled, waits] = await Promise.all([
            run(`select from deliveries where line = $1 and status = 'delivered'`, [subject]),
            run(
              `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
            ),
          ])
          return settled.length + waits.length > 0
        })
        await other.query('commit')
      })()
      receiver.reply = () => 200
      return 200
    }
    receiver.slow = 100
    try {
      await hurry()
      await writes
      await hurry()
    } finally {
      other.release()
    }
    expect(await run('select status from deliveries where line = $1', [subject])).toEqual([
      { status: 'delivered' },
      { status: 'delivered' },
    ])
  })

  test('are put in again while it is settled, and neither waits for the other for ever', async () => {
    const subject = crypto.randomUUID()
    await run(insertion, [customer, [subject]])
    const other = await app.database.pool.connect()
    let again: Promise<unknown> = Promise.resolve()
    receiver.reply = () => {
      again = (async () => {
        await other.query('begin')
        await other.query(
          'select lock_delivery_lines(array[webhook_id], array[line]) from deliveries where line = $1',
          [subject],
        )
        await soon('the settling to wait', async () => {
          const waits = await run(
            `select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`,
          )
          return waits.length > 0
        })
        await other.query(
          'select queue_deliveries(array[webhook_id], array[event_id]) from deliveries where line = $1',
          [subject],
        )
        await other.query('commit')
      })()
      return 200
    }
    receiver.slow = 100
    try {
      await hurry()
      await again
    } finally {
      other.release()
    }
    expect(await run('select status, attempts from deliveries where line = $1', [subject])).toEqual([
      { status: 'delivered', attempts: '1' },
    ])
  })

  /** Sends what is due, and puts nothing in order that was left behind. */
  async function hurry(): Promise<void> {
    await worker.queue(undefined, { ...app.env })
  }

  async function run(statement: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return (await app.database.pool.query(statement, values)).rows
  }
})
