import type { MonotonicMs } from '#contract'
import type { Entropy } from '../ground/effects.ts'
import type { IceAim, MediaReport } from '../ground/media.ts'
import type { SocketAddress } from '../ground/socket-address.ts'
import { type DtlsEngine, looksLikeDtls } from './dtls.ts'
import { IceLeg } from './ice-leg.ts'
import type { MediaLeg, RtpPort } from './media-leg.ts'
import { type BindingRequest, looksLikeStun, readBinding, writeRefusal, writeSuccess } from './stun.ts'
import { StunServer } from './stun-server.ts'

/** What is needed to answer what is no RTP. */
export interface BesidesDeps {
  /** Sends `length` bytes from a port to a place; the memory is used again afterwards. */
  readonly reply: (rtpPort: RtpPort, to: SocketAddress, packet: Uint8Array, length: number) => void
  /** And to where a port's latch leads. */
  readonly send: (rtpPort: RtpPort, packet: Uint8Array, length: number) => void
  readonly dtls?: DtlsEngine | undefined
  readonly entropy: Pick<Entropy, 'below'>
  readonly tell: (report: MediaReport) => void
  readonly keyed: (leg: MediaLeg) => void
}

/** What comes to ports of sound and is no sound: STUN, and the handshakes of DTLS (RFC 7983). */
export class Besides {
  readonly #stun = new StunServer()
  readonly #legs = new Map<MediaLeg, IceLeg>()
  readonly #deps: BesidesDeps

  constructor(deps: BesidesDeps) {
    this.#deps = deps
  }

  /** A leg's party checks its way from now on, or does no more (undefined). */
  aim(leg: MediaLeg, aim: IceAim | undefined): void {
    if (aim === undefined) this.#forget(leg)
    else if (leg.ice !== undefined) leg.ice.aim(aim)
    else {
      const { dtls, tell, send, reply, keyed, entropy } = this.#deps
      leg.ice = new IceLeg(leg, aim, {
        ...{ dtls, tell, entropy },
        send: (datagram, length) => send(leg.rtp, datagram, length),
        ask: (to, datagram, length) => reply(leg.rtp, to, datagram, length),
        keyed: () => keyed(leg),
      })
      this.#legs.set(leg, leg.ice)
    }
  }

  /** Whether a packet was of either; then it counts as none of sound. */
  arrive(
    now: MonotonicMs,
    rtpPort: RtpPort,
    from: SocketAddress,
    packet: Uint8Array,
    length: number,
  ): boolean {
    const { ice } = rtpPort.leg
    if (looksLikeStun(packet, length)) {
      this.#ask(now, rtpPort, from, packet, length)
      return true
    }
    if (ice === undefined || rtpPort.control || !looksLikeDtls(packet, length)) return false
    ice.receive(now, from, packet, length)
    return true
  }

  /** To be called several times a second. */
  sweep(now: MonotonicMs): void {
    for (const ice of this.#legs.values()) ice.sweep(now)
  }

  /** A leg is over; what was agreed on there may still be asked. */
  close(leg: MediaLeg): void {
    leg.ice?.close()
    this.#legs.delete(leg)
  }

  #forget(leg: MediaLeg): void {
    this.close(leg)
    leg.ice = undefined
  }

  #ask(now: MonotonicMs, rtpPort: RtpPort, from: SocketAddress, packet: Uint8Array, length: number): void {
    const { ice } = rtpPort.leg
    if (!rtpPort.control && ice?.answered(now, from, packet, length)) return
    const request = ice && !rtpPort.control ? readBinding(packet, length) : undefined
    if (ice === undefined || request === undefined || isPlain(request)) {
      const plain = this.#stun.asked(now, packet, length, from)
      if (plain > 0) this.#deps.reply(rtpPort, from, this.#stun.answer, plain)
      return
    }
    const answer = ice.check(now, packet, request, from)
    if (answer === undefined) return
    const isProven = answer !== 401
    if (!isProven && !this.#stun.spares(now, from)) return
    const into = this.#stun.answer
    const password = isProven ? ice.password : undefined
    const terms = { into, packet, password, fingerprinted: request.fingerprinted || isProven }
    const size =
      answer === 'success' ? writeSuccess(terms, from) : writeRefusal(terms, answer, request.unknown)
    this.#deps.reply(rtpPort, from, into, size)
  }
}

function isPlain({ username, integrityAt }: BindingRequest): boolean {
  return username === '' && integrityAt === undefined
}
