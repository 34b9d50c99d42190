import type { Tell } from '#contract'

/** What a tell is about, and what becomes of it as it waits. */
export interface Matter {
  /** The call or binding it speaks of. */
  readonly subject: string
  /** The call, as a subject, without which it says little: an event's, or that of messages. */
  readonly of?: string | undefined
  /** Whose call it is. */
  readonly customer?: string | undefined
  /** A newer tell of the same subject makes this one needless. */
  readonly passing: boolean
  /** It makes older ones of its subject needless, whatever they are: a call's whole record, with its decision. */
  readonly whole: boolean
  /** What is given up when there is no room: refreshes first, other bindings then, calls never. */
  readonly worth: 0 | 1 | 2
  /** A newer one is to be expected soon: it goes with no other before its own time. */
  readonly unsettled: boolean
  /** What it says stands on the disk beside the spool, out of which it is told after a restart (`Registrar.restore`). */
  readonly implied: boolean
}

/**
 * What a tell is about; undefined where its kind or its subject is not one this version knows. `isDecided`: a call's decision
 * stands in its text, whatever the tell itself says.
 */
export function matterOf(
  tell: Tell,
  isDecided = tell.kind === 'call' && tell.call.decision !== null,
): Matter | undefined {
  switch (tell.kind) {
    case 'call': {
      const [passing, unsettled] = [!isDecided, tell.call.status !== 'hangup']
      const { call_id, customer_id: customer } = tell.call
      return about('call', call_id, { customer, passing, whole: !passing, worth: 2, unsettled })
    }
    case 'relay':
      return about('relay', '', { passing: true, worth: 2 })
    // Each has all of the one before it.
    case 'messages':
      return about('messages', tell.call_id, { of: callSubject(tell.call_id), passing: true, worth: 0 })
    case 'event': {
      const { call_id, subject_id } = tell.data ?? {}
      const of = callSubject(String(call_id ?? subject_id))
      return about('event', tell.tell_id, { of, passing: false, worth: 2 })
    }
    case 'binding': {
      const { event, moved_from, binding } = tell
      return event === 'refreshed'
        ? about('binding', binding.binding_id, { passing: true, worth: 0, implied: moved_from === null })
        : about('binding', binding.binding_id, { passing: false, worth: 1 })
    }
    default:
      return undefined
  }
}

function about(
  what: string,
  id: unknown,
  {
    of,
    customer,
    passing,
    whole = false,
    worth,
    unsettled = false,
    implied = false,
  }: Pick<Matter, 'passing' | 'worth'> & Partial<Matter>,
): Matter | undefined {
  if (typeof id !== 'string') return undefined
  // A binding's own, which is as it is for as long as that lasts: to hash a text anew for each refresh takes a microsecond.
  const subject = what === 'binding' ? id : `${what} ${id}`
  return { subject, of, customer, passing, whole, worth, unsettled, implied }
}

/** A call, as a tell of it names it. */
export function callSubject(callId: string): string {
  return `call ${callId}`
}
