import { bytes, toBase64, toHex } from '../secrets.ts'

/*
 * What keeps a snapshot honest and its secrets secret on the way to one relay, and on its disk. All of it follows
 * from the relay's own key (`rk_…`), which both sides have; K = HMAC-SHA256 with the key's text as key:
 *
 *   trunkline-signature: v1=<hex HMAC-SHA256 of the exact body, key K("snapshot signature")>
 *   sealed: <base64url iv>.<base64url AES-256-GCM ciphertext and tag>, key K("snapshot seal"),
 *           additional data "<customer_id>|<version>"
 */

/** The signature of a snapshot's body for the relay whose key this is, as its header carries it. */
export async function signature(relayKey: string, body: Uint8Array): Promise<string> {
  return `v1=${toHex(await mac(await derived(relayKey, 'snapshot signature'), body))}`
}

/** A snapshot's secrets, which only the relay whose key this is can open, and only as a part of this version. */
export async function seal(
  relayKey: string,
  { customerId, version }: Edition,
  secrets: string,
): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const closed = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv, additionalData: bytes(`${customerId}|${version}`) },
    await sealKey(relayKey),
    bytes(secrets),
  )
  return `${toBase64(iv)}.${toBase64(new Uint8Array(closed))}`
}

/** Which snapshot it is. */
interface Edition {
  customerId: string
  version: number
}

async function sealKey(relayKey: string): Promise<CryptoKey> {
  const key = await derived(relayKey, 'snapshot seal')
  return crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt'])
}

function derived(relayKey: string, purpose: string): Promise<Uint8Array> {
  return mac(bytes(relayKey), bytes(purpose))
}

async function mac(key: Uint8Array, text: Uint8Array): Promise<Uint8Array> {
  const hmac = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', hmac, text))
}
