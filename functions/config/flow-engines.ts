import { type SQL, sql } from 'drizzle-orm'
import type { FlowAction } from '#contract'
import { ApiError } from '../http/api-error.ts'
import { type Check, condition } from '../http/check.ts'
import { isAlive } from '../store/alive.ts'

/*
 * What a relay cannot do whose sound another program carries: said when the flow is saved, not in the call. A flow is refused
 * where none of the relays which are up can carry it out; one which does not say by what its sound is carried can all.
 */

/** Something in an action which some engines cannot carry out. */
interface EngineNeed {
  /** Where it stands in the action; empty: it is the action itself. */
  readonly at: string
  /** What it would be, in words which go on from the field. */
  readonly what: string
  /** The relays which can. */
  readonly can: SQL
  readonly why: string
  /** What may be written instead. */
  readonly instead: string
}

const heard = {
  can: sql`coalesce((media ->> 'keys')::boolean, true)`,
  why: 'each relay which is up has an rtpengine which tells of none. Give one MEDIA_ENGINE=rtpengine://host:port?digits=host:port, or',
}
const sent = {
  can: sql`coalesce(media ->> 'engine', 'own') <> 'rtpengine'`,
  why: 'each relay which is up has an rtpengine, which sends them to those alone who speak with another. Have one relay without MEDIA_ENGINE, or',
}

/** What an action needs of the engine; undefined: nothing which is not had everywhere. */
function needOf(action: FlowAction): EngineNeed | undefined {
  switch (action.type) {
    case 'digits_receive':
      return { ...heard, at: '', what: 'digits_receive hears no keys', instead: 'leave the action out' }
    case 'digits_send':
      return { ...sent, at: '', what: 'digits_send sends no keys', instead: 'leave the action out' }
    case 'play':
    case 'talk':
      if (action.option.digits_handle === '') return undefined
      return {
        ...heard,
        at: '.option.digits_handle',
        what: 'waits for a key, and none is heard',
        instead: 'leave it out',
      }
    case 'recording_start':
    case 'voicemail':
      if (['', 'none'].includes(action.option.end_of_key)) return undefined
      return {
        ...heard,
        at: '.option.end_of_key',
        what: 'waits for a key, and none is heard',
        instead: 'write "none"',
      }
    default:
      return undefined
  }
}

/** What must hold of the relays which are up: one of them can carry out each of these actions. */
export function carriedOut(actions: readonly FlowAction[], field = 'actions'): Check[] {
  const own = actions.map((action, place) => ({ need: needOf(action), here: `${field}.${place}` }))
  const checks = own.flatMap(({ need, here }, place) => {
    // One of each is told of: the others are asked for in vain.
    if (!need || own.findIndex((one) => one.need?.what === need.what) < place) return []
    const { at, what, can, why, instead } = need
    const refusal = () => ApiError.field(`${here}${at}`, `${what}: ${why} ${instead}`, 'INVALID_FLOW')
    return [condition(by(can), refusal)]
  })
  const called = actions.flatMap((action, place) =>
    action.type === 'call' ? carriedOut(action.option.actions ?? [], `${field}.${place}.option.actions`) : [],
  )
  return [...checks, ...called]
}

function by(can: SQL): SQL {
  const up = sql`relays where ${isAlive('relays')}`
  return sql`(not exists (select from ${up}) or exists (select from ${up} and ${can}))`
}
