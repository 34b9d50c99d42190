import type { FlowOrder } from '#flows'
import type { Call, CallOrder } from './state.ts'

/** What a flow orders of recordings. */
type RecordOrder = Extract<FlowOrder, { type: 'record' | 'stop-record' | 'pause-record' | 'resume-record' }>

/** Writes what is said, of both parties, or of the caller alone where it leaves a message. */
export function recording({ session }: Call, order: RecordOrder): CallOrder[] {
  const { recording: id } = order
  if (order.type !== 'record')
    return [{ type: 'media', command: { type: changes[order.type], session, recording: id } }]
  const { channels, maxMs, silenceMs, mailbox } = order
  const side = mailbox === undefined ? 'both' : 'caller'
  const path = `${id}.wav`
  const ends = { maxMs, ...(silenceMs !== undefined && { silenceMs }) }
  return [
    { type: 'media', command: { type: 'record', session, side, recording: id, path, channels, ...ends } },
  ]
}

const changes = {
  'stop-record': 'record-stop',
  'pause-record': 'record-pause',
  'resume-record': 'record-resume',
} as const
