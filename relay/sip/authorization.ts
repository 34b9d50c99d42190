import {
  type Challenge,
  type DigestHashes,
  digestResponse,
  ha1Text,
  hashFor,
  parseChallenges,
  withoutSession,
  writeCredentials,
} from './digest.ts'
import { type Header, type Request, type Response, request } from './message.ts'

/** Who we are to a server. */
export interface DigestAccount {
  readonly username: string
  readonly password: string
  /** The only realm it is shown to; null: to any realm of the server it belongs to. */
  readonly realm: string | null
}

/** What one request, with its repeats, has shown of us so far. */
export interface Authorizations {
  /** Refusals answered. */
  readonly rounds: number
  /** What its next repeat bears: one for each server and proxy which asked. */
  readonly headers: readonly Header[]
  readonly shown: readonly RealmAnswer[]
}

interface Demand {
  /** Asked by a proxy on the way, not by the server itself. */
  readonly proxy: boolean
  readonly challenge: Challenge
}

/** Our answer to one realm. */
interface RealmAnswer extends Demand {
  /** How often its nonce was answered with. */
  readonly count: number
  /** It was answered anew once; and no realm is more often. */
  readonly renewed: boolean
  /** Another was asked for afterwards, so this one had been taken. */
  readonly taken: boolean
}

/** What a request shows which was not challenged. */
export const noAuthorizations: Authorizations = { rounds: 0, headers: [], shown: [] }

/** Proxies which may stand before a registrar, each with a realm of its own, and a stale nonce or two. */
const mostRounds = 6
/** No server has more hashes than this to choose from. */
const mostQuestions = 32

/**
 * Answers a 401 or 407 (RFC 3261 §22.2, §22.3, RFC 8760 §2.4): each realm with the first of its challenges which
 * we can, together with what other realms were shown before.
 *
 * A realm is answered once, and once more where its nonce was stale or its first answer had been taken. Only who the
 * account belongs to may get here, and where it names a realm only that one is answered (CVE-2021-41158).
 * undefined: the refusal stands.
 */
export function prove(
  before: Authorizations,
  refusal: Response,
  asked: Pick<Request, 'method' | 'requestUri' | 'body'>,
  account: DigestAccount | null,
  sources: DigestSources,
): Authorizations | undefined {
  if (!account || (refusal.status !== 401 && refusal.status !== 407) || before.rounds >= mostRounds)
    return undefined
  const wanted = questions(refusal, account, sources.hashes)
  if (wanted.length === 0) return undefined
  const shown = before.shown.map((one): RealmAnswer => {
    const again = wanted.find((question) => sameRealm(question, one))
    return again
      ? { ...again, count: 1, renewed: true, taken: false }
      : { ...one, count: one.count + 1, taken: true }
  })
  for (const question of wanted) {
    const known = before.shown.find((one) => sameRealm(one, question))
    if (!known) shown.push({ ...question, count: 1, renewed: false, taken: false })
    else if (known.renewed || !(question.challenge.stale || known.taken)) return undefined
  }
  const headers = shown.map((one) => answer(one, asked, account, sources))
  return { rounds: before.rounds + 1, headers, shown }
}

/** What a digest answer is made with. */
interface DigestSources {
  readonly entropy: { hex(bytes: number): string }
  readonly hashes: DigestHashes
}

/** What is asked of us, the best we can answer of each realm; forks may ask in several ways at once (§16.7). */
function questions(refusal: Response, { realm }: DigestAccount, hashes: DigestHashes): Demand[] {
  const asked = [true, false].flatMap((proxy) =>
    refusal
      .all(proxy ? 'proxy-authenticate' : 'www-authenticate')
      .flatMap(parseChallenges)
      .map((challenge): Demand => ({ proxy, challenge })),
  )
  const known = asked.slice(0, mostQuestions).filter(({ challenge }) => {
    const ours = realm === null || realm === challenge.realm
    return ours && qopOf(challenge) !== null && hashFor(challenge.algorithm, hashes) !== undefined
  })
  const plain = known.filter((one) => !known.some((other) => isPlainer(other, one)))
  return plain.filter((one, i) => plain.findIndex((other) => sameRealm(other, one)) === i)
}

function sameRealm(a: Demand, b: Demand): boolean {
  return a.proxy === b.proxy && a.challenge.realm === b.challenge.realm
}

/** Sessions are worth no more than the hash they are made with, and many servers get them wrong. */
function isPlainer(a: Demand, b: Demand): boolean {
  const [plain, session] = [a.challenge.algorithm, b.challenge.algorithm].map((name) => name.toUpperCase())
  return sameRealm(a, b) && session !== plain && withoutSession(session ?? '') === plain
}

/** undefined: as in RFC 2069, the server knows none; null: none which we know (RFC 7616 §3.3). */
function qopOf({ qop }: Challenge): 'auth' | 'auth-int' | undefined | null {
  if (qop.length === 0) return undefined
  if (qop.includes('auth')) return 'auth'
  return qop.includes('auth-int') ? 'auth-int' : null
}

function answer(
  { proxy, challenge, count }: RealmAnswer,
  { method, requestUri, body }: Pick<Request, 'method' | 'requestUri' | 'body'>,
  { username, password }: DigestAccount,
  { entropy, hashes }: DigestSources,
): Header {
  const { realm, nonce, algorithm, opaque } = challenge
  const hash = hashFor(algorithm, hashes) ?? hashes.md5
  const ha1 = hash(ha1Text(username, realm, password))
  const nc = count.toString(16).padStart(8, '0')
  const proof = {
    nonce,
    uri: requestUri,
    algorithm,
    cnonce: entropy.hex(8),
    qop: qopOf(challenge) ?? undefined,
    nc,
  }
  const response = digestResponse({ ...proof, ha1, method, body, hash })
  return [
    proxy ? 'proxy-authorization' : 'authorization',
    writeCredentials({ ...proof, username, realm, response, opaque }),
  ]
}

/** Where our credentials stand in a request; an ACK repeats its INVITE's (RFC 3261 §22.1). */
const names: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization'])

/** A request inside a dialog once more, under a new branch and this number, with proof (RFC 3261 §22.2). */
export function withProof(sent: Request, number: number, proofs: Authorizations, via: string): Request {
  const { method, requestUri, body } = sent
  const kept = sent.headers.filter(([name]) => name !== 'via' && name !== 'cseq' && !names.has(name))
  const headers: Header[] = [['via', via], ...kept, ['cseq', `${number} ${method}`], ...proofs.headers]
  return request({ method, requestUri, headers, body })
}

/** The credentials a request bears. */
export function proofsOf({ headers }: Request): Header[] {
  return headers.filter(([name]) => names.has(name))
}
