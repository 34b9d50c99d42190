import { Hono } from 'hono'
import * as z from 'zod'
import { accessScope } from '#contract'
import type { Edge } from '../env.ts'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'

/** What the key of a request is: so that a page shows beforehand what it may not do. */
const ownKeyShown = z
  .object({
    id: z.guid(),
    customer_id: z.guid().describe('Whose it is.'),
    scopes: z.array(accessScope).describe('What it opens.'),
    admin: z.boolean().describe('It is an administrator’s of the platform.'),
  })
  .meta({ id: 'OwnKey', description: 'The access key by which it was asked.' })
export type OwnKey = z.infer<typeof ownKeyShown>

/** The access key which asks. */
export const ownKey = new Hono<Edge>().get('/', (c) => {
  const { keyId, ownId, scopes, admin } = c.get('principal')
  return c.json({ id: keyId, customer_id: ownId, scopes: [...scopes], admin } satisfies OwnKey)
})

/** Asking what one's own key opens. */
export const ownKeyOperations: readonly Operation[] = [
  {
    id: 'getOwnKey',
    method: 'get',
    path: '/v1.0/accesskey',
    summary: 'Read what your own access key opens',
    tag: 'accesskeys',
    scope: 'read',
    answer: ownKeyShown,
    errors: [],
    example: {
      answer: {
        id: exampleIds.ownKey,
        customer_id: exampleIds.customer,
        scopes: ['read'],
        admin: false,
      },
    },
  },
]
