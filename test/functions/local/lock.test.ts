import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { lockFolder } from '../../../functions/local/lock.ts'

let folder: string

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'trunkline-lock-')), 'x')
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true }))

describe('a folder’s lock', () => {
  test('keeps the second one out, naming the first', () => {
    const unlock = lockFolder(folder)
    expect(() => lockFolder(folder)).toThrow(`in use by process ${process.pid}`)
    unlock()
    expect(existsSync(`${folder}.lock`)).toBe(false)
  })

  test('left by a process which is gone is taken over', () => {
    const { pid } = spawnSync(process.execPath, ['--version'])
    writeFileSync(`${folder}.lock`, JSON.stringify({ pid, born: '1' }))
    lockFolder(folder)()
  })

  test('left by a process whose number another has now is taken over', () => {
    writeFileSync(`${folder}.lock`, JSON.stringify({ pid: process.pid, born: '1' }))
    lockFolder(folder)()
  })

  test.each(['', '{', 'null', '{"pid":-1}'])('cut short by a crash is taken over (%s)', (text) => {
    writeFileSync(`${folder}.lock`, text)
    lockFolder(folder)()
  })

  test.runIf(process.platform === 'linux')(
    'held by a dead process nobody has buried is taken over',
    async () => {
      const { pid, bury } = await unburied()
      const born = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19]
      writeFileSync(`${folder}.lock`, JSON.stringify({ pid, born }))
      lockFolder(folder)()
      bury()
    },
  )
})

/** A process which has ended while its parent does not care, as happens in containers without an init. */
async function unburied(): Promise<{ pid: number; bury: () => void }> {
  const careless = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 30'])
  const pid = await new Promise<number>((resolve) => {
    careless.stdout.once('data', (said) => resolve(Number(said)))
  })
  await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z '), 30_000)
  return { pid, bury: () => careless.kill('SIGKILL') }
}
