import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import { destinationName, type FlowAction, flowLimits } from '#contract'
import { flows } from '#db'
import { checkFlow } from '#flows'
import type { Edge } from '../env.ts'
import { ApiError, type Detail } from '../http/api-error.ts'
import { type Check, condition, noneOf } from '../http/check.ts'
import type { Leaner } from '../http/noun.ts'
import { flowsLed, idsAmong } from '../store/flows-led.ts'
import { type FlowReference, referencesIn } from './flow-actions.ts'
import { countryOf } from './own-numbers.ts'
import { targetOf } from './ring-destinations.ts'

/** More faults than these are not told at once. */
const toldAtMost = 20

/** Refuses a flow which is none: it names each action that is wrong, and says what to do. Throws INVALID_FLOW. */
export function refuseFaulty(
  actions: readonly FlowAction[],
  variables: Readonly<Record<string, string>>,
  field = 'actions',
): void {
  const details = checkFlow(actions, Object.keys(variables)).map(
    ({ path, message }): Detail => ({ field: [field, ...path].join('.'), message }),
  )
  if (details.length === 0) return
  const told = details.slice(0, toldAtMost)
  throw new ApiError(
    'INVALID_FLOW',
    told.map(({ field, message }) => `${field}: ${message}`).join('; '),
    told,
  )
}

/** Actions as they are kept: each destination is written in one way. Throws where a destination can be none. */
export async function settledActions(
  c: Context<Edge>,
  actions: readonly FlowAction[],
  field = 'actions',
): Promise<FlowAction[]> {
  const country = rings(actions, 'tel') ? await countryOf(c) : ''
  return settled(c, actions, field, country)
}

/** Whether actions call a number, or may. */
function rings(actions: readonly FlowAction[], type: string): boolean {
  return JSON.stringify(actions).includes(`"type":"${type}"`)
}

/** The same, where it is known in which country numbers are read. Throws as that does. */
export function settled(
  c: Context<Edge>,
  actions: readonly FlowAction[],
  field: string,
  country: string,
): FlowAction[] {
  return actions.map((action, place) => {
    if (action.type !== 'connect' && action.type !== 'call') return action
    const at = `${field}.${place}.option`
    const destinations = action.option.destinations.map((one, each) => {
      const name = destinationName(one)
      const where = `${at}.destinations.${each}`
      const target = name.includes('${') ? name : targetOf(c, { ...one, target: name }, where, country)
      return { ...one, target, target_name: one.type === 'extension' ? target : one.target_name }
    })
    if (action.type === 'connect') return { ...action, option: { ...action.option, destinations } }
    const called = action.option.actions && settled(c, action.option.actions, `${at}.actions`, country)
    return { ...action, option: { ...action.option, destinations, actions: called } } as FlowAction
  })
}

/** What must hold of all that a flow names: it is there, leads to no more than a call can bring along, and not back. `id` null: it is not kept. */
export function referencesThere(
  actions: readonly FlowAction[],
  customerId: string,
  id: string | null,
  field = 'actions',
): Check[] {
  const named = referencesIn(actions)
  if (named.length === 0) return []
  const led = named.filter(({ kind }) => kind === 'flow')
  const there = allThere(named, customerId, id, field)
  const [first] = led
  if (!first) return [there]
  const at = `${field}.${first.at}`
  const ids = led.map(({ name }) => name)
  const circle = id === null ? [] : [noCircle(ids, customerId, id, at)]
  return [there, ...circle, notTooFar(ids, customerId, actions, at)]
}

function allThere(
  named: readonly FlowReference[],
  customerId: string,
  id: string | null,
  field: string,
): Check {
  const mine = sql`customer_id = ${customerId}::uuid and deleted_at is null`
  const gone = sql`(select at, kind, name from jsonb_to_recordset(${JSON.stringify(named)}::jsonb) as w (at text, kind text, name text)
    where case w.kind
      when 'extension' then not exists (select from extensions where ${mine} and extension = w.name)
      when 'trunk' then not exists (select from trunks where ${mine} and domain_name = w.name)
      when 'flow' then w.name <> ${id ?? ''}::text and not exists (select from flows where ${mine} and id = w.name::uuid)
      else not exists (select from prompts where ${mine} and id = w.name::uuid) end)`
  return noneOf<FlowReference>(gone, ({ at, kind }) => {
    throw ApiError.field(
      `${field}.${at}`,
      `names no ${kind} of yours: make it first, or name another`,
      'REFERENCE_NOT_FOUND',
    )
  })
}

/** A flow which leads to itself, by others too, would never come to an end. */
function noCircle(ids: readonly string[], customerId: string, id: string, at: string): Check {
  const led = flowsLed(sql`${customerId}::uuid`, idsAmong(ids))
  const apart = sql`not exists (select from (${led}) as led where id = ${id}::uuid)`
  return condition(apart, () =>
    ApiError.field(at, 'leads back to this flow: a call would go round for ever', 'INVALID_FLOW'),
  )
}

/** A call brings along all flows to which its own leads. A circle which is too far away to be seen is refused here. */
function notTooFar(
  ids: readonly string[],
  customerId: string,
  actions: readonly FlowAction[],
  at: string,
): Check {
  const { reached, reachedOctets } = flowLimits
  const led = flowsLed(sql`${customerId}::uuid`, idsAmong(ids), reached)
  const octets = new TextEncoder().encode(JSON.stringify(actions)).length
  const near = sql`(select count(*) < ${reached} and coalesce(sum(octets), 0) + ${octets} <= ${reachedOctets} from (${led}) as led)`
  return condition(near, () =>
    ApiError.field(
      at,
      `leads to too much: a flow and all to which it leads are at most ${reached} flows, and ${reachedOctets} octets of actions`,
      'INVALID_FLOW',
    ),
  )
}

/**
 * Flows which name a thing in whatever action. They stay when it goes: what leads to nothing fails, and the flow goes on as
 * it says for that case.
 */
export function leadingTo(
  kind: FlowReference['kind'],
  name: SQL | string,
  { customerId }: { readonly customerId: string },
): Leaner {
  const names = sql`${`${kind}:`}::text || ${name} = any(flow_uses(${flows.actions}))`
  const where = and(eq(flows.customerId, customerId), isNull(flows.deletedAt), names)
  return { table: flows, where, becomes: 'as it is' }
}
