import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Flow } from '../../../relay/ground/flow.ts'
import { asks, says, TransactionHarness, tcp, udp } from '../../support/transaction-harness.ts'

const methods = ['INVITE', 'OPTIONS', 'BYE', 'CANCEL']
const statuses = [100, 180, 200, 302, 401, 408, 486, 503, 603]

const move = fc.record({
  what: fc.constantFrom('ask', 'open', 'send', 'ack', 'respond', 'hear', 'abandon', 'unsent', 'pass'),
  method: fc.constantFrom(...methods),
  branch: fc.constantFrom('z9hG4bK-1', 'z9hG4bK-2', 'z9hG4bK-3', 'rfc2543'),
  status: fc.constantFrom(...statuses),
  ms: fc.integer({ min: 0, max: 20_000 }),
})
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never

describe.each([
  ['UDP', udp],
  ['TCP', tcp],
])('whatever comes over %s, in whatever order', (_, flow) => {
  test('each transaction ends once, has two timers at most, and all are forgotten once both sides are quiet', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const chaos = new Chaos(flow)
        for (const one of moves) chaos.make(one)
        chaos.quiet()
        expect(chaos.begun).toBe(chaos.ended)
        expect(chaos.desk.transactions.size).toBe(0)
        expect(chaos.desk.transactions.timers).toBe(0)
      }),
      { numRuns: 300 },
    )
  })
})

class Chaos {
  readonly desk: TransactionHarness
  begun = 0
  ended = 0

  constructor(flow: Flow) {
    this.desk = new TransactionHarness(flow)
  }

  make(one: Move): void {
    this.ended += this.#do(one).filter((what) => what.endsWith('ended')).length
    const { size, timers } = this.desk.transactions
    expect(size).toBe(this.begun - this.ended)
    expect(timers).toBeLessThanOrEqual(2 * size)
  }

  /** Everybody answers or gives up, and time passes. */
  quiet(): void {
    for (let id = 1; id <= this.begun; id++) {
      this.desk.id = id
      this.#count([...this.desk.responds(says(asks('INVITE'), 500)), ...this.desk.abandons()])
    }
    this.#count(this.desk.after(64_000))
  }

  #do({ what, method, branch, status, ms }: Move): string[] {
    const { desk: harness } = this
    const asked = asks(method, { branch })
    if (what === 'ask') return harness.hears(asked)
    if (what === 'ack') return harness.hears(asks('ACK', { branch, toTag: 'bob' }))
    if (what === 'respond') return harness.responds(says(asked, status), 1 + (ms % (this.begun + 1)))
    if (what === 'hear') return harness.hears(says(asked, status))
    if (what === 'unsent') return harness.cannotReach()
    if (what === 'pass') return harness.after(ms)
    harness.id = 1 + (ms % (this.begun + 1))
    if (what === 'abandon') return harness.abandons()
    this.begun++
    if (what === 'send') return harness.sends(asked)
    harness.opens(asked)
    return []
  }

  #count(words: string[]): void {
    this.ended += words.filter((what) => what.endsWith('ended')).length
  }
}
