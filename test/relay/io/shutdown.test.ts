import { describe, expect, test } from 'vitest'
import type { Input } from '../../../relay/ground/effects.ts'
import { Shutdown } from '../../../relay/io/shutdown.ts'

describe('a relay which is to take no new calls', () => {
  test('hears of it once, however often the edge says so, and takes them again when it no longer does', () => {
    const { shutdown, heard, logged } = running()
    for (const drain of [undefined, false, true, true, undefined, false, false]) shutdown.ordered(drain)
    expect(heard).toEqual(['drain', 'resume'])
    expect(logged).toEqual(['drain.ordered', 'drain.over'])
  })

  test('and is then to end, ends; nothing the edge says takes that back', async () => {
    const { shutdown, heard, stopped } = running()
    shutdown.ordered(true)
    const over = shutdown.drain()
    shutdown.ordered(false)
    await over
    expect([heard, stopped]).toEqual([['drain', 'stop'], ['heartbeat']])
  })

  test('by its operator alone, hears of it as before', async () => {
    const { shutdown, heard } = running()
    await shutdown.drain()
    expect(heard).toEqual(['drain', 'stop'])
  })
})

function running() {
  const [heard, logged, stopped]: string[][] = [[], [], []]
  const load = { calls: 0, legs: 0, bindings: 0, transactions: 0, counted: 0, turned: 0, registrations: 0 }
  const shutdown = new Shutdown({
    engine: { load },
    hear: ({ type }: Input) => void heard?.push(type),
    drainMs: 1000,
    log: (_, event) => void logged?.push(event),
    parts: () => ({ heartbeat: { stop: () => void stopped?.push('heartbeat') } }),
  })
  return { shutdown, heard, logged, stopped }
}
