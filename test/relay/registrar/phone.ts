import { type CredentialAnswer, type DigestAlgorithm, monotonicMs, portNumber, utcMs } from '#contract'
import type { Challenger, KnownCredential, Verified } from '../../../relay/auth/challenger.ts'
import type { Flow } from '../../../relay/ground/flow.ts'
import { openHashes } from '../../../relay/io/hashes.ts'
import {
  digestResponse,
  ha1Text,
  hashFor,
  parseChallenges,
  parseCredentials,
  writeCredentials,
} from '../../../relay/sip/digest.ts'
import type { Request, Response } from '../../../relay/sip/message.ts'
import { parseMessage } from '../../../relay/sip/parse.ts'

export const hashes = openHashes(new Uint8Array(32).fill(7))
export const realm = 'acme.registrar.example'
export const flow: Flow = { transport: 'udp', address: '127.0.0.9', port: portNumber(5062) }
export const start = utcMs(Date.UTC(2026, 0, 1))

/** What the edge knows of the office phone. */
export function office(changes: Partial<KnownCredential> = {}): KnownCredential {
  const text = ha1Text('office1', realm, 'secure-password')
  return {
    kind: 'known',
    customer_id: '0198c0de-0000-7000-8000-000000000001',
    account: 'extension',
    extension_id: '0198c0de-0000-7000-8000-000000000002',
    extension: 'office1',
    realm,
    ha1_md5: hashes.md5(text),
    ha1_sha256: hashes.sha256(text),
    algorithms: ['MD5'],
    enabled: true,
    max_contacts: 3,
    min_expires: 60,
    max_expires: 7200,
    default_expires: 3600,
    keepalive_s: 0,
    ended_tokens: [],
    ttl: 60,
    ...changes,
  }
}

/** A request as the phone writes it; `lines` are further headers. */
export function request(
  lines: readonly string[] = [],
  options: { method?: string; cseq?: number; callId?: string; uri?: string; to?: string } = {},
): Request {
  const { method = 'REGISTER', cseq = 1, callId = 'r1@phone', uri = `sip:${realm}` } = options
  const { to = `<sip:office1@${realm}>` } = options
  const text = [
    `${method} ${uri} SIP/2.0`,
    'Via: SIP/2.0/UDP 10.0.0.5:5060;rport;branch=z9hG4bK776',
    `From: <sip:office1@${realm}>;tag=49583`,
    `To: ${to}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    'Max-Forwards: 70',
    ...lines,
    'Content-Length: 0\r\n\r\n',
  ].join('\r\n')
  const parsed = parseMessage(new TextEncoder().encode(text))
  if (!parsed.ok || parsed.value.kind !== 'request') throw new Error('the test wrote no request')
  return parsed.value
}

/** The phone's answer to a challenge: an Authorization line. */
export function answered(
  challenge: Response,
  asked: Request,
  changes: { password?: string; username?: string; nc?: number; uri?: string; algorithm?: string } = {},
): string {
  const { password = 'secure-password', username = 'office1', uri = asked.requestUri } = changes
  const proxy = challenge.status === 407
  const [question] = parseChallenges(
    challenge.all(proxy ? 'proxy-authenticate' : 'www-authenticate')[0] ?? '',
  )
  if (question === undefined) throw new Error('the phone cannot answer that challenge')
  const { realm, nonce } = question
  const algorithm = changes.algorithm ?? question.algorithm
  const nc = (changes.nc ?? 1).toString(16).padStart(8, '0')
  const hash = hashFor(algorithm, hashes) ?? hashes.md5
  const ha1 = hash(ha1Text(username, realm, password))
  const proof = { nonce, uri, algorithm, qop: 'auth', cnonce: 'c0ffee', nc }
  const response = digestResponse({ ...proof, ha1, method: asked.method, hash })
  const value = writeCredentials({ ...proof, username, realm, response })
  return `${proxy ? 'Proxy-Authorization' : 'Authorization'}: ${value}`
}

/** The same answer with something in it changed behind the digest's back. */
export function tampered(line: string, changes: Record<string, string | undefined>): string {
  const [name = '', value = ''] = line.split(/: (.*)/s)
  const credentials = parseCredentials(value)
  if (credentials === undefined) throw new Error('the test tampers with no credentials')
  return `${name}: ${writeCredentials({ ...credentials, ...changes })}`
}

/** What the challenger makes of a request which carries `line`. */
export function checked(
  challenger: Challenger,
  at: number,
  line: string,
  answer: CredentialAnswer = office(),
  asked: Parameters<typeof request>[1] = {},
) {
  const repeated = request([line], { cseq: 2, ...asked })
  const proxy = line.toLowerCase().startsWith('proxy')
  const credentials = challenger.credentials(repeated, { realm, proxy })
  if (credentials === undefined) throw new Error('no credentials of our realm')
  return challenger.check(monotonicMs(at), utcMs(at), repeated, credentials, answer)
}

export function challenged(
  challenger: Challenger,
  at: number,
  asked = request(),
  algorithms: readonly DigestAlgorithm[] = ['MD5'],
): Response {
  return challenger.challenge(monotonicMs(at), asked, { realm, proxy: false, algorithms })
}

/** A phone which has proved itself. */
export function verified(challenger: Challenger, credential = office()): Verified {
  const line = answered(challenged(challenger, start, request(), credential.algorithms), request())
  const result = checked(challenger, start, line, credential)
  if (!result.ok) throw new Error(`the phone was refused: ${result.why}`)
  return result.verified
}
