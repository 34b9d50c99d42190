import { randomUUID } from 'node:crypto'
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { BindingFile } from '../../../relay/io/bindings.ts'
import { silence } from '../../support/silence.ts'
import { bindingTell } from './tells.ts'

describe('bindings on disk', () => {
  test('are there again as they were last told, without those which left', async () => {
    const { open } = folder()
    const { file } = await open()
    const [stays, leaves, refreshed] = [randomUUID(), randomUUID(), randomUUID()]
    file.keep(bindingTell('registered', stays, 1))
    file.keep(bindingTell('registered', leaves, 2))
    file.keep(bindingTell('registered', refreshed, 3))
    file.keep(bindingTell('unregistered', leaves, 4))
    file.keep(bindingTell('refreshed', refreshed, 5))
    await file.close()
    const { bindings } = await open()
    expect(bindings.map(({ binding_id, sequence }) => [binding_id, sequence])).toEqual([
      [stays, 1],
      [refreshed, 5],
    ])
  })

  test('say by what they were proved under the key of then alone; where a line says no key, its number does', async () => {
    const { open } = folder()
    const { file } = await open()
    const tell = bindingTell('registered', randomUUID(), 1)
    file.keep({ ...tell, binding: { ...tell.binding, proof: 77 } })
    await file.close()
    const proofs = async (key: number) => {
      const { file, bindings } = await open(undefined, key)
      await file.close()
      return bindings.map((one) => [one.proof, 'proof_key' in one])
    }
    expect(await proofs(7)).toEqual([[77, false]])
    expect(await proofs(2 ** 40 + 7)).toEqual([[0, false]])
    const older = folder()
    const before = await BindingFile.open({ folder: older.path, log: silence })
    before.keep({ ...tell, binding: { ...tell.binding, proof: 77 } })
    await before.close()
    expect((await older.open()).bindings.map(({ proof }) => proof)).toEqual([77])
  })

  test.each([
    ['written between', true],
    ['in one breath', false],
  ])('one which was refreshed and then left does not come back, %s', async (_, flushed) => {
    const { open } = folder()
    const { file } = await open()
    const id = randomUUID()
    for (const [event, sequence] of [
      ['registered', 1],
      ['refreshed', 2],
      ['refreshed', 3],
      ['expired', 4],
    ] as const) {
      file.keep(bindingTell(event, id, sequence))
      if (flushed || sequence === 1) await file.flush()
    }
    await file.close()
    expect((await open()).bindings).toEqual([])
  })

  test('come in lists of so many at most, but for those which something was told of since', async () => {
    const { open } = folder()
    const { file } = await open()
    const ids = Array.from({ length: 7 }, () => randomUUID())
    for (const [sequence, id] of ids.entries()) file.keep(bindingTell('registered', id, sequence))
    await file.close()
    const again = (await open()).file
    again.keep(bindingTell('refreshed', ids[0] ?? '', 10))
    again.keep(bindingTell('unregistered', ids[1] ?? '', 11))
    const lists = [...again.found(2)].map(({ bindings }) => bindings.map(({ binding_id }) => binding_id))
    expect(lists).toEqual([ids.slice(2, 4), ids.slice(4, 6), ids.slice(6)])
  })

  test('a line torn by a crash costs that line only', async () => {
    const { path, open } = folder()
    const { file } = await open()
    const id = randomUUID()
    file.keep(bindingTell('registered', id))
    await file.close()
    const [name = ''] = readdirSync(path).sort().slice(-1)
    appendFileSync(join(path, name), '1234abcd keep 00000000-0000')
    expect((await open()).bindings.map(({ binding_id }) => binding_id)).toEqual([id])
  })

  test('of a shape unknown here are set aside, and do not keep the relay from starting', async () => {
    const { path, open } = folder()
    const { file } = await open()
    const id = randomUUID()
    file.keep(bindingTell('registered', id))
    await file.close()
    const words = `keep ${randomUUID()} 1 {"contact":7}`
    const [name = ''] = readdirSync(path).sort().slice(-1)
    appendFileSync(join(path, name), `${crc32(words).toString(16).padStart(8, '0')} ${words}\n`)
    expect((await open()).bindings.map(({ binding_id }) => binding_id)).toEqual([id])
    expect(readdirSync(path)).toContain('set-aside')
  })

  test('found there are known as they were for as long as their file is there', async () => {
    const { path, open } = folder()
    const { file } = await open()
    const tells = ['Grüße', 'plain', '日本'].map((userAgent, sequence) => {
      const tell = bindingTell('registered', randomUUID(), sequence)
      return { ...tell, binding: { ...tell.binding, user_agent: userAgent } }
    })
    for (const tell of tells) file.keep(tell)
    await file.close()
    const found = (await open()).file
    const known = () => tells.map(({ binding }) => found.of(binding.binding_id))
    expect(known()).toEqual(tells.map(({ binding, sequence }) => ({ ...binding, sequence })))
    const again = (await open()).file
    for (const name of readdirSync(path)) rmSync(join(path, name))
    expect(again.of(tells[0]?.binding.binding_id ?? '')).toBeUndefined()
  })

  test('found there are carried over when few are left in their file', async () => {
    const { path, open } = folder()
    const ids = Array.from({ length: 10 }, () => randomUUID())
    const { file } = await open()
    for (const id of ids) file.keep(bindingTell('registered', id, 1))
    await file.close()
    const [oldest = ''] = readdirSync(path).sort()
    const later = (await open(2_000)).file
    for (let sequence = 2; sequence < 12; sequence++) {
      for (const id of ids.slice(1)) later.keep(bindingTell('refreshed', id, sequence))
      await later.flush()
    }
    await later.close()
    expect(readdirSync(path)).not.toContain(oldest)
    const { bindings } = await open()
    expect(new Map(bindings.map(({ binding_id, sequence }) => [binding_id, sequence]))).toEqual(
      new Map(ids.map((id, at) => [id, at === 0 ? 1 : 11])),
    )
  })

  test('found there, whose file is gone when few are left in it, hold up nothing which is kept after them', async () => {
    const { path, open } = folder()
    const ids = Array.from({ length: 10 }, () => randomUUID())
    const { file } = await open()
    for (const id of ids) file.keep(bindingTell('registered', id, 1))
    await file.close()
    const later = (await open(2_000)).file
    rmSync(join(path, readdirSync(path).sort()[0] ?? ''))
    for (let sequence = 2; sequence < 12; sequence++) {
      for (const id of ids.slice(1)) later.keep(bindingTell('refreshed', id, sequence))
      await later.flush()
    }
    await later.close()
    const { bindings } = await open()
    expect(bindings.map(({ sequence }) => sequence)).toEqual(ids.slice(1).map(() => 11))
  })

  test('refreshed many times take no more room than they need', async () => {
    const { path, open } = folder()
    const { file } = await open(20_000)
    const ids = Array.from({ length: 10 }, () => randomUUID())
    for (let sequence = 1; sequence <= 100; sequence++) {
      for (const id of ids) file.keep(bindingTell('refreshed', id, sequence))
      await file.flush()
    }
    expect(readdirSync(path).length).toBeLessThan(4)
    await file.close()
    const { bindings } = await open()
    expect(bindings).toHaveLength(10)
    expect(new Set(bindings.map(({ sequence }) => sequence))).toEqual(new Set([100]))
  })
})

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function folder() {
  const path = mkdtempSync(join(tmpdir(), 'bindings-'))
  cleanups.push(() => rmSync(path, { recursive: true }))
  const open = async (segmentBytes?: number, proofKey = 7) => {
    const options = { folder: path, log: silence, proofKey, ...(segmentBytes && { segmentBytes }) }
    const file = await BindingFile.open(options)
    cleanups.push(() => file.close())
    return { file, bindings: [...file.found()].flatMap((list) => list.bindings) }
  }
  return { path, open }
}
