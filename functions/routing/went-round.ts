import type { RouteDecision } from '#contract'
import { type Draft, refuse } from './draft.ts'
import { readNumber } from './e164.ts'

/** Calls which were sent on so often go round, whatever numbers they name. */
const DIVERSIONS = 5

/** A refusal where a call was with this number before (in `country` what it says of that is read), or was sent on too often in the phone network; undefined where neither is. */
export function wentRound(known: Draft, country: string, e164: string): RouteDecision | undefined {
  const { by, times } = known.question.from.diverted ?? { by: [], times: 0 }
  const isHere = by.some((user) => {
    const read = readNumber(user, country)
    return read.kind === 'number' && read.e164 === e164
  })
  if (isHere)
    return refuse(known, 482, 'LOOP_DETECTED', `The call comes back to ${e164}, which sent it on already.`)
  if (times < DIVERSIONS) return undefined
  return refuse(
    known,
    483,
    'TOO_MANY_FORWARDS',
    `The call was sent on ${times} times before it came to ${e164}.`,
  )
}
