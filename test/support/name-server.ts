import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import * as packet from 'dns-packet'
import { freePort } from './free-port.ts'

/** One record as a zone file would have it: `A 192.0.2.1`, `SRV 10 5 5060 a.example`, `CNAME b.example` … */
export type Zone = Record<string, string[]>

/** A name server on paper, over UDP and TCP: answers from `zone`, whose keys are `TYPE name`. */
export class NameServer {
  zone: Zone
  ttl = 60
  /** True: it hears, and says nothing. */
  deaf = false
  /** Answers over UDP are cut off: the question is to come again by TCP. */
  truncated = false
  rcode = 'NOERROR'
  readonly asked: string[] = []
  readonly #udp: Socket
  readonly #tcp: Server

  private constructor(zone: Zone) {
    this.zone = zone
    this.#udp = createSocket('udp4')
    this.#tcp = createServer()
  }

  static async open(zone: Zone, address = '127.0.0.1'): Promise<NameServer> {
    const server = new NameServer(zone)
    await server.#open(address)
    return server
  }

  /** As the resolver is told it: `address:port`. */
  get place(): string {
    const { address, port } = this.#udp.address()
    return `${address}:${port}`
  }

  close(): void {
    this.#udp.close()
    this.#tcp.close()
  }

  async #open(address: string): Promise<void> {
    const port = await freePort(address)
    this.#udp.bind(port, address)
    await once(this.#udp, 'listening')
    this.#udp.on('message', (bytes, from) => {
      const answer = this.#answer(packet.decode(bytes), this.truncated)
      if (answer) this.#udp.send(packet.encode(answer), from.port, from.address)
    })
    this.#tcp.on('connection', (socket) => {
      socket.on('error', () => undefined)
      socket.on('data', (bytes) => {
        const answer = this.#answer(packet.streamDecode(bytes as Buffer), false)
        if (answer) socket.end(packet.streamEncode(answer))
      })
    })
    this.#tcp.listen(port, address)
    await once(this.#tcp, 'listening')
  }

  #answer({ id, questions }: packet.Packet, cut: boolean): packet.Packet | undefined {
    const [question] = questions ?? []
    if (!question || this.deaf) return undefined
    this.asked.push(`${question.type} ${question.name}`)
    const answers = cut ? [] : this.#records(question.type, question.name)
    const flags =
      packet.AUTHORITATIVE_ANSWER | (cut ? packet.TRUNCATED_RESPONSE : 0) | rcodes[this.rcode as 'NOERROR']
    return { type: 'response', ...(id === undefined ? {} : { id }), flags, questions: [question], answers }
  }

  /** With the CNAMEs which lead there, as a recursive server gives them. */
  #records(type: string, name: string): packet.Answer[] {
    const [alias] = this.zone[`CNAME ${name}`] ?? []
    if (alias !== undefined)
      return [{ type: 'CNAME', name, ttl: this.ttl, data: alias }, ...this.#records(type, alias)]
    return (this.zone[`${type} ${name}`] ?? []).map(
      (text) => ({ type, name, ttl: this.ttl, data: dataOf(type, text) }) as packet.Answer,
    )
  }
}

const rcodes = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 }

function dataOf(type: string, text: string): unknown {
  const [first = '', second = '', third = '', fourth = '', fifth = ''] = text.split(' ')
  if (type === 'SRV')
    return { priority: Number(first), weight: Number(second), port: Number(third), target: fourth }
  if (type === 'NAPTR')
    return {
      order: Number(first),
      preference: Number(second),
      flags: third,
      services: fourth,
      regexp: '',
      replacement: fifth,
    }
  return text
}
