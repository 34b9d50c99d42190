import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Request } from '../../../relay/sip/message.ts'
import type { Ladder, Party } from '../../support/ladder.ts'
import {
  account,
  ack,
  alice,
  aliceDials,
  answers,
  fromCallee,
  invite,
  office,
  prove,
  provider,
  register,
  registers,
  ringBob,
  sdp,
  telnyx,
  through,
} from '../../support/office.ts'
import { leavesNothingBehind, watch } from '../../support/scene.ts'

leavesNothingBehind()

const browser: Party = {
  name: 'the browser',
  flow: { transport: 'ws', address: '192.0.2.20', port: portNumber(50_123), connection: 7 },
}
const contact = '<sip:k2j3@df7jal23ls0d.invalid;transport=ws>'

describe('a phone in a browser (RFC 7118)', () => {
  test('registers by a Contact and Via which lead nowhere, and is known by its connection', () => {
    const ladder = watch(office({ wsPort: portNumber(8080) }, browser))
    registers(ladder, browser, 'bob', [['contact', contact]])
    expect(ladder.bindings).toMatchObject([
      {
        event: 'registered',
        binding: {
          contact: 'sip:k2j3@df7jal23ls0d.invalid;transport=ws',
          received: { transport: 'ws', address: '192.0.2.20', port: 50_123 },
        },
      },
    ])
    expect(ladder.engine.rooms.knownFlows.needs(browser.flow)).toBe(true)
    expect(ladder.engine.rooms.knownFlows.needs({ ...browser.flow, transport: 'wss' })).toBe(false)
  })

  test('is answered where it is, though its Via names nobody, and needs no Content-Length', () => {
    const ladder = watch(office({}, browser))
    const asked = register(browser, 'bob', [['contact', contact]])
    const lines = asked.headers.map(([name, value]) => `${name}: ${name === 'via' ? nowhere : value}`)
    ladder.when(
      browser,
      `${['REGISTER', asked.requestUri, 'SIP/2.0'].join(' ')}\r\n${lines.join('\r\n')}\r\n\r\n`,
    )
    ladder.gives('401 to the browser')
    expect(ladder.lastResponse(browser).header('via')).toBe(`${nowhere};received=192.0.2.20`)
  })

  test('is rung down its connection, and speaks down it until the end', () => {
    const ladder = watch(office({ wsPort: portNumber(8080) }, browser))
    registers(ladder, browser, 'bob', [['contact', contact]])
    const { invited, sent } = rings(ladder)
    expect(sent.requestUri).toBe('sip:k2j3@df7jal23ls0d.invalid;transport=ws')
    expect(sent.header('via')).toMatch(/^SIP\/2\.0\/WS 198\.51\.100\.1:8080;/)
    expect(sent.header('contact')).toBe('<sip:198.51.100.1:8080;transport=ws>')
    expect(ladder.flow('INVITE')).toEqual(browser.flow)
    const accepted = answers(sent, browser, 200, { body: sdp('192.0.2.20'), contact })
    ladder.when(browser, accepted).gives('ACK to the browser', '200 to Alice')
    expect(ladder.flow('ACK')).toEqual(browser.flow)
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
    ladder
      .when(browser, fromCallee(sent, accepted, browser, 'BYE', 1))
      .gives('200 to the browser', 'BYE to Alice')
    ladder.whatever()
  })

  test('calls, is answered by our Contact at the port where it connected, and hears its ringing there', () => {
    const ladder = watch(office({ wsPort: portNumber(8080) }, browser))
    const first = invite(browser, '+15551234567', { user: 'bob' })
    ladder.when(browser, first).gives('407 to the browser')
    ladder.when(browser, prove(first, ladder.lastResponse(browser), 'bob')).gives('ask credential')
    ladder.credential(account('bob')).gives('100 to the browser', 'ask route')
    ladder
      .decide(through(provider(telnyx)))
      .gives('ask locate')
      .locate(telnyx)
      .gives('INVITE to Telnyx')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 180)).gives('180 to the browser')
    expect(ladder.flow(180)).toEqual(browser.flow)
    expect(ladder.lastResponse(browser).header('contact')).toBe('<sip:198.51.100.1:8080;transport=ws>')
  })

  test('which goes away is registered no longer, and is not rung', () => {
    const ladder = watch(office({}, browser))
    registers(ladder, browser, 'bob', [['contact', contact]])
    ladder.hear({ type: 'closed', flow: browser.flow }).whatever()
    expect(ladder.bindings.map(({ event }) => event)).toEqual(['registered', 'flow_lost'])
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).whatever()
    expect(ladder.messages(browser).filter(({ kind }) => kind === 'request')).toEqual([])
  })
})

describe('a carrier over UDP', () => {
  test('whose Contact asks for a WebSocket is answered where it was called: none leads there', () => {
    const ladder = watch(office({}, browser))
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx))).gives('ask locate')
    ladder.locate(telnyx).gives('INVITE to Telnyx')
    const named = '<sip:203.0.113.9:80;transport=ws>'
    const accepted = answers(ladder.lastRequest(telnyx), telnyx, 200, {
      body: sdp('203.0.113.1'),
      contact: named,
    })
    ladder.when(telnyx, accepted).gives('ACK to Telnyx', '200 to Alice')
    expect(ladder.flow('ACK')).toEqual(telnyx.flow)
  })
})

const nowhere = 'SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks'

/** Alice's INVITE, and the one which the browser hears. */
function rings(ladder: Ladder): { invited: Request; sent: Request } {
  const invited = aliceDials(ladder, 'bob')
  ladder.decide(ringBob()).whatever()
  return { invited, sent: ladder.lastRequest(browser) }
}
