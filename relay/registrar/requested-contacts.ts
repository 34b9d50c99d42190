import type { AuthFailureReason } from '../auth/auth-failure.ts'
import type { KnownCredential } from '../auth/challenger.ts'
import { hopsOf, type NameAddr } from '../sip/address.ts'
import type { Request } from '../sip/message.ts'
import { isTel } from '../sip/uri.ts'

/** One contact a REGISTER speaks of; `seconds` 0 takes it away. */
export interface RequestedContact {
  readonly uri: string
  readonly seconds: number
  readonly q: number
  /** `+sip.instance` and `reg-id` as written, where both are given: then they are its identity (RFC 5626 §6). */
  readonly instance: string
}

/** What a REGISTER wants: everything gone, or these contacts; none is a mere question. */
type RequestedContacts =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'contacts'
      readonly contacts: readonly RequestedContact[]
      readonly path: readonly string[]
    }
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly reason?: string
      readonly minExpires?: number
      readonly failed?: AuthFailureReason
    }

/* Implementation */
const contactLettersAtMost = 1024
/** No interval of an hour or more may be called too brief (RFC 3261 §10.3). */
const anHour = 3600

/**
 * Reads the Contacts of a REGISTER and how long each is to last (RFC 3261 §10.3 steps 6 and 7). `leastOf` says how few
 * seconds a contact may ask for.
 */
export function readContacts(
  request: Request,
  limits: Pick<KnownCredential, 'min_expires' | 'max_expires' | 'default_expires'>,
  leastOf: (contact: string) => number,
): RequestedContacts {
  const values = request.all('contact')
  const expires = readSeconds(request.header('expires'))
  if (values.includes('*')) {
    const alone = values.length === 1 && expires === 0
    return alone ? { kind: 'nothing' } : refused('Contact * Needs Expires 0')
  }
  const addresses = request.addresses('contact')
  const path = hopsOf(request, 'path')
  // One which cannot be read hides no other: the answer lists what was bound.
  if (addresses.length === 0 && values.length > 0) return refused('Bad Contact')
  if (path.length === 0 && request.header('path') !== undefined) return refused('Bad Path')
  const contacts: RequestedContact[] = []
  for (const address of addresses) {
    // A PBX may be where it registered from and name no host of its own (RFC 3966).
    const fit = address.sip !== undefined || isTel(address.uri)
    if (!fit || address.uri.length > contactLettersAtMost) return refused('Bad Contact')
    const asked = readSeconds(address.params.get('expires')) ?? expires ?? limits.default_expires
    if (asked > 0 && asked < anHour && asked < leastOf(address.uri))
      return { kind: 'refused', status: 423, minExpires: limits.min_expires, failed: 'EXPIRES_TOO_SHORT' }
    contacts.push(wantedContact(address, Math.min(asked, limits.max_expires)))
  }
  return { kind: 'contacts', contacts, path }
}

function refused(reason: string): RequestedContacts {
  return { kind: 'refused', status: 400, reason }
}

function wantedContact({ uri, params }: NameAddr, seconds: number): RequestedContact {
  const [instance, regId] = [params.get('+sip.instance'), params.get('reg-id')]
  const both = instance && regId ? `+sip.instance=${instance};reg-id=${regId}` : ''
  return { uri, seconds, q: readQ(params.get('q')), instance: both }
}

/** Whole seconds; what is no number counts as not given: the account's default, where RFC 3261 §10.2 would have an hour. */
function readSeconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined
}

function readQ(text: string | undefined): number {
  return text !== undefined && /^(0(\.\d{1,3})?|1(\.0{1,3})?)$/.test(text) ? Number(text) : 1
}
