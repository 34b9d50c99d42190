import { writeFileSync } from 'node:fs'
import { portNumber, type SrtpSuite } from '#contract'
import type { IceAim, IceCredentials, SrtpKeys } from '../../relay/ground/media.ts'
import { type DtlsLibrary, nodesDtls } from '../../relay/io/dtls-calls.ts'
import { opensslDtls } from '../../relay/io/openssl-dtls.ts'
import type { DtlsEngine } from '../../relay/media/dtls.ts'
import { suiteSizes } from '../../relay/media/srtp-cipher.ts'
import { pureCipher } from '../../relay/media/srtp-pure.ts'
import { SrtpSender } from '../../relay/media/srtp-sender.ts'
import { DtlsPeer, type DtlsPlace } from '../support/dtls-peer.ts'
import { rtpPacket } from '../support/rtp.ts'

/** What every browser here says of its way, and what ours says to each. */
const browsers: IceCredentials = { ufrag: 'everypage', pwd: 'what-each-page-proves-it-by' }
const relays: IceCredentials = { ufrag: 'relay', pwd: 'what-the-relay-proves-it-by' }

/** Profiles of DTLS-SRTP as OpenSSL names them. */
const profiles = {
  AEAD_AES_128_GCM: 'SRTP_AEAD_AES_128_GCM',
  AES_CM_128_HMAC_SHA1_80: 'SRTP_AES128_CM_SHA1_80',
} satisfies Partial<Record<SrtpSuite, string>>

/** A suite which browsers and both relays have. */
export type BrowserSuite = keyof typeof profiles

/** How ours is told of such a browser. */
export function aimAtBrowser(fingerprint: string): IceAim {
  const fingerprints = [{ hash: 'sha-256', value: fingerprint }] as const
  return { ours: relays, theirs: browsers, fingerprints, certificate: 0, begins: false }
}

/** Where ours is for it. */
export function ourPlace(address: string, port: number, fingerprint: string): DtlsPlace {
  return {
    ...relays,
    address,
    port: portNumber(port),
    fingerprint: { hash: 'sha-256', value: fingerprint },
    begins: false,
  }
}

/** Parties of calls which agree on keys as browsers do; the counted packets are the generator's, by those keys. */
export class Browsers {
  readonly fingerprint: string
  readonly #peers: readonly DtlsPeer[]

  private constructor(fingerprint: string, peers: readonly DtlsPeer[]) {
    this.fingerprint = fingerprint
    this.#peers = peers
  }

  /** Call i's is at this port + 2i; they take one suite, and no other. */
  static async open(suite: BrowserSuite, calls: number, address: string, first: number): Promise<Browsers> {
    const dtls = engineOf(suite)
    const ports = Array.from({ length: calls }, (_, i) => first + 2 * i)
    const peers = await Promise.all(ports.map((port) => DtlsPeer.open(dtls, address, port, browsers)))
    return new Browsers(dtls.fingerprints[0] ?? '', peers)
  }

  /** What each offers. */
  get offers(): string[] {
    return this.#peers.map((peer) => peer.offer('8'))
  }

  /** Has each find its way to where its call is, and writes what it then says: its check, and packets for so many seconds. */
  async agree(
    places: readonly DtlsPlace[],
    path: string,
    seconds: number,
  ): Promise<{ tag: number; check: number }> {
    const met = await Promise.all(this.#peers.map((peer, i) => peer.meets(places[i] as DtlsPlace)))
    const all = met.map((keys) => {
      if ('why' in keys) throw new Error(`no keys were agreed on: ${keys.why}`)
      return keys
    })
    const checks = this.#peers.map(({ check }) => check)
    writeFileSync(
      path,
      Buffer.concat(all.flatMap((keys, i) => [checks[i] as Buffer, spoken(keys, seconds * 50)])),
    )
    await Promise.all(this.#peers.map((peer) => peer.close()))
    return { tag: suiteSizes[all[0]?.ours.suite ?? 'AEAD_AES_128_GCM'].tag, check: checks[0]?.length ?? 0 }
  }
}

function spoken({ ours }: SrtpKeys, count: number): Buffer {
  const sender = new SrtpSender(ours, pureCipher)
  const packets = Array.from({ length: count }, (_, sequence) => {
    const packet = Buffer.alloc(256)
    rtpPacket({ sequence, ssrc: 0x5ec, type: 8 }).copy(packet)
    return packet.subarray(0, sender.protect(packet, 172, false))
  })
  return Buffer.concat(packets)
}

function engineOf(suite: BrowserSuite): DtlsEngine {
  const engine = opensslDtls(() => speaking(nodesDtls(), profiles[suite]))
  if (typeof engine === 'string') throw new Error(engine)
  return engine
}

/** Whatever it is told, it takes this profile. */
function speaking(library: DtlsLibrary, profile: string): DtlsLibrary {
  const taken = library.ssl.SSL_CTX_set_tlsext_use_srtp
  const words = new TextEncoder().encode(`${profile}\0`)
  const only = Object.assign(
    (context: Parameters<typeof taken>[0]) => taken(context, library.whereIs(words.buffer)),
    {
      pointer: taken.pointer,
    },
  )
  return { ...library, ssl: { ...library.ssl, SSL_CTX_set_tlsext_use_srtp: only } }
}
