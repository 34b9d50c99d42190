import { Hono } from 'hono'
import * as z from 'zod'
import type { Edge } from '../env.ts'
import { flowSecret } from '../flow-secret.ts'
import type { Operation } from '../http/operation.ts'

/** The secret by which the asking customer's own server knows what `fetch` and `webhook_send` send it. */
export const flowSecrets = new Hono<Edge>().get('/', async (c) => {
  const { RELAY_SECRET } = c.get('settings')
  return c.json({ secret: await flowSecret(RELAY_SECRET[0], c.get('principal').customerId) })
})

/** Reading it. */
export const flowSecretOperations: readonly Operation[] = [
  {
    id: 'getFlowSecret',
    method: 'get',
    path: '/v1.0/flows/secret',
    summary: 'Read the secret which flows’ questions are signed with',
    description:
      'Requests of `fetch` and `webhook_send` carry `webhook-id`, `webhook-timestamp` and `webhook-signature` as webhooks do (Standard Webhooks 1.0.0), by this secret.',
    tag: 'flows',
    scope: 'configure',
    answer: z
      .object({ secret: z.string().describe('`whsec_` and base64; one for all flows of a customer.') })
      .meta({ id: 'FlowSecret', description: 'What flows’ questions are signed with.' }),
    errors: [],
    example: { answer: { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=' } },
  },
]
