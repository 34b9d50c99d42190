import { type UtcMs, utcMs } from '#contract'
import type { Verified } from '../auth/challenger.ts'
import type { Flow } from '../ground/flow.ts'
import { readable } from '../sip/charset.ts'
import type { Header, Request } from '../sip/message.ts'
import type { BindingState, ContactBinding } from './contact-binding.ts'
import type { ContactBindings } from './contact-bindings.ts'
import { isBehindNat } from './nat-keep-alive.ts'
import type { RequestedContact } from './requested-contacts.ts'

/** Who sent a REGISTER, and by what it was proved (`BindingProofs`). */
export type Proved = Verified & { readonly proof: number }

/** What a REGISTER does to one binding: makes it, refreshes it, or ends it. */
export interface RequestedChange {
  /** undefined: there is none yet. */
  readonly binding: ContactBinding | undefined
  /** undefined: it ends. */
  readonly contact: RequestedContact | undefined
}

/** A binding ends, whatever the contact says. */
export function removal(binding: ContactBinding): RequestedChange {
  return { binding, contact: undefined }
}

/** Each contact beside the binding it changes. Of two which name the same, the later counts. */
export function changesOf(
  contacts: readonly RequestedContact[],
  extensionId: string,
  bindings: ContactBindings,
): RequestedChange[] {
  const changeByIdentity = new Map<ContactBinding | string, RequestedChange>()
  for (const contact of contacts) {
    const binding = bindings.find(extensionId, contact)
    changeByIdentity.set(binding ?? (contact.instance || contact.uri), { binding, contact })
  }
  return [...changeByIdentity.values()]
}

/** What a binding is once a contact was granted to it. */
export function stated(
  at: UtcMs,
  request: Request,
  flow: Flow,
  { credential, tokenId, proof }: Proved,
  path: readonly string[],
  contact: RequestedContact,
  binding: ContactBinding | undefined,
): BindingState {
  // A NAT which no answer keeps open is kept open by registering anew.
  const behindNat = isBehindNat(request, contact.uri, flow)
  const often = behindNat && credential.keepalive_s > 0 && !binding?.answers
  const seconds = often ? Math.min(contact.seconds, credential.keepalive_s) : contact.seconds
  return {
    contact: contact.uri,
    instance: contact.instance,
    q: contact.q,
    callId: request.callId,
    cseq: request.cseq.number,
    flow,
    proof,
    tokenId,
    behindNat,
    keepaliveMs: credential.keepalive_s * 1000,
    path,
    userAgent: readable(request.header('user-agent') ?? ''),
    expiresAt: utcMs(at + seconds * 1000),
  }
}

/** All current bindings with the time each has left (RFC 3261 §10.3 step 8). */
export function grantedContacts(at: UtcMs, held: readonly ContactBinding[]): Header[] {
  return held
    .filter(({ expiresAt, lost }) => expiresAt > at && !lost)
    .map(({ contact, expiresAt, q, instance }): Header => {
      const seconds = Math.ceil((expiresAt - at) / 1000)
      const params = `;expires=${seconds}${q === 1 ? '' : `;q=${q}`}${instance === '' ? '' : `;${instance}`}`
      return ['contact', `<${contact}>${params}`]
    })
}

/** Whether a contact's NAT has to be kept open. */
export function isKeptOpen(
  credential: Verified['credential'],
  request: Request,
  contact: string,
  flow: Flow,
): boolean {
  return credential.keepalive_s > 0 && isBehindNat(request, contact, flow)
}

/** A request older than the one which made the binding (§10.3 step 7). */
export function outOfOrder(binding: ContactBinding, request: Request): boolean {
  return binding.callId === request.callId && request.cseq.number <= binding.cseq
}
