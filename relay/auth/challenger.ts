import {
  type CredentialAnswer,
  type CredentialQuestion,
  type DigestAlgorithm,
  type MonotonicMs,
  monotonicMs,
  readTokenName,
  type UtcMs,
} from '#contract'
import type { Hashes } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import { rememberLast } from '../ground/remember.ts'
import {
  type Credentials,
  type DigestHashes,
  digestResponse,
  hashFor,
  readCredentials,
  withoutSession,
  writeChallenge,
} from '../sip/digest.ts'
import type { Header, Request, Response } from '../sip/message.ts'
import { headerNumber } from '../sip/names.ts'
import { reply } from '../sip/reply.ts'
import { parseUri } from '../sip/uri.ts'
import type { AuthFailure, AuthFailureReason } from './auth-failure.ts'
import { NonceCounts } from './nonce-counts.ts'
import { isEnded, isOver, tokenHa1s, tokenIdOf, withinToken } from './registration-tokens.ts'

/** How an account there is proves itself. */
export type KnownCredential = Extract<CredentialAnswer, { kind: 'known' }>

const authorization = headerNumber('authorization')
const proxyAuthorization = headerNumber('proxy-authorization')

declare const proven: unique symbol

/** A caller or phone which proved to be its account. Only a Challenger makes one. */
export interface Verified {
  readonly [proven]: true
  readonly credential: KnownCredential
  /** The token which proved it; null: it was the password. */
  readonly tokenId: string | null
}

/**
 * `stale`: the password was right, the nonce too old. `replayed`: this very answer was used before. `over`: it was a token's, whose
 * time is over. `ended`: one which was ended before that.
 */
type Checked =
  | { readonly ok: true; readonly verified: Verified }
  | {
      readonly ok: false
      readonly why: 'wrong' | 'stale' | 'replayed' | 'malformed' | 'over' | 'ended'
      /** The password is right, and what it was given for is another request. */
      readonly rewritten?: true
    }

interface ChallengeParts {
  readonly realm: string
  /** true: 407 for calls through us; false: 401 for what we answer ourselves (RFC 3261 §22.3). */
  readonly proxy: boolean
  /** One challenge each, best first (RFC 8760 §2.3). */
  readonly algorithms: readonly DigestAlgorithm[]
  readonly stale?: boolean
  readonly flow?: Flow
}

interface ChallengerOptions {
  /** How long a nonce is good for. */
  readonly lifetimeMs?: number
  /** Nonces whose counts are remembered at once. */
  readonly remembered?: number
  /** Which process of which relay this is: a nonce is good where its counts are. Absent: there is one alone. */
  readonly maker?: string
  /** Hosts by which a phone may name us instead of its realm. */
  readonly hosts?: readonly string[]
}

/**
 * Challenges strangers and checks their answers (RFC 3261 §22, RFC 8760).
 *
 * A nonce proves its own age, its realm, the process which made it and the address it was sent to, so nothing is remembered about those
 * who never answer, and a phone which answers with it does receive what is sent there. What is remembered is how
 * often a nonce was answered with, so that no answer is good twice. Its age is told by the monotonic clock: UTC may be put right
 * while a phone answers.
 */
export class Challenger {
  readonly #hashes: Hashes
  readonly #lifetimeMs: number
  readonly #hosts: readonly string[]
  readonly #maker: string
  readonly #counts: NonceCounts
  /** What a nonce adds to the monotonic clock, which would tell for how long we run. */
  readonly #origin: number
  /** One answer asks for one seal several times. */
  readonly #mac: Hashes['mac']
  /** Hashes of what is asked, the last of which are remembered: one customer's phones all ask for one registrar. */
  readonly #asked: DigestHashes
  /** To tags are made under it; they prove nothing, so one hash is enough. */
  readonly #tagKey: string

  constructor(hashes: Hashes, options: ChallengerOptions = {}) {
    this.#hashes = hashes
    this.#mac = rememberLast(2, hashes.mac)
    this.#asked = { md5: rememberLast(8, hashes.md5), sha256: rememberLast(8, hashes.sha256) }
    this.#tagKey = hashes.mac('tags')
    this.#lifetimeMs = options.lifetimeMs ?? 120_000
    this.#hosts = options.hosts ?? []
    this.#maker = options.maker ?? ''
    this.#origin = Number.parseInt(hashes.mac(`origin ${this.#maker}`).slice(0, 10), 16)
    this.#counts = new NonceCounts(this.#lifetimeMs, options.remembered ?? 200_000)
  }

  /** The same request is challenged under the same To tag, whichever relay is asked: no transaction is needed (§8.2.7). */
  challenge(now: MonotonicMs, request: Request, wish: ChallengeParts): Response {
    const { callId, from, cseq, via } = request
    const asked = `${callId} ${from.tag} ${cseq.number} ${cseq.method} ${via.branch}`
    const same = this.#hashes.sha256(`${this.#tagKey} ${asked}`)
    const nonce = this.#nonce(now, same.slice(16, 28), wish.realm, wish.flow?.address)
    const name = wish.proxy ? 'proxy-authenticate' : 'www-authenticate'
    const headers = wish.algorithms.map((algorithm): Header => {
      const { realm, stale = false } = wish
      return [name, writeChallenge({ realm, nonce, algorithm, qop: ['auth'], stale })]
    })
    return reply(request, wish.proxy ? 407 : 401, { headers, toTag: same.slice(0, 16), flow: wish.flow })
  }

  /**
   * With what a name is challenged which no account has: drawn from what the accounts of its realm are challenged with, one list
   * each, and the same one every time. So it is as likely to get each list as an account is, and no list tells whether
   * there is one. undefined: there are no accounts.
   */
  draw(
    { realm, username }: CredentialQuestion,
    lists: readonly (readonly DigestAlgorithm[])[],
  ): readonly DigestAlgorithm[] | undefined {
    const [first] = lists
    if (first?.join() === lists.at(-1)?.join()) return first
    const drawn = Number.parseInt(this.#hashes.mac(`algorithms ${realm} ${username}`).slice(0, 12), 16)
    return lists[Math.floor((drawn / 2 ** 48) * lists.length)]
  }

  /** The answer to a challenge of our realm; those to others are not ours to read. */
  credentials(request: Request, wish: { realm: string; proxy: boolean }): Credentials | undefined {
    const number = wish.proxy ? proxyAuthorization : authorization
    return request.readAll(number, readCredentials).find((given) => given?.realm === wish.realm)
  }

  /** Whether a phone proves itself, but to another realm: a registrar is asked by no other realm's challenges. */
  strays(request: Request, wish: { realm: string; proxy: boolean }): boolean {
    return !wish.proxy && request.header('authorization') !== undefined && !this.credentials(request, wish)
  }

  /** Whether the nonce is ours, this peer's and still young: only then is its holder worth a question to the edge. */
  knows(now: MonotonicMs, { nonce, realm }: Credentials, flow?: Flow): boolean {
    const issuedAt = this.#issuedAt(nonce, realm, flow?.address)
    return issuedAt !== undefined && now - issuedAt <= this.#lifetimeMs
  }

  /** Takes the same steps for a wrong password, an unknown user and a disabled one (RFC 7616 §5.7). */
  check(
    now: MonotonicMs,
    at: UtcMs,
    request: Request,
    credentials: Credentials,
    answer: CredentialAnswer,
    flow?: Flow,
  ): Checked {
    const count = Number.parseInt(credentials.nc ?? '', 16)
    const hash = hashFor(credentials.algorithm, this.#hashes)
    if (hash === undefined || credentials.qop !== 'auth' || !credentials.cnonce || !(count > 0))
      return { ok: false, why: 'malformed' }
    const { algorithm, nonce, uri, qop, nc, cnonce } = credentials
    const expected = digestResponse({
      algorithm,
      nonce,
      uri,
      qop,
      nc,
      cnonce,
      ha1: this.#ha1Of(answer, credentials),
      method: request.method,
      hash,
      hashAsked: hashFor(algorithm, this.#asked),
    })
    const right = sameText(expected, credentials.response)
    const meant = this.#means(credentials, request)
    if (!right || !meant || answer.kind === 'unknown' || !answer.enabled)
      return { ok: false, why: 'wrong', ...(right && !meant && { rewritten: true }) }
    if (!offered(answer, credentials)) return { ok: false, why: 'wrong' }
    if (isOver(at, credentials.username)) return { ok: false, why: 'over' }
    const tokenId = tokenIdOf(credentials.username)
    if (isEnded(answer, tokenId)) return { ok: false, why: 'ended' }
    const issuedAt = this.#issuedAt(credentials.nonce, credentials.realm, flow?.address)
    if (issuedAt === undefined || now - issuedAt > this.#lifetimeMs) return { ok: false, why: 'stale' }
    const why = this.#counts.refuse(now, sealNumber(credentials.nonce), issuedAt, count)
    if (why !== undefined) return { ok: false, why }
    const credential = withinToken(at, answer, credentials.username)
    return { ok: true, verified: { credential, tokenId } as Verified }
  }

  /** An account's HA1, or a token's; what no account has is computed all the same. */
  #ha1Of(answer: CredentialAnswer, { username, realm, algorithm }: Credentials): string {
    const md5 = withoutSession(algorithm) === 'MD5'
    const own = answer.kind === 'known' ? answer : nobodys
    const ha1s = readTokenName(username) ? tokenHa1s(this.#hashes, own.ha1_sha256, { username, realm }) : own
    const isOne = answer.kind === 'known' && (ha1s === own || answer.account === 'extension')
    const given = isOne ? ha1s : nobodys
    return md5 ? given.ha1_md5 : given.ha1_sha256
  }

  #nonce(now: MonotonicMs, salt: string, realm: string, address: string | undefined): string {
    const stamp = `${Math.floor(now + this.#origin).toString(36)}.${salt}`
    return `${stamp}.${this.#seal(stamp, realm, address)}`
  }

  #seal(stamp: string, realm: string, address = ''): string {
    return this.#mac(`nonce ${this.#maker} ${stamp} ${realm} ${address}`).slice(0, 24)
  }

  /** When we gave this nonce to this address for this realm; undefined: we did not, though another process with our key may have. */
  #issuedAt(nonce: string, realm: string, address: string | undefined): MonotonicMs | undefined {
    const end = nonce.lastIndexOf('.')
    const stamp = nonce.slice(0, Math.max(0, end))
    if (!sameText(this.#seal(stamp, realm, address), nonce.slice(end + 1))) return undefined
    return monotonicMs(Number.parseInt(stamp, 36) - this.#origin)
  }

  /**
   * The digest covers a URI; it must be of the resource this request is for (RFC 3261 §22.4, RFC 7616 §3.4.6). One
   * which only names us, by whatever name, is: many callers sign their proxy's. What guards against replay is the nonce.
   */
  #means(credentials: Credentials, request: Request): boolean {
    if (credentials.uri === request.requestUri) return true
    const named = parseUri(credentials.uri)
    if (named === undefined || (named.user !== '' && named.user !== request.target?.user)) return false
    return [request.target?.host, credentials.realm, ...this.#hosts].includes(named.host)
  }
}

function offered(answer: KnownCredential, { algorithm, realm }: Credentials): boolean {
  return answer.realm === realm && isAllowed(answer, algorithm)
}

/** Whether an account may prove itself by this algorithm. */
export function isAllowed({ algorithms }: KnownCredential, algorithm: string): boolean {
  return algorithms.includes(withoutSession(algorithm) as DigestAlgorithm)
}

/** What failed for an account which had proved itself. */
export function failureOf(reason: AuthFailureReason, { credential }: Verified): AuthFailure {
  const { customer_id: customerId, extension_id: accountId, extension, realm } = credential
  return { reason, account: `${extension}@${realm}`, customerId, accountId }
}

/** 52 bits of a nonce's seal, which is no other's: as a number it is found faster than a text which was never seen before. */
function sealNumber(nonce: string): number {
  const seal = nonce.lastIndexOf('.') + 1
  return Number.parseInt(nonce.slice(seal, seal + 13), 16)
}

/** HA1s of no account for those which have none. */
const nobodys = { ha1_md5: '0'.repeat(32), ha1_sha256: '0'.repeat(64) }

/** Compares in a time which tells nothing about where two texts differ. */
function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}
