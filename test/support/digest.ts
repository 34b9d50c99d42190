import { createHash, randomBytes } from 'node:crypto'
import { digestParts } from './sip-text.ts'

export interface Credentials {
  username: string
  password: string
}

/** Answers a digest challenge for one request (RFC 7616 §3.4), with MD5 or SHA-256 as it asks. */
export function answerChallenge(
  challenge: string,
  method: string,
  uri: string,
  { username, password }: Credentials,
): string {
  const parts = digestParts(challenge)
  const realm = parts.get('realm') ?? ''
  const nonce = parts.get('nonce') ?? ''
  const algorithm = parts.get('algorithm') ?? 'MD5'
  const cnonce = randomBytes(8).toString('hex')
  const middle = parts.has('qop') ? `${nonce}:00000001:${cnonce}:auth` : nonce
  const response = digest(algorithm, username, realm, password, method, uri, middle)
  const fields = [
    `username="${username}"`,
    `realm="${realm}"`,
    `nonce="${nonce}"`,
    `uri="${uri}"`,
    `response="${response}"`,
    `algorithm=${algorithm}`,
    ...(parts.has('opaque') ? [`opaque="${parts.get('opaque')}"`] : []),
    ...(parts.has('qop') ? ['qop=auth', 'nc=00000001', `cnonce="${cnonce}"`] : []),
  ]
  return `Digest ${fields.join(', ')}`
}

/** Whether an Authorization value proves that its writer knows the password. */
export function provesPassword(authorization: string, method: string, credentials: Credentials): boolean {
  const parts = digestParts(authorization)
  const part = (name: string) => parts.get(name) ?? ''
  const middle = parts.has('qop')
    ? `${part('nonce')}:${part('nc')}:${part('cnonce')}:${part('qop')}`
    : part('nonce')
  const { username, password } = credentials
  const expected = digest(
    part('algorithm') || 'MD5',
    username,
    part('realm'),
    password,
    method,
    part('uri'),
    middle,
  )
  return part('username') === username && part('response') === expected
}

function digest(
  algorithm: string,
  username: string,
  realm: string,
  password: string,
  method: string,
  uri: string,
  middle: string,
): string {
  const hash = (text: string) =>
    createHash(algorithm === 'SHA-256' ? 'sha256' : 'md5')
      .update(text)
      .digest('hex')
  return hash(`${hash(`${username}:${realm}:${password}`)}:${middle}:${hash(`${method}:${uri}`)}`)
}
