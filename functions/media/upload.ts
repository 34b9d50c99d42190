import type { Context } from 'hono'
import * as z from 'zod'
import {
  convertSound,
  type MediaForm,
  MOST_SECONDS,
  mediaFormOf,
  SoundFault,
  type TelephoneWav,
} from '#sound'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import type { Uploads } from '../http/noun.ts'
import { readQuery } from '../http/query.ts'

/** Octets a body with sound in it may have: ten minutes of what is kept, and a form around it; a Worker holds it several times. */
export const MOST_UPLOADED = 10 * 1024 * 1024

/** Sound as it was sent. */
interface SentSound {
  readonly bytes: Uint8Array
  readonly form: MediaForm
}

/** What came with a request whose body was no JSON. */
const uploaded = new WeakMap<Context<Edge>, SentSound>()

const binary = z.file()
const query = z.object({
  name: z.string().optional().describe('Of a body which is sound alone: its name.'),
  detail: z.string().optional().describe('Of a body which is sound alone: what people note.'),
})

/** Sound may come as a file of a form, or as the whole body. */
export const soundUploads: Uploads = {
  bodies: {
    'multipart/form-data': z.object({
      file: binary.describe('A WAV file, or bare G.711 (`audio/PCMU`, `audio/PCMA`, `.ulaw`, `.alaw`).'),
      name: z.string().optional(),
      detail: z.string().optional(),
    }),
    'audio/wav': binary,
    'audio/PCMU': binary,
    'audio/PCMA': binary,
  },
  query,
  async read(c) {
    const type = c.req.header('content-type') ?? ''
    if (isJson(type)) return undefined
    return /^multipart\/form-data\b/i.test(type) ? readForm(c, type) : readBare(c, type)
  },
}

/**
 * The sound a request brought, as relays play it: a file, the whole body, or `written`, its octets in base64. Throws what it is not,
 * in words.
 */
export function readSound(c: Context<Edge>, written: string | undefined): TelephoneWav {
  const sent = uploaded.get(c) ?? inBase64(written)
  try {
    return convertSound(sent.bytes, sent.form)
  } catch (error) {
    if (error instanceof SoundFault) throw refusalOf(error)
    throw error
  }
}

/** Why a sound is not taken. */
export function refusalOf({ kind, message }: SoundFault): ApiError {
  return new ApiError(reasons[kind], `The sound ${message}.`, [{ field: 'sound', message }])
}
const reasons = {
  unsupported: 'UNSUPPORTED_SOUND',
  broken: 'INVALID_SOUND',
  too_long: 'SOUND_TOO_LONG',
} as const

/** As scripts for this API send all else; what is nothing at all is said by the JSON which is missing. */
function isJson(type: string): boolean {
  const bare = type.split(';')[0]?.trim().toLowerCase() ?? ''
  return bare === '' || bare === 'text/plain' || bare.endsWith('json')
}

async function readForm(c: Context<Edge>, type: string): Promise<Record<string, unknown>> {
  const { file, ...fields } = Object.fromEntries(await formOf(c, type)) as Record<string, File | string>
  if (typeof file !== 'object') throw ApiError.field('file', 'is missing: a part of this name is the sound')
  note(c, new Uint8Array(await file.arrayBuffer()), mediaFormOf(file.type, file.name), file.type || file.name)
  return fields
}

/** Throws where it is no form. */
async function formOf(c: Context<Edge>, type: string): Promise<FormData> {
  const body = await c.req.arrayBuffer()
  try {
    return await new Response(body, { headers: { 'content-type': type } }).formData()
  } catch {
    throw ApiError.field('body', 'is no multipart/form-data as its Content-Type says')
  }
}

async function readBare(c: Context<Edge>, type: string): Promise<Record<string, unknown>> {
  note(c, new Uint8Array(await c.req.arrayBuffer()), mediaFormOf(type), type)
  return readQuery(c, query)
}

function note(c: Context<Edge>, bytes: Uint8Array, form: MediaForm | undefined, type: string): void {
  if (form === undefined)
    throw new ApiError(
      'UNSUPPORTED_SOUND',
      `Sound of the type "${type}" is not read here: send WAV (audio/wav) or G.711 (audio/PCMU, audio/PCMA), as the file of a form or as the body, of ${MOST_SECONDS} seconds at most.`,
    )
  uploaded.set(c, { bytes, form })
}

function inBase64(written: string | undefined): SentSound {
  if (written === undefined)
    throw ApiError.field('sound', 'is missing: a WAV file, in base64; or send it as audio/wav')
  const octets = atob(written)
  const bytes = new Uint8Array(octets.length)
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = octets.charCodeAt(at)
  return { bytes, form: 'wav' }
}
