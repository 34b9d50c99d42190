import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { openHep } from '../../../relay/io/hep.ts'

const at = Date.parse('2026-01-01T00:00:01.250Z') + 0.5
const ours = { address: '198.51.100.1', port: portNumber(5060) }

/** Chunks of a packet of HEP version 3, by type. */
function chunksIn(packet: Buffer): Map<number, Buffer> {
  const chunks = new Map<number, Buffer>()
  expect([packet.toString('latin1', 0, 4), packet.readUInt16BE(4)]).toEqual(['HEP3', packet.length])
  for (let from = 6; from < packet.length; from += packet.readUInt16BE(from + 4)) {
    expect(packet.readUInt16BE(from)).toBe(0)
    chunks.set(packet.readUInt16BE(from + 2), packet.subarray(from + 6, from + packet.readUInt16BE(from + 4)))
  }
  return chunks
}

/** Of the call of c1@phone alone. */
const secretHeaders = (sipCallId: string) => (sipCallId === 'c1@phone' ? ['x-account'] : [])

async function sent(
  direction: 'in' | 'out',
  flow: { transport: 'udp' | 'tls'; address: string; port: ReturnType<typeof portNumber> },
  text: string,
): Promise<Map<number, Buffer>> {
  const homer = createSocket('udp4').bind(0, '127.0.0.1')
  await once(homer, 'listening')
  const server = { host: '127.0.0.1', port: portNumber(homer.address().port), id: 2001, key: 'word' }
  const hep = openHep({ server, utc: () => at, place: () => ours, secretHeaders, log: () => undefined })
  const heard = once(homer, 'message')
  hep.tap(direction, flow, new TextEncoder().encode(text))
  const [packet] = await heard
  hep.stop()
  homer.close()
  return chunksIn(packet)
}

describe('a SIP message for Homer', () => {
  test('says when it came, from where to where, over what and of which Call-ID, without its secrets', async () => {
    const text =
      'INVITE sip:1@a SIP/2.0\r\nCall-ID: c1@phone\r\nX-Account: secret\r\nAuthorization: Basic secret\r\n\r\n'
    const flow = { transport: 'udp' as const, address: '192.0.2.10', port: portNumber(5062) }
    const chunks = await sent('in', flow, text)
    const hex = Object.fromEntries([...chunks].map(([type, bytes]) => [type, bytes.toString('hex')]))
    expect(hex).toMatchObject({
      1: '02',
      2: '11',
      3: 'c000020a',
      4: 'c6336401',
      7: '13c6',
      8: '13c4',
      9: (Math.floor(at / 1000) >>> 0).toString(16).padStart(8, '0'),
      10: (250_500).toString(16).padStart(8, '0'),
      11: '01',
      12: '000007d1',
    })
    expect([14, 15, 17].map((type) => chunks.get(type)?.toString())).toEqual([
      'word',
      text.replaceAll('secret', '******'),
      'c1@phone',
    ])
  })

  test('which leaves over TLS to an IPv6 address comes from ours, as IPv6', async () => {
    const flow = { transport: 'tls' as const, address: '2001:db8::1', port: portNumber(5061) }
    const chunks = await sent('out', flow, 'SIP/2.0 200 OK\r\n\r\n')
    expect([1, 2, 5, 6].map((type) => chunks.get(type)?.toString('hex'))).toEqual([
      '0a',
      '06',
      '00000000000000000000ffffc6336401',
      '20010db8000000000000000000000001',
    ])
  })

  test('to a port and an address which are none is sent all the same', async () => {
    const flow = { transport: 'udp' as const, address: 'nowhere', port: portNumber(70_000) }
    const chunks = await sent('out', flow, 'SIP/2.0 200 OK\r\n\r\n')
    expect([4, 8].map((type) => chunks.get(type)?.toString('hex'))).toEqual(['00000000', '1170'])
  })

  test.each([
    { from: '192.0.2.10', message: 65_400, callId: 10, told: 65_382, named: 10 },
    { from: '192.0.2.10', message: 65_536, callId: 40_000, told: 65_136, named: 256 },
    { from: '2001:db8::1', message: 65_536, callId: 40_000, told: 65_112, named: 256 },
    { from: '192.0.2.10', message: 300, callId: 256, told: 300, named: 256 },
  ])(
    'of $message octets with a Call-ID of $callId from $from is told by one datagram',
    async ({ from, message, callId, told, named }) => {
      const flow = { transport: 'udp' as const, address: from, port: portNumber(5062) }
      const head = `MESSAGE sip:1@a SIP/2.0\r\nCall-ID: ${'c'.repeat(callId)}\r\n\r\n`
      const chunks = await sent('in', flow, head.padEnd(message, 'x'))
      expect([chunks.get(15)?.length, chunks.get(17)?.length]).toEqual([told, named])
    },
  )
})
