import type { RecordingKind } from '#contract'
import type { Side } from '../ground/media.ts'

/** What is to be recorded of a call. */
export interface RecordingWish {
  /** Its id; undefined: a new one. */
  readonly id?: string
  readonly kind: RecordingKind
  readonly side: Side | 'both'
  readonly channels: 1 | 2
  readonly maxMs: number
  /** undefined: silence does not end it. */
  readonly silenceMs?: number | undefined
  /** The extension by name whose mailbox a message is for; '': the customer's. */
  readonly mailbox?: string
  /** A setting makes it, and no order. */
  readonly asSet?: true
}

/** What may become of a recording which goes on. */
export type RecordingChange = 'pause' | 'resume' | 'stop'
