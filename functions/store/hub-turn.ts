import { type SQL, sql } from 'drizzle-orm'
import type { Beat, Resource, Scope } from '#contract'
import { groupOf, type RelayGroup } from '../hub/groups.ts'
import { isAlive } from './alive.ts'
import { heard } from './hearing.ts'
import { limit, limits } from './slices.ts'

/** A limit by what it is on, as one row brings it. */
interface LimitName {
  readonly scope: Scope
  readonly resource: Resource
}

/** Limits as they are; null where there is none. As one JSON value, `limits`. */
export function limitsOf(names: readonly LimitName[]): SQL {
  return sql`
    select coalesce(jsonb_agg(jsonb_build_object('scope', jsonb_build_object('kind', kind, 'id', id), 'resource', resource,
      'limit', ${limit})), '[]') as limits
    from (
      select distinct (scope ->> 'kind')::scope_kind as kind, (scope ->> 'id')::uuid as id, resource
      from jsonb_to_recordset(${JSON.stringify(names)}::jsonb) as t (scope jsonb, resource resource)) as said
    left join (${limits}) as l using (kind, id)`
}

/**
 * Relays of its group which live beside one: whether each is the hub's, and if not, what the database granted it. As one JSON
 * value, `elsewhere`.
 */
export function elsewhereThan(relayId: string, groups: number): SQL {
  return elsewhere(sql`r.id <> ${relayId} and ${inGroup(groupOf(relayId, groups), groups)}`)
}

/** All of a group's, in the same way. */
export function elsewhereIn({ number, of }: RelayGroup): SQL {
  return elsewhere(inGroup(number, of))
}

/** The condition that a relay is of a group, as `groupOf` says. */
function inGroup(number: number, groups: number): SQL {
  if (groups === 1) return sql`true`
  return sql`('x' || substr(md5(r.id), 1, 7))::bit(28)::integer % ${groups} = ${number}`
}

function elsewhere(which: SQL): SQL {
  return sql`
    select coalesce(jsonb_agg(jsonb_build_object('relay_id', r.id, 'via_hub', r.via_hub, 'slices', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'key', s.scope_kind || ' ' || s.scope_id || ' ' || s.resource, 'amount', s.amount)), '[]')
      from slices s where s.relay_id = r.id and not r.via_hub))), '[]') as elsewhere
    from relays r where ${which} and ${isAlive('r')}`
}

/** Takes back what the hub's relay said of providers, and says no more. */
export function unlook(told: Beat): SQL {
  return sql`
    delete from provider_reports where relay_id = ${told.relay_id} and ${heard(told)} and provider_id not in (
      select provider_id from jsonb_to_recordset(${JSON.stringify(told.health)}::jsonb) as t (provider_id uuid))`
}

/** A relay is the hub's no more, and was silent for so long (ms). One which the database hears itself stays as it is. */
export function partFrom(relayId: string, silentMs: number): SQL {
  return sql`
    update relays set via_hub = false,
      beat_at = greatest(beat_at, now() - ${Math.round(silentMs)} * interval '1 millisecond')
    where id = ${relayId} and via_hub`
}

/** No hub is there whose relays these could be: each has the time of a silence to be heard. */
export function partFromAll(): SQL {
  return sql`update relays set via_hub = false, beat_at = now() where via_hub`
}

/** What is newer than a version: which there is, and whose configuration changed. As one JSON value, `newer`. */
export function newerThan(version: number): SQL {
  return sql`
    select jsonb_build_object('version', (select version from configuration),
      'changed', (select coalesce(jsonb_agg(jsonb_build_object(
          'customer_id', id, 'version', version, 'gone', deleted_at is not null) order by version), '[]')
        from customers where version > ${version} and (deleted_at is null or ${version} > 0))) as newer`
}
