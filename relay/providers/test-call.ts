// A call made only to see whether it could be: INVITE through exactly one provider, taken back at the first
// ringing, hung up where an answer was faster.
//
//   locating ──located──► calling ──ringing, an answer, a refusal, the limit──► over
//                           │  ▲
//                           └──┘ challenged; silence or 503, and another address is there
//
// Whatever comes once it is over is let go: a ringing is cancelled, a 2xx acknowledged and hung up
// (RFC 3261 §9.1, §13.2.2.4).

import type { MonotonicMs, ProviderFacts } from '#contract'
import { uacDialog } from '../dialog/dialog.ts'
import { ackFor2xx, inDialog } from '../dialog/request.ts'
import type { Located } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import type { Machine, Table, Turn } from '../ground/machine.ts'
import { flowFor } from '../leg/path.ts'
import { buildCancel } from '../leg/uac.ts'
import { type Authorizations, noAuthorizations, prove } from '../sip/authorization.ts'
import type { Header, Request, Response } from '../sip/message.ts'
import { type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import { accountOf } from './options.ts'
import { callReport, type TestLog, type TestReport } from './report.ts'

type TestCallState = 'locating' | 'calling' | 'over'

/** One INVITE of the test. */
export interface TestInvite {
  readonly request: Request
  readonly flow: Flow
  /** Monotonic ms when it went out. */
  readonly at: number
  heard: boolean
  cancelled: boolean
  /** Those who answered it, by their tags: each is hung up once. */
  readonly answerers: Set<string>
}

/** What happens to a test call, by name; `now` in monotonic ms. */
export interface TestCallEvents {
  located: { now: MonotonicMs; located: Located }
  provisional: { now: MonotonicMs; invite: TestInvite; response: Response }
  success: { now: MonotonicMs; invite: TestInvite; response: Response }
  failure: { now: MonotonicMs; invite: TestInvite; response: Response }
  /** Nothing came from the address, or nothing could be sent to it. */
  silence: { now: MonotonicMs; invite: TestInvite; why: string }
  /** It has lasted long enough. */
  limit: { now: MonotonicMs }
}

/** What a test call wants done. */
export type TestCallOrder =
  | { readonly type: 'invite'; readonly invite: TestInvite }
  | { readonly type: 'send'; readonly request: Request; readonly flow: Flow }
  | { readonly type: 'request'; readonly request: Request; readonly flow: Flow }
  | { readonly type: 'abandon'; readonly invite: TestInvite }
  | { readonly type: 'found'; readonly report: TestReport }

/** What a test call remembers. */
export interface TestCallMemory {
  readonly provider: ProviderFacts
  readonly endpoint: SipEndpoint
  readonly log: TestLog
  /** The INVITE for an address, under the next number. */
  readonly build: (flow: Flow, proof: readonly Header[]) => Request
  flows: readonly Flow[]
  invite: TestInvite | undefined
  /** What this address was shown of us. */
  proofs: Authorizations
}

/** A test call: its state and what it remembers. */
export type TestCall = Machine<TestCallState, TestCallMemory>

type TestCallStep = Turn<TestCallState, TestCallOrder>

/** Whatever the state: no phone may be left ringing, and no callee on the line. */
const unwanted = {
  provisional: ({ invite }: TestCallEvents['provisional']): TestCallStep => ({ effects: cancel(invite) }),
  success: ({ invite, response }: TestCallEvents['success'], memory: TestCallMemory): TestCallStep => ({
    effects: leave(invite, response, memory),
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
    provisional: ({ now, invite, response }, memory) => {
      if (invite !== memory.invite) return unwanted.provisional({ now, invite, response })
      invite.heard = true
      if (response.status === 100) return { effects: [] }
      memory.log.spoke(now, invite, response, memory.proofs.rounds)
      return over(memory)
    },
    success: ({ now, invite, response }, memory) => {
      if (invite !== memory.invite) return unwanted.success({ now, invite, response }, memory)
      memory.log.spoke(now, invite, response, memory.proofs.rounds)
      const leaving = leave(invite, response, memory)
      memory.invite = undefined
      const { to, effects } = over(memory)
      return { ...(to && { to }), effects: [...leaving, ...effects] }
    },
    failure: ({ now, invite, response }, memory) =>
      invite === memory.invite ? refused(now, invite, response, memory) : { effects: [] },
    silence: ({ now, invite, why }, memory) => {
      if (invite !== memory.invite || invite.heard) return { effects: [] }
      memory.log.silent(now, invite, why)
      const { to, effects } = next(now, memory)
      return { ...(to && { to }), effects: [{ type: 'abandon', invite }, ...effects] }
    },
    limit: ({ now }, memory) => {
      const { invite } = memory
      if (invite) memory.log.silent(now, invite, invite.heard ? 'nothing but 100' : 'no response')
      return over(memory)
    },
  },
  over: unwanted,
}

/** Credentials are tried, another address where this one cannot; else that was the answer. */
function refused(
  now: MonotonicMs,
  invite: TestInvite,
  response: Response,
  memory: TestCallMemory,
): TestCallStep {
  const { provider, endpoint, log } = memory
  const proofs = prove(memory.proofs, response, invite.request, accountOf(provider), endpoint)
  if (proofs) {
    memory.proofs = proofs
    return { effects: [sendInvite(now, memory, invite.flow)] }
  }
  log.spoke(now, invite, response, memory.proofs.rounds)
  memory.invite = undefined
  const elsewhere = response.status === 408 || response.status === 503
  return elsewhere && memory.flows.length > 0 ? next(now, memory) : over(memory)
}

function next(now: MonotonicMs, memory: TestCallMemory): TestCallStep {
  const [flow, ...rest] = memory.flows
  memory.flows = rest
  memory.proofs = noAuthorizations
  memory.invite = undefined
  return flow ? { to: 'calling', effects: [sendInvite(now, memory, flow)] } : over(memory)
}

function sendInvite(now: MonotonicMs, memory: TestCallMemory, flow: Flow): TestCallOrder {
  const request = memory.build(flow, memory.proofs.headers)
  memory.invite = { request, flow, at: now, heard: false, cancelled: false, answerers: new Set() }
  return { type: 'invite', invite: memory.invite }
}

function over(memory: TestCallMemory): TestCallStep {
  const { invite, provider, endpoint, log } = memory
  memory.invite = undefined
  const report = callReport(provider, log, endpoint.address)
  return { to: 'over', effects: [...(invite ? abandon(invite) : []), { type: 'found', report }] }
}

/** A CANCEL may only follow a provisional: before one the INVITE is given up, and let go when it speaks (§9.1). */
function abandon(invite: TestInvite): TestCallOrder[] {
  return [{ type: 'abandon', invite }, ...(invite.heard ? cancel(invite) : [])]
}

function cancel(invite: TestInvite): TestCallOrder[] {
  if (invite.cancelled) return []
  invite.cancelled = true
  return [{ type: 'request', request: buildCancel(invite.request, undefined), flow: invite.flow }]
}

/** A hostile carrier may name tags without end. */
const mostForks = 16

function leave(invite: TestInvite, response: Response, { endpoint }: TestCallMemory): TestCallOrder[] {
  const tag = response.to.tag ?? ''
  const again = invite.answerers.has(tag)
  if (!again && invite.answerers.size >= mostForks) return []
  invite.answerers.add(tag)
  const dialog = uacDialog(invite.request, response)
  const flow = flowFor(dialog, invite.flow, true)
  const ack = ackFor2xx(dialog, invite.request.cseq.number, { via: viaOf(endpoint, flow) })
  const thanks: TestCallOrder = { type: 'send', request: ack, flow }
  if (again) return [thanks]
  const bye = inDialog(dialog, { method: 'BYE', via: viaOf(endpoint, flow) })
  return [thanks, { type: 'request', request: bye, flow }]
}
