import type { Machine, Table, Turn } from '../ground/machine.ts'
import { lacksDescriptors, type MediaReport } from '../ground/media.ts'
import { acknowledge } from '../leg/ack.ts'
import { byeAgain } from '../leg/bye.ts'
import { prackAnswered } from '../leg/prack.ts'
import { repeatProvisional } from '../leg/reliable.ts'
import { reofferAnswered } from '../leg/reoffer.ts'
import { forgetAnswer, repeatAnswer } from '../leg/uas.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { giveUpOnAck, legAcked } from './answered.ts'
import { goingDown, mediaReported } from './answered-unasked.ts'
import { branchSucceeded } from './branch-answered.ts'
import type { CallEvents } from './call-events.ts'
import type { CallOrder, CallState } from './call-step.ts'
import { leadThrough } from './detour.ts'
import { keyAnswered, keyReported } from './digits.ts'
import { askedEarly, earlyUpdateAnswered } from './early-update.ts'
import { abandon, endedBySystem, hangUpLate, spokeLate } from './ending.ts'
import { connectOver, flowHappened, flowHeard, soundFound, stayedTooLong } from './flow.ts'
import { flowReached } from './flow-reached.ts'
import { flowAcked, flowAsked, flowCancelled, flowLeft } from './flow-requests.ts'
import { foundBefore, foundElsewhere } from './found-elsewhere.ts'
import { hungUp } from './hung-up.ts'
import {
  answerTimeout,
  branchFailed,
  branchLocated,
  callerCancelled,
  cooling,
  noProgress,
  noResponse,
  searchTimeout,
} from './hunt.ts'
import { delayOver } from './hunts.ts'
import { cancelPassed, passAnswer, passedLate, passRequest } from './in-dialog.ts'
import { aimAgain } from './offer-answer.ts'
import { decided, mediaFailed, opened, undecided } from './opening.ts'
import { refuseRequest } from './pending-reinvite.ts'
import { callerPracked, neverPracked } from './pracked.ts'
import { branchProgressed } from './provisional.ts'
import { referAsked } from './refer.ts'
import { passAck, repeatPassed, unacknowledgedPassed } from './reinvite.ts'
import { sentOn } from './sent-on.ts'
import { refreshed, refreshedLate, refreshStalled, sessionDue } from './session-refresh.ts'
import { isAnswered, joinedLegs } from './sides.ts'
import type { Call } from './state.ts'
import { takePlace } from './take-place.ts'
import {
  partyJoined,
  partyReturned,
  partyTaken,
  transferBegun,
  transferOrdered,
  transferOver,
  transferorLeft,
  transferProgressed,
} from './transfer.ts'
import {
  offerAgain,
  offerAnswered,
  offerStalled,
  partyAdopted,
  partyGone,
  partyReplaces,
  transferOff,
} from './transferred-call.ts'

/*
 * A call, from the caller's INVITE to the last BYE.
 *
 *   routing ──decided──► opening ──sockets──► hunting ──success──► answered ─────bye────► ended
 *      │└─decided, sockets──┼────────────────────►│                  │    ▲                  ▲ ▲
 *      └──── reject ────────┴──── no sockets ────┴─── none left, cancel, timers ────────────┘ │
 *                                                        taken │    │ returned                │
 *                                                              transferred ────────bye────────┘
 *
 * One which follows a flow stands in `flow` while it is with that, answered or not, and in `answered` while it speaks with
 * a callee:
 *
 *   routing ──decided──► opening ──sockets──► flow ──success──► answered
 *                                            ▲ │ ▲                  │
 *                      hunting ──none left───┘ │ └── callee leaves ─┘
 *                                     ended ◄──┘
 *
 * A party which is transferred to one is answered first: it takes our sound, and then is in `flow`.
 *
 * It protects the two parties from each other's races: a CANCEL crossing a 200, a late answer of a
 * provider given up (RFC 3261 §9.1, RFC 5407 §3), a BYE before the ACK.
 */

/** A call under way: its state and what it remembers. */
export type CallMachine = Machine<CallState, CallMemory>

interface CallMemory {
  readonly call: Call
  readonly endpoint: SipEndpoint
}

const stay = (...effects: CallOrder[]): Turn<CallState, CallOrder> => ({ effects })

/** Whatever the state: a branch that is no longer wanted must not stay on the line. */
const unwanted = {
  provisional: ({ branch }: CallEvents['provisional']): Turn<CallState, CallOrder> => {
    if (branch.heard === 'nothing') branch.heard = 'trying'
    return stay(...abandon(branch))
  },
  success: (
    { branch, response }: CallEvents['success'],
    { endpoint }: CallMemory,
  ): Turn<CallState, CallOrder> => stay(...hangUpLate(branch, response, endpoint)),
  failure: ({ branch, status, why, response }: CallEvents['failure']): Turn<CallState, CallOrder> => {
    branch.state = 'over'
    // A 487 only says that our CANCEL was heard.
    if (!branch.cancelled && status !== 0) spokeLate(branch, status, why)
    return stay(...cooling(branch, response))
  },
}

/** A call which a transfer leads to, before it is answered. */
const awaited = {
  partyAdopted: (_: undefined, { call }: CallMemory): Turn<CallState, CallOrder> =>
    stay(...partyAdopted(call)),
  transferOff: (_: undefined, { call, endpoint }: CallMemory): Turn<CallState, CallOrder> =>
    callerCancelled(call, { reason: undefined }, endpoint),
}

/** The call's figure (relay/call/README.md). */
export const table: Table<CallState, CallEvents, CallMemory, CallOrder> = {
  routing: {
    decided: (event, { call, endpoint }) => decided(call, event, endpoint),
    undecided: ({ why }, { call, endpoint }) => undecided(call, why, endpoint),
    cancel: (given, { call, endpoint }) => callerCancelled(call, given, endpoint),
    bye: (given, { call, endpoint }) => callerCancelled(call, given, endpoint),
    stop: (_, { call, endpoint }) => endedBySystem(call, endpoint),
    hungUp: (why, { call, endpoint }) => hungUp(call, why, endpoint),
    ...awaited,
  },

  opening: {
    media: ({ report }, { call, endpoint }) => {
      if (report.type === 'opened') return opened(call, report.ports, endpoint)
      return report.type === 'failed' ? mediaFailed(call, noMedia(report), endpoint) : stay()
    },
    found: ({ hunt, reachable }) => stay(...foundBefore(hunt, reachable)),
    search: (_, { call, endpoint }) => mediaFailed(call, 'the media thread is late', endpoint),
    cancel: (given, { call, endpoint }) => callerCancelled(call, given, endpoint),
    bye: (given, { call, endpoint }) => callerCancelled(call, given, endpoint),
    stop: (_, { call, endpoint }) => endedBySystem(call, endpoint),
    hungUp: (why, { call, endpoint }) => hungUp(call, why, endpoint),
    ...awaited,
  },

  hunting: {
    located: ({ branch, located }, { call, endpoint }) => branchLocated(call, branch, located, endpoint),
    resolved: (event, { call, endpoint }) => stay(...aimAgain(call, event, endpoint)),
    provisional: (event, { call, endpoint }) =>
      event.branch.state === 'calling'
        ? stay(...branchProgressed(call, event.branch, event.response, endpoint))
        : unwanted.provisional(event),
    success: (event, { call, endpoint }) => branchSucceeded(call, event, endpoint),
    prack: (event, { call, endpoint }) => callerPracked(call, event, endpoint),
    prackAnswered: (event, { endpoint }) => stay(...prackAnswered(event, endpoint)),
    /** What comes inside a dialog before the answer: an UPDATE, or a key. */
    request: (event, { call, endpoint }) => stay(...askedEarly(call, event, endpoint)),
    earlyUpdateAnswered: (event, { call, endpoint }) => stay(...earlyUpdateAnswered(call, event, endpoint)),
    repeatProvisional: ({ leg }) => stay(...repeatProvisional(leg)),
    provisionalUnacknowledged: (_, { call, endpoint }) => neverPracked(call, endpoint),
    failure: (event, { call, endpoint }) =>
      event.branch.state === 'calling' ? branchFailed(call, event, endpoint) : unwanted.failure(event),
    silence: ({ branch }, { call, endpoint }) => noResponse(call, branch, endpoint),
    progress: ({ branch }, { call, endpoint }) => noProgress(call, branch, endpoint),
    ring: ({ branch }, { call, endpoint }) => answerTimeout(call, branch, endpoint),
    search: ({ hunt }, { call, endpoint }) => (hunt ? searchTimeout(call, hunt, endpoint) : stay()),
    delay: ({ hunt }) => stay(...delayOver(hunt)),
    sentOn: (event, { call, endpoint }) => sentOn(call, event, endpoint),
    found: (event, { call, endpoint }) => foundElsewhere(call, event, endpoint),
    flowReached: (event, { call, endpoint }) => flowReached(call, event, endpoint),
    cancel: (given, { call, endpoint }) => callerCancelled(call, given, endpoint),
    /** Who is heard before the answer may ask for keys. */
    media: ({ report }, { call, endpoint }) =>
      report.type === 'digit' ? stay(...keyReported(call, report, endpoint)) : stay(),
    keyAnswered: (event, { call, endpoint }) => stay(...keyAnswered(call, event, endpoint)),
    /** A caller may end an early dialog by BYE (RFC 3261 §15). */
    bye: (given, { call, endpoint }) => callerCancelled(call, given, endpoint),
    byeAnswered: (event, { endpoint }) => stay(...byeAgain(event, endpoint)),
    stop: (_, { call, endpoint }) => endedBySystem(call, endpoint),
    hungUp: (why, { call, endpoint }) => hungUp(call, why, endpoint),
    ...awaited,
  },

  /** The caller is with its flow, answered or not; others may be looked for on its behalf. */
  flow: {
    located: ({ branch, located }, { call, endpoint }) => branchLocated(call, branch, located, endpoint),
    resolved: (event, { call, endpoint }) => stay(...aimAgain(call, event, endpoint)),
    provisional: (event, { call, endpoint }) =>
      event.branch.state === 'calling'
        ? stay(...branchProgressed(call, event.branch, event.response, endpoint))
        : unwanted.provisional(event),
    success: (event, { call, endpoint }) => branchSucceeded(call, event, endpoint),
    failure: (event, { call, endpoint }) =>
      event.branch.state === 'calling' ? branchFailed(call, event, endpoint) : unwanted.failure(event),
    silence: ({ branch }, { call, endpoint }) => noResponse(call, branch, endpoint),
    progress: ({ branch }, { call, endpoint }) => noProgress(call, branch, endpoint),
    ring: ({ branch }, { call, endpoint }) => answerTimeout(call, branch, endpoint),
    search: ({ hunt }, { call, endpoint }) => (hunt ? searchTimeout(call, hunt, endpoint) : stay()),
    delay: ({ hunt }) => stay(...delayOver(hunt)),
    sentOn: (event, { call, endpoint }) => sentOn(call, event, endpoint),
    found: (event, { call, endpoint }) => foundElsewhere(call, event, endpoint),
    connectOver: (event, { call, endpoint }) => connectOver(call, event, endpoint),
    partyAdopted: (_, { call }) => stay(...partyAdopted(call)),
    flowHappened: (event, { call, endpoint }) => flowHappened(call, event, endpoint),
    flow: (_, { call, endpoint }) => flowHappened(call, { type: 'timeout' }, endpoint),
    alone: (_, { call, endpoint }) => stayedTooLong(call, endpoint),
    soundFound: (event, { call, endpoint }) => soundFound(call, event, endpoint),
    media: ({ report }, { call, endpoint }) =>
      (report.type === 'silent' || report.type === 'astray') && isAnswered(call)
        ? mediaReported(call, report, endpoint)
        : flowHeard(call, report, endpoint),
    request: (event, { call, endpoint }) => flowAsked(call, event, endpoint),
    earlyUpdateAnswered: (event, { call, endpoint }) => stay(...earlyUpdateAnswered(call, event, endpoint)),
    prack: (event, { call, endpoint }) => callerPracked(call, event, endpoint),
    prackAnswered: (event, { endpoint }) => stay(...prackAnswered(event, endpoint)),
    repeatProvisional: ({ leg }) => stay(...repeatProvisional(leg)),
    provisionalUnacknowledged: (_, { call, endpoint }) => neverPracked(call, endpoint),
    acked: ({ leg, request }, { call, endpoint }) => flowAcked(call, leg, request, endpoint),
    passedAck: ({ leg, request }, { call, endpoint }) => passAck(call, leg, request, endpoint),
    passed: (event, { call, endpoint }) => stay(...passedLate(call, event, endpoint)),
    detour: ({ leg }, { call, endpoint }) => stay(...leadThrough(call, leg, endpoint)),
    reoffer: ({ leg }, { call, endpoint }) => stay(...offerAgain(call, leg, endpoint)),
    stalledOffer: (event, { call, endpoint }) => offerStalled(call, event, endpoint),
    reoffered: (event, { call, endpoint }) => offerAnswered(call, event, endpoint),
    repeat: ({ leg }) => stay(...repeatAnswer(leg)),
    unacknowledged: ({ leg }, { call, endpoint }) => giveUpOnAck(call, leg, endpoint),
    repeatPending: ({ leg }) => stay(...repeatPassed(leg)),
    unacknowledgedPending: ({ leg }, { call, endpoint }) => unacknowledgedPassed(call, leg, endpoint),
    session: ({ leg }, { call, endpoint }) =>
      joinedLegs(call).includes(leg) ? sessionDue(call, leg, endpoint) : stay(),
    refreshed: (event, { call, endpoint }) =>
      joinedLegs(call).includes(event.leg)
        ? refreshed(call, event, endpoint)
        : stay(...refreshedLate(event, endpoint)),
    stalledRefresh: ({ leg }) => stay(...refreshStalled(leg)),
    keyAnswered: (event, { call, endpoint }) => stay(...keyAnswered(call, event, endpoint)),
    byeAnswered: (event, { endpoint }) => stay(...byeAgain(event, endpoint)),
    cancel: (given, { call, endpoint }) => flowCancelled(call, given, endpoint),
    bye: (given, { call, endpoint }) => flowLeft(call, given, endpoint),
    stop: (_, { call, endpoint }) =>
      isAnswered(call) ? goingDown(call, endpoint) : endedBySystem(call, endpoint),
    hungUp: (why, { call, endpoint }) => hungUp(call, why, endpoint),
  },

  answered: {
    ...unwanted,
    flowHappened: (event, { call, endpoint }) => flowHappened(call, event, endpoint),
    flow: (_, { call, endpoint }) => flowHappened(call, { type: 'timeout' }, endpoint),
    success: ({ branch, response }, { call, endpoint }) =>
      joinedLegs(call).includes(branch) && branch.dialog?.remoteTag === (response.to.tag ?? '')
        ? stay(...acknowledge(branch, response, endpoint))
        : stay(...hangUpLate(branch, response, endpoint)),
    acked: ({ leg, request }, { call, endpoint }) => legAcked(call, leg, request, endpoint),
    repeat: ({ leg }) => stay(...repeatAnswer(leg)),
    unacknowledged: ({ leg }, { call, endpoint }) => giveUpOnAck(call, leg, endpoint),
    bye: ({ leg, reason }, { call, endpoint }) =>
      leg === call.transfer?.by
        ? transferorLeft(call, call.transfer, endpoint)
        : partyGone(call, leg, { reason }, endpoint),
    /** The first INVITE is answered: what is cancelled now is a re-INVITE, or nothing (§9.2). */
    cancel: ({ leg, transaction, reason }) =>
      leg.pending?.asked.transaction === transaction ? stay(...cancelPassed(leg, { reason })) : stay(),
    request: (event, { call, endpoint }) =>
      event.request.method === 'REFER'
        ? stay(...referAsked(call, event, endpoint))
        : stay(...passRequest(call, event, endpoint)),
    resolved: (event, { call, endpoint }) => stay(...aimAgain(call, event, endpoint)),
    passed: (event, { call, endpoint }) => passAnswer(call, event, endpoint),
    detour: ({ leg }, { call, endpoint }) => stay(...leadThrough(call, leg, endpoint)),
    passedAck: ({ leg, request }, { call, endpoint }) => passAck(call, leg, request, endpoint),
    repeatPending: ({ leg }) => stay(...repeatPassed(leg)),
    unacknowledgedPending: ({ leg }, { call, endpoint }) => unacknowledgedPassed(call, leg, endpoint),
    stalledPending: ({ leg }) => stay(...cancelPassed(leg, { reason: 'SIP;cause=408;text="no answer"' })),
    byeAnswered: (event, { endpoint }) => stay(...byeAgain(event, endpoint)),
    prack: (event, { call, endpoint }) => callerPracked(call, event, endpoint),
    prackAnswered: (event, { endpoint }) => stay(...prackAnswered(event, endpoint)),
    earlyUpdateAnswered: (event, { call, endpoint }) => stay(...earlyUpdateAnswered(call, event, endpoint)),
    session: ({ leg }, { call, endpoint }) => sessionDue(call, leg, endpoint),
    stalledRefresh: ({ leg }) => stay(...refreshStalled(leg)),
    refreshed: (event, { call, endpoint }) => refreshed(call, event, endpoint),
    keyAnswered: (event, { call, endpoint }) => stay(...keyAnswered(call, event, endpoint)),
    transferBegun: (event, { call, endpoint }) => stay(...transferBegun(call, event, endpoint)),
    transferOrdered: (event, { call }) => stay(...transferOrdered(call, event)),
    transferProgressed: ({ status }, { call, endpoint }) =>
      stay(...transferProgressed(call, status, endpoint)),
    partyTaken: (_, { call }) => partyTaken(call),
    partyAdopted: (_, { call }) => stay(...partyAdopted(call)),
    replaced: (event, { call, endpoint }) => stay(...partyReplaces(call, event, endpoint)),
    transferOff: (_, { call, endpoint }) => transferOff(call, endpoint),
    placeTaken: (event, { call, endpoint }) => stay(...takePlace(call, event, endpoint)),
    reoffer: ({ leg }, { call, endpoint }) => stay(...offerAgain(call, leg, endpoint)),
    stalledOffer: (event, { call, endpoint }) => offerStalled(call, event, endpoint),
    reoffered: (event, { call, endpoint }) => offerAnswered(call, event, endpoint),
    media: ({ report }, { call, endpoint }) => mediaReported(call, report, endpoint),
    stop: (_, { call, endpoint }) => goingDown(call, endpoint),
    hungUp: (why, { call, endpoint }) => hungUp(call, why, endpoint),
  },

  /** Its party speaks in another call, or is about to: who sent it there is left, and hangs up. */
  transferred: {
    ...unwanted,
    success: ({ branch, response }, { endpoint }) => stay(...acknowledge(branch, response, endpoint)),
    bye: ({ leg }, { call, endpoint }) =>
      leg === call.transfer?.by ? transferOver(call, true, endpoint) : stay(),
    parting: (_, { call, endpoint }) => transferOver(call, false, endpoint),
    hungUp: (_, { call, endpoint }) => transferOver(call, false, endpoint),
    stop: (_, { call, endpoint }) => transferOver(call, false, endpoint),
    partyJoined: (_, { call, endpoint }) => stay(...partyJoined(call, endpoint)),
    partyReturned: (event, { call, endpoint }) => partyReturned(call, event, endpoint),
    passed: (event, { call, endpoint }) => stay(...passedLate(call, event, endpoint)),
    session: ({ leg }, { call, endpoint }) =>
      leg === call.transfer?.by ? sessionDue(call, leg, endpoint) : stay(),
    stalledRefresh: ({ leg }) => stay(...refreshStalled(leg)),
    refreshed: (event, { call, endpoint }) => refreshed(call, event, endpoint),
    byeAnswered: (event, { endpoint }) => stay(...byeAgain(event, endpoint)),
  },

  ended: {
    ...unwanted,
    reoffered: (event, { endpoint }) => stay(...reofferAnswered(event, endpoint).orders),
    acked: ({ leg, request }, { call, endpoint }) => legAcked(call, leg, request, endpoint),
    repeat: ({ leg }) => stay(...repeatAnswer(leg)),
    unacknowledged: ({ leg }, { call, endpoint }) => giveUpOnAck(call, leg, endpoint),
    /** The host its offer names was looked up meanwhile (RFC 3261 §15.1.2). */
    request: (event) => stay(refuseRequest(event, 487)),
    /** It crossed ours: a caller who left waits for no 2xx and no BYE any more. */
    bye: ({ leg }) => stay(...(leg.kind === 'uas' ? forgetAnswer(leg) : [])),
    passed: (event, { call, endpoint }) => stay(...passedLate(call, event, endpoint)),
    refreshed: (event, { endpoint }) => stay(...refreshedLate(event, endpoint)),
    earlyUpdateAnswered: ({ asked }) => stay(refuseRequest(asked, 487)),
    byeAnswered: (event, { endpoint }) => stay(...byeAgain(event, endpoint)),
  },
}

/** Why sockets could not be had, in a caller's words. */
function noMedia({ why }: Extract<MediaReport, { type: 'failed' }>): string {
  return lacksDescriptors(why) ? 'no descriptor left for the sound' : 'no media port'
}
