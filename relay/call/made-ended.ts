import type { SipEndpoint } from '../ua/endpoint.ts'
import { hangUp } from './answered.ts'
import type { CallStep } from './call-step.ts'
import { reasonFor } from './ending.ts'
import type { Call, FlowCall } from './state.ts'

/** With whom it was to be joined did not answer: who was called first is hung up, and hears why. undefined: it is no such call. */
export function joinFailed(call: Call, { last }: FlowCall, endpoint: SipEndpoint): CallStep | undefined {
  if (!last || !waitsForOther(call)) return undefined
  call.record.sipStatus = last.status
  const { by, reason, because } = last
  return hangUp(call, 'system', { reason: reasonFor(last) }, endpoint, { by, reason, because })
}

/** Whether who was called first is up, and waits for the one with whom it is to be joined. */
export function waitsForOther({ made, record }: Call): boolean {
  return made?.run.kind === 'join' && made.party !== undefined && record.answeredAt === undefined
}
