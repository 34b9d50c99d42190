import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { takeFolder } from '../../../relay/io/folder.ts'

let place: string
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'relay-folder-'))
})
afterAll(() => rmSync(place, { recursive: true }))

describe('the folder of a relay', () => {
  test('is one process’s at a time', async () => {
    const folder = join(place, 'one')
    const giveBack = await takeFolder(folder, 'berlin-1')
    await expect(takeFolder(folder, 'berlin-1')).rejects.toThrow(
      `DATA_DIR ${folder} cannot be used: another relay runs in it. Stop that one first, or give each relay a folder of its own.`,
    )
    await giveBack()
    await (await takeFolder(folder, 'berlin-1'))()
  })

  test('is one relay’s for good, until a person says otherwise', async () => {
    const folder = join(place, 'two')
    await (await takeFolder(folder, 'berlin-1'))()
    await expect(takeFolder(folder, 'berlin-2')).rejects.toThrow(
      /it is relay berlin-1's, and RELAY_KEY is berlin-2's/,
    )
    // Refused, it holds nothing up.
    await (await takeFolder(folder, 'berlin-1'))()
    rmSync(join(folder, 'relay-id'))
    await (await takeFolder(folder, 'berlin-2'))()
    expect(readFileSync(join(folder, 'relay-id'), 'utf8')).toBe('berlin-2\n')
  })

  test('is free again when its process was killed', async () => {
    const folder = join(place, 'three')
    const program = `import { takeFolder } from ${JSON.stringify(join(import.meta.dirname, '../../../relay/io/folder.ts'))}
      await takeFolder(${JSON.stringify(folder)}, 'berlin-1'); console.log('taken'); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', program])
    await once(child.stdout, 'data')
    await expect(takeFolder(folder, 'berlin-1')).rejects.toThrow('another relay runs in it')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(existsSync(join(folder, 'relay.lock'))).toBe(true)
    await (await takeFolder(folder, 'berlin-1'))()
  })

  test('may lie as deep as it likes', async () => {
    const folder = join(place, ...Array.from({ length: 8 }, () => 'a folder in a folder'))
    const giveBack = await takeFolder(folder, 'berlin-1')
    await expect(takeFolder(folder, 'berlin-1')).rejects.toThrow('another relay runs in it')
    await giveBack()
  })

  test('which cannot be one is said in a sentence', async () => {
    mkdirSync(join(place, 'four'))
    writeFileSync(join(place, 'four', 'file'), '')
    await expect(takeFolder(join(place, 'four', 'file'), 'berlin-1')).rejects.toThrow(
      /^DATA_DIR .*four\/file cannot be used: /,
    )
  })
})
