import { type SQL, sql } from 'drizzle-orm'
import { deadAfterMs, type FlowAction } from '#contract'
import { ApiError } from '../http/api-error.ts'
import { type Check, condition } from '../http/check.ts'

/*
 * What a relay cannot do whose sound another program carries: said when the flow is saved, not in the call. A flow is refused
 * where none of the relays which are up can carry it out; one which does not say by what its sound is carried can all.
 */

/** Actions some engines cannot carry out: by which relays they are, and why not by others. */
const wanting: Partial<Record<FlowAction['type'], { can: SQL; why: string }>> = {
  digits_receive: {
    can: sql`coalesce((media ->> 'keys')::boolean, true)`,
    why: 'hears no keys: each relay which is up has an rtpengine which tells of none. Give one MEDIA_ENGINE=rtpengine://host:port?digits=host:port, or leave the action out',
  },
  digits_send: {
    can: sql`coalesce(media ->> 'engine', 'own') <> 'rtpengine'`,
    why: 'sends no keys: each relay which is up has an rtpengine, which sends them to those alone who speak with another. Have one relay without MEDIA_ENGINE, or leave the action out',
  },
}

/** What must hold of the relays which are up: one of them can carry out each of these actions. */
export function carriedOut(actions: readonly FlowAction[], field = 'actions'): Check[] {
  return actions.flatMap((action, at) => {
    const here = `${field}.${at}`
    if (action.type === 'call') return carriedOut(action.option.actions ?? [], `${here}.option.actions`)
    const { can, why } = wanting[action.type] ?? {}
    if (can === undefined || actions.findIndex(({ type }) => type === action.type) < at) return []
    const refusal = () => ApiError.field(here, `${action.type} ${why}`, 'INVALID_FLOW')
    return [condition(by(can), refusal)]
  })
}

function by(can: SQL): SQL {
  const up = sql`relays where beat_at > now() - ${deadAfterMs} * interval '1 millisecond'`
  return sql`(not exists (select from ${up}) or exists (select from ${up} and ${can}))`
}
