import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aims } from '../../../functions/hub/sharing.ts'
import { HubWorld } from '../../support/hub-world.ts'

describe.each([1, 3])('a limit shared by the hubs of so many groups: %i', (groups) => {
  test('is a lone relay’s in full', () => {
    const world = new HubWorld(10, 1, groups)
    world.calm()
    expect(world.peer(0).has).toBe(10)
  })

  test('moves to who needs it, and never from under a call', () => {
    const world = new HubWorld(10, 2, groups)
    const [one, two] = [world.peer(0), world.peer(1)]
    world.connect(one)
    world.calm()
    one.used = 6
    world.speak(one)
    world.calm()
    world.connect(two)
    two.refused = 5
    world.speak(two)
    world.calm()
    expect([one.has, two.has]).toEqual([6, 4])
    one.used = 2
    one.refused = 3
    world.speak(one)
    world.calm()
    expect([one.has, two.has]).toEqual([5, 5])
  })

  test.each([
    [
      10,
      [
        [0, 5],
        [0, 5],
      ],
      [5, 5],
    ],
    [
      10,
      [
        [6, 9],
        [0, 5],
      ],
      [5, 5],
    ],
    [
      10,
      [
        [0, 0],
        [0, 20],
      ],
      [0, 10],
    ],
    [
      10,
      [
        [0, 0],
        [0, 0],
        [0, 0],
      ],
      [4, 3, 3],
    ],
    [
      1,
      [
        [0, 5],
        [1, 6],
      ],
      [0, 1],
    ],
    [
      0,
      [
        [0, 5],
        [1, 6],
      ],
      [0, 0],
    ],
    [
      100,
      [
        [3, 3],
        [4, 4],
      ],
      [49, 51],
    ],
  ])('of %i is filled like water over %j', (limit, wants, shares) => {
    const sharers = wants.map(([used = 0, wanted = 0], n) => ({ id: `r${n}`, used, wanted }))
    expect([...aims(limit, sharers)].sort().map(([, share]) => share)).toEqual(shares)
  })

  test('aimed at is never more than there is, all of it, and starves nobody below an even share', () => {
    const sharer = fc.record({ used: fc.nat(20), wanted: fc.nat(40) })
    fc.assert(
      fc.property(fc.nat(60), fc.array(sharer, { minLength: 1, maxLength: 6 }), (limit, some) => {
        const sharers = some.map(({ used, wanted }, n) => ({
          id: `r${n}`,
          used: Math.min(used, wanted),
          wanted,
        }))
        const shares = aims(limit, sharers)
        expect([...shares.values()].reduce((a, b) => a + b)).toBe(limit)
        for (const { id, wanted } of sharers)
          expect(shares.get(id)).toBeGreaterThanOrEqual(Math.min(wanted, Math.floor(limit / sharers.length)))
      }),
    )
  })

  test('never is believed to be more than it is, nor used beyond it, whatever crosses, breaks, dies or changes', () => {
    fc.assert(
      fc.property(fc.nat(30), steps(onTheLine), (limit, happenings) =>
        within(new HubWorld(limit, 3, groups), happenings, 'used'),
      ),
      {
        numRuns: 200,
      },
    )
  })

  test('nor where the hub comes and goes, and relays beat on either way', () => {
    fc.assert(
      fc.property(fc.nat(12), steps(anyWay), (limit, happenings) =>
        within(new HubWorld(limit, 3, groups), happenings, 'believed'),
      ),
      {
        numRuns: 500,
      },
    )
  })

  test('starves nobody while another holds what it does not use', () => {
    const wants = fc.array(fc.nat(30), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), wants, wants, (limit, before, after) => {
        const world = new HubWorld(limit, before.length, groups)
        for (const peer of world.peers) world.connect(peer)
        world.calm()
        wish(world, before)
        wish(world, after)
        const wanted = (n: number) => after[n % after.length] ?? 0
        const hungry = world.peers.filter(({ has }, n) => has < wanted(n))
        const idle = world.peers.filter(({ has }, n) => has > wanted(n))
        expect(hungry.length > 0 && idle.length > 0).toBe(false)
        // As calls end, each comes to its even share.
        for (const [n, peer] of world.peers.entries()) {
          Object.assign(peer, { used: 0, refused: wanted(n) })
          world.speak(peer)
        }
        world.calm()
        const even = Math.floor(limit / before.length)
        for (const [n, { has }] of world.peers.entries())
          expect(has).toBeGreaterThanOrEqual(Math.min(even, wanted(n)))
      }),
      { numRuns: 100 },
    )
  })

  test('comes back to all once the hub is back, and each relay on its line', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), steps(anyWay), (limit, happenings) => {
        const world = new HubWorld(limit, 3, groups)
        for (const step of happenings) step(world)
        world.postgres.limit = limit
        world.postgresAway = false
        for (const peer of world.peers) peer.hubAway = false
        world.pass(10_000)
        world.receive({ kind: 'changed' })
        for (const peer of world.peers) {
          world.connect(peer)
          peer.used = 0
          peer.refused = limit
        }
        world.calm()
        world.pass(12_000)
        for (const peer of world.peers) world.speak(peer)
        world.calm()
        expect(world.believed).toBe(limit)
      }),
      { numRuns: 100 },
    )
  })
})

test('No more than a limit is believed while a relay waits for long to be heard on its line: over HTTP it is until then.', () => {
  const world = new HubWorld(1, 3)
  const [one, other] = [world.peer(0), world.peer(1)]
  one.hubAway = true
  world.speak(one)
  expect(one.has).toBe(1)
  world.connect(one)
  world.die(other)
  expect(world.believed).toBe(1)
})

test('No more than a limit is believed where what a relay says first on its line comes after what it said over HTTP.', () => {
  const world = new HubWorld(2, 3)
  const [one, other, third] = [world.peer(0), world.peer(1), world.peer(2)]
  world.connect(third)
  world.die(other)
  expect([one.has, third.has]).toEqual([1, 1])
  world.deliver(third)
  world.cut(third)
  world.request(other)
  expect(world.believed).toBe(2)
})

type Step = (world: HubWorld) => void

const which = fc.nat(2)
const onTheLine: fc.Arbitrary<Step>[] = [
  fc.tuple(which, fc.nat(12), fc.nat(9)).map(([n, use, refused]) => (world) => {
    const peer = world.peer(n)
    Object.assign(peer, { used: Math.min(use, Math.max(peer.has, peer.used)), refused })
    world.speak(peer)
  }),
  which.map((n) => (world) => world.deliver(world.peer(n))),
  which.map((n) => (world) => world.deliver(world.peer(n))),
  which.map((n) => (world) => world.connect(world.peer(n))),
  fc.constant((world) => world.answerOne()),
  fc.constant((world) => world.answerOne()),
  fc.constant((world) => world.post()),
  fc.constant((world) => world.post()),
  fc.integer({ min: 1, max: 4 }).map((seconds) => (world) => world.pass(seconds * 1_000)),
  fc.nat(20).map((limit) => (world) => {
    world.postgres.limit = limit
    world.postgres.version += 1
    world.receive({ kind: 'changed' })
  }),
  which.map((n) => (world) => world.cut(world.peer(n))),
  which.map((n) => (world) => world.die(world.peer(n))),
  which.map((n) => (world) => {
    world.peer(n).ahead = 3_600_000 * (n - 1)
  }),
]
const anyWay: fc.Arbitrary<Step>[] = [
  ...onTheLine,
  which.map((n) => (world) => world.request(world.peer(n))),
  which.map((n) => (world) => world.request(world.peer(n), true)),
  which.map((n) => (world) => world.dawdle(world.peer(n))),
  fc.constant((world) => world.arriveLate()),
  fc.tuple(which, fc.boolean()).map(([n, away]) => (world) => {
    world.peer(n).hubAway = away
  }),
  fc.boolean().map((away) => (world) => {
    world.postgresAway = away
  }),
  fc.tuple(fc.boolean(), which).map(([slept, group]) => (world) => {
    if (group < world.groups) world.restart(slept, group)
  }),
  fc.constant((world) => world.post(false)),
]

function steps(kinds: fc.Arbitrary<Step>[]): fc.Arbitrary<Step[]> {
  return fc.array(fc.oneof(...kinds), { maxLength: 60 })
}

/** The sum stays within the limit; where that was lowered it only falls, until it is. */
function within(world: HubWorld, happenings: Step[], counted: 'used' | 'believed'): void {
  const count = () => (counted === 'used' ? world.usedOrBelieved : world.believed)
  let most = world.postgres.limit ?? 0
  for (const step of happenings) {
    step(world)
    const now = world.postgres.limit ?? 0
    // The hub may not have heard of a lower limit yet.
    most = Math.max(most, now)
    expect(count()).toBeLessThanOrEqual(most)
  }
}

/** Each says what it uses and lacks, until nothing moves any more. */
function wish(world: HubWorld, wants: number[]): void {
  for (let round = 0; round < 4; round += 1)
    for (const [n, peer] of world.peers.entries()) {
      const want = wants[n % wants.length] ?? 0
      peer.used = Math.min(want, Math.max(peer.has, 0))
      peer.refused = want - peer.used
      world.speak(peer)
      world.calm()
    }
}
