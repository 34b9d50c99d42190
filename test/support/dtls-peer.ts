import { randomBytes } from 'node:crypto'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type Port, portNumber } from '#contract'
import type { Fingerprint, IceCredentials, SrtpKeys } from '../../relay/ground/media.ts'
import { readSocketAddress } from '../../relay/ground/socket-address.ts'
import { type DtlsEngine, type DtlsHandshake, looksLikeDtls } from '../../relay/media/dtls.ts'
import { HmacSha1 } from '../../relay/media/hmac-sha1.ts'
import { looksLikeStun, readBinding, STUN_ANSWER, writeSuccess } from '../../relay/media/stun.ts'
import { bindingRequest } from './stun.ts'

/** The other end, as its description has it. */
export interface DtlsPlace extends IceCredentials {
  readonly address: string
  readonly port: Port
  readonly fingerprint: Fingerprint
  /** It begins the handshake. */
  readonly begins: boolean
}

const REPEAT_MS = 50

/** A party which checks its way and agrees on keys there as browsers do (ICE, DTLS-SRTP), without the rest of one. */
export class DtlsPeer {
  readonly own: IceCredentials
  readonly #dtls: DtlsEngine
  readonly #socket: Socket
  readonly #password: HmacSha1
  readonly #answer = new Uint8Array(STUN_ANSWER)
  #handshake: DtlsHandshake | undefined
  #timer: NodeJS.Timeout | undefined
  #check: Buffer = Buffer.alloc(0)
  #place: DtlsPlace | undefined

  private constructor(dtls: DtlsEngine, socket: Socket, own: IceCredentials) {
    this.#dtls = dtls
    this.#socket = socket
    this.own = own
    this.#password = new HmacSha1(Buffer.from(own.pwd))
    socket.on('message', (packet, from) => this.#heard(packet, from))
  }

  /** `port` 0: any which is free. */
  static async open(dtls: DtlsEngine, address: string, port = 0, own = newCredentials()): Promise<DtlsPeer> {
    const socket = createSocket('udp4')
    socket.bind(port, address)
    await once(socket, 'listening')
    return new DtlsPeer(dtls, socket, own)
  }

  /** Its check, which is the same each time; what answers it is not looked at: who shakes hands has found us. */
  get check(): Buffer {
    return this.#check
  }

  /** Offers these payload types, of G.711. */
  offer(types = '0'): string {
    const { address, port } = this.#socket.address()
    return [
      'v=0',
      `o=- 1 1 IN IP4 ${address}`,
      's=-',
      't=0 0',
      'a=group:BUNDLE 0',
      `m=audio ${port} UDP/TLS/RTP/SAVPF ${types}`,
      `c=IN IP4 ${address}`,
      'a=mid:0',
      'a=rtcp-mux',
      `a=ice-ufrag:${this.own.ufrag}`,
      `a=ice-pwd:${this.own.pwd}`,
      `a=candidate:1 1 UDP 2130706431 ${address} ${port} typ host`,
      `a=fingerprint:sha-256 ${this.#dtls.fingerprints[0]}`,
      'a=setup:actpass',
      'a=sendrecv',
      '',
    ].join('\r\n')
  }

  /** Finds its way to who answered so; its keys, or why there are none. */
  async meets(place: DtlsPlace): Promise<SrtpKeys | { readonly why: string }> {
    this.#place = place
    const username = `${place.ufrag}:${this.own.ufrag}`
    const terms = { username, password: place.pwd, nominates: true, role: 'controlling' } as const
    this.#check = bindingRequest(terms)
    for (;;) {
      this.#send(this.#check)
      this.#handshake?.tick()
      const result = this.#handshake?.result
      if (result !== undefined) return result
      await new Promise((resolve) => {
        this.#timer = setTimeout(resolve, REPEAT_MS)
      })
    }
  }

  /** Sends it what it would hear. */
  says(packet: Uint8Array): void {
    this.#send(packet)
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#handshake?.close()
    this.#handshake = undefined
    const closed = once(this.#socket, 'close')
    this.#socket.close()
    await closed
  }

  #send(packet: Uint8Array): void {
    const { address, port } = this.#place as DtlsPlace
    this.#socket.send(packet, port, address)
  }

  #heard(packet: Buffer, from: RemoteInfo): void {
    if (this.#place === undefined) return
    if (looksLikeDtls(packet, packet.length)) this.#shake().receive(packet, packet.length)
    else if (looksLikeStun(packet, packet.length)) this.#answered(packet, from)
  }

  #shake(): DtlsHandshake {
    const { fingerprint, begins } = this.#place as DtlsPlace
    const send = (datagram: Uint8Array, length: number) =>
      this.#send(Buffer.from(datagram.subarray(0, length)))
    this.#handshake ??= this.#dtls.begin({
      certificate: 0,
      fingerprints: [fingerprint],
      begins: !begins,
      send,
    })
    return this.#handshake
  }

  /** Its check is answered, and an answer to ours begins the handshake, if that is ours to begin. */
  #answered(packet: Buffer, { address, port }: RemoteInfo): void {
    const request = readBinding(packet, packet.length)
    if (request === undefined) {
      if (packet[0] === 1 && packet[1] === 1 && this.#place?.begins === false) this.#shake()
      return
    }
    const from = readSocketAddress(address, portNumber(port))
    if (from === undefined) return
    const terms = { into: this.#answer, packet, password: this.#password, fingerprinted: true }
    this.#socket.send(Buffer.from(this.#answer.subarray(0, writeSuccess(terms, from))), port, address)
  }
}

function newCredentials(): IceCredentials {
  return { ufrag: randomBytes(4).toString('hex'), pwd: randomBytes(16).toString('hex') }
}

/** Where an answer says that its party is. */
export function placeIn(answer: string, address?: string): DtlsPlace {
  const said = (line: RegExp) => line.exec(answer)?.[1] ?? ''
  const [, hash = '', value = ''] = /^a=fingerprint:(\S+) (\S+)/m.exec(answer) ?? []
  return {
    address: address ?? said(/^c=IN IP4 (\S+)/m),
    port: portNumber(Number(said(/^m=audio (\d+)/m))),
    ufrag: said(/^a=ice-ufrag:(\S+)/m),
    pwd: said(/^a=ice-pwd:(\S+)/m),
    fingerprint: { hash: hash.toLowerCase() as Fingerprint['hash'], value: value.toUpperCase() },
    begins: said(/^a=setup:(\S+)/m) === 'active',
  }
}
