import type { Binding } from '#contract'
import type { Deadline } from '../ground/deadlines.ts'
import type { Chance } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'

/** One contact of one extension or trunk: held 100 000 times, so kept flat. Times are ms since 1970. */
export interface Entry {
  readonly owner: Owner
  readonly bindingId: string
  contact: string
  instance: string
  q: number
  callId: string
  cseq: number
  flow: Flow
  /** By which HA1 it was proved: 28 bits of it. 0: not known, as of one that was restored. */
  proof: number
  /** It was seen behind a NAT which forgets it: over UDP only. Of one that was restored this is not known: true. */
  behindNat: boolean
  path: readonly string[]
  userAgent: string
  registeredAt: number
  refreshedAt: number
  expiresAt: number
  sequence: number
  deadline: Deadline<Entry> | undefined
}

export interface Owner {
  readonly account: Binding['account']
  readonly customerId: string
  /** The trunk's id where the account is a trunk. */
  readonly extensionId: string
  readonly entries: Entry[]
}

/** What of an entry a REGISTER says. */
export type Stated = Pick<
  Entry,
  | 'contact'
  | 'instance'
  | 'q'
  | 'callId'
  | 'cseq'
  | 'flow'
  | 'proof'
  | 'behindNat'
  | 'path'
  | 'userAgent'
  | 'expiresAt'
>

/** 28 bits of an HA1: enough to tell two passwords apart, too few to be one's proof. */
export function proofOf(ha1: string): number {
  return Number.parseInt(ha1.slice(0, 7), 16)
}

/** An entry in the contract's words. */
export function bindingOf(entry: Entry, relayId: string): Binding {
  const { transport, address, port } = entry.flow
  return {
    binding_id: entry.bindingId,
    customer_id: entry.owner.customerId,
    account: entry.owner.account,
    extension_id: entry.owner.extensionId,
    relay_id: relayId,
    contact: entry.contact,
    q: entry.q,
    call_id: entry.callId,
    cseq: entry.cseq,
    received: { transport, address, port },
    path: [...entry.path],
    user_agent: entry.userAgent,
    registered_at: iso(entry.registeredAt),
    refreshed_at: iso(entry.refreshedAt),
    expires_at: iso(entry.expiresAt),
  }
}

/** A UUID of our own making (RFC 9562 §5.8): the same contact of the same extension always gets the same. */
export function bindingIdOf(chance: Chance, extensionId: string, identity: string): string {
  const hash = chance.sha256(`${extensionId} ${identity}`)
  const variant = '89ab'[Number.parseInt(hash.slice(16, 17), 16) & 3]
  const [a, b, c] = [hash.slice(0, 8), hash.slice(8, 12), hash.slice(13, 16)]
  return `${a}-${b}-8${c}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}

export function iso(at: number): string {
  return new Date(at).toISOString()
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A text on its own: one cut from a message, or joined from pieces, keeps all it came from in memory. */
export function detached(text: string): string {
  return decoder.decode(encoder.encode(text))
}
