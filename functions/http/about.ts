import * as z from 'zod'
import { reasons } from './api-error.ts'
import { fieldWords } from './field-words.ts'
import type { About } from './openapi-document.ts'

/** What the document says of the API beside its operations. */
export const about: About = {
  title: 'Trunkline',
  version: '1.0',
  description: [
    'Phone service over SIP: carriers, routes, phones, PBXs and numbers are configured here, and every call says why it went where it went.',
    'Bodies are JSON; a key or parameter which is not known is refused by name. Lists come newest first, by pages. PUT replaces the whole: a key left out goes back to its default, and `reset` in the answer names what was lost by it; PATCH changes what it names and nothing else. `If-Match` keeps two writers apart, `Idempotency-Key` has a POST done once however often it is sent. Deleted things still answer by id, with their `tm_delete`. Times are UTC. Requests to copy read from the environment where this is (`API`, without `/v1.0`) and an access key (`KEY`). Numbers may be written as people do, and are shown as E.164 (`+15551234567`).',
  ].join('\n\n'),
  tags: {
    customer: 'Oneself: which countries may be called, limits, defaults.',
    customers: 'Everybody, for administrators.',
    accesskeys: 'Keys for programs.',
    providers: 'SIP carriers: where calls to the phone network go, and where calls from it come from.',
    routes: 'Which provider for which destination, in which order; and what if somebody called.',
    extensions: 'Accounts which phones register as.',
    trunks: 'PBXs: they call through us, and numbers lead to them.',
    numbers: 'Phone numbers, and who is rung when they are called.',
    flows: 'What a call to a number does.',
    prompts: 'Recorded sounds which flows play.',
    registrations: 'Where phones and PBXs can be reached now.',
    blocks: 'Addresses from which many accounts were tried, and which are let in no more for a while.',
    calls: 'What became of every call, and why.',
    recordings: 'What was said in calls, and left in mailboxes.',
    erasures: 'A number or an extension erased from what is kept.',
    advice: 'What of the configuration might be done better, each with the request after which it is.',
    stats: 'What calls came to: how many were answered, how long, how well.',
    webhooks: 'Places which are told of events, signed, in order, until they take them.',
    drills: 'Test calls which see the world as if a provider were down, and what they found out.',
    alerts: 'What one wants to be told of as soon as it is so, and when it was.',
    events: 'What happened and is worth knowing.',
    changes: 'Who changed what of the configuration, and how it was before.',
    relays: 'What carries the calls, for administrators.',
    about: 'The API itself.',
  },
  words: fieldWords,
  refusal: z
    .object({
      error: z.object({
        status: z.enum([...new Set(Object.values(reasons))]).describe('The kind of refusal.'),
        reason: z.string().describe('Why, as a word for programs: it stays the same for good.'),
        message: z.string().describe('Why, in a sentence.'),
        request_id: z.string(),
        details: z
          .array(z.object({ field: z.string(), message: z.string() }))
          .optional()
          .describe('The fields concerned.'),
      }),
    })
    .meta({ id: 'Error', description: 'How every refusal looks.' }),
}
