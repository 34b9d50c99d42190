import { type MonotonicMs, utcAt } from '#contract'
import type { SessionId } from '../ground/media.ts'
import { none } from '../ground/none.ts'
import { uasLeg } from '../leg/uas.ts'
import type { Ledger } from '../limits/ledger.ts'
import type { Request } from '../sip/message.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { newHunt } from './new-hunt.ts'
import type { Call, ServiceRoutes } from './state.ts'

interface NewCallDeps {
  readonly endpoint: SipEndpoint
  readonly ledger: Ledger
  readonly serviceRoutes: ServiceRoutes
}

/** A call as it begins: nothing is decided, no branch is called. `id`: where it has one already. */
export function newCall(
  now: MonotonicMs,
  session: SessionId,
  arrival: Parameters<typeof uasLeg>[1],
  { endpoint, ledger, serviceRoutes }: NewCallDeps,
  { id, handedBy }: { readonly id?: string; readonly handedBy?: string } = {},
): Call {
  const caller = uasLeg(endpoint, arrival)
  const startedAt = utcAt(endpoint.epoch, now)
  return {
    id: id ?? endpoint.entropy.uuid(startedAt),
    session,
    startedNow: now,
    startedAt,
    now,
    caller,
    made: undefined,
    handedBy,
    chained: none,
    ledger,
    serviceRoutes,
    decision: undefined,
    flow: undefined,
    ports: undefined,
    hunts: [newHunt(undefined, undefined)],
    branches: [],
    held: undefined,
    earlyUpdate: undefined,
    callee: undefined,
    joined: { caller, callee: undefined },
    came: nobody,
    left: undefined,
    transfer: undefined,
    joining: undefined,
    rang: false,
    hosts: undefined,
    record: blankRecord(arrival.invite),
  }
}

/** Of all calls into which no party came. */
const nobody: Call['came'] = { caller: undefined, callee: undefined }

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
    emergency: false,
    decision: null,
    toldDecision: null,
    extensionId: null,
    trunkId: null,
    rejectReason: null,
    rejectMessage: null,
    transferredFrom: null,
    carried: null,
    transferType: null,
    held: none,
    muted: none,
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
