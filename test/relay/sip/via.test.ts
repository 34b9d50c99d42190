import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Flow } from '../../../relay/ground/flow.ts'
import type { Via } from '../../../relay/sip/via.ts'
import { parseVia, receivedVia, responseFlow, stampedVia, writeVia } from '../../../relay/sip/via.ts'

const phone: Flow = { transport: 'udp', address: '203.0.113.7', port: portNumber(61000) }
const connection: Flow = { transport: 'tcp', address: '203.0.113.7', port: portNumber(61000), connection: 3 }

describe('a Via (RFC 3261 §20.42)', () => {
  test('is read', () => {
    const via = viaOf('SIP/2.0/udp Host.example:5070;branch=z9hG4bK1;rport;ttl=1')
    expect(via).toMatchObject({ transport: 'UDP', host: 'host.example', port: 5070, branch: 'z9hG4bK1' })
    expect(via.params.get('rport')).toBe('')
  })

  test('bears white space wherever it may stand', () => {
    const via = viaOf('SIP / 2.0 / UDP  first.example : 4000 ; branch = z9hG4bK1 ')
    expect(via).toMatchObject({ transport: 'UDP', host: 'first.example', port: 4000, branch: 'z9hG4bK1' })
    expect(writeVia(via)).toBe('SIP/2.0/UDP first.example:4000;branch=z9hG4bK1')
  })

  test.each([
    'SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bK1',
    'SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bK1',
    'SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bK1',
    'SIP/2.0/UNKNOWN host;x="a;b,c"',
    'SIP/7.0/UDP host',
  ])('is written as it was read: %s', (text) => {
    expect(writeVia(viaOf(text))).toBe(text)
  })

  test.each([
    '',
    'SIP/2.0/UDP',
    'SIP/2.0/UDP ',
    'SIP/2.0 host',
    'SIP/2.0/UDPhost',
    'SIP/2.0/UDP host;;',
    'SIP/2.0/UDP host:port',
    'SIP/2.0/UDP host;a=1;a=2',
    'SIP/2.0/UDP 2001:db8::1',
    'SIP/2.0/UDP a b',
  ])('is not %j', (text) => {
    expect(parseVia(text)).toBeUndefined()
  })
})

describe('the top Via as a server keeps it', () => {
  test.each([
    ['203.0.113.7', 'SIP/2.0/UDP 203.0.113.7', 'because it said where it is'],
    ['10.0.0.5', 'SIP/2.0/UDP 10.0.0.5;received=203.0.113.7', 'because it is elsewhere (§18.2.1)'],
    ['phone.local', 'SIP/2.0/UDP phone.local;received=203.0.113.7', 'because a name is no address'],
    [
      '203.0.113.7;rport',
      'SIP/2.0/UDP 203.0.113.7;rport=61000;received=203.0.113.7',
      'because it asked (RFC 3581 §4)',
    ],
    ['10.0.0.5;received=9.9.9.9', 'SIP/2.0/UDP 10.0.0.5;received=203.0.113.7', 'because it lied'],
  ])('of %s is %s, %s', (sentBy, written) => {
    expect(receivedVia(viaOf(`SIP/2.0/UDP ${sentBy}`), phone)).toBe(written)
  })

  test.each([
    ['203.0.113.5', 'SIP/2.0/UDP 203.0.113.5'],
    ['203.0.113.5;rport', 'SIP/2.0/UDP 203.0.113.5;rport=40000;received=203.0.113.5'],
    ['p.example.com', 'SIP/2.0/UDP p.example.com;received=203.0.113.5'],
  ])('of a proxy of ours, %s, says where that is, and not who spoke by it: %s', (sentBy, written) => {
    const proxy = { address: '203.0.113.5', port: portNumber(40_000), from: 'another' as const }
    expect(receivedVia(viaOf(`SIP/2.0/UDP ${sentBy}`), { ...phone, proxy })).toBe(written)
  })
})

describe('a Via as it was written', () => {
  test.each([
    ['10.0.0.5 ; branch=z9hG4bKa;rport', '10.0.0.5 ; branch=z9hG4bKa;rport=61000;received=203.0.113.7'],
    ['Phone.local;rport;Branch=B', 'Phone.local;rport=61000;Branch=B;received=203.0.113.7'],
  ])('says where it came from, and is else as it was: %s', (sentBy, stamped) => {
    const written = `SIP/2.0/UDP ${sentBy}`
    expect(stampedVia(written, viaOf(written), phone)).toBe(`SIP/2.0/UDP ${stamped}`)
  })

  test.each([
    '10.0.0.5;branch=z9hG4bKa',
    '203.0.113.7;branch=z9hG4bKa',
    '10.0.0.5;RPORT;branch=z9hG4bKa',
    '10.0.0.5;rport=5060;branch=z9hG4bKa',
    '10.0.0.5;rports;branch=z9hG4bKa',
    '10.0.0.5;rport;Received=9.9.9.9',
    '10.0.0.5;received=9.9.9.9;rport',
    '10.0.0.5;x=";rport;";branch=z9hG4bKa',
  ])('is written anew where it is not plainly to be seen where that stands: %s', (sentBy) => {
    const written = `SIP/2.0/UDP ${sentBy}`
    const via = viaOf(written)
    expect(stampedVia(written, via, phone)).toBe(receivedVia(via, phone))
  })
})

describe('a response', () => {
  test('goes to the source address and the port of sent-by (§18.2.2)', () => {
    expect(responseFlow(viaOf('SIP/2.0/UDP 10.0.0.5:5070'), phone, false)).toEqual({ ...phone, port: 5070 })
    expect(responseFlow(viaOf('SIP/2.0/UDP 10.0.0.5'), phone, false)).toEqual({ ...phone, port: 5060 })
  })

  test('goes to the source port when the client asked for it, or when we insist (RFC 3581 §4)', () => {
    expect(responseFlow(viaOf('SIP/2.0/UDP 10.0.0.5;rport'), phone, false)).toEqual(phone)
    expect(responseFlow(viaOf('SIP/2.0/UDP 10.0.0.5'), phone, true)).toEqual(phone)
  })

  test('goes down the connection the request came up', () => {
    expect(responseFlow(viaOf('SIP/2.0/TCP 10.0.0.5:5070'), connection, false)).toEqual(connection)
  })

  test('is sent nowhere a stranger points to', () => {
    const via = viaOf('SIP/2.0/UDP 10.0.0.5;maddr=198.51.100.1;received=198.51.100.2')
    expect(responseFlow(via, phone, false).address).toBe(phone.address)
  })
})

function viaOf(text: string): Via {
  const via = parseVia(text)
  if (via === undefined) throw new Error(`no Via: ${text}`)
  return via
}
