import { createHash, generateKeyPairSync, randomInt } from 'node:crypto'
import type { SrtpSuite } from '#contract'
import type { Fingerprint, SrtpKeys } from '../ground/media.ts'
import { type DtlsEngine, type DtlsHandshake, fingerprintHashes, type HandshakeTerms } from '../media/dtls.ts'
import { suiteSizes } from '../media/srtp-cipher.ts'
import { type DtlsLibrary, nodesDtls } from './dtls-calls.ts'
import { DtlsDesk } from './dtls-desk.ts'
import { saidBy } from './said-by.ts'

/*
 * DTLS-SRTP by OpenSSL as Node brings it. It sees no socket: datagrams lie in memory between it and us (BIO_s_mem).
 */

/** A leg which moves to another port of ours shows another certificate there than before: so peers know that they are to begin anew. */
const CERTIFICATES = 2
const LIFETIME_S = 10n * 365n * 24n * 3600n
const MBSTRING_ASC = 0x1001
const [VERIFY_PEER, FAIL_IF_NO_PEER_CERT] = [1, 2]
/** SSL_OP_NO_QUERY_MTU, SSL_OP_NO_TICKET, SSL_OP_NO_RENEGOTIATION. */
const OPTIONS = (1n << 12n) | (1n << 14n) | (1n << 30n)
const SET_MTU = 17
const SET_READ_AHEAD = 41
const SET_SESSION_CACHE = 44
const SET_MOST_CERTIFICATES = 51
const SET_LEAST_VERSION = 123
const DTLS_1_2 = 0xfefdn
const HANDLE_TIMEOUT = 74
const SET_EMPTY_MEANS_RETRY = 130
const WANT_READ = 2
const PENDING = 10
/** Octets which OpenSSL may leave unread: what it takes in at once is more than any flight. */
const MOST_PENDING = 4096
/** Records of a datagram which may hold data: of sound's parties none has any. */
const MOST_RECORDS = 32
/** Bytes of a datagram of ours: what every way carries. */
const MTU = 1200
const RECORD_HEADER = 13
/** A chain longer than this is none of a phone's. */
const MOST_CERTIFICATE_BYTES = 16_384n
const CIPHERS = 'ECDHE+AESGCM:ECDHE+CHACHA20'
const PROFILES = 'SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80'
/** RFC 5764 §4.1.2, RFC 7714 §14.2. */
const suiteByProfile: Readonly<Record<number, SrtpSuite>> = {
  1: 'AES_CM_128_HMAC_SHA1_80',
  7: 'AEAD_AES_128_GCM',
}
const EXPORTER = 'EXTRACTOR-dtls_srtp'

/** What OpenSSL is for handshakes; a sentence where it cannot be called. */
export function opensslDtls(load = nodesDtls): DtlsEngine | string {
  try {
    const library = load()
    const desk = new DtlsDesk(library)
    const shown = Array.from({ length: CERTIFICATES }, () => contextOf(library, desk))
    return {
      fingerprints: shown.map(({ fingerprint }) => fingerprint),
      begin: (terms) => new OpensslHandshake(library, desk, shown[terms.certificate]?.context ?? 0n, terms),
    }
  } catch (error) {
    return saidBy(error)
  }
}

/** A context with a certificate of its own; throws where OpenSSL refuses. */
function contextOf({ ssl, accept }: DtlsLibrary, desk: DtlsDesk): { context: bigint; fingerprint: string } {
  const context = ssl.SSL_CTX_new(ssl.DTLS_method())
  const key = newKey(ssl, desk)
  const certificate = certificateFor(ssl, key)
  const taken =
    ssl.SSL_CTX_use_certificate(context, certificate) === 1 &&
    ssl.SSL_CTX_use_PrivateKey(context, key) === 1 &&
    ssl.SSL_CTX_set_cipher_list(context, desk.text(CIPHERS)) === 1 &&
    ssl.SSL_CTX_set_tlsext_use_srtp(context, desk.text(PROFILES)) === 0
  if (!taken) throw new Error(`OpenSSL does not take what DTLS needs: ${desk.failure()}`)
  ssl.SSL_CTX_set_verify(context, VERIFY_PEER | FAIL_IF_NO_PEER_CERT, accept)
  ssl.SSL_CTX_set_options(context, OPTIONS)
  ssl.SSL_CTX_ctrl(context, SET_READ_AHEAD, 1n, 0n)
  ssl.SSL_CTX_ctrl(context, SET_SESSION_CACHE, 0n, 0n)
  ssl.SSL_CTX_ctrl(context, SET_MOST_CERTIFICATES, MOST_CERTIFICATE_BYTES, 0n)
  ssl.SSL_CTX_ctrl(context, SET_LEAST_VERSION, DTLS_1_2, 0n)
  const fingerprint = fingerprintOf(desk.der(certificate), 'sha-256')
  ssl.X509_free(certificate)
  ssl.EVP_PKEY_free(key)
  return { context, fingerprint }
}

function newKey(ssl: DtlsLibrary['ssl'], desk: DtlsDesk): bigint {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const der = privateKey.export({ type: 'sec1', format: 'der' })
  const key = ssl.d2i_AutoPrivateKey(0n, desk.pointerTo(der), BigInt(der.length))
  desk.takeScratch(der.length)
  if (key === 0n) throw new Error(`OpenSSL does not take a key: ${desk.failure()}`)
  return key
}

/** Signed by itself: who it is says the fingerprint in our description, so that it needs no name which means something. */
function certificateFor(ssl: DtlsLibrary['ssl'], key: bigint): bigint {
  const certificate = ssl.X509_new()
  const name = ssl.X509_get_subject_name(certificate)
  ssl.X509_set_version(certificate, 2n)
  ssl.ASN1_INTEGER_set(ssl.X509_get_serialNumber(certificate), BigInt(randomInt(1, 2 ** 47)))
  ssl.X509_gmtime_adj(ssl.X509_getm_notBefore(certificate), -24n * 3600n)
  ssl.X509_gmtime_adj(ssl.X509_getm_notAfter(certificate), LIFETIME_S)
  ssl.X509_set_pubkey(certificate, key)
  ssl.X509_NAME_add_entry_by_txt(name, 'CN', MBSTRING_ASC, 'WebRTC', -1, -1, 0)
  ssl.X509_set_issuer_name(certificate, name)
  if (ssl.X509_sign(certificate, key, ssl.EVP_sha256()) === 0) throw new Error('OpenSSL signs no certificate')
  return certificate
}

/** One association with one party. */
class OpensslHandshake implements DtlsHandshake {
  result: DtlsHandshake['result']
  readonly #ssl: DtlsLibrary['ssl']
  readonly #library: DtlsLibrary
  readonly #desk: DtlsDesk
  readonly #terms: HandshakeTerms
  readonly #session: bigint
  readonly #read: bigint
  readonly #written: bigint
  #closed = false
  /** Nothing which comes is read any more. */
  #over = false

  constructor(library: DtlsLibrary, desk: DtlsDesk, context: bigint, terms: HandshakeTerms) {
    const { ssl } = library
    this.#library = library
    this.#ssl = ssl
    this.#desk = desk
    this.#terms = terms
    this.#session = ssl.SSL_new(context)
    this.#read = ssl.BIO_new(ssl.BIO_s_mem())
    this.#written = ssl.BIO_new(ssl.BIO_s_mem())
    for (const bio of [this.#read, this.#written]) ssl.BIO_ctrl(bio, SET_EMPTY_MEANS_RETRY, -1n, 0n)
    ssl.SSL_set_bio(this.#session, this.#read, this.#written)
    ssl.SSL_ctrl(this.#session, SET_MTU, BigInt(MTU), 0n)
    if (terms.begins) ssl.SSL_set_connect_state(this.#session)
    else ssl.SSL_set_accept_state(this.#session)
    if (terms.begins) this.#advance()
  }

  receive(datagram: Uint8Array, length: number): void {
    if (this.#closed || this.#over || (this.result !== undefined && 'why' in this.result)) return
    const at = this.#desk.hold(datagram, length)
    if (at === undefined) return
    this.#ssl.BIO_write(this.#read, at, length)
    if (this.result === undefined) this.#advance()
    else this.#readRest()
    if (this.#ssl.BIO_ctrl(this.#read, PENDING, 0n, 0n) > MOST_PENDING) this.#stop()
  }

  tick(): void {
    if (this.#closed || this.result !== undefined) return
    if (this.#ssl.SSL_ctrl(this.#session, HANDLE_TIMEOUT, 0n, 0n) < 0n)
      this.result = { why: 'no answer came' }
    this.#flush()
  }

  close(): void {
    if (!this.#closed) this.#ssl.SSL_free(this.#session)
    this.#closed = true
  }

  #advance(): void {
    const ssl = this.#ssl
    ssl.ERR_clear_error()
    const done = ssl.SSL_do_handshake(this.#session)
    const fault = done === 1 ? 0 : ssl.SSL_get_error(this.#session, done)
    if (fault !== 0 && fault !== WANT_READ)
      this.result = { why: this.#desk.failure() || 'the party ended it' }
    this.#flush()
    if (done === 1) this.result = this.#proved() ? this.#keys() : { why: wrongCertificate }
  }

  /** What our last flight answers may have been lost, and is asked for again. What is no part of a handshake is let go. */
  #readRest(): void {
    const ssl = this.#ssl
    let [read, count] = [1, 0]
    while (read > 0 && count++ < MOST_RECORDS) {
      ssl.ERR_clear_error()
      read = ssl.SSL_read(this.#session, this.#desk.scratch, this.#desk.scratchSize)
    }
    if (read > 0 || ssl.SSL_get_error(this.#session, read) !== WANT_READ) this.#over = true
    this.#flush()
  }

  /** Keys which were agreed on stay. */
  #stop(): void {
    this.#over = true
    this.result ??= { why: 'the party sends what is no handshake' }
  }

  #proved(): boolean {
    const certificate = this.#ssl.SSL_get1_peer_certificate(this.#session)
    if (certificate === 0n) return false
    const der = this.#desk.der(certificate)
    this.#ssl.X509_free(certificate)
    return isOneOf(der, this.#terms.fingerprints)
  }

  /** Out of the association: the client's and the server's key, then their salts (RFC 5764 §4.2). */
  #keys(): SrtpKeys | { readonly why: string } {
    const profile = this.#ssl.SSL_get_selected_srtp_profile(this.#session)
    const suite = profile === 0n ? undefined : suiteByProfile[Number(this.#library.wordAt(profile, 8))]
    if (suite === undefined) return { why: 'no SRTP profile is common' }
    const { key, salt } = suiteSizes[suite]
    const length = BigInt(2 * (key + salt))
    const { scratch } = this.#desk
    const name = this.#desk.text(EXPORTER)
    const exported = this.#ssl.SSL_export_keying_material(
      this.#session,
      scratch,
      length,
      name,
      BigInt(EXPORTER.length),
      0n,
      0n,
      0,
    )
    if (exported !== 1) return { why: this.#desk.failure() }
    const all = this.#desk.takeScratch(Number(length))
    const secret = (at: 0 | 1) =>
      new Uint8Array([
        ...all.subarray(at * key, (at + 1) * key),
        ...all.subarray(2 * key + at * salt, 2 * key + (at + 1) * salt),
      ])
    const [client, server] = [secret(0), secret(1)].map((each) => ({ suite, secret: each }))
    if (client === undefined || server === undefined) return { why: 'no keys' }
    return this.#terms.begins ? { theirs: server, ours: client } : { theirs: client, ours: server }
  }

  /** A memory keeps no borders: records which fit together leave as one datagram. */
  #flush(): void {
    for (;;) {
      const all = this.#desk.drain(this.#written)
      if (all.length === 0) return
      let from = 0
      for (let at = 0; at < all.length; ) {
        const next = recordEnd(all, at)
        const after = next < all.length ? recordEnd(all, next) : Number.POSITIVE_INFINITY
        if (after - from > MTU) {
          this.#terms.send(all.subarray(from, next), next - from)
          from = next
        }
        at = next
      }
    }
  }
}

const wrongCertificate = 'its certificate is another than its description names (a=fingerprint)'

function recordEnd(records: Uint8Array, at: number): number {
  return at + RECORD_HEADER + (((records[at + 11] ?? 0) << 8) | (records[at + 12] ?? 0))
}

/** Of several hashes the best counts, and no other (RFC 8122 §5.1). */
function isOneOf(der: Uint8Array, fingerprints: readonly Fingerprint[]): boolean {
  const best = fingerprintHashes.find((name) => fingerprints.some(({ hash }) => hash === name))
  if (best === undefined) return false
  const own = fingerprintOf(der, best)
  return fingerprints.some(({ hash, value }) => hash === best && value === own)
}

function fingerprintOf(der: Uint8Array, hash: Fingerprint['hash']): string {
  const hex = createHash(hash.replace('-', '')).update(der).digest('hex').toUpperCase()
  return (hex.match(/../g) ?? []).join(':')
}
