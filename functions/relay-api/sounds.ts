import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { soundRequest } from '#contract'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { isKnown, quoted } from '../http/precondition.ts'
import { readQuery } from '../http/query.ts'
import { readId, readTold } from '../http/validate.ts'
import { fetchSound } from '../media/fetched-sound.ts'
import { findPrompt, promptSound } from '../media/prompt-sounds.ts'

const whose = z.object({ customer_id: z.guid() })

/** A prompt of a customer's, as relays play it: it never changes, and `ETag` is the SHA-256 of its octets. */
export const promptSounds = new Hono<Edge>().get('/:id', async (c) => {
  const prompt = { id: readId(c), customerId: readQuery(c, whose).customer_id }
  const row = await findPrompt(c.get('db'), prompt)
  if (!row) throw new ApiError('PROMPT_NOT_FOUND', 'There is no such prompt.')
  c.header('ETag', quoted(row.sha256))
  c.header('Cache-Control', 'private, max-age=31536000, immutable')
  if (isKnown(c, row.sha256)) return c.body(null, 304)
  const { body, size } = await promptSound(c.env, prompt)
  return c.body(body, 200, { 'content-type': 'audio/wav', 'content-length': String(size) })
})

/** What is at a customer's URL, as relays play it. */
export const sounds = new Hono<Edge>().post('/', async (c) => {
  const asked = await readTold(c, soundRequest)
  const { sound, validators, freshS } = await fetchSound(c.env, ownName(c), asked)
  for (const [name, value] of Object.entries(validators)) c.header(name, value)
  c.header('Cache-Control', `max-age=${freshS}`)
  return sound ? c.body(sound.wav, 200, { 'content-type': 'audio/wav' }) : c.body(null, 304)
})

function ownName(c: Context<Edge>): string {
  return new URL(c.req.url).hostname
}
