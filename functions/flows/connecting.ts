import { type ConnectResult, type FlowActionOf, type FlowProgram, flowLimits } from '#contract'
import type { FlowEvent } from './flow-event.ts'
import { entered, type FlowOutcome, type FlowPart, type FlowRun, type FlowScript, wait } from './flow-run.ts'

/** How a connect ended: its result, the last status of a callee, which callee that was, and the flow to which it led. */
interface Ended {
  readonly result: ConnectResult
  readonly status: number
  readonly target: string
  readonly program?: FlowProgram | undefined
}

/** `connect`: the flow goes on when no callee answered, or the one who did has hung up. */
export function* connect(run: FlowRun, { option }: FlowActionOf<'connect'>): FlowScript {
  run.order({ type: 'connect', option })
  const { result, status, target, program } = yield* ended(run, option.timeout)
  const { variables } = run
  variables.set('voipbin.connect.result', result)
  variables.set('voipbin.connect.status', String(status))
  variables.set('voipbin.connect.target', target)
  if (option.variable !== null) variables.set(option.variable, result)
  if (program && result === 'answered') return { outcome: result, actions: entered(run, program) }
  const outcome = { outcome: result, ...(program && { why: tooDeep }) }
  return result !== 'answered' && option.relay_reason ? { ...outcome, end: { status: undefined } } : outcome
}

const tooDeep = `flows lead to flows more than ${flowLimits.depth} times`

/** A callee which leads to a flow counts as one which answered, unless that would be one flow too many. */
function led(run: FlowRun, { program, target }: Extract<FlowEvent, { type: 'connect-led' }>): Ended {
  if (run.tooDeep) return { result: 'failed', status: 482, target, program }
  return { result: 'answered', status: 200, target, program }
}

function* ended(run: FlowRun, timeout: number | null): FlowPart<Ended> {
  if (timeout !== null) wait(run, timeout)
  let target = ''
  for (;;) {
    const event = yield
    if (event.type === 'connect-ended') return { ...event, target }
    if (event.type === 'connect-led') return led(run, event)
    if (event.type === 'timeout' && target === '') {
      run.order({ type: 'stop-connect' })
      return { result: 'no_answer', status: 480, target }
    }
    if (event.type !== 'connected') continue
    run.answered = true
    target = event.target
    run.order({ type: 'stop-wait' })
  }
}

/** `call`: another call begins, and this one goes on. */
export function* call(run: FlowRun, action: FlowActionOf<'call'>): FlowScript {
  const fetch = run.number()
  run.order({ type: 'call', fetch, action })
  wait(run, callMs)
  for (;;) {
    const event = yield
    if (event.type === 'timeout') return { outcome: 'not_called', why: 'it took too long to begin' }
    if (event.type !== 'fetched' || event.fetch !== fetch) continue
    for (const [name, value] of Object.entries(event.variables ?? {})) run.variables.set(name, value)
    return { outcome: event.result === 'ok' ? 'called' : 'not_called', why: event.why }
  }
}

/** So long another call may take to begin. */
const callMs = 5_000

/** What a caller hears who was not answered, by the reason of a `hangup`. */
const statuses: Readonly<Record<FlowActionOf<'hangup'>['option']['reason'], number>> = {
  normal: 480,
  failed: 500,
  busy: 486,
  cancel: 487,
  timeout: 408,
  noanswer: 480,
  dialout: 480,
  rejected: 603,
}

/** `hangup` */
export function hangUp(_: FlowRun, { option }: FlowActionOf<'hangup'>): FlowOutcome {
  return { outcome: 'hung_up', end: { status: statuses[option.reason] } }
}

/** `stop` */
export function stop(): FlowOutcome {
  return { outcome: 'stopped', end: { status: undefined } }
}
