import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { asks, type Changes, says, TransactionHarness } from '../../support/transaction-harness.ts'

const each = 1000
/** 64·T1 and T4: nothing may be remembered for longer once both sides have gone quiet. */
const over = 32_000 + 5000

/** Ten ways to leave a transaction behind; each opens or sends one, and lets it down. */
const ways: Record<string, (harness: TransactionHarness, changes: Changes) => void> = {
  'an INVITE refused and never ACKed': (harness, changes) => {
    const invite = asks('INVITE', changes)
    harness.opens(invite).responds(says(invite, 486))
  },
  'an INVITE refused and ACKed': (harness, changes) => {
    const invite = asks('INVITE', changes)
    harness.opens(invite).responds(says(invite, 486))
    harness.hears(asks('ACK', { ...changes, toTag: 'bob' }))
  },
  'an INVITE accepted': (harness, changes) => {
    const invite = asks('INVITE', changes)
    harness.opens(invite).responds(says(invite, 200))
  },
  'a request nobody answers': (harness, changes) => {
    harness.opens(asks('OPTIONS', changes))
  },
  'a request answered': (harness, changes) => {
    const options = asks('OPTIONS', changes)
    harness.opens(options).responds(says(options, 200))
  },
  'an INVITE into silence': (harness, changes) => {
    harness.sends(asks('INVITE', changes))
  },
  'an INVITE that rings and is given up': (harness, changes) => {
    const invite = asks('INVITE', changes)
    harness.sends(invite)
    harness.hears(says(invite, 180))
    harness.abandons()
  },
  'an INVITE that fails': (harness, changes) => {
    const invite = asks('INVITE', changes)
    harness.sends(invite)
    harness.hears(says(invite, 503))
  },
  'an INVITE that succeeds': (harness, changes) => {
    const invite = asks('INVITE', changes)
    harness.sends(invite)
    harness.hears(says(invite, 200))
  },
  'a BYE into silence': (harness, changes) => {
    harness.sends(asks('BYE', changes))
  },
}

describe('a transaction left behind', () => {
  test.each(Object.entries(ways))('%s is forgotten after 64·T1 and T4, timers and all', (_, leave) => {
    const harness = new TransactionHarness()
    for (let i = 0; i < each; i++) leave(harness, { branch: `z9hG4bK-${i}`, callId: `call-${i}` })
    expect(harness.transactions.size).toBe(each)
    harness.after(over)
    expect(harness.transactions.size).toBe(0)
    expect(harness.transactions.timers).toBe(0)
    expect(harness.transactions.nextDeadline()).toBeUndefined()
  })

  test('tells its end once and nothing after it', () => {
    const harness = new TransactionHarness()
    for (const [i, leave] of Object.values(ways).entries()) leave(harness, { branch: `z9hG4bK-${i}` })
    const done = harness.after(over)
    expect(done.filter((what) => what.endsWith(' ended'))).toHaveLength(Object.keys(ways).length)
    expect(harness.after(3_600_000)).toEqual([])
  })

  test('costs at most two timers while it lingers', () => {
    const harness = new TransactionHarness()
    for (const [i, leave] of Object.values(ways).entries()) leave(harness, { branch: `z9hG4bK-${i}` })
    expect(harness.transactions.timers).toBeLessThanOrEqual(2 * harness.transactions.size)
  })

  test('leaves no timer of a state it has left', () => {
    const harness = new TransactionHarness()
    const invite = asks('INVITE')
    harness.sends(invite)
    expect(harness.transactions.timers).toBe(2)
    harness.hears(says(invite, 180))
    expect(harness.transactions.timers).toBe(0)
    harness.hears(says(invite, 200))
    expect(harness.transactions.timers).toBe(1)
  })
  test('gives its memory back', () => {
    const harness = new TransactionHarness()
    leaveBehind(harness, 20_000)
    harness.after(over)
    const before = heapMegabytes()
    leaveBehind(harness, 20_000)
    const lingering = heapMegabytes() - before
    harness.after(over)
    expect(lingering).toBeGreaterThan(10)
    expect(heapMegabytes() - before).toBeLessThan(lingering / 4)
  })
})

function leaveBehind(harness: TransactionHarness, count: number): void {
  const leaves = Object.values(ways)
  for (let i = 0; i < count; i++) leaves[i % leaves.length]?.(harness, { branch: `z9hG4bK-${i}` })
}

function heapMegabytes(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 1e6
}
