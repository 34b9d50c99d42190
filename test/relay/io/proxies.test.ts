import { expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Flow } from '../../../relay/ground/flow.ts'
import { Proxies } from '../../../relay/io/proxies.ts'
import type { Wire, WireEnds } from '../../../relay/io/wire.ts'

const proxy = '203.0.113.5'

/** What the relay takes a packet's source for. */
function heardFrom(from: string, ...vias: string[]): string {
  const heard: Flow[] = []
  const ends: WireEnds = { receive: (flow) => void heard.push(flow), unsent: () => undefined }
  new Proxies([proxy]).hearing(ends).receive(udp(from, 5060), message('OPTIONS sip:a SIP/2.0', vias))
  return place(heard[0])
}

/** Where what is meant for a phone is sent. */
function sentTo(start: string, vias: string[], ...more: string[]): string {
  const sent: Flow[] = []
  const wire: Wire = {
    address: { address: '203.0.113.11', port: portNumber(5060) },
    send: (flow) => void sent.push(flow),
    close: async () => undefined,
  }
  new Proxies([proxy]).through(wire).send(udp('192.0.2.7', 1024), message(start, vias, more))
  return place(sent[0])
}

const atProxy = 'SIP/2.0/UDP 203.0.113.5;branch=z9hG4bKp'
const ours = 'SIP/2.0/UDP 203.0.113.11;branch=z9hG4bKo'

test.each([
  [
    'where the proxy saw it',
    'SIP/2.0/UDP 10.0.0.4;rport=1024;received=192.0.2.7;branch=z9hG4bKa',
    '192.0.2.7:1024',
  ],
  ['its Via, which was right', 'SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKa', '192.0.2.7:5070'],
  ['the usual port', 'SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKa', '192.0.2.7:5060'],
  ['its address by IPv6', 'SIP/2.0/UDP [2001:DB8::7]:5070;branch=z9hG4bKa', '2001:db8::7:5070'],
  [
    'the proxy, where it says no address',
    'SIP/2.0/UDP phone.example.com;branch=z9hG4bKa',
    '203.0.113.5:5060',
  ],
  [
    'the proxy, where it says where twice',
    'SIP/2.0/UDP a;received=192.0.2.7;received=192.0.2.8',
    '203.0.113.5:5060',
  ],
])('a request which came through a proxy of ours comes from %s', (_, via, from) => {
  expect(heardFrom(proxy, atProxy, via)).toBe(from)
})

test.each(['CANCEL', 'ACK'])('a %s of the proxy’s own is of whom its INVITE came from', (method) => {
  const heard: Flow[] = []
  const ends: WireEnds = { receive: (flow) => void heard.push(flow), unsent: () => undefined }
  const { receive } = new Proxies([proxy]).hearing(ends)
  const phone = 'SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKa'
  receive(udp(proxy, 5060), message('INVITE sip:a SIP/2.0', [atProxy, phone]))
  receive(udp(proxy, 5060), message(`${method} sip:a SIP/2.0`, [atProxy]))
  expect(heard.map(place)).toEqual(['192.0.2.7:5070', '192.0.2.7:5070'])
})

test('what a proxy says of itself is its own, and what a stranger says of others is the stranger’s', () => {
  expect(heardFrom(proxy, atProxy)).toBe('203.0.113.5:5060')
  const forged = 'SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKa'
  expect(heardFrom('198.51.100.66', atProxy, forged)).toBe('198.51.100.66:5060')
})

test.each([
  [
    'a response by its Via',
    'SIP/2.0 200 OK',
    [`${atProxy};received=192.0.2.7`, ours],
    [],
    '203.0.113.5:5060',
  ],
  [
    'a request by its Route',
    'INVITE sip:a SIP/2.0',
    [ours],
    ['Route: <sip:203.0.113.5:5070;lr>'],
    '203.0.113.5:5070',
  ],
  ['any other request as ever', 'INVITE sip:a SIP/2.0', [ours], [], '192.0.2.7:1024'],
  [
    'one which a stranger’s Path led elsewhere, too',
    'INVITE sip:a SIP/2.0',
    [ours],
    ['Route: <sip:198.51.100.66;lr>'],
    '192.0.2.7:1024',
  ],
])('what is meant for a phone goes through the proxy: %s', (_, start, vias, more, to) => {
  expect(sentTo(start, vias, ...more)).toBe(to)
})

test('where there is no proxy nothing stands in the way of a packet', () => {
  const ends = { receive: () => undefined, unsent: () => undefined }
  expect(new Proxies([]).hearing(ends)).toBe(ends)
})

function udp(address: string, port: number): Flow {
  return { transport: 'udp', address, port: portNumber(port) }
}

function place(flow: Flow | undefined): string {
  return flow ? `${flow.address}:${flow.port}` : 'nowhere'
}

function message(start: string, vias: readonly string[], more: readonly string[] = []): Uint8Array {
  const lines = [
    start,
    ...vias.map((via) => `Via: ${via}`),
    ...more,
    'From: <sip:a@b>;tag=1',
    'To: <sip:a@b>',
    'Call-ID: c',
    `CSeq: 1 ${start.startsWith('SIP') ? 'INVITE' : (start.split(' ')[0] ?? '')}`,
    'Max-Forwards: 70',
    'Content-Length: 0',
  ]
  return new TextEncoder().encode(`${lines.join('\r\n')}\r\n\r\n`)
}
