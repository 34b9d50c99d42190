import {
  type Address,
  destinationName,
  type FlowActionOf,
  type FlowDestination,
  type FlowProgram,
  type Forwarder,
  flowLimits,
  type OriginateCommand,
} from '#contract'
import type { OrderedCall } from '#routing'
import type { Entropy } from '../ground/effects.ts'
import { utcOf } from './record.ts'
import type { Call, FlowCall } from './state.ts'

/** A call which is to be made. */
export interface CallToMake extends OrderedCall {
  readonly run: OriginateCommand['run']
  readonly ring_ms: number | null
  /** On whose behalf its flow calls others. */
  readonly forwarder: Forwarder
  /** Flows which led to it, each by a call of its own. */
  readonly depth: number
  /** Whether its caller id is hidden; null: as any call of the customer has it. */
  readonly hidden: boolean | null
}

/** A call which the API ordered. */
export function orderedByApi(command: OriginateCommand): CallToMake {
  const { customer_id, extension_id, source, caller_id } = command
  const forwarder: Forwarder =
    extension_id === null
      ? { kind: 'number', id: customer_id, name: caller_id ?? nameOf(source) }
      : { kind: 'extension', id: extension_id, name: nameOf(source) }
  return { ...command, forwarder, depth: 0, hidden: null }
}

/** The calls which a flow's `call` makes, one to each destination; or why it makes none. */
export function callsOfFlow(
  call: Call,
  { option }: FlowActionOf<'call'>,
  entropy: Pick<Entropy, 'uuid'>,
): readonly CallToMake[] | string {
  const { flow, made } = call
  const { customerId } = call.record
  const depth = (made?.depth ?? 0) + 1
  if (!flow || customerId === undefined) return 'it is not known whose call it is'
  if (depth > flowLimits.callDepth) return `flows led to calls ${flowLimits.callDepth} times already`
  const program = programOf(flow, option)
  if (typeof program === 'string') return program
  const { forwarder, program: own, programs } = flow.decision
  return option.destinations.map((destination) => ({
    call_id: entropy.uuid(utcOf(call)),
    customer_id: customerId,
    source: sourceOf(forwarder, option.source),
    destination: { ...destination, target: destinationName(destination) },
    extension_id: forwarder.kind === 'extension' ? forwarder.id : null,
    caller_id: null,
    ring_ms: ringMsOf(destination),
    run: { kind: 'flow', program, programs: [own, ...programs], variables: program.variables ?? {} },
    forwarder,
    depth,
    hidden: { yes: true, no: false, auto: null, '': null }[option.anonymous],
  }))
}

/** What it does when it is answered, or why that is nothing. */
function programOf(
  { machine, decision }: FlowCall,
  { flow_id, actions }: FlowActionOf<'call'>['option'],
): FlowProgram | string {
  if (flow_id !== null) return machine.programNamed(flow_id) ?? `there is no flow ${flow_id}`
  if (actions === null) return 'it has neither a flow_id nor actions: nothing would be said to who answers'
  return { ...decision.program, variables: {}, actions }
}

function sourceOf({ kind, name }: Forwarder, said: FlowActionOf<'call'>['option']['source']): Address {
  if (said) return said
  const type = kind === 'extension' ? 'extension' : 'tel'
  return { type, target: name, target_name: kind === 'extension' ? name : '', name: '', detail: '' }
}

function ringMsOf({ ring_seconds }: FlowDestination): number | null {
  return ring_seconds === null ? null : ring_seconds * 1000
}

function nameOf({ type, target, target_name }: Address): string {
  return type === 'extension' && target_name !== '' ? target_name : target
}
