import type { Located, LocateQuestion } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import { none } from '../ground/none.ts'
import { refusesKeys } from '../leg/keying.ts'
import type { GivenReason } from '../leg/leg.ts'
import { mendInvite } from '../leg/uac.ts'
import type { Response } from '../sip/message.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { firstHop } from '../ua/first-hop.ts'
import { callAt, inviteAgain, newBranch, offerOtherwise, relayResponseMs, ringMs } from './branch.ts'
import type { CallEvents, Reachable } from './call-events.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { allFull, nextWithRoom, noCodecLeft, notePassedOver, obstacleTo, roomElsewhere } from './capacity.ts'
import { notRegistered, unanswered } from './cause.ts'
import { abandon, after, concluded, end, letGo, stopTimers, tryEnded } from './ending.ts'
import { exhausted, noneRang, noted, phonesFailed, refusedBy, saidOf } from './failed-hunt.ts'
import { isAstray, redirectionOf } from './handed-on.ts'
import { goesOn, over, redirect, redirectable, ringList } from './hunts.ts'
import { observation } from './observation.ts'
import { peersOf } from './peer.ts'
import { gatewaysOf, redirectionsOf } from './redirection.ts'
import { roundsOf } from './ring-rounds.ts'
import { leavesTls, leavingTls } from './sips.ts'
import type { Branch, Call, CalledPeer, ConnectDecision, Hunt, HuntEnding } from './state.ts'
import { notKeyed, verdict } from './verdict.ts'

/** Addresses for a provider came back, or none did. */
export function branchLocated(call: Call, branch: Branch, located: Located, endpoint: SipEndpoint): CallStep {
  if (branch.state !== 'locating') return { effects: [] }
  const [first, ...rest] = located.flows
  if (!first)
    return branchFailed(
      call,
      { branch, status: 0, why: located.why ?? 'no address found', response: undefined },
      endpoint,
    )
  branch.flows = rest.length > 0 ? rest : none
  return tryAt(call, branch, first, endpoint)
}

/** A branch failed: its next address, the next provider, or the end. */
export function branchFailed(call: Call, failure: CallEvents['failure'], endpoint: SipEndpoint): CallStep {
  const { branch, response } = failure
  if (response && mendInvite(branch, response, endpoint))
    return { effects: inviteAgain(call, branch, endpoint) }
  const otherwise = response && offerOtherwise(call, branch, response, endpoint)
  if (otherwise) return { effects: otherwise }
  branch.state = 'over'
  const effects = [...stopTimers(branch), ...cooling(branch, response)]
  const step = branch.provider
    ? providerFailed(call, failure, endpoint)
    : contactFailed(call, failure, endpoint)
  return { ...step, effects: [...effects, ...step.effects] }
}

/** Timer: nothing came at all. The INVITE stays in the air, and whatever comes late is let go. */
export function noResponse(call: Call, branch: Branch, endpoint: SipEndpoint): CallStep {
  if (branch.contact) return relaySilent(call, branch, endpoint)
  return movedOn(
    call,
    branch,
    endpoint,
    `no response in ${branch.provider?.policy.first_response_ms ?? 0} ms`,
  )
}

/** A relay answers at once: one which does not is gone, and its phones with it. */
function relaySilent(call: Call, branch: Branch, endpoint: SipEndpoint): CallStep {
  const letting = abandon(branch)
  branch.state = 'abandoned'
  const why = `no response in ${relayResponseMs} ms`
  return after(letting, contactFailed(call, { branch, status: 0, why, response: undefined }, endpoint))
}

/** Timer: nothing but 100. */
export function noProgress(call: Call, branch: Branch, endpoint: SipEndpoint): CallStep {
  return movedOn(call, branch, endpoint, `only 100 for ${branch.provider?.policy.progress_ms ?? 0} ms`)
}

/** Timer: it rang, and was not answered. Final, never an advance. */
export function answerTimeout(call: Call, branch: Branch, endpoint: SipEndpoint): CallStep {
  const { hunt } = branch
  concluded(call, branch, 0, 'no answer', 'final')
  const letting = abandon(branch)
  branch.state = 'abandoned'
  if (!branch.provider && goesOn(call, hunt)) return { effects: letting }
  if (!branch.provider && hunt.rounds.contacts.length > 0)
    return after(letting, ringNext(call, hunt, endpoint))
  const because = unanswered(hunt, ringMs(branch))
  const ending = { by: 'system', reason: 'noanswer', status: 480, why: 'no answer', because } as const
  return after(letting, over(call, hunt, endpoint, { ...ending, headers: [] }))
}

/** Timer: no callee of a hunt rang in time. */
export function searchTimeout(call: Call, hunt: Hunt, endpoint: SipEndpoint): CallStep {
  return hunt.state === 'hunting' ? over(call, hunt, endpoint, noneRang(call, hunt)) : { effects: [] }
}

/** The caller hangs up before an answer (RFC 3261 §9.2). */
export function callerCancelled(call: Call, given: GivenReason, endpoint: SipEndpoint): CallStep {
  const letting = letGo(call, endpoint, given.reason)
  const step = end(call, endpoint, { by: 'caller', reason: 'cancel', status: 487, because: undefined })
  return { ...step, effects: [...letting, ...step.effects] }
}

/** It is known where a hunt leads. */
export function beginHunt(
  call: Call,
  hunt: Hunt,
  decision: ConnectDecision,
  { contacts, unreached }: Reachable,
  endpoint: SipEndpoint,
): CallStep {
  const { targets } = decision
  Object.assign(hunt, { state: 'hunting', decision, contacts, unreached })
  if (targets.kind === 'plan') return ringList(call, hunt, targets.plan, endpoint)
  const peers = peersOf(targets)
  return peers ? search(call, hunt, peers, endpoint) : ring(call, hunt, endpoint)
}

/** Tries providers one after the other. */
function search(call: Call, hunt: Hunt, providers: readonly CalledPeer[], endpoint: SipEndpoint): CallStep {
  hunt.waiting = [...providers]
  const ms = Math.max(...providers.map((provider) => provider.policy.search_ms))
  const timer: CallOrder = { type: 'set', ms, timer: { timer: 'search', hunt } }
  return after([timer], next(call, hunt, endpoint))
}

/** Phones ring by their q: those of the highest together, the next when none of these has answered. */
function ring(call: Call, hunt: Hunt, endpoint: SipEndpoint): CallStep {
  if (hunt.contacts.length === 0) {
    const because = notRegistered(hunt)
    const ending = { by: 'system', reason: 'failed', status: 480, why: 'not registered', because } as const
    return over(call, hunt, endpoint, { ...ending, headers: [] })
  }
  hunt.rounds = roundsOf(hunt)
  return ringNext(call, hunt, endpoint)
}

/** The next round rings. */
export function ringNext(call: Call, hunt: Hunt, endpoint: SipEndpoint): CallStep {
  const {
    contacts: [round = [], ...later],
    ms,
  } = hunt.rounds
  hunt.rounds = { contacts: later, ms }
  const effects: CallOrder[] = []
  // All are there before the first is called: one which cannot be ends no hunt in which others can.
  const branches = round.map((contact) => ({
    branch: newBranch(call, hunt, endpoint, undefined, contact),
    contact,
  }))
  for (const { branch, contact } of branches) {
    const step = tryAt(call, branch, contact.flow, endpoint)
    effects.push(...step.effects)
    if (step.to || hunt.ending) return { ...step, effects }
  }
  return { effects: [{ type: 'tell' }, ...effects] }
}

function next(call: Call, hunt: Hunt, endpoint: SipEndpoint): CallStep {
  const found = nextWithRoom(call, hunt, endpoint)
  if (!found) return over(call, hunt, endpoint, wasTried(call, hunt) ? exhausted(hunt) : allFull(call, hunt))
  const { provider, obstacle } = found
  const branch = newBranch(call, hunt, endpoint, provider, undefined)
  if (obstacle) return branchFailed(call, { branch, ...obstacle, response: undefined }, endpoint)
  // Who brought a call from the phone network is its provider.
  if (call.record.direction !== 'incoming' && !isConnectedBy(call, branch))
    call.record.providerId = provider.provider_id ?? call.record.providerId
  const question = overTls(branch, firstHop(provider, branch.route))
  return { effects: [{ type: 'tell' }, { type: 'locate', branch, question }] }
}

/** Who may be spoken with over TLS alone is looked for over that, where nothing else is said of it (RFC 3263 §4.1). */
function overTls({ signalling }: Branch, question: LocateQuestion): LocateQuestion {
  return signalling !== 'any' && question.transport === null ? { ...question, transport: 'tls' } : question
}

/** Whether it is called by the flow of a call which was itself made to another. */
function isConnectedBy({ made }: Call, branch: Branch): boolean {
  return made?.run.kind === 'flow' && branch.side !== made.side
}

function wasTried({ branches }: Call, hunt: Hunt): boolean {
  return branches.some((branch) => branch.hunt === hunt)
}

function tryAt(call: Call, branch: Branch, flow: Flow, endpoint: SipEndpoint): CallStep {
  const obstacle = branch.provider && obstacleTo(call, branch, endpoint)
  const effects = obstacle ? undefined : callAt(call, branch, flow, endpoint)
  if (effects) return { effects }
  const open = leavesTls(branch, flow) ? leavingTls : undefined
  const failure = open ?? obstacle ?? obstacleTo(call, branch, endpoint) ?? noCodecLeft
  return branchFailed(call, { branch, ...failure, response: undefined }, endpoint)
}

function providerFailed(
  call: Call,
  { branch, status, why, response }: CallEvents['failure'],
  endpoint: SipEndpoint,
): CallStep {
  const { hunt, provider } = branch
  const { rang } = hunt
  const policy = provider?.policy
  if (!policy) return { effects: [] }
  const unreachable = status === 0 || status === 408
  // Who never spoke, or was never called for want of a codec, refused nothing.
  const unasked = !rang && (status === 0 || !branch.tried)
  // Who will not do as it must is passed over, whatever else its refusals mean.
  const keyless = branch.secure === 'required' && (why === notKeyed || (!rang && refusesKeys(status)))
  const meaning = unasked || keyless ? 'next' : verdict(status || 408, policy, rang)
  if (!rang && (unreachable || status === 503) && branch.flows.length > 0) {
    tryEnded(call, branch, status, why)
    return otherAddress(call, branch, endpoint)
  }
  const elsewhere = provider.provider_id ? [] : redirectable(call, hunt, redirectionsOf(hunt, response))
  if (elsewhere.length > 0) {
    concluded(call, branch, status, saidOf({ branch, status, why, response }), 'next')
    return { effects: redirect(call, hunt, elsewhere) }
  }
  const gateways = rang ? [] : gatewaysOf(branch, response)
  if (gateways.length > 0) {
    concluded(call, branch, status, saidOf({ branch, status, why, response }), 'next')
    hunt.waiting.unshift(...gateways)
    return next(call, hunt, endpoint)
  }
  // A PBX which is away is like a phone which is away, whatever becomes of carriers.
  const silence = provider.provider_id ? 503 : 480
  const failed = noted(call, { branch, status, why, response }, silence)
  concluded(call, branch, status, failed.said, meaning)
  notePassedOver(call, branch, failed.cause)
  const step =
    meaning === 'next'
      ? next(call, hunt, endpoint)
      : over(call, hunt, endpoint, refusedBy(hunt, failed, silence))
  // A refusal of our own says nothing about the provider.
  const seen = status === 0 || response ? observation(branch, status, failed.said) : []
  return { ...step, effects: [...seen, ...step.effects] }
}

/** A provider's other address is another try inside the same attempt (RFC 3263 §4.3). */
function otherAddress(call: Call, branch: Branch, endpoint: SipEndpoint): CallStep {
  const [flow, ...rest] = branch.flows
  branch.flows = none
  const again = newBranch(call, branch.hunt, endpoint, branch.provider, undefined, branch.attempt)
  again.flows = rest
  return flow ? tryAt(call, again, flow, endpoint) : { effects: [] }
}

function contactFailed(call: Call, failure: CallEvents['failure'], endpoint: SipEndpoint): CallStep {
  const { branch, status, response } = failure
  const { hunt } = branch
  const elsewhere = redirectionsOf(hunt, response)
  if (response && elsewhere.length > 0 && call.handedBy !== undefined)
    return over(call, hunt, endpoint, handedBack(failure, response))
  const followed = redirectable(call, hunt, elsewhere)
  if (followed.length > 0) {
    concluded(call, branch, status, saidOf(failure), 'next')
    return { effects: redirect(call, hunt, followed) }
  }
  const failed = noted(call, failure, 480)
  concluded(call, branch, status, failed.said, 'final')
  if (isAstray(branch, status) && hunt.lookedAgain === 'no') {
    hunt.lookedAgain = 'asked'
    return { effects: [{ type: 'lookAgain', hunt }] }
  }
  const declined = status >= 600
  if (!declined && goesOn(call, hunt)) return { effects: [] }
  if (!declined && hunt.rounds.contacts.length > 0) return ringNext(call, hunt, endpoint)
  return over(call, hunt, endpoint, phonesFailed(hunt))
}

/** A phone which sends its calls on: the relay which hands the call on follows that. */
function handedBack(failure: CallEvents['failure'], response: Response): HuntEnding {
  const { status } = failure
  const ending = { by: 'callee', reason: 'failed', because: undefined } as const
  return { ...ending, status, headers: redirectionOf(response) }
}

/** Gives a branch up for the next one; the last one is waited for until timer B, or the search, is over. */
function movedOn(call: Call, branch: Branch, endpoint: SipEndpoint, why: string): CallStep {
  if (branch.flows.length === 0 && !roomElsewhere(call, branch.hunt, endpoint))
    return { effects: observation(branch, 0, why) }
  const letting = abandon(branch)
  branch.state = 'abandoned'
  const step = providerFailed(call, { branch, status: 0, why, response: undefined }, endpoint)
  return { ...step, effects: [...letting, ...step.effects] }
}

/** 503 with Retry-After: this address asks to be left alone for so long, an hour at most (RFC 3261 §21.5.4). */
export function cooling(branch: Branch, response: Response | undefined): CallOrder[] {
  const seconds =
    response?.status === 503 ? Number.parseInt(response.header('retry-after') ?? '', 10) : Number.NaN
  const provider = branch.provider?.provider_id
  if (!branch.flow || !provider || !(seconds > 0)) return []
  return [{ type: 'cool', provider, flow: branch.flow, ms: Math.min(seconds, 3600) * 1000 }]
}
