import { describe, expect, test } from 'vitest'
import { type BeatAnswer, monotonicMs } from '#contract'
import { type Ladder, type Party, party } from '../../support/ladder.ts'
import { alice, customerId, office, password, prove, register, registers } from '../../support/office.ts'
import { informed } from '../../support/office-snapshots.ts'
import { beatAnswer } from '../../support/snapshot.ts'

/* A scanner, Alice's registered phone and Bob's, which comes for the first time: all behind one address. */
const scanner = party('the guesser', alice.flow.address, 40_000)
const bobHere = party('Bob here', alice.flow.address, 5070)

describe('an address from which many accounts are tried', () => {
  test('is blocked: its customer, the operator and the log are told, once', () => {
    const ladder = scanned()
    const told = ladder.events.filter(({ type }) => type === 'registration.blocked')
    const words = { source_address: alice.flow.address, accounts: 20, failures: 100 }
    expect(told.map(({ customer_id }) => customer_id)).toEqual([null, customerId])
    expect(told.map(({ data }) => data)).toMatchObject([words, words])
    expect(new Set(told.map(({ data }) => data.subject_id)).size).toBe(1)
    expect(ladder.notes.filter(({ event }) => event === 'registration.blocked')).toHaveLength(1)
  })

  test('is refused, with a word how long, while the phone which is registered there registers and calls on', () => {
    const ladder = scanned()
    ladder.when(bobHere, register(bobHere, 'bob')).gives('503 to Bob here')
    expect(Number(ladder.lastResponse(bobHere).header('retry-after'))).toBeGreaterThan(590)
    expect(ladder.events.at(-1)).toMatchObject({
      type: 'registration.failed',
      data: { reason: 'SOURCE_BLOCKED' },
    })
    const first = register(alice, 'alice')
    ladder.when(alice, first).gives('401 to Alice')
    ladder
      .when(alice, prove(first, ladder.lastResponse(alice), 'alice'))
      .gives('tell refreshed', '200 to Alice')
    ladder.after(600_000).whatever()
    ladder.when(bobHere, register(bobHere, 'bob')).gives('401 to Bob here')
  })

  test('lets Alice in though her phone was off meanwhile: it proved itself there within a day', () => {
    const ladder = scanned()
    ladder.when(alice, proved(ladder, alice, 'alice', [['expires', '0']])).whatever()
    ladder.when(alice, proved(ladder, alice, 'alice')).gives('tell registered', '200 to Alice')
  })

  test('is free again for the customer who takes its block back, and for all when the operator does', () => {
    for (const change of [{ lifted_for: [customerId] }, { over: true }]) {
      const ladder = scanned()
      hears(ladder, change)
      ladder.when(bobHere, proved(ladder, bobHere, 'bob')).gives('tell registered', '200 to Bob here')
    }
  })

  test('is blocked by the word of another relay as well', () => {
    const ladder = informed(undefined, office({}, scanner, bobHere))
    ladder.when(bobHere, register(bobHere, 'bob')).gives('401 to Bob here')
    hears(ladder, {}, alice.flow.address)
    ladder.when(bobHere, register(bobHere, 'bob')).gives('503 to Bob here')
  })
})

test('a proxy of ours is blocked neither for what it says of itself nor by the word of another relay: no stranger sends from there', () => {
  const { address, port } = scanner.flow
  const proxy: Party = { ...scanner, flow: { ...scanner.flow, proxy: { address, port, from: 'itself' } } }
  const ladder = scanned(proxy)
  expect(ladder.events.filter(({ type }) => type === 'registration.blocked')).toEqual([])
  hears(ladder, {}, address)
  ladder.when(bobHere, register(bobHere, 'bob')).gives('503 to Bob here')
  ladder.when(proxy, proved(ladder, proxy, 'bob')).gives('tell registered', '200 to the guesser')
})

/** Alice is registered; then a hundred wrong answers come from her address, for as many names. */
function scanned(guesser = scanner): Ladder {
  const ladder = informed(undefined, office({}, guesser, bobHere))
  registers(ladder, alice, 'alice')
  for (let name = 0; name < 100; name++) {
    const first = register(guesser, `x${name}`)
    ladder.when(guesser, first).gives('401 to the guesser')
    ladder.when(guesser, prove(first, ladder.lastResponse(guesser), `x${name}`, 'guess')).whatever()
    while (ladder.questions.length > 0)
      ladder.credential({ kind: 'unknown', ttl: 5, customer_id: customerId }).whatever()
  }
  return ladder
}

function proved(
  ladder: Ladder,
  from: Party,
  user: 'alice' | 'bob',
  headers: Parameters<typeof register>[2] = [],
) {
  const first = register(from, user, headers)
  ladder.when(from, first).whatever()
  return prove(first, ladder.lastResponse(from), user, password)
}

/** The edge's answer to a beat names the block which was told, or one of another relay. */
function hears(ladder: Ladder, change: { over?: boolean; lifted_for?: string[] }, source?: string): void {
  const { subject_id: id } = ladder.events.findLast(({ type }) => type === 'registration.blocked')?.data ?? {}
  const blocks: BeatAnswer['blocks'] = [
    {
      block_id: typeof id === 'string' ? id : crypto.randomUUID(),
      source: source ?? alice.flow.address,
      until: new Date(ladder.engine.rooms.clock.epoch + ladder.now + 600_000).toISOString(),
      over: change.over ?? false,
      lifted_for: change.lifted_for ?? [],
    },
  ]
  ladder.engine.pulse(monotonicMs(ladder.now))
  ladder
    .hear({ type: 'beat', answer: { ...beatAnswer(7), blocks }, sentAt: monotonicMs(ladder.now) })
    .whatever()
}
