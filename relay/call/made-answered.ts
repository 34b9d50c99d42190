import type { FlowDecision } from '#contract'
import { answeredBy } from '../leg/uac.ts'
import type { RelayedSdp } from '../sdp/relayed.ts'
import type { Response } from '../sip/message.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { calledParty } from './call-party.ts'
import { recordedAsSet } from './call-recordings.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { flowOf } from './flow.ts'
import { listening, spokenIn } from './flow-sound.ts'
import { aloneMs, mayStay } from './flow-time.ts'
import { joiningProgram, type MadeCall } from './made-call.ts'
import { aim } from './offer-answer.ts'
import { answeredNow } from './record.ts'
import type { Branch, Call } from './state.ts'
import { putRight } from './transferred-call.ts'

/*
 * A call which no party asked for, from the first answer on: who was called first is with its flow, or is joined with whom
 * it calls as by a flow of one `connect`.
 */

type Made = MadeCall<Branch>

/** A branch which has answered, and what it said. */
interface AnsweredBranch {
  readonly branch: Branch
  readonly response: Response
  readonly said: RelayedSdp
}

/** Who was called first has answered: its flow begins. */
export function firstAnswered(
  call: Call,
  made: Made,
  { branch, response, said }: AnsweredBranch,
  endpoint: SipEndpoint,
): CallStep {
  made.party = branch
  call.joined[branch.side] = branch
  seated(call, branch)
  const isJoined = made.run.kind === 'join'
  if (!isJoined) answered(call, branch)
  else if (made.decision?.kind === 'flow') answeredNow(call)
  const followed = followedBy(call, made)
  if (followed)
    call.flow = flowOf(call, followed, endpoint, {
      side: made.side,
      ours: spokenIn(call, said, endpoint),
      answered: true,
    })
  return {
    to: 'flow',
    effects: [
      ...answeredBy(branch, response, endpoint),
      ...aim(call, branch, said, endpoint),
      listening(call),
      mayStay(aloneMs),
      { type: 'tell' },
      ...(isJoined ? [] : recordedAsSet(call, branch)),
      { type: 'onward', call, name: 'flowHappened', event: { type: 'begun' } },
    ],
  }
}

/** Whom that is connected with has answered, too: what it was told before may not be how the two hear each other. */
export function secondAnswered(
  call: Call,
  { run }: Made,
  branch: Branch,
  said: RelayedSdp,
  endpoint: SipEndpoint,
): CallOrder[] {
  seated(call, branch)
  if (run.kind === 'join') answered(call, branch)
  return putRight(call, branch, said, endpoint)
}

/** What becomes of a transfer which it asks for is as whom it was called. */
function seated(call: Call, branch: Branch): void {
  const { decision } = branch.hunt
  call.came = { ...call.came, [branch.side]: decision && calledParty(decision, branch) }
}

function answered(call: Call, branch: Branch): void {
  call.callee = branch
  answeredNow(call)
}

/** The flow which it follows; undefined: nothing was decided. */
function followedBy(call: Call, { run, decision, forwarder }: Made): FlowDecision | undefined {
  if (!decision || decision.kind === 'flow') return decision
  const { targets, ...rest } = decision
  const { program, programs, variables } =
    run.kind === 'flow' ? run : { program: joiningProgram(call.id), programs: [], variables: {} }
  const known = { ...variablesOf(call, program), ...variables }
  const called = call.record.destination.target
  return { ...rest, kind: 'flow', program, programs, variables: known, forwarder, called }
}

/** What its flow knows of it, as of any other call. */
function variablesOf(
  { record }: Call,
  { id, version }: FlowDecision['program'],
): Readonly<Record<string, string>> {
  const parties = (['source', 'destination'] as const).flatMap((party) =>
    (['type', 'target', 'target_name', 'name', 'detail'] as const).map(
      (part) => [`voipbin.call.${party}.${part}`, record[party][part]] as const,
    ),
  )
  return {
    ...Object.fromEntries(parties),
    'voipbin.call.direction': record.direction,
    'voipbin.call.digits': '',
    'voipbin.activeflow.flow_id': id,
    'voipbin.activeflow.version': String(version),
  }
}
