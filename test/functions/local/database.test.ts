import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDatabase } from '../../../functions/local/database.ts'
import { ensureFirstCustomer } from '../../../functions/local/first-customer.ts'
import { lockFolder } from '../../../functions/local/lock.ts'
import { emptyDatabaseFile } from '../../support/empty-database.ts'

let folder: string
let dataDir: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'database-'))
  dataDir = join(folder, 'database')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('a database folder', { timeout: 120_000 }, () => {
  test('is made on the first start and found as it was on the next', async () => {
    const first = await openDatabase({ dataDir })
    const made = await ensureFirstCustomer(first.pool)
    await first.close()
    const second = await openDatabase({ dataDir })
    const again = await ensureFirstCustomer(second.pool)
    await second.close()
    expect(made.access_key).toMatch(/^tk_/)
    expect(again).toEqual({ customer_id: made.customer_id })
  })

  test('is made good where the first start was interrupted', async () => {
    mkdirSync(dataDir)
    mkdirSync(`${dataDir}.new`)
    writeFileSync(join(`${dataDir}.new`, 'PG_VERSION'), '')
    const database = await openDatabase({ dataDir })
    await database.close()
    expect(readdirSync(folder)).toEqual(['database'])
  })

  test('is refused to a second opener, and free again after the first', async () => {
    mkdirSync(dataDir)
    execFileSync('tar', ['-xf', await emptyDatabaseFile(), '-C', dataDir])
    const first = await openDatabase({ dataDir })
    await expect(openDatabase({ dataDir })).rejects.toThrow(`in use by process ${process.pid}`)
    await first.close()
    const second = await openDatabase({ dataDir })
    await second.close()
  })

  test('that holds something else is left alone', async () => {
    mkdirSync(dataDir)
    writeFileSync(join(dataDir, 'thesis.txt'), 'years of work')
    await expect(openDatabase({ dataDir })).rejects.toThrow(/cannot be used: it holds something else/)
  })

  test('that is a file says so in one sentence', async () => {
    writeFileSync(dataDir, '')
    await expect(openDatabase({ dataDir })).rejects.toThrow(/^The database folder .* cannot be used: [^\n]*$/)
  })

  test('that is broken says so in one sentence, and leaves no lock', async () => {
    mkdirSync(dataDir)
    writeFileSync(join(dataDir, 'PG_VERSION'), '17')
    const refusal = /^The database folder .* cannot be opened [^\n]*move it away[^\n]*$/
    await expect(openDatabase({ dataDir })).rejects.toThrow(refusal)
    await expect(openDatabase({ dataDir })).rejects.toThrow(refusal)
  })
})

describe('a lock', () => {
  test('left by a process that is gone is taken over', () => {
    const { pid } = spawnSync('true')
    writeFileSync(`${dataDir}.lock`, JSON.stringify({ pid, born: '1' }))
    lockFolder(dataDir)()
  })

  test('is not believed where another process now has the number', () => {
    writeFileSync(`${dataDir}.lock`, JSON.stringify({ pid: process.pid, born: 'long ago' }))
    lockFolder(dataDir)()
  })

  test('cut short by a crash is taken over', () => {
    writeFileSync(`${dataDir}.lock`, '{"pi')
    lockFolder(dataDir)()
  })

  test('names its holder to everybody else', () => {
    const unlock = lockFolder(dataDir)
    expect(() => lockFolder(dataDir)).toThrow(`process ${process.pid}`)
    unlock()
    lockFolder(dataDir)()
  })
})

describe('DATABASE_URL', () => {
  test.each([
    'postgres://nobody@127.0.0.1:9/none',
    'postgres://nobody@no-such-host.invalid/none',
    'not a url',
  ])('%s is refused in one sentence', async (databaseUrl) => {
    await expect(openDatabase({ databaseUrl })).rejects.toThrow(/^DATABASE_URL cannot be used: [^\n]+\.$/)
  })
})
