import type {
  Address,
  ConnectDecision,
  FlowActionOf,
  FlowDecision,
  FlowProgram,
  Forwarder,
  OriginateCommand,
  RouteQuestion,
} from '#contract'
import type { Side } from '../ground/media.ts'

/** A call which no party asked for: the API ordered it, or a flow. Who is called first stands where a caller would. */
export interface MadeCall<Party> {
  /**
   * `flow`: who is called first follows it; `join`: who is called first is connected, when it has answered, as if it had
   * dialled the destination.
   */
  readonly run: OriginateCommand['run']
  /** On which side who is called first is: that of a caller where it is joined, else the callee's. */
  readonly side: Side
  /** Whom it is from, as was given. */
  readonly source: Address
  /** Where who is called first is; undefined: the call's own decision says so. */
  readonly first: RouteQuestion | undefined
  /** Milliseconds each may ring; null: as their settings say. */
  readonly ringMs: number | null
  /** On whose behalf its flow calls others. */
  readonly forwarder: Forwarder
  /** Flows which led to it, each by a call of its own; 0: none. */
  readonly depth: number
  /** Whether its caller id is hidden; null: as was decided. */
  readonly hidden: boolean | null
  /** What was decided of it. */
  decision: ConnectDecision | FlowDecision | undefined
  /** Who was called first, once that has answered. */
  party: Party | undefined
}

/** A connection of who was called first with the destination, as a flow has it: it ends as that ends. */
export function joiningProgram(callId: string): FlowProgram {
  const option: FlowActionOf<'connect'>['option'] = {
    source: null,
    destinations: [],
    anonymous: 'auto',
    timeout: null,
    early_media: true,
    relay_reason: true,
    variable: null,
  }
  return {
    id: callId,
    version: 1,
    name: '',
    actions: [{ id: 'join', type: 'connect', option, next_id: null }],
  }
}

/** A decision by which each party rings so long at most. */
export function ringingFor(decision: ConnectDecision, ms: number | null): ConnectDecision {
  const { targets } = decision
  if (ms === null) return decision
  switch (targets.kind) {
    case 'extension':
      return { ...decision, targets: { ...targets, extension: { ...targets.extension, ring_ms: ms } } }
    case 'trunk':
      return { ...decision, targets: { ...targets, trunk: { ...targets.trunk, ring_ms: ms } } }
    case 'sip':
      return { ...decision, targets: { ...targets, sip: { ...targets.sip, ring_ms: ms } } }
    case 'providers':
      return {
        ...decision,
        targets: { ...targets, providers: targets.providers.map((one) => answeringIn(one, ms)) },
      }
    case 'plan':
      return { ...decision, targets: { ...targets, plan: planIn(targets.plan, ms) } }
  }
}

type Targets<Kind> = Extract<ConnectDecision['targets'], { kind: Kind }>

function answeringIn<One extends Targets<'providers'>['providers'][number]>(provider: One, ms: number): One {
  return { ...provider, policy: { ...provider.policy, answer_ms: ms } }
}

function planIn(plan: Targets<'plan'>['plan'], ms: number): Targets<'plan'>['plan'] {
  const steps = plan.steps.map((step) => ({
    ...step,
    targets: step.targets.map((one) => ({ ...one, ring_ms: Math.min(one.ring_ms ?? ms, ms) })),
  }))
  return { ...plan, steps }
}
