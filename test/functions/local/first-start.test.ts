import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDatabase } from '../../../functions/local/database.ts'

test('a first start which was interrupted is made good by the next', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-first-'))
  mkdirSync(join(folder, 'database'))
  mkdirSync(join(folder, 'database.new'))
  writeFileSync(join(folder, 'database.new', 'PG_VERSION'), '')
  const database = await openDatabase({ dataDir: join(folder, 'database') })
  await database.close()
  expect(readdirSync(folder)).toEqual(['database'])
  rmSync(folder, { recursive: true })
}, 60_000)
