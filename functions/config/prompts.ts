import { and, eq, isNull, sql } from 'drizzle-orm'
import { Hono } from 'hono'
import * as z from 'zod'
import { extensions, flows, numbers, prompts as table } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { confirmsKey } from '../http/authenticate.ts'
import { exampleIds } from '../http/example-ids.ts'
import { field, readOnly, secret } from '../http/field.ts'
import type { Operation } from '../http/operation.ts'
import { isKnown, quoted } from '../http/precondition.ts'
import { now } from '../http/queries.ts'
import { resource } from '../http/resource.ts'
import { readId } from '../http/validate.ts'
import { forgetPrompt, keepPrompt, promptSound } from '../media/prompt-sounds.ts'
import { readSound, soundUploads } from '../media/upload.ts'
import { sha256Hex } from '../secrets.ts'
import { detail, name } from './fields.ts'
import { quota } from './quota.ts'

type PromptRow = typeof table.$inferSelect

/** Sounds a customer recorded, which flows play. What is kept is what is played: 16 bits, mono, 8 kHz. */
export const prompts = resource({
  name: 'prompt',
  path: '/v1.0/prompts',
  about: 'Recorded sounds which flows play. What is kept of one is what callers hear: 16 bits, mono, 8 kHz.',
  table,
  fields: {
    name: field(name),
    detail: field(detail),
    sound: secret(
      z
        .base64('is not base64')
        .optional()
        .describe(
          'A WAV file in base64: PCM of 8 to 32 bits, float or G.711, one or two channels, any rate; as a form’s file or as the body it needs no base64. It stays as it was made: another sound is another prompt.',
        ),
    ),
    duration_ms: readOnly(z.int().describe('How long it lasts.'), (row: PromptRow) => row.durationMs),
    size: readOnly(z.int().describe('Octets of the file which is played.'), (row: PromptRow) => row.size),
    sha256: readOnly(z.string().describe('Of that file, in hex.'), (row: PromptRow) => row.sha256),
  },
  unversioned: ['erasedAt'],
  uploads: soundUploads,
  quota: quota('prompts'),
  async draft({ sound }, { c, id, customerId, stored }) {
    const was = await stored?.()
    if (was && sound === undefined) return {}
    const { wav, ms } = readSound(c, sound)
    const row = { sha256: await sha256Hex(wav), size: wav.length, durationMs: ms }
    if (was?.sha256 === row.sha256) return {}
    if (was) throw ApiError.field('sound', 'stays as it was made: another sound is another prompt')
    const prompt = { customerId, id }
    await keepPrompt(c.env, prompt, wav)
    return { row, undo: () => forgetPrompt(c.env, prompt) }
  },
  deleting: {
    leaners: ({ id, customerId }) => [
      {
        table: flows,
        where: and(eq(flows.customerId, customerId), isNull(flows.deletedAt), plays(id)),
        becomes: { deletedAt: now },
      },
      ...[numbers, extensions].map((table) => ({
        table,
        where: and(eq(table.customerId, customerId), isNull(table.deletedAt), says(table, id)),
        becomes: 'as it is' as const,
      })),
    ],
    cascade: 'never',
    inUse: 'Flows, numbers or extensions play this prompt. Change them first.',
  },
  errors: [
    'UNSUPPORTED_SOUND',
    'INVALID_SOUND',
    'SOUND_TOO_LONG',
    'TOO_MANY_UPLOADS',
    'SOUND_STORE_UNAVAILABLE',
  ],
  example: {
    id: exampleIds.prompt,
    body: { name: 'Welcome', sound: shortSilence() },
    shown: {
      duration_ms: 1,
      size: 60,
      sha256: '86b5f5a4a69b226cef532cb4019df8ff0c08a804fa919af5d116e6e257cd9eac',
    },
  },
})

/** The condition that a flow names this prompt in any of its actions. */
function plays(id: string) {
  const named = JSON.stringify({ id })
  return sql`jsonb_path_exists(${flows.actions}, '$.**.prompt_id ? (@ == $id)', ${named}::jsonb)`
}

/** The condition that it is said before calls are recorded. */
function says(
  { recordAnnouncement }: Pick<typeof numbers | typeof extensions, 'recordAnnouncement'>,
  id: string,
) {
  return sql`${recordAnnouncement} ->> 'prompt_id' = ${id}`
}

/** A WAV file of a millisecond, in base64. */
function shortSilence(): string {
  return 'UklGRjQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YRAAAAAAAAAAAAAAAAAAAAAAAAAA'
}

/** What a prompt sounds like. */
export const promptDownloads = new Hono<Edge>().get(
  '/:id/sound',
  confirmsKey(async (c) => {
    const prompt = (await prompts.find(c, readId(c))) as PromptRow
    c.header('ETag', quoted(prompt.sha256))
    if (isKnown(c, prompt.sha256)) return c.body(null, 304)
    const { body, size } = await promptSound(c.env, prompt)
    return c.body(body, 200, {
      'content-type': 'audio/wav',
      'content-length': String(size),
      'content-disposition': `attachment; filename="${prompt.id}.wav"`,
    })
  }),
)

/** Its download, as the API's document has it. */
export const promptOperations: readonly Operation[] = [
  {
    id: 'downloadPrompt',
    method: 'get',
    path: '/v1.0/prompts/{id}/sound',
    summary: 'Download the sound of a prompt as it is played',
    tag: 'prompts',
    scope: 'read',
    answer: z.string().describe('A WAV file.'),
    media: 'audio/wav',
    headers: ['ETag'],
    precondition: 'If-None-Match',
    errors: ['PROMPT_NOT_FOUND', 'SOUND_GONE', 'SOUND_STORE_UNAVAILABLE'],
    example: { parameters: { id: exampleIds.prompt }, answer: 'RIFF…' },
  },
]
