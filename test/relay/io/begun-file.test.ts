import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { BegunBefore } from '../../../relay/ground/begun-before.ts'
import { BegunFile } from '../../../relay/io/begun-file.ts'
import { alicesPhone } from '../../support/limits.ts'
import { customerId } from '../../support/office.ts'
import { soon } from '../../support/wait.ts'

const folder = mkdtempSync(join(tmpdir(), 'begun-'))
const path = join(folder, 'begun.json')
const notes: string[] = []
let utc = 1_000_000

afterEach(() => {
  notes.splice(0)
  rmSync(folder, { recursive: true, force: true })
})

describe('how fast calls out began', () => {
  test('is there for the next process, as much older as time has gone by, and no younger by a clock put back', async () => {
    const file = opened()
    expect(file.found).toEqual([])
    let told: BegunBefore[] | undefined = [began([3_000, 2], [0, 1])]
    file.follow(() => {
      const now = told
      told = undefined
      return now
    })
    await soon('it to be written', () => readdirSync(folder).includes('begun.json'))
    utc += 5_000
    expect(opened().found).toEqual([began([8_000, 2], [5_000, 1])])
    utc -= 60_000
    expect(opened().found).toEqual([began([3_000, 2], [0, 1])])
    await file.close()
  })

  test('is written as a relay ends', async () => {
    const file = opened()
    file.follow(() => [began([10, 1])])
    await file.close()
    expect(opened().found).toEqual([began([10, 1])])
    expect(notes).toEqual([])
  })

  test('is set aside where it cannot be read, and said', () => {
    opened()
    writeFileSync(path, '{"at":"yesterday"}')
    expect(opened().found).toEqual([])
    expect(readdirSync(folder)).toEqual(['begun.json.bad'])
    expect(notes).toEqual(['begun_calls.unkept'])
  })
})

function opened(): BegunFile {
  mkdirSync(folder, { recursive: true })
  return new BegunFile({ path, log: (_, event) => void notes.push(event), utc: () => utc })
}

function began(...begun: [number, number][]): BegunBefore {
  return { scope: alicesPhone, customerId, velocity: 'calls_per_minute', releasedAt: null, begun }
}
