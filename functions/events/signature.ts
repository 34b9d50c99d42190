import { bytes } from '../secrets.ts'

/** Bytes of a secret; Standard Webhooks allows 24 to 64. */
const SECRET_BYTES = 32

/** A new secret which messages to one webhook are signed with: `whsec_` and base64. */
export function newWebhookSecret(): string {
  return `whsec_${base64(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)))}`
}

/** A message as it is signed. */
interface SignedMessage {
  readonly id: string
  /** Unix seconds. */
  readonly timestamp: number
  readonly body: string
}

/** The `webhook-signature` of a message (Standard Webhooks 1.0.0): one by each secret, with spaces between. */
export async function signatures(message: SignedMessage, secrets: readonly string[]): Promise<string> {
  const text = bytes(`${message.id}.${message.timestamp}.${message.body}`)
  return (await Promise.all(secrets.map((secret) => signature(text, secret)))).join(' ')
}

async function signature(text: Uint8Array, secret: string): Promise<string> {
  const raw = Uint8Array.from(atob(secret.replace(/^whsec_/, '')), (letter) => letter.charCodeAt(0))
  const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return `v1,${base64(new Uint8Array(await crypto.subtle.sign('HMAC', key, text)))}`
}

/** With its padding: receivers' libraries want it. */
function base64(of: Uint8Array): string {
  return btoa(Array.from(of, (byte) => String.fromCharCode(byte)).join(''))
}
