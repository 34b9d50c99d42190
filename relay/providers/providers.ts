import type { BeatAnswer, HealthStatus, MonotonicMs, ProviderFacts } from '#contract'
import type { ProviderObserved } from '../call/call-orders.ts'
import type { ServiceRoutes } from '../call/state.ts'
import type { Clock } from '../ground/clock.ts'
import { earliestOf } from '../ground/deadlines.ts'
import { EffectBuffer } from '../ground/effect-buffer.ts'
import type { Effect, Input } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import type { QuestionNumbers, Reply } from '../ground/questions.ts'
import type { BeatPart, BeatReporter } from '../ground/reporter.ts'
import { countBeginning, describe } from '../limits/admit-call.ts'
import type { Ledger } from '../limits/ledger.ts'
import type { Ports } from '../media/ports.ts'
import type { ProviderState } from '../policy/routing-events.ts'
import type { SnapshotCache, SnapshotEvent } from '../policy/snapshot-cache.ts'
import type { ClientOutput, TransactionOutput, Transactions } from '../transaction/layer.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { OutOfDialogRequests, type RequestOver } from '../ua/out-of-dialog.ts'
import { ProviderAddresses } from './addresses.ts'
import { Monitor } from './monitor.ts'
import { Registrant } from './registrant.ts'
import { type DrillStanding, Tester } from './tester.ts'

/** The rooms on which dealing with providers stands. */
interface ProvidersDeps {
  readonly endpoint: SipEndpoint
  readonly numbers: QuestionNumbers
  readonly transactions: Transactions
  readonly ports: Ports
  readonly snapshots: SnapshotCache
  readonly clock: Clock
  readonly ledger: Ledger
  readonly baseDomain: string
}

/** What happens to providers and to requests of ours to them. */
type ProvidersInput =
  | ClientOutput
  | Reply
  | ProviderObserved
  | Extract<SnapshotEvent, { type: 'configured' }>
  | Extract<Input, { type: 'beat' | 'news' | 'closed' | 'drain' | 'resume' }>
  | { readonly type: 'tick' }

/** Snapshots come one by one; what they say of providers is read once for all which come within so long. */
const gatherMs = 250

/** Everything we have to do with providers outside of calls: how they are, tests of them, registrations at them. */
export class Providers implements BeatReporter, ProviderState, ServiceRoutes {
  readonly #effects = new EffectBuffer<TransactionOutput>()
  readonly #snapshots: SnapshotCache
  /** Those in here which want to be told the time. */
  readonly #waiting: Parameters<typeof earliestOf>[0]
  readonly #outOfDialog: OutOfDialogRequests
  readonly #monitor: Monitor
  readonly #addresses: ProviderAddresses
  readonly #tester: Tester
  readonly #registrant: Registrant
  #renewal: number | undefined

  constructor(deps: ProvidersDeps) {
    const { endpoint, numbers, transactions, ports, snapshots } = deps
    const effects = this.#effects
    const outOfDialog = new OutOfDialogRequests({ endpoint, transactions, effects, numbers })
    this.#snapshots = snapshots
    this.#outOfDialog = outOfDialog
    this.#monitor = new Monitor({ endpoint, outOfDialog, effects })
    this.#addresses = new ProviderAddresses({ effects, numbers })
    this.#registrant = new Registrant({ endpoint, outOfDialog, effects })
    const serviceRoutes = this.#registrant
    const around = { endpoint, transactions, outOfDialog, ports, snapshots, serviceRoutes, effects, numbers }
    this.#tester = new Tester({ ...around, ...this.#standing(deps) })
    const rooms = [outOfDialog, this.#monitor, this.#addresses, this.#tester, this.#registrant]
    this.#waiting = [...rooms, { nextDeadline: () => this.#renewal }]
  }

  /** How things stand for a drill: as for any call, but that nothing it does is seen by calls, except by the guard. */
  #standing({ snapshots, clock, ledger, baseDomain }: ProvidersDeps): DrillStanding {
    return {
      live: (now, callId) => ({
        at: clock.at,
        baseDomain,
        decidedBy: 'relay',
        snapshotAgeMs: 0,
        version: (customerId) => snapshots.index.version(customerId) ?? null,
        health: (providerId) => this.#monitor.health(now, providerId),
        use: (scope) => ledger.use(scope, now, callId),
      }),
      begins: (now, callId, decision) => countBeginning(ledger, now, callId, decision),
      full: (now, id) => {
        const limit = ledger.limits({ kind: 'provider', id }, now).find(({ exceeded }) => exceeded)
        return limit && `It is full (${describe(limit)}), and was not called.`
      },
    }
  }

  receive(event: ProvidersInput, now: MonotonicMs): (Effect | TransactionOutput)[] | undefined {
    switch (event.type) {
      case 'beat':
        this.#beatAnswered(now, event)
        break
      case 'news':
        this.#told(now, event.news)
        break
      case 'observed':
        this.#monitor.observe(now, event.providerId, event.seen)
        break
      case 'configured':
        this.#renewal ??= now + gatherMs
        break
      case 'closed':
        this.#registrant.closed(now, event.flow)
        break
      case 'drain':
        // No new calls shall come here: other relays register now.
        this.#registrant.drain(now)
        break
      case 'resume':
        this.#registrant.resume(now)
        break
      case 'tick':
        this.#tick(now)
        break
      default:
        if (!this.#heard(now, event)) return undefined
    }
    return this.#effects.take()
  }

  /** Registrations which stand, or are being taken back. */
  get registrations(): number {
    return this.#registrant.size
  }

  /** Whether a provider's calls come over this connection. */
  needs(flow: Flow): boolean {
    return this.#registrant.needs(flow)
  }

  /** The route which a provider's registrar gave us for calls out; empty: none. */
  serviceRoute(providerId: string): readonly string[] {
    return this.#registrant.serviceRoute(providerId)
  }

  /** How a provider is, as far as any relay knows. */
  health(now: MonotonicMs, providerId: string): HealthStatus {
    return this.#monitor.health(now, providerId)
  }

  /** Whether this call may be the one which tries a half-open provider; a yes is given once. */
  trial(now: MonotonicMs, providerId: string): boolean {
    return this.#monitor.trial(now, providerId)
  }

  /** Providers whose host is at an address, as this relay found it. */
  foundAt(address: string): readonly ProviderFacts[] {
    return this.#addresses.at(address)
  }

  beatPart(now: MonotonicMs): Partial<BeatPart> {
    return {
      health: this.#monitor.reports(now),
      hosts: this.#addresses.reports(now),
      registrations: this.#registrant.reports(),
      results: this.#tester.results(),
    }
  }

  nextDeadline(): number | undefined {
    return earliestOf(this.#waiting)
  }

  #beatAnswered(now: MonotonicMs, { answer, sentAt }: Extract<Input, { type: 'beat' }>): void {
    this.#addresses.beatAnswered()
    this.#tester.delivered(now, sentAt)
    this.#told(now, answer)
  }

  #told(
    now: MonotonicMs,
    { health, registrations, withdrawn = [], commands = [] }: Partial<BeatAnswer>,
  ): void {
    if (health) this.#monitor.aggregated(health)
    if (registrations) this.#registrant.assigned(now, registrations, withdrawn)
    for (const command of commands)
      if (command.kind === 'test_provider' || command.kind === 'drill') this.#tester.command(now, command)
  }

  /** An answer, or a response, to one of our requests; false: it is to none. */
  #heard(now: MonotonicMs, event: ClientOutput | Reply): boolean {
    const heard = this.#outOfDialog.receive(event, now)
    if (heard !== undefined && heard !== 'under way') this.#over(now, heard)
    if (heard !== undefined || this.#tester.receive(event, now)) return true
    return event.type === 'answered' || event.type === 'unanswered'
      ? this.#addresses.answered(now, event)
      : false
  }

  #over(now: MonotonicMs, over: RequestOver): void {
    if (!this.#monitor.over(now, over) && !this.#registrant.over(now, over)) this.#tester.over(now, over)
  }

  #tick(now: MonotonicMs): void {
    if (this.#renewal !== undefined && this.#renewal <= now) this.#configure(now)
    const tick = { type: 'tick' } as const
    for (let over = this.#outOfDialog.receive(tick, now); over; over = this.#outOfDialog.receive(tick, now))
      if (over !== 'under way') this.#over(now, over)
    for (const room of [this.#monitor, this.#addresses, this.#tester, this.#registrant]) room.tick(now)
  }

  /** All providers there are, as they are configured now. */
  #configure(now: MonotonicMs): void {
    this.#renewal = undefined
    const list = this.#snapshots.index.providers()
    this.#monitor.configure(now, list)
    this.#addresses.configure(now, list)
    this.#registrant.configure(now, list)
  }
}
