import { type Context, Hono } from 'hono'
import { utcNow } from '../clock.ts'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { bytes, fromBase64, toBase64 } from '../secrets.ts'
import { bucketOf, fromBucket } from './bucket.ts'
import { soundKey } from './recording-sound.ts'

/** How long a link leads to a recording. */
const LASTS_MS = 10 * 60_000

/** Where recordings are heard without an access key, by a link which says itself until when. */
export const RECORDING_LINKS = '/media/recordings'

interface LinkedSound {
  readonly customerId: string
  readonly id: string
}

/** A link to a recording's sound, which leads there for ten minutes: path and query. */
export async function linkTo(secret: string, sound: LinkedSound): Promise<string> {
  const until = utcNow() + LASTS_MS
  const signature = toBase64(new Uint8Array(await signed(secret, sound, until)))
  return `${RECORDING_LINKS}/${sound.customerId}/${sound.id}.wav?until=${until}&signature=${signature}`
}

/** What such links lead to: the whole file, or the range which is asked for (RFC 9110 §14). */
export const recordingLinks = new Hono<Edge>().get('/:customer/:file{[0-9a-f-]{36}\\.wav}', async (c) => {
  const sound = await soundOf(c)
  const bucket = bucketOf(c.env)
  const head = await fromBucket(bucket.head(soundKey(sound)))
  const asked = head && rangeAsked(c.req.header('range'), head.size)
  if (head && asked === null) return c.body(null, 416, { 'content-range': `bytes */${head.size}` })
  const found = head && (await fromBucket(bucket.get(soundKey(sound), asked ? { range: asked } : {})))
  if (!found) throw new ApiError('RECORDING_NOT_FOUND', 'There is no such recording any more.')
  const { offset, length } = asked ?? { offset: 0, length: found.size }
  return c.body(found.body, asked ? 206 : 200, {
    'content-type': 'audio/wav',
    'content-length': String(length),
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-store',
    'content-disposition': `attachment; filename="${sound.id}.wav"`,
    ...(asked && { 'content-range': `bytes ${offset}-${offset + length - 1}/${found.size}` }),
  })
})

/** Whose sound a link is to. Throws PERMISSION_DENIED where we did not make it, or its time is up. */
async function soundOf(c: Context<Edge>): Promise<LinkedSound> {
  const [customerId, file] = [c.req.param('customer') ?? '', c.req.param('file') ?? '']
  const sound = { customerId, id: file.slice(0, 36) }
  const until = Number(c.req.query('until'))
  const signature = c.req.query('signature') ?? ''
  const tried = c.get('settings').RELAY_SECRET.map((secret) => isSigned(secret, sound, until, signature))
  const right = (await Promise.all(tried)).includes(true)
  if (!right || !(until > utcNow()))
    throw new ApiError('PERMISSION_DENIED', 'This link leads nowhere any more: ask for another.')
  return sound
}

/** The range which is asked for; undefined: all of it, null: there is no such range. Of several the whole is given. */
function rangeAsked(
  header: string | undefined,
  size: number,
): { offset: number; length: number } | null | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (from === '' && to === '') return undefined
  const offset = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  return offset > last ? null : { offset, length: last - offset + 1 }
}

async function isSigned(
  secret: string,
  sound: LinkedSound,
  until: number,
  signature: string,
): Promise<boolean> {
  try {
    return await crypto.subtle.verify(
      'HMAC',
      await keyOf(secret),
      fromBase64(signature),
      textOf(sound, until),
    )
  } catch {
    return false
  }
}

async function signed(secret: string, sound: LinkedSound, until: number): Promise<ArrayBuffer> {
  return crypto.subtle.sign('HMAC', await keyOf(secret), textOf(sound, until))
}

function textOf({ customerId, id }: LinkedSound, until: number): Uint8Array<ArrayBuffer> {
  return bytes(`recording ${customerId} ${id} ${until}`) as Uint8Array<ArrayBuffer>
}

function keyOf(secret: string): Promise<CryptoKey> {
  return crypto.subtle.importKey(
    'raw',
    bytes(secret) as Uint8Array<ArrayBuffer>,
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign', 'verify'],
  )
}
