import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Trust } from '../ground/flow.ts'

/** What a peer showed; `distrust` is OpenSSL's name for what is wrong with the chain, undefined where nothing is. */
interface ShownCertificate {
  readonly certificate: X509Certificate | undefined
  readonly distrust: string | undefined
}

/** Why a peer is not who we trust it to be, in a sentence; undefined: it is. Without trust there is nothing it could be. */
export function flawOf(
  { certificate, distrust }: ShownCertificate,
  trust: Trust | undefined,
): string | undefined {
  if (trust === undefined) return 'nothing says by which name to trust it'
  if (trust.verify === 'none') return undefined
  if (certificate === undefined) return 'it showed no certificate'
  if (trust.verify === 'fingerprint') return fingerprintFlaw(certificate, trust.fingerprint)
  return distrust === undefined ? nameFlaw(certificate, trust.name) : chainFlaw(distrust)
}

function fingerprintFlaw(certificate: X509Certificate, wanted: string | null): string | undefined {
  if (wanted === null) return 'no fingerprint is set to know its certificate by'
  const found = plainHex(certificate.fingerprint256)
  return found === plainHex(wanted) ? undefined : `its certificate has another fingerprint: ${found}`
}

function plainHex(fingerprint: string): string {
  return fingerprint.replace(/[:\s]/g, '').toLowerCase()
}

function chainFlaw(distrust: string): string {
  if (distrust === 'CERT_HAS_EXPIRED') return 'its certificate has expired'
  if (distrust === 'CERT_NOT_YET_VALID') return 'its certificate is not valid yet'
  const words = wordsByDistrust[distrust] ?? distrust.toLowerCase().replaceAll('_', ' ')
  return `its certificate is not trusted: ${words}`
}

const wordsByDistrust: Record<string, string> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its issuer is not one we know',
  UNABLE_TO_GET_ISSUER_CERT: 'its issuer is not one we know',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its issuer is not one we know',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its issuer is not one we know',
  CERT_REVOKED: 'it was revoked',
  INVALID_PURPOSE: 'it is not for servers',
}

/** The domain must be named whole: no wildcard stands for it (RFC 5922 §7.2). */
function nameFlaw(certificate: X509Certificate, name: string): string | undefined {
  if (isIP(name) ? certificate.checkIP(name) !== undefined : identities(certificate).includes(name))
    return undefined
  return `its certificate is for ${identities(certificate).join(', ') || 'nobody'}, not for ${name}`
}

/** The SIP domains a certificate is for (RFC 5922 §7.1); its common name only where no other is given. */
export function identities({ subjectAltName, subject }: X509Certificate): string[] {
  if (subjectAltName === undefined)
    return [...subject.matchAll(/^CN=(.+)$/gm)].map(([, name = '']) => lower(name))
  return alternatives(subjectAltName).flatMap(([kind, value]) => {
    if (kind === 'DNS') return [lower(value)]
    // A user's address is no domain, nor is any other scheme's.
    const host = kind === 'URI' ? /^sip:([^@;?]+)$/i.exec(value)?.[1] : undefined
    if (host !== undefined) return [lower(host)]
    return kind === 'IP Address' ? [value] : []
  })
}

function lower(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

/** `DNS:a.example, URI:"sip:a, or b"` as Node writes them: what could mislead stands in JSON's quotes. */
function alternatives(text: string): [kind: string, value: string][] {
  return [...text.matchAll(/([^:,\s][^:,]*):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)].map(
    ([, kind = '', value = '']): [string, string] => [kind, unquoted(value)],
  )
}

function unquoted(value: string): string {
  return value.startsWith('"') ? (JSON.parse(value) as string) : value
}
