import type { FlowOrder } from '#flows'
import type { CallOrder } from './call-step.ts'
import type { RecordingChange } from './recording-wish.ts'
import type { FlowCall } from './state.ts'

/** What a flow orders of recordings. */
type RecordOrder = Extract<FlowOrder, { type: 'record' | 'stop-record' | 'pause-record' | 'resume-record' }>

/** Records what is said, by both parties, or by who is with the flow alone where it leaves a message. */
export function recording({ side }: FlowCall, order: RecordOrder): CallOrder[] {
  if (order.type !== 'record') return [{ type: 'changeRecording', change: changes[order.type] }]
  const { recording: id, channels, maxMs, silenceMs, mailbox } = order
  const ends = { id, channels, maxMs, silenceMs }
  const wish =
    mailbox === undefined
      ? ({ kind: 'call', side: 'both', ...ends } as const)
      : ({ kind: 'voicemail', side, ...ends, mailbox } as const)
  return [{ type: 'record', wish }]
}

const changes = {
  'stop-record': 'stop',
  'pause-record': 'pause',
  'resume-record': 'resume',
} as const satisfies Record<Exclude<RecordOrder['type'], 'record'>, RecordingChange>
