import { bytes, toHex } from './secrets.ts'

/**
 * The word in our contact at one provider, by which its calls are recognised: 20 hex digits nobody can guess.
 *
 * It follows from RELAY_SECRET and the provider's id, so every relay registers under the same, and it is stored nowhere.
 */
export async function lineOf(secret: string, providerId: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', bytes(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ])
  const mac = await crypto.subtle.sign('HMAC', key, bytes(`line ${providerId}`))
  return toHex(new Uint8Array(mac)).slice(0, 20)
}
