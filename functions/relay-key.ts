import { bytes, fromBase64, toBase64 } from './secrets.ts'

/** 32 bytes are 42 letters and 4 bits: the last letter has two bits which mean nothing, and are 0. */
const shape = /^rk_([a-z0-9-]{1,40})\.([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])$/

/** What a relay may be called: its name is part of its key. */
export const relayName = /^[a-z0-9-]{1,40}$/

/**
 * The key of one relay, made from the edge's RELAY_SECRET: nothing about it needs to be stored. Throws where the
 * relay’s name may be none.
 */
export async function relayKey(secret: string, relayId: string): Promise<string> {
  if (!relayName.test(relayId)) throw new Error(`A relay's name is [a-z0-9-]{1,40}, not ${relayId}.`)
  const mac = await crypto.subtle.sign('HMAC', await hmac(secret), bytes(relayId))
  return `rk_${relayId}.${toBase64(new Uint8Array(mac))}`
}

/** The relay a key belongs to, or undefined where it is no relay's. Takes the same time for any wrong key. */
export async function relayOf(secret: string, key: string): Promise<string | undefined> {
  const [, relayId = '', mac = ''] = shape.exec(key) ?? []
  if (relayId === '') return undefined
  const right = await crypto.subtle.verify('HMAC', await hmac(secret), fromBase64(mac), bytes(relayId))
  return right ? relayId : undefined
}

function hmac(secret: string): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytes(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ])
}
