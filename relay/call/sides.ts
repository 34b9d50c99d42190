import type { AimedMedia, Leg, LegMedia } from '../leg/leg.ts'
import type { Call, Side } from './state.ts'

/** On which side of its call a leg is: one which is called, or rings, is where its branch is, as a rule on the callee's. */
export function sideOf({ joined, branches }: Call, leg: Leg): Side {
  if (leg === joined.caller) return 'caller'
  if (leg === joined.callee) return 'callee'
  return branches.find((branch) => branch === leg)?.side ?? 'callee'
}

/**
 * The party which is there first: the caller; of a call which no party asked for, who was called first, once that has answered;
 * of one which was transferred to a flow, who was.
 */
export function firstLeg({ made, flow, caller }: Call): Leg {
  return made?.party ?? flow?.party ?? caller
}

/** Whether the caller was answered, or who was called first has. */
export function isAnswered(call: Call): boolean {
  return firstLeg(call).dialog?.confirmed === true
}

/** Who speaks with a leg; undefined: no callee has answered, or another leg has taken this one's place. */
export function otherOf({ joined }: Call, leg: Leg): Leg | undefined {
  if (leg === joined.caller) return joined.callee
  return leg === joined.callee ? joined.caller : undefined
}

/** The legs which speak with each other, as many as there are. */
export function joinedLegs({ joined: { caller, callee } }: Call): Leg[] {
  return [caller, callee].filter((leg) => leg !== undefined)
}

/** The media leg on one side of a call; undefined: no ports were taken. */
export function mediaOn({ session, ports }: Call, side: Side): LegMedia | undefined {
  return ports && { session, side, port: ports[side] }
}

/** Where a side is heard; undefined: nowhere yet. */
export function aimedAt(call: Call, side: Side): AimedMedia | undefined {
  return heardAt(call, side)?.aimed
}

/** Who is heard on a side: who is joined there, or the branch which was aimed at last; undefined: no leg yet. */
export function heardAt({ joined, branches }: Call, side: Side): Leg | undefined {
  return joined[side] ?? branches.find((branch) => branch.side === side && branch.aimed)
}

/** The other side of a call. */
export function opposite(side: Side): Side {
  return side === 'caller' ? 'callee' : 'caller'
}
