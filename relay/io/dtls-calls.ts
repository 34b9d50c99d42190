import { createRequire } from 'node:module'

/*
 * DTLS and certificates of OpenSSL as Node brings it, called through node:ffi.
 */

const [p, i, l, u] = ['pointer', 'i32', 'i64', 'u64'] as const

const signatures = {
  DTLS_method: { arguments: [], return: p },
  SSL_CTX_new: { arguments: [p], return: p },
  SSL_CTX_use_certificate: { arguments: [p, p], return: i },
  SSL_CTX_use_PrivateKey: { arguments: [p, p], return: i },
  SSL_CTX_set_cipher_list: { arguments: [p, p], return: i },
  SSL_CTX_set_tlsext_use_srtp: { arguments: [p, p], return: i },
  SSL_CTX_set_verify: { arguments: [p, i, p], return: 'void' },
  SSL_CTX_set_options: { arguments: [p, u], return: u },
  SSL_CTX_ctrl: { arguments: [p, i, l, p], return: l },
  SSL_new: { arguments: [p], return: p },
  SSL_free: { arguments: [p], return: 'void' },
  SSL_set_accept_state: { arguments: [p], return: 'void' },
  SSL_set_connect_state: { arguments: [p], return: 'void' },
  SSL_set_bio: { arguments: [p, p, p], return: 'void' },
  SSL_ctrl: { arguments: [p, i, l, p], return: l },
  SSL_do_handshake: { arguments: [p], return: i },
  SSL_read: { arguments: [p, p, i], return: i },
  SSL_get_error: { arguments: [p, i], return: i },
  SSL_get_selected_srtp_profile: { arguments: [p], return: p },
  SSL_export_keying_material: { arguments: [p, p, u, p, u, p, u, i], return: i },
  SSL_get1_peer_certificate: { arguments: [p], return: p },
  BIO_s_mem: { arguments: [], return: p },
  BIO_new: { arguments: [p], return: p },
  BIO_ctrl: { arguments: [p, i, l, p], return: l },
  BIO_write: { arguments: [p, p, i], return: i },
  BIO_read: { arguments: [p, p, i], return: i },
  X509_new: { arguments: [], return: p },
  X509_free: { arguments: [p], return: 'void' },
  X509_set_version: { arguments: [p, l], return: i },
  X509_get_serialNumber: { arguments: [p], return: p },
  X509_getm_notBefore: { arguments: [p], return: p },
  X509_getm_notAfter: { arguments: [p], return: p },
  X509_gmtime_adj: { arguments: [p, l], return: p },
  X509_set_pubkey: { arguments: [p, p], return: i },
  X509_get_subject_name: { arguments: [p], return: p },
  X509_set_issuer_name: { arguments: [p, p], return: i },
  X509_NAME_add_entry_by_txt: { arguments: [p, p, i, p, i, i, i], return: i },
  X509_sign: { arguments: [p, p, p], return: i },
  i2d_X509: { arguments: [p, p], return: i },
  ASN1_INTEGER_set: { arguments: [p, l], return: i },
  EVP_sha256: { arguments: [], return: p },
  EVP_PKEY_free: { arguments: [p], return: 'void' },
  d2i_AutoPrivateKey: { arguments: [p, p, l], return: p },
  ERR_get_error: { arguments: [], return: u },
  ERR_clear_error: { arguments: [], return: 'void' },
  ERR_error_string_n: { arguments: [u, p, u], return: 'void' },
} as const

type Ffi = typeof import('node:ffi')

/** Those calls, and what reads and is called by what they lead to. */
export interface DtlsLibrary {
  readonly ssl: ReturnType<typeof open>['functions']
  readonly whereIs: (memory: ArrayBuffer) => bigint
  /** 64 bits of memory which is OpenSSL's. */
  readonly wordAt: (address: bigint, offset: number) => bigint
  /** A function of C which says yes to every certificate: whose it is, its fingerprint says. */
  readonly accept: bigint
}

/** Node's own; throws where node:ffi does not work. */
export function nodesDtls(): DtlsLibrary {
  const ffi = createRequire(import.meta.url)('node:ffi') as Ffi
  const { lib, functions } = open(ffi)
  return {
    ssl: functions,
    whereIs: (memory) => ffi.getRawPointer(memory),
    wordAt: (address, offset) => ffi.getUint64(address, offset),
    accept: lib.registerCallback({ arguments: ['i32', 'pointer'], return: 'i32' }, () => 1),
  }
}

function open(ffi: Ffi) {
  return ffi.dlopen(null, signatures)
}
