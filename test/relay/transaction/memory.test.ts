import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { asks, type Changes, Desk, says } from '../../support/transactions.ts'

const each = 1000
/** 64·T1 and T4: nothing may be remembered for longer once both sides have gone quiet. */
const over = 32_000 + 5000

/** Ten ways to leave a transaction behind; each opens or sends one, and lets it down. */
const ways: Record<string, (desk: Desk, changes: Changes) => void> = {
  'an INVITE refused and never ACKed': (desk, changes) => {
    const invite = asks('INVITE', changes)
    desk.opens(invite).responds(says(invite, 486))
  },
  'an INVITE refused and ACKed': (desk, changes) => {
    const invite = asks('INVITE', changes)
    desk.opens(invite).responds(says(invite, 486))
    desk.hears(asks('ACK', { ...changes, toTag: 'bob' }))
  },
  'an INVITE accepted': (desk, changes) => {
    const invite = asks('INVITE', changes)
    desk.opens(invite).responds(says(invite, 200))
  },
  'a request nobody answers': (desk, changes) => {
    desk.opens(asks('OPTIONS', changes))
  },
  'a request answered': (desk, changes) => {
    const options = asks('OPTIONS', changes)
    desk.opens(options).responds(says(options, 200))
  },
  'an INVITE into silence': (desk, changes) => {
    desk.sends(asks('INVITE', changes))
  },
  'an INVITE that rings and is given up': (desk, changes) => {
    const invite = asks('INVITE', changes)
    desk.sends(invite)
    desk.hears(says(invite, 180))
    desk.abandons()
  },
  'an INVITE that fails': (desk, changes) => {
    const invite = asks('INVITE', changes)
    desk.sends(invite)
    desk.hears(says(invite, 503))
  },
  'an INVITE that succeeds': (desk, changes) => {
    const invite = asks('INVITE', changes)
    desk.sends(invite)
    desk.hears(says(invite, 200))
  },
  'a BYE into silence': (desk, changes) => {
    desk.sends(asks('BYE', changes))
  },
}

describe('a transaction left behind', () => {
  test.each(Object.entries(ways))('%s is forgotten after 64·T1 and T4, timers and all', (_, leave) => {
    const desk = new Desk()
    for (let i = 0; i < each; i++) leave(desk, { branch: `z9hG4bK-${i}`, callId: `call-${i}` })
    expect(desk.transactions.size).toBe(each)
    desk.after(over)
    expect(desk.transactions.size).toBe(0)
    expect(desk.transactions.timers).toBe(0)
    expect(desk.transactions.nextDeadline()).toBeUndefined()
  })

  test('tells its end once and nothing after it', () => {
    const desk = new Desk()
    for (const [i, leave] of Object.values(ways).entries()) leave(desk, { branch: `z9hG4bK-${i}` })
    const done = desk.after(over)
    expect(done.filter((what) => what.endsWith(' ended'))).toHaveLength(Object.keys(ways).length)
    expect(desk.after(3_600_000)).toEqual([])
  })

  test('costs at most two timers while it lingers', () => {
    const desk = new Desk()
    for (const [i, leave] of Object.values(ways).entries()) leave(desk, { branch: `z9hG4bK-${i}` })
    expect(desk.transactions.timers).toBeLessThanOrEqual(2 * desk.transactions.size)
  })

  test('leaves no timer of a state it has left', () => {
    const desk = new Desk()
    const invite = asks('INVITE')
    desk.sends(invite)
    expect(desk.transactions.timers).toBe(2)
    desk.hears(says(invite, 180))
    expect(desk.transactions.timers).toBe(0)
    desk.hears(says(invite, 200))
    expect(desk.transactions.timers).toBe(1)
  })
  test('gives its memory back', () => {
    const desk = new Desk()
    leaveBehind(desk, 20_000)
    desk.after(over)
    const before = heapMegabytes()
    leaveBehind(desk, 20_000)
    const lingering = heapMegabytes() - before
    desk.after(over)
    expect(lingering).toBeGreaterThan(10)
    expect(heapMegabytes() - before).toBeLessThan(lingering / 4)
  })
})

function leaveBehind(desk: Desk, count: number): void {
  const leaves = Object.values(ways)
  for (let i = 0; i < count; i++) leaves[i % leaves.length]?.(desk, { branch: `z9hG4bK-${i}` })
}

function heapMegabytes(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 1e6
}
