import type { CallTell, Explanation, HangupParty, HangupReason, TransferType, UtcMs } from '#contract'
import type { MediaCounters, Side } from '../ground/media.ts'

/** What the call's record says, besides what the legs say. */
export interface CallRecord {
  sequence: number
  direction: CallTell['call']['direction']
  customerId: string | undefined
  source: CallTell['call']['source']
  destination: CallTell['call']['destination']
  numberId: string | null
  providerId: string | null
  unverified: boolean
  /** It is a call for help. */
  emergency: boolean
  /** null: there is none, or it was told and is needed no more. */
  decision: Explanation | null
  /** The decision as it was told last. */
  toldDecision: Explanation | null
  extensionId: string | null
  trunkId: string | null
  rejectReason: string | null
  rejectMessage: string | null
  /** The call which was transferred into this one, by its id, and how; null: none was. */
  transferredFrom: string | null
  transferType: TransferType | null
  /** The leg which is paid for and came into it by a transfer: at which provider, and whose minutes it costs; null: none did. */
  carried: { readonly providerId: string; readonly payerId: string } | null
  /** Sides which are on hold, or muted, by the API's word. */
  held: readonly Side[]
  muted: readonly Side[]
  ringingAt: UtcMs | undefined
  answeredAt: UtcMs | undefined
  endedAt: UtcMs | undefined
  by: HangupParty | undefined
  reason: HangupReason | undefined
  sipStatus: number | undefined
  /** As it was counted last. */
  media: Record<Side, MediaCounters> | undefined
  /** The media thread has said its last word, or never will. */
  soundOver: boolean
}
