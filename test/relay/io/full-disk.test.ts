import type * as fs from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { monotonicMs, type Tell } from '#contract'
import { Spool } from '../../../relay/io/spool.ts'
import { callTell } from './tells.ts'

/** How much room is left on the disk, in octets; what does not fit is written as far as it does. */
const disk = vi.hoisted(() => ({ room: Number.POSITIVE_INFINITY, asked: 0 }))

vi.mock('node:fs', async (actual) => {
  const real = await actual<typeof fs>()
  const appendFileSync = (fd: number, text: string) => {
    disk.asked += text.length
    const fits = Math.min(disk.room, text.length)
    disk.room -= fits
    real.appendFileSync(fd, text.slice(0, fits))
    if (fits < text.length)
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  }
  return { ...real, appendFileSync }
})

let folder: string
let said: string[]
let spool: Spool
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  folder = await mkdtemp(join(tmpdir(), 'full-'))
  said = []
  spool = await Spool.open({ folder, log: (_, event) => said.push(event) })
})
afterEach(async () => {
  disk.room = Number.POSITIVE_INFINITY
  await spool.close()
  vi.useRealTimers()
  await rm(folder, { recursive: true })
})

describe('a disk which is full', () => {
  test('keeps nobody waiting: it is tried once a second, said once, and everything waits in memory', () => {
    disk.room = 0
    disk.asked = 0
    const tells = Array.from({ length: 2_500 }, () => callTell())
    for (const tell of tells) spool.add(tell)
    vi.advanceTimersByTime(10_000)
    const [longest = 0] = tells.map((tell) => JSON.stringify(tell).length).sort((a, b) => b - a)
    expect(disk.asked).toBeLessThan(11 * 1_000 * (longest + 100))
    expect(said).toEqual(['journal.unwritten'])
    expect(allOf(spool)).toEqual(tells)
  })

  test('which has room again has all of it, and no record suffers by half of another', async () => {
    disk.room = 400
    const tells = [callTell(), callTell(), callTell()]
    for (const tell of tells) spool.add(tell)
    disk.room = Number.POSITIVE_INFINITY
    vi.advanceTimersByTime(1_000)
    expect(said).toEqual(['journal.unwritten', 'journal.written'])
    await killed()
    expect(told(spool)).toEqual(tells)
  })

  test('is not given what the edge has heard meanwhile', async () => {
    disk.room = 0
    for (let i = 0; i < 100; i++) {
      spool.add(callTell())
      spool.heard(spool.take(10, monotonicMs(0)))
    }
    vi.advanceTimersByTime(1_000)
    disk.room = Number.POSITIVE_INFINITY
    disk.asked = 0
    const last = callTell()
    spool.add(last)
    vi.advanceTimersByTime(1_000)
    expect(disk.asked).toBeLessThan(2 * JSON.stringify(last).length)
    await killed()
    expect(told(spool)).toEqual([last])
  })
})

/** The process ends as it is, and the next one opens what the kernel has. */
async function killed(): Promise<void> {
  spool = await Spool.open({ folder, log: (_, event) => said.push(event) })
}

function told(from: Spool): Tell[] {
  return from.take(1_000, monotonicMs(0)).map(({ text }) => JSON.parse(text))
}

/** All that waits, batch by batch, each of which is heard. */
function allOf(from: Spool): Tell[] {
  const batch = from.take(1_000, monotonicMs(0))
  const tells = batch.map(({ text }) => JSON.parse(text))
  if (batch.length === 0) return tells
  from.heard(batch)
  return [...tells, ...allOf(from)]
}
