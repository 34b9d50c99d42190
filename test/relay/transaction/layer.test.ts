import { describe, expect, test } from 'vitest'
import { asks, Desk, says, tcp, udp } from '../../support/transactions.ts'

const invite = asks('INVITE')

describe('the transaction layer', () => {
  test('hands up a stranger and creates nothing for it, that it may be answered statelessly (RFC 3261 §8.2.7)', () => {
    const desk = new Desk()
    expect(desk.hears(invite)).toEqual(['new INVITE'])
    expect(desk.hears(invite)).toEqual(['new INVITE'])
    expect(desk.transactions.size).toBe(0)
    expect(desk.transactions.nextDeadline()).toBeUndefined()
  })

  test('answers where the packet came from, not where the Via says', () => {
    const behindNat = asks('INVITE', { via: 'SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bK-n' })
    const source = { ...udp, address: '198.51.100.4', port: 40_123 }
    const desk = new Desk().opens(behindNat, source)
    desk.responds(says(behindNat, 180))
    expect(desk.sentTo).toEqual(source)
  })

  test('answers down the connection the request came up', () => {
    const desk = new Desk(tcp).opens(invite)
    desk.responds(says(invite, 180))
    expect(desk.sentTo).toEqual(tcp)
  })

  test('keeps to the port of the Via when told to be literal (RFC 3581 §4)', () => {
    const asked = asks('OPTIONS', { via: 'SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK-n' })
    const desk = new Desk()
    desk.id = desk.transactions.open(desk.now, asked, { ...udp, port: 40_123 }, false)
    desk.responds(says(asked, 200))
    expect(desk.sentTo).toEqual({ ...udp, port: 5070 })
  })

  test('sends nothing for an id it does not know, or which is a client', () => {
    const desk = new Desk()
    desk.sends(invite)
    expect(desk.responds(says(invite, 200))).toEqual([])
    expect(desk.responds(says(invite, 200), 4711)).toEqual([])
  })

  test('tells which flow a response came by', () => {
    const desk = new Desk()
    desk.sends(invite)
    const elsewhere = { ...udp, port: 5062 }
    expect(desk.transactions.receive(desk.now, says(invite, 180), elsewhere)).toMatchObject([
      { flow: elsewhere },
    ])
  })

  test('scales its timers with T1, but absorbs failures for 32 s at least (RFC 6026 §8.4)', () => {
    const desk = new Desk(udp, { t1: 100 })
    desk.sends(invite)
    expect(desk.after(60_000).at(-1)).toBe('6400 ended')
    desk.sends(asks('INVITE', { branch: 'z9hG4bK-2' }))
    desk.hears(says(asks('INVITE', { branch: 'z9hG4bK-2' }), 486))
    expect(desk.after(60_000)).toEqual(['32000 ended'])
  })
})

describe('a CANCEL (RFC 3261 §9.2)', () => {
  const cancel = asks('CANCEL')

  test('is a stranger, and names the INVITE it means', () => {
    const desk = new Desk().opens(invite)
    expect(desk.hears(cancel)).toEqual(['new CANCEL'])
    expect(desk.transactions.cancelled(cancel)).toBe(desk.id)
  })

  test('is repeated like any request once opened, while the INVITE gets its 487', () => {
    const desk = new Desk().opens(invite)
    const inviteId = desk.id
    desk.opens(cancel)
    expect(desk.responds(says(cancel, 200))).toEqual(['→ 200'])
    expect(desk.responds(says(invite, 487), inviteId)).toEqual(['→ 487'])
    expect(desk.hears(cancel)).toEqual(['→ 200'])
  })

  test('names an INVITE already answered too, but no forgotten one', () => {
    const desk = new Desk().opens(invite)
    desk.responds(says(invite, 200))
    expect(desk.transactions.cancelled(cancel)).toBe(desk.id)
    desk.after(32_000)
    expect(desk.transactions.cancelled(cancel)).toBeUndefined()
  })

  test('of another client, or under another branch, names nothing', () => {
    const desk = new Desk().opens(invite)
    const stranger = asks('CANCEL', { via: 'SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bK-1' })
    expect(desk.transactions.cancelled(stranger)).toBeUndefined()
    expect(desk.transactions.cancelled(asks('CANCEL', { branch: 'z9hG4bK-2' }))).toBeUndefined()
  })

  test('means an INVITE only', () => {
    const desk = new Desk().opens(asks('OPTIONS'))
    expect(desk.transactions.cancelled(cancel)).toBeUndefined()
  })
})

describe('a request merged from a fork (RFC 3261 §8.2.2.2)', () => {
  const copy = asks('INVITE', { branch: 'z9hG4bK-other-way' })

  test('is known by From tag, Call-ID and CSeq while the first is alive', () => {
    const desk = new Desk().opens(invite)
    expect(desk.transactions.merged(copy)).toBe(true)
    expect(desk.transactions.merged(invite)).toBe(false)
    desk.responds(says(invite, 200))
    expect(desk.transactions.merged(copy)).toBe(true)
    desk.after(32_000)
    expect(desk.transactions.merged(copy)).toBe(false)
  })

  test('stays known when the copy was opened and is over before the first', () => {
    const desk = new Desk().opens(invite)
    desk.opens(copy)
    desk.responds(says(copy, 482))
    expect(desk.after(32_000)).toContain('32000 ended')
    expect(desk.transactions.merged(copy)).toBe(true)
  })

  test('differs from a retry with the next number, and from whatever belongs to a dialog', () => {
    const desk = new Desk().opens(invite)
    expect(desk.transactions.merged(asks('INVITE', { branch: 'z9hG4bK-2', cseq: 2 }))).toBe(false)
    expect(desk.transactions.merged(asks('INVITE', { branch: 'z9hG4bK-2', fromTag: 'carol' }))).toBe(false)
    expect(desk.transactions.merged(asks('INVITE', { branch: 'z9hG4bK-2', callId: 'call-2' }))).toBe(false)
    expect(desk.transactions.merged(asks('INVITE', { branch: 'z9hG4bK-2', toTag: 'bob' }))).toBe(false)
  })

  test('is no CANCEL, nor any other method', () => {
    const desk = new Desk().opens(invite)
    desk.opens(asks('CANCEL'))
    expect(desk.transactions.merged(asks('CANCEL', { branch: 'z9hG4bK-2' }))).toBe(false)
    expect(desk.transactions.merged(asks('OPTIONS', { branch: 'z9hG4bK-2' }))).toBe(false)
  })
})

describe('a flow nothing can be sent to (RFC 3261 §18.4)', () => {
  test('ends every client transaction there and none elsewhere', () => {
    const desk = new Desk()
    desk.sends(invite)
    desk.sends(asks('OPTIONS', { branch: 'z9hG4bK-2' }))
    const elsewhere = { ...udp, address: '192.0.2.2' }
    desk.transactions.request(desk.now, asks('OPTIONS', { branch: 'z9hG4bK-3' }), elsewhere)
    expect(desk.cannotReach()).toEqual(['unreachable', 'ended', 'unreachable', 'ended'])
    expect(desk.transactions.size).toBe(1)
  })

  test('says why', () => {
    const desk = new Desk()
    desk.sends(invite)
    expect(desk.transactions.unsent(desk.now, udp, 'ECONNREFUSED')).toMatchObject([
      { type: 'unreachable', id: desk.id, why: 'ECONNREFUSED' },
      { type: 'ended', id: desk.id },
    ])
  })

  test('bothers nobody when nothing is under way there', () => {
    expect(new Desk().cannotReach()).toEqual([])
  })
})
