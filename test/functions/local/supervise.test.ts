import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Supervised, supervise } from '../../../functions/local/supervise.ts'

let folder: string
let notes: string[]
let said: string[]
let running: Supervised | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkline-supervise-'))
  notes = []
  said = []
})

afterEach(async () => {
  await running?.stop(100)
  rmSync(folder, { recursive: true })
})

describe('a supervised child', () => {
  test('is ready when it says so, and what else it says is passed on', async () => {
    const child = start(`${ready} console.log('hello'); ${stayUp}`)
    await expect(child.ready).resolves.toMatchObject({ event: 'ready' })
    await vi.waitFor(() => expect(said).toEqual(['hello']), 30_000)
  })

  test('which cannot start tells why in its own words, and is not tried again', async () => {
    const child = start(`process.stderr.write('SIP_PORT 5060 is taken.\\n'); process.exit(1)`)
    await expect(child.ready).rejects.toThrow('SIP_PORT 5060 is taken.')
    expect(notes).toEqual([])
  })

  test('which dies is started again, and the person is told both', async () => {
    const child = start(`${ready} setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50)`)
    await child.ready
    await vi.waitFor(() => expect(notes.length).toBeGreaterThanOrEqual(2), 30_000)
    expect(notes[0]).toMatch(/died \(it ended with SIGKILL\)/)
    expect(notes[1]).toMatch(/is back/)
  })

  test('stops when asked, after it has finished what it had to', async () => {
    const lastWords = `process.on('SIGTERM', () => { console.log('last words'); process.exit(0) });`
    const child = start(`${lastWords} ${ready} ${stayUp}`)
    await child.ready
    await child.stop(5000)
    expect(said).toEqual(['last words'])
    expect(notes).toEqual([])
  })

  test('which does not listen is not asked for ever', async () => {
    const child = start(`process.on('SIGTERM', () => console.log('no')); ${ready} ${stayUp}`)
    const { pid } = await child.ready
    await child.stop(200)
    expect(said).toEqual(['no'])
    expect(() => process.kill(Number(pid), 0)).toThrow()
  })
})

const ready = `console.log(JSON.stringify({ event: 'ready', pid: process.pid }));`
const stayUp = 'setInterval(() => {}, 1000)'

function start(program: string): Supervised {
  const file = join(folder, 'child.mjs')
  writeFileSync(file, program)
  running = supervise({
    name: 'child',
    file,
    environment: process.env,
    said: (line) => said.push(line),
    note: (sentence) => notes.push(sentence),
  })
  return running
}
