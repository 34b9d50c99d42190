import { describe, expect, test } from 'vitest'
import type { BeatAnswer, HubWord, UtcMs } from '#contract'
import type { HubEffect, HubEvent } from '../../../functions/hub/events.ts'
import { Grants } from '../../../functions/hub/grants.ts'
import { Hub } from '../../../functions/hub/hub.ts'
import { HubWorld } from '../../support/hub-world.ts'

/** Relays on their lines which have all there is, and nothing on its way. */
function standing(relays: number): HubWorld {
  const world = new HubWorld(10, relays)
  for (const peer of world.peers) peer.beat = { ...peer.beat, version: world.postgres.version }
  world.calm()
  world.pass(10_000)
  world.postgres.asked = 0
  return world
}

describe('a hub whose relays stand still', () => {
  test('sleeps a dozen seconds at a time, and asks Postgres nothing', () => {
    const world = standing(3)
    const until = world.now + 600_000
    let looks = 0
    for (; world.now < until; looks += 1) {
      world.now = world.hub.dueAt() ?? until
      world.look()
      world.settle()
    }
    expect(looks).toBeLessThanOrEqual(600_000 / 12_000)
    expect(world.postgres.asked).toBe(0)
    expect(world.hub.live()).toHaveLength(3)
  })

  test('asks nothing when it is woken either, and gives up who was silent while it slept', () => {
    const world = standing(2)
    world.restart(true)
    expect(world.hub.live()).toHaveLength(2)
    world.look()
    world.settle()
    expect(world.postgres.asked).toBe(0)
    world.peer(0).livedAt = world.now
    world.now += 9_000
    world.restart(true)
    world.look()
    world.settle()
    expect(world.hub.live()).toMatchObject([{ relay_id: 'relay-1' }])
    expect(world.postgres.relays.get('relay-0')?.viaHub).toBe(false)
  })

  test('finds out that one is gone whose line stays open', () => {
    const world = standing(2)
    world.peer(0).livedAt = world.now
    const due = world.hub.dueAt() ?? world.now
    expect(due).toBeLessThanOrEqual(world.now + 14_000)
    world.now = due
    world.look()
    world.settle()
    expect(world.hub.live()).toMatchObject([{ relay_id: 'relay-1' }])
  })

  test('does not ask again and again of one which is gone while Postgres is away', () => {
    const world = standing(1)
    world.postgresAway = true
    world.cut(world.peer(0))
    for (let second = 0; second < 20; second += 1) {
      world.now += 1_000
      world.look()
      world.settle()
      expect(world.hub.dueAt()).toBeGreaterThan(world.now)
    }
    expect(world.postgres.asked).toBeLessThanOrEqual(10)
    world.postgresAway = false
    world.now += 2_000
    world.look()
    world.settle()
    expect(world.postgres.relays.get('relay-0')?.viaHub).toBe(false)
  })
})

describe('a relay whose line was closed at its end', () => {
  /** So much time goes by, in which the hub looks each second; a relay which is dead says nothing. */
  const passes = (world: HubWorld, ms: number, dead?: number) =>
    world.pass(ms, dead === undefined ? undefined : world.peer(dead))

  test('is lost after ten seconds in which nothing is heard of it, once, and no sooner', () => {
    const world = standing(2)
    world.cut(world.peer(0))
    passes(world, 9_000, 0)
    expect(world.lost).toEqual([])
    expect(world.postgres.relays.get('relay-0')?.viaHub).toBe(false)
    passes(world, 1_000, 0)
    expect(world.lost).toEqual(['relay-0'])
    passes(world, 60_000, 0)
    expect(world.lost).toEqual(['relay-0'])
  })

  test('is not where it beats over HTTP, or comes on another line', () => {
    const world = standing(2)
    world.cut(world.peer(0))
    passes(world, 60_000)
    expect(world.lost).toEqual([])
    world.cut(world.peer(1))
    passes(world, 5_000, 1)
    world.connect(world.peer(1))
    world.calm()
    passes(world, 60_000)
    expect(world.lost).toEqual([])
  })

  test('is not where all lines were closed together, which is the way to them: as of a silent fleet Postgres judges', () => {
    const world = standing(2)
    world.cut(world.peer(0))
    world.now += 300
    world.cut(world.peer(1))
    for (let second = 0; second < 60; second += 1) {
      world.now += 1_000
      world.look()
      world.settle()
    }
    expect(world.lost).toEqual([])
  })

  test('is where the line on which it came again is closed before it has said anything', () => {
    const world = standing(1)
    world.cut(world.peer(0))
    passes(world, 5_000, 0)
    world.receive({ kind: 'opened', relayId: 'relay-0', line: 'another' })
    passes(world, 5_000, 0)
    expect(world.lost).toEqual([])
    world.receive({ kind: 'closed', line: 'another', theirs: true })
    passes(world, 10_000, 0)
    expect(world.lost).toEqual(['relay-0'])
  })

  test('is not where it was the hub which closed it: its key was revoked, say, and its calls may go on', () => {
    const world = standing(2)
    world.cut(world.peer(1), false)
    passes(world, 60_000, 1)
    expect(world.lost).toEqual([])
    world.connect(world.peer(1))
    world.calm()
    const [line = ''] = [world.peer(0).line]
    world.receive({ kind: 'dismiss', lines: [line], reason: 'revoked', sentence: 'This key was revoked.' })
    passes(world, 60_000, 0)
    expect(world.lost).toEqual([])
  })

  test('has the time of a silence since its last ping, though the hub slept through that', () => {
    const world = standing(2)
    world.now += 12_000
    world.cut(world.peer(0))
    world.look()
    world.settle()
    expect(world.postgres.relays.get('relay-0')?.viaHub).toBe(true)
  })
})

describe('what one relay says', () => {
  test('and others hear of by beats they hear of within two seconds, and no more of what is its own', () => {
    const world = standing(3)
    const [first] = world.peers
    const says = (said: object) => {
      if (first) first.beat = { ...first.beat, ...said }
      world.postgres.asked = 0
      world.speak(world.peer(0))
      for (let second = 0; second < 6; second += 1) {
        world.deliver(world.peer(0))
        world.pass(1_000)
      }
      return world.postgres.asked
    }
    expect(says({ neighbour: { host: '192.0.2.9', port: 5071, key: 'k' } })).toBe(3)
    expect(says({ port: 5062 })).toBe(1)
    expect(says({ draining: true })).toBe(3)
    world.connect(world.peer(1))
    expect(says({})).toBe(0)
  })
})

describe('a hub which lost all it had written', () => {
  test('waits the time of a silence for whom Postgres takes for its own, and shares what those had', () => {
    const world = standing(2)
    for (const peer of world.peers) Object.assign(peer, { line: undefined, asks: [], words: [] })
    world.hub = new Hub()
    world.connect(world.peer(0))
    world.peer(0).refused = 10
    world.speak(world.peer(0))
    world.settle()
    world.deliver(world.peer(0))
    expect(world.peer(0).has).toBeLessThan(10)
    for (let second = 0; second < 10; second += 1) {
      world.now += 1_000
      world.look()
      world.settle()
      world.deliver(world.peer(0))
    }
    expect(world.peer(0).has).toBe(10)
  })
})

describe('what changed', () => {
  const [one, other] = [
    { customer_id: '00000000-0000-4000-8000-00000000000b', version: 2, gone: false },
    { customer_id: '00000000-0000-4000-8000-00000000000c', version: 3, gone: true },
  ]

  /** A hub which has told all its relays of two changes. */
  function told(): HubWorld {
    const world = standing(2)
    world.receive({ kind: 'changed' })
    world.receive({ kind: 'looked', glance: { version: 3, changed: [one, other], limits: [] } })
    return world
  }
  /** What relay-0 is answered which has so much, and whether Postgres was asked. */
  function answer(world: HubWorld, version: number) {
    const { id: relayId, line = '', beat } = world.peer(0)
    const way = { kind: 'socket', line, n: 99, seen: 99 } as const
    const effects = world.hub.receive(
      { kind: 'beat', relayId, way, beat: { ...beat, version } },
      world.now as UtcMs,
    )
    const words = effects.flatMap((effect) => (effect.kind === 'send' ? [effect.word] : []))
    return {
      answer: words.flatMap((word) => (word.type === 'answer' ? [word.answer] : []))[0],
      asked: effects.some(({ kind }) => kind === 'turn'),
    }
  }

  test.each([
    ['all of it, to one which has the version before', 1, [one, other]],
    ['what it lacks, to one which has a part', 2, [other]],
    ['nothing, to one which has all', 3, []],
  ])('is named without Postgres: %s', (_, has, changed) => {
    const { answer: word, asked } = answer(told(), has)
    expect([word?.version, word?.changed, asked]).toEqual([3, changed, false])
  })

  test('is asked for by a beat of one which has less than the hub knows of', () => {
    expect(answer(told(), 0)).toEqual({ answer: undefined, asked: true })
  })

  /** What relay-0 is sent once Postgres, asked before, says what it has. */
  function turned(world: HubWorld, version: number, changed: BeatAnswer['changed']): BeatAnswer | undefined {
    const { id: relayId, line = '', beat } = world.peer(0)
    const nothing = { seconds: [], health: [], registrations: [], withdrawn: [], commands: [], ends: [] }
    const answer = { at: new Date(world.now).toISOString(), version, changed, ...nothing, relays: 2 }
    const turn = { answer, limits: [], elsewhere: [] }
    const way = { kind: 'socket', line, n: 99, seen: 99 } as const
    const effects = world.hub.receive({ kind: 'turned', relayId, way, line, beat, turn }, world.now as UtcMs)
    return effects.flatMap((effect) =>
      effect.kind === 'send' && effect.word.type === 'answer' ? [effect.word.answer] : [],
    )[0]
  }

  test('and was told while Postgres answered is part of that answer', () => {
    const third = { customer_id: '00000000-0000-4000-8000-00000000000d', version: 1, gone: false }
    const answer = turned(told(), 1, [{ ...one, version: 1 }, third])
    expect(answer).toMatchObject({ version: 3, changed: [one, third, other] })
  })

  test('is Postgres’ word where that has gone back, as a restored database does', () => {
    const world = told()
    expect(turned(world, 0, [])).toMatchObject({ version: 0, changed: [] })
    expect(answer(world, 0)).toMatchObject({ answer: { version: 0, changed: [] }, asked: false })
  })
})

describe('an order', () => {
  test('is fetched before all else, and once more if another was given meanwhile', () => {
    const world = standing(2)
    world.receive({ kind: 'stirred' })
    world.now += 2_000
    // Postgres is asked what is new for each of them.
    world.look()
    const [asked] = world.receive({ kind: 'ordered', relayIds: ['relay-0', 'relay-9'] })
    expect(asked).toMatchObject({ kind: 'fetch', relayId: 'relay-0' })
    expect(world.receive({ kind: 'ordered', relayIds: ['relay-0'] })).toEqual([])
    world.settle()
    expect(world.postgres.asked).toBe(2 + 2)
  })

  test('is no word that somebody begins to watch: each relay on the line hears that, once', () => {
    const world = standing(2)
    const watched = ['00000000-0000-4000-8000-00000000000b']
    const effects = world.receive({ kind: 'watched', customerIds: watched })
    const said = effects.flatMap((effect) => (effect.kind === 'send' ? [effect.word] : []))
    expect(said).toMatchObject(Array(2).fill({ type: 'news', news: { watched } }))
    world.speak(world.peer(0))
    world.deliver(world.peer(0))
    const words: HubWord[] = world.peer(0).words
    expect(words.at(-1)).toMatchObject({ type: 'answer' })
    expect(JSON.stringify(words.at(-1))).not.toContain('watched')
  })

  test('to drain is not taken back by the answer to the next beat', () => {
    const world = standing(1)
    world.receive({ kind: 'push', relayId: 'relay-0', news: { drain: true, commands: [] } })
    world.speak(world.peer(0))
    world.deliver(world.peer(0))
    const words: HubWord[] = world.peer(0).words
    expect(words.at(-1)).toMatchObject({ type: 'answer', answer: { drain: true } })
  })
})

describe('an order on its way', () => {
  const commands = [{ kind: 'call_hangup', command_id: '00000000-0000-4000-8000-00000000000e' }] as never
  const ids = ['00000000-0000-4000-8000-00000000000e']

  /** A hub which has just sent one to a relay of that protocol. */
  function ordered(protocol: number): HubWorld {
    const world = standing(1)
    const [peer] = world.peers
    if (peer) peer.beat = { ...peer.beat, protocol }
    world.speak(world.peer(0))
    world.calm()
    world.receive({ kind: 'push', relayId: 'relay-0', news: { commands } })
    return world
  }
  const orders = (effects: HubEffect[]) =>
    effects.filter(({ kind }) => ['close', 'untake', 'delivered'].includes(kind))

  test('is delivered once its relay says so, and not before', () => {
    const world = ordered(6)
    const line = world.peer(0).line ?? ''
    expect(world.hub.awaits(ids)).toBe(true)
    expect(orders(world.receive({ kind: 'seen', line, serial: 0 }))).toEqual([])
    expect(orders(world.receive({ kind: 'seen', line, serial: 99 }))).toEqual([
      { kind: 'delivered', commands: ids },
    ])
    expect(world.hub.awaits(ids)).toBe(false)
    world.cut(world.peer(0))
    expect(orders(world.receive({ kind: 'time', lives: new Map() }))).toEqual([])
  })

  test('is so by its next beat, too', () => {
    const world = ordered(6)
    world.calm()
    world.speak(world.peer(0))
    world.deliver(world.peer(0))
    expect(world.hub.awaits(ids)).toBe(false)
  })

  test('goes back, and its line is closed, where the relay does not say so in three seconds', () => {
    const world = ordered(6)
    const { line, id: relayId } = world.peer(0)
    expect(world.hub.dueAt()).toBeLessThanOrEqual(world.now + 3_000)
    world.now += 3_000
    const lives = new Map([[line ?? '', world.now as UtcMs]])
    expect(orders(world.hub.receive({ kind: 'time', lives }, world.now as UtcMs))).toEqual([
      { kind: 'untake', relayId, commands: ids },
      { kind: 'close', line },
    ])
    const closed = world.hub.receive({ kind: 'closed', line: line ?? '' }, world.now as UtcMs)
    expect(orders(closed)).toEqual([])
    expect(world.hub.live()).toEqual([])
  })

  test('to a relay which says nothing of the kind is sent, and that is all', () => {
    const world = ordered(5)
    expect(world.hub.awaits(ids)).toBe(false)
    world.now += 10_000
    const lives = new Map([[world.peer(0).line ?? '', world.now as UtcMs]])
    expect(orders(world.receive({ kind: 'time', lives }))).toEqual([])
  })
})

describe('what an order came to', () => {
  const results = [{ command_id: '00000000-0000-4000-8000-00000000000e', result: { ok: true } }]

  test('Postgres hears by itself, before the beat which says it is answered, and no turn is asked for it', () => {
    const world = standing(1)
    const { id: relayId, line = '', beat } = world.peer(0)
    const way = { kind: 'socket', line, n: 99, seen: 99 } as const
    const hears = (event: HubEvent) => world.hub.receive(event, world.now as UtcMs)
    const said = { ...beat, results }
    expect(hears({ kind: 'beat', relayId, way, beat: said })).toEqual([
      { kind: 'conclude', relayId, way, beat: said },
    ])
    const [word] = hears({ kind: 'concluded', relayId, way, beat: said, outcome: 'done' })
    expect(word).toMatchObject({ kind: 'send', line, word: { type: 'answer', n: 99 } })
    world.pass(2_000)
    expect(world.postgres.asked).toBe(0)
  })

  test('is heard in a turn where Postgres has another process, which says so', () => {
    const world = standing(1)
    const { id: relayId, line = '', beat } = world.peer(0)
    const way = { kind: 'socket', line, n: 99, seen: 99 } as const
    const event = { kind: 'concluded', relayId, way, beat, outcome: 'replaced' } as const
    expect(world.hub.receive(event, world.now as UtcMs)).toMatchObject([{ kind: 'turn', relayId, way }])
  })

  test.each([
    ['is said again on another line, where Postgres is away', undefined, ['close', 'keep']],
    ['is not heard by a key which was revoked', 'revoked', ['send', 'close', 'keep']],
  ] as const)('%s', (_, outcome, kinds) => {
    const world = standing(1)
    const { id: relayId, line = '', beat } = world.peer(0)
    const way = { kind: 'socket', line, n: 99, seen: 99 } as const
    const effects = world.hub.receive(
      { kind: 'concluded', relayId, way, beat: { ...beat, results }, outcome },
      world.now as UtcMs,
    )
    expect(kinds).toEqual(expect.arrayContaining(effects.map(({ kind }) => kind)))
    expect(effects.map(({ kind }) => kind)).toContain('close')
  })
})

describe('an order which Postgres gave out for a beat', () => {
  const command_id = '00000000-0000-4000-8000-00000000000e'
  const untaken = [{ kind: 'untake', relayId: 'relay-0', commands: [command_id] }]

  /** What comes of Postgres' answer to relay-0, which was asked on its line; `unasked`: to no beat of its. */
  function answered(world: HubWorld, { unasked = false, line = world.peer(0).line ?? '' } = {}) {
    const { id: relayId, beat } = world.peer(0)
    const nothing = { seconds: [], health: [], registrations: [], withdrawn: [], ends: [], changed: [] }
    const commands = [{ kind: 'call_hangup', command_id }] as unknown as BeatAnswer['commands']
    const answer = { at: new Date(world.now).toISOString(), version: 1, relays: 1, commands, ...nothing }
    const turn = { answer, limits: [], elsewhere: [] }
    const way = unasked ? undefined : ({ kind: 'socket', line, n: 99, seen: 99 } as const)
    return { kind: 'turned', relayId, way, line, beat, turn } as const
  }

  test.each<[string, object[], (world: HubWorld) => HubEvent]>([
    ['is sent where the line is the same', [], (world) => answered(world)],
    ['is sent unasked', [], (world) => answered(world, { unasked: true })],
    [
      'goes back where the line is closed by now',
      untaken,
      (world) => {
        const event = answered(world)
        world.cut(world.peer(0))
        return event
      },
    ],
    [
      'goes back where there is none to tell it on',
      untaken,
      (world) => {
        const event = answered(world, { unasked: true })
        world.cut(world.peer(0))
        return event
      },
    ],
    [
      'goes back where the relay is another process by now',
      untaken,
      (world) => {
        const event = answered(world, { unasked: true })
        return { ...event, beat: { ...event.beat, boot_id: crypto.randomUUID() } }
      },
    ],
  ])('%s', (_, expected, event) => {
    const world = standing(1)
    const effects = world.receive(event(world))
    expect(effects.filter(({ kind }) => kind === 'untake')).toEqual(expected)
    expect(JSON.stringify(effects.filter(({ kind }) => kind === 'send')).includes(command_id)).toBe(
      expected.length === 0,
    )
  })
})

describe('a line', () => {
  const sentence = 'This key was revoked.'

  test('is closed whatever its relay has said on it', () => {
    const world = standing(1)
    const line = world.peer(0).line ?? ''
    world.receive({ kind: 'opened', relayId: 'relay-0', line: 'another' })
    const effects = world.receive({ kind: 'dismiss', lines: [line, 'another'], reason: 'revoked', sentence })
    expect(effects).toMatchObject([
      { kind: 'send', line, word: { type: 'bye', reason: 'revoked' } },
      { kind: 'close', line },
      { kind: 'keep' },
      { kind: 'send', line: 'another' },
      { kind: 'close', line: 'another' },
    ])
  })

  test('whose key is found to be revoked is closed, and its relay keeps what it holds as long as it may live', () => {
    const world = standing(1)
    const { line = '', beat, id: relayId } = world.peer(0)
    const turned = {
      kind: 'turned',
      relayId,
      way: undefined,
      line,
      beat,
      turn: 'revoked',
    } as const
    expect(world.hub.receive(turned, world.now as UtcMs)).toMatchObject([
      { kind: 'send', line, word: { type: 'bye', reason: 'revoked' } },
      { kind: 'close', line },
      { kind: 'keep', record: { holdings: [{ held: 10 }] } },
    ])
  })
})

describe('what was granted to a relay which never says what it has applied', () => {
  test('is kept in few words, and counts as before', () => {
    const scope = { kind: 'customer', id: '00000000-0000-4000-8000-00000000000a' } as const
    const grants = new Grants()
    const says = (relayId: string, used: number, seen: number) =>
      grants.say(
        relayId,
        [{ scope, customer_id: scope.id, resource: 'channels', held: 0, used, refused: 0 }],
        seen,
      )
    const amount = (relayId: string, serial: number) => grants.answer(relayId, serial, true)[0]?.amount
    const limited = (limit: number) => grants.limited([{ scope, resource: 'channels', limit }])
    for (let serial = 1; serial <= 500; serial += 1) {
      limited(serial <= 400 ? 10 : 2)
      says('mute', 0, 0)
      expect(amount('mute', serial)).toBe(serial <= 400 ? 10 : 2)
    }
    limited(10)
    expect(grants.holdings('mute')[0]?.sent.length).toBeLessThanOrEqual(64)
    says('other', 5, 0)
    expect(amount('other', 1)).toBe(0)
    says('mute', 0, 390)
    expect(amount('other', 2)).toBe(0)
    says('mute', 0, 500)
    expect(amount('other', 3)).toBe(8)
  })
})
