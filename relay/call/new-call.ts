import { type MonotonicMs, utcAt } from '#contract'
import { BoundedMap } from '../ground/bounded-map.ts'
import type { Flow } from '../ground/flow.ts'
import type { SessionId } from '../ground/media.ts'
import { freshLeg } from '../leg/leg.ts'
import type { Ledger } from '../limits/ledger.ts'
import type { Request } from '../sip/message.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { hostsAtMost } from './hosts.ts'
import type { Call, CallerLeg, ServiceRoutes } from './state.ts'

/** An INVITE which was let in, and the server transaction it came with. */
interface Arrival {
  readonly request: Request
  readonly flow: Flow
  readonly transaction: number
  /** It came from a provider. */
  readonly trusted: boolean
}

interface NewCallDeps {
  readonly endpoint: SipEndpoint
  readonly ledger: Ledger
  readonly serviceRoutes: ServiceRoutes
}

/** A call as it begins: nothing is decided, no branch is called. */
export function newCall(
  now: MonotonicMs,
  session: SessionId,
  arrival: Arrival,
  { endpoint, ledger, serviceRoutes }: NewCallDeps,
): Call {
  const startedAt = utcAt(endpoint.epoch, now)
  return {
    id: endpoint.entropy.uuid(startedAt),
    session,
    startedNow: now,
    startedAt,
    now,
    caller: callerLeg(arrival, endpoint),
    ledger,
    serviceRoutes,
    decision: undefined,
    ports: undefined,
    contacts: [],
    rounds: { contacts: [], ms: 0 },
    waiting: [],
    branches: [],
    callee: undefined,
    rang: false,
    failures: [],
    hosts: new BoundedMap(hostsAtMost),
    record: blankRecord(arrival.request),
  }
}

function callerLeg({ request, flow, transaction, trusted }: Arrival, { entropy }: SipEndpoint): CallerLeg {
  return {
    flow,
    invite: request,
    transaction,
    localTag: entropy.hex(8),
    told: [],
    trusted,
    answer: undefined,
    bye: undefined,
    ...freshLeg(String(entropy.below(2 ** 31))),
  }
}

function blankRecord(request: Request): Call['record'] {
  const party = (user: string) => ({
    type: 'sip' as const,
    target: user,
    target_name: '',
    name: '',
    detail: '',
  })
  return {
    sequence: 0,
    direction: 'outgoing',
    customerId: undefined,
    source: party(request.from.uri),
    destination: party(request.requestUri),
    numberId: null,
    providerId: null,
    unverified: false,
    decision: null,
    toldDecision: null,
    extensionId: null,
    trunkId: null,
    rejectReason: null,
    rejectMessage: null,
    ringingAt: undefined,
    answeredAt: undefined,
    endedAt: undefined,
    by: undefined,
    reason: undefined,
    sipStatus: undefined,
    media: undefined,
    soundOver: false,
  }
}
