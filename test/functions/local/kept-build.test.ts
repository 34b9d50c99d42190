import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keptBuild } from '../../../functions/local/kept-build.ts'

describe('what a start builds of a checkout', () => {
  let root: string
  let made: number
  const kept = () => join(root, 'node_modules', '.cache', 'built')
  const start = () => keptBuild(root, 'worker', async () => ({ script: `the ${++made}. script` }))

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'checkout-'))
    made = 0
    for (const folder of ['functions/http', 'db', 'node_modules'])
      mkdirSync(join(root, folder), { recursive: true })
    for (const file of ['functions/http/page.ts', 'wrangler.toml', 'package.json', 'package-lock.json'])
      writeFileSync(join(root, file), 'first')
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  test('is built once, however often it is started', async () => {
    expect([await start(), await start(), await start()]).toEqual(Array(3).fill({ script: 'the 1. script' }))
  })

  test.each([
    'functions/http/page.ts',
    'functions/new.ts',
    'db/schema.ts',
    'wrangler.toml',
    'package-lock.json',
    '.dev.vars',
  ])('is built anew once %s is another, and not when it is again what it was', async (file) => {
    await start()
    writeFileSync(join(root, file), 'second')
    expect(await start()).toEqual({ script: 'the 2. script' })
    if (file.endsWith('page.ts')) writeFileSync(join(root, file), 'first')
    expect(await start()).toEqual({ script: file.endsWith('page.ts') ? 'the 1. script' : 'the 2. script' })
  })

  test('is built anew where what was kept cannot be read, or may not be kept', async () => {
    await start()
    for (const file of readdirSync(kept())) writeFileSync(join(kept(), file), '{"script": "the')
    expect(await start()).toEqual({ script: 'the 2. script' })
    rmSync(kept(), { recursive: true })
    writeFileSync(kept(), 'a file')
    expect([await start(), await start()]).toEqual([{ script: 'the 3. script' }, { script: 'the 4. script' }])
  })

  test('is kept for who owns the checkout alone, since settings are in it', async () => {
    await start()
    expect(readdirSync(kept()).map((file) => statSync(join(kept(), file)).mode & 0o777)).toEqual([0o600])
  })

  test('is kept of the last eight states alone', async () => {
    for (let at = 0; at < 12; at++) {
      writeFileSync(join(root, 'wrangler.toml'), `${at}`)
      await start()
    }
    expect(readdirSync(kept())).toHaveLength(8)
  })
})
