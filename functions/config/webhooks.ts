import type { Context } from 'hono'
import * as z from 'zod'
import { instant } from '#contract'
import { alerts, webhooks as table } from '#db'
import type { Edge } from '../env.ts'
import { senderParts } from '../events/dispatcher.ts'
import { newWebhookSecret } from '../events/signature.ts'
import { faultOfTarget } from '../events/target.ts'
import { ApiError } from '../http/api-error.ts'
import { exampleIds } from '../http/example-ids.ts'
import { field, readOnly } from '../http/field.ts'
import { leaning } from '../http/queries.ts'
import { resource } from '../http/resource.ts'
import { covers } from '../http/scopes.ts'
import { detail, eventPattern, name } from './fields.ts'
import { quota } from './quota.ts'

const patterns = z
  .array(eventPattern)
  .min(1, 'names none; "*" is all')
  .max(50)
  .refine((list) => new Set(list).size === list.length, 'names one twice')
  .describe('Types of events: `call.ended`, `call.*` for all which begin so, `*` for all.')

const secret = z
  .string()
  .describe('What messages are signed with (Standard Webhooks), which is shown here and nowhere else.')
const exampleSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo='

type WebhookRow = typeof table.$inferSelect

/** Places of the customer's own which are told of its events. */
export const webhooks = resource({
  name: 'webhook',
  path: '/v1.0/webhooks',
  about: 'Places of the customer’s own which are told of its events, signed, by POST.',
  table,
  fields: {
    name: field(name),
    detail: field(detail),
    url: field(
      z
        .string()
        .max(2048)
        .describe(
          'Where events are sent: https, at a public address. A key which only reads is shown whose it is, not its path: that may be a secret.',
        ),
      { as: urlFor },
    ),
    events: field(patterns),
    enabled: field(z.boolean().default(true)),
    disabled_reason: readOnly(
      z
        .enum(['GONE', 'FAILING'])
        .nullable()
        .describe('Why the edge disabled it: it answered 410, or took nothing for days; null: it did not.'),
      (row: WebhookRow) => row.disabledReason,
    ),
    tm_previous_expire: readOnly(
      instant.nullable().describe('Until when the secret before its rotation signs, too.'),
      (row: WebhookRow) => row.previousUntil,
    ),
  },
  unversioned: ['failingSince'],
  quota: quota('webhooks'),
  once: { secret },
  async draft(input, { c, id, stored }) {
    await refuseTarget(c, input.url)
    // Enabled anew it begins anew.
    const anew = input.enabled ? { disabledReason: null, failingSince: null } : {}
    if (stored) return { row: anew }
    const made = newWebhookSecret()
    return { row: { ...anew, sealedSecret: await sealedSecret(c, id, made) }, once: { secret: made } }
  },
  deleting: {
    leaners: (webhook) => [leaning(alerts, 'webhookId', webhook)],
    cascade: 'asked',
    inUse: 'Alerts are told to this webhook. Change them first, or ask with ?cascade=true.',
  },
  example: {
    id: exampleIds.webhook,
    body: {
      name: 'billing',
      url: 'https://hooks.example.com/trunkline',
      events: ['call.*', 'provider.health_changed'],
    },
    shown: { disabled_reason: null, tm_previous_expire: null },
    once: { secret: exampleSecret },
  },
})

/** All of a URL for who may change it; else its origin: receivers such as Slack know who may send by the path. */
function urlFor({ url }: WebhookRow, c: Context<Edge>): string {
  if (covers(c.get('principal').scopes, 'configure')) return url
  return `${new URL(url).origin}/…`
}

/** A webhook's secret as it is kept. */
export function sealedSecret(c: Context<Edge>, id: string, secret: string): Promise<string> {
  return c.get('seal').close({ table: 'webhooks', id, field: 'secret' }, secret)
}

/** A name which cannot be looked up just now is looked up again whenever something is sent. */
async function refuseTarget(c: Context<Edge>, url: string): Promise<void> {
  const { rules, resolve } = senderParts(c.env)
  const ownNames = [...rules.ownNames, new URL(c.req.url).hostname]
  const fault = await faultOfTarget(url, { ...rules, ownNames }, resolve)
  if (fault !== undefined && fault !== 'unknown') throw ApiError.field('url', fault)
}
