import { quote, quotedEnd, skipSpace, tokenEnd, unquote } from './grammar.ts'
import type { Header, Response } from './message.ts'

/** Lower-case hex digests of text taken as UTF-8: handed in, as the core rolls its own of nothing. */
export interface Hashes {
  md5(text: string): string
  sha256(text: string): string
}

/** What a server asks for (RFC 7616 §3.3). */
export interface Challenge {
  readonly realm: string
  readonly nonce: string
  /** As the server spelled it; MD5 where it said nothing. */
  readonly algorithm: string
  /** Empty: the server knows none (RFC 2069). */
  readonly qop: readonly string[]
  readonly opaque?: string | undefined
  /** The nonce was too old; the password may have been right. */
  readonly stale?: boolean
}

/** How a client answers (RFC 7616 §3.4). */
export interface Credentials {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly response: string
  /** As the client spelled it; MD5 where it said nothing. */
  readonly algorithm: string
  readonly cnonce?: string | undefined
  readonly opaque?: string | undefined
  readonly qop?: string | undefined
  /** Eight hex digits. */
  readonly nc?: string | undefined
}

/** Reads a WWW-Authenticate or Proxy-Authenticate value; undefined when it is malformed or no Digest. */
export function parseChallenge(value: string): Challenge | undefined {
  const params = readDigest(value)
  const realm = params?.get('realm')
  const nonce = params?.get('nonce')
  if (params === undefined || realm === undefined || nonce === undefined) return undefined
  return {
    realm,
    nonce,
    algorithm: params.get('algorithm') ?? 'MD5',
    qop: (params.get('qop') ?? '')
      .split(',')
      .map((option) => option.trim().toLowerCase())
      .filter(Boolean),
    opaque: params.get('opaque'),
    stale: params.get('stale')?.toLowerCase() === 'true',
  }
}

export function writeChallenge(challenge: Challenge): string {
  return writeDigest([
    ['realm', quote(challenge.realm)],
    ['nonce', quote(challenge.nonce)],
    ['opaque', challenge.opaque === undefined ? undefined : quote(challenge.opaque)],
    ['stale', challenge.stale ? 'true' : undefined],
    ['algorithm', challenge.algorithm],
    ['qop', challenge.qop.length === 0 ? undefined : quote(challenge.qop.join(','))],
  ])
}

/** Reads an Authorization or Proxy-Authorization value; undefined when it is malformed or no Digest. */
export function parseCredentials(value: string): Credentials | undefined {
  const params = readDigest(value)
  const username = params?.get('username')
  const realm = params?.get('realm')
  const nonce = params?.get('nonce')
  const uri = params?.get('uri')
  const response = params?.get('response')
  if (params === undefined || username === undefined || realm === undefined || nonce === undefined)
    return undefined
  if (uri === undefined || response === undefined) return undefined
  return {
    username,
    realm,
    nonce,
    uri,
    response: response.toLowerCase(),
    algorithm: params.get('algorithm') ?? 'MD5',
    cnonce: params.get('cnonce'),
    opaque: params.get('opaque'),
    qop: params.get('qop')?.toLowerCase(),
    nc: params.get('nc'),
  }
}

export function writeCredentials(credentials: Credentials): string {
  const { qop } = credentials
  return writeDigest([
    ['username', quote(credentials.username)],
    ['realm', quote(credentials.realm)],
    ['nonce', quote(credentials.nonce)],
    ['uri', quote(credentials.uri)],
    ['response', quote(credentials.response)],
    ['algorithm', credentials.algorithm],
    ['cnonce', qop === undefined || credentials.cnonce === undefined ? undefined : quote(credentials.cnonce)],
    ['opaque', credentials.opaque === undefined ? undefined : quote(credentials.opaque)],
    ['qop', qop],
    ['nc', qop === undefined ? undefined : credentials.nc],
  ])
}

/** What HA1 is the hash of (RFC 7616 §3.4.2). */
export function ha1Text(username: string, realm: string, password: string): string {
  return `${username}:${realm}:${password}`
}

/** The hash an algorithm names; undefined when we do not have it. */
export function hashFor(algorithm: string, hashes: Hashes): ((text: string) => string) | undefined {
  const name = algorithm.toUpperCase()
  if (name === 'MD5') return hashes.md5
  return name === 'SHA-256' ? hashes.sha256 : undefined
}

/** The `response` of a request (RFC 7616 §3.4.1); without `qop` that of RFC 2069. */
export function digestResponse(parts: {
  ha1: string
  nonce: string
  method: string
  uri: string
  hash: (text: string) => string
  qop?: string | undefined
  nc?: string | undefined
  cnonce?: string | undefined
  /** The body as text, for qop `auth-int`. */
  body?: string | undefined
}): string {
  const { ha1, nonce, method, uri, hash, qop, nc = '', cnonce = '' } = parts
  const a2 = qop === 'auth-int' ? `${method}:${uri}:${hash(parts.body ?? '')}` : `${method}:${uri}`
  const between = qop === undefined ? nonce : `${nonce}:${nc}:${cnonce}:${qop}`
  return hash(`${ha1}:${between}:${hash(a2)}`)
}

/** An answer to a challenge: the header to repeat the request with, and what it answers. */
export interface ChallengeAnswer {
  readonly header: Header
  readonly challenge: Challenge
}

/**
 * Answers a 401 or 407 with an account's password (RFC 3261 §22.2, §22.3; RFC 8760 §2.4).
 *
 * Takes the first challenge it can answer: of the account's realm where it names one, with a hash
 * we have, and qop `auth` or none. undefined: there is no such challenge.
 */
export function answerChallenge(
  refusal: Response,
  request: { readonly method: string; readonly uri: string },
  account: {
    readonly username: string
    readonly password: string
    readonly realm?: string | null | undefined
  },
  fresh: { readonly cnonce: string; readonly nc?: number },
  hashes: Hashes,
): ChallengeAnswer | undefined {
  const proxy = refusal.status === 407
  for (const value of refusal.all(proxy ? 'proxy-authenticate' : 'www-authenticate')) {
    const challenge = parseChallenge(value)
    const hash =
      challenge && answerable(challenge, account.realm) ? hashFor(challenge.algorithm, hashes) : undefined
    if (challenge === undefined || hash === undefined) continue
    const { realm, nonce, algorithm, opaque } = challenge
    const { username } = account
    const qop = challenge.qop.length > 0 ? 'auth' : undefined
    const nc = (fresh.nc ?? 1).toString(16).padStart(8, '0')
    const ha1 = hash(ha1Text(username, realm, account.password))
    const proof = { nonce, uri: request.uri, cnonce: fresh.cnonce, qop, nc }
    const response = digestResponse({ ...proof, ha1, method: request.method, hash })
    const header = writeCredentials({ ...proof, username, realm, response, algorithm, opaque })
    return { header: [proxy ? 'proxy-authorization' : 'authorization', header], challenge }
  }
  return undefined
}

function answerable(challenge: Challenge, realm: string | null | undefined): boolean {
  const known = challenge.qop.length === 0 || challenge.qop.includes('auth')
  return known && (realm === undefined || realm === null || realm === challenge.realm)
}

function writeDigest(params: readonly (readonly [name: string, value: string | undefined])[]): string {
  return `Digest ${params.flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`)).join(', ')}`
}

/** The parameters of a Digest value, unquoted, names in lower case; the first of a name counts. */
function readDigest(value: string): ReadonlyMap<string, string> | undefined {
  const schemeEnd = tokenEnd(value, 0)
  if (value.slice(0, schemeEnd).toLowerCase() !== 'digest') return undefined
  const params = new Map<string, string>()
  for (let i = skipSpace(value, schemeEnd); i < value.length; ) {
    const nameEnd = tokenEnd(value, i)
    const equals = skipSpace(value, nameEnd)
    if (nameEnd === i || value.charCodeAt(equals) !== 0x3d) return undefined
    const name = value.slice(i, nameEnd).toLowerCase()
    const from = skipSpace(value, equals + 1)
    const to = value.charCodeAt(from) === 0x22 ? quotedEnd(value, from) : bareEnd(value, from)
    if (to < 0) return undefined
    if (!params.has(name)) params.set(name, unquote(value.slice(from, to)))
    i = skipSpace(value, to)
    if (i < value.length && value.charCodeAt(i) !== 0x2c) return undefined
    while (i < value.length && (value.charCodeAt(i) === 0x2c || value.charCodeAt(i) === 0x20)) i++
  }
  return params
}

/** An unquoted value ends at a comma or space; some clients leave more than tokens unquoted. */
function bareEnd(text: string, from: number): number {
  let i = from
  while (i < text.length && text.charCodeAt(i) !== 0x2c && text.charCodeAt(i) > 0x20) i++
  return i
}
