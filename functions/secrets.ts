import { md5 } from './md5.ts'

/** A key of 32 bytes for sealing, and its name in what it sealed. */
export interface SealKey {
  kid: string
  bytes: Uint8Array
}

/** The one field of one row a secret was sealed for; it opens nowhere else. */
export interface Place {
  table: string
  id: string
  field: string
}

/** Closes secrets for one place in the database, and opens them there alone. */
export interface Seal {
  close(place: Place, secret: string): Promise<string>
  /** Throws where the text was altered, moved, or sealed under a key no longer given. */
  open(place: Place, sealed: string): Promise<string>
  /** What is the same for the same secret of one customer, and tells nothing else of it: the key’s name and a MAC. */
  mark(customerId: string, secret: string): Promise<string>
}

/**
 * AES-256-GCM under the first key; what older ones closed still opens. Opening throws where the key by which it was
 * closed is not among them.
 */
export function sealWith(keys: [SealKey, ...SealKey[]]): Seal {
  const cryptoKeys = new Map<string, Promise<CryptoKey>>()
  return {
    async close(place, secret) {
      const [{ kid }] = keys
      const iv = crypto.getRandomValues(new Uint8Array(12))
      const closed = await crypto.subtle.encrypt(gcm(iv, place, kid), await keyFor(kid), bytes(secret))
      return [kid, toBase64(iv), toBase64(new Uint8Array(closed))].join('.')
    },
    async open(place, sealed) {
      const [kid = '', iv = '', closed = ''] = sealed.split('.')
      const opened = await crypto.subtle.decrypt(
        gcm(fromBase64(iv), place, kid),
        await keyFor(kid),
        fromBase64(closed),
      )
      return new TextDecoder().decode(opened)
    },
    async mark(customerId, secret) {
      const [{ kid, bytes: octets }] = keys
      const hmac = { name: 'HMAC', hash: 'SHA-256' }
      const key = await crypto.subtle.importKey('raw', octets, hmac, false, ['sign'])
      const mac = await crypto.subtle.sign('HMAC', key, bytes(`mark|${customerId}|${secret}`))
      return [kid, toBase64(new Uint8Array(mac))].join('.')
    },
  }

  function keyFor(kid: string): Promise<CryptoKey> {
    const key = keys.find((candidate) => candidate.kid === kid)
    if (!key) throw new Error(`SEAL_KEYS has no key named ${kid}.`)
    const known =
      cryptoKeys.get(kid) ??
      crypto.subtle.importKey('raw', key.bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
    cryptoKeys.set(kid, known)
    return known
  }
}

/** H(username:realm:password) in lower-case hex, by both algorithms (RFC 7616 §3.4.2, RFC 8760). */
export async function ha1s(username: string, realm: string, password: string) {
  const text = bytes(`${username}:${realm}:${password}`)
  return { md5: toHex(md5(text)), sha256: await sha256Hex(text) }
}

/** Lower-case hex SHA-256; how access keys are kept. */
export async function sha256Hex(of: string | Uint8Array): Promise<string> {
  const input = typeof of === 'string' ? bytes(of) : of
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', input)))
}

/** `size` random bytes as base64url. */
export function randomText(size: number): string {
  return toBase64(crypto.getRandomValues(new Uint8Array(size)))
}

/** `size` random bytes as lower-case hex. */
export function randomBytesHex(size: number): string {
  return toHex(crypto.getRandomValues(new Uint8Array(size)))
}

/** Octets in base64url, without padding (RFC 4648 §5). */
export function toBase64(of: Uint8Array): string {
  return btoa(Array.from(of, (byte) => String.fromCharCode(byte)).join(''))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

/** Reads base64url as `toBase64` writes it, and in no other spelling: one secret has one text. Throws where it is none. */
export function fromBase64(text: string): Uint8Array {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  if (!canonical.test(text)) throw new Error('This is not base64url, or has bits which mean nothing.')
  return Uint8Array.from(plain, (character) => character.charCodeAt(0))
}

/** Four letters are three bytes; after two or three the last letter has bits to spare, which are 0. */
const canonical = /^([\w-]{4})*([\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/

function gcm(iv: Uint8Array, { table, id, field }: Place, kid: string) {
  return { name: 'AES-GCM', iv, additionalData: bytes([table, id, field, kid].join('|')) }
}

/** Lower-case hex. */
export function toHex(of: Uint8Array): string {
  let text = ''
  for (const byte of of) text += hexOf[byte]
  return text
}

/** Two digits of each byte. */
const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** UTF-8. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
