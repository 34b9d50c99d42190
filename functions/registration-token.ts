import type { RelaySecrets } from './relay-key.ts'
import { bytes, toHex } from './secrets.ts'

/**
 * The word in our contact at one provider, by which its calls are recognised: its id, and 20 hex digits no other
 * can guess.
 *
 * It follows from RELAY_SECRET and the provider's id, so every relay registers under the same, and it is stored nowhere.
 */
export async function lineOf(secret: string, providerId: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', bytes(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ])
  const mac = await crypto.subtle.sign('HMAC', key, bytes(`line ${providerId}`))
  return providerId.replaceAll('-', '') + toHex(new Uint8Array(mac)).slice(0, 20)
}

/** The provider a word was made for, with any of the secrets; undefined where we did not make it. */
export async function providerOfLine(secrets: RelaySecrets, line: string): Promise<string | undefined> {
  const parts = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})[0-9a-f]{20}$/.exec(line)
  const id = parts?.slice(1).join('-')
  if (id === undefined) return undefined
  const made = await Promise.all(secrets.map((secret) => lineOf(secret, id)))
  return made.includes(line) ? id : undefined
}
