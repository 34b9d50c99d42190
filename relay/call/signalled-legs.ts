import type { Leg } from '../leg/leg.ts'
import type { Branch, Call } from './state.ts'

/** How the messages of one leg are known, and which headers in them are for its provider's eyes alone. */
export interface SignalledLeg {
  readonly sipCallId: string
  /** Names in lower case. */
  readonly secretHeaders: readonly string[]
}

/** Every leg which a call has had so far, the caller’s first; one which came by a transfer, too. */
export function signalledLegs({ caller, branches, joined }: Call): SignalledLeg[] {
  const legs = new Set<Leg>([caller, ...branches, ...(joined.caller ? [joined.caller] : [])])
  if (joined.callee) legs.add(joined.callee)
  return [...legs].flatMap((leg) => {
    const sipCallId = leg.kind === 'uac' ? leg.callId : leg.invite?.callId
    return sipCallId === undefined ? [] : [{ sipCallId, secretHeaders: secretHeaders(leg) }]
  })
}

/** What a provider is sent by its setting may be a password of its customer's, or of the platform's. */
function secretHeaders(leg: Leg): string[] {
  if (!isBranch(leg)) return []
  return (leg.provider?.headers ?? []).map(([name]) => name.toLowerCase())
}

function isBranch(leg: Leg): leg is Branch {
  return 'provider' in leg
}
