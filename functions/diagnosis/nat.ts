import type { CalleeFacts, RegistrationEnding } from './call-facts.ts'
import { type Finding, found, patch, type Remedy } from './finding.ts'
import { reachAt } from './sound.ts'

/** Seconds after which the least patient NATs forget a UDP mapping which is not used (RFC 4787 §4.3 asks for 120 at least). */
const forgottenAfterS = 30
/** Seconds within which a phone which went away comes again, if it registers for no longer. */
const registersAgainS = 300

/**
 * A registration which ended though its phone did not end it: behind a NAT which forgot it, or because the phone is off.
 * undefined where the phone or its customer ended it.
 */
export function registrationEnding(account: KeptOpen, last: RegistrationEnding): Finding | undefined {
  const gone = last.type === 'registration.expired' || last.type === 'registration.lost'
  if (!gone) return undefined
  const contact = hostOf(last.contact)
  const behind = isBehindNat(contact, last.source_address)
  const { keepalive_s, max_expires } = account
  const evidence = { ...last, keepalive_s, max_expires }
  const said = last.why ?? 'It was not registered anew in time.'
  if (!behind)
    return found('REGISTRATION_EXPIRED', `Its registration ended: ${said}`, offline, {
      severity: 'error',
      evidence,
    })
  return found(
    'REGISTRATION_EXPIRED_BEHIND_NAT',
    `Its registration ended behind a NAT (it calls itself ${contact}, and comes from ${last.source_address}): ${said}`,
    isKeptOpen(account) ? `${offline} OPTIONS of ours keep its NAT open: ${otherwise}` : openNat,
    { severity: 'error', evidence, request: keepOpen(account) },
  )
}

const offline =
  'See that the phone is on and has a network; it registers by itself as soon as it can reach the relay.'
const otherwise =
  'where that is not enough, let it register anew every few minutes, or use TCP or TLS instead of UDP.'
const openNat =
  'Keep the NAT open: OPTIONS of ours every 25 s, a phone which registers anew every few minutes, or TCP or TLS instead of UDP.'

/** What of an account says how the way to its phones is kept open. */
type KeptOpen = Pick<CalleeFacts, 'id' | 'keepalive_s' | 'max_expires'>

/** Whether OPTIONS keep a NAT open, as far as they can. */
export function isKeptOpen({ keepalive_s }: KeptOpen): boolean {
  return keepalive_s > 0 && keepalive_s <= forgottenAfterS
}

/** The next thing which keeps the way to a phone open, or has it come again sooner; null: all of it is done. */
export function keepOpen(account: KeptOpen): Remedy | null {
  const { id, max_expires } = account
  if (!isKeptOpen(account)) return patch('extensions', id, { keepalive_s: 25 })
  return max_expires > registersAgainS ? patch('extensions', id, { max_expires: registersAgainS }) : null
}

/** Whether a device calls itself by an address of its own network, and is seen from another. */
export function isBehindNat(own: string | null, seen: string | null): boolean {
  return own !== null && seen !== null && own !== seen && reachAt(own) === 'private'
}

/** The host of a SIP URI; null: there is none. */
export function hostOf(uri: string | null): string | null {
  return /^<?sips?:(?:[^@>;]*@)?(\[[^\]]+\]|[^:;>?]+)/i.exec(uri ?? '')?.[1] ?? null
}
