import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { monotonicMs } from '#contract'
import { Deadlines } from '../../../relay/ground/deadlines.ts'

describe('deadlines', () => {
  test('ring in the order of their time, whatever order they were set in', () => {
    const deadlines = new Deadlines<string>()
    deadlines.set(30, 'last')
    deadlines.set(10, 'first')
    deadlines.set(20, 'second')
    expect(rung(deadlines, 25)).toEqual(['first', 'second'])
    expect(deadlines.next()).toBe(30)
  })

  test('ring no cancelled one, and no rung one again', () => {
    const deadlines = new Deadlines<string>()
    const cancelled = deadlines.set(10, 'cancelled')
    const kept = deadlines.set(20, 'kept')
    deadlines.cancel(cancelled)
    deadlines.cancel(cancelled)
    expect(deadlines.size).toBe(1)
    expect(rung(deadlines, 99)).toEqual(['kept'])
    deadlines.cancel(kept)
    expect(deadlines.size).toBe(0)
    expect(deadlines.next()).toBeUndefined()
  })

  test('keep nothing of what was cancelled in great numbers', () => {
    const deadlines = new Deadlines<number>()
    const shuffled = Array.from({ length: 10_000 }, (_, i) => (i * 7919) % 10_000)
    const set = shuffled.map((at) => deadlines.set(at, at))
    for (const deadline of set) if (deadline.at % 10 !== 0) deadlines.cancel(deadline)
    expect(deadlines.size).toBe(1000)
    expect(rung(deadlines, 10_000)).toEqual(Array.from({ length: 1000 }, (_, i) => i * 10))
  })

  test('agree with a plain sorted list, whatever is set, cancelled and awaited', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ set: fc.nat(1000) }) },
      { weight: 3, arbitrary: fc.record({ cancel: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ pass: fc.nat(60) }) },
      { weight: 1, arbitrary: fc.record({ burst: fc.integer({ min: 1100, max: 1500 }) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const pair = new Pair()
        for (const done of steps) {
          if ('set' in done) pair.set(done.set)
          else if ('cancel' in done) pair.cancel(done.cancel)
          else if ('burst' in done) pair.burst(done.burst)
          else pair.pass(done.pass)
          pair.agree()
        }
        pair.pass(5000)
        pair.agree()
      }),
      { numRuns: 60 },
    )
  })
})

/** The heap beside the simplest thing that could work. */
class Pair {
  #now = 0
  #serial = 0
  #deadlines = new Deadlines<number>()
  #handles = new Map<number, ReturnType<Deadlines<number>['set']>>()
  #plain = new Map<number, number>()

  set(ahead: number): number {
    const id = this.#serial++
    this.#handles.set(id, this.#deadlines.set(this.#now + ahead, id))
    this.#plain.set(id, this.#now + ahead)
    return id
  }

  cancel(pick: number): void {
    if (this.#serial > 0) this.#cancelId(pick % this.#serial)
  }

  /** Many set and cancelled at once: more than half of the heap is empty then. */
  burst(count: number): void {
    const ids = Array.from({ length: count }, (_, i) => this.set((i * 7919) % 3000))
    for (const id of ids) this.#cancelId(id)
  }

  pass(ms: number): void {
    this.#now += ms
    const due = [...this.#plain].filter(([, at]) => at <= this.#now)
    const expected = due.map(([, at]) => at).sort((a, b) => a - b)
    const ids = rung(this.#deadlines, this.#now)
    expect(ids.map((id) => this.#plain.get(id))).toEqual(expected)
    expect(new Set(ids)).toEqual(new Set(due.map(([id]) => id)))
    for (const id of ids) this.#plain.delete(id)
  }

  agree(): void {
    expect(this.#deadlines.size).toBe(this.#plain.size)
    const next = this.#plain.size === 0 ? undefined : Math.min(...this.#plain.values())
    expect(this.#deadlines.next()).toBe(next)
  }

  #cancelId(id: number): void {
    this.#deadlines.cancel(this.#handles.get(id))
    this.#plain.delete(id)
  }
}

function rung<What>(deadlines: Deadlines<What>, now: number): What[] {
  const all: What[] = []
  for (let what = deadlines.due(monotonicMs(now)); what !== undefined; what = deadlines.due(monotonicMs(now)))
    all.push(what)
  return all
}
