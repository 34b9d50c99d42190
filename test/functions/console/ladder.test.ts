import { describe, expect, test } from 'vitest'
import { attempt, type SipMessage } from '#contract'
import { callExample } from '../../../functions/config/call-operations.ts'
import { ladderOf } from '../../../functions/console/ladder-rows.ts'
import type { ShownCall } from '../../../functions/console/shown.ts'

/*
 * A call's messages as they are drawn.
 */

const [caller, carrier, backup] = ['192.0.2.44:5060', '192.0.2.4:5060', '192.0.2.5:5060']
const call: ShownCall = {
  ...(callExample as ShownCall),
  attempts: [tried('Primary', carrier), tried('Backup', backup)],
}

describe('the ladder of a call', () => {
  test('has a column for the caller, us, and each who was tried, in that order, named as they are known', () => {
    const { parties, rows } = ladderOf(call, [
      said('in', 'a', caller, 'INVITE sip:x SIP/2.0\r\nTo: <sip:x>\r\n\r\n'),
      said('out', 'b', carrier, 'INVITE sip:x SIP/2.0\r\n\r\n'),
      said('in', 'b', carrier, 'SIP/2.0 503 Service Unavailable\r\nCSeq: 1 INVITE\r\n\r\n'),
      said('out', 'c', backup, 'INVITE sip:x SIP/2.0\r\n\r\n'),
      said('out', 'd', '203.0.113.9:5060', 'INVITE sip:x SIP/2.0\r\n\r\n'),
      said('out', 'e', carrier, 'INVITE sip:x SIP/2.0\r\n\r\n'),
    ])
    expect(parties).toEqual([
      { name: 'office1', address: caller },
      { name: 'Trunkline', address: '' },
      { name: 'Primary', address: carrier },
      { name: 'Backup', address: backup },
      { name: '203.0.113.9:5060', address: '203.0.113.9:5060' },
    ])
    expect(rows.map(({ from, to }) => [from, to])).toEqual([
      [0, 1],
      [1, 2],
      [2, 1],
      [1, 3],
      [1, 4],
      [1, 2],
    ])
  })

  test('keeps a leg in its column, wherever its later messages come from', () => {
    const { parties, rows } = ladderOf(call, [
      said('in', 'a', caller, 'INVITE sip:x SIP/2.0\r\n\r\n'),
      said('in', 'a', '192.0.2.44:61000', 'BYE sip:x SIP/2.0\r\n\r\n'),
    ])
    expect([parties.length, rows.map(({ from }) => from)]).toEqual([2, [0, 0]])
  })

  test.each([
    ['INVITE sip:x SIP/2.0\r\nTo: <sip:x>\r\nContent-Type: application/sdp\r\n\r\n', 'INVITE', 'SDP', ''],
    ['INVITE sip:x SIP/2.0\r\nt: <sip:x>;tag=1\r\n\r\n', 're-INVITE', '', ''],
    ['SIP/2.0 100 Trying\r\nCSeq: 7 INVITE\r\n\r\n', '100 Trying', 'to INVITE', ''],
    ['SIP/2.0 200 OK\r\ncseq : 7 INVITE\r\nc: application/sdp\r\n\r\n', '200 OK', 'to INVITE, SDP', 'good'],
    [
      'SIP/2.0 407 Proxy Authentication Required\r\nCSeq: 7 INVITE\r\n\r\n',
      '407 Proxy Authentication Required',
      'to INVITE',
      'warn',
    ],
    ['SIP/2.0 486 \r\nCSeq: 7 INVITE\r\n\r\n', '486', 'to INVITE', 'bad'],
    ['SIP/2.0 603 Decline\r\nCSeq: 7 INVITE\r\n\r\n', '603 Decline', 'to INVITE', 'bad'],
    ['\x00', 'unreadable', '', ''],
  ])('reads %j', (text, label, note, tone) => {
    expect(ladderOf(call, [said('in', 'a', caller, text)]).rows).toMatchObject([{ label, note, tone }])
  })

  test('says of a message that it was sent before, of one in the other direction that it was not', () => {
    const invite = 'INVITE sip:x SIP/2.0\r\n\r\n'
    const { rows } = ladderOf(call, [
      said('in', 'a', caller, invite),
      said('in', 'a', caller, invite),
      said('out', 'b', carrier, invite),
    ])
    expect(rows.map(({ note }) => note)).toEqual(['', 'again', ''])
  })

  test('counts time from the first of them, though the call began by the second INVITE', () => {
    const invite = said('in', 'a', caller, 'INVITE sip:x SIP/2.0\r\n\r\n')
    const { rows } = ladderOf(call, [
      { ...invite, ms: -4 },
      { ...invite, ms: 0 },
      { ...invite, ms: 19.5 },
    ])
    expect(rows.map(({ ms }) => ms)).toEqual([0, 4, 23.5])
  })

  test('of no messages is empty', () => {
    expect(ladderOf(call, []).rows).toEqual([])
  })
})

function said(direction: 'in' | 'out', sip_call_id: string, address: string, text: string): SipMessage {
  return { direction, transport: 'udp', address, local_address: '192.0.2.10:5060', ms: 1, sip_call_id, text }
}

function tried(provider_name: string, address: string) {
  return attempt.parse({
    provider_id: null,
    provider_name,
    address,
    transport: 'udp',
    status: 503,
    reason: 'Service Unavailable',
    decision: 'next',
    started_ms: 4,
    ended_ms: 900,
    pdd_ms: null,
  })
}
