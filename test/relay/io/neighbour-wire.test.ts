import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Flow } from '../../../relay/ground/flow.ts'
import { neighbourPair } from '../../../relay/io/neighbour-pair.ts'
import { openNeighbourWire } from '../../../relay/io/neighbour-wire.ts'
import type { StreamWire } from '../../../relay/io/stream-options.ts'
import { certificate } from '../../support/certificate.ts'
import { silence } from '../../support/silence.ts'
import { soon } from '../../support/wait.ts'

const options = 'OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n'
const opened: StreamWire[] = []
afterEach(() => Promise.all(opened.splice(0).map((wire) => wire.close())))

describe('what a relay shows other relays', () => {
  test('follows from its key: the same at every start, another under another key', () => {
    const [one, again, other] = ['rk_a.1', 'rk_a.1', 'rk_a.2'].map((key) => neighbourPair(key, 'a'))
    expect(again).toEqual(one)
    expect(other?.fingerprint).not.toBe(one?.fingerprint)
    const shown = new X509Certificate(one?.cert ?? '')
    expect(shown.subject).toBe('CN=a')
    expect(shown.verify(shown.publicKey)).toBe(true)
    expect(shown.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(one?.fingerprint)
  })

  test('is a certificate whatever its relay is called', () => {
    for (const length of [1, 40, 100, 200])
      expect(new X509Certificate(neighbourPair('rk', 'r'.repeat(length)).cert).subject).toHaveLength(
        length + 3,
      )
  })
})

describe('the wire between relays', () => {
  test('carries words both ways over one connection, and says whose they are', async () => {
    const [a, b] = await two()
    a.wire.send(b.flow, bytes(options))
    const [there] = await soon('words at b', () => (b.heard.length > 0 ? b.heard : undefined))
    expect(there).toMatchObject({ transport: 'tls', neighbour: 'a' })
    b.wire.send(there ?? b.flow, bytes(options))
    const [here] = await soon('words at a', () => (a.heard.length > 0 ? a.heard : undefined))
    expect(here).toMatchObject({ neighbour: 'b', port: b.flow.port })
  })

  test('hangs up on strangers before a word is said: without a certificate, and with one that is no relay’s', async () => {
    const [, b] = await two()
    const other = certificate({ commonName: 'a' })
    for (const shown of [{}, { cert: other.cert, key: other.key }]) {
      const socket = connect({ host: '127.0.0.1', port: b.flow.port, rejectUnauthorized: false, ...shown })
      const words: unknown[] = []
      socket.on('data', (chunk) => words.push(chunk)).on('error', () => undefined)
      socket.write(options)
      await once(socket, 'close')
      expect(words).toEqual([])
    }
    expect(b.heard).toEqual([])
  })

  test('says nothing to a listener which is not the relay it was told of', async () => {
    const [a, b] = await two()
    a.wire.send({ ...b.flow, tls: pinned('00'.repeat(32)) }, bytes(options))
    const why = await soon('that it was not sent', () => a.unsent[0])
    expect(why).toContain('another fingerprint')
    expect(b.heard).toEqual([])
  })

  test.each([
    ['made to us', 'a', 'b'],
    ['we made', 'b', 'a'],
  ] as const)(
    'hears no word more over a connection %s once that relay has another key',
    async (_, other, own) => {
      const places = new Map<string, Flow>()
      const ends = { a: await end('a', places), b: await end('b', places) }
      ends.a.wire.send(ends.b.flow, bytes(options))
      const [there] = await soon('words at b', () => (ends.b.heard.length > 0 ? ends.b.heard : undefined))
      ends.b.wire.send(there ?? ends.b.flow, bytes(options))
      await soon('words at a', () => ends.a.heard[0])
      // One which the edge has lost sight of is heard on: its calls go on.
      places.delete(other)
      ends.a.wire.send(ends.b.flow, bytes(options))
      ends.b.wire.send(there ?? ends.b.flow, bytes(options))
      await soon('more words', () => (ends[own].heard.length > 1 ? true : undefined))
      places.set(other, { ...ends[other].flow, tls: pinned('00'.repeat(32)) })
      const before = ends[own].heard.length
      if (other === 'a') ends.a.wire.send(ends.b.flow, bytes(options))
      else ends.b.wire.send(there ?? ends.b.flow, bytes(options))
      await soon('the end of it', () => ends[own].closed[0])
      expect(ends[own].heard).toHaveLength(before)
    },
  )

  test('finds a relay again whose connection is gone', async () => {
    const [a, b] = await two()
    a.wire.send(b.flow, bytes(options))
    const [there] = await soon('words at b', () => (b.heard.length > 0 ? b.heard : undefined))
    b.wire.hangUp(there ?? b.flow)
    await soon('the end of it', () => b.closed[0])
    b.wire.send(there ?? b.flow, bytes(options))
    const [here] = await soon('words at a', () => (a.heard.length > 0 ? a.heard : undefined))
    expect(here).toMatchObject({ neighbour: 'b' })
  })
})

interface End {
  readonly wire: StreamWire
  /** Where the other one reaches it. */
  readonly flow: Flow
  readonly heard: Flow[]
  readonly closed: Flow[]
  readonly unsent: string[]
}

async function two(): Promise<[End, End]> {
  const places = new Map<string, Flow>()
  return [await end('a', places), await end('b', places)]
}

async function end(name: string, places: Map<string, Flow>): Promise<End> {
  const pair = neighbourPair(`rk_${name}`, name)
  const [heard, closed, unsent]: [Flow[], Flow[], string[]] = [[], [], []]
  const wire = await openNeighbourWire({
    host: '127.0.0.1',
    port: portNumber(0),
    pair,
    named: (fingerprint) => [...places].find(([, { tls }]) => tls?.fingerprint === fingerprint)?.[0],
    placeOf: (relayId) => places.get(relayId),
    receive: (flow) => heard.push(flow),
    unsent: (_, why) => unsent.push(why),
    closed: (flow) => closed.push(flow),
    log: silence,
  })
  opened.push(wire)
  const { port } = wire.address
  const flow: Flow = {
    transport: 'tls',
    address: '127.0.0.1',
    port,
    tls: pinned(pair.fingerprint),
    neighbour: name,
  }
  places.set(name, flow)
  return { wire, flow, heard, closed, unsent }
}

function pinned(fingerprint: string) {
  return { name: '127.0.0.1', verify: 'fingerprint', fingerprint } as const
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
