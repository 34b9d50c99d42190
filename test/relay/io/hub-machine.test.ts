import { describe, expect, test } from 'vitest'
import { monotonicMs } from '#contract'
import { turn } from '../../../relay/ground/machine.ts'
import {
  type BeatDigest,
  type HubEvents,
  type HubOrder,
  type HubTimer,
  newHubSocket,
  retryPauseMs,
  table,
} from '../../../relay/io/hub-machine.ts'
import { seeded } from '../../support/dtmf-line.ts'

describe('the socket to the hub', () => {
  test('is opened at once, and says how things stand before anything else', () => {
    socket().gives('connect').when('opened').gives('look', 'ping').says('a').gives('beat 1')
  })

  test('lets beats over HTTP rest once its first beat is answered, and no pong of before counts', () => {
    socket().opened('a').when('pong').gives().answered(1).gives('rest')
  })

  test('is asked every two seconds whether it lives: its pong says that what was heard before is current', () => {
    live()
      .after(2_000)
      .gives('ping', 'look')
      .says('a')
      .gives()
      .after(3)
      .when('pong')
      .gives('current 2000')
      .after(1_997)
      .gives('look', 'ping')
  })

  test('is told what is new within two seconds, and at once what cannot wait, gathered for a tenth of one', () => {
    live().after(2_000).gives('ping', 'look').when('pong').whatever().says('b').gives('beat 2')
    live()
      .when('stirred')
      .gives()
      .after(50)
      .when('stirred')
      .gives()
      .after(50)
      .gives('look')
      .says('a')
      .gives('beat 2')
  })

  test('has one beat under way: what comes meanwhile is said when that was answered', () => {
    live()
      .when('stirred')
      .after(100)
      .gives('look')
      .says('b')
      .gives('beat 2')
      .when('stirred')
      .after(1_000)
      .gives()
      .answered(2)
      .gives()
      .after(100)
      .gives('look')
      .says('c')
      .gives('beat 3')
  })

  test.each([
    ['twice a minute while calls go on', true, 30_000],
    ['four times an hour while there is no call', false, 900_000],
    ['never, where they are as they were said: all is said again each hour', undefined, 3_600_000],
  ])('is told figures which move by themselves %s', (_, busy, everyMs) => {
    const ladder = live({ news: 'a', figures: '0', busy: busy ?? false })
    const saidAt: number[] = []
    for (let at = 2_000; at <= everyMs + 4_000; at += 2_000) {
      ladder.after(2_000).whatever().when('pong').whatever()
      ladder.says({ news: 'a', figures: busy === undefined ? '0' : String(at), busy: busy ?? false })
      if (ladder.taken().some((order) => order.startsWith('beat'))) saidAt.push(at)
      else continue
      ladder.answered(saidAt.length + 1).whatever()
    }
    expect(saidAt).toEqual([everyMs])
  })

  test('which is silent for three seconds is not waited for: HTTP goes on, until it is heard', () => {
    live()
      .after(2_000)
      .gives('ping', 'look')
      .says('a')
      .after(1_000)
      .gives('resume 3000')
      .after(500)
      .when('pong')
      .gives('current 2000', 'rest')
  })

  test('which answers no ping for four seconds is given up, and tried again within one', () => {
    live()
      .after(2_000)
      .gives('ping', 'look')
      .says('a')
      .after(4_000)
      .gives('resume 3000', 'look', 'close')
      .after(500)
      .gives('connect')
  })

  test('which answers no beat for five seconds is given up, whatever its pongs say', () => {
    const ladder = live().when('stirred').after(100).gives('look').says('b').gives('beat 2')
    for (let at = 0; at < 2; at++) ladder.after(2_000).when('pong').whatever()
    ladder.after(1_000).gives('close', 'resume 7100')
  })

  test('is given a quarter of a minute for its first answer, as a whole fleet may come at once, if its pongs come', () => {
    const ladder = socket().opened('a')
    for (let at = 0; at < 7; at++) ladder.when('pong').after(2_000)
    ladder.when('pong').whatever().after(500).gives()
    expect(ladder.state).toBe('greeting')
    ladder.after(500).gives('close')
  })

  test('which answers no ping is given up as soon before its first answer', () => {
    socket().opened('a').after(4_000).gives('close')
  })

  test('which is lost again and again is tried ever more rarely, up to every half a minute', () => {
    const ladder = socket()
    const pauses: number[] = []
    for (let times = 0; times < 8; times++) {
      ladder.whatever().when('refused', { lastingly: false }).gives('close')
      const began = ladder.now
      while (ladder.state !== 'connecting') ladder.after(250)
      pauses.push(ladder.now - began)
    }
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
  })

  test.each([
    [3, 1_000],
    [300, 6_000],
    [9_000, 10_000],
  ])('which a fleet of %i lost is come back to over %i ms, and no sooner the next time', (relays, overMs) => {
    const dice = seeded(7)
    const seconds = Math.ceil(overMs / 1_000)
    for (const failures of [0, 1]) {
      const pauses = Array.from({ length: 2_000 }, () => retryPauseMs({ failures, relays, random: dice }))
      const within = overMs * 2 ** failures
      expect(Math.max(...pauses)).toBeLessThanOrEqual(within)
      // In each part of that time about as many come as in any other.
      for (let part = 0; part < seconds; part++) {
        const came = pauses.filter((pause) => Math.floor((pause / within) * seconds) === part).length
        expect(Math.abs(came - 2_000 / seconds)).toBeLessThan(2_000 / seconds / 2)
      }
    }
  })

  test('is tried after a pause of the size its answers told of last', () => {
    const ladder = live().when('stirred').after(100).says('b').whatever()
    ladder
      .answered(2, 200)
      .whatever()
      .when('closed')
      .whatever()
      .after(1_999)
      .gives()
      .after(1)
      .gives('connect')
  })

  test('which is lost says all anew on the next', () => {
    live().when('closed').gives('close', 'resume 3000').after(500).gives('connect').opened('a', 2)
  })

  test('is not to be had at every edge: one without a hub is looked at again in five minutes', () => {
    const ladder = socket().gives('connect').when('unknown').gives().after(299_000).gives()
    ladder.after(1_000).gives('connect').when('unknown').gives()
  })

  test('which another process has ends this one; after a key was revoked it is tried rarely', () => {
    live().when('bye', { reason: 'replaced' }).gives('close', 'replaced').after(600_000).gives()
    live()
      .when('bye', { reason: 'revoked' })
      .gives('close', 'resume 3000')
      .after(20_000)
      .gives()
      .after(2_500)
      .gives('connect')
    live().when('bye', { reason: 'moved' }).gives('close', 'resume 3000').after(500).gives('connect')
  })
})

/** A machine with a clock which stands still until told; dice say one half. */
class HubLadder {
  readonly #machine = newHubSocket(() => 0.5)
  readonly #timers = new Map<HubTimer, number>()
  #orders: string[] = []
  now = 0

  get state() {
    return this.#machine.state
  }

  when<Name extends keyof HubEvents>(name: Name, event?: Omit<HubEvents[Name], 'now'>): this {
    const happened = { now: monotonicMs(this.now), ...event } as HubEvents[Name]
    for (const order of turn(table, this.#machine, name, happened)) this.#obey(order)
    return this
  }

  says(what: string | BeatDigest): this {
    return this.when('words', typeof what === 'string' ? { news: what, figures: '', busy: false } : what)
  }

  opened(what: string, n = 1): this {
    return this.whatever().when('opened').gives('look', 'ping').says(what).gives(`beat ${n}`)
  }

  answered(n: number, relays = 2): this {
    return this.when('answered', { n, relays })
  }

  after(ms: number): this {
    const until = this.now + ms
    for (;;) {
      const [next] = [...this.#timers].filter(([, at]) => at <= until).sort(([, a], [, b]) => a - b)
      if (next === undefined) break
      this.now = Math.max(this.now, next[1])
      this.#timers.delete(next[0])
      this.when(next[0])
    }
    this.now = until
    return this
  }

  gives(...orders: string[]): this {
    expect(this.taken()).toEqual(orders)
    return this
  }

  whatever(): this {
    this.taken()
    return this
  }

  taken(): string[] {
    return this.#orders.splice(0)
  }

  #obey(order: HubOrder): void {
    if (order.type === 'wake') this.#timers.set(order.timer, order.at)
    else this.#orders.push(words(order))
  }
}

function words(order: Exclude<HubOrder, { type: 'wake' }>): string {
  if (order.type === 'beat') return `beat ${order.n}`
  if (order.type === 'resume') return `resume ${order.at}`
  return order.type === 'current' ? `current ${order.sentAt}` : order.type
}

function socket(): HubLadder {
  return new HubLadder().when('attempt')
}

/** One whose first beat was answered at 0. */
function live(said: BeatDigest = { news: 'a', figures: '', busy: false }): HubLadder {
  const ladder = socket().whatever().when('opened').whatever().when('pong').says(said).whatever()
  return ladder.answered(1).gives('rest')
}
