import type { MonotonicMs } from '#contract'
import type { CallsEvent } from './call/call-orders.ts'
import { Calls } from './call/calls.ts'
import type { BegunBefore } from './ground/begun-before.ts'
import { Clock, type TimeCorrected } from './ground/clock.ts'
import { earliestOf } from './ground/deadlines.ts'
import type { Effect, Input } from './ground/effects.ts'
import { QuestionNumbers } from './ground/questions.ts'
import { type BeatPart, beatPartOf } from './ground/reporter.ts'
import { RoomDispatcher } from './ground/room-dispatcher.ts'
import type { ServedDomains } from './ingress/admission.ts'
import { openIngress } from './ingress/ingress.ts'
import { Ledger } from './limits/ledger.ts'
import { type LimitSource, limitsOn } from './limits/scope.ts'
import { Ports } from './media/ports.ts'
import { CallForwarding } from './policy/call-forwarding.ts'
import { Domains } from './policy/domains.ts'
import { type CallDecided, QuotaWait } from './policy/quota-wait.ts'
import { RoutingClient } from './policy/routing-client.ts'
import type { RoutingEvent } from './policy/routing-events.ts'
import { SnapshotCache, type SnapshotEvent } from './policy/snapshot-cache.ts'
import { Providers } from './providers/providers.ts'
import { MessageWaiting } from './registrar/message-waiting.ts'
import { Neighbours } from './registrar/neighbours.ts'
import { Registrar } from './registrar/registrar.ts'
import { type TransactionOutput, Transactions } from './transaction/layer.ts'
import type { SipEndpoint } from './ua/endpoint.ts'

/** How the engine is set up. */
interface EngineSetup {
  readonly endpoint: SipEndpoint
  readonly served: ServedDomains
  /** First and last RTP port of our range. */
  readonly rtpPorts: readonly [number, number]
  /** Sockets there may be for sound: two are one pair; absent: as many as the range has. */
  readonly mediaSockets?: number
  /** Calls whose Opus is turned at once; absent: any number. */
  readonly opusCalls?: number
  /** Who has which limits; absent: as the snapshots say. */
  readonly limits?: LimitSource
}

/** What a room has to say to those above it. */
type RoomEvent =
  | Exclude<TransactionOutput, { type: 'send' }>
  | (CallsEvent | RoutingEvent | SnapshotEvent | CallDecided | TimeCorrected)

/** All a relay hears, from outside and of itself; `tick`: time has passed. */
export type Happening = Input | RoomEvent | { readonly type: 'tick' }

/** The rooms, from the ground up: each is given those below which it stands on. */
function compose({ endpoint: given, served, rtpPorts, mediaSockets, opusCalls, limits }: EngineSetup) {
  const endpoint = { ...given }
  const { entropy, hashes } = endpoint
  const { baseDomain, names } = served
  const clock = new Clock(endpoint)
  const numbers = new QuestionNumbers()
  const transactions = new Transactions({ seed: Number.parseInt(hashes.mac('transactions').slice(0, 7), 16) })
  const ports = new Ports(rtpPorts, entropy.below, mediaSockets)
  const snapshots = new SnapshotCache({ clock, numbers, entropy })
  const ledger = new Ledger(endpoint, limits ?? limitsOn(snapshots.index), opusCalls)
  const providers = new Providers({
    endpoint,
    numbers,
    transactions,
    ports,
    snapshots,
    clock,
    ledger,
    baseDomain,
  })
  const routing = new RoutingClient({ baseDomain, clock, numbers, snapshots, providers, ledger })
  const quotaWait = new QuotaWait({ routing, ledger })
  const domains = new Domains({ snapshots, baseDomain, names, hashes })
  const registrar = new Registrar(endpoint, domains)
  const messageWaiting = new MessageWaiting({ endpoint, registrar, transactions })
  const neighbours = new Neighbours(endpoint)
  const below = { endpoint, numbers, transactions, registrar, neighbours, messageWaiting }
  const carriers = snapshots.index.configuration
  const calls = new Calls({ ...below, ports, ledger, serviceRoutes: providers, carriers })
  const forwarding = new CallForwarding({ quotaWait, calls })
  const ingress = openIngress({
    ...below,
    served,
    clock,
    calls,
    routing,
    snapshots,
    domains,
    quotaWait,
    providers,
  })
  return {
    ...below,
    ports,
    snapshots,
    clock,
    ledger,
    providers,
    routing,
    quotaWait,
    calls,
    forwarding,
    ...ingress,
  }
}

/**
 * The whole relay without its sockets: what happens goes in, what to do comes out. A room calls those it stands on, and
 * returns what it has to say to those above: the table says which hear it. `now` is monotonic milliseconds.
 */
export class Engine {
  /** The rooms by name: for the operator, and for what the process asks of one of them. */
  readonly rooms: ReturnType<typeof compose>
  readonly #dispatcher: RoomDispatcher<Happening, RoomEvent>
  /** The rooms which want to be told the time. */
  readonly #waiting: Parameters<typeof earliestOf>[0]

  constructor(setup: EngineSetup) {
    this.rooms = compose(setup)
    const { clock, transactions, ledger, providers, routing, quotaWait, registrar, calls, forwarding } =
      this.rooms
    const { messageWaiting, neighbours } = this.rooms
    const { packets, dialogs, uas, revocations, blocks } = this.rooms
    this.#waiting = [transactions, calls, registrar, messageWaiting, uas, quotaWait, providers]
    this.#dispatcher = new RoomDispatcher(
      {
        packet: [packets],
        request: [dialogs, uas],
        response: [calls, providers, messageWaiting],
        timeout: [calls, providers, messageWaiting],
        unreachable: [calls, providers, messageWaiting],
        ended: [calls, providers, messageWaiting],
        stray: [registrar, packets],
        unacknowledged: [],
        unsent: [transactions],
        closed: [uas, transactions, providers, registrar],
        answered: [calls, routing, providers],
        unanswered: [calls, routing, providers],
        routed: [quotaWait],
        sendOn: [forwarding],
        decided: [uas, forwarding],
        account: [revocations, uas],
        observed: [providers],
        referred: [uas],
        made: [uas],
        media: [calls],
        beat: [
          clock,
          neighbours,
          routing,
          ledger,
          providers,
          calls,
          revocations,
          // What is ordered comes before what is told of the rest.
          registrar,
          blocks,
          quotaWait,
          messageWaiting,
        ],
        news: [neighbours, routing, ledger, providers, calls, revocations, blocks, quotaWait, messageWaiting],
        pong: [routing, ledger, revocations],
        unbeaten: [neighbours, routing],
        cached: [routing],
        configured: [providers, revocations],
        revoked: [revocations],
        restored: [clock, registrar, routing, revocations],
        remembered: [ledger],
        corrected: [registrar],
        begun: [calls],
        drain: [uas, providers, registrar, calls],
        resume: [uas, providers, registrar, calls],
        stop: [uas, calls],
        tick: [messageWaiting, transactions, calls, uas, quotaWait, providers, registrar],
      },
      ['request', 'response', 'timeout', 'unreachable', 'ended', 'stray', 'answered', 'unanswered'],
    )
  }

  /** Something happened, or time passed; these are its consequences. */
  receive(now: MonotonicMs, happening: Happening): Effect[] {
    this.rooms.clock.now = now
    return this.#dispatcher.dispatch(happening, now)
  }

  /** When to tell the time (`tick`) next; undefined: not before something happens. */
  nextDeadline(): number | undefined {
    return earliestOf(this.#waiting)
  }

  /** What is to be said in a beat sent now. */
  pulse(now: MonotonicMs): BeatPart {
    const { admission, routing, ledger, providers, calls, revocations, messageWaiting } = this.rooms
    return beatPartOf([admission, routing, ledger, providers, calls, revocations, messageWaiting], now)
  }

  /** What the process after this one is to know of how fast calls out began; undefined: nothing new since it was asked. */
  begunLately(now: MonotonicMs): BegunBefore[] | undefined {
    return this.rooms.ledger.begunLately(now)
  }

  /** Calls under way, remembered, and counted in limits; bindings, transactions, registrations at providers: for the operator. */
  get load() {
    const { calls, registrar, transactions, ledger, providers } = this.rooms
    return {
      calls: calls.active,
      legs: calls.legs,
      bindings: registrar.size,
      transactions: transactions.size,
      counted: ledger.size,
      turned: ledger.turned.size,
      registrations: providers.registrations,
    }
  }
}
