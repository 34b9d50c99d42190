import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Flow } from '../../../relay/ground/flow.ts'
import { parseMessage } from '../../../relay/sip/parse.ts'
import { reasonPhrase } from '../../../relay/sip/reasons.ts'
import { reply } from '../../../relay/sip/reply.ts'
import { writeMessage } from '../../../relay/sip/write.ts'
import { bytes, invite, lines, readRequest, register } from '../../support/wire.ts'

const flow: Flow = { transport: 'udp', address: '203.0.113.7', port: portNumber(61000) }
const hops = ['SIP/2.0/UDP 10.0.0.5;rport;branch=z9hG4bK1 , SIP/2.0/TCP b.example', 'SIP/2.0/UDP  c.example']
const request = readRequest(
  invite({ headers: { Via: hops, 'Record-Route': ['<sip:p1;lr>', '<sip:p2;lr>'] } }),
)

describe('a reply (RFC 3261 §8.2.6)', () => {
  test('has the Vias, From, Call-ID and CSeq of its request, and a tag of ours in To', () => {
    expect(lines(writeMessage(reply(request, 486, { toTag: 'b1' })))).toEqual([
      'SIP/2.0 486 Busy Here',
      ...hops.map((hop) => `Via: ${hop}`),
      'From: "Alice" <sip:alice@example.com>;tag=a1',
      'To: <sip:bob@example.com>;tag=b1',
      'Call-ID: call-1@192.0.2.10',
      'CSeq: 1 INVITE',
      'Content-Length: 0',
    ])
  })

  test('tells the top Via where the request came from (RFC 3581 §4)', () => {
    expect(reply(request, 486, { flow }).all('via')).toEqual([
      'SIP/2.0/UDP 10.0.0.5;rport=61000;branch=z9hG4bK1;received=203.0.113.7',
      'SIP/2.0/TCP b.example',
      'SIP/2.0/UDP  c.example',
    ])
  })

  test('has no tag when it is 100, and keeps one which is there', () => {
    expect(reply(request, 100, { toTag: 'b1' }).to.tag).toBeUndefined()
    const inside = readRequest(invite({ to: '<sip:bob@example.com>;tag=old' }))
    expect(reply(inside, 200, { toTag: 'new' }).to.tag).toBe('old')
  })

  test('has the Timestamp of its request when it is 100 (§8.2.6.1), and in no other', () => {
    const timed = readRequest(invite({ headers: { Timestamp: '54.21' } }))
    const stamps = [100, 180, 200].map((status) => reply(timed, status).header('timestamp'))
    expect(stamps).toEqual(['54.21', undefined, undefined])
  })

  test('tags a To without brackets outside its URI', () => {
    const bare = readRequest(invite({ to: 'sip:bob@example.com' }))
    expect(reply(bare, 180, { toTag: 'b1' }).to).toMatchObject({ uri: 'sip:bob@example.com', tag: 'b1' })
  })

  test.each([
    [180, 2],
    [200, 2],
    [100, 0],
    [486, 0],
  ])('%d has %d Record-Routes, since that begins a dialog or does not (§12.1.1)', (status, count) => {
    expect(reply(request, status).all('record-route')).toHaveLength(count)
  })

  test('to REGISTER begins no dialog', () => {
    const asked = readRequest(register({ headers: { 'Record-Route': '<sip:p1;lr>' } }))
    expect(reply(asked, 200).all('record-route')).toEqual([])
  })

  test('carries further headers, a body and words of its own', () => {
    const full = reply(request, 503, {
      reason: 'Draining',
      headers: [['retry-after', '5']],
      body: bytes('x'),
    })
    expect(full).toMatchObject({ status: 503, reason: 'Draining', body: bytes('x') })
    expect(full.header('retry-after')).toBe('5')
  })

  test('to what could not be read gives back what was there', () => {
    const parsed = parseMessage(
      bytes(invite({ headers: { Via: 'SIP/2.0/UDP a;;', To: null, 'Call-ID': null } })),
    )
    const answerable = parsed.ok ? undefined : parsed.fault.answerable
    expect(answerable && lines(writeMessage(reply(answerable, 400, { toTag: 'b1', flow })))).toEqual([
      'SIP/2.0 400 Bad Request',
      'Via: SIP/2.0/UDP a;;',
      'From: "Alice" <sip:alice@example.com>;tag=a1',
      'CSeq: 1 INVITE',
      'Content-Length: 0',
    ])
  })
})

test('a status without a phrase of its own is called as its class is (§8.1.3.2)', () => {
  expect([180, 299, 499, 699, 50].map(reasonPhrase)).toEqual([
    'Ringing',
    'OK',
    'Bad Request',
    'Busy Everywhere',
    'Unknown',
  ])
})
