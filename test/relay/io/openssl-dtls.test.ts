import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Fingerprint } from '../../../relay/ground/media.ts'
import { nodesDtls } from '../../../relay/io/dtls-calls.ts'
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

  test.each<[string, (sent: number) => boolean]>([
    ['datagrams are lost: what is not answered is sent again', (sent) => sent % 3 !== 1],
    ['the last one is: who has its keys sends it again', (sent) => sent !== 3],
  ])('are agreed on though %s', async (_, passes) => {
    const { client, server } = await shakenOver(passes)
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

describe('no party fills our memory, whatever it sends once it has its keys', () => {
  test('data in many small records, which is read and let go', () => {
    const { pending, write, flush, hear } = associated()
    for (let datagram = 0; datagram < 200; datagram++) {
      for (let i = 0; i < 30; i++) write()
      for (const sent of flush()) hear(sent)
    }
    expect(pending()).toBeLessThan(4096)
  })

  test('anything behind its farewell (close_notify)', () => {
    const { pending, farewell, flush, hear } = associated()
    farewell()
    for (const sent of flush()) hear(sent)
    for (let i = 0; i < 200; i++) hear(new Uint8Array(1200).fill(23))
    expect(pending()).toBeLessThan(4096)
  })

  test('and what OpenSSL leaves unread comes to an end', () => {
    const library = nodesDtls()
    let taken = 0
    const ssl: typeof library.ssl = {
      ...library.ssl,
      SSL_do_handshake: instead(library.ssl.SSL_do_handshake, () => -1),
      SSL_get_error: instead(library.ssl.SSL_get_error, () => 2),
      BIO_write: instead(library.ssl.BIO_write, (bio, at, length) => {
        taken += length
        return library.ssl.BIO_write(bio, at, length)
      }),
    }
    const deaf = opensslDtls(() => ({ ...library, ssl }))
    if (typeof deaf === 'string') throw new Error(deaf)
    const terms = { begins: false, certificate: 0, fingerprints: sha256(first), send: () => undefined }
    const handshake = deaf.begin(terms)
    for (let i = 0; i < 200; i++) handshake.receive(new Uint8Array(1200).fill(22), 1200)
    expect(taken).toBeLessThan(8192)
    expect(handshake.result).toMatchObject({ why: expect.stringContaining('no handshake') })
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

/** Two ends which have agreed; the client's sends what no browser does, by calls of OpenSSL which the relay has no need of. */
function associated() {
  const library = nodesDtls()
  const ffi = createRequire(import.meta.url)('node:ffi') as typeof import('node:ffi')
  const { functions: more } = ffi.dlopen(null, {
    SSL_write: { arguments: ['pointer', 'pointer', 'i32'], return: 'i32' },
    SSL_shutdown: { arguments: ['pointer'], return: 'i32' },
  })
  const sessions: bigint[] = []
  const readBy: bigint[] = []
  const ssl: typeof library.ssl = {
    ...library.ssl,
    SSL_new: instead(library.ssl.SSL_new, (context) => {
      const session = library.ssl.SSL_new(context)
      sessions.push(session)
      return session
    }),
    SSL_set_bio: instead(library.ssl.SSL_set_bio, (session, read, written) => {
      readBy.push(BigInt(read as bigint))
      library.ssl.SSL_set_bio(session, read, written)
    }),
  }
  const spied = opensslDtls(() => ({ ...library, ssl }))
  if (typeof spied === 'string') throw new Error(spied)
  const [one = '', other = ''] = spied.fingerprints
  const up: Uint8Array[] = []
  const down: Uint8Array[] = []
  const end = (begins: boolean, certificate: number, theirs: string, to: Uint8Array[]) =>
    spied.begin({
      begins,
      certificate,
      fingerprints: sha256(theirs),
      send: (datagram, length) => void to.push(datagram.slice(0, length)),
    })
  const server = end(false, 0, other, down)
  const client = end(true, 1, one, up)
  const hear = (datagram: Uint8Array) => {
    server.receive(datagram, datagram.length)
    for (const answer of down.splice(0)) client.receive(answer, answer.length)
  }
  while (up.length > 0) up.splice(0).forEach(hear)
  if (server.result === undefined || 'why' in server.result) throw new Error('no keys')
  const [serverSession = 0n, clientSession = 0n] = sessions
  const data = new ArrayBuffer(1)
  expect(serverSession).not.toBe(clientSession)
  return {
    hear,
    /** Octets which the server has taken and OpenSSL has not read. */
    pending: () => Number(library.ssl.BIO_ctrl(readBy[0] ?? 0n, 10, 0n, 0n)),
    write: () => expect(more.SSL_write(clientSession, library.whereIs(data), 1)).toBe(1),
    farewell: () => void more.SSL_shutdown(clientSession),
    flush(): Uint8Array[] {
      client.receive(new Uint8Array(13), 13)
      return up.splice(0)
    },
  }
}

/** A call of ours in the place of one of OpenSSL's. */
function instead<Args extends unknown[], Result>(
  { pointer }: ((...args: Args) => Result) & { readonly pointer: bigint },
  call: (...args: Args) => Result,
) {
  return Object.assign(call, { pointer })
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
