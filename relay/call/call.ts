import type { Machine, Table, Turn } from '../ground/machine.ts'
import { lacksDescriptors, type MediaReport } from '../ground/media.ts'
import type { Station } from '../ua/endpoint.ts'
import {
  acknowledge,
  byeAgain,
  callerAcked,
  forgetCaller,
  giveUpOnAck,
  hangUp,
  repeatAnswer,
  sayGoodbye,
} from './answered.ts'
import { cause } from './cause.ts'
import { passAck, repeatPassed, unacknowledgedPassed } from './change.ts'
import { branchProgressed } from './early.ts'
import { end, endedBySystem, letGo, refuse, spokeLate, stopped } from './ending.ts'
import { nobodyRings } from './fruitless.ts'
import {
  answerTimeout,
  begin,
  branchAnswered,
  branchFailed,
  branchLocated,
  callerCancelled,
  cooling,
  noProgress,
  noResponse,
  opened,
  soundless,
} from './hunt.ts'
import { cancelPassed, passAnswer, passedLate, passRequest } from './midcall.ts'
import { refuseRequest } from './pending.ts'
import { aimAgain } from './sound.ts'
import type { Call, Events, Order, State } from './state.ts'

/*
 * A call, from the caller's INVITE to the last BYE.
 *
 *   routing ──decided──► opening ──sockets──► hunting ──success──► answered ──bye──► ended
 *      │                    │                    │                                     ▲
 *      └──── reject ────────┴──── no sockets ────┴──── nobody left, cancel, timers ────┘
 *
 * It protects the two parties from each other's races: a CANCEL crossing a 200, a late answer of a
 * provider given up (RFC 3261 §9.1, RFC 5407 §3), a BYE before the ACK.
 */

export type CallMachine = Machine<State, CallMemory>

export interface CallMemory {
  readonly call: Call
  readonly station: Station
}

const stay = (...effects: Order[]): Turn<State, Order> => ({ effects })

/** Whatever the state: a branch that is no longer wanted must not stay on the line. */
const unwanted = {
  provisional: ({ branch }: Events['provisional']): Turn<State, Order> => {
    if (branch.heard === 'nothing') branch.heard = 'trying'
    return stay(...letGo(branch))
  },
  success: ({ branch, response }: Events['success'], { call, station }: CallMemory): Turn<State, Order> =>
    stay(...sayGoodbye(call, branch, response, station)),
  failure: ({ branch, status, why, response }: Events['failure']): Turn<State, Order> => {
    branch.state = 'over'
    // A 487 only says that our CANCEL was heard.
    if (!branch.cancelled && status !== 0) spokeLate(branch, status, why)
    return stay(...cooling(branch, response))
  },
}

export const table: Table<State, Events, CallMemory, Order> = {
  routing: {
    decided: ({ decision, contacts, ports }, { call, station }) =>
      decision.kind === 'reject'
        ? refuse(call, decision, station)
        : begin(call, decision, contacts, ports, station),
    undecided: ({ why }, { call, station }) => undecided(call, why, station),
    cancel: (farewell, { call, station }) => callerCancelled(call, farewell, station),
    bye: (farewell, { call, station }) => callerCancelled(call, farewell, station),
    stop: (_, { call, station }) => endedBySystem(call, station),
  },

  opening: {
    media: ({ report }, { call, station }) => {
      if (report.type === 'opened') return opened(call, station)
      return report.type === 'failed' ? soundless(call, noSound(report), station) : stay()
    },
    search: (_, { call, station }) => soundless(call, 'the media thread is late', station),
    cancel: (farewell, { call, station }) => callerCancelled(call, farewell, station),
    bye: (farewell, { call, station }) => callerCancelled(call, farewell, station),
    stop: (_, { call, station }) => endedBySystem(call, station),
  },

  hunting: {
    located: ({ branch, located }, { call, station }) => branchLocated(call, branch, located, station),
    resolved: ({ side, host }, { call, station }) => stay(...aimAgain(call, side, host, station)),
    provisional: (event, { call, station }) =>
      event.branch.state === 'calling'
        ? stay(...branchProgressed(call, event.branch, event.response, station))
        : unwanted.provisional(event),
    success: ({ branch, response }, { call, station }) =>
      branch.state === 'calling'
        ? branchAnswered(call, branch, response, station)
        : stay(...sayGoodbye(call, branch, response, station)),
    failure: (event, { call, station }) =>
      event.branch.state === 'calling' ? branchFailed(call, event, station) : unwanted.failure(event),
    silence: ({ branch }, { call, station }) => noResponse(call, branch, station),
    progress: ({ branch }, { call, station }) => noProgress(call, branch, station),
    ring: ({ branch }, { call, station }) => answerTimeout(call, branch, station),
    search: (_, { call, station }) => nobodyRings(call, station),
    cancel: (farewell, { call, station }) => callerCancelled(call, farewell, station),
    /** A caller may end an early dialog by BYE (RFC 3261 §15). */
    bye: (farewell, { call, station }) => callerCancelled(call, farewell, station),
    byeAnswered: (event, { call, station }) => stay(...byeAgain(call, event, station)),
    stop: (_, { call, station }) => endedBySystem(call, station),
  },

  answered: {
    ...unwanted,
    success: ({ branch, response }, { call, station }) =>
      branch === call.callee && branch.dialog?.remoteTag === (response.to.tag ?? '')
        ? stay(...acknowledge(call, branch, response, station))
        : stay(...sayGoodbye(call, branch, response, station)),
    acked: ({ request }, { call, station }) => callerAcked(call, request, station),
    repeat: (_, { call }) => stay(...repeatAnswer(call)),
    unacknowledged: (_, { call, station }) => giveUpOnAck(call, station),
    bye: ({ side, reason }, { call, station }) => hangUp(call, side, { reason }, station),
    /** The first INVITE is answered: what is cancelled now is a re-INVITE, or nothing (§9.2). */
    cancel: ({ side, transaction, reason }, { call }) =>
      call.pending[side]?.asked.transaction === transaction
        ? stay(...cancelPassed(call, side, { reason }))
        : stay(),
    request: (event, { call, station }) => stay(...passRequest(call, event, station)),
    resolved: ({ side, host }, { call, station }) => stay(...aimAgain(call, side, host, station)),
    passed: (event, { call, station }) => passAnswer(call, event, station),
    passedAck: ({ side, request }, { call, station }) => passAck(call, side, request, station),
    repeatPending: ({ side }, { call }) => stay(...repeatPassed(call, side)),
    unacknowledgedPending: ({ side }, { call, station }) => unacknowledgedPassed(call, side, station),
    stalledPending: ({ side }, { call }) =>
      stay(...cancelPassed(call, side, { reason: 'SIP;cause=408;text="no answer"' })),
    byeAnswered: (event, { call, station }) => stay(...byeAgain(call, event, station)),
    media: ({ report }, { call, station }) => soundChanged(call, report, station),
    stop: (_, { call, station }) =>
      hangUp(call, 'both', { reason: 'SIP;cause=503;text="going down"' }, station, {
        reason: 'normal',
        because: stopped.because,
      }),
  },

  ended: {
    ...unwanted,
    acked: ({ request }, { call, station }) => callerAcked(call, request, station),
    repeat: (_, { call }) => stay(...repeatAnswer(call)),
    unacknowledged: (_, { call, station }) => giveUpOnAck(call, station),
    /** The host its offer names was looked up meanwhile (RFC 3261 §15.1.2). */
    request: (event) => stay(refuseRequest(event, 487)),
    /** It crossed ours: a caller who left waits for no 2xx and no BYE any more. */
    bye: ({ side }, { call }) => stay(...(side === 'caller' ? forgetCaller(call) : [])),
    passed: (event, { call, station }) => stay(...passedLate(call, event, station)),
    byeAnswered: (event, { call, station }) => stay(...byeAgain(call, event, station)),
  },
}

/** Both silent for too long: nobody hears anybody. */
function soundChanged(call: Call, report: MediaReport, station: Station): Turn<State, Order> {
  if (report.type !== 'silent' || report.side !== 'both') return stay()
  const because = cause('MEDIA_TIMEOUT', `Neither side was heard for ${Math.round(report.ms / 1000)} s.`)
  const end = { reason: 'media_timeout', because } as const
  return hangUp(call, 'both', { reason: 'SIP;cause=200;text="no media"' }, station, end)
}

/** Nobody could say where it goes. */
function undecided(call: Call, why: string, station: Station): Turn<State, Order> {
  const because = cause('NOT_DECIDED', `The edge did not say where the call goes: ${why}.`)
  const ending = { by: 'system', reason: 'failed', status: 503, why, because } as const
  return end(call, station, ending, [['retry-after', '5']])
}

/** Why sockets could not be had, in a caller's words. */
function noSound({ why }: Extract<MediaReport, { type: 'failed' }>): string {
  return lacksDescriptors(why) ? 'no descriptor left for the sound' : 'no media port'
}
