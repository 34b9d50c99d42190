import { find, quote, quotedEnd, skipSpace, tokenEnd, unquotedAt } from './grammar.ts'
import { KnownWords } from './known-words.ts'
import { type Letters, passingLetters } from './letters.ts'

/** Lower-case hex digests of octets, or of text taken as UTF-8: handed in, as the core rolls its own of nothing. */
export interface DigestHashes {
  md5(of: string | Uint8Array): string
  sha256(of: string | Uint8Array): string
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

/** Reads the Digest challenges of a WWW-Authenticate or Proxy-Authenticate value: one, as RFC 3261 §7.3.1 wants it, or a list as HTTP writes it. */
export function parseChallenges(value: string): Challenge[] {
  return readDigests(passingLetters(value), 0, value.length).flatMap((params) => {
    const { [place.realm]: realm, [place.nonce]: nonce } = params
    if (realm === undefined || nonce === undefined) return []
    return {
      realm,
      nonce,
      algorithm: params[place.algorithm] ?? 'MD5',
      qop: (params[place.qop] ?? '')
        .split(',')
        .map((option) => option.trim().toLowerCase())
        .filter(Boolean),
      opaque: params[place.opaque],
      stale: params[place.stale]?.toLowerCase() === 'true',
    }
  })
}

/** A challenge as the value of WWW-Authenticate or Proxy-Authenticate (RFC 7616 §3.3). */
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
  return readCredentials(passingLetters(value), 0, value.length)
}

/** Reads the same between two indexes; undefined when it is malformed or no Digest. */
export function readCredentials(letters: Letters, from: number, to: number): Credentials | undefined {
  const [params] = readDigests(letters, from, to)
  if (params === undefined) return undefined
  const { [place.username]: username, [place.realm]: realm, [place.nonce]: nonce } = params
  const { [place.uri]: uri, [place.response]: response } = params
  if (username === undefined || realm === undefined || nonce === undefined) return undefined
  if (uri === undefined || response === undefined) return undefined
  return {
    username,
    realm,
    nonce,
    uri,
    response: response.toLowerCase(),
    algorithm: params[place.algorithm] ?? 'MD5',
    cnonce: params[place.cnonce],
    opaque: params[place.opaque],
    qop: params[place.qop]?.toLowerCase(),
    nc: params[place.nc],
  }
}

/** Credentials as the value of Authorization or Proxy-Authorization (RFC 7616 §3.4). */
export function writeCredentials(credentials: Credentials): string {
  const { qop, algorithm } = credentials
  // A session's digest covers cnonce whatever the qop: who checks it must know it.
  const cnonce = qop === undefined && !isSession(algorithm) ? undefined : credentials.cnonce
  return writeDigest([
    ['username', quote(credentials.username)],
    ['realm', quote(credentials.realm)],
    ['nonce', quote(credentials.nonce)],
    ['uri', quote(credentials.uri)],
    ['response', quote(credentials.response)],
    ['algorithm', algorithm],
    ['cnonce', cnonce === undefined ? undefined : quote(cnonce)],
    ['opaque', credentials.opaque === undefined ? undefined : quote(credentials.opaque)],
    ['qop', qop],
    ['nc', qop === undefined ? undefined : credentials.nc],
  ])
}

/** What HA1 is the hash of (RFC 7616 §3.4.2). */
export function ha1Text(username: string, realm: string, password: string): string {
  return `${username}:${realm}:${password}`
}

/** The hash an algorithm names, a session's (`-sess`) being its own; undefined when we do not have it. */
export function hashFor(algorithm: string, hashes: DigestHashes): DigestHashes['md5'] | undefined {
  const name = withoutSession(algorithm)
  if (name === 'MD5') return hashes.md5
  return name === 'SHA-256' ? hashes.sha256 : undefined
}

/** `MD5` of `md5-sess`: whose hash it is, in capitals. */
export function withoutSession(algorithm: string): string {
  const name = algorithm.toUpperCase()
  return name.endsWith('-SESS') ? name.slice(0, -'-SESS'.length) : name
}

/** The `response` of a request (RFC 7616 §3.4.1); without `qop` that of RFC 2069. */
export function digestResponse(parts: {
  /** Of username, realm and password, a session's too: what that adds is added here. */
  ha1: string
  algorithm: string
  nonce: string
  method: string
  uri: string
  hash: DigestHashes['md5']
  qop?: string | undefined
  nc?: string | undefined
  cnonce?: string | undefined
  /** For qop `auth-int`. */
  body?: Uint8Array | undefined
  /** The hash of what was asked, where that is known to remember it; absent: `hash`. */
  hashAsked?: DigestHashes['md5'] | undefined
}): string {
  const { nonce, method, uri, hash, hashAsked = hash, qop, nc = '', cnonce = '' } = parts
  const ha1 = isSession(parts.algorithm) ? hash(`${parts.ha1}:${nonce}:${cnonce}`) : parts.ha1
  const a2 = qop === 'auth-int' ? `${method}:${uri}:${hash(parts.body ?? '')}` : `${method}:${uri}`
  const between = qop === undefined ? nonce : `${nonce}:${nc}:${cnonce}:${qop}`
  return hash(`${ha1}:${between}:${hashAsked(a2)}`)
}

function isSession(algorithm: string): boolean {
  return withoutSession(algorithm).length < algorithm.length
}

function writeDigest(params: readonly (readonly [name: string, value: string | undefined])[]): string {
  let text = ''
  for (const [name, value] of params)
    if (value !== undefined) text += `${text === '' ? 'Digest ' : ', '}${name}=${value}`
  return text
}

/** What of a Digest is read: places in its parameters. */
const place = {
  username: 1,
  realm: 2,
  nonce: 3,
  uri: 4,
  response: 5,
  algorithm: 6,
  cnonce: 7,
  opaque: 8,
  qop: 9,
  nc: 10,
  stale: 11,
} as const
const names = new KnownWords({ sameCase: false })
for (const [name, at] of Object.entries(place)) names.add(name, at)
const schemes = new KnownWords({ sameCase: false })
schemes.add('Digest', 1)

/** By `place`; undefined: not given. */
type DigestParams = (string | undefined)[]

/**
 * The parameters of each Digest in a value, unquoted; the first of a name counts.
 *
 * A word with something after it that is no `=` begins a scheme; other schemes, and words alone, are passed over.
 * One which cannot be read is left out, and hides no other.
 */
function readDigests(letters: Letters, start: number, to: number): DigestParams[] {
  const { codes } = letters
  const found: DigestParams[] = []
  let params: DigestParams | undefined
  for (let i = skipCommas(codes, start, to); i < to; ) {
    const nameEnd = tokenEnd(codes, i, to)
    const next = skipSpace(codes, nameEnd, to)
    if (nameEnd > i && next < to && codes[next] === EQUALS) {
      const from = skipSpace(codes, next + 1, to)
      const valueEnd =
        from < to && codes[from] === 0x22 ? quotedEnd(codes, from, to) : bareEnd(codes, from, to)
      const end = valueEnd < 0 ? to : skipSpace(codes, valueEnd, to)
      const clean = valueEnd >= 0 && (end === to || codes[end] === COMMA)
      if (!clean) {
        if (params) found.pop()
        params = undefined
      } else if (params) {
        const at = names.find(codes, i, nameEnd)
        if (at > 0) params[at] ??= unquotedAt(letters, from, valueEnd)
      }
      i = skipCommas(codes, clean ? end : find(codes, COMMA, end, to), to)
    } else if (nameEnd > i && next > nameEnd && next < to && codes[next] !== COMMA) {
      params = schemes.find(codes, i, nameEnd) > 0 ? new Array(place.stale + 1) : undefined
      if (params) found.push(params)
      i = next
    } else i = skipCommas(codes, find(codes, COMMA, i, to), to)
  }
  return found
}

const COMMA = 0x2c
const EQUALS = 0x3d

function skipCommas(codes: Uint8Array, from: number, to: number): number {
  let i = skipSpace(codes, from, to)
  while (i < to && codes[i] === COMMA) i = skipSpace(codes, i + 1, to)
  return i
}

/** An unquoted value ends at a comma or space; some clients leave more than tokens unquoted. */
function bareEnd(codes: Uint8Array, from: number, to: number): number {
  let i = from
  while (i < to && codes[i] !== COMMA && (codes[i] ?? 0) > 0x20) i++
  return i
}
