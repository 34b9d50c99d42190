import { describe, expect, test } from 'vitest'
import { asks, Desk, says } from '../../support/transactions.ts'

const invite = asks('INVITE')

describe('a request finds its server transaction (RFC 3261 §17.2.3)', () => {
  test('by branch, sent-by and method', () => {
    const desk = new Desk().opens(invite)
    expect(desk.hears(invite)).toEqual([])
    expect(desk.hears(asks('INVITE', { branch: 'z9hG4bK-2' }))).toEqual(['new INVITE'])
    expect(desk.hears(asks('OPTIONS'))).toEqual(['new OPTIONS'])
  })

  test('not by the branch of another client, who may have chosen the same', () => {
    const desk = new Desk().opens(invite)
    for (const sentBy of ['192.0.2.2:5060', '192.0.2.1:5062', '192.0.2.1']) {
      const other = asks('INVITE', { via: `SIP/2.0/UDP ${sentBy};branch=z9hG4bK-1` })
      expect(desk.hears(other)).toEqual(['new INVITE'])
    }
  })

  test('even when a NAT moved the client to another port meanwhile', () => {
    const desk = new Desk().opens(invite)
    expect(desk.hears(invite, { ...desk.flow, port: 40_000 })).toEqual([])
  })

  test('where an ACK means the INVITE', () => {
    const desk = new Desk().opens(invite)
    desk.responds(says(invite, 486))
    expect(desk.hears(asks('ACK', { toTag: 'bob' }))).toEqual([])
    expect(desk.after(60_000)).toEqual(['5000 ended'])
  })

  test('where an ACK under a branch of its own is for a 2xx, or for an answer nobody remembers', () => {
    const desk = new Desk().opens(invite)
    desk.responds(says(invite, 200))
    expect(desk.hears(asks('ACK', { toTag: 'bob', branch: 'z9hG4bK-2' }))).toEqual(['new ACK'])
  })

  test('among many, each its own', () => {
    const desk = new Desk()
    const many = Array.from({ length: 19 }, (_, i) =>
      asks('INVITE', { branch: `z9hG4bK-${i}`, callId: `call-${i}` }),
    )
    for (const [i, asked] of many.entries()) desk.opens(asked).responds(says(asked, 180 + i))
    for (const [i, asked] of many.entries()) expect(desk.hears(asked)).toEqual([`→ ${180 + i}`])
  })
})

describe('a request of an RFC 2543 client finds its server transaction (RFC 3261 §17.2.3)', () => {
  const via = 'SIP/2.0/UDP 192.0.2.1:5060'
  const old = asks('INVITE', { via })

  test('by Request-URI, From tag, Call-ID, CSeq and Via', () => {
    const desk = new Desk().opens(old)
    desk.responds(says(old, 180))
    expect(desk.hears(asks('INVITE', { via }))).toEqual(['→ 180'])
    expect(desk.hears(asks('INVITE', { via, uri: 'sip:carol@example.com' }))).toEqual(['new INVITE'])
    expect(desk.hears(asks('INVITE', { via, fromTag: 'carol' }))).toEqual(['new INVITE'])
    expect(desk.hears(asks('INVITE', { via, callId: 'call-2' }))).toEqual(['new INVITE'])
    expect(desk.hears(asks('INVITE', { via, cseq: 2 }))).toEqual(['new INVITE'])
    expect(desk.hears(asks('INVITE', { via: `${via};branch=1` }))).toEqual(['new INVITE'])
  })

  test('with an ACK only when it bears the To tag of the failure', () => {
    const desk = new Desk().opens(old)
    desk.responds(says(old, 486, 'bob'))
    expect(desk.hears(asks('ACK', { via, toTag: 'somebody-else' }))).toEqual(['new ACK'])
    expect(desk.hears(asks('ACK', { via, toTag: 'bob' }))).toEqual([])
    expect(desk.after(60_000)).toEqual(['5000 ended'])
  })

  test('but never with the ACK for a 2xx', () => {
    const desk = new Desk().opens(old)
    desk.responds(says(old, 200, 'bob'))
    expect(desk.hears(asks('ACK', { via, toTag: 'bob' }))).toEqual(['new ACK'])
  })

  test('with its CANCEL', () => {
    const desk = new Desk().opens(old)
    expect(desk.transactions.cancelled(asks('CANCEL', { via }))).toBe(desk.id)
    expect(desk.transactions.cancelled(asks('CANCEL', { via, cseq: 2 }))).toBeUndefined()
  })
})

describe('a response finds its client transaction (RFC 3261 §17.1.3)', () => {
  test('by branch and the method of its CSeq', () => {
    const desk = new Desk()
    const cancel = asks('CANCEL')
    desk.sends(invite)
    const inviteId = desk.id
    desk.sends(cancel)
    expect(desk.transactions.receive(desk.now, says(cancel, 200), desk.flow)).toMatchObject([{ id: desk.id }])
    expect(desk.transactions.receive(desk.now, says(invite, 180), desk.flow)).toMatchObject([
      { id: inviteId },
    ])
  })

  test('or goes no further (RFC 6026 §8.2)', () => {
    const desk = new Desk()
    desk.sends(invite)
    expect(desk.hears(says(asks('INVITE', { branch: 'z9hG4bK-2' }), 200))).toEqual(['stray 200'])
    expect(desk.hears(says(asks('OPTIONS'), 200))).toEqual(['stray 200'])
  })

  test('and never the transaction of a request to ourselves which has the same branch', () => {
    const desk = new Desk()
    desk.sends(invite)
    desk.opens(invite)
    expect(desk.responds(says(invite, 180))).toEqual(['→ 180'])
    expect(desk.hears(says(invite, 180))).toEqual(['hears 180'])
  })
})
