import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readSettings as readEdgeSettings } from '../../../functions/env.ts'
import { takeFolder } from '../../../functions/local/folder.ts'
import { keepSecrets, readSecrets, writeSecrets } from '../../../functions/local/secrets-file.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkline-secrets-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the secrets of an installation', () => {
  test('are made up once and kept', () => {
    expect(readSecrets(folder)).toBeUndefined()
    const made = keepSecrets(folder)
    expect(keepSecrets(folder)).toEqual(made)
    expect(made.relay_secret).not.toBe(keepSecrets(mkdtempSync(join(folder, 'other-'))).relay_secret)
  })

  test('are such as the edge accepts', () => {
    const { seal_keys, relay_secret } = keepSecrets(folder)
    const edge = {
      DATABASE_URL: 'postgres://a:b@localhost/x',
      SEAL_KEYS: seal_keys,
      RELAY_SECRET: relay_secret,
    }
    expect(readEdgeSettings(edge).SEAL_KEYS[0].bytes).toHaveLength(32)
  })

  test('can be read by their owner only, and leave nothing half-written behind', () => {
    writeSecrets(folder, { ...keepSecrets(folder), access_key: 'tk_first' })
    expect(statSync(join(folder, 'secrets.json')).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['secrets.json'])
    expect(keepSecrets(folder).access_key).toBe('tk_first')
  })

  test.each(['', '{', '[]', '{"seal_keys":"x"}'])('are not made anew over a damaged file (%s)', (text) => {
    writeFileSync(join(folder, 'secrets.json'), text)
    expect(() => keepSecrets(folder)).toThrow(/secrets\.json is damaged/)
  })

  test('are not made anew beside a database which only the lost ones opened', () => {
    mkdirSync(join(folder, 'database'))
    expect(() => keepSecrets(folder)).toThrow(/secrets\.json is missing/)
  })
})

describe('the folder of an installation', () => {
  test('belongs to one process at a time', () => {
    const giveBack = takeFolder(folder)
    expect(() => takeFolder(folder)).toThrow(/already runs in/)
    giveBack()
    takeFolder(folder)()
  })

  test('is made where there is none', () => {
    const inner = join(folder, 'a', 'b')
    takeFolder(inner)()
    expect(statSync(inner).mode & 0o777).toBe(0o700)
  })

  test('which cannot be one is refused in a sentence', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => takeFolder(join(folder, 'file'))).toThrow(/DATA_DIR.*there is a file of that name/)
    expect(() => takeFolder(join(folder, 'file', 'x'))).toThrow(/something on its path is a file/)
  })

  test.runIf(process.getuid?.() !== 0)('which may not be written to is refused in a sentence', () => {
    chmodSync(folder, 0o500)
    expect(() => takeFolder(folder)).toThrow(/may not write there/)
    chmodSync(folder, 0o700)
  })
})
