import type { FlowDecision, RingCondition, RingPlan, RingStep } from '#contract'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { cause } from './cause.ts'
import { abandon, after, concluded, end, stopHunt } from './ending.ts'
import { alive, phonesFailed } from './failed-hunt.ts'
import { newHunt } from './new-hunt.ts'
import { noteLeftOut } from './planned-rings.ts'
import { lineOf, rootOf } from './root-hunt.ts'
import type { Call, Hunt, HuntEnding, SoughtTarget } from './state.ts'
import { mostUseful, reasonOf } from './verdict.ts'

/*
 * The hunts of one call: its own, and those for whom it is sent on to, in turn or together.
 *
 * A hunt for a list has a hunt for each of its step; when all of those are over, how they ended says which step is next. One
 * which leads to a flow is over, too: that flow's turn comes when none of the others rings any more.
 */

/** So many hunts has one search, however its lists lead to lists: that of a call, or each `connect` of its flow. */
const huntsAtMost = 32

/** So many has one call, all its searches together: they are kept as long as it lasts. */
const huntsOfCallAtMost = 512

/** So often is a call sent on in the name of one extension or PBX by what its phones answer. */
const redirectionsAtMost = 5

/** A hunt ended in which no callee answered: the next one of the list it is in, the next action of a flow, or the end of the call. */
export function over(call: Call, hunt: Hunt, endpoint: SipEndpoint, ending: HuntEnding): CallStep {
  if (!hunt.parent && call.flow) return connectOver(call, hunt, ending)
  const leads = hunt.parent ? undefined : flowIn(call, hunt)
  if (leads)
    return { effects: [...giveUp(call, hunt), { type: 'onward', call, name: 'flowReached', event: leads }] }
  if (!hunt.parent) return end(call, endpoint, ending, ending.headers)
  const letting = giveUp(call, hunt)
  hunt.ending = ending
  return after(letting, childOver(call, hunt.parent, endpoint))
}

function connectOver(call: Call, hunt: Hunt, ending: HuntEnding): CallStep {
  const letting = giveUp(call, hunt)
  const event = { hunt, ending, leads: flowIn(call, hunt) }
  return { effects: [...letting, { type: 'onward', call, name: 'connectOver', event }] }
}

/** The flow to which a hunt led, or the first of those whom it named. */
function flowIn(call: Call, hunt: Hunt): FlowDecision | undefined {
  return call.hunts.find((one) => one.leads && lineOf(one).includes(hunt))?.leads
}

/** Begins with the first step of a list. */
export function ringList(call: Call, hunt: Hunt, plan: RingPlan, endpoint: SipEndpoint): CallStep {
  hunt.steps = plan.steps
  return nextStep(call, hunt, endpoint)
}

/** Its delay is over, or it is its turn because no other rings. */
export function delayOver(hunt: Hunt): CallOrder[] {
  if (hunt.state !== 'waiting') return []
  hunt.state = 'deciding'
  return [
    { type: 'stop', timer: 'delay', of: hunt },
    { type: 'decide', hunt },
  ]
}

/** Those whom a phone names and to whom the call is not being sent on: of all phones together only so many. */
export function redirectable(call: Call, hunt: Hunt, those: readonly SoughtTarget[]): SoughtTarget[] {
  const before = childrenOf(call, hunt).filter(({ sought }) => sought?.type === 'redirect')
  const called = before.flatMap(({ sought, state }) => (sought && state !== 'over' ? sought : []))
  const anew = those.filter(
    (one, at) => ![...called, ...those.slice(0, at)].some((other) => isSame(one, other)),
  )
  return inBounds(call, hunt, anew, redirectionsAtMost - before.length)
}

function isSame(one: SoughtTarget, other: SoughtTarget): boolean {
  return one.target === other.target && one.host === other.host
}

/** As many of them as the search may have hunts; the record says of the others that they are left out. */
function inBounds(
  call: Call,
  hunt: Hunt,
  those: readonly SoughtTarget[],
  most = huntsAtMost,
): SoughtTarget[] {
  const root = rootOf(hunt)
  const ofRoot = call.hunts.filter((one) => rootOf(one) === root).length
  const room = Math.max(0, Math.min(most, huntsAtMost - ofRoot, huntsOfCallAtMost - call.hunts.length))
  for (const sought of those.slice(room)) noteLeftOut(call, sought, tooManyForwards)
  return those.slice(0, room)
}

/** How a further search of this call ends at once, since it has had so many; undefined: there is room for it. */
export function tooManyHunts({ hunts }: Call): HuntEnding | undefined {
  return hunts.length < huntsOfCallAtMost ? undefined : { ...outOfBounds, because: tooManySearches }
}

const tooManySearches = cause(
  'TOO_MANY_FORWARDS',
  `The flow of the call connected it too often: ${huntsOfCallAtMost} searches and what they lead to at most.`,
)

const tooManyForwards = cause(
  'TOO_MANY_FORWARDS',
  `The call was sent on too often: to ${huntsAtMost} places at most, ${redirectionsAtMost} of them in answer to a phone.`,
)

/** A phone sends the call on: to all of those, while the others of its extension ring on. */
export function redirect(call: Call, hunt: Hunt, those: readonly SoughtTarget[]): CallOrder[] {
  // Who is asked to ring elsewhere does not ring here afterwards.
  hunt.rounds = { ...hunt.rounds, contacts: [] }
  return those.flatMap((sought) => seek(call, hunt, sought))
}

/** Whether any callee of a hunt rings, or is about to. */
export function goesOn(call: Call, hunt: Hunt): boolean {
  return (
    hunt.lookedAgain === 'asked' ||
    alive(call, hunt).length > 0 ||
    childrenOf(call, hunt).some(({ state }) => state !== 'over')
  )
}

/** How a hunt with hunts of its own ended: by the most useful of all, `own` among them. */
function combined(call: Call, hunt: Hunt, own: readonly HuntEnding[]): HuntEnding | undefined {
  const endings = [...own, ...childrenOf(call, hunt).flatMap(({ ending }) => ending ?? [])]
  const status = mostUseful(endings.map((ending) => ending.status))
  const chosen = endings.findLast((ending) => ending.status === status) ?? endings.at(-1)
  if (!chosen || endings.length === 1) return chosen
  const words = [...new Set(endings.flatMap(({ because }) => because?.message ?? []))].join(' ')
  const because = chosen.because && cause(chosen.because.reason, words)
  return { ...chosen, status, because, reason: chosen.status === status ? chosen.reason : reasonOf(status) }
}

/** How one ended, as a later destination waits for it. */
export function conditionOf({ status, reason, because }: HuntEnding): RingCondition {
  if (because?.reason === 'NOT_REGISTERED' || because?.reason === 'REGISTERED_ELSEWHERE')
    return 'not_registered'
  if (status === 486 || status === 600 || status === 603) return 'busy'
  if (/_(UNREACHABLE|SILENT|FOUND)$/.test(because?.reason ?? '')) return 'failed'
  return reason === 'noanswer' ? 'no_answer' : 'failed'
}

/** Of several who rang together, the first which holds of one of them. */
const inOrder: readonly RingCondition[] = ['busy', 'no_answer', 'failed', 'not_registered']

function childrenOf(call: Call, hunt: Hunt): Hunt[] {
  return call.hunts.filter(({ parent }) => parent === hunt)
}

/** Gives up whatever of a hunt goes on. */
export function giveUp(call: Call, hunt: Hunt): CallOrder[] {
  hunt.state = 'over'
  const branches = alive(call, hunt)
  for (const branch of branches) concluded(call, branch, 0, 'given up', 'final')
  const below = childrenOf(call, hunt).flatMap((child) => giveUp(call, child))
  return [...stopHunt(hunt), ...branches.flatMap((branch) => abandon(branch)), ...below]
}

function childOver(call: Call, parent: Hunt, endpoint: SipEndpoint): CallStep {
  const waiting = childrenOf(call, parent).filter(({ state }) => state === 'waiting')
  const rings = alive(call, parent).length > 0 || waiting.length < unended(call, parent)
  if (rings) return { effects: [] }
  if (waiting.length === 0) return nextStep(call, parent, endpoint)
  const soonest = Math.min(...waiting.map(delayOf))
  return { effects: waiting.filter((one) => delayOf(one) === soonest).flatMap(delayOver) }
}

function unended(call: Call, parent: Hunt): number {
  return childrenOf(call, parent).filter(({ state }) => state !== 'over').length
}

function delayOf({ sought }: Hunt): number {
  return sought?.delay_ms ?? 0
}

function nextStep(call: Call, hunt: Hunt, endpoint: SipEndpoint): CallStep {
  const outcome = outcomeOf(call, hunt)
  // A flow takes whatever call comes to it: what is behind it in the list never has its turn.
  if (flowIn(call, hunt)) return noneLeft(call, hunt, endpoint)
  const at = hunt.steps.findIndex(({ when }) => !outcome || when.includes(outcome))
  const step = hunt.steps[at]
  if (!step) return noneLeft(call, hunt, endpoint)
  hunt.steps = hunt.steps.slice(at + 1)
  const { targets } = hunt.decision ?? {}
  if (targets?.kind !== 'plan') return { effects: [] }
  const begun = inBounds(call, hunt, soughtIn(targets.plan, step, outcome))
  return begun.length > 0
    ? { effects: begun.flatMap((sought) => seek(call, hunt, sought)) }
    : noneLeft(call, hunt, endpoint, [outOfBounds])
}

/** How the step which was rung last ended; undefined: none was. */
function outcomeOf(call: Call, hunt: Hunt): RingCondition | undefined {
  const children = childrenOf(call, hunt)
  const last = Math.max(...children.map(({ sought }) => sought?.step ?? 0))
  const ended = children.filter(({ sought }) => sought?.step === last)
  const words = new Set(ended.flatMap(({ ending }) => (ending ? conditionOf(ending) : [])))
  return inOrder.find((one) => words.has(one))
}

const outOfBounds: HuntEnding = {
  by: 'system',
  reason: 'failed',
  status: 483,
  why: 'sent on too often',
  because: tooManyForwards,
  headers: [],
}

function noneLeft(
  call: Call,
  hunt: Hunt,
  endpoint: SipEndpoint,
  unsought: readonly HuntEnding[] = [],
): CallStep {
  const own = [...(hunt.failures.length > 0 ? [phonesFailed(hunt)] : []), ...unsought]
  return over(call, hunt, endpoint, combined(call, hunt, own) ?? nowhere)
}

const nowhere: HuntEnding = {
  by: 'system',
  reason: 'failed',
  status: 480,
  why: 'not registered',
  because: cause('NOT_REGISTERED', 'There is nobody to be rung.'),
  headers: [],
}

function soughtIn(plan: RingPlan, step: RingStep, why: SoughtTarget['why'] = 'always'): SoughtTarget[] {
  const [{ forwarder, called }, at] = [plan, plan.steps.indexOf(step)]
  const soonest = Math.min(...step.targets.map(({ delay_ms }) => delay_ms))
  return step.targets.map((target) => {
    const delay_ms = target.delay_ms - soonest
    return { forwarder, called, ...target, host: '', delay_ms, step: at, why }
  })
}

function seek(call: Call, parent: Hunt, sought: SoughtTarget): CallOrder[] {
  const hunt = newHunt(parent, sought)
  call.hunts.push(hunt)
  if (sought.delay_ms === 0) return [{ type: 'decide', hunt }]
  hunt.state = 'waiting'
  return [{ type: 'set', ms: sought.delay_ms, timer: { timer: 'delay', hunt } }]
}
