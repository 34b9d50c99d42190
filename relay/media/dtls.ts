import type { Fingerprint, SrtpKeys } from '../ground/media.ts'

/** Hashes by which a certificate is known (RFC 8122 §5), the better first. */
export const fingerprintHashes = ['sha-512', 'sha-384', 'sha-256'] as const

/** What agrees with a party on keys in the way of its sound (DTLS-SRTP, RFC 5764). */
export interface DtlsEngine {
  /** Of our certificates, by SHA-256: a leg names the one it shows by its place here. */
  readonly fingerprints: readonly string[]
  begin(terms: HandshakeTerms): DtlsHandshake
}

/** What is agreed on how, with whom. */
export interface HandshakeTerms {
  /** The place of our certificate. */
  readonly certificate: number
  /** The party's certificate must be one of these. */
  readonly fingerprints: readonly Fingerprint[]
  /** We are the client. */
  readonly begins: boolean
  /** Sends a datagram; the memory is used again afterwards. */
  readonly send: (datagram: Uint8Array, length: number) => void
}

/** One handshake, and what comes of its association later. */
export interface DtlsHandshake {
  /** What came of it; undefined: it goes on. */
  readonly result: SrtpKeys | { readonly why: string } | undefined
  /** A datagram came. */
  receive(datagram: Uint8Array, length: number): void
  /** Sends again what was lost; to be called several times a second until there is a result. */
  tick(): void
  /** Gives back its memory; nothing is to be asked of it any more. */
  close(): void
}

/** The first byte of DTLS records (RFC 7983 §7). */
export function looksLikeDtls(packet: Uint8Array, length: number): boolean {
  const first = packet[0] as number
  return length >= RECORD_HEADER && first >= 20 && first <= 63
}

const RECORD_HEADER = 13
