import type { Leg } from '../leg/leg.ts'
import type { Branch, Call } from './state.ts'

/** How the messages of one leg are known, and which headers in them are for its provider's eyes alone. */
export interface SignalledLeg {
  readonly sipCallId: string
  /** Our tag in its dialog: towards a caller, that of what it was last told. */
  readonly localTag: string
  /** The INVITE by which it came, `branch` that of its topmost Via; undefined: we call. */
  readonly came: { readonly fromTag: string | undefined; readonly branch: string | undefined } | undefined
  /** Names in lower case. */
  readonly secretHeaders: readonly string[]
}

/** Every leg which a call has had so far, the caller’s first; one which came by a transfer, too. */
export function signalledLegs({ caller, branches, joined }: Call): SignalledLeg[] {
  const legs = new Set<Leg>([caller, ...branches, ...(joined.caller ? [joined.caller] : [])])
  if (joined.callee) legs.add(joined.callee)
  return [...legs].map(signalledLeg)
}

function signalledLeg(leg: Leg): SignalledLeg {
  const { localTag } = leg
  const rest = { localTag, secretHeaders: secretHeaders(leg) }
  if (leg.kind === 'uac') return { sipCallId: leg.callId, came: undefined, ...rest }
  const { callId, from, via } = leg.invite
  return { sipCallId: callId, came: { fromTag: from.tag, branch: via.branch }, ...rest }
}

/** Names in lower case. What a provider is sent by its setting may be a password of its customer's, or of the platform's. */
export function secretHeaders(leg: Leg): string[] {
  if (!isBranch(leg)) return []
  return (leg.provider?.headers ?? []).map(([name]) => name.toLowerCase())
}

function isBranch(leg: Leg): leg is Branch {
  return 'provider' in leg
}
