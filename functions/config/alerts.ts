import { sql } from 'drizzle-orm'
import * as z from 'zod'
import { type AlertCondition, type AlertKind, alertCondition, alertFormats } from '#contract'
import { extensions, providers, routes, alerts as table, trunks, webhooks } from '#db'
import { factsFor } from '../alerts/kinds.ts'
import { ApiError } from '../http/api-error.ts'
import { type Check, noneOf } from '../http/check.ts'
import { exampleIds } from '../http/example-ids.ts'
import { field, type InputOf, readOnly, secret } from '../http/field.ts'
import { live } from '../http/queries.ts'
import { resource } from '../http/resource.ts'
import type { Seal } from '../secrets.ts'
import { country, detail, id, name, optionalId, shownCountry } from './fields.ts'
import { quota } from './quota.ts'

type AlertRow = typeof table.$inferSelect

const only = (what: string) => optionalId.describe(`Only ${what}; null: all that its kind is about.`)

const fields = {
  name: field(name),
  detail: field(detail),
  // jsonb forgets the order of keys.
  when: field(alertCondition, { as: (row: AlertRow) => alertCondition.parse(row.when) }),
  extension_id: field(only('this extension')),
  trunk_id: field(only('this trunk')),
  provider_id: field(only('this provider of the customer’s own')),
  route_id: field(only('this route')),
  country: field(country.nullable().default(null).describe('Only calls to this country; null: to all.'), {
    output: shownCountry,
    as: (row: AlertRow) => row.country?.toLowerCase() ?? null,
  }),
  min_samples: field(
    z.int().min(1).max(1_000_000).default(20).describe('A rate of fewer calls than these says nothing.'),
  ),
  webhook_id: field(
    optionalId.describe(
      'A webhook which is told of it whatever types of events it asks for; null: those alone which ask for `alert.*`.',
    ),
  ),
  format: field(
    z.enum(alertFormats).default('standard').describe('How the body for `webhook_id` is written.'),
  ),
  routing_key: secret(
    z
      .string()
      .regex(/^[A-Za-z0-9_-]{8,128}$/, 'is not an integration key of PagerDuty’s')
      .nullable()
      .optional()
      .describe('PagerDuty’s integration key. Left out, the one there is stays; null forgets it.'),
  ),
  routing_key_set: readOnly(z.boolean(), (row: AlertRow) => row.sealedRoutingKey !== null),
  enabled: field(z.boolean().default(true)),
}
type AlertInput = InputOf<typeof fields>

/** What customers want to be told of as soon as it is so. */
export const alerts = resource({
  name: 'alert',
  path: '/v1.0/alerts',
  about: 'What one wants to be told of as soon as it is so.',
  table,
  fields,
  filters: { webhook_id: id, extension_id: id, trunk_id: id, provider_id: id, route_id: id },
  unversioned: ['since', 'fedBy'],
  quota: quota('alerts'),
  async draft(input, { c, id, customerId, stored }) {
    refuseBeside(input)
    const key = await sealedKey(c.get('seal'), id, input)
    const row = stored && input.routing_key === undefined ? await stored() : undefined
    if (input.format === 'pagerduty' && !(key.sealedRoutingKey ?? row?.sealedRoutingKey))
      throw ApiError.field('routing_key', 'is needed: PagerDuty knows by it whose alert it is')
    return { row: { ...key, fedBy: [...factsFor(input.when)] }, checks: [leadsThere(input, customerId)] }
  },
  errors: ['REFERENCE_NOT_FOUND'],
  example: {
    id: exampleIds.alert,
    body: {
      name: 'Wrong passwords',
      when: { kind: 'registration_failures', of: 'address', threshold: 20, window: 300 },
      webhook_id: exampleIds.webhook,
    },
    shown: { routing_key_set: false },
  },
})

/** A PagerDuty key as it is kept: sealed, forgotten, or (left out) as it is. */
async function sealedKey(
  seal: Seal,
  id: string,
  { format, routing_key }: AlertInput,
): Promise<{ sealedRoutingKey?: string | null }> {
  if (routing_key && format !== 'pagerduty')
    throw ApiError.field('routing_key', 'means something with the format "pagerduty" only')
  if (routing_key === undefined) return format === 'pagerduty' ? {} : { sealedRoutingKey: null }
  if (routing_key === null) return { sealedRoutingKey: null }
  return { sealedRoutingKey: await seal.close({ table: 'alerts', id, field: 'routing_key' }, routing_key) }
}

/** What each kind may be narrowed to. */
const narrowed: Readonly<Record<AlertKind, readonly (keyof AlertInput)[]>> = {
  registration_failures: ['extension_id', 'trunk_id'],
  unregistered: ['extension_id', 'trunk_id'],
  provider_unhealthy: ['provider_id'],
  provider_unregistered: ['provider_id'],
  success_rate: ['provider_id', 'route_id', 'country'],
  post_dial_delay: ['provider_id', 'route_id', 'country'],
  quality: ['provider_id', 'route_id', 'country'],
  limit_reached: ['extension_id', 'trunk_id', 'provider_id'],
  fraud_suspected: ['extension_id', 'trunk_id'],
  drill_failed: [],
  relay_lost: [],
  new_country: [],
  minutes: ['country'],
}
const subjects = ['extension_id', 'trunk_id', 'provider_id', 'route_id', 'country'] as const

/** A condition which could never hold is refused: it would look like one which does. */
function refuseBeside(input: AlertInput): void {
  const said = subjects.filter((key) => input[key] !== null)
  const strange = said.find((key) => !narrowed[input.when.kind].includes(key))
  if (strange) throw ApiError.field(strange, `means nothing to alerts of the kind "${input.when.kind}"`)
  const [one, other] = said.filter((key) => key !== 'country')
  if (one && other) throw ApiError.field(other, `and ${one} exclude each other`)
  refuseOf(input)
}

/** `of` and what the alert is narrowed to say the same, or one would pass over the other. */
function refuseOf({ when, provider_id, route_id }: AlertInput): void {
  const of = ratedOf(when)
  if (of === undefined) return
  if (provider_id !== null && of !== 'provider')
    throw ApiError.field('provider_id', 'goes with "of": "provider"')
  if (route_id !== null && of !== 'route') throw ApiError.field('route_id', 'goes with "of": "route"')
}

function ratedOf(when: AlertCondition): 'provider' | 'route' | 'customer' | undefined {
  const rated = when.kind === 'success_rate' || when.kind === 'post_dial_delay' || when.kind === 'quality'
  return rated ? when.of : undefined
}

const targets = {
  extension_id: extensions,
  trunk_id: trunks,
  provider_id: providers,
  route_id: routes,
  webhook_id: webhooks,
} as const

/** The check that what an alert names is the customer's own, and there. */
function leadsThere(input: AlertInput, customerId: string): Check {
  const gone = Object.entries(targets).map(([key, of]) => {
    const id = input[key as keyof typeof targets]
    const there = id === null ? sql`true` : sql`exists (select from ${of} where ${live(of, customerId, id)})`
    return sql`select ${key}::text as field where not ${there}`
  })
  return noneOf<{ field: string }>(sql`(${sql.join(gone, sql` union all `)})`, ({ field }) => {
    throw ApiError.namesNone(field)
  })
}
