import { expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Flow, ProxyHop } from '../../../relay/ground/flow.ts'
import { Proxies } from '../../../relay/io/proxies.ts'
import type { Wire, WireEnds } from '../../../relay/io/wire.ts'

const [proxy, otherProxy] = ['203.0.113.5', '203.0.113.6']

/** What the relay takes a packet's source for. */
function heardFrom(from: string, ...vias: string[]): string {
  return whose(heard(from, message('OPTIONS sip:a SIP/2.0', vias)))
}

function heard(from: string, bytes: Uint8Array): Flow | undefined {
  const flows: Flow[] = []
  const ends: WireEnds = { receive: (flow) => void flows.push(flow), unsent: () => undefined }
  new Proxies([proxy, otherProxy]).hearing(ends).receive(udp(from, 5060), bytes)
  return flows[0]
}

/** Where what is meant for a phone is sent. */
function sentTo(start: string, vias: string[], more: string[] = [], by?: ProxyHop): string {
  const sent: Flow[] = []
  const wire: Wire = {
    address: { address: '203.0.113.11', port: portNumber(5060) },
    send: (flow) => void sent.push(flow),
    close: async () => undefined,
  }
  new Proxies([proxy, otherProxy])
    .through(wire)
    .send({ ...udp('192.0.2.7', 1024), ...(by && { proxy: by }) }, message(start, vias, more))
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
    'where another proxy saw it which handed it to this one',
    'SIP/2.0/UDP 203.0.113.6;branch=z9hG4bKq, SIP/2.0/UDP 10.0.0.4;received=192.0.2.7;rport=1024',
    '192.0.2.7:1024',
  ],
])('a request which came through a proxy of ours comes from %s', (_, via, from) => {
  expect(heardFrom(proxy, atProxy, via)).toBe(`${from} by another`)
})

test.each([
  ['says no address', 'SIP/2.0/UDP phone.example.com;branch=z9hG4bKa'],
  ['says where twice', 'SIP/2.0/UDP a;received=192.0.2.7;received=192.0.2.8'],
  ['says something twice', 'SIP/2.0/UDP 192.0.2.7;a;a'],
  ['says no address where it was seen', 'SIP/2.0/UDP 192.0.2.7;received=phone'],
  ['is none', 'nonsense'],
  ['is empty', ''],
  ['is a mere comma', ','],
  ['is of another proxy, to which it came from no address', 'SIP/2.0/UDP 203.0.113.6, SIP/2.0/UDP x;a;a'],
  ['stands behind half a line break, by which the proxy’s own is hidden', 'SIP/2.0/UDP x\nX: y'],
])('a request whose second Via %s is not the proxy’s own', (_, via) => {
  expect(heardFrom(proxy, atProxy, via)).toBe('203.0.113.5:5060 by unknown')
})

test.each(['', '\r\n\r\n'])('a header which ends in half a line break hides no Via (after %j)', (before) => {
  const hidden = [`${atProxy}\r\nX: y\nVia: SIP/2.0/UDP x`]
  expect(whose(heard(proxy, message(`${before}OPTIONS sip:a SIP/2.0`, hidden)))).toBe(
    '203.0.113.5:5060 by unknown',
  )
})

test.each(['CANCEL', 'ACK'])('a %s of the proxy’s own is of whom its INVITE came from', (method) => {
  const flows: Flow[] = []
  const ends: WireEnds = { receive: (flow) => void flows.push(flow), unsent: () => undefined }
  const { receive } = new Proxies([proxy, otherProxy]).hearing(ends)
  const phone = 'SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKa'
  receive(udp(proxy, 5060), message('INVITE sip:a SIP/2.0', [atProxy, phone]))
  receive(udp(proxy, 5060), message(`${method} sip:a SIP/2.0`, [atProxy]))
  expect(flows.map(whose)).toEqual(['192.0.2.7:5070 by another', '192.0.2.7:5070 by another'])
})

test('what a proxy says of itself is its own, and what a stranger says of others is the stranger’s', () => {
  expect(heardFrom(proxy, atProxy)).toBe('203.0.113.5:5060 by itself')
  const forged = 'SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKa'
  expect(heardFrom('198.51.100.66', atProxy, forged)).toBe('198.51.100.66:5060')
})

test.each([
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
  expect(sentTo(start, vias, more)).toBe(to)
})

const hop: ProxyHop = { address: proxy, port: portNumber(40_000), from: 'another' }

test.each([
  [
    'to the port its Via names',
    `${atProxy.replace(proxy, `${proxy}:5070`)};received=192.0.2.7`,
    hop,
    '203.0.113.5:5070',
  ],
  ['to the usual one', atProxy, hop, '203.0.113.5:5060'],
  ['to the one it came from, where the proxy asks for that', `${atProxy};rport`, hop, '203.0.113.5:40000'],
  ['to its address, whatever name its Via has', 'SIP/2.0/UDP p.example.com', hop, '203.0.113.5:5060'],
  [
    'straight, where it came so, whatever its Via names',
    'SIP/2.0/UDP 203.0.113.5:2223',
    undefined,
    '192.0.2.7:1024',
  ],
])('a response goes back to the proxy by which its request came: %s', (_, via, by, to) => {
  expect(sentTo('SIP/2.0 200 OK', [via, ours], [], by)).toBe(to)
})

test('where there is no proxy nothing stands in the way of a packet', () => {
  const ends = { receive: () => undefined, unsent: () => undefined }
  expect(new Proxies([]).hearing(ends)).toBe(ends)
})

function udp(address: string, port: number): Flow {
  return { transport: 'udp', address, port: portNumber(port) }
}

function whose(flow: Flow | undefined): string {
  return flow?.proxy ? `${place(flow)} by ${flow.proxy.from}` : place(flow)
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
    `CSeq: 1 ${start.startsWith('SIP') ? 'INVITE' : (start.trim().split(' ')[0] ?? '')}`,
    'Max-Forwards: 70',
    'Content-Length: 0',
  ]
  return new TextEncoder().encode(`${lines.join('\r\n')}\r\n\r\n`)
}
