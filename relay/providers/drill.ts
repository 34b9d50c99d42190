// A drill: a call to a number, decided as if one provider were down, and tried at those which are left, one after the other as a
// caller's call would be. Each is called by a test call (`test-call.ts`): nothing of it counts in health, figures or limits, but
// that a call out began, and a provider which is full is not called.

import type {
  Consideration,
  DrillCommand,
  MonotonicMs,
  ProviderFacts,
  ProviderTarget,
  RouteDecision,
  RouteQuestion,
} from '#contract'
import { type Configuration, decide, type Runtime } from '#routing'
import type { TestReport } from './report.ts'

/** What became of one provider of a drill. */
interface DrillAttempt {
  readonly provider_id: string
  readonly provider_name: string
  readonly ok: boolean
  /** Last SIP status, 0 where none came. */
  readonly status: number
  readonly verdict: string
  /** From INVITE to ringing; null: it did not ring. */
  readonly pdd_ms: number | null
}

/** What a drill found out. */
export interface DrillReport {
  readonly ok: boolean
  readonly verdict: string
  readonly status: number
  readonly pdd_ms: number | null
  /** Which took the call; null: none did. */
  readonly provider_id: string | null
  readonly decision: {
    readonly outcome: string
    readonly reason: string | null
    readonly message: string
    readonly version: number | null
    readonly candidates: readonly DrillCandidate[]
  }
  readonly attempts: readonly DrillAttempt[]
}
type DrillCandidate = Pick<
  Consideration,
  'provider_id' | 'provider_name' | 'route_name' | 'kept' | 'order' | 'health' | 'code' | 'why'
>

/** What a drill stands on. */
export interface DrillDeps {
  provider(id: string): ProviderFacts | undefined
  /** Why a provider must not be called just now; undefined: it may be. */
  full(now: MonotonicMs, providerId: string): string | undefined
  /** Calls one provider, showing `from`, and says what came of it and after how many ms it rang. */
  call(
    now: MonotonicMs,
    provider: ProviderFacts,
    from: string | null,
    found: (now: MonotonicMs, report: TestReport, pddMs: number | null) => void,
  ): void
  found(now: MonotonicMs, report: DrillReport): void
}

/* Implementation */
/** A result has room for so much in a beat. */
const candidatesAtMost = 16
const attemptsAtMost = 8
const lettersAtMost = 240
const shortAtMost = 100
/** No further provider is called after so long: the edge gives the drill up as lost soon after. */
const lastsMs = 55_000

/** How the call of a drill is decided. No trial of a provider which is half open is taken from a caller. */
export function drillDecision(
  command: DrillCommand,
  configuration: Configuration,
  live: Omit<Runtime, 'trial' | 'down'>,
): RouteDecision {
  const { command_id, customer_id, extension_id, from, to, provider_down } = command
  const question: RouteQuestion = {
    call_id: command_id,
    caller: { kind: 'api', customer_id, extension_id, type: 'tel' },
    from: { user: from ?? '', display: '', asserted: null, diverting: [] },
    to: { user: to, host: '' },
    codecs: [],
  }
  const down = (providerId: string) => providerId === provider_down
  return decide(question, configuration, { ...live, trial: () => false, down })
}

/** One drill under way. */
export class DrillRun {
  readonly #deps: DrillDeps
  readonly #decision: RouteDecision
  readonly #since: number
  readonly #waiting: ProviderTarget[]
  readonly #attempts: DrillAttempt[] = []

  constructor(decision: RouteDecision, now: MonotonicMs, deps: DrillDeps) {
    this.#deps = deps
    this.#decision = decision
    this.#since = now
    const { targets } = decision.kind === 'connect' ? decision : { targets: undefined }
    this.#waiting = targets?.kind === 'providers' ? targets.providers.slice(0, attemptsAtMost) : []
  }

  /** Calls the next provider; tells what was found where none is left. */
  next(now: MonotonicMs): void {
    const target = now - this.#since < lastsMs ? this.#waiting.shift() : undefined
    if (!target) return this.#deps.found(now, this.#report())
    const provider = this.#deps.provider(target.provider_id)
    const full = this.#deps.full(now, target.provider_id)
    if (!provider || full !== undefined) {
      this.#note(target, { ok: false, status: 0, verdict: full ?? 'it is not known here any more' }, null)
      return this.next(now)
    }
    const { caller_id } = this.#decision as Extract<RouteDecision, { kind: 'connect' }>
    this.#deps.call(now, provider, caller_id.asserted, (later, report, pddMs) => {
      this.#note(target, report, pddMs)
      if (!report.ok && leadsOn(target, report.status)) return this.next(later)
      this.#deps.found(later, this.#report())
    })
  }

  #note(
    { provider_id, name }: ProviderTarget,
    report: Pick<TestReport, 'ok' | 'status' | 'verdict'>,
    pdd_ms: number | null,
  ) {
    const { ok, status, verdict } = report
    this.#attempts.push({
      provider_id,
      provider_name: cut(name, shortAtMost),
      ok,
      status,
      verdict: cut(verdict),
      pdd_ms,
    })
  }

  #report(): DrillReport {
    const last = this.#attempts.at(-1)
    const { ok = false, status = 0, pdd_ms = null, provider_id = null } = last ?? {}
    return {
      ok,
      verdict: verdictOf(this.#decision, this.#attempts),
      status,
      pdd_ms,
      provider_id: ok ? provider_id : null,
      decision: decisionIn(this.#decision),
      attempts: this.#attempts,
    }
  }
}

/** Whether a caller's call would go on to the next provider: silence does, and what the policy says. */
function leadsOn({ policy }: ProviderTarget, status: number): boolean {
  return status === 0 || policy.next_on.includes(status)
}

function verdictOf(decision: RouteDecision, attempts: readonly DrillAttempt[]): string {
  const last = attempts.at(-1)
  if (!last) return cut(decision.explanation?.message ?? 'Nothing could be called.')
  const before = attempts.slice(0, -1).map(({ provider_name }) => provider_name)
  const after = before.length > 0 ? `After ${before.join(', ')}: ` : ''
  return cut(`${after}${last.provider_name} ${last.ok ? 'takes' : 'does not take'} the call. ${last.verdict}`)
}

function decisionIn({ kind, explanation }: RouteDecision): DrillReport['decision'] {
  const { reason = null, message = '', version = null, candidates = [] } = explanation ?? {}
  const shown = candidates.slice(0, candidatesAtMost).map(
    ({ provider_id, provider_name, route_name, kept, order, health, code, why }): DrillCandidate => ({
      provider_id,
      provider_name: cut(provider_name, shortAtMost),
      route_name: cut(route_name, shortAtMost),
      kept,
      order,
      health,
      code,
      why: cut(why, shortAtMost),
    }),
  )
  return { outcome: kind, reason, message: cut(message), version, candidates: shown }
}

function cut(text: string, most = lettersAtMost): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}
