import type { AimedMedia, Leg, UacLeg, UasLeg } from '../leg/leg.ts'
import { reach } from '../leg/path.ts'
import type { Call, Side } from './state.ts'

/** The leg on one side of a call; undefined: no callee has answered. */
export function legAt({ caller, callee }: Call, side: Side): UacLeg | UasLeg | undefined {
  return side === 'caller' ? caller : callee
}

/** On which side of its call a leg is. */
export function sideOf({ caller }: Call, leg: Leg): Side {
  return leg === caller ? 'caller' : 'callee'
}

/** The dialog with one side and the flow its requests go to; undefined before it is established. */
export function reachAt(call: Call, side: Side): ReturnType<typeof reach> {
  const leg = legAt(call, side)
  return leg && reach(leg)
}

/** Where a side is heard: the caller, or the branch which was aimed at last; undefined: nowhere yet. */
export function aimedAt({ caller, branches }: Call, side: Side): AimedMedia | undefined {
  return side === 'caller' ? caller.aimed : branches.find(({ aimed }) => aimed)?.aimed
}

/** The other side of a call. */
export function opposite(side: Side): Side {
  return side === 'caller' ? 'callee' : 'caller'
}
