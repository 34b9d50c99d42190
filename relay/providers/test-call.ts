// A call made only to see whether it could be: one leg at a time, called through exactly one provider, taken back at
// the first ringing, hung up where an answer was faster.
//
//   locating ──located──► calling ──ringing, an answer, a refusal, the limit──► over
//                           │  ▲
//                           └──┘ challenged; silence or 503, and another address is there
//
// Whatever comes once it is over is let go: a ringing is cancelled, a 2xx acknowledged and hung up
// (RFC 3261 §9.1, §13.2.2.4).

import type { MonotonicMs, ProviderFacts } from '#contract'
import type { Located } from '../ground/effects.ts'
import { type Flow, isEncrypted } from '../ground/flow.ts'
import type { Machine, Table, Turn } from '../ground/machine.ts'
import { type ByeResult, byeAgain, byeLate2xx } from '../leg/bye.ts'
import { otherKeying } from '../leg/keying.ts'
import type { Keying, UacLeg } from '../leg/leg.ts'
import type { ClientOrder } from '../leg/orders.ts'
import { abandonInvite, callLeg, inviteOf, mendInvite, uacLeg } from '../leg/uac.ts'
import type { Response } from '../sip/message.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { accountOf } from './options.ts'
import { callReport, type TestLog, type TestReport } from './report.ts'
import type { InviteBuilder } from './test-invite.ts'

type TestCallState = 'locating' | 'calling' | 'over'

/** What happens to a test call, by name; `now` in monotonic ms. */
export interface TestCallEvents {
  located: { now: MonotonicMs; located: Located }
  provisional: { now: MonotonicMs; leg: UacLeg; response: Response }
  success: { now: MonotonicMs; leg: UacLeg; response: Response }
  failure: { now: MonotonicMs; leg: UacLeg; response: Response }
  /** Nothing came from the address, or nothing could be sent to it. */
  silence: { now: MonotonicMs; leg: UacLeg; why: string }
  byeAnswered: ByeResult
  /** It has lasted long enough. */
  limit: { now: MonotonicMs }
}

/** What a test call wants done. */
export type TestCallOrder = ClientOrder | { readonly type: 'found'; readonly report: TestReport }

/** The leg which is called now, where, and since when. */
interface CalledLeg {
  readonly leg: UacLeg
  readonly flow: Flow
  /** Monotonic ms when its INVITE went out. */
  readonly at: number
}

/** What a test call remembers. */
export interface TestCallMemory {
  readonly provider: ProviderFacts
  readonly endpoint: SipEndpoint
  readonly log: TestLog
  /** Route values of its INVITEs, first hop first. */
  readonly route: readonly string[]
  /** What its INVITE says to an address. */
  readonly parts: InviteBuilder
  flows: readonly Flow[]
  called: CalledLeg | undefined
}

/** A test call: its state and what it remembers. */
export type TestCall = Machine<TestCallState, TestCallMemory>

type TestCallStep = Turn<TestCallState, TestCallOrder>

/** Whatever the state: no phone may be left ringing, and no callee on the line. */
const unwanted = {
  provisional: ({ leg }: TestCallEvents['provisional']): TestCallStep => ({ effects: stopRinging(leg) }),
  success: ({ leg, response }: TestCallEvents['success'], { endpoint }: TestCallMemory): TestCallStep => ({
    effects: byeLate2xx(leg, response, endpoint),
  }),
  byeAnswered: (result: ByeResult, { endpoint }: TestCallMemory): TestCallStep => ({
    effects: byeAgain(result, endpoint),
  }),
}

/** The figure of a test call. */
export const table: Table<TestCallState, TestCallEvents, TestCallMemory, TestCallOrder> = {
  locating: {
    located: ({ now, located }, memory) => {
      memory.log.located(now, located)
      memory.flows = located.flows
      return next(now, memory)
    },
    limit: (_, memory) => over(memory),
  },
  calling: {
    ...unwanted,
    provisional: (event, memory) =>
      event.leg === memory.called?.leg
        ? progressed(event, memory.called, memory)
        : unwanted.provisional(event),
    success: (event, memory) => {
      const hungUp = unwanted.success(event, memory)
      return event.leg === memory.called?.leg ? after(hungUp, spoke(event, memory.called, memory)) : hungUp
    },
    failure: (event, memory) =>
      event.leg === memory.called?.leg ? refused(event, memory.called, memory) : { effects: [] },
    silence: ({ now, leg, why }, memory) => {
      if (leg !== memory.called?.leg || leg.heard !== 'nothing') return { effects: [] }
      memory.log.silent(now, memory.called, why)
      return after({ effects: abandonInvite(leg) }, next(now, memory))
    },
    limit: ({ now }, memory) => {
      const { called } = memory
      if (called)
        memory.log.silent(now, called, called.leg.heard === 'nothing' ? 'no response' : 'nothing but 100')
      return over(memory)
    },
  },
  over: unwanted,
}

/** 100 only says that the address is alive; anything else ends the test. */
function progressed(
  event: TestCallEvents['provisional'],
  called: CalledLeg,
  memory: TestCallMemory,
): TestCallStep {
  const { leg, response } = event
  leg.heard = response.status === 100 ? 'trying' : 'ringing'
  return response.status === 100 ? { effects: [] } : spoke(event, called, memory)
}

/** The provider has said what there was to find out. */
function spoke(
  { now, response }: TestCallEvents['provisional'],
  called: CalledLeg,
  memory: TestCallMemory,
): TestCallStep {
  memory.log.spoke(now, called, response, called.leg.proofs.rounds)
  return over(memory)
}

/** Credentials are tried, another address where this one cannot; else that was the answer. */
function refused(event: TestCallEvents['failure'], called: CalledLeg, memory: TestCallMemory): TestCallStep {
  const { now, leg, response } = event
  const { endpoint, log, flows } = memory
  if (mendInvite(leg, response, endpoint)) return { effects: [invite(now, leg, called.flow, memory)] }
  const keying = otherKeying(leg, response)
  if (keying) return { effects: [invite(now, leg, called.flow, memory, keying)] }
  leg.state = 'over'
  const elsewhere = response.status === 408 || response.status === 503
  if (!elsewhere || flows.length === 0) return spoke(event, called, memory)
  log.spoke(now, called, response, leg.proofs.rounds)
  return next(now, memory)
}

/** The next address is called, by a leg of its own. */
function next(now: MonotonicMs, memory: TestCallMemory): TestCallStep {
  const { provider, endpoint, route } = memory
  const [flow, ...rest] = memory.flows
  memory.flows = rest
  memory.called = undefined
  if (!flow) return over(memory)
  const { secure } = provider
  if (secure === 'required' && !isEncrypted(flow)) {
    memory.log.inTheOpen(flow)
    return next(now, memory)
  }
  const leg = { ...uacLeg(endpoint, { route, trusted: true, account: accountOf(provider) }), secure }
  return { to: 'calling', effects: [invite(now, leg, flow, memory)] }
}

function invite(
  now: MonotonicMs,
  leg: UacLeg,
  flow: Flow,
  memory: TestCallMemory,
  keying?: Keying,
): TestCallOrder {
  memory.called = { leg, flow, at: now }
  return callLeg(leg, inviteOf(leg, memory.parts(leg, flow, keying), flow, memory.endpoint), flow)
}

function over(memory: TestCallMemory): TestCallStep {
  const { called, provider, endpoint, log } = memory
  memory.called = undefined
  const report = callReport(provider, log, endpoint.address)
  return { to: 'over', effects: [...(called ? abandonInvite(called.leg) : []), { type: 'found', report }] }
}

/** A leg which was given up before it was heard of rings now. */
function stopRinging(leg: UacLeg): TestCallOrder[] {
  if (leg.heard === 'nothing') leg.heard = 'trying'
  return abandonInvite(leg)
}

function after({ effects }: TestCallStep, step: TestCallStep): TestCallStep {
  return { ...step, effects: [...effects, ...step.effects] }
}
