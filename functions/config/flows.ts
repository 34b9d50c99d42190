import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import { extensions, numbers, flows as table } from '#db'
import { ApiError } from '../http/api-error.ts'
import { condition } from '../http/check.ts'
import { exampleIds } from '../http/example-ids.ts'
import { field, readOnlyKeys } from '../http/field.ts'
import { leaning } from '../http/queries.ts'
import { resource } from '../http/resource.ts'
import { detail, name } from './fields.ts'
import { actions, actionsExample, rung } from './flow-actions.ts'
import { quota } from './quota.ts'

/** Small programs which incoming calls follow. */
export const flows = resource({
  name: 'flow',
  path: '/v1.0/flows',
  about: 'Small programs which incoming calls follow.',
  table,
  fields: {
    type: field(z.literal('flow').default('flow')),
    name: field(name),
    detail: field(detail),
    actions: field(actions),
  },
  // A copy is made from one which was shown, by VoIPBIN too, where flows go on.
  ignored: [...readOnlyKeys, 'on_complete_flow_id'],
  quota: quota('flows'),
  draft: (input, { customerId }) => ({
    checks: [condition(isThere(customerId, rung(input.actions)), extensionGone)],
  }),
  deleting: {
    leaners: (flow) => [leaning(numbers, 'callFlowId', flow)],
    cascade: 'asked',
    inUse: 'Numbers lead to this flow. Change them first, or ask with ?cascade=true.',
  },
  errors: ['REFERENCE_NOT_FOUND'],
  example: {
    id: exampleIds.flow,
    body: { name: 'ring the office', actions: actionsExample },
  },
})

/** The condition that the customer has such an extension: a call must not be the first to find out. */
function isThere(customerId: string, extension: string): SQL {
  const named = and(
    eq(extensions.customerId, customerId),
    eq(extensions.extension, extension),
    isNull(extensions.deletedAt),
  )
  return sql`exists (select from ${extensions} where ${named})`
}

function extensionGone(): ApiError {
  const where = 'actions.0.option.destinations.0.target_name'
  return ApiError.field(where, 'names no extension of yours', 'REFERENCE_NOT_FOUND')
}
