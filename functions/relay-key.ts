import { bytes, fromBase64, randomText, sha256Hex, toBase64 } from './secrets.ts'
import { remember } from './wrong-keys.ts'

/** What a relay may be called: its name is part of its key. */
export const relayName = /^[a-z0-9-]{1,40}$/

/** 32 bytes are 42 letters and 4 bits: the last letter has two bits which mean nothing, and are 0. */
const shape = /^rk_([a-z0-9-]{1,40})\.([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])$/

/** Secrets from which keys are made: the first makes, each of them opens. */
export type RelaySecrets = readonly [string, ...string[]]

/** Whose a key says it is; `derived`: it was made from one of the edge's secrets. */
export interface RelayKeyClaim {
  readonly relayId: string
  readonly derived: boolean
}

/** A key which a relay came with. */
export interface PresentedKey extends RelayKeyClaim {
  /** SHA-256 of it, hex. */
  readonly hash: string
}

/**
 * The key of one relay, made from the edge's RELAY_SECRET: nothing about it needs to be stored. Throws where the
 * relay’s name may be none.
 */
export async function relayKey(secret: string, relayId: string): Promise<string> {
  const mac = await crypto.subtle.sign('HMAC', await hmac(secret), bytes(named(relayId)))
  return `rk_${relayId}.${toBase64(new Uint8Array(mac))}`
}

/** A new key of a relay, made of nothing but chance. Throws where the relay’s name may be none. */
export function newRelayKey(relayId: string): string {
  return `rk_${named(relayId)}.${randomText(32)}`
}

/** Keys which were made from a secret, as they were read: it would make them again. The longest known is forgotten for a new one. */
const derivedKeys = new WeakMap<RelaySecrets, Map<string, PresentedKey>>()
const DERIVED = 256

/** What a key says, and its hash; undefined: it is no relay's. Takes the same time for any wrong key. */
export async function readRelayKey(secrets: RelaySecrets, key: string): Promise<PresentedKey | undefined> {
  const known = derivedKeys.get(secrets) ?? new Map<string, PresentedKey>()
  derivedKeys.set(secrets, known)
  const before = known.get(key)
  if (before) return before
  const claim = await claimOf(secrets, key)
  if (claim === undefined) return undefined
  const read = { ...claim, hash: await sha256Hex(key) }
  if (read.derived) remember(known, DERIVED, () => known.set(key, read))
  return read
}

async function claimOf(secrets: RelaySecrets, key: string): Promise<RelayKeyClaim | undefined> {
  const [, relayId = '', mac = ''] = shape.exec(key) ?? []
  if (relayId === '') return undefined
  const tried = await Promise.all(
    secrets.map(async (secret) =>
      crypto.subtle.verify('HMAC', await hmac(secret), fromBase64(mac), bytes(relayId)),
    ),
  )
  return { relayId, derived: tried.includes(true) }
}

function named(relayId: string): string {
  if (!relayName.test(relayId)) throw new Error(`A relay's name is [a-z0-9-]{1,40}, not ${relayId}.`)
  return relayId
}

/** The edge's secrets as keys: making one of them takes longer than all that it is asked for. */
const keys = new Map<string, Promise<CryptoKey>>()

function hmac(secret: string): Promise<CryptoKey> {
  const known = keys.get(secret)
  if (known) return known
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const made = crypto.subtle.importKey('raw', bytes(secret), algorithm, false, ['sign', 'verify'])
  keys.set(secret, made)
  return made
}
