import { randomUUID } from 'node:crypto'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { VerifiedSnapshot } from '../../../relay/ground/effects.ts'
import { EdgeHttp } from '../../../relay/io/edge-http.ts'
import type { Log } from '../../../relay/io/log.ts'
import { snapshotKeys } from '../../../relay/io/seal.ts'
import { SnapshotFolder, SnapshotSource } from '../../../relay/io/snapshots.ts'
import { EdgeServer, type Fault } from '../../support/edge-server.ts'
import { type Configuration, configuration, withExtension } from '../../support/snapshot.ts'

const key = `rk_relay-1.${'k'.repeat(43)}`
const keys = snapshotKeys(key)

describe('pulling a snapshot', () => {
  test('gives it as it was signed, with its secrets open', async () => {
    const { edge, source } = await linked()
    const office = officeOf(randomUUID(), 7)
    edge.customers.set(office.snapshot.customer_id, office)
    const pulled = await source.pull({ customer_id: office.snapshot.customer_id, held: undefined })
    expect(pulled).toMatchObject({
      kind: 'snapshot',
      verified: { snapshot: { version: 7, extensions: [{ extension: 'office1' }] }, secrets: office.secrets },
    })
  })

  test('asks only for what is newer, and hears that there is nothing, or nobody any more', async () => {
    const { edge, source } = await linked()
    const office = officeOf(randomUUID(), 7)
    const { customer_id } = office.snapshot
    edge.customers.set(customer_id, office)
    expect(await source.pull({ customer_id, held: 7 })).toEqual({ kind: 'same' })
    expect(edge.heard[0]?.headers['if-none-match']).toBe('"7"')
    expect(await source.pull({ customer_id: randomUUID(), held: undefined })).toEqual({ kind: 'gone' })
  })

  test.each<[Fault, string]>([
    [{ kind: 'garbage' }, 'signature'],
    [{ kind: 'truncated' }, 'broke off|aborted'],
    [{ kind: 'forged' }, 'signature'],
    [{ kind: 'stranger' }, 'signature'],
    [{ kind: 'status', status: 502 }, 'the edge answered 502'],
  ])('believes nothing of %j', async (fault, why) => {
    const { edge, source } = await linked()
    const office = officeOf(randomUUID(), 7)
    edge.customers.set(office.snapshot.customer_id, office)
    edge.fault = () => fault
    const pull = source.pull({ customer_id: office.snapshot.customer_id, held: undefined })
    await expect(pull).rejects.toThrow(new RegExp(why))
  })

  test('hears that a customer has none, since it is too large', async () => {
    const { edge, source } = await linked()
    edge.fault = () => ({
      kind: 'status',
      status: 409,
      reason: 'SNAPSHOT_TOO_LARGE',
      message: 'It is too large.',
    })
    const pull = source.pull({ customer_id: randomUUID(), held: undefined })
    expect(await pull).toEqual({ kind: 'too large', why: 'It is too large.' })
  })

  test('leaves an edge alone for as long as it says', async () => {
    const { edge, source } = await linked()
    edge.fault = () => ({ kind: 'status', status: 429, retryAfter: '1' })
    for (let i = 0; i < 5; i++)
      await expect(source.pull({ customer_id: randomUUID(), held: undefined })).rejects.toThrow()
    expect(edge.heard).toHaveLength(1)
  })
})

describe('snapshots on disk', () => {
  test('are there again as they were signed, their secrets sealed, for nobody else to read', async () => {
    const office = officeOf(randomUUID(), 7)
    const { folder, path, filed } = await kept(office)
    const { files, confirmed } = folder().load()
    expect(files).toEqual([filed])
    expect(confirmed).toEqual({ version: 7, held: 1, at: 1000, behind: {} })
    const name = join(path, `${office.snapshot.customer_id}.snapshot`)
    expect(statSync(name).mode & 0o777).toBe(0o600)
    expect(readFileSync(name, 'utf8')).not.toContain(office.secrets.accounts[0]?.ha1_md5)
  })

  test.each([
    ['torn in the middle', (path: string) => truncateSync(path, 200)],
    ['empty', (path: string) => truncateSync(path, 0)],
    [
      'changed by a letter',
      (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replace('"US"', '"DE"')),
    ],
  ])('a file which is %s is set aside, and nothing counts as complete', async (_, spoil) => {
    const office = officeOf(randomUUID(), 7)
    const { folder, path } = await kept(office)
    spoil(join(path, `${office.snapshot.customer_id}.snapshot`))
    const notes: string[] = []
    const { files, confirmed } = folder((_, event) => notes.push(event)).load()
    expect(files).toEqual([])
    expect(confirmed?.version).toBe(0)
    expect(notes).toEqual(['snapshot.set_aside'])
    expect(readdirSync(path)).toContain(`${office.snapshot.customer_id}.snapshot.bad`)
  })

  test('are of no use under another relay’s key', async () => {
    const { path } = await kept(officeOf(randomUUID(), 7))
    const other = new SnapshotFolder({ folder: path, keys: snapshotKeys(`${key}x`), log: () => undefined })
    expect(other.load().files).toEqual([])
  })

  test('go when their customer goes', async () => {
    const office = officeOf(randomUUID(), 7)
    const { folder, first } = await kept(office)
    first.discard(office.snapshot.customer_id)
    await first.flush()
    expect(folder().load()).toMatchObject({ files: [], confirmed: { version: 0 } })
  })

  test('a record of what was confirmed which is torn counts as none', async () => {
    const { folder, path } = await kept(officeOf(randomUUID(), 7))
    truncateSync(join(path, 'confirmed.json'), 10)
    expect(folder().load()).toMatchObject({ files: [{}], confirmed: undefined })
  })
})

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function linked() {
  const edge = await EdgeServer.open(key)
  const exchange = new EdgeHttp({ url: edge.url, key })
  cleanups.push(
    () => edge.close(),
    () => exchange.close(),
  )
  return { edge, source: new SnapshotSource(exchange, keys) }
}

/** A folder in which one customer's snapshot was kept. */
async function kept(office: Configuration) {
  const { edge, source } = await linked()
  const { customer_id, version } = office.snapshot
  edge.customers.set(customer_id, office)
  const pulled = await source.pull({ customer_id, held: undefined })
  if (pulled.kind !== 'snapshot') throw new Error('nothing was pulled')
  const path = mkdtempSync(join(tmpdir(), 'snapshots-'))
  cleanups.push(() => rmSync(path, { recursive: true }))
  const folder = (log: Log = () => undefined) => new SnapshotFolder({ folder: path, keys, log })
  const first = folder()
  const filed: VerifiedSnapshot = pulled.verified
  first.keep(filed)
  first.confirm({ version, held: 1, at: 1000, behind: {} })
  await first.flush()
  return { folder, first, path, filed }
}

function officeOf(customerId: string, version: number): Configuration {
  const realm = `${customerId}.registrar.trunkline.test`
  const office1 = { id: randomUUID(), name: 'office1', realm, password: 'secret' }
  return withExtension(configuration(customerId, version), office1)
}
