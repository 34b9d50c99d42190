import { dialogKey, dialogKeyOf } from '../dialog/dialog.ts'
import type { Deadline } from '../ground/deadlines.ts'
import { type Flow, sameFlow } from '../ground/flow.ts'
import type { SessionId } from '../ground/media.ts'
import type { Leg } from '../leg/leg.ts'
import type { LegOwner } from '../leg/leg-requests.ts'
import type { Request } from '../sip/message.ts'
import type { Replaces } from '../sip/refer-to.ts'
import type { CallMachine } from './call.ts'
import type { CallTimer } from './call-step.ts'
import { joinedLegs } from './sides.ts'
import type { Branch, Call, Hunt } from './state.ts'

/** A call on the board. */
export interface ActiveCall extends LegOwner {
  /** By what requests find it: the Call-IDs of its branches, and the dialogs of all its legs, which have line feeds. */
  names: readonly string[]
  readonly machine: CallMachine
  readonly call: Call
  /** Those which run, each kind once for each of whom they are. */
  timers: readonly Deadline<CallTimerDue>[]
  /** The media thread said its last word, or there never was any. */
  mediaClosed: boolean
  /** How often its ports were refused. */
  portRefusals: number
  /** The record was told with everything in it. */
  finalTold: boolean
  /** The log has its end. */
  endLogged: boolean
}

/** Whose a timer is; undefined: the call's own. */
export type TimerSubject = Leg | Hunt | undefined

/** A timer of a call which has rung. */
export interface CallTimerDue {
  readonly active: ActiveCall
  readonly timer: CallTimer
}

/** What of a dialog tells it from others. */
type DialogName = Parameters<typeof dialogKey>[0]

/** A leg of a call, as a request inside a dialog finds it. */
export interface LegFound {
  readonly active: ActiveCall
  readonly leg: Leg
}

/** A branch of a call. */
interface BranchFound {
  readonly active: ActiveCall
  readonly leg: Branch
}

/** All calls, and how a request, response or report finds its own. */
export class CallIndex {
  readonly #bySession = new Map<number, ActiveCall>()
  readonly #byDialog = new Map<string, LegFound>()
  readonly #byServer = new Map<number, LegFound>()
  /** Branches whose INVITE was sent, by its Call-ID. */
  readonly #byCallId = new Map<string, BranchFound>()

  /** Legs which requests can be for, of calls which are over too; an early dialog is one. */
  get legs(): number {
    return this.#byDialog.size
  }

  /** Calls not yet over. */
  get active(): number {
    let count = 0
    for (const { machine } of this.#bySession.values()) if (machine.state !== 'ended') count++
    return count
  }

  all(): ActiveCall[] {
    return [...this.#bySession.values()]
  }

  add(active: ActiveCall): void {
    const { call } = active
    this.#bySession.set(call.session, active)
    this.#byServer.set(call.caller.transaction, { active, leg: call.caller })
    this.addDialog(active, call.caller, callerDialog(call))
  }

  /** The media thread knows its sound by another number from now on. */
  renamed(active: ActiveCall, session: SessionId): void {
    this.#bySession.delete(active.call.session)
    active.call.session = session
    this.#bySession.set(session, active)
  }

  remove(active: ActiveCall): void {
    const { call } = active
    this.#bySession.delete(call.session)
    this.#byServer.delete(call.caller.transaction)
    for (const name of active.names) {
      this.#forget(active, name)
      this.#byCallId.delete(name)
    }
  }

  /** A leg which speaks in another call by now is that one's. */
  #forget(active: ActiveCall, key: string): void {
    if (this.#byDialog.get(key)?.active === active) this.#byDialog.delete(key)
  }

  has({ call }: ActiveCall): boolean {
    return this.#bySession.has(call.session)
  }

  /** The call of that id; undefined: there is none, or it is settled. */
  named(callId: string): ActiveCall | undefined {
    for (const active of this.#bySession.values()) if (active.call.id === callId) return active
    return undefined
  }

  session(id: number): ActiveCall | undefined {
    return this.#bySession.get(id)
  }

  /** The leg whose INVITE came in by this server transaction: the caller's first one, or one passed on. */
  server(transaction: number): LegFound | undefined {
    return this.#byServer.get(transaction)
  }

  addServer(active: ActiveCall, leg: Leg, transaction: number): void {
    this.#byServer.set(transaction, { active, leg })
  }

  removeServer(transaction: number): void {
    this.#byServer.delete(transaction)
  }

  addDialog(active: ActiveCall, leg: Leg, dialog: DialogName): void {
    const key = dialogKey(dialog)
    addName(active, key)
    this.#byDialog.set(key, { active, leg })
  }

  /** The leg an in-dialog request belongs to. */
  leg(request: Request): LegFound | undefined {
    const key = dialogKeyOf(request)
    const found = key === undefined ? undefined : this.#byDialog.get(key)
    // A call which is over only waits for ACK and BYE; anything else comes too late (RFC 5407 §3.2.2).
    const over =
      found?.active.machine.state === 'ended' && request.method !== 'ACK' && request.method !== 'BYE'
    return over || (found && isLeft(found, request)) ? undefined : found
  }

  /** The leg whose dialog a Replaces names (RFC 3891 §3), of a call which is not over. */
  replaced({ callId, toTag, fromTag }: Replaces): LegFound | undefined {
    const found = this.#byDialog.get(dialogKey({ callId, localTag: toTag, remoteTag: fromTag }))
    return found?.active.machine.state === 'ended' ? undefined : found
  }

  addBranch(active: ActiveCall, branch: Branch): void {
    addName(active, branch.callId)
    this.#byCallId.set(branch.callId, { active, leg: branch })
  }

  /** The branch whose INVITE was sent under this Call-ID. */
  branch(callId: string): Branch | undefined {
    return this.#byCallId.get(callId)?.leg
  }

  /** The branch which a request of its callee means before it has answered: their dialog is early still. */
  early({ callId, to }: Request, { address }: Flow): BranchFound | undefined {
    const found = this.#byCallId.get(callId)
    const branch = found?.leg
    const asked = branch?.state === 'calling' && branch.heard === 'ringing' && branch.localTag === to.tag
    return asked && branch.flow?.address === address ? found : undefined
  }

  /**
   * Whether an INVITE of ours comes back with the Request-URI we gave it: a loop. With another one it has only
   * passed a proxy and is a call like any other, a spiral; of those Max-Forwards sees the end (RFC 3261 §16.3).
   */
  loops({ callId, from, requestUri }: Request): boolean {
    if (this.#byCallId.size === 0) return false
    const branch = this.#byCallId.get(callId)?.leg
    return branch?.localTag === from.tag && branch?.invite?.requestUri === requestUri
  }

  /** Whether a call under way is signalled over this connection: one its party made, or we. */
  needs(connection: Flow): boolean {
    for (const { call } of this.#bySession.values()) {
      if (joinedLegs(call).some(({ flow }) => flow !== undefined && sameFlow(flow, connection))) return true
    }
    return false
  }
}

function addName(active: ActiveCall, name: string): void {
  if (!active.names.includes(name)) active.names = active.names.concat(name)
}

/** The dialog which a caller may ask in before it was told anything. */
function callerDialog({ caller: { invite, localTag } }: Call): DialogName {
  return { callId: invite.callId, localTag, remoteTag: invite.from.tag ?? '' }
}

/**
 * An early dialog with the caller which another one has followed, or has answered. Until one has, the caller may ask
 * in each, but end the call only in the last.
 */
function isLeft({ active, leg }: LegFound, { to, method }: Request): boolean {
  const followed = leg.kind === 'uas' && to.tag !== leg.localTag
  return followed && (method === 'BYE' || active.machine.state === 'answered')
}
