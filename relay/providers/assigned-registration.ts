import type { MonotonicMs, ProviderFacts, RegistrationReport } from '#contract'
import type { Deadline } from '../ground/deadlines.ts'
import type { Flow } from '../ground/flow.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { RequestInFlight } from '../ua/out-of-dialog.ts'
import type { RegisterSeries } from './register-request.ts'
import { newRegistration, type RegistrationMachine } from './registration.ts'

/** A registration this relay is to keep. */
export interface AssignedRegistration {
  readonly id: string
  epoch: number
  /** As configured when it last asked; undefined: its configuration is not here yet. */
  facts: ProviderFacts | undefined
  registration: RegistrationMachine
  /** Monotonic ms of the last change of status. */
  since: number
  readonly series: RegisterSeries
  inFlight: RequestInFlight | undefined
  /** The address which took it, and the connection it came over. */
  at: Flow | undefined
  over: Flow | undefined
  /** Route values for calls out, as the last 2xx gave them. */
  route: readonly string[]
  due: Deadline<RegistrantWakeup> | undefined
  lapse: Deadline<RegistrantWakeup> | undefined
  pinged: Deadline<RegistrantWakeup> | undefined
}

/** What the registrant is woken for. */
export interface RegistrantWakeup {
  ring(now: MonotonicMs): void
}

/** One as it begins: nothing was asked yet. */
export function assignedRegistration(
  now: MonotonicMs,
  id: string,
  epoch: number,
  { entropy }: SipEndpoint,
): AssignedRegistration {
  return {
    id,
    epoch,
    facts: undefined,
    registration: newRegistration(0, entropy.below),
    since: now,
    series: { callId: entropy.hex(16), tag: entropy.hex(8), number: 0 },
    inFlight: undefined,
    at: undefined,
    over: undefined,
    route: [],
    due: undefined,
    lapse: undefined,
    pinged: undefined,
  }
}

/** How it stands, for the beat; undefined: it never began here, so nothing can be said; that it is given up can. */
export function registrationReport(
  { id, epoch, facts, registration, since }: AssignedRegistration,
  utcEpoch: number,
): RegistrationReport | undefined {
  const iso = (at: number | undefined) =>
    at === undefined ? null : new Date(Math.floor(utcEpoch + at)).toISOString()
  const { until, nextAt, status, why } = registration.memory
  if (!facts || (registration.state === 'not_registered' && why === '')) return undefined
  return {
    provider_id: id,
    customer_id: facts.customer_id,
    epoch,
    status: registration.state,
    since: iso(since) ?? '',
    until: iso(until),
    sip_status: status ?? null,
    why,
    next_at: iso(nextAt),
  }
}

/** What a registration is made of: with any of it changed, it is made anew. */
export function registerKey(facts: ProviderFacts): string {
  const { password, realm, register_expires } = facts
  return JSON.stringify([placeKey(facts), password, realm, register_expires])
}

/** Whose it is and where: with any of it changed, the old contact is taken back. */
export function placeKey({ hostname, port, transport, tls, username, line }: ProviderFacts): string {
  return JSON.stringify([hostname, port, transport, tls, username, line])
}
