import { bytes } from './secrets.ts'

/**
 * The secret with which a customer's own server knows that a question comes from here (Standard Webhooks): made from the
 * edge's RELAY_SECRET, so that nothing about it needs to be stored.
 */
export async function flowSecret(secret: string, customerId: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', bytes(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ])
  // A relay's name has no colon: no key of one is this.
  const mac = await crypto.subtle.sign('HMAC', key, bytes(`flow-server:${customerId}`))
  return `whsec_${btoa(String.fromCharCode(...new Uint8Array(mac)))}`
}
