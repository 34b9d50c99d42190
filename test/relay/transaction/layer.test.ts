import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import { asks, says, TransactionHarness, tcp, udp } from '../../support/transaction-harness.ts'

const invite = asks('INVITE')

describe('the transaction layer', () => {
  test('hands up a stranger and creates nothing for it, that it may be answered statelessly (RFC 3261 §8.2.7)', () => {
    const harness = new TransactionHarness()
    expect(harness.hears(invite)).toEqual(['new INVITE'])
    expect(harness.hears(invite)).toEqual(['new INVITE'])
    expect(harness.transactions.size).toBe(0)
    expect(harness.transactions.nextDeadline()).toBeUndefined()
  })

  test('answers where the packet came from, not where the Via says', () => {
    const behindNat = asks('INVITE', { via: 'SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bK-n' })
    const source = { ...udp, address: '198.51.100.4', port: portNumber(40_123) }
    const harness = new TransactionHarness().opens(behindNat, source)
    harness.responds(says(behindNat, 180))
    expect(harness.sentTo).toEqual(source)
  })

  test('answers down the connection the request came up', () => {
    const harness = new TransactionHarness(tcp).opens(invite)
    harness.responds(says(invite, 180))
    expect(harness.sentTo).toEqual(tcp)
  })

  test('keeps to the port of the Via when told to be literal (RFC 3581 §4)', () => {
    const asked = asks('OPTIONS', { via: 'SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK-n' })
    const harness = new TransactionHarness()
    harness.id = harness.transactions.open(
      monotonicMs(harness.now),
      asked,
      { ...udp, port: portNumber(40_123) },
      false,
    )
    harness.responds(says(asked, 200))
    expect(harness.sentTo).toEqual({ ...udp, port: portNumber(5070) })
  })

  test('sends nothing for an id it does not know, or which is a client', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    expect(harness.responds(says(invite, 200))).toEqual([])
    expect(harness.responds(says(invite, 200), 4711)).toEqual([])
  })

  test('tells which flow a response came by', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    const elsewhere = { ...udp, port: portNumber(5062) }
    expect(
      harness.transactions.receive(
        { type: 'message', message: says(invite, 180), flow: elsewhere },
        monotonicMs(harness.now),
      ),
    ).toMatchObject([{ flow: elsewhere }])
  })

  test('forgets together what only lingers: the relay wakes a few times a second for that, and never too early', () => {
    const harness = new TransactionHarness()
    for (let at = 0; at < 100; at++) {
      const asked = asks('OPTIONS', { branch: `z9hG4bK-${at}` })
      harness.opens(asked)
      harness.responds(says(asked, 200))
      harness.after(7)
    }
    const ended = harness.after(60_000).map((words) => 700 + Number.parseInt(words, 10))
    expect(ended).toHaveLength(100)
    expect(new Set(ended).size).toBeLessThanOrEqual(4)
    for (const [at, when] of ended.entries()) {
      expect(when - 7 * at).toBeGreaterThanOrEqual(32_000)
      expect(when - 7 * at).toBeLessThanOrEqual(32_250)
    }
  })

  test('scales its timers with T1, but absorbs failures for 32 s at least (RFC 6026 §8.4)', () => {
    const harness = new TransactionHarness(udp, { t1: 100 })
    harness.sends(invite)
    expect(harness.after(60_000).at(-1)).toBe('6400 ended')
    harness.sends(asks('INVITE', { branch: 'z9hG4bK-2' }))
    harness.hears(says(asks('INVITE', { branch: 'z9hG4bK-2' }), 486))
    expect(harness.after(60_000)).toEqual(['32000 ended'])
  })
})

describe('a CANCEL (RFC 3261 §9.2)', () => {
  const cancel = asks('CANCEL')

  test('is a stranger, and names the INVITE it means', () => {
    const harness = new TransactionHarness().opens(invite)
    expect(harness.hears(cancel)).toEqual(['new CANCEL'])
    expect(harness.transactions.cancelled(cancel)).toBe(harness.id)
  })

  test('is repeated like any request once opened, while the INVITE gets its 487', () => {
    const harness = new TransactionHarness().opens(invite)
    const inviteId = harness.id
    harness.opens(cancel)
    expect(harness.responds(says(cancel, 200))).toEqual(['→ 200'])
    expect(harness.responds(says(invite, 487), inviteId)).toEqual(['→ 487'])
    expect(harness.hears(cancel)).toEqual(['→ 200'])
  })

  test('names an INVITE already answered too, but no forgotten one', () => {
    const harness = new TransactionHarness().opens(invite)
    harness.responds(says(invite, 200))
    expect(harness.transactions.cancelled(cancel)).toBe(harness.id)
    harness.after(32_000)
    expect(harness.transactions.cancelled(cancel)).toBeUndefined()
  })

  test('of another client, or under another branch, names nothing', () => {
    const harness = new TransactionHarness().opens(invite)
    const stranger = asks('CANCEL', { via: 'SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bK-1' })
    expect(harness.transactions.cancelled(stranger)).toBeUndefined()
    expect(harness.transactions.cancelled(asks('CANCEL', { branch: 'z9hG4bK-2' }))).toBeUndefined()
  })

  test('means an INVITE only', () => {
    const harness = new TransactionHarness().opens(asks('OPTIONS'))
    expect(harness.transactions.cancelled(cancel)).toBeUndefined()
  })
})

describe('a request merged from a fork (RFC 3261 §8.2.2.2)', () => {
  const copy = asks('INVITE', { branch: 'z9hG4bK-other-way' })

  test('is known by From tag, Call-ID and CSeq while the first is alive', () => {
    const harness = new TransactionHarness().opens(invite)
    expect(harness.transactions.merged(copy)).toBe(true)
    expect(harness.transactions.merged(invite)).toBe(false)
    harness.responds(says(invite, 200))
    expect(harness.transactions.merged(copy)).toBe(true)
    harness.after(32_000)
    expect(harness.transactions.merged(copy)).toBe(false)
  })

  test('stays known when the copy was opened and is over before the first', () => {
    const harness = new TransactionHarness().opens(invite)
    harness.opens(copy)
    harness.responds(says(copy, 482))
    expect(harness.after(32_000)).toContain('32000 ended')
    expect(harness.transactions.merged(copy)).toBe(true)
  })

  test('differs from a retry with the next number, and from whatever belongs to a dialog', () => {
    const harness = new TransactionHarness().opens(invite)
    expect(harness.transactions.merged(asks('INVITE', { branch: 'z9hG4bK-2', cseq: 2 }))).toBe(false)
    expect(harness.transactions.merged(asks('INVITE', { branch: 'z9hG4bK-2', fromTag: 'carol' }))).toBe(false)
    expect(harness.transactions.merged(asks('INVITE', { branch: 'z9hG4bK-2', callId: 'call-2' }))).toBe(false)
    expect(harness.transactions.merged(asks('INVITE', { branch: 'z9hG4bK-2', toTag: 'bob' }))).toBe(false)
  })

  test('is no CANCEL, nor any other method', () => {
    const harness = new TransactionHarness().opens(invite)
    harness.opens(asks('CANCEL'))
    expect(harness.transactions.merged(asks('CANCEL', { branch: 'z9hG4bK-2' }))).toBe(false)
    expect(harness.transactions.merged(asks('OPTIONS', { branch: 'z9hG4bK-2' }))).toBe(false)
  })
})

describe('a flow nothing can be sent to (RFC 3261 §18.4)', () => {
  test('ends every client transaction there and none elsewhere', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    harness.sends(asks('OPTIONS', { branch: 'z9hG4bK-2' }))
    const elsewhere = { ...udp, address: '192.0.2.2' }
    harness.transactions.request(
      monotonicMs(harness.now),
      asks('OPTIONS', { branch: 'z9hG4bK-3' }),
      elsewhere,
    )
    expect(harness.cannotReach()).toEqual(['unreachable', 'ended', 'unreachable', 'ended'])
    expect(harness.transactions.size).toBe(1)
  })

  test('says why', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    expect(
      harness.transactions.receive(
        { type: 'unsent', flow: udp, why: 'ECONNREFUSED' },
        monotonicMs(harness.now),
      ),
    ).toMatchObject([
      { type: 'unreachable', id: harness.id, why: 'ECONNREFUSED' },
      { type: 'ended', id: harness.id },
    ])
  })

  test('bothers nobody when nothing is under way there', () => {
    expect(new TransactionHarness().cannotReach()).toEqual([])
  })
})
