import type { RouteDecision, RouteQuestion } from '#contract'
import type { InboundFacts, OutboundFacts } from './facts.ts'
import { decideInbound } from './inbound.ts'
import { decideOutbound } from './outbound.ts'

/** What a question is decided on: by who asks. */
export type Facts = { kind: 'extension'; facts: OutboundFacts } | { kind: 'source'; facts: InboundFacts }

/**
 * Decides where a call goes.
 *
 * Always returns a decision; "nowhere" is `reject` with a reason.
 */
export function decide(question: RouteQuestion, known: Facts, baseDomain: string): RouteDecision {
  return known.kind === 'extension'
    ? decideOutbound(question, known.facts, baseDomain)
    : decideInbound(question, known.facts, baseDomain)
}
