import { Hono } from 'hono'
import * as z from 'zod'
import { advise } from '../diagnosis/advice.ts'
import { finding } from '../diagnosis/finding.ts'
import type { Edge } from '../env.ts'
import type { Operation } from '../http/operation.ts'
import { randomText } from '../secrets.ts'
import { configurationOf } from './advice-reading.ts'

/** Octets of a password which is proposed: more than are ever guessed. */
const passwordOctets = 18
/** The route of the example. */
const found = '6d1f2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b'

/** What a customer might do better. */
export const advice = new Hono<Edge>().get('/', async (c) => {
  const facts = await configurationOf(c.get('db'), c.get('principal').customerId)
  return c.json({ findings: advise(facts, () => randomText(passwordOctets)) })
})

const advised = finding
  .extend({
    practice: z.string().describe('The practice which it is held against.'),
    objects: z
      .array(z.object({ type: z.string(), id: z.guid(), name: z.string() }))
      .describe('Which things it is about; none: something which is missing.'),
  })
  .meta({
    id: 'Advice',
    description: 'Something which might be done better, and the request after which it is.',
  })

/** Asking what might be done better. */
export const adviceOperations: readonly Operation[] = [
  {
    id: 'getAdvice',
    method: 'get',
    path: '/v1.0/advice',
    summary: 'Ask what of your configuration might be done better',
    description:
      'It is held against sixteen practices; of each, 20 findings at most. Nothing is found where all is well. A password which a request proposes was drawn for this answer, and is kept nowhere.',
    tag: 'advice',
    scope: 'read',
    answer: z.object({ findings: z.array(advised) }),
    errors: [],
    example: {
      answer: {
        findings: [
          {
            code: 'ROUTE_NOT_DOCUMENTED',
            severity: 'info',
            sentence: 'The route Default Outbound Route does not say what it is for.',
            evidence: {},
            what_to_do: 'Write it into its detail: who comes after you reads that.',
            request: {
              method: 'PATCH',
              path: `/v1.0/routes/${found}`,
              body: { detail: 'Calls to all by Primary SIP Provider, priority 1.' },
              fill_in: [],
            },
            practice: 'Document routing logic',
            objects: [{ type: 'route', id: found, name: 'Default Outbound Route' }],
          },
        ],
      },
    },
  },
]
