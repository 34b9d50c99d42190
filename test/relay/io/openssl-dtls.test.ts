import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Fingerprint } from '../../../relay/ground/media.ts'
import { opensslDtls } from '../../../relay/io/openssl-dtls.ts'
import type { DtlsEngine, DtlsHandshake } from '../../../relay/media/dtls.ts'
import { fuzzMs, fuzzRuns } from '../../support/fuzz.ts'

const engine = made()
const [first = '', second = ''] = engine.fingerprints

describe('keys agreed on by DTLS-SRTP (RFC 5764)', () => {
  test('are the same at both ends, each end its own', () => {
    const { client, server } = shaken({})
    if (!client || !server || 'why' in client || 'why' in server) throw new Error('no keys')
    expect(server.ours).toEqual(client.theirs)
    expect(server.theirs).toEqual(client.ours)
    expect(server.ours).not.toEqual(server.theirs)
    expect(server.ours.suite).toBe('AEAD_AES_128_GCM')
    expect(server.ours.secret).toHaveLength(28)
  })

  test('are none where a certificate is another than was named, whichever end has it', () => {
    expect(shaken({ toServer: sha256(first) }).server).toMatchObject({
      why: expect.stringContaining('certificate'),
    })
    expect(shaken({ toClient: sha256(second) }).client).toMatchObject({
      why: expect.stringContaining('certificate'),
    })
  })

  test('need the best of several hashes to be right (RFC 8122 §5.1)', () => {
    const wrong: Fingerprint = { hash: 'sha-512', value: first }
    expect(shaken({ toServer: [...sha256(second), wrong] }).server).toHaveProperty('why')
    expect(shaken({ toServer: [...sha256(first), ...sha256(second)] }).server).toHaveProperty('ours')
    expect(shaken({ toServer: [] }).server).toHaveProperty('why')
  })

  test('are agreed on though datagrams are lost: what is not answered is sent again', async () => {
    const { client, server } = await shakenOver((sent) => sent % 3 !== 1)
    expect([client, server]).toEqual([
      expect.objectContaining({ ours: expect.anything() }),
      expect.objectContaining({ ours: expect.anything() }),
    ])
  })

  test('are agreed on in datagrams of 1200 octets at most, in which a longer message goes in pieces', () => {
    const pieces: number[] = []
    const { server } = shaken({ heard: (datagram) => pieces.push(datagram.length) })
    expect(server).toHaveProperty('ours')
    expect(Math.max(...pieces)).toBeLessThanOrEqual(1200)
  })
})

test(
  'whatever comes in the place of a handshake, nothing is thrown and no keys follow',
  () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), (datagrams) => {
        const handshake = begin(false, 0, sha256(second), () => undefined)
        for (const datagram of datagrams) handshake.receive(datagram, datagram.length)
        handshake.tick()
        const { result } = handshake
        handshake.close()
        expect(result === undefined || 'why' in result).toBe(true)
      }),
      fuzzRuns(200),
    )
  },
  fuzzMs,
)

test('where node:ffi is not to be had, it says so in words', () => {
  const load = () => {
    throw new Error('No such built-in module: node:ffi')
  }
  expect(opensslDtls(load)).toBe('No such built-in module: node:ffi')
})

test('its certificates are two, known by their SHA-256', () => {
  expect(new Set(engine.fingerprints).size).toBe(2)
  expect(first).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
})

/** Records of DTLS 1.2 with anything in them, and anything at all. */
const record = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 300 }),
  fc
    .tuple(fc.constantFrom(20, 21, 22, 23, 24), fc.uint8Array({ maxLength: 200 }))
    .map(([type, body]) =>
      Uint8Array.from([
        type,
        0xfe,
        0xfd,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        body.length >> 8,
        body.length & 255,
        ...body,
      ]),
    ),
)

interface Shaking {
  readonly toServer?: readonly Fingerprint[]
  readonly toClient?: readonly Fingerprint[]
  readonly heard?: (datagram: Uint8Array) => void
}

/** A client shows the second certificate, a server the first. */
function shaken({ toServer = sha256(second), toClient = sha256(first), heard = () => undefined }: Shaking) {
  const [up, down]: Uint8Array[][] = [[], []]
  const server = begin(false, 0, toServer, (datagram) => down?.push(datagram))
  const client = begin(true, 1, toClient, (datagram) => up?.push(datagram))
  for (let turn = 0; turn < 10; turn++) {
    for (const datagram of up?.splice(0) ?? []) {
      heard(datagram)
      server.receive(datagram, datagram.length)
    }
    for (const datagram of down?.splice(0) ?? []) client.receive(datagram, datagram.length)
  }
  const results = { client: client.result, server: server.result }
  client.close()
  server.close()
  return results
}

/** The same over a way which carries only some. */
async function shakenOver(passes: (sent: number) => boolean) {
  let sent = 0
  const ends: { client?: DtlsHandshake; server?: DtlsHandshake } = {}
  const to = (end: 'client' | 'server') => (datagram: Uint8Array) => {
    if (passes(sent++)) setImmediate(() => ends[end]?.receive(datagram, datagram.length))
  }
  ends.server = begin(false, 0, sha256(second), to('client'))
  ends.client = begin(true, 1, sha256(first), to('server'))
  while (ends.client.result === undefined || ends.server.result === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    ends.client.tick()
    ends.server.tick()
  }
  const results = { client: ends.client.result, server: ends.server.result }
  ends.client.close()
  ends.server.close()
  return results
}

function begin(
  begins: boolean,
  certificate: number,
  fingerprints: readonly Fingerprint[],
  send: (datagram: Uint8Array) => void,
): DtlsHandshake {
  return engine.begin({
    begins,
    certificate,
    fingerprints,
    send: (datagram, length) => send(datagram.slice(0, length)),
  })
}

function sha256(value: string): Fingerprint[] {
  return [{ hash: 'sha-256', value }]
}

function made(): DtlsEngine {
  const engine = opensslDtls()
  if (typeof engine === 'string') throw new Error(engine)
  return engine
}
