import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Header } from '../../../relay/sip/message.ts'
import { browserSdp } from '../../support/browser-sdp.ts'
import type { Party } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  fromCallee,
  office,
  provider,
  registers,
  ringBob,
  sdp,
  telnyx,
  through,
  within,
} from '../../support/office.ts'
import { leavesNothingBehind, talking, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

const dtls = ['AA:01', 'AA:02']
const listed = new TextEncoder().encode(
  [
    'a=ice-ufrag:2EVT',
    'a=ice-pwd:+Z84NxsZC4TxF2NVkwnjcKTp',
    'm=audio 9 UDP/TLS/RTP/SAVPF 0',
    'a=mid:0',
    'a=candidate:1 1 UDP 1 192.0.2.9 4000 typ host',
    'a=end-of-candidates',
    '',
  ].join('\r\n'),
)
const fragment: Header = ['content-type', 'application/trickle-ice-sdpfrag']
const trickles: Header[] = [
  fragment,
  ['info-package', 'trickle-ice'],
  ['content-disposition', 'Info-Package'],
]

describe('a browser which lists where it is bit by bit, by INFO (RFC 8840)', () => {
  test('is told that it may, and answered: before its call is, and after; the carrier hears of none of it', () => {
    const { ladder, invited, sent } = dialled()
    ladder.when(telnyx, answers(sent, telnyx, 180)).gives('180 to Alice')
    const ringing = ladder.lastResponse(alice)
    expect(ringing.header('recv-info')).toBe('trickle-ice')
    const tells = (cseq: number) =>
      within(invited, ringing, alice, 'INFO', cseq, { headers: trickles, body: listed })
    ladder.when(alice, tells(3)).gives('200 to Alice')
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: sdp('203.0.113.1') })).whatever()
    const answered = ladder.lastResponse(alice)
    expect(answered.header('recv-info')).toBe('trickle-ice')
    expect(text(answered.body)).toContain('\r\na=ice-options:trickle\r\n')
    ladder.when(alice, ack(invited, answered)).gives()
    ladder.when(alice, tells(4)).gives('200 to Alice')
  })

  test('may do so without naming the package, and no other is taken', () => {
    const { ladder, invited, sent } = dialled()
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: sdp('203.0.113.1') })).whatever()
    const answered = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, answered)).gives()
    const asks = (cseq: number, headers: Header[]) =>
      within(invited, answered, alice, 'INFO', cseq, { headers, body: listed })
    ladder.when(alice, asks(3, [fragment])).gives('200 to Alice')
    ladder.when(alice, asks(4, [fragment, ['info-package', 'x']])).gives('469 to Alice')
    expect(ladder.lastResponse(alice).header('recv-info')).toBe('trickle-ice')
  })

  test('is told so when it is called, and answered while it rings', () => {
    const ladder = watch(office({ dtls, wsPort: portNumber(8080) }, page))
    registers(ladder, page, 'bob', [['contact', '<sip:k2j3@df7jal23ls0d.invalid;transport=ws>']])
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).whatever()
    const sent = ladder.lastRequest(page)
    expect(sent.header('recv-info')).toBe('trickle-ice')
    const ringing = answers(sent, page, 180)
    ladder.when(page, ringing).gives('180 to Alice')
    expect(ladder.lastResponse(alice).header('recv-info')).toBeUndefined()
    ladder
      .when(page, fromCallee(sent, ringing, page, 'INFO', 1, { headers: trickles, body: listed }))
      .gives('200 to the page')
  })

  test('where it checks no way, is refused as any package is', () => {
    const { ladder, invited, answer } = talking()
    const listing = (headers: Header[], cseq: number) =>
      within(invited, answer, alice, 'INFO', cseq, { headers, body: listed })
    ladder.when(alice, listing(trickles, 3)).gives('469 to Alice')
    expect(ladder.lastResponse(alice).header('recv-info')).toBe('')
    ladder.when(alice, listing([fragment], 4)).gives('415 to Alice')
  })

  function dialled() {
    const ladder = watch(office({ dtls }))
    const invited = aliceDials(ladder, '+15551234567', { body: browserSdp() })
    ladder
      .decide(through(provider(telnyx)))
      .whatever()
      .locate(telnyx)
      .whatever()
    return { ladder, invited, sent: ladder.lastRequest(telnyx) }
  }
})

const page: Party = {
  name: 'the page',
  flow: { transport: 'ws', address: '192.0.2.20', port: portNumber(50_123), connection: 7 },
}
