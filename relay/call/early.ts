import type { Response } from '../sip/message.ts'
import { ringMs } from './branch.ts'
import { answerTo, respond, since } from './ending.ts'
import { utcOf } from './record.ts'
import { sight } from './sight.ts'
import { aim, soundOf, speak, trusts } from './sound.ts'
import type { Branch, Call, Order } from './state.ts'
import type { Station } from './station.ts'

/** 100 to 199: the provider is alive; from 101 on somebody rings, and no other is tried any more. */
export function branchProgressed(call: Call, branch: Branch, response: Response, station: Station): Order[] {
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
  return [...timers, ...seen, ...ringCaller(call, branch, response, station)]
}

/** A provider's time to ring begins with its first ringing; phones share one, which began when they were called. */
function ringFrom(call: Call, branch: Branch): Order[] {
  return branch.provider ? [{ type: 'set', ms: ringMs(call, branch), timer: { timer: 'ring', branch } }] : []
}

/** A provisional goes on to the caller: with sound where one provider rings, plain where phones do. */
function ringCaller(call: Call, branch: Branch, response: Response, station: Station): Order[] {
  const sound = soundOf(response)
  const alone = call.branches.filter((other) => other.state === 'calling').length === 1
  const flow = branch.flow
  const early = sound && alone ? speak(call, 'caller', call.caller.sdp, sound, station) : undefined
  if (sound && early) remember18x(branch, response, sound)
  const repeated = call.rang && !early && !branch.provider
  if (repeated) return []
  const first = !call.rang
  call.rang = true
  call.record.ringingAt ??= utcOf(call)
  return [
    ...(early && sound && flow ? aim(call, 'callee', sound, flow, trusts(call, 'callee', branch)) : []),
    respond(call, answerTo(call, station, branch.provider ? response.status : 180, [], early)),
    ...(first ? [{ type: 'tell' } as Order] : []),
  ]
}

/** A hostile carrier may name tags without end. */
const mostEarly = 16

function remember18x(branch: Branch, response: Response, sound: Uint8Array): void {
  const tag = response.to.tag ?? ''
  if (branch.early.has(tag) || branch.early.size < mostEarly) branch.early.set(tag, sound)
}
