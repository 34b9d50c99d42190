import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { type Resolver, systemResolver } from '../../../relay/io/dns.ts'

const cleanups: (() => unknown)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

describe('what the machine’s resolvers say', () => {
  test('is followed through an alias to its addresses, for as long as the shortest may be kept', async () => {
    const resolver = await asking({
      'sip.example 1': [alias('sip.example', 'edge.example', 300), address('edge.example', '192.0.2.1', 40)],
      'sip.example 28': [alias('sip.example', 'edge.example', 300)],
    })
    expect(await resolver.addresses('sip.example')).toEqual({ records: ['192.0.2.1'], ttl: 40 })
  })

  test('is an empty list where there is nothing, and not kept for long', async () => {
    const resolver = await asking({})
    expect(await resolver.addresses('no.example')).toEqual({ records: [], ttl: 60 })
    expect(await resolver.srv('_sip._udp.no.example')).toEqual({ records: [], ttl: 60 })
    expect(await resolver.naptr('no.example')).toEqual({ records: [], ttl: 60 })
  })

  test('is no answer where half of it failed and the other half is nothing', async () => {
    const resolver = await asking({
      'half.example 28': 'fails',
      'one.example 28': 'fails',
      'one.example 1': [address('one.example', '192.0.2.7', 50)],
    })
    await expect(resolver.addresses('half.example')).rejects.toMatchObject({ code: 'ESERVFAIL' })
    expect(await resolver.addresses('one.example')).toEqual({ records: ['192.0.2.7'], ttl: 50 })
  })
})

type Zone = Record<string, readonly Buffer[] | 'fails'>

/** A resolver whose only server answers from `zone`; keys are a name and a record's type. */
async function asking(zone: Zone): Promise<Resolver> {
  const server = createSocket('udp4')
  server.on('message', (query, { port, address }) => server.send(answerTo(query, zone), port, address))
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => server.close())
  return systemResolver([`127.0.0.1:${server.address().port}`])
}

/** One question, its records, and nothing else (RFC 1035 §4.1). */
function answerTo(query: Buffer, zone: Zone): Buffer {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  const question = query.subarray(12, at + 5)
  const found = zone[`${labels.join('.').toLowerCase()} ${query.readUInt16BE(at + 1)}`] ?? []
  const records = found === 'fails' ? [] : found
  const head = Buffer.alloc(12)
  query.copy(head, 0, 0, 2)
  head.writeUInt16BE(found === 'fails' ? 0x8182 : 0x8180, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(records.length, 6)
  return Buffer.concat([head, question, ...records])
}

function alias(name: string, target: string, ttl: number): Buffer {
  return record(name, 5, ttl, named(target))
}

function address(name: string, ip: string, ttl: number): Buffer {
  return record(name, 1, ttl, Buffer.from(ip.split('.').map(Number)))
}

function record(name: string, type: number, ttl: number, value: Buffer): Buffer {
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(type, 0)
  fixed.writeUInt16BE(1, 2)
  fixed.writeUInt32BE(ttl, 4)
  fixed.writeUInt16BE(value.length, 8)
  return Buffer.concat([named(name), fixed, value])
}

function named(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]))
  return Buffer.concat([...labels, Buffer.of(0)])
}
