import { describe, expect, test } from 'vitest'
import { monotonicMs as ms } from '#contract'
import { type LoginAttempt, LoginThrottle } from '../../../relay/auth/login-throttle.ts'

const minute = 60_000

describe('a guesser of passwords', () => {
  test('is shut out for a minute by the fifth wrong answer within five minutes', () => {
    const throttle = new LoginThrottle()
    expect(guesses(throttle, 0, 4)).toEqual([undefined, undefined, undefined, undefined])
    expect(throttle.check(ms(0), who())).toBe('free')
    expect(guesses(throttle, 0, 1)).toEqual([{ seconds: 60 }])
    expect(throttle.check(ms(minute - 1), who())).toBe('blocked')
    expect(throttle.check(ms(minute), who())).toBe('free')
  })

  test('waits twice as long each time, and never longer than a quarter of an hour', () => {
    const throttle = new LoginThrottle()
    const seconds = []
    for (let now = 0, round = 0; round < 6; round++) {
      const block = guesses(throttle, now, 5).at(-1)
      seconds.push(block?.seconds)
      now += (block?.seconds ?? 0) * 1000
    }
    expect(seconds).toEqual([60, 120, 240, 480, 900, 900])
  })

  test('who makes fewer than five mistakes in five minutes is let alone', () => {
    const throttle = new LoginThrottle()
    for (let now = 0; now < 60 * minute; now += 80_000) expect(guesses(throttle, now, 1)).toEqual([undefined])
  })

  test('has no more to try while his first five are still asked about', () => {
    const throttle = new LoginThrottle()
    const asked = Array.from({ length: 5 }, () => throttle.suspect(ms(0), who()))
    expect(throttle.check(ms(0), who())).toBe('pending')
    asked[0]?.pardon(ms(1))
    expect(throttle.check(ms(1), who())).toBe('free')
    throttle.suspect(ms(1), who())
    expect(throttle.check(ms(1), who())).toBe('pending')
  })

  test('is not forgiven his guesses by the right answer, but by five minutes of peace', () => {
    const throttle = new LoginThrottle()
    guesses(throttle, 0, 4)
    throttle.right(ms(0), who())
    expect(guesses(throttle, 1, 1)).toEqual([{ seconds: 60 }])
    expect(guesses(throttle, 20 * minute, 5).at(-1)).toEqual({ seconds: 60 })
  })

  test('shuts out nobody who calls from elsewhere', () => {
    const throttle = new LoginThrottle()
    guesses(throttle, 0, 5)
    expect(throttle.check(ms(1), who({ prefix: '192.0.2.10' }))).toBe('free')
  })

  test('beside a registered phone does not shut it out, and has no more to try at its own flow', () => {
    const throttle = new LoginThrottle()
    const phone = who({ flow: 'udp 192.0.2.66:5060', registered: 'here' })
    guesses(throttle, 0, 5)
    expect(throttle.check(ms(1), phone)).toBe('free')
    guesses(throttle, 1, 5, phone)
    expect(throttle.check(ms(2), phone)).toBe('blocked')
  })
})

describe('who guesses from ever new places', () => {
  test('has thirty guesses at one account, and three more a minute', () => {
    const throttle = new LoginThrottle()
    expect(looked(throttle, 0, 1_000, fromEverywhere)).toBe(30)
    expect(looked(throttle, minute, 1_000, fromEverywhere)).toBe(3)
  })

  test('does not lock it out where it proved itself within a day, nor where it is registered', () => {
    const throttle = new LoginThrottle()
    const known = who({ prefix: '198.51.100.7' })
    throttle.right(ms(0), known)
    looked(throttle, 0, 1_000, fromEverywhere)
    expect(throttle.check(ms(1), known)).toBe('free')
    expect(throttle.check(ms(1), who({ prefix: '198.51.100.8', registered: 'near' }))).toBe('free')
    expect(throttle.check(ms(1), who({ prefix: '198.51.100.9' }))).toBe('spent')
    looked(throttle, 24 * 60 * minute + 1, 1_000, fromEverywhere)
    expect(throttle.check(ms(24 * 60 * minute + 2), known)).toBe('spent')
  })

  test('nor where it was registered until an hour ago, however long ago it came there', () => {
    const throttle = new LoginThrottle()
    const phone = who({ prefix: '198.51.100.7', registered: 'here' })
    for (let hour = 0; hour < 48; hour++) throttle.right(ms(hour * 60 * minute), phone)
    expect(throttle.isKnown(ms(49 * 60 * minute), { ...phone, registered: undefined })).toBe(true)
    expect(throttle.isKnown(ms(72 * 60 * minute), { ...phone, registered: undefined })).toBe(false)
  })

  test('gives another account nothing to wait for', () => {
    const throttle = new LoginThrottle()
    looked(throttle, 0, 1_000, fromEverywhere)
    expect(throttle.check(ms(0), who({ account: 'bob@realm' }))).toBe('free')
  })
})

describe('who tries one word at ever new accounts', () => {
  test('has two hundred guesses, and twenty more a minute', () => {
    const throttle = new LoginThrottle()
    expect(looked(throttle, 0, 1_000, atEverybody)).toBe(200)
    expect(looked(throttle, minute, 1_000, atEverybody)).toBe(20)
    expect(throttle.check(ms(minute), who())).toBe('spent')
    expect(throttle.check(ms(minute), who({ prefix: '192.0.2.67' }))).toBe('free')
  })

  test('is given back what the edge finds right: an office whose passwords were all changed', () => {
    const throttle = new LoginThrottle()
    for (let at = 0; at < 1_000; at++) {
      expect(throttle.check(ms(0), atEverybody(at))).toBe('free')
      throttle.suspect(ms(0), atEverybody(at)).pardon(ms(0))
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

function guesses(throttle: LoginThrottle, now: number, count: number, attempt = who()) {
  return Array.from({ length: count }, () => throttle.suspect(ms(now), attempt).wrong(ms(now)))
}

/** How many of so many guesses are looked at. */
function looked(
  throttle: LoginThrottle,
  now: number,
  tries: number,
  attempt: (at: number) => LoginAttempt,
): number {
  let count = 0
  for (let at = 0; at < tries; at++) {
    if (throttle.check(ms(now), attempt(at)) !== 'free') continue
    throttle.suspect(ms(now), attempt(at)).wrong(ms(now))
    count++
  }
  return count
}
