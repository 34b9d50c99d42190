import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { on, once } from 'node:events'
import { connect, isIPv6 } from 'node:net'
import * as packet from 'dns-packet'
import type { Flow } from '../ground/flow.ts'

/** Records of one type at a name, and how many seconds they are good for. */
interface Found<Data> {
  readonly records: readonly Data[]
  readonly ttl: number
}

/** Types we ask for, and what their records hold. */
interface DataByType {
  A: string
  AAAA: string
  SRV: packet.SrvData
  NAPTR: packet.NaptrData
}

/** A name server's address and port. */
export type NameServer = Pick<Flow, 'address' | 'port'>

/* Implementation */
const answerMs = 1_000
const rounds = 2
/** Where a server says that there is nothing, but not for how long. */
const nothingTtl = 60
/** Enough for long answers, and not so much that they arrive in pieces. */
const udpBytes = 1_232

/**
 * Asks name servers, one after the other and around again (RFC 1035 §4.2, RFC 2308 for what is not there).
 *
 * Node's own resolver keeps back for how long SRV and NAPTR records are good. Rejects with a `code` when no
 * server gives an answer; that a name has no such record is one. Throws where none answers, or one says that it
 * failed. Throws where none answers, or one says that it failed.
 */
export async function askServers<Type extends keyof DataByType>(
  servers: readonly NameServer[],
  name: string,
  type: Type,
): Promise<Found<DataByType[Type]>> {
  let why: unknown = failure('ENOSERVERS', 'no name server is known')
  for (let turn = 0; turn < rounds * servers.length; turn += 1) {
    const server = servers[turn % servers.length] as NameServer
    try {
      return read(await exchange(server, name, type), name, type)
    } catch (error) {
      why = error
    }
  }
  throw why
}

async function exchange(
  server: NameServer,
  name: string,
  type: keyof DataByType,
): Promise<packet.DecodedPacket> {
  const query = {
    type: 'query' as const,
    id: randomInt(65_536),
    flags: packet.RECURSION_DESIRED,
    questions: [{ type, name }],
    additionals: [{ type: 'OPT' as const, name: '.' as const, udpPayloadSize: udpBytes }],
  }
  const answer = await byUdp(server, packet.encode(query as packet.Packet), (bytes) =>
    fitting(bytes, query.id, name),
  )
  return answer.flag_tc ? byTcp(server, packet.streamEncode(query as packet.Packet), query.id, name) : answer
}

/** From a port of its own each time: a forger of answers has that to guess, too (RFC 5452). */
async function byUdp(
  { address, port }: NameServer,
  query: Buffer,
  fits: (bytes: Buffer) => packet.DecodedPacket | undefined,
): Promise<packet.DecodedPacket> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  const signal = AbortSignal.timeout(answerMs)
  try {
    socket.connect(port, address)
    await once(socket, 'connect', { signal })
    socket.send(query)
    for await (const [bytes] of on(socket, 'message', { signal })) {
      const answer = fits(bytes as Buffer)
      if (answer) return answer
    }
    throw failure('EBADRESP', `${address} answers something else`)
  } catch (error) {
    throw signal.aborted ? failure('ETIMEOUT', `${address} does not answer`) : error
  } finally {
    socket.close()
  }
}

async function byTcp(
  { address, port }: NameServer,
  query: Buffer,
  id: number,
  name: string,
): Promise<packet.DecodedPacket> {
  const socket = connect({ host: address, port })
  socket.setTimeout(answerMs, () => socket.destroy(failure('ETIMEOUT', `${address} does not answer`)))
  try {
    socket.write(query)
    let heard: Buffer = Buffer.alloc(0)
    for await (const chunk of socket) {
      heard = Buffer.concat([heard, chunk as Buffer])
      if (heard.length < 2 || heard.length < 2 + heard.readUInt16BE(0)) continue
      const answer = fitting(heard.subarray(2, 2 + heard.readUInt16BE(0)), id, name)
      if (answer) return answer
      break
    }
    throw failure('EBADRESP', `${address} answers something else`)
  } finally {
    socket.destroy()
  }
}

/** The answer to our question; undefined for anything else, which is a mistake or malice. */
function fitting(bytes: Buffer, id: number, name: string): packet.DecodedPacket | undefined {
  try {
    const answer = packet.decode(bytes)
    const asked = answer.questions?.[0]?.name
    return answer.id === id && answer.type === 'response' && asked?.toLowerCase() === name
      ? answer
      : undefined
  } catch {
    return undefined
  }
}

function read<Type extends keyof DataByType>(
  answer: packet.DecodedPacket,
  name: string,
  type: Type,
): Found<DataByType[Type]> {
  const rcode = (answer as { rcode?: string }).rcode ?? 'NOERROR'
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') throw failure(`E${rcode}`, `the name server says ${rcode}`)
  const answers = (answer.answers ?? []) as DnsAnswer[]
  const chain = chainFrom(name, answers)
  const links = answers.filter((record) => record.type === 'CNAME' && chain.has(lower(record)))
  const found = answers.filter((record) => record.type === type && chain.has(lower(record)))
  const ttl = found.length > 0 ? least([...links, ...found]) : nothingFor(answer)
  return { records: found.map(({ data }) => data as DataByType[Type]), ttl }
}

type DnsAnswer = { type: string; name: string; ttl?: number; data: unknown }

/** The name, and those it is only another name for (RFC 1034 §3.6.2). */
function chainFrom(name: string, answers: readonly DnsAnswer[]): Set<string> {
  const chain = new Set([name])
  for (const _ of answers) {
    for (const { type, name: alias, data } of answers)
      if (type === 'CNAME' && chain.has(alias.toLowerCase())) chain.add(String(data).toLowerCase())
  }
  return chain
}

/** For how long there is nothing: the SOA's own time, or its minimum (RFC 2308 §5). */
function nothingFor({ authorities }: packet.DecodedPacket): number {
  const soa = (authorities as DnsAnswer[] | undefined)?.find(({ type }) => type === 'SOA')
  if (!soa) return nothingTtl
  return Math.min(soa.ttl ?? nothingTtl, (soa.data as packet.SoaData).minimum ?? nothingTtl)
}

function least(records: readonly DnsAnswer[]): number {
  return Math.min(...records.map(({ ttl }) => ttl ?? 0))
}

function lower({ name }: DnsAnswer): string {
  return name.toLowerCase()
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
