import type {
  CommandResult,
  DrillCommand,
  MonotonicMs,
  ProviderFacts,
  RouteDecision,
  TestCommand,
} from '#contract'
import type { Runtime } from '#routing'
import type { ServiceRoutes } from '../call/state.ts'
import { Deadlines } from '../ground/deadlines.ts'
import type { EffectBuffer } from '../ground/effect-buffer.ts'
import { locatedBy, type QuestionNumbers, Questions, type Reply } from '../ground/questions.ts'
import { LegRequests } from '../leg/leg-requests.ts'
import type { Ports } from '../media/ports.ts'
import type { SnapshotCache } from '../policy/snapshot-cache.ts'
import type { ClientOutput, TransactionOutput, Transactions } from '../transaction/layer.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { firstHop } from '../ua/first-hop.ts'
import type { OutOfDialogRequests, RequestInFlight, RequestOver } from '../ua/out-of-dialog.ts'
import { type DrillReport, DrillRun, drillDecision } from './drill.ts'
import { accountOf, optionsFor, targetOf } from './options.ts'
import { optionsReport, TestLog, type TestReport } from './report.ts'
import type { TestCallMemory } from './test-call.ts'
import { TestCallRunner, type TestRequests, timeoutMs, type Wakeup } from './test-call-runner.ts'
import { inviteFor } from './test-invite.ts'

/** What a drill is decided and stopped by. */
export interface DrillStanding {
  live(now: MonotonicMs, callId: string): Omit<Runtime, 'trial' | 'down'>
  /** A drill begins to call, which its customer's guard counts. */
  begins(now: MonotonicMs, callId: string, decision: RouteDecision): void
  /** Why a provider has no room for a call, in a sentence; undefined: it has. */
  full(now: MonotonicMs, providerId: string): string | undefined
}

/** What tests stand on. */
interface TesterDeps extends DrillStanding {
  readonly endpoint: SipEndpoint
  readonly transactions: Transactions
  readonly effects: EffectBuffer<TransactionOutput>
  readonly outOfDialog: OutOfDialogRequests
  readonly ports: Ports
  readonly snapshots: SnapshotCache
  readonly serviceRoutes: ServiceRoutes
  readonly numbers: QuestionNumbers
}

/* Implementation */
/** So many addresses of one host are tried. */
const addressesAtMost = 5
const testsAtOnce = 20
/** So long a provider's newest configuration is waited for, looking so often whether it has come. */
const newsMs = 5_000
const lookMs = 200
/** A result that was heard is remembered so long, for its command may come once more. */
const rememberMs = 600_000

interface Test {
  readonly command: TestCommand | DrillCommand
  readonly since: number
  report: TestReport | DrillReport | undefined
  foundAt: number | undefined
  heardAt: number | undefined
}

/** Tries providers on command and says in words what came of it; results are kept until the edge has heard them. */
export class Tester {
  readonly #deps: TesterDeps
  readonly #tests = new Map<string, Test>()
  readonly #deadlines = new Deadlines<Wakeup>()
  /** Test calls whose provider's host is looked for. */
  readonly #questions: Questions<TestCallRunner>
  readonly #requests: TestRequests
  readonly #probes = new Map<RequestInFlight, { readonly test: Test; readonly provider: ProviderFacts }>()

  constructor(deps: TesterDeps) {
    this.#deps = deps
    this.#questions = new Questions(deps.effects, deps.numbers)
    this.#requests = new LegRequests(deps.transactions)
  }

  /** What came of a test call's question or request; false: it is of none. */
  receive(event: Reply | ClientOutput, now: MonotonicMs): boolean {
    if (event.type === 'answered' || event.type === 'unanswered') {
      const call = this.#questions.answered(event)
      call?.step(now, 'located', { now, located: locatedBy(event) })
      return call !== undefined
    }
    const result = this.#requests.heard(event)
    result?.owner.heard(now, result)
    return result !== undefined
  }

  /** A request is over; false: it is no test's. */
  over(now: MonotonicMs, { request, outcome }: RequestOver): boolean {
    const probe = this.#probes.get(request)
    this.#probes.delete(request)
    if (!probe) return false
    const { test, provider } = probe
    this.#found(now, test, optionsReport(provider, outcome, this.#deps.endpoint.address))
    return true
  }

  /** A command from the edge; one which came before is not carried out again. */
  command(now: MonotonicMs, command: TestCommand | DrillCommand): void {
    this.#forget(now)
    if (this.#tests.has(command.command_id)) return
    const test: Test = { command, since: now, report: undefined, foundAt: undefined, heardAt: undefined }
    this.#tests.set(command.command_id, test)
    this.#begin(now, test, now + newsMs)
  }

  /** A customer who changed a provider a second ago means it as it is now: its snapshot may be on its way. */
  #begin(now: MonotonicMs, test: Test, until: number): void {
    const { command } = test
    const { snapshots } = this.#deps
    const { configuration } = snapshots.index
    const provider = command.kind === 'drill' ? undefined : configuration.provider(command.provider_id)
    const known = command.kind === 'drill' ? configuration.customer(command.customer_id) : provider
    const settled = known !== undefined && snapshots.current(now, command.customer_id)
    if (!settled && now < until) {
      this.#deadlines.set(now + lookMs, { ring: (later) => this.#begin(later, test, until) })
      return
    }
    if (this.#running() > testsAtOnce)
      return this.#found(now, test, nothing('too many tests run at once; try again'))
    if (command.kind === 'drill') return this.#drill(now, test, command)
    if (!provider) return this.#found(now, test, nothing('this relay does not know the provider'))
    if (command.type === 'options') return this.#options(now, test, provider)
    if (command.to === null) return this.#found(now, test, nothing('a test call needs a number in `to`'))
    const { to, from } = command
    this.#call(now, provider, { to, from }, (later, report) => this.#found(later, test, report))
  }

  /** For the beat: what the edge has not heard yet. */
  results(): CommandResult[] {
    return [...this.#tests.values()].flatMap(({ command, report, heardAt }) =>
      report === undefined || heardAt !== undefined
        ? []
        : { command_id: command.command_id, result: { ...typeOf(command), ...report } },
    )
  }

  /** The beat sent at `sentAt` was answered: what was found before it has been heard. */
  delivered(now: MonotonicMs, sentAt: MonotonicMs): void {
    for (const test of this.#tests.values()) {
      const said = test.foundAt !== undefined && test.foundAt <= sentAt
      if (said && test.heardAt === undefined) test.heardAt = now
    }
  }

  tick(now: MonotonicMs): void {
    for (let due = this.#deadlines.due(now); due; due = this.#deadlines.due(now)) due.ring(now)
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  #options(now: MonotonicMs, test: Test, provider: ProviderFacts): void {
    const { outOfDialog, endpoint } = this.#deps
    const probe = outOfDialog.run(now, {
      target: targetOf(provider),
      timeoutMs,
      credentials: accountOf(provider),
      every: addressesAtMost,
      build: optionsFor(provider, endpoint),
    })
    this.#probes.set(probe, { test, provider })
  }

  #drill(now: MonotonicMs, test: Test, command: DrillCommand): void {
    const { snapshots, live, begins, full } = this.#deps
    const { configuration } = snapshots.index
    const decision = drillDecision(command, configuration, live(now, command.command_id))
    begins(now, command.command_id, decision)
    new DrillRun(decision, now, {
      full,
      provider: (id) => configuration.provider(id),
      call: (at, provider, from, found) => this.#call(at, provider, { to: command.to, from }, found),
      found: (at, report) => this.#found(at, test, report),
    }).next(now)
  }

  #call(
    now: MonotonicMs,
    provider: ProviderFacts,
    { to, from }: { to: string; from: string | null },
    found: (now: MonotonicMs, report: TestReport, pddMs: number | null) => void,
  ): void {
    const { snapshots, ports, serviceRoutes, endpoint, effects } = this.#deps
    const route = serviceRoutes.serviceRoute(provider.id)
    const port = ports.take(now)
    if (port === undefined) return found(now, nothing('no media port is free'), null)
    const memory: TestCallMemory = {
      provider,
      endpoint,
      log: new TestLog(provider.hostname, now),
      route,
      parts: inviteFor(provider, endpoint, {
        home: snapshots.index.configuration.customer(provider.customer_id)?.country ?? '',
        to,
        from,
        port,
      }),
      flows: [],
      called: undefined,
    }
    const call = new TestCallRunner(
      { requests: this.#requests, effects, deadlines: this.#deadlines },
      { state: 'locating', memory },
      (later, report) => {
        ports.give(later, port)
        found(later, report, pddOf(memory.log))
      },
    )
    call.limit(now)
    this.#questions.ask(call, { ask: 'locate', question: firstHop(targetOf(provider), route) })
  }

  #found(now: MonotonicMs, test: Test, report: TestReport | DrillReport): void {
    test.report = report
    test.foundAt = now
    const { command } = test
    const { ok, verdict, status } = report
    const said = { customer_id: command.customer_id, ok, status, verdict, ms: Math.round(now - test.since) }
    const { note } = { note: this.#deps.effects.note.bind(this.#deps.effects) }
    if (command.kind === 'drill') return note('info', 'drill.run', { drill_id: command.drill_id, ...said })
    note('info', 'provider.tested', { provider_id: command.provider_id, type: command.type, ...said })
  }

  #running(): number {
    let count = 0
    for (const { report } of this.#tests.values()) if (!report) count++
    return count
  }

  #forget(now: MonotonicMs): void {
    for (const [id, { heardAt }] of this.#tests)
      if (heardAt !== undefined && now - heardAt > rememberMs) this.#tests.delete(id)
  }
}

function typeOf(command: TestCommand | DrillCommand): { type?: string } {
  return command.kind === 'drill' ? {} : { type: command.type }
}

/** From INVITE to ringing or an answer; null: there was neither. */
function pddOf({ last }: TestLog): number | null {
  return last && last.response.status < 300 ? Math.round(last.ms) : null
}

function nothing(verdict: string): TestReport {
  return { ok: false, verdict, steps: [], status: 0 }
}
