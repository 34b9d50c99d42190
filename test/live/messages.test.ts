import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SipMessage } from '#contract'
import { answers, Carrier, refuse } from '../support/carrier.ts'
import { certificate } from '../support/certificate.ts'
import { changeHeard } from '../support/customer.ts'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Party } from '../support/party.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { captureLoopback, hasTshark, type SharkMessage, sharkMessages } from '../support/tshark.ts'
import { soon } from '../support/wait.ts'

const host = '127.0.7.1'

/** A phone and its two carriers: what they speak, which port of the relay's each finds, and their first address. */
const lines = {
  UDP: { carriers: 'UDP', ports: ['sip', 'sip'], from: 40 },
  TCP: { carriers: 'TCP', ports: ['sip', 'sip'], from: 43 },
  TLS: { carriers: 'TLS', ports: ['tls', 'tls'], from: 46 },
  WS: { carriers: 'UDP', ports: ['ws', 'sip'], from: 49 },
  WSS: { carriers: 'TLS', ports: ['wss', 'tls'], from: 52 },
} as const
type Line = keyof typeof lines
const all = Object.keys(lines) as Line[]

describe.skipIf(!hasTshark)('the messages of a call which a customer has kept', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-messages-'))
  const file = (name: string) => join(folder, name)
  const authority = certificate({ authority: true, commonName: 'the test authority' })
  const open: Party[] = []
  let stack: OwnStack
  let office: Office
  let ports: Record<'sip' | 'tls' | 'ws' | 'wss', number>
  /** Of all calls: what tshark saw, what the API lists, and what tshark reads in the API's files. */
  let seen: SharkMessage[]
  let listed: Record<Line, SipMessage[]>
  let written: SharkMessage[]

  beforeAll(async () => {
    const { cert, key } = certificate({ signer: authority, names: ['DNS:sip.trunkline.test'] })
    const pem = { cert, key, authority: authority.cert, keys: '' }
    for (const [name, text] of Object.entries(pem)) writeFileSync(file(name), text)
    const [sip, tls] = [await freePort(host), await freePort(host)]
    ports = { sip, tls, ws: await freePort(host), wss: await freePort(host) }
    stack = await startStack({
      SIP_PORT: String(sip),
      SIP_TLS_PORT: String(tls),
      SIP_WS_PORT: String(ports.ws),
      SIP_WSS_PORT: String(ports.wss),
      TLS_CERT: file('cert'),
      TLS_KEY: file('key'),
      NODE_EXTRA_CA_CERTS: file('authority'),
      // The relay's end of every connection says what tshark has to know.
      NODE_OPTIONS: `--tls-keylog=${file('keys')}`,
    })
    office = await openOffice(stack, [])
    await office.api.patch('/customer', { capture_messages: true })
    await Promise.all(all.map(setUp))
    await changeHeard(stack, office.api)
    const capture = await captureLoopback(file('seen'), `host ${host} and (${portsOf(ports)})`)
    const callIds = await Promise.all(all.map(play))
    await capture.stop()
    const terms = { ports, keys: file('keys') }
    seen = await sharkMessages([file('seen')], terms)
    const kept = await Promise.all(callIds.map(keptOf))
    listed = Object.fromEntries(all.map((line, at) => [line, kept[at]])) as typeof listed
    written = await sharkMessages(callIds.map(file), terms)
  })
  afterAll(async () => {
    for (const party of open) party.close()
    await stack?.stop()
    rmSync(folder, { recursive: true })
  })

  test.each(all)(
    'over %s are those which tshark saw: as many, of each way in the same order, word for word but for secrets',
    (line) => {
      const [messages, mine] = [listed[line], (one: SharkMessage) => legsOf(line).has(one.callId)]
      expect([legsOf(line).size, messages.length > 20]).toEqual([3, true])
      expect(written.filter(mine)).toHaveLength(seen.filter(mine).length)
      // The wire has several on their way at once.
      const theirs = seen.filter(mine).map((message) => atOurPort(message, ports[lines[line].ports[1]]))
      expect(byWay(written.filter(mine))).toEqual(byWay(theirs))
      const text = messages.map(({ text }) => text).join('')
      expect(text).toContain('response="****')
      expect(text).not.toMatch(/response="[0-9a-f]/)
    },
  )

  test.each(all)(
    'over %s are read as a list and by tshark as a file: the same, with the same ends, none before the one above it',
    (line) => {
      const messages = listed[line]
      const spoken = [line, lines[line].carriers].map((each) => each.toLowerCase())
      expect(new Set(messages.map(({ transport }) => transport))).toEqual(new Set(spoken))
      const packets = written.filter(({ callId }) => legsOf(line).has(callId))
      expect(packets.map(({ at: _, ...packet }) => packet)).toEqual(messages.map(asPacket))
      const times = [packets.map(({ at }) => at), messages.map(({ ms }) => ms)]
      for (const each of times) expect(each).toEqual(each.toSorted((one, other) => one - other))
    },
  )

  function legsOf(line: Line): Set<string> {
    return new Set(listed[line].map(({ sip_call_id }) => sip_call_id))
  }

  /** Two carriers, for numbers of this line alone: one refuses, the other answers. */
  async function setUp(line: Line): Promise<void> {
    const { carriers, ports: found, from } = lines[line]
    const relay = { address: host, port: ports[found[1]] }
    for (const [at, script] of [refuse(503, 'Service Unavailable'), answers('b', 50)].entries()) {
      const name = `${line} ${at + 1}`
      const address = `127.0.7.${from + 1 + at}`
      const shown = certificate({ signer: authority, names: [`IP:${address}`] })
      // At the port at which the relay has that transport, tshark knows what is spoken.
      const place = { name, address, port: relay.port, transport: carriers, relay, certificate: shown }
      open.push(await Carrier.open(place, script))
      const { id: provider_id } = await office.api.post('/providers', {
        name,
        type: 'sip',
        hostname: address,
        port: relay.port,
        transport: carriers.toLowerCase(),
        probe_interval: 0,
      })
      await office.api.post('/routes', { name, provider_id, target: `+15550${from}`, priority: at + 1 })
    }
  }

  /** A phone calls, holds and hangs up; the call's id. */
  async function play(line: Line): Promise<string> {
    const { ports: found, from } = lines[line]
    const way = { address: host, port: ports[found[0]] }
    const phone = await office.phone('office1', `127.0.7.${from}`, line, way)
    open.push(phone)
    const { call, result } = await phone.call(`+15550${from}4567`, 'p')
    expect(statusOf(await result)).toBe(200)
    expect(await call.reinvite('sendonly')).toBe(200)
    expect(await call.bye()).toBe(200)
    await open.find(({ name }) => name === `${line} 2`)?.calls[0]?.over
    const mine = async () => {
      const calls = await office.api.list('/calls?page_size=10')
      return calls.find(({ sip_call_id }) => sip_call_id === call.callId)
    }
    return String((await soon('the call to show', mine)).id)
  }

  /** A call's messages, once as many are kept as were seen; its file has its id. */
  async function keptOf(id: string): Promise<SipMessage[]> {
    const { api, key } = office
    const messages = await soon('all which were seen to be kept', async () => {
      const list = (await api.get(`/calls/${id}/messages`)).result as SipMessage[]
      const legs = new Set(list.map(({ sip_call_id }) => sip_call_id))
      const wanted = seen.filter(({ callId }) => legs.has(callId)).length
      return legs.size === 3 && list.length >= wanted ? list : undefined
    })
    const headers = { authorization: `Bearer ${key}` }
    const response = await fetch(`${stack.local.api_url}/v1.0/calls/${id}/pcap`, { headers })
    writeFileSync(file(id), Buffer.from(await response.arrayBuffer()))
    return messages
  }

  /** A connection which the relay made stands in what is kept at the port where it takes others. */
  function atOurPort(message: SharkMessage, taken: number): SharkMessage {
    const known: number[] = Object.values(ports)
    const named = (end: string, port: string) => (known.includes(Number(port)) ? end : `${host}:${taken}`)
    return { ...message, way: message.way.replace(/\b127\.0\.7\.1:(\d+)/, named) }
  }
})

function portsOf(ports: Readonly<Record<string, number>>): string {
  return Object.values(ports)
    .map((port) => `port ${port}`)
    .join(' or ')
}

/** The packet which a message is in a file of the API's: what can be read over TCP alone is TCP there. */
function asPacket({ transport, direction, address, local_address, sip_call_id, text }: SipMessage) {
  return {
    protocol: transport === 'tcp' ? 'tcp' : 'udp',
    way: direction === 'in' ? `${address} > ${local_address}` : `${local_address} > ${address}`,
    callId: sip_call_id,
    text,
  }
}

/** What passed of each leg in each direction, in order; of answers to challenges how long they are. */
function byWay(messages: readonly SharkMessage[]): Record<string, string[]> {
  const ways: Record<string, string[]> = {}
  for (const { callId, way, text } of messages) {
    ways[`${callId} ${way}`] ??= []
    ways[`${callId} ${way}`]?.push(text.replace(/response="[^"]*"/, ({ length }) => `response=${length}`))
  }
  return ways
}
