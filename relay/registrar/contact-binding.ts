import type { Binding, UtcMs } from '#contract'
import type { Deadline } from '../ground/deadlines.ts'
import type { Hashes } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import { rememberLast } from '../ground/remember.ts'

/** One contact of one extension or trunk: held 100 000 times, so kept flat. Times are ms since 1970. */
export interface ContactBinding {
  readonly owner: AccountBindings
  readonly bindingId: string
  contact: string
  instance: string
  q: number
  callId: string
  cseq: number
  flow: Flow
  /** By which HA1 it was proved (`BindingProofs`). 0: not known, as of one that was restored from an older relay. */
  proof: number
  /** By which token; null: it was the password, or none of the API's. */
  tokenId: string | null
  /** It was seen behind a NAT which forgets it: over UDP only. Of one that was restored this is not known: true. */
  behindNat: boolean
  /** Time between two questions which keep it open, ms; 0: it is not asked. */
  keepaliveMs: number
  path: readonly string[]
  userAgent: string
  registeredAt: UtcMs
  refreshedAt: UtcMs
  expiresAt: UtcMs
  sequence: number
  /** Its sequence when it was registered; 0: not known, as of one that was restored. */
  began: number
  deadline: Deadline<ContactBinding> | undefined
  /** Whether it has answered OPTIONS, and has not been lost since. */
  answers: boolean
  /** Questions in a row which came to nothing; the number of the one which waits for its answer, 0 where none does. */
  unanswered: number
  asked: number
  ask: Deadline<ContactBinding> | undefined
  /** It answers no longer: it is told as lost, is not rung, and is back when it answers or registers. */
  lost: boolean
}

/** Where the phones of one account are. */
export interface AccountBindings {
  readonly account: Binding['account']
  readonly customerId: string
  /** The trunk's id where the account is a trunk. */
  readonly extensionId: string
  bindings: ContactBinding[]
  /** The HA1 by which the latest was proved, and what stands for it (`BindingProofs`); undefined: none yet. */
  ha1: string | undefined
  proof: number
}

/** What of a binding a REGISTER says. */
export type BindingState = Pick<
  ContactBinding,
  | 'contact'
  | 'instance'
  | 'q'
  | 'callId'
  | 'cseq'
  | 'flow'
  | 'proof'
  | 'tokenId'
  | 'behindNat'
  | 'keepaliveMs'
  | 'path'
  | 'userAgent'
  | 'expiresAt'
>

/** A binding as stated, which was not asked yet. All its fields are named in one literal, so that they lie in the object itself. */
export function contactBinding(
  owner: AccountBindings,
  bindingId: string,
  stated: BindingState,
  registeredAt: UtcMs,
  refreshedAt: UtcMs,
  sequence: number,
): ContactBinding {
  return {
    owner,
    bindingId,
    contact: stated.contact,
    instance: stated.instance,
    q: stated.q,
    callId: stated.callId,
    cseq: stated.cseq,
    flow: stated.flow,
    proof: stated.proof,
    tokenId: stated.tokenId,
    behindNat: stated.behindNat,
    keepaliveMs: stated.keepaliveMs,
    path: stated.path,
    userAgent: stated.userAgent,
    registeredAt,
    refreshedAt,
    expiresAt: stated.expiresAt,
    sequence,
    began: 0,
    deadline: undefined,
    answers: false,
    unanswered: 0,
    asked: 0,
    ask: undefined,
    lost: false,
  }
}

/** What a REGISTER says of a binding anew, field by field: to copy whatever there is costs twice as much. */
export function restate(binding: ContactBinding, stated: BindingState): void {
  binding.contact = stated.contact
  binding.instance = stated.instance
  binding.q = stated.q
  binding.callId = stated.callId
  binding.cseq = stated.cseq
  binding.flow = stated.flow
  binding.proof = stated.proof
  binding.tokenId = stated.tokenId
  binding.behindNat = stated.behindNat
  binding.keepaliveMs = stated.keepaliveMs
  binding.path = stated.path
  binding.userAgent = stated.userAgent
  binding.expiresAt = stated.expiresAt
}

/** A binding in the contract's words. */
export function bindingOf(binding: ContactBinding, relayId: string): Binding {
  const { transport, address, port } = binding.flow
  return {
    binding_id: binding.bindingId,
    customer_id: binding.owner.customerId,
    account: binding.owner.account,
    extension_id: binding.owner.extensionId,
    relay_id: relayId,
    contact: binding.contact,
    q: binding.q,
    call_id: binding.callId,
    cseq: binding.cseq,
    received: { transport, address, port },
    path: [...binding.path],
    user_agent: binding.userAgent,
    token_id: binding.tokenId,
    proof: binding.proof,
    keepalive_s: binding.keepaliveMs / 1000,
    registered_at: iso(binding.registeredAt),
    refreshed_at: iso(binding.refreshedAt),
    expires_at: iso(binding.expiresAt),
  }
}

/** A UUID of our own making (RFC 9562 §5.8): the same contact of the same extension always gets the same. */
export function bindingIdOf(hashes: Hashes, extensionId: string, identity: string): string {
  const hash = hashes.sha256(`${extensionId} ${identity}`)
  const variant = '89ab'[Number.parseInt(hash.slice(16, 17), 16) & 3]
  const [a, b, c] = [hash.slice(0, 8), hash.slice(8, 12), hash.slice(13, 16)]
  return `${a}-${b}-8${c}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}

/** An instant (UTC ms) as the contract writes it. */
export function iso(at: UtcMs): string {
  const ms = Math.trunc(at)
  const second = Math.floor(ms / 1000)
  return `${secondOf(second)}${`${ms - second * 1000}`.padStart(3, '0')}Z`
}

/** All of an instant but its milliseconds: what is written in one second differs by no more. */
const secondOf = rememberLast(4, (second: number) => new Date(second * 1000).toISOString().slice(0, -4))
