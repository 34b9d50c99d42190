import { describe, expect, test } from 'vitest'
import { type LoginAttempt, LoginThrottle } from '../../../relay/auth/login-throttle.ts'

const minute = 60_000

describe('a guesser of passwords', () => {
  test('is shut out for a minute by the fifth wrong answer within five minutes', () => {
    const guard = new LoginThrottle()
    expect(guesses(guard, 0, 4)).toEqual([undefined, undefined, undefined, undefined])
    expect(guard.check(0, who())).toBe('free')
    expect(guesses(guard, 0, 1)).toEqual([{ seconds: 60 }])
    expect(guard.check(minute - 1, who())).toBe('blocked')
    expect(guard.check(minute, who())).toBe('free')
  })

  test('waits twice as long each time, and never longer than a quarter of an hour', () => {
    const guard = new LoginThrottle()
    const seconds = []
    for (let now = 0, round = 0; round < 6; round++) {
      const block = guesses(guard, now, 5).at(-1)
      seconds.push(block?.seconds)
      now += (block?.seconds ?? 0) * 1000
    }
    expect(seconds).toEqual([60, 120, 240, 480, 900, 900])
  })

  test('who makes fewer than five mistakes in five minutes is let alone', () => {
    const guard = new LoginThrottle()
    for (let now = 0; now < 60 * minute; now += 80_000) expect(guesses(guard, now, 1)).toEqual([undefined])
  })

  test('has no more to try while his first five are still asked about', () => {
    const guard = new LoginThrottle()
    const asked = Array.from({ length: 5 }, () => guard.suspect(0, who()))
    expect(guard.check(0, who())).toBe('pending')
    asked[0]?.pardon(1)
    expect(guard.check(1, who())).toBe('free')
    guard.suspect(1, who())
    expect(guard.check(1, who())).toBe('pending')
  })

  test('is not forgiven his guesses by the right answer, but by five minutes of peace', () => {
    const guard = new LoginThrottle()
    guesses(guard, 0, 4)
    guard.right(0, who())
    expect(guesses(guard, 1, 1)).toEqual([{ seconds: 60 }])
    expect(guesses(guard, 20 * minute, 5).at(-1)).toEqual({ seconds: 60 })
  })

  test('shuts out nobody who calls from elsewhere', () => {
    const guard = new LoginThrottle()
    guesses(guard, 0, 5)
    expect(guard.check(1, who({ prefix: '192.0.2.10' }))).toBe('free')
  })

  test('beside a registered phone does not shut it out, and has no more to try at its own flow', () => {
    const guard = new LoginThrottle()
    const phone = who({ flow: 'udp 192.0.2.66:5060', registered: 'here' })
    guesses(guard, 0, 5)
    expect(guard.check(1, phone)).toBe('free')
    guesses(guard, 1, 5, phone)
    expect(guard.check(2, phone)).toBe('blocked')
  })
})

describe('who guesses from ever new places', () => {
  test('has thirty guesses at one account, and three more a minute', () => {
    const guard = new LoginThrottle()
    expect(looked(guard, 0, 1_000, fromEverywhere)).toBe(30)
    expect(looked(guard, minute, 1_000, fromEverywhere)).toBe(3)
  })

  test('does not lock it out where it proved itself within a day, nor where it is registered', () => {
    const guard = new LoginThrottle()
    const home = who({ prefix: '198.51.100.7' })
    guard.right(0, home)
    looked(guard, 0, 1_000, fromEverywhere)
    expect(guard.check(1, home)).toBe('free')
    expect(guard.check(1, who({ prefix: '198.51.100.8', registered: 'near' }))).toBe('free')
    expect(guard.check(1, who({ prefix: '198.51.100.9' }))).toBe('spent')
    looked(guard, 24 * 60 * minute + 1, 1_000, fromEverywhere)
    expect(guard.check(24 * 60 * minute + 2, home)).toBe('spent')
  })

  test('gives another account nothing to wait for', () => {
    const guard = new LoginThrottle()
    looked(guard, 0, 1_000, fromEverywhere)
    expect(guard.check(0, who({ account: 'bob@realm' }))).toBe('free')
  })
})

describe('who tries one word at ever new accounts', () => {
  test('has two hundred guesses, and twenty more a minute', () => {
    const guard = new LoginThrottle()
    expect(looked(guard, 0, 1_000, atEverybody)).toBe(200)
    expect(looked(guard, minute, 1_000, atEverybody)).toBe(20)
    expect(guard.check(minute, who())).toBe('spent')
    expect(guard.check(minute, who({ prefix: '192.0.2.67' }))).toBe('free')
  })

  test('is given back what the edge finds right: an office whose passwords were all changed', () => {
    const guard = new LoginThrottle()
    for (let at = 0; at < 1_000; at++) {
      expect(guard.check(0, atEverybody(at))).toBe('free')
      guard.suspect(0, atEverybody(at)).pardon(0)
    }
  })
})

function who(changes: Partial<LoginAttempt> = {}): LoginAttempt {
  const place = '192.0.2.66'
  return {
    account: 'alice@realm',
    prefix: place,
    flow: `udp ${place}:40000`,
    registered: undefined,
    ...changes,
  }
}

function fromEverywhere(at: number): LoginAttempt {
  return who({ prefix: `10.0.${at >> 8}.${at & 255}` })
}

function atEverybody(at: number): LoginAttempt {
  return who({ account: `extension${at}@realm` })
}

function guesses(guard: LoginThrottle, now: number, count: number, claimant = who()) {
  return Array.from({ length: count }, () => guard.suspect(now, claimant).wrong(now))
}

/** How many of so many guesses are looked at. */
function looked(
  guard: LoginThrottle,
  now: number,
  tries: number,
  claimant: (at: number) => LoginAttempt,
): number {
  let count = 0
  for (let at = 0; at < tries; at++) {
    if (guard.check(now, claimant(at)) !== 'free') continue
    guard.suspect(now, claimant(at)).wrong(now)
    count++
  }
  return count
}
