// A call made only to see whether it could be: INVITE through exactly one provider, taken back at the first
// ringing, hung up where somebody was faster.
//
//   locating ──located──► calling ──ringing, an answer, a refusal, the limit──► over
//                           │  ▲
//                           └──┘ challenged; silence or 503, and another address is there
//
// Whatever comes once it is over is let go: a ringing is cancelled, a 2xx acknowledged and hung up
// (RFC 3261 §9.1, §13.2.2.4).

import type { ProviderFacts } from '#contract'
import { buildCancel } from '../call/invite.ts'
import { flowFor } from '../call/path.ts'
import { uacDialog } from '../dialog/dialog.ts'
import { ackFor2xx, inDialog } from '../dialog/request.ts'
import type { Located } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import type { Machine, Table, Turn } from '../ground/machine.ts'
import { type Authorizations, noAuthorizations, prove } from '../sip/authorization.ts'
import type { Header, Request, Response } from '../sip/message.ts'
import { type Station, viaOf } from '../ua/endpoint.ts'
import { accountOf } from './options.ts'
import { type CallStory, callFinding, type Finding } from './report.ts'

export type State = 'locating' | 'calling' | 'over'

/** One INVITE of the test. */
export interface Air {
  readonly request: Request
  readonly flow: Flow
  /** Monotonic ms when it went out. */
  readonly at: number
  heard: boolean
  cancelled: boolean
  /** Those who answered it, by their tags: each is hung up once. */
  readonly answerers: Set<string>
}

export interface Events {
  located: { now: number; located: Located }
  provisional: { now: number; air: Air; response: Response }
  success: { now: number; air: Air; response: Response }
  failure: { now: number; air: Air; response: Response }
  /** Nothing came from the address, or nothing could be sent to it. */
  silence: { now: number; air: Air; why: string }
  /** It has lasted long enough. */
  limit: { now: number }
}

export type Order =
  | { readonly type: 'invite'; readonly air: Air }
  | { readonly type: 'send'; readonly request: Request; readonly flow: Flow }
  | { readonly type: 'request'; readonly request: Request; readonly flow: Flow }
  | { readonly type: 'abandon'; readonly air: Air }
  | { readonly type: 'found'; readonly finding: Finding }

export interface Memory {
  readonly provider: ProviderFacts
  readonly station: Station
  readonly story: CallStory
  /** The INVITE for an address, under the next number. */
  readonly build: (flow: Flow, proof: readonly Header[]) => Request
  flows: readonly Flow[]
  air: Air | undefined
  /** What this address was shown of us. */
  proofs: Authorizations
}

export type TestCall = Machine<State, Memory>

type Step = Turn<State, Order>

/** Whatever the state: nobody may be left ringing, and nobody on the line. */
const unwanted = {
  provisional: ({ air }: Events['provisional']): Step => ({ effects: cancel(air) }),
  success: ({ air, response }: Events['success'], memory: Memory): Step => ({
    effects: leave(air, response, memory),
  }),
}

export const table: Table<State, Events, Memory, Order> = {
  locating: {
    located: ({ now, located }, memory) => {
      memory.story.located(now, located)
      memory.flows = located.flows
      return next(now, memory)
    },
    limit: (_, memory) => over(memory),
  },
  calling: {
    provisional: ({ now, air, response }, memory) => {
      if (air !== memory.air) return unwanted.provisional({ now, air, response })
      air.heard = true
      if (response.status === 100) return { effects: [] }
      memory.story.spoke(now, air, response, memory.proofs.rounds)
      return over(memory)
    },
    success: ({ now, air, response }, memory) => {
      if (air !== memory.air) return unwanted.success({ now, air, response }, memory)
      memory.story.spoke(now, air, response, memory.proofs.rounds)
      const leaving = leave(air, response, memory)
      memory.air = undefined
      const { to, effects } = over(memory)
      return { ...(to && { to }), effects: [...leaving, ...effects] }
    },
    failure: ({ now, air, response }, memory) =>
      air === memory.air ? refused(now, air, response, memory) : { effects: [] },
    silence: ({ now, air, why }, memory) => {
      if (air !== memory.air || air.heard) return { effects: [] }
      memory.story.silent(now, air, why)
      const { to, effects } = next(now, memory)
      return { ...(to && { to }), effects: [{ type: 'abandon', air }, ...effects] }
    },
    limit: ({ now }, memory) => {
      const { air } = memory
      if (air) memory.story.silent(now, air, air.heard ? 'nothing but 100' : 'no response')
      return over(memory)
    },
  },
  over: unwanted,
}

/** Credentials are tried, another address where this one cannot; else that was the answer. */
function refused(now: number, air: Air, response: Response, memory: Memory): Step {
  const { provider, station, story } = memory
  const proofs = prove(memory.proofs, response, air.request, accountOf(provider), station.chance)
  if (proofs) {
    memory.proofs = proofs
    return { effects: [invite(now, memory, air.flow)] }
  }
  story.spoke(now, air, response, memory.proofs.rounds)
  memory.air = undefined
  const elsewhere = response.status === 408 || response.status === 503
  return elsewhere && memory.flows.length > 0 ? next(now, memory) : over(memory)
}

function next(now: number, memory: Memory): Step {
  const [flow, ...rest] = memory.flows
  memory.flows = rest
  memory.proofs = noAuthorizations
  memory.air = undefined
  return flow ? { to: 'calling', effects: [invite(now, memory, flow)] } : over(memory)
}

function invite(now: number, memory: Memory, flow: Flow): Order {
  const request = memory.build(flow, memory.proofs.headers)
  memory.air = { request, flow, at: now, heard: false, cancelled: false, answerers: new Set() }
  return { type: 'invite', air: memory.air }
}

function over(memory: Memory): Step {
  const { air, provider, station, story } = memory
  memory.air = undefined
  const finding = callFinding(provider, story, station.address)
  return { to: 'over', effects: [...(air ? letGo(air) : []), { type: 'found', finding }] }
}

/** A CANCEL may only follow a provisional: before one the INVITE is given up, and let go when it speaks (§9.1). */
function letGo(air: Air): Order[] {
  return [{ type: 'abandon', air }, ...(air.heard ? cancel(air) : [])]
}

function cancel(air: Air): Order[] {
  if (air.cancelled) return []
  air.cancelled = true
  return [{ type: 'request', request: buildCancel(air.request, undefined), flow: air.flow }]
}

/** A hostile carrier may name tags without end. */
const mostForks = 16

function leave(air: Air, response: Response, { station }: Memory): Order[] {
  const tag = response.to.tag ?? ''
  const again = air.answerers.has(tag)
  if (!again && air.answerers.size >= mostForks) return []
  air.answerers.add(tag)
  const dialog = uacDialog(air.request, response)
  const flow = flowFor(dialog, air.flow, true)
  const ack = ackFor2xx(dialog, air.request.cseq.number, { via: viaOf(station, flow) })
  const thanks: Order = { type: 'send', request: ack, flow }
  if (again) return [thanks]
  const bye = inDialog(dialog, { method: 'BYE', via: viaOf(station, flow) })
  return [thanks, { type: 'request', request: bye, flow }]
}
