import * as z from 'zod'
import { accessScope, accessScopes, instant } from '#contract'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { listShape, paging } from '../http/page.ts'
import { changes, rotation, wish } from './accesskeys.ts'

const accesskey = z
  .object({
    id: z.guid(),
    customer_id: z.guid(),
    name: z.string(),
    detail: z.string(),
    token_prefix: z.string().describe('How its token begins.'),
    scopes: z.array(accessScope).describe('What it opens.'),
    admin: z.boolean().describe('It is an administrator’s.'),
    tm_expire: instant.nullable().describe('null: it stays until it is deleted.'),
    tm_previous_expire: instant
      .nullable()
      .describe('Until when a token which it had before opens; null: none does.'),
    tm_last_used: instant.nullable().describe('To the minute.'),
    tm_create: instant,
    tm_update: instant.nullable(),
    tm_delete: instant.nullable(),
  })
  .meta({ id: 'Accesskey', description: 'A key for programs.' })
const withToken = accesskey
  .extend({ token: z.string().describe('The key itself, which is shown here and nowhere else.') })
  .meta({ id: 'AccesskeyMade', description: 'A key for programs, with its token.' })
const whenReplaced = accesskey
  .extend({ reset: z.array(z.string()).describe('Fields which lost what they had.') })
  .meta({ id: 'AccesskeyReplaced', description: 'A key for programs, as it was changed.' })

const example = {
  id: exampleIds.accesskey,
  customer_id: exampleIds.customer,
  name: 'deploy',
  detail: '',
  token_prefix: 'tk_q8Zt1vXw',
  scopes: [...accessScopes],
  admin: false,
  tm_expire: null,
  tm_previous_expire: null,
  tm_last_used: null,
  tm_create: '2026-11-24T09:00:00.000Z',
  tm_update: null,
  tm_delete: null,
}
const token = 'tk_q8Zt1vXwN5bR0yLkS7eDhAuFcMjPiGoT'
const about = { tag: 'accesskeys', scope: 'admin' } as const
const one = { ...about, path: '/v1.0/accesskeys/{id}' } as const

/** Making, giving and taking keys. */
export const accesskeyOperations: readonly Operation[] = [
  {
    ...about,
    id: 'listAccesskeys',
    method: 'get',
    path: '/v1.0/accesskeys',
    summary: 'List access keys, newest first',
    query: paging,
    answer: listShape(accesskey),
    errors: [],
    example: { answer: { result: [example], next_page_token: '' } },
  },
  {
    ...about,
    id: 'createAccesskey',
    method: 'post',
    path: '/v1.0/accesskeys',
    summary: 'Create an access key',
    description: 'Its `token` is in this answer and nowhere else.',
    body: wish,
    answer: withToken,
    headers: ['Location'],
    errors: ['QUOTA_EXCEEDED'],
    example: { body: { name: 'deploy' }, answer: { ...example, token } },
  },
  {
    ...one,
    id: 'getAccesskey',
    method: 'get',
    summary: 'Read an access key',
    answer: accesskey,
    errors: ['ACCESSKEY_NOT_FOUND'],
    example: { answer: example },
  },
  {
    ...one,
    id: 'replaceAccesskey',
    method: 'put',
    summary: 'Replace what an access key is called, and what it opens',
    body: changes,
    answer: whenReplaced,
    errors: ['ACCESSKEY_NOT_FOUND'],
    example: { body: { name: 'deploy' }, answer: { ...example, reset: [] } },
  },
  {
    ...one,
    id: 'deleteAccesskey',
    method: 'delete',
    summary: 'Delete an access key',
    description: 'It opens nothing from then on.',
    answer: accesskey,
    errors: ['ACCESSKEY_NOT_FOUND'],
    example: { answer: { ...example, tm_delete: '2026-11-24T10:00:00.000Z' } },
  },
  {
    ...about,
    id: 'rotateAccesskey',
    method: 'post',
    path: '/v1.0/accesskeys/{id}/rotate',
    summary: 'Give an access key another token',
    description: 'The tokens so far go on opening for the overlap, so that programs can change over.',
    body: rotation,
    answer: withToken,
    errors: ['ACCESSKEY_NOT_FOUND', 'QUOTA_EXCEEDED'],
    example: { body: { overlap_seconds: 3600 }, answer: { ...example, token } },
  },
]
