import * as z from 'zod'
import { instant } from '#contract'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { listShape, paging } from '../http/page.ts'
import { tokenInput } from './registration-tokens.ts'

const token = z
  .object({
    id: z.guid(),
    extension_id: z.guid(),
    key_id: z.guid().nullable().describe('The access key which made it; null: that is not known.'),
    key_name: z
      .string()
      .nullable()
      .describe(
        'Its name; null: it is none of the customer’s own, or it is another than the one which asks, and that has not the scope `admin`.',
      ),
    tm_create: instant,
    tm_expire: instant.describe('Until when it is good.'),
  })
  .meta({
    id: 'ExtensionTokenMade',
    description: 'A credential of an extension which is good still, without its password.',
  })

const tokenId = '5d0c1f6c-1a10-401f-8e6d-0b4a529d550c'
const shown = {
  id: tokenId,
  extension_id: exampleIds.extension,
  key_id: '6e1d2f7b-2b21-4f0e-9c1a-7f3b5d6a1c02',
  key_name: 'deploy',
  tm_create: '2026-11-25T09:50:00.000000Z',
  tm_expire: '2026-11-25T10:00:00.000000Z',
}

/** Making tokens, seeing which there are, and ending one. */
export const registrationTokenOperations: readonly Operation[] = [
  {
    id: 'createExtensionToken',
    method: 'post',
    path: '/v1.0/extensions/{id}/tokens',
    summary: 'Make a credential by which a phone registers for a time',
    description:
      'For phones in browsers and apps, which are not to be given the password: `username` and `password` answer digest challenges (JsSIP’s `authorization_user` and `password`) of REGISTER and INVITE until `tm_expire`. They are good no longer once the extension is disabled, deleted or has another password, once the access key which made them is deleted, or they are ended one by one (`DELETE`). Twenty of an extension may be good at once; relays know which were ended until their time is over, so where too many were lately (120 of one access key’s, or 200 with those which are good; none which another password ended) the answer is 429 until `Retry-After`. The password is shown here alone, and kept nowhere.',
    tag: 'extensions',
    scope: 'call',
    body: tokenInput,
    mayBeBare: true,
    answer: token
      .extend({
        uri: z.string().describe('Whom the phone registers as.'),
        username: z.string().describe('The name for digest: the extension, and until when this is good.'),
        password: z.string(),
        realm: z.string(),
        ws_urls: z
          .array(z.string())
          .describe('Where relays take SIP over WebSocket (RFC 7118); none: this installation does not say.'),
        expire: z.int().describe('Seconds from now.'),
        tm_expire: instant.describe('Until when it is good; no registration made by it lasts longer.'),
      })
      .meta({ id: 'ExtensionToken', description: 'A credential of an extension, good for a time.' }),
    errors: ['EXTENSION_NOT_FOUND', 'TOO_MANY_TOKENS'],
    example: {
      parameters: { id: exampleIds.extension },
      body: { expire: 600 },
      answer: {
        ...shown,
        uri: 'sip:office1@3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1001.registrar.trunkline.example',
        username: `office1~tp12qo~${tokenId.replaceAll('-', '')}`,
        password: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        realm: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1001.registrar.trunkline.example',
        ws_urls: ['wss://sip.trunkline.example:7443/'],
        expire: 600,
      },
    },
  },
  {
    id: 'listExtensionTokens',
    method: 'get',
    path: '/v1.0/extensions/{id}/tokens',
    summary: 'List the tokens of an extension which are good, newest first',
    tag: 'extensions',
    scope: 'read',
    query: paging,
    answer: listShape(token),
    errors: ['EXTENSION_NOT_FOUND'],
    example: {
      parameters: { id: exampleIds.extension },
      answer: { result: [shown], next_page_token: '' },
    },
  },
  {
    id: 'endExtensionToken',
    method: 'delete',
    path: '/v1.0/extensions/{id}/tokens/{token_id}',
    summary: 'End a token of an extension',
    description:
      'Relays hear of it at once, or by their next question: what registered by it is thrown out, and no phone proves itself by it any more. Calls under way go on. The event `token.ended` says by which key. One which another access key made needs the scope `configure`, too.',
    tag: 'extensions',
    scope: 'call',
    answer: token,
    errors: ['EXTENSION_NOT_FOUND', 'TOKEN_NOT_FOUND'],
    example: { parameters: { id: exampleIds.extension, token_id: tokenId }, answer: shown },
  },
]
