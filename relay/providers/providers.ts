import type { BeatAnswer, HealthStatus, MonotonicMs, ProviderFacts } from '#contract'
import type { Observation } from '#routing'
import type { EffectBuffer } from '../ground/effect-buffer.ts'
import type { Flow } from '../ground/flow.ts'
import type { BeatPart, BeatReporter } from '../ground/reporter.ts'
import type { Ports } from '../media/ports.ts'
import type { TransactionOutput, Transactions } from '../transaction/layer.ts'
import { type ClientOutput, ClientTransactions } from '../ua/client-transactions.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { OutOfDialogRequests } from '../ua/out-of-dialog.ts'
import { ProviderAddresses } from './addresses.ts'
import { Monitor } from './monitor.ts'
import { Registrant } from './registrant.ts'
import { Tester } from './tester.ts'

/** What dealing with providers needs of the rooms around it. */
interface ProvidersDeps {
  readonly endpoint: SipEndpoint
  readonly effects: EffectBuffer
  readonly transactions: Transactions
  readonly ports: Ports
  /** All providers there are, as they are configured now. */
  providers(): readonly ProviderFacts[]
  /** One of them; undefined: it is not known here. */
  provider(id: string): ProviderFacts | undefined
  /** Whether a customer's configuration is here as it stands now. */
  current(now: MonotonicMs, customerId: string): boolean
  /** A customer's country; '' where it is not known. */
  country(customerId: string): string
  carry(now: MonotonicMs, outputs: readonly TransactionOutput[]): void
}

/** Snapshots come one by one; what they say of providers is read once for all which come within so long. */
const gatherMs = 250

/** Everything we have to do with providers outside of calls: how they are, tests of them, registrations at them. */
export class Providers implements BeatReporter {
  readonly #clientTransactions: ClientTransactions
  readonly #outOfDialog: OutOfDialogRequests
  readonly #monitor: Monitor
  readonly #addresses: ProviderAddresses
  readonly #tester: Tester
  readonly #registrant: Registrant
  readonly #providers: ProvidersDeps['providers']

  #changes = 0
  #renewal: number | undefined

  constructor(deps: ProvidersDeps) {
    const { endpoint, effects, transactions, ports, providers, current, country, carry } = deps
    const { ask, emit } = effects
    const clientTransactions = new ClientTransactions(transactions, carry)
    const outOfDialog = new OutOfDialogRequests({ endpoint, clientTransactions, ask })
    const note = effects.note.bind(effects)
    const facts = deps.provider
    this.#monitor = new Monitor({ endpoint, outOfDialog, note })
    this.#addresses = new ProviderAddresses({ ask, note, beatNow: () => emit({ type: 'beat' }) })
    this.#tester = new Tester({
      endpoint,
      clientTransactions,
      outOfDialog,
      ports,
      country,
      current,
      facts,
      serviceRoute: (id) => this.#registrant.serviceRoute(id),
      ask,
      emit,
      note,
    })
    this.#registrant = new Registrant({ endpoint, outOfDialog, emit, note })
    this.#clientTransactions = clientTransactions
    this.#outOfDialog = outOfDialog
    this.#providers = providers
  }

  /** The configuration has changed where `changes` is another number than before: it is read in a moment. */
  renew(now: MonotonicMs, changes: number): void {
    if (changes === this.#changes) return
    this.#changes = changes
    this.#renewal ??= now + gatherMs
  }

  /** Registrations which stand, or are being taken back. */
  get registrations(): number {
    return this.#registrant.size
  }

  /** Whether a provider's calls come over this connection. */
  needs(flow: Flow): boolean {
    return this.#registrant.needs(flow)
  }

  closed(now: MonotonicMs, flow: Flow): void {
    this.#registrant.closed(now, flow)
  }

  /** No new calls shall come here: other relays register now. */
  drain(now: MonotonicMs): void {
    this.#registrant.drain(now)
  }

  /** The route which a provider's registrar gave us for calls out; empty: none. */
  serviceRoute(providerId: string): readonly string[] {
    return this.#registrant.serviceRoute(providerId)
  }

  /** A call went to a provider, or did not. */
  observe(now: MonotonicMs, providerId: string, seen: Observation): void {
    this.#monitor.observe(now, providerId, seen)
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

  beatAnswered(now: MonotonicMs, answer: BeatAnswer, sentAt: MonotonicMs): void {
    this.#monitor.aggregated(answer.health)
    this.#addresses.beatAnswered()
    this.#registrant.assigned(now, answer.registrations, answer.withdrawn)
    this.#tester.delivered(now, sentAt)
    for (const command of answer.commands) this.#tester.command(now, command)
  }

  /** What became of a request; false: it is none of ours. */
  receive(now: MonotonicMs, output: ClientOutput): boolean {
    return this.#clientTransactions.receive(now, output)
  }

  tick(now: MonotonicMs): void {
    if (this.#renewal !== undefined && this.#renewal <= now) this.#configure(now)
    for (const room of this.#rooms) room.tick(now)
  }

  nextDeadline(): number | undefined {
    const next = this.#rooms.flatMap((room) => room.nextDeadline() ?? [])
    if (this.#renewal !== undefined) next.push(this.#renewal)
    return next.length === 0 ? undefined : Math.min(...next)
  }

  #configure(now: MonotonicMs): void {
    this.#renewal = undefined
    const list = this.#providers()
    this.#monitor.configure(now, list)
    this.#addresses.configure(now, list)
    this.#registrant.configure(now, list)
  }

  get #rooms() {
    return [this.#outOfDialog, this.#monitor, this.#addresses, this.#tester, this.#registrant]
  }
}
