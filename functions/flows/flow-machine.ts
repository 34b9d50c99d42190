import {
  type FlowAction,
  type FlowProgram,
  type FlowTrace,
  flowLimits,
  statusVariable,
  type UtcMs,
} from '#contract'
import { begin } from './actions.ts'
import type { FlowEvent } from './flow-event.ts'
import type { FlowOrder } from './flow-order.ts'
import { FlowPrograms } from './flow-programs.ts'
import { endsRecording, entered, type FlowOutcome, type FlowRun, type FlowScript } from './flow-run.ts'
import { Trace } from './trace.ts'
import { FlowVariables } from './variables.ts'

/** What a flow runs with. */
export interface FlowSetup {
  readonly program: FlowProgram
  /** Flows to which `fetch_flow` leads. */
  readonly programs?: readonly FlowProgram[]
  readonly variables: Readonly<Record<string, string>>
  /** The caller has been answered before. */
  readonly answered?: boolean
  /** An id for a recording: no two are alike. */
  recordingId(): string
}

/** A list of actions under way. */
interface Frame {
  readonly actions: readonly FlowAction[]
  /** Place of the action which is next. */
  at: number
  /** How often each `goto` was passed. */
  readonly passes: Map<string, number>
}

/** Actions which are gone through at one time: then others have their turn. */
const atOnceAtMost = 100

/** Keys which were pressed ahead; more are not kept. */
const keysAtMost = 64

/**
 * A flow as it runs: what happens goes in, what it orders comes out. It ends in any case, since it goes through so many
 * actions and no more, and each of those ends.
 */
export class FlowMachine {
  readonly #setup: FlowSetup
  readonly #frames: Frame[] = []
  readonly #programs: FlowPrograms
  readonly #trace = new Trace()
  readonly #run: Run
  #script: FlowScript | undefined
  #beganAt: UtcMs | undefined
  #executed = 0
  /** Actions which were gone through at one time, and when that is. */
  #atOnce = 0
  #at: UtcMs | undefined
  /** It waits for its own turn, and for nothing else. */
  #yielded = false
  #over = false

  constructor(setup: FlowSetup) {
    this.#setup = setup
    this.#programs = new FlowPrograms([setup.program, ...(setup.programs ?? [])])
    this.#run = new Run(setup, this.#frames)
  }

  /** It has ended. */
  get isOver(): boolean {
    return this.#over
  }

  /** Keys are waited for now. */
  get listens(): boolean {
    return this.#run.listening
  }

  get trace(): FlowTrace {
    const { id, version, name } = this.#setup.program
    return { flow_id: id, version, name, ...this.#trace.read() }
  }

  /** A flow to which this one may lead; undefined: it is not known here. */
  programNamed(id: string): FlowProgram | undefined {
    return this.#programs.find(id)
  }

  receive(event: FlowEvent, now: UtcMs): FlowOrder[] {
    this.#run.now = now
    if (this.#at !== now) this.#atOnce = 0
    this.#at = now
    if (this.#over) return []
    if (event.type === 'begun') this.#begin(now)
    else if (event.type === 'hung-up') this.#close({ outcome: 'left' }, 'left')
    else this.#happened(event)
    return this.#run.take()
  }

  #begin(now: UtcMs): void {
    this.#beganAt ??= now
    this.#push(this.#setup.program.actions)
    this.#next()
  }

  #happened(event: FlowEvent): void {
    const run = this.#run
    if (event.type === 'answered') run.answered = true
    if (event.type === 'fetched') this.#programs.add(event.programs ?? [])
    if (event.type === 'connect-led') this.#programs.add([event.program, ...event.programs])
    if (event.type === 'digit') this.#pressed(event.key)
    if (event.type === 'recorded' && run.recording?.id === event.recording) run.recording = undefined
    if (event.type === 'timeout' && !run.rang()) return
    if (this.#yielded && event.type === 'timeout') this.#goOn()
    else if (this.#script) this.#resume(this.#script.next(event))
  }

  #goOn(): void {
    this.#yielded = false
    this.#atOnce = 0
    this.#next()
  }

  #pressed(key: string): void {
    const run = this.#run
    if (run.keys.length < keysAtMost) run.keys += key
    const { recording } = run
    if (recording && endsRecording(recording.endOfKey, key))
      run.order({ type: 'stop-record', recording: recording.id })
  }

  #resume({ done, value }: IteratorResult<undefined, FlowOutcome>): void {
    if (!done) return
    this.#script = undefined
    this.#concluded(value)
    this.#next()
  }

  /** Goes through actions until one has to wait. */
  #next(): void {
    while (!this.#over && !this.#script) {
      if (++this.#atOnce > atOnceAtMost) return this.#yield()
      const action = this.#take()
      if (!action) return this.#end('hung_up', undefined)
      if (++this.#executed > flowLimits.run) return this.#end('too_long', undefined)
      this.#trace.begin(action, this.#run.now - (this.#beganAt ?? this.#run.now))
      const doing = action.type === 'fetch_flow' ? this.#fetchFlow(action) : begin(this.#run, action)
      if ('outcome' in doing) this.#concluded(doing)
      else this.#start(doing)
    }
  }

  #yield(): void {
    this.#yielded = true
    // A wait of nothing would be over before others are heard.
    this.#run.order({ type: 'wait', ms: 1 })
  }

  #start(script: FlowScript): void {
    const { done, value } = script.next()
    if (done) this.#concluded(value)
    else this.#script = script
  }

  /** The action which is next; lists which are done are left for those they came from. */
  #take(): FlowAction | undefined {
    for (let frame = this.#frames.at(-1); frame; frame = this.#frames.at(-1)) {
      const action = frame.actions[frame.at]
      if (action) {
        frame.at++
        return action
      }
      this.#frames.pop()
    }
    return undefined
  }

  #concluded(outcome: FlowOutcome): void {
    const run = this.#run
    run.settle()
    const why = outcome.why ?? run.variables.refusals()
    this.#trace.conclude({ ...outcome, why }, run.variables.changes())
    if (outcome.end) return this.#end('hung_up', outcome.end.status)
    const frame = this.#frames.at(-1)
    const done = frame?.actions[frame.at - 1]
    const target = outcome.target ?? done?.next_id
    if (target != null && !this.#goTo(target)) return this.#end('no_target', undefined)
    if (outcome.actions?.length) this.#push(outcome.actions)
  }

  /** Goes to an action of this list, or of one it came from. */
  #goTo(id: string): boolean {
    const depth = this.#frames.findLastIndex(({ actions }) => actions.some((action) => action.id === id))
    const frame = this.#frames[depth]
    if (!frame) return false
    this.#frames.length = depth + 1
    frame.at = frame.actions.findIndex((action) => action.id === id)
    return true
  }

  #push(actions: readonly FlowAction[]): void {
    // A server may say what is next for as long as a call lasts: of lists which are done few are kept to go back to.
    const done = this.#frames.length > flowLimits.depth ? this.#frames.findIndex(isDone) : -1
    if (done !== -1) this.#frames.splice(done, 1)
    this.#frames.push({ actions, at: 0, passes: new Map() })
  }

  /** `fetch_flow`: another flow of the customer's, and then what follows. */
  #fetchFlow({ option }: Extract<FlowAction, { type: 'fetch_flow' }>): FlowOutcome {
    const found = this.#programs.find(option.flow_id)
    const tooDeep = this.#frames.length > flowLimits.depth
    const result = found && !tooDeep ? 'ok' : 'refused'
    this.#run.variables.set('voipbin.fetch.result', result)
    if (found && result === 'ok') return { outcome: 'ok', actions: entered(this.#run, found) }
    const why = found ? 'flows lead to flows too often' : 'there is no such flow'
    return { outcome: result, why, target: option.failed_target_id }
  }

  #end(why: string, status: number | undefined): void {
    this.#run.order({ type: 'hang-up', status })
    this.#close({ outcome: why }, why)
  }

  #close(outcome: FlowOutcome, why: string): void {
    this.#run.settle()
    this.#trace.conclude(outcome, this.#run.variables.changes())
    this.#trace.end(why)
    this.#script = undefined
    this.#over = true
  }
}

/** Nothing of a list is left, and it is not the flow itself. */
function isDone({ actions, at }: Frame, depth: number): boolean {
  return depth > 0 && at >= actions.length && actions[at - 1]?.next_id == null
}

/** What the actions of one flow run with. */
class Run implements FlowRun {
  readonly variables: FlowVariables
  keys = ''
  listening = false
  webhooks = 0
  recording: FlowRun['recording']
  now: UtcMs = 0 as UtcMs
  readonly recordingId: () => string
  readonly #frames: readonly Frame[]
  #answered = false
  #orders: FlowOrder[] = []
  #numbers = 0
  #waits = false

  constructor({ variables, answered, recordingId }: FlowSetup, frames: readonly Frame[]) {
    this.variables = new FlowVariables(variables)
    this.answered = answered ?? false
    this.recordingId = recordingId
    this.#frames = frames
  }

  get answered(): boolean {
    return this.#answered
  }

  set answered(answered: boolean) {
    this.#answered = answered
    this.variables.know(statusVariable, answered ? 'progressing' : 'ringing')
  }

  get tooDeep(): boolean {
    return this.#frames.length > flowLimits.depth && !this.#frames.some(isDone)
  }

  order(order: FlowOrder): void {
    if (order.type === 'wait') this.#waits = true
    if (order.type === 'stop-wait') this.#waits = false
    this.#orders.push(order)
  }

  number(): number {
    return ++this.#numbers
  }

  passes(id: string): number {
    const passes = this.#frames.at(-1)?.passes
    const times = (passes?.get(id) ?? 0) + 1
    passes?.set(id, times)
    return times
  }

  /** The time which was waited for is over; false: none was. */
  rang(): boolean {
    const waited = this.#waits
    this.#waits = false
    return waited
  }

  /** An action is over: nothing is waited for. */
  settle(): void {
    this.listening = false
    if (this.#waits) this.order({ type: 'stop-wait' })
  }

  take(): FlowOrder[] {
    const orders = this.#orders
    this.#orders = []
    return orders
  }
}
