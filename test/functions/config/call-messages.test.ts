import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connect } from '#db'
import edge from '../../../functions/index.ts'
import { erase } from '../../../functions/store/erasing.ts'
import { type App, type Client, startApp } from '../../support/app.ts'
import { callTell, tellAs } from '../../support/call-tells.ts'

/*
 * GET /v1.0/calls/{id}/messages and /pcap: who reads what a relay saw, and how long it is there.
 */

let app: App
let bob: Client
let customerId: string
let callId: string
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
  customerId = (await app.alice('GET', '/v1.0/customer')).body.id
})
afterAll(() => app.close())
beforeEach(async () => {
  const call = callTell(customerId)
  callId = call.call.call_id
  await tellAs(app, 'relay-1', call)
})

const messages = [
  seen('in', 'INVITE sip:+15551234567@a SIP/2.0\r\n\r\n', -0.25),
  seen('out', 'SIP/2.0 100 Trying\r\n\r\n', 1.5),
  seen('out', 'INVITE sip:1@b SIP/2.0\r\n\r\n', 2, { transport: 'tcp', address: '192.0.2.4:5060' }),
  seen('in', 'SIP/2.0 200 OK\r\n\r\n', 3, { transport: 'tcp', address: '192.0.2.4:5060' }),
  seen('out', 'BYE sip:1@c SIP/2.0\r\n\r\n', 4, { transport: 'tls', address: '[2001:db8::5]:5061' }),
]
const told = (sequence = 1, changes = {}) => ({
  kind: 'messages',
  tell_id: crypto.randomUUID(),
  sequence,
  at: '2026-11-23T07:01:11Z',
  relay_id: 'relay-1',
  customer_id: customerId,
  call_id: callId,
  left_out: 2,
  messages,
  ...changes,
})
const read = (as = app.alice, id = callId) => as('GET', `/v1.0/calls/${id}/messages`)
const pcap = async (id = callId) => {
  const headers = { authorization: `Bearer ${app.aliceKey}` }
  const response = await edge.request(`/v1.0/calls/${id}/pcap`, { headers }, app.env)
  return { response, bytes: Buffer.from(await response.arrayBuffer()) }
}

describe('the messages of a call', () => {
  test('are read as they were told, the newest word on them, whichever came last', async () => {
    await tellAs(app, 'relay-1', told(2), told(1, { messages: [], left_out: 0 }))
    await tellAs(app, 'relay-1', told(1, { messages: [], left_out: 0 }))
    expect((await read()).body).toEqual({ result: messages, left_out: 2, message: null })
  })

  test('are no other customer’s, and no other relay’s or customer’s word is one on them', async () => {
    await tellAs(app, 'relay-1', told(1, { customer_id: crypto.randomUUID() }))
    await tellAs(app, 'relay-2', told(1, { relay_id: 'relay-2' }))
    await tellAs(app, 'relay-1', told(1, { call_id: crypto.randomUUID() }))
    expect((await read()).body).toMatchObject({
      result: [],
      message: expect.stringContaining('capture_messages'),
    })
    expect((await read(bob)).status).toBe(404)
    expect((await pcap()).response.status).toBe(404)
  })

  test('which no database would take are kept as far as it does', async () => {
    await tellAs(app, 'relay-1', told(1, { messages: [seen('in', 'INVITE\u0000 \ud800é', 1)] }))
    expect((await read()).body.result).toMatchObject([{ text: 'INVITE \ufffdé' }])
  })

  test('go with what is erased, and come back by no later word', async () => {
    const number = '+15559990000'
    const call = callTell(customerId, { destination: { type: 'tel', target: number } })
    callId = call.call.call_id
    await tellAs(app, 'relay-1', call, told(1))
    expect((await read()).body.result).toEqual(messages)
    expect((await app.alice('POST', '/v1.0/erasures', { number })).status).toBe(202)
    await app.database.pool.query(`update erasures set created_at = created_at - interval '3 seconds'`)
    await erase(connect(app.env.DATABASE_URL, app.env.NEON_ENDPOINT))
    expect((await read()).body.result).toEqual([])
    await tellAs(app, 'relay-1', told(2))
    expect((await read()).body.result).toEqual([])
  })

  test('go with their call', async () => {
    await tellAs(app, 'relay-1', told(1))
    await app.database.pool.query('delete from attempts where call_id = $1', [callId])
    await app.database.pool.query('delete from calls where id = $1', [callId])
    const { rows } = await app.database.pool.query('select from call_messages where call_id = $1', [callId])
    expect(rows).toEqual([])
  })

  test('as a file of libpcap are as many packets, in order, each with its message, ends and time', async () => {
    await tellAs(app, 'relay-1', told(1))
    const { response, bytes } = await pcap()
    expect(response.headers.get('content-type')).toBe('application/vnd.tcpdump.pcap')
    const [v4 = [], v6 = []] = [packetsIn(bytes).slice(0, 4), packetsIn(bytes).slice(4)]
    expect([bytes.readUInt32LE(0), bytes.readUInt32LE(20)]).toEqual([0xa1b2c3d4, 101])
    const began = Date.parse('2026-11-23T07:00:00.000Z')
    expect(v4.map(({ us }) => us / 1000 - began)).toEqual([-0.25, 1.5, 2, 3])
    expect(v4.map(({ packet }) => [packet[9], ipOf(packet, 12), ipOf(packet, 16)])).toEqual([
      [17, '192.0.2.44', '198.51.100.1'],
      [17, '198.51.100.1', '192.0.2.44'],
      [6, '198.51.100.1', '192.0.2.4'],
      [6, '192.0.2.4', '198.51.100.1'],
    ])
    expect(v4.map(({ packet }) => sumOf(packet.subarray(0, 20)))).toEqual([0xffff, 0xffff, 0xffff, 0xffff])
    expect(v4.map(({ packet }) => packet.readUInt16BE(2) - packet.length)).toEqual([0, 0, 0, 0])
    expect(v4.map(({ packet }) => packet.subarray(packet[9] === 17 ? 28 : 40).toString())).toEqual(
      messages.slice(0, 4).map(({ text }) => text),
    )
    expect(v6.map(({ packet }) => [packet[0], packet.subarray(48).toString()])).toEqual([
      [0x60, messages[4]?.text],
    ])
  })
})

function seen(direction: string, text: string, ms: number, changes = {}) {
  return {
    direction,
    transport: 'udp',
    address: '192.0.2.44:5060',
    local_address: '198.51.100.1:5060',
    ms,
    sip_call_id: 'a@192.0.2.44',
    text,
    ...changes,
  }
}

function packetsIn(bytes: Buffer): { us: number; packet: Buffer }[] {
  const packets = []
  for (let at = 24; at < bytes.length; ) {
    const [s, us, length] = [0, 4, 8].map((offset) => bytes.readUInt32LE(at + offset))
    packets.push({
      us: Number(s) * 1e6 + Number(us),
      packet: bytes.subarray(at + 16, at + 16 + Number(length)),
    })
    at += 16 + Number(length)
  }
  return packets
}

function ipOf(packet: Buffer, at: number): string {
  return packet.subarray(at, at + 4).join('.')
}

/** RFC 1071: over a right header, checksum included, all bits are set. */
function sumOf(header: Buffer): number {
  let sum = 0
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  return sum
}
