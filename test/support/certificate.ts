import { generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto'
import { isIPv4 } from 'node:net'

/** A certificate with its key, both PEM, and the SHA-256 fingerprint people pin (lower-case hex). */
export interface Certificate {
  readonly cert: string
  readonly key: string
  readonly fingerprint: string
}

/** What a certificate shall say; nothing said: a self-signed one for nobody, good for a day. */
export interface Wish {
  /** Subject alternative names: `DNS:sip.example`, `URI:sip:example`, `IP:192.0.2.1`; empty: no such extension. */
  names?: readonly string[]
  commonName?: string
  /** Who signs; itself by default. */
  signer?: Certificate
  /** May sign others. */
  authority?: boolean
  from?: Date
  until?: Date
}

const dayMs = 86_400_000

/** Makes a key and an X.509 certificate for it (RFC 5280), ECDSA on P-256, without any program's help. */
export function certificate(wish: Wish = {}): Certificate {
  const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const tbs = toBeSigned(wish, pair.publicKey.export({ type: 'spki', format: 'der' }))
  const signature = sign('sha256', tbs, wish.signer?.key ?? key)
  const whole = sequence(tbs, ecdsaWithSha256, der(0x03, Buffer.of(0), signature))
  const { fingerprint256, raw } = new X509Certificate(whole)
  const cert = `-----BEGIN CERTIFICATE-----\n${raw.toString('base64')}\n-----END CERTIFICATE-----\n`
  return { cert, key, fingerprint: fingerprint256.replaceAll(':', '').toLowerCase() }
}

function toBeSigned(wish: Wish, publicKey: Buffer): Buffer {
  const { names = [], commonName = 'test', signer, authority = false } = wish
  const from = wish.from ?? new Date(Date.now() - dayMs)
  const until = wish.until ?? new Date(Date.now() + dayMs)
  const issuer = signer ? new X509Certificate(signer.cert).subject.replace(/^CN=/, '') : commonName
  const constraints = sequence(...(authority ? [der(0x01, Buffer.of(0xff))] : []))
  const extensions = [
    extension('2.5.29.19', constraints),
    ...(names.length > 0 ? [extension('2.5.29.17', sequence(...names.map(generalName)))] : []),
  ]
  return sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1), randomBytes(8)),
    ecdsaWithSha256,
    nameOf(issuer),
    sequence(time(from), time(until)),
    nameOf(commonName),
    publicKey,
    der(0xa3, sequence(...extensions)),
  )
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const long = body.length.toString(16)
  const octets = Buffer.from(long.length % 2 ? `0${long}` : long, 'hex')
  const length = body.length < 128 ? Buffer.of(body.length) : Buffer.of(0x80 | octets.length, ...octets)
  return Buffer.concat([Buffer.of(tag), length, body])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts)
}

function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const octets = rest.flatMap((number) => {
    const groups = [number & 0x7f]
    for (let left = number >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80)
    return groups
  })
  return der(0x06, Buffer.of(first * 40 + second, ...octets))
}

const ecdsaWithSha256 = sequence(objectId('1.2.840.10045.4.3.2'))

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(objectId('2.5.4.3'), der(0x0c, Buffer.from(commonName)))))
}

function time(at: Date): Buffer {
  return der(0x18, Buffer.from(`${at.toISOString().replace(/\D/g, '').slice(0, 14)}Z`))
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(objectId(id), der(0x04, value))
}

const kinds: Readonly<Record<string, number>> = { DNS: 0x82, URI: 0x86, IP: 0x87 }

function generalName(text: string): Buffer {
  const kind = text.slice(0, text.indexOf(':'))
  const value = text.slice(kind.length + 1)
  const octets =
    kind === 'IP' && isIPv4(value) ? Buffer.from(value.split('.').map(Number)) : Buffer.from(value)
  return der(kinds[kind] ?? 0x82, octets)
}
