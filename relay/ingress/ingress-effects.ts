import type { CallsEvent } from '../call/call-orders.ts'
import type { EffectBuffer } from '../ground/effect-buffer.ts'
import type { Effect } from '../ground/effects.ts'
import type { TransactionOutput } from '../transaction/layer.ts'

/** What the parts of this room order, and what the rooms below had to say to them. */
export type IngressOutput = Effect | TransactionOutput | CallsEvent

/** The effects of one turn of this room, whichever of its parts has it. */
export type IngressEffects = EffectBuffer<TransactionOutput | CallsEvent>
