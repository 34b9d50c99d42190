import type { Relayed } from '../media/relayed.ts'
import type { Response } from '../sip/message.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { ringMs } from './branch.ts'
import { answerTo, respond, since } from './ending.ts'
import { utcOf } from './record.ts'
import { sight } from './sight.ts'
import { aimAtBranch, answerOf, brings } from './sound.ts'
import type { Branch, Call, Order } from './state.ts'
import { soundForCaller } from './tags.ts'

/** 100 to 199: the provider is alive; from 101 on somebody rings, and no other is tried any more. */
export function branchProgressed(
  call: Call,
  branch: Branch,
  response: Response,
  endpoint: SipEndpoint,
): Order[] {
  // One of its early dialogs is over (RFC 6228), which says nothing of the call: the caller has dialogs of ours.
  if (response.status === 199) return []
  const stops: Order[] = [{ type: 'stop', timer: 'silence', of: branch }]
  if (response.status === 100) {
    if (branch.heard !== 'nothing') return []
    branch.heard = 'trying'
    return branch.provider
      ? [
          ...stops,
          { type: 'set', ms: branch.provider.policy.progress_ms, timer: { timer: 'progress', branch } },
        ]
      : stops
  }
  const first = branch.heard !== 'ringing'
  const seen = sight(branch, response.status, response.reason)
  branch.heard = 'ringing'
  branch.attempt.pdd_ms ??= since(call) - branch.attempt.started_ms
  const timers: Order[] = first
    ? [
        ...stops,
        { type: 'stop', timer: 'progress', of: branch },
        { type: 'stop', timer: 'search' },
        ...ringFrom(call, branch),
      ]
    : []
  return [...timers, ...seen, ...ringCaller(call, branch, response, endpoint)]
}

/** A provider's time to ring begins with its first ringing; phones share one, which began when they were called. */
function ringFrom(call: Call, branch: Branch): Order[] {
  return branch.provider ? [{ type: 'set', ms: ringMs(call, branch), timer: { timer: 'ring', branch } }] : []
}

/** A provisional goes on to the caller: with sound where one provider rings, plain where phones do. */
function ringCaller(call: Call, branch: Branch, response: Response, endpoint: SipEndpoint): Order[] {
  const said = remember18x(branch, response, endpoint)
  const alone = call.branches.filter((other) => other.state === 'calling').length === 1
  // An offer of the callee's has to wait for its 2xx (RFC 3261 §13.2.1).
  const early =
    said && alone && brings(call.caller.invite) ? soundForCaller(call, said, endpoint, 'early') : undefined
  const repeated = call.rang && !early && !branch.provider
  if (repeated) return []
  const first = !call.rang
  call.rang = true
  call.record.ringingAt ??= utcOf(call)
  return [
    ...(early && said ? aimAtBranch(call, branch, said, endpoint) : []),
    ...(early?.orders ?? []),
    respond(call, answerTo(call, endpoint, branch.provider ? response.status : 180, [], early?.body)),
    ...(first ? [{ type: 'tell' } as Order] : []),
  ]
}

/** A hostile carrier may name tags without end. */
const mostEarly = 16

/** The sound a provisional brings; one which cannot be used rings all the same. */
function remember18x(branch: Branch, response: Response, endpoint: SipEndpoint): Relayed | undefined {
  const said = answerOf(response, endpoint, branch.sdp.sent)
  if (!said?.ok) return undefined
  const tag = response.to.tag ?? ''
  if (branch.early.has(tag) || branch.early.size < mostEarly) branch.early.set(tag, said.value)
  return said.value
}
