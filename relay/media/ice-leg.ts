import type { MonotonicMs } from '#contract'
import type { Astray, IceAim, IceCredentials, LegName, MediaReport, SrtpKeys } from '../ground/media.ts'
import type { SocketAddress } from '../ground/socket-address.ts'
import { TokenBucket } from '../ground/token-bucket.ts'
import type { DtlsEngine, DtlsHandshake } from './dtls.ts'
import { HmacSha1 } from './hmac-sha1.ts'
import type { Latch } from './latch.ts'
import { PlaceQuestion, type QuestionDeps, type QuestionWords } from './place-question.ts'
import { type BindingRequest, isProved, type StunRefusal } from './stun.ts'

/** A party which no longer shows that it listens is sent nothing (RFC 7675 §5.1); its first check, and its keys, may take as long. */
const PATIENCE_MS = 30_000
/** What a party may need: from each of its addresses, again and again. Where it is it has as much for itself, however often others ask. */
const checks = { atOnce: 200, perSecond: 100 }
/** A handshake in pieces, all of it sent again; more is none, and takes no time from sound. */
const records = { atOnce: 50, perSecond: 50 }

/** What an IceLeg needs, and whom it tells. */
export interface IceDeps extends QuestionDeps {
  /** undefined: no keys can be agreed on here. */
  readonly dtls: DtlsEngine | undefined
  /** Sends a datagram to the party, where it showed that it is. */
  readonly send: (datagram: Uint8Array, length: number) => void
  readonly tell: (report: MediaReport) => void
  /** Keys were agreed on, or those there were are no more. */
  readonly keyed: () => void
}

/** What a media leg is to it. */
interface CheckedLeg extends LegName {
  readonly rtp: { readonly latch: Latch }
  readonly rtcp: { readonly latch: Latch }
  readonly aimedAt: MonotonicMs | undefined
  readonly expectedAt: MonotonicMs | undefined
  readonly partner: { readonly aimedAt: MonotonicMs | undefined } | undefined
}

/** What a check is answered: success, a refusal; undefined: nothing. */
export type CheckAnswer = 'success' | StunRefusal | undefined

/**
 * The party of a media leg which checks its way to us, and agrees on keys there. We are ICE-lite (RFC 8445 §2.5): we answer
 * its checks, and it chooses; what it chose is the latch's peer. Only that peer's DTLS is listened to.
 *
 * A handshake ends only where the party is. Once one has begun, another place, which a check of its own may forge, is asked
 * first whether the party is there; sound goes on to where it went meanwhile.
 *
 * Aimed anew it stays as it is, unless its party's certificate, ours or our role is another: then keys are agreed on anew.
 */
export class IceLeg {
  /** What was agreed on; undefined: nothing yet. */
  keys: SrtpKeys | undefined
  readonly #leg: CheckedLeg
  readonly #deps: IceDeps
  readonly #checks = new TokenBucket(checks)
  readonly #strangeChecks = new TokenBucket(checks)
  readonly #records = new TokenBucket(records)
  #aim: IceAim
  #password: HmacSha1
  #theirs: QuestionWords
  readonly #question: PlaceQuestion
  #handshake: DtlsHandshake | undefined
  /** When a check was proved first. */
  #foundAt: MonotonicMs | undefined
  #failure: string | undefined
  /** When a check was proved last; undefined: none was. */
  #consentAt: MonotonicMs | undefined
  #told = Number.NEGATIVE_INFINITY

  constructor(leg: CheckedLeg, aim: IceAim, deps: IceDeps) {
    this.#leg = leg
    this.#deps = deps
    this.#aim = aim
    this.#password = passwordOf(aim.ours)
    this.#theirs = wordsOf(aim)
    this.#question = new PlaceQuestion(deps)
    this.#shut()
  }

  /** By what its checks, and our answers, are proved. */
  get password(): HmacSha1 {
    return this.#password
  }

  aim(aim: IceAim): void {
    const before = this.#aim
    this.#aim = aim
    if (aim.ours.pwd !== before.ours.pwd) this.#password = passwordOf(aim.ours)
    const isRestart = JSON.stringify([aim.ours, aim.theirs]) !== JSON.stringify([before.ours, before.theirs])
    if (isRestart) {
      this.#question.drop()
      this.#theirs = wordsOf(aim)
    }
    if (isSameAssociation(before, aim)) return
    this.#end()
    this.#shut()
  }

  /** A Binding request with credentials came from there. */
  check(now: MonotonicMs, packet: Uint8Array, request: BindingRequest, from: SocketAddress): CheckAnswer {
    const { ours, theirs } = this.#aim
    if (request.username !== `${ours.ufrag}:${theirs.ufrag}`) return 401
    const bucket = this.#isThere(from) ? this.#checks : this.#strangeChecks
    if (!bucket.take(now)) return undefined
    if (!isProved(packet, request, this.#password)) return 401
    if (!request.fingerprinted) return 400
    if (request.unknown.length > 0) return 420
    if (request.controlled) return 487
    this.#consentAt = now
    this.#foundAt ??= now
    if (request.nominates || !this.#leg.rtp.latch.locked) this.#choose(now, from)
    if (this.#aim.begins) this.#shake()
    return 'success'
  }

  /** Whether it answers a check of ours: then its party is there. */
  answered(now: MonotonicMs, from: SocketAddress, packet: Uint8Array, length: number): boolean {
    if (!this.#question.settles(from, packet, length, this.#theirs)) return false
    this.#leg.rtp.latch.choose(now, from)
    return true
  }

  /** DTLS came from there. */
  receive(now: MonotonicMs, from: SocketAddress, datagram: Uint8Array, length: number): void {
    if (!this.#isThere(from) || !this.#records.take(now)) return
    this.#shake()
    this.#handshake?.receive(datagram, length)
    this.#settle()
  }

  /** To be called several times a second: repeats what was lost, and sees whether the party is still there. */
  sweep(now: MonotonicMs): void {
    this.#question.repeat(now, this.#theirs)
    if (this.#isShaking) {
      this.#handshake?.tick()
      this.#settle()
    }
    const astray = this.#astray(now)
    if (astray === undefined || now - this.#told < PATIENCE_MS) return
    this.#told = now
    if (astray.of === 'consent') this.#shut()
    const { session, side } = this.#leg
    this.#deps.tell({ type: 'astray', session, side, ...astray })
  }

  close(): void {
    this.#handshake?.close()
    this.#handshake = undefined
  }

  /** Whether it is the place where its party is. */
  #isThere(from: SocketAddress): boolean {
    const { latch } = this.#leg.rtp
    return latch.locked && latch.peer.same(from)
  }

  /** Its party says that it is there from now on. */
  #choose(now: MonotonicMs, place: SocketAddress): void {
    if (this.#isThere(place)) this.#question.drop()
    else if (this.#handshake === undefined) this.#leg.rtp.latch.choose(now, place)
    else this.#question.about(now, place, this.#theirs)
  }

  get #isShaking(): boolean {
    return this.#handshake !== undefined && this.keys === undefined && this.#failure === undefined
  }

  /** What is wrong with its way; undefined: nothing, or nothing yet. */
  #astray(now: MonotonicMs): Pick<Astray, 'of' | 'ms' | 'why'> | undefined {
    const ms = now - this.#since(now)
    if (ms >= PATIENCE_MS) return { of: this.#consentAt === undefined ? 'checks' : 'consent', ms }
    const shaken = this.#foundAt === undefined ? 0 : now - this.#foundAt
    if (this.#failure !== undefined) return { of: 'keys', ms: shaken, why: this.#failure }
    if (this.keys !== undefined || shaken < PATIENCE_MS) return undefined
    return { of: 'keys', ms: shaken, why: 'the handshake (DTLS) came to no end' }
  }

  /** Since when it has not been heard: its last check, or else that both sides have said where they are. */
  #since(now: MonotonicMs): number {
    if (this.#consentAt !== undefined) return this.#consentAt
    const { aimedAt, partner, expectedAt } = this.#leg
    const joined = partner === undefined ? expectedAt : partner.aimedAt
    return joined === undefined || aimedAt === undefined ? now : Math.max(joined, aimedAt)
  }

  /** Begins to agree on keys, unless that was begun. */
  #shake(): void {
    if (this.#handshake !== undefined || this.#failure !== undefined) return
    const { certificate, fingerprints, begins } = this.#aim
    const { dtls, send } = this.#deps
    this.#handshake = dtls?.begin({ certificate, fingerprints, begins, send })
    if (this.#handshake === undefined) this.#failure = 'this relay agrees on no keys (DTLS)'
  }

  #settle(): void {
    const result = this.#handshake?.result
    if (result === undefined || this.keys !== undefined || this.#failure !== undefined) return
    if ('why' in result) this.#failure = result.why
    else this.keys = result
    if (this.keys !== undefined) this.#deps.keyed()
  }

  #end(): void {
    this.close()
    this.keys = undefined
    this.#failure = undefined
    this.#consentAt = undefined
    this.#foundAt = undefined
    this.#told = Number.NEGATIVE_INFINITY
  }

  #shut(): void {
    this.#question.drop()
    this.#leg.rtp.latch.shut()
    this.#leg.rtcp.latch.shut()
  }
}

function passwordOf({ pwd }: IceCredentials): HmacSha1 {
  return new HmacSha1(Uint8Array.from(pwd, (letter) => letter.charCodeAt(0)))
}

function wordsOf({ ours, theirs }: IceAim): QuestionWords {
  return { username: `${theirs.ufrag}:${ours.ufrag}`, password: passwordOf(theirs) }
}

/** Which certificates, and who begins, is what an association is made of (RFC 8842 §4). */
function isSameAssociation(one: IceAim, other: IceAim): boolean {
  const words = ({ certificate, begins, fingerprints }: IceAim) =>
    JSON.stringify([certificate, begins, fingerprints.map(({ hash, value }) => `${hash} ${value}`).sort()])
  return words(one) === words(other)
}
