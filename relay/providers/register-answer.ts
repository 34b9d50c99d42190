import type { MonotonicMs, ProviderFacts } from '#contract'
import type { Flow } from '../ground/flow.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { AddressResult, RequestOutcome } from '../ua/out-of-dialog.ts'
import { grantedSeconds, serviceRouteOf } from './grant.ts'
import { seconds } from './register-request.ts'
import type { RegistrationEvents } from './registration.ts'

/** What the end of a REGISTER means for its registration: an event of its machine. */
export type RegisterAnswer = {
  [E in 'granted' | 'tooBrief' | 'refused' | 'denied']: {
    readonly name: E
    readonly event: RegistrationEvents[E]
    readonly by: E extends 'granted' ? GrantingPlace : undefined
  }
}[keyof Pick<RegistrationEvents, 'granted' | 'tooBrief' | 'refused' | 'denied'>]

/** Who granted it: the address asked, the connection the answer came over, and the route for calls out. */
interface GrantingPlace {
  readonly at: Flow
  readonly over: Flow
  readonly route: readonly string[]
}

/** Reads how a REGISTER ended which asked for so many seconds (RFC 3261 §10.2.4, §10.2.8). */
export function registerAnswer(
  now: MonotonicMs,
  facts: ProviderFacts,
  wanted: number,
  { tries, why }: RequestOutcome,
  endpoint: SipEndpoint,
): RegisterAnswer {
  const last = tries.at(-1)
  const response = last?.response
  if (!last || !response) return refused(now, 0, why)
  const { status } = last
  if (status < 300) return granted(now, facts, wanted, last, endpoint)
  if (status === 423) {
    const least = seconds(response.header('min-expires'))
    return { name: 'tooBrief', event: { now, seconds: least, why: last.why }, by: undefined }
  }
  if (status === 401 || status === 403 || status === 407)
    return { name: 'denied', event: { now, status, why: last.why }, by: undefined }
  return refused(now, status, last.why, status >= 500 ? seconds(response.header('retry-after')) : undefined)
}

function granted(
  now: MonotonicMs,
  facts: ProviderFacts,
  wanted: number,
  { status, response, flow, over, why }: AddressResult,
  endpoint: SipEndpoint,
): RegisterAnswer {
  const granted = response && grantedSeconds(response, facts, endpoint, flow, wanted)
  if (!granted) return refused(now, status, `${why}, but for no time at all`)
  const by = { at: flow, over, route: serviceRouteOf(response, flow) }
  return { name: 'granted', event: { now, seconds: granted, status, why }, by }
}

function refused(now: MonotonicMs, status: number, why: string, retryAfter?: number): RegisterAnswer {
  return { name: 'refused', event: { now, status, why, retryAfter }, by: undefined }
}
