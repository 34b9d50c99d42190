import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import { type Snapshot, type SnapshotSecrets, snapshot, snapshotSecrets } from '#contract'
import type { VerifiedSnapshot } from '../ground/effects.ts'
import { valid } from './edge-http.ts'

/** What a relay's own key is made into, to know the edge's hand and to open what is meant for it. */
export interface SnapshotKeys {
  readonly signature: Buffer
  readonly seal: Buffer
}

/** The keys of a relay's snapshots, derived from its own key. */
export function snapshotKeys(relayKey: string): SnapshotKeys {
  const made = (what: string) => createHmac('sha256', relayKey).update(what).digest()
  return { signature: made('snapshot signature'), seal: made('snapshot seal') }
}

/**
 * Reads a snapshot of `customerId` whose signature header is `signature`, or throws, saying what is wrong with it.
 *
 * What is kept is the signature, a line break, and the body exactly as it was signed.
 */
export function openSnapshot(
  keys: SnapshotKeys,
  customerId: string,
  signature: string,
  body: Buffer,
): VerifiedSnapshot {
  if (!isSigned(keys, signature, body)) throw new Error('the signature of the snapshot is not the edge’s')
  const read = valid(snapshot.safeParse(JSON.parse(String(body))))
  if (read.customer_id !== customerId) throw new Error(`the snapshot is ${read.customer_id}'s`)
  const secrets = unseal(keys, read)
  return { snapshot: read, secrets, signed: Buffer.concat([Buffer.from(`${signature}\n`), body]) }
}

/** Reads what `openSnapshot` gave to keep. Throws where that is torn. */
export function reopenSnapshot(keys: SnapshotKeys, customerId: string, signed: Buffer): VerifiedSnapshot {
  const end = signed.indexOf('\n')
  if (end < 0) throw new Error('the file is torn')
  return openSnapshot(keys, customerId, String(signed.subarray(0, end)), signed.subarray(end + 1))
}

function isSigned({ signature: key }: SnapshotKeys, header: string, body: Buffer): boolean {
  const given = /^v1=([0-9a-f]{64})$/.exec(header)?.[1]
  const made = createHmac('sha256', key).update(body).digest()
  return given !== undefined && timingSafeEqual(Buffer.from(given, 'hex'), made)
}

/** AES-256-GCM; the additional data say whose secrets these are, and of which version. */
function unseal({ seal }: SnapshotKeys, { sealed, customer_id, version }: Snapshot): SnapshotSecrets {
  const [iv, text] = sealed.split('.').map((part) => Buffer.from(part, 'base64url'))
  if (iv === undefined || text === undefined || text.length < 16)
    throw new Error('the secrets of the snapshot are torn')
  try {
    const decipher = createDecipheriv('aes-256-gcm', seal, iv)
    decipher.setAAD(Buffer.from(`${customer_id}|${version}`))
    decipher.setAuthTag(text.subarray(-16))
    const open = Buffer.concat([decipher.update(text.subarray(0, -16)), decipher.final()])
    return valid(snapshotSecrets.safeParse(JSON.parse(String(open))))
  } catch (cause) {
    throw new Error('the secrets of the snapshot are not sealed for this relay', { cause })
  }
}
