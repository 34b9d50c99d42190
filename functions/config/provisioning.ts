import { type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import { renderSVG } from 'uqr'
import * as z from 'zod'
import { instant } from '#contract'
import { provisioningLinks, readInstant } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { readId, readNoBody } from '../http/validate.ts'
import { randomText, sha256Hex } from '../secrets.ts'
import { extensions } from './extensions.ts'
import { PROVISIONING_LINKS } from './provisioning-links.ts'

/** How long a link leads to a phone's settings. */
const LASTS: SQL = sql`now() + interval '10 minutes'`

/** A link by which the phone of an extension sets itself up, once; a new one takes the place of the one before. */
export const provisioning = new Hono<Edge>().post('/:id/provisioning', async (c) => {
  const id = readId(c)
  await readNoBody(c)
  const { extension, customerId, deletedAt } = await extensions.find(c, id)
  if (deletedAt !== null) throw new ApiError('EXTENSION_NOT_FOUND', 'There is no such extension.')
  const token = randomText(24)
  const until = await keep(c, { id, customerId, hash: await sha256Hex(token) })
  const url = new URL(`${PROVISIONING_LINKS}/${token}`, c.req.url).href
  return c.json({
    extension_id: id,
    extension,
    url,
    linphone_url: `${url}/linphone`,
    zoiper_url: `${url}/zoiper`,
    acrobits_url: `${url}/acrobits`,
    qr: renderSVG(url, { border: 2 }),
    tm_expire: readInstant(until),
  })
})

async function keep(
  c: Context<Edge>,
  { id, customerId, hash }: { readonly id: string; readonly customerId: string; readonly hash: string },
): Promise<string> {
  const { keyId } = c.get('principal')
  const { rows } = await c.get('db').execute<{ expires_at: string }>(sql`
    insert into ${provisioningLinks} (extension_id, customer_id, key_id, hash, expires_at)
    values (${id}::uuid, ${customerId}::uuid, ${keyId}::uuid, ${hash}, ${LASTS})
    on conflict (extension_id) do update set
      key_id = excluded.key_id, hash = excluded.hash, expires_at = excluded.expires_at, spent_at = null
    returning expires_at::text`)
  return rows[0]?.expires_at ?? ''
}

const provisioningShown = z
  .object({
    extension_id: z.guid(),
    extension: z.string().describe('The account which the phone registers as.'),
    url: z
      .url()
      .describe('Linphone is set up by it; a browser shows a page on which a person has the password made.'),
    linphone_url: z.url().describe('Linphone’s remote provisioning (XML).'),
    zoiper_url: z.url().describe('Zoiper’s provisioning (XML).'),
    acrobits_url: z.url().describe('The account XML of Acrobits’ phones, Groundwire among them.'),
    qr: z.string().describe('`url` as a QR code: an SVG.'),
    tm_expire: instant.describe('Until when it leads there.'),
  })
  .meta({ id: 'Provisioning', description: 'A link by which a phone sets itself up, once.' })

const exampleUrl = 'https://api.trunkline.example/provisioning/qJ5v0Vb2m4c8T1yXw7ZkQe3RnLsA9dGh'

/** How it is described. */
export const provisioningOperations: readonly Operation[] = [
  {
    id: 'provisionExtension',
    method: 'post',
    path: '/v1.0/extensions/{id}/provisioning',
    summary: 'Make a link and a QR code by which a phone sets itself up',
    description:
      'It is good for ten minutes and for one phone; an earlier link of the extension leads nowhere any more. Whoever fetches the settings has a new password made at that moment, since only hashes of the one so far are kept: phones which have that one must be set up anew, too.',
    tag: 'extensions',
    scope: 'configure',
    answer: provisioningShown,
    errors: ['EXTENSION_NOT_FOUND', 'INVALID_ARGUMENT', 'INVALID_JSON_BODY'],
    example: {
      parameters: { id: exampleIds.extension },
      answer: {
        extension_id: exampleIds.extension,
        extension: 'office1',
        url: exampleUrl,
        linphone_url: `${exampleUrl}/linphone`,
        zoiper_url: `${exampleUrl}/zoiper`,
        acrobits_url: `${exampleUrl}/acrobits`,
        qr: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 41 41"></svg>',
        tm_expire: '2026-11-24T09:10:00.000000Z',
      },
    },
  },
]
