import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import { asks, says, TransactionHarness } from '../../support/transaction-harness.ts'

const invite = asks('INVITE')

describe('a request finds its server transaction (RFC 3261 §17.2.3)', () => {
  test('by branch, sent-by and method', () => {
    const harness = new TransactionHarness().opens(invite)
    expect(harness.hears(invite)).toEqual([])
    expect(harness.hears(asks('INVITE', { branch: 'z9hG4bK-2' }))).toEqual(['new INVITE'])
    expect(harness.hears(asks('OPTIONS'))).toEqual(['new OPTIONS'])
  })

  test('not by the branch of another client, who may have chosen the same', () => {
    const harness = new TransactionHarness().opens(invite)
    for (const sentBy of ['192.0.2.2:5060', '192.0.2.1:5062', '192.0.2.1']) {
      const other = asks('INVITE', { via: `SIP/2.0/UDP ${sentBy};branch=z9hG4bK-1` })
      expect(harness.hears(other)).toEqual(['new INVITE'])
    }
  })

  test('even when a NAT moved the client to another port meanwhile', () => {
    const harness = new TransactionHarness().opens(invite)
    expect(harness.hears(invite, { ...harness.flow, port: portNumber(40_000) })).toEqual([])
  })

  test('where an ACK means the INVITE', () => {
    const harness = new TransactionHarness().opens(invite)
    harness.responds(says(invite, 486))
    expect(harness.hears(asks('ACK', { toTag: 'bob' }))).toEqual([])
    expect(harness.after(60_000)).toEqual(['5000 ended'])
  })

  test('where an ACK under a branch of its own is for a 2xx, or for an answer nobody remembers', () => {
    const harness = new TransactionHarness().opens(invite)
    harness.responds(says(invite, 200))
    expect(harness.hears(asks('ACK', { toTag: 'bob', branch: 'z9hG4bK-2' }))).toEqual(['new ACK'])
  })

  test('among many, each its own', () => {
    const harness = new TransactionHarness()
    const many = Array.from({ length: 19 }, (_, i) =>
      asks('INVITE', { branch: `z9hG4bK-${i}`, callId: `call-${i}` }),
    )
    for (const [i, asked] of many.entries()) harness.opens(asked).responds(says(asked, 180 + i))
    for (const [i, asked] of many.entries()) expect(harness.hears(asked)).toEqual([`→ ${180 + i}`])
  })
})

describe('a request of an RFC 2543 client finds its server transaction (RFC 3261 §17.2.3)', () => {
  const via = 'SIP/2.0/UDP 192.0.2.1:5060'
  const old = asks('INVITE', { via })

  test('by Request-URI, From tag, Call-ID, CSeq and Via', () => {
    const harness = new TransactionHarness().opens(old)
    harness.responds(says(old, 180))
    expect(harness.hears(asks('INVITE', { via }))).toEqual(['→ 180'])
    expect(harness.hears(asks('INVITE', { via, uri: 'sip:carol@example.com' }))).toEqual(['new INVITE'])
    expect(harness.hears(asks('INVITE', { via, fromTag: 'carol' }))).toEqual(['new INVITE'])
    expect(harness.hears(asks('INVITE', { via, callId: 'call-2' }))).toEqual(['new INVITE'])
    expect(harness.hears(asks('INVITE', { via, cseq: 2 }))).toEqual(['new INVITE'])
    expect(harness.hears(asks('INVITE', { via: `${via};branch=1` }))).toEqual(['new INVITE'])
  })

  test('with an ACK only when it bears the To tag of the failure', () => {
    const harness = new TransactionHarness().opens(old)
    harness.responds(says(old, 486, 'bob'))
    expect(harness.hears(asks('ACK', { via, toTag: 'somebody-else' }))).toEqual(['new ACK'])
    expect(harness.hears(asks('ACK', { via, toTag: 'bob' }))).toEqual([])
    expect(harness.after(60_000)).toEqual(['5000 ended'])
  })

  test('but never with the ACK for a 2xx', () => {
    const harness = new TransactionHarness().opens(old)
    harness.responds(says(old, 200, 'bob'))
    expect(harness.hears(asks('ACK', { via, toTag: 'bob' }))).toEqual(['new ACK'])
  })

  test('with its CANCEL', () => {
    const harness = new TransactionHarness().opens(old)
    expect(harness.transactions.cancelled(asks('CANCEL', { via }))).toBe(harness.id)
    expect(harness.transactions.cancelled(asks('CANCEL', { via, cseq: 2 }))).toBeUndefined()
  })
})

describe('a response finds its client transaction (RFC 3261 §17.1.3)', () => {
  test('by branch and the method of its CSeq', () => {
    const harness = new TransactionHarness()
    const cancel = asks('CANCEL')
    harness.sends(invite)
    const inviteId = harness.id
    harness.sends(cancel)
    expect(
      harness.transactions.receive(
        { type: 'message', message: says(cancel, 200), flow: harness.flow },
        monotonicMs(harness.now),
      ),
    ).toMatchObject([{ id: harness.id }])
    expect(
      harness.transactions.receive(
        { type: 'message', message: says(invite, 180), flow: harness.flow },
        monotonicMs(harness.now),
      ),
    ).toMatchObject([{ id: inviteId }])
  })

  test('or goes no further (RFC 6026 §8.2)', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    expect(harness.hears(says(asks('INVITE', { branch: 'z9hG4bK-2' }), 200))).toEqual(['stray 200'])
    expect(harness.hears(says(asks('OPTIONS'), 200))).toEqual(['stray 200'])
  })

  test('and never the transaction of a request to ourselves which has the same branch', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    harness.opens(invite)
    expect(harness.responds(says(invite, 180))).toEqual(['→ 180'])
    expect(harness.hears(says(invite, 180))).toEqual(['hears 180'])
  })
})
