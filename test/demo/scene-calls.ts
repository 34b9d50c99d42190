import type { Call } from '../support/call.ts'
import type { CallRecord } from '../support/customer.ts'
import type { SipText } from '../support/sip-text.ts'
import { within } from '../support/wait.ts'

/** Until it is answered; throws by another word. */
export async function answered(who: string, result: Promise<SipText>): Promise<void> {
  const { start } = await within(15_000, `${who} to answer`, result)
  if (!start.startsWith('SIP/2.0 200'))
    throw new Error(`${who} never answered: the caller heard ${start.slice(8)}`)
}

/** The call which reached it last. */
export function last(party: { name: string; calls: Call[] }): Call {
  const call = party.calls.at(-1)
  if (call === undefined) throw new Error(`no call reached ${party.name}`)
  return call
}

/** Whether each heard the other's letter. */
export function bothHeard(caller: Call, calleeLetter: string, callee: Call, callerLetter: string): boolean {
  return (caller.sound?.heardOf(calleeLetter) ?? 0) >= 10 && (callee.sound?.heardOf(callerLetter) ?? 0) >= 10
}

/** A call's record, under the request which gives it. */
export function shown(record: CallRecord): [string, CallRecord] {
  return [`GET /v1.0/calls/${record.id}`, record]
}
