import { describe, expect, test } from 'vitest'
import {
  dialogKey,
  dialogKeyOf,
  receiveInDialog,
  refreshTarget,
  uacDialog,
  uasDialog,
} from '../../../relay/dialog/dialog.ts'
import type { Header } from '../../../relay/sip/message.ts'
import { reply } from '../../../relay/sip/reply.ts'
import { asks } from '../../support/transaction-harness.ts'

const recorded: Header[] = [
  ['record-route', '<sip:near-alice.example.com;lr>, <sip:middle.example.com;lr>'],
  ['record-route', '<sip:near-bob.example.com;lr>'],
]
const invite = asks('INVITE', { cseq: 7, headers: [...recorded, contact('sip:alice@192.0.2.1:5062')] })
const ringing = reply(invite, 180, { toTag: 'bob', headers: [contact('sip:bob@192.0.2.9')] })
const answer = reply(invite, 200, { toTag: 'bob', headers: [contact('<sip:bob@192.0.2.9>;q=0.5')] })

describe('a dialog as the caller has it (RFC 3261 §12.1.2)', () => {
  test('begins with the tags, numbers and addresses of INVITE and answer', () => {
    expect(uacDialog(invite, answer)).toEqual({
      callId: 'call-1',
      localTag: 'alice',
      remoteTag: 'bob',
      local: 'Alice <sip:alice@example.com>;tag=alice',
      remote: 'Bob <sip:bob@example.com>;tag=bob',
      localCseq: 7,
      remoteCseq: undefined,
      remoteTarget: 'sip:bob@192.0.2.9',
      routeSet: [
        '<sip:near-bob.example.com;lr>',
        '<sip:middle.example.com;lr>',
        '<sip:near-alice.example.com;lr>',
      ],
      confirmed: true,
    })
  })

  test('is early after a 180 and takes route set and target from the 2xx (§13.2.2.4)', () => {
    const dialog = uacDialog(invite, ringing)
    expect(dialog.confirmed).toBe(false)
    const moved = reply(asks('INVITE', { cseq: 7 }), 200, {
      toTag: 'bob',
      headers: [contact('sip:bob@192.0.2.10')],
    })
    expect(uacDialog(invite, moved)).toMatchObject({
      confirmed: true,
      remoteTarget: 'sip:bob@192.0.2.10',
      routeSet: [],
    })
  })

  test('is another for each phone that answers', () => {
    const other = reply(invite, 200, { toTag: 'bobs-desk' })
    expect(dialogKey(uacDialog(invite, answer))).not.toBe(dialogKey(uacDialog(invite, other)))
  })

  test('aims at whom it called when the answer bears no Contact', () => {
    expect(uacDialog(invite, reply(invite, 200, { toTag: 'bob' })).remoteTarget).toBe('sip:bob@example.com')
  })

  test('lives with an answer without a tag (RFC 2543)', () => {
    expect(uacDialog(invite, reply(invite, 200)).remoteTag).toBe('')
  })
})

describe('a dialog as the callee has it (RFC 3261 §12.1.1)', () => {
  test('begins with the tags, numbers and addresses of the INVITE, and the routes in their order', () => {
    expect(uasDialog(invite, 'bob')).toEqual({
      callId: 'call-1',
      localTag: 'bob',
      remoteTag: 'alice',
      local: 'Bob <sip:bob@example.com>;tag=bob',
      remote: 'Alice <sip:alice@example.com>;tag=alice',
      localCseq: 0,
      remoteCseq: 7,
      remoteTarget: 'sip:alice@192.0.2.1:5062',
      routeSet: [
        '<sip:near-alice.example.com;lr>',
        '<sip:middle.example.com;lr>',
        '<sip:near-bob.example.com;lr>',
      ],
      confirmed: false,
    })
  })

  test('aims at who called when the INVITE bears no Contact', () => {
    expect(uasDialog(asks('INVITE'), 'bob').remoteTarget).toBe('sip:alice@example.com')
  })

  test('has the same name as the requests which come in it', () => {
    const bye = asks('BYE', { toTag: 'bob', cseq: 8 })
    expect(dialogKeyOf(bye)).toBe(dialogKey(uasDialog(invite, 'bob')))
    expect(dialogKeyOf(asks('BYE', { toTag: 'carol' }))).not.toBe(dialogKey(uasDialog(invite, 'bob')))
    expect(dialogKeyOf(asks('BYE'))).toBeUndefined()
  })
})

describe('a request which comes in a dialog (RFC 3261 §12.2.2)', () => {
  test('is old when its number is lower than the last one', () => {
    const dialog = uasDialog(invite, 'bob')
    expect(receiveInDialog(dialog, asks('UPDATE', { cseq: 10, toTag: 'bob' }))).toBe('ok')
    expect(receiveInDialog(dialog, asks('BYE', { cseq: 9, toTag: 'bob' }))).toBe('old')
    expect(receiveInDialog(dialog, asks('BYE', { cseq: 11, toTag: 'bob' }))).toBe('ok')
    expect(dialog.remoteCseq).toBe(11)
  })

  test('is not old with the number of the last one: some ask again with credentials under the same', () => {
    const dialog = uasDialog(invite, 'bob')
    expect(receiveInDialog(dialog, asks('INVITE', { cseq: 7, toTag: 'bob' }))).toBe('ok')
  })

  test('may have any number when it is the first', () => {
    const dialog = uacDialog(invite, answer)
    expect(receiveInDialog(dialog, asks('BYE', { cseq: 2_000_000_000 }))).toBe('ok')
    expect(dialog.remoteCseq).toBe(2_000_000_000)
  })

  test('is never old as an ACK or CANCEL, and counts for nothing then', () => {
    const dialog = uasDialog(invite, 'bob')
    receiveInDialog(dialog, asks('INFO', { cseq: 10, toTag: 'bob' }))
    expect(receiveInDialog(dialog, asks('ACK', { cseq: 7, toTag: 'bob' }))).toBe('ok')
    expect(receiveInDialog(dialog, asks('CANCEL', { cseq: 7 }))).toBe('ok')
    expect(dialog.remoteCseq).toBe(10)
  })
})

describe('the remote target (RFC 3261 §12.2)', () => {
  const reinvite = asks('INVITE', { cseq: 8, toTag: 'bob', headers: [contact('sip:alice@198.51.100.7')] })

  test('moves with a re-INVITE or UPDATE which is answered 2xx', () => {
    const dialog = uasDialog(invite, 'bob')
    refreshTarget(dialog, reinvite, 200)
    expect(dialog.remoteTarget).toBe('sip:alice@198.51.100.7')
    refreshTarget(dialog, asks('UPDATE', { headers: [contact('sip:alice@198.51.100.8')] }), 202)
    expect(dialog.remoteTarget).toBe('sip:alice@198.51.100.8')
  })

  test('moves with the 2xx to our own re-INVITE', () => {
    const dialog = uacDialog(invite, answer)
    refreshTarget(dialog, reply(reinvite, 200, { headers: [contact('sip:bob@198.51.100.9')] }), 200)
    expect(dialog.remoteTarget).toBe('sip:bob@198.51.100.9')
  })

  test.each([100, 183, 401, 488, 491, 500])('stays when the answer is %i', (status) => {
    const dialog = uasDialog(invite, 'bob')
    refreshTarget(dialog, reinvite, status)
    expect(dialog.remoteTarget).toBe('sip:alice@192.0.2.1:5062')
  })

  test('stays when nothing new is said, or by a request which cannot move it', () => {
    const dialog = uasDialog(invite, 'bob')
    refreshTarget(dialog, asks('INVITE', { toTag: 'bob' }), 200)
    refreshTarget(dialog, asks('INFO', { headers: [contact('sip:mallory@203.0.113.1')] }), 200)
    expect(dialog.remoteTarget).toBe('sip:alice@192.0.2.1:5062')
  })
})

function contact(uri: string): Header {
  return ['contact', uri.startsWith('<') ? uri : `<${uri}>`]
}
