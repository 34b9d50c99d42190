import { describe, expect, test } from 'vitest'
import { Guard } from '../../../relay/registrar/guard.ts'

const minute = 60_000
const who = 'alice@realm 192.0.2.66'

describe('a guesser of passwords', () => {
  test('is shut out for a minute by the fifth wrong answer within five minutes', () => {
    const guard = new Guard()
    expect(guesses(guard, 0, 4)).toEqual([undefined, undefined, undefined, undefined])
    expect(guard.blocks(0, who)).toBe(false)
    expect(guard.wrong(0, who)).toEqual({ seconds: 60 })
    expect(guard.blocks(minute - 1, who)).toBe(true)
    expect(guard.blocks(minute, who)).toBe(false)
  })

  test('waits twice as long each time, and never longer than a quarter of an hour', () => {
    const guard = new Guard()
    const seconds = []
    for (let now = 0, round = 0; round < 6; round++) {
      const block = guesses(guard, now, 5).at(-1)
      seconds.push(block?.seconds)
      now += (block?.seconds ?? 0) * 1000
    }
    expect(seconds).toEqual([60, 120, 240, 480, 900, 900])
  })

  test('who makes fewer than five mistakes in five minutes is let alone', () => {
    const guard = new Guard()
    for (let now = 0; now < 60 * minute; now += 80_000) expect(guard.wrong(now, who)).toBeUndefined()
  })

  test('is forgiven once he knows the password, or has kept quiet for long', () => {
    const guard = new Guard()
    guesses(guard, 0, 4)
    guard.right(who)
    expect(guesses(guard, 0, 5).at(-1)).toEqual({ seconds: 60 })
    expect(guesses(guard, 20 * minute, 5).at(-1)).toEqual({ seconds: 60 })
  })

  test('shuts out nobody who calls from elsewhere', () => {
    const guard = new Guard()
    guesses(guard, 0, 5)
    expect(guard.blocks(1, 'alice@realm 192.0.2.10')).toBe(false)
  })
})

function guesses(guard: Guard, now: number, count: number) {
  return Array.from({ length: count }, () => guard.wrong(now, who))
}
