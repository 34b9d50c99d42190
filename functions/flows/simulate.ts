import { type ConnectResult, type FlowTrace, type UtcMs, utcMs } from '#contract'
import type { FlowEvent } from './flow-event.ts'
import { FlowMachine, type FlowSetup } from './flow-machine.ts'
import type { FlowOrder } from './flow-order.ts'

/** How the world answers a flow which is tried without a call. */
export interface Simulated extends Omit<FlowSetup, 'recordingId'> {
  /** When the call begins. */
  readonly at: UtcMs
  /** Keys which the caller presses when it is asked, one after the other; a comma: it lets the time pass. */
  readonly digits: string
  /** How each `connect` ends, in turn; where it says nothing, `answered`. */
  readonly answers?: readonly ConnectResult[]
  /** What each `fetch`, `webhook_send` and `call` comes to, in turn; where it says nothing, `ok` and no actions. */
  readonly fetched?: readonly Omit<Extract<FlowEvent, { type: 'fetched' }>, 'type' | 'fetch'>[]
}

/** What came of it: its trace, and what it ordered. */
export interface Simulation {
  readonly trace: FlowTrace
  /** The first MiB of them, and how it ended. */
  readonly orders: readonly FlowOrder[]
}

/** What is played lasts so long, as far as one can tell without hearing it. */
const playMs = 2_000
/** And a call which is answered, or a recording. */
const spokenMs = 30_000

/** The statuses by which a connect ends so. */
const statuses: Readonly<Record<ConnectResult, number>> = {
  answered: 200,
  busy: 486,
  no_answer: 480,
  not_registered: 480,
  failed: 503,
}

/** Runs a flow by given keys and answers, at a given instant. */
export function simulate(world: Simulated): Simulation {
  let recordings = 0
  const machine = new FlowMachine({ ...world, recordingId: () => recordingId(++recordings) })
  const parties = new SimulatedParties(world)
  const [room, orders]: [OrderRoom, FlowOrder[]] = [new OrderRoom(), []]
  let [event, now]: [FlowEvent | undefined, number] = [{ type: 'begun' }, world.at]
  while (event && !machine.isOver) {
    const ordered = machine.receive(event, utcMs(now))
    orders.push(...ordered.filter((order) => room.takes(order)))
    parties.hear(ordered)
    const next = parties.next(machine.listens)
    event = next?.event
    now += next?.ms ?? 0
  }
  return { trace: machine.trace, orders }
}

/** So many characters of orders are told, as JSON: each may bring all variables along. */
const toldAtMost = 1_048_576

/** How much room for orders is left. */
class OrderRoom {
  #room = toldAtMost

  /** Whether an order is told; how a flow ends always is. */
  takes(order: FlowOrder): boolean {
    if (order.type === 'hang-up') return true
    if (this.#room > 0) this.#room -= JSON.stringify(order).length
    return this.#room > 0
  }
}

function isAwaited({ action }: Extract<FlowOrder, { type: 'call' | 'fetch' }>): boolean {
  return action.type !== 'webhook_send' || action.option.sync
}

function recordingId(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
}

/** What happens next, and how many milliseconds later. */
interface SimulatedEvent {
  readonly event: FlowEvent
  readonly ms: number
}

/** A caller who does as it is told, and the others of a call. */
class SimulatedParties {
  readonly #coming: SimulatedEvent[] = []
  readonly #digits: string[]
  readonly #answers: ConnectResult[]
  readonly #fetched: NonNullable<Simulated['fetched']>[number][]
  /** Milliseconds until the time is over which is waited for. */
  #waits: number | undefined

  constructor({ digits, answers = [], fetched = [] }: Simulated) {
    this.#digits = [...digits]
    this.#answers = [...answers]
    this.#fetched = [...fetched]
  }

  hear(orders: readonly FlowOrder[]): void {
    for (const order of orders) this.#heard(order)
  }

  #heard(order: FlowOrder): void {
    switch (order.type) {
      case 'answer':
        return this.#comes({ type: 'answered' }, 0)
      case 'play':
        return this.#comes({ type: 'played', play: order.play }, playMs)
      case 'wait':
        this.#waits = order.ms
        return
      case 'stop-wait':
        this.#waits = undefined
        return
      case 'connect':
        return this.#connected(order.option.destinations[0]?.target ?? '')
      case 'call':
      case 'fetch':
        return isAwaited(order)
          ? this.#comes({ type: 'fetched', fetch: order.fetch, ...this.#said() }, 0)
          : undefined
      case 'record':
        if (order.mailbox !== undefined)
          this.#comes({ type: 'recorded', recording: order.recording }, spokenMs)
        return
    }
  }

  #comes(event: FlowEvent, ms: number): void {
    this.#coming.push({ event, ms })
  }

  #said() {
    return this.#fetched.shift() ?? ({ result: 'ok' } as const)
  }

  #connected(target: string): void {
    const result = this.#answers.shift() ?? 'answered'
    if (result === 'answered') this.#comes({ type: 'connected', target }, 0)
    const ms = result === 'answered' ? spokenMs : 0
    this.#comes({ type: 'connect-ended', result, status: statuses[result] }, ms)
  }

  /** What happens next; undefined: nothing ever will. */
  next(listens: boolean): SimulatedEvent | undefined {
    const coming = this.#coming.shift()
    if (coming) return coming
    const key = listens ? this.#digits.shift() : undefined
    if (key !== undefined && key !== ',') return { event: { type: 'digit', key }, ms: 0 }
    if (this.#waits === undefined) return undefined
    const ms = this.#waits
    this.#waits = undefined
    return { event: { type: 'timeout' }, ms }
  }
}
