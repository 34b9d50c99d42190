import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import { destinationName, type FlowAction } from '#contract'
import { flows } from '#db'
import { checkFlow } from '#flows'
import type { Edge } from '../env.ts'
import { ApiError, type Detail } from '../http/api-error.ts'
import { type Check, condition, noneOf } from '../http/check.ts'
import type { Leaner } from '../http/noun.ts'
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

/** Actions as they are kept: whom they ring is written in one way. Throws where a destination can be none. */
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

/** What must hold of all that a flow names: it is there, and no flow leads back to this one. `id` null: it is not kept. */
export function referencesThere(
  actions: readonly FlowAction[],
  customerId: string,
  id: string | null,
  field = 'actions',
): Check[] {
  const named = referencesIn(actions)
  if (named.length === 0) return []
  return [allThere(named, customerId, id, field), ...noCircle(named, customerId, id, field)]
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
function noCircle(
  named: readonly FlowReference[],
  customerId: string,
  id: string | null,
  field: string,
): Check[] {
  const [first] = named.filter(({ kind }) => kind === 'flow')
  if (!first || id === null) return []
  const led = JSON.stringify(named.filter(({ kind }) => kind === 'flow').map(({ name }) => name))
  const apart = sql`not exists (
    with recursive reached (id) as (
      select value::uuid from jsonb_array_elements_text(${led}::jsonb) as t (value)
      union select case when used like 'flow:%' then substr(used, 6)::uuid end from reached r join flows f on f.id = r.id
        and f.customer_id = ${customerId}::uuid and f.deleted_at is null cross join unnest(flow_uses(f.actions)) as used
    ) select from reached where id = ${id}::uuid)`
  return [
    condition(apart, () =>
      ApiError.field(
        `${field}.${first.at}`,
        'leads back to this flow: a call would go round for ever',
        'INVALID_FLOW',
      ),
    ),
  ]
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
