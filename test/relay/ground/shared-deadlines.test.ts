import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { monotonicMs } from '#contract'
import { SharedDeadlines } from '../../../relay/ground/shared-deadlines.ts'

describe('shared deadlines', () => {
  test('ring in the order of their time, those of one instant in the order they were set in', () => {
    const deadlines = new SharedDeadlines<string>()
    deadlines.set(500, 'third')
    deadlines.set(250, 'first')
    deadlines.set(250, 'second')
    expect(rung(deadlines, 249)).toEqual([])
    expect(rung(deadlines, 500)).toEqual(['first', 'second', 'third'])
    expect(deadlines.next()).toBeUndefined()
  })

  test('ring no cancelled one, and no rung one again', () => {
    const deadlines = new SharedDeadlines<string>()
    const cancelled = deadlines.set(250, 'cancelled')
    const kept = deadlines.set(250, 'kept')
    deadlines.cancel(cancelled)
    deadlines.cancel(cancelled)
    expect(deadlines.size).toBe(1)
    expect(rung(deadlines, 999)).toEqual(['kept'])
    deadlines.cancel(kept)
    expect(deadlines.size).toBe(0)
    expect(deadlines.next()).toBeUndefined()
  })

  test('ring one which is set for an instant that rings already', () => {
    const deadlines = new SharedDeadlines<string>()
    deadlines.set(250, 'first')
    deadlines.set(250, 'second')
    expect(deadlines.due(monotonicMs(250))).toBe('first')
    deadlines.set(250, 'late')
    expect(deadlines.next()).toBe(250)
    expect(rung(deadlines, 250)).toEqual(['second', 'late'])
  })

  test('ring what a plain list would, whatever is set, cancelled and awaited', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ set: fc.nat(20) }) },
      { weight: 3, arbitrary: fc.record({ cancel: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ pass: fc.nat(1_000) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const deadlines = new SharedDeadlines<number>()
        const set: ReturnType<typeof deadlines.set>[] = []
        const plain = new Map<number, number>()
        let now = 0
        for (const done of [...steps, { pass: 10_000 }]) {
          if ('set' in done) {
            const at = (Math.floor(now / 250) + done.set) * 250
            plain.set(set.length, at)
            set.push(deadlines.set(at, set.length))
          } else if ('cancel' in done) {
            const id = set.length === 0 ? 0 : done.cancel % set.length
            deadlines.cancel(set[id])
            plain.delete(id)
          } else {
            now += done.pass
            const due = [...plain].filter(([, at]) => at <= now).sort(([, a], [, b]) => a - b)
            expect(rung(deadlines, now)).toEqual(due.map(([id]) => id))
            for (const [id] of due) plain.delete(id)
          }
          expect(deadlines.size).toBe(plain.size)
          if (plain.size === 0) expect(deadlines.next()).toBeUndefined()
          else expect(deadlines.next()).toBeLessThanOrEqual(Math.min(...plain.values()))
        }
      }),
      { numRuns: 100 },
    )
  })
})

function rung<What>(deadlines: SharedDeadlines<What>, now: number): What[] {
  const all: What[] = []
  for (let what = deadlines.due(monotonicMs(now)); what !== undefined; what = deadlines.due(monotonicMs(now)))
    all.push(what)
  return all
}
