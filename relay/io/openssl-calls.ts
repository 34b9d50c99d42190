import { createRequire } from 'node:module'

/*
 * OpenSSL as Node brings it, called through node:ffi.
 */

/** The calls of Node's own OpenSSL which SRTP needs, all arguments as in `wide.ts`. A context keeps its key, and gets a vector per packet. */
export interface OpenSsl {
  EVP_CIPHER_CTX_new(): bigint
  EVP_CIPHER_CTX_free(context: bigint): void
  EVP_aes_128_ctr(): bigint
  EVP_aes_128_gcm(): bigint
  EVP_aes_256_gcm(): bigint
  EVP_EncryptInit_ex(context: bigint, type: bigint, engine: bigint, key: bigint, iv: bigint): number
  EVP_EncryptUpdate(context: bigint, out: bigint, written: bigint, from: bigint, size: bigint): number
  EVP_EncryptFinal_ex(context: bigint, out: bigint, written: bigint): number
  EVP_DecryptInit_ex(context: bigint, type: bigint, engine: bigint, key: bigint, iv: bigint): number
  EVP_DecryptUpdate(context: bigint, out: bigint, written: bigint, from: bigint, size: bigint): number
  EVP_DecryptFinal_ex(context: bigint, out: bigint, written: bigint): number
  EVP_CIPHER_CTX_ctrl(context: bigint, command: bigint, size: bigint, at: bigint): number
  SHA1_Init(state: bigint): number
  SHA1_Update(state: bigint, from: bigint, size: bigint): number
  SHA1_Final(digest: bigint, state: bigint): number
}

/** OpenSSL, and what it needs to know of memory. */
export interface OpenSslLibrary {
  readonly ssl: OpenSsl
  readonly whereIs: (memory: ArrayBuffer) => bigint
}

/** Node's own; throws where node:ffi does not work. */
export function nodesOpenSsl(): OpenSslLibrary {
  const ffi = createRequire(import.meta.url)('node:ffi') as typeof import('node:ffi')
  return { ssl: ffi.dlopen(null, signatures).functions, whereIs: (memory) => ffi.getRawPointer(memory) }
}

/** OpenSSL's memory for a cipher, which is given back when its owner is collected: never before, and never not at all. Throws where there is none. */
export function contextFor(ssl: OpenSsl, owner: object): bigint {
  const context = ssl.EVP_CIPHER_CTX_new()
  if (context === NULL) throw new Error('OpenSSL has no memory for a key')
  contexts.register(owner, () => ssl.EVP_CIPHER_CTX_free(context))
  return context
}

/** A key which was not taken would leave all it should encrypt readable: throws where one of these calls failed. */
export function need(...done: number[]): void {
  if (done.some((each) => each !== OK)) throw new Error('OpenSSL does not take a key')
}

const contexts = new FinalizationRegistry((free: () => void) => free())

/** No address. */
export const NULL = 0n
/** What its calls return when they did what was asked. */
export const OK = 1

const four = ['pointer', 'pointer', 'pointer', 'pointer'] as const

const signatures = {
  EVP_CIPHER_CTX_new: { arguments: [], return: 'pointer' },
  EVP_CIPHER_CTX_free: { arguments: ['pointer'], return: 'void' },
  EVP_aes_128_ctr: { arguments: [], return: 'pointer' },
  EVP_aes_128_gcm: { arguments: [], return: 'pointer' },
  EVP_aes_256_gcm: { arguments: [], return: 'pointer' },
  EVP_EncryptInit_ex: { arguments: [...four, 'pointer'], return: 'i32' },
  EVP_EncryptUpdate: { arguments: [...four, 'pointer'], return: 'i32' },
  EVP_EncryptFinal_ex: { arguments: ['pointer', 'pointer', 'pointer'], return: 'i32' },
  EVP_DecryptInit_ex: { arguments: [...four, 'pointer'], return: 'i32' },
  EVP_DecryptUpdate: { arguments: [...four, 'pointer'], return: 'i32' },
  EVP_DecryptFinal_ex: { arguments: ['pointer', 'pointer', 'pointer'], return: 'i32' },
  EVP_CIPHER_CTX_ctrl: { arguments: four, return: 'i32' },
  SHA1_Init: { arguments: ['pointer'], return: 'i32' },
  SHA1_Update: { arguments: ['pointer', 'pointer', 'pointer'], return: 'i32' },
  SHA1_Final: { arguments: ['pointer', 'pointer'], return: 'i32' },
} as const
