import { describe, expect, test } from 'vitest'
import { type BeatAnswer, monotonicMs, utcMs } from '#contract'
import { SourceBlocks } from '../../../relay/auth/source-blocks.ts'
import { steadyEntropy } from '../../support/entropy.ts'
import { beatAnswer } from '../../support/snapshot.ts'

const minute = 60_000
const start = Date.UTC(2026, 0, 1)
const source = '192.0.2.66'
const [acme, other] = ['11111111-1111-4111-8111-111111111111', '99999999-9999-4999-8999-999999999999']

describe('a source from which many accounts are tried', () => {
  test('is slowed from thirty wrong answers for ten accounts on: one is looked at every three seconds', () => {
    const guesser = guessing()
    expect(guesser.fails(29)).toBeUndefined()
    expect(guesser.looked(3)).toEqual([true, true, true])
    guesser.fails(1)
    expect(guesser.looked(3)).toEqual([true, false, false])
    guesser.pass(2_999)
    expect(guesser.looked(1)).toEqual([false])
    guesser.pass(1)
    expect(guesser.looked(2)).toEqual([true, false])
  })

  test('is blocked for ten minutes by a hundred for twenty accounts, then for twenty, forty, and for a day at most', () => {
    const guesser = guessing()
    const minutes: number[] = []
    for (let round = 0; round < 10; round++) {
      expect(guesser.fails(99)).toBeUndefined()
      const block = guesser.fails(1)
      if (!block) throw new Error('it was not blocked')
      minutes.push((block.until - block.since) / minute)
      expect(guesser.isBlocked()).toBe(true)
      guesser.pass(block.until - block.since - 1)
      expect(guesser.isBlocked()).toBe(true)
      guesser.pass(1)
      expect(guesser.isBlocked()).toBe(false)
    }
    expect(minutes).toEqual([10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440])
  })

  test('begins anew after a day in peace', () => {
    const guesser = guessing()
    const first = guesser.fails(100)
    guesser.pass(10 * minute + 25 * 60 * minute)
    const second = guesser.fails(100)
    expect([first, second].map((block) => block && (block.until - block.since) / minute)).toEqual([10, 10])
  })

  test('is neither for one account, however often, nor for many over hours', () => {
    const guesser = guessing()
    expect(guesser.fails(1_000, 1)).toBeUndefined()
    expect(guesser.looked(2)).toEqual([true, true])
    const slow = guessing()
    for (let at = 0; at < 1_000; at++) {
      expect(slow.fails(1)).toBeUndefined()
      slow.pass(minute)
    }
    expect(slow.looked(2)).toEqual([true, true])
  })

  test('is told with what each customer had of it; other sources are free', () => {
    const guesser = guessing()
    guesser.fails(60)
    const block = guesser.fails(40, 50, other)
    expect(block).toMatchObject({ source, failures: 100, accounts: 20 })
    expect([...(block?.failuresByCustomer ?? [])]).toEqual([
      [acme, 60],
      [other, 40],
    ])
    expect(guesser.blocks.blockedUntil(guesser.now(), '192.0.2.67', acme)).toBeUndefined()
  })

  test('costs no more than so much memory, however many sources there are', () => {
    const blocks = new SourceBlocks(steadyEntropy())
    for (let at = 0; at < 30_000; at++)
      for (let one = 0; one < 3; one++)
        blocks.failed(monotonicMs(at), utcMs(start), `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`, {
          account: `${one}`,
          customerId: acme,
        })
    expect(blocks.size).toBe(10_000)
  })
})

describe('a block which the edge names', () => {
  test('holds here though another relay made it, as long as the edge’s clock says', () => {
    const relay = guessing()
    relay.hears({ until: start + 5 * minute })
    expect(relay.isBlocked()).toBe(true)
    relay.pass(5 * minute)
    expect(relay.isBlocked()).toBe(false)
    relay.hears()
    expect(relay.blocks.empty).toBe(true)
  })

  test('is over when it was taken back: for one customer, or for all, whose source begins anew', () => {
    const relay = guessing()
    const block = relay.fails(100)
    relay.hears({ id: block?.id, lifted_for: [acme] })
    expect([relay.isBlocked(acme), relay.isBlocked(other), relay.isBlocked(null)]).toEqual([
      false,
      true,
      true,
    ])
    relay.hears({ id: block?.id, over: true })
    expect([relay.isBlocked(other), relay.fails(99)]).toEqual([false, undefined])
    const again = relay.fails(1)
    expect(again && (again.until - again.since) / minute).toBe(10)
  })

  test('stays where the edge does not name it yet, or an older one says nothing of blocks', () => {
    const relay = guessing()
    relay.fails(100)
    relay.hears()
    relay.blocks.receive({ type: 'beat', answer: beatAnswer(1), sentAt: relay.now() }, relay.now())
    expect(relay.isBlocked()).toBe(true)
  })
})

/** Who answers challenges wrongly from one source, and the clock. */
function guessing() {
  const blocks = new SourceBlocks(steadyEntropy())
  let [ms, tried] = [1_000, 0]
  const now = () => monotonicMs(ms)
  const at = () => utcMs(start + ms - 1_000)
  return {
    blocks,
    now,
    /** So many wrong answers for so many accounts; the block to which the last one leads. */
    fails(count: number, accounts = 50, customerId = acme) {
      let block: ReturnType<SourceBlocks['failed']>
      for (let one = 0; one < count; one++)
        block = blocks.failed(now(), at(), source, { account: `${tried++ % accounts}@realm`, customerId })
      return block
    },
    looked: (count: number) => Array.from({ length: count }, () => blocks.mayLook(now(), source)),
    /** For accounts of a customer; null: of none that is known. */
    isBlocked: (customerId: string | null = acme) =>
      blocks.blockedUntil(now(), source, customerId ?? undefined) !== undefined,
    pass(more: number) {
      ms += more
    },
    hears(...said: { id?: string | undefined; until?: number; over?: boolean; lifted_for?: string[] }[]) {
      const named: BeatAnswer['blocks'] = said.map(
        ({ id, until = start + 60 * minute, over, lifted_for }) => ({
          block_id: id ?? '77777777-7777-4777-8777-777777777777',
          source,
          until: new Date(until).toISOString(),
          over: over ?? false,
          lifted_for: lifted_for ?? [],
        }),
      )
      const answer = { ...beatAnswer(1), at: new Date(at()).toISOString(), blocks: named }
      blocks.receive({ type: 'beat', answer, sentAt: now() }, now())
    },
  }
}
