import type { SoundRequest } from '#contract'
import { convertSound, mediaFormOf, SoundFault, type TelephoneWav } from '#sound'
import { senderParts } from '../events/dispatcher.ts'
import { faultOfTarget } from '../events/target.ts'
import { ApiError } from '../http/api-error.ts'
import { holding } from './held-uploads.ts'
import { MOST_UPLOADED, refusalOf } from './upload.ts'

/** A server has so long to give a sound, all in all. */
const PATIENCE_MS = 10_000
/** Places one is sent on to. */
const REDIRECTS = 3
/** For how long a sound is good whose server does not say; and at most. */
const [USUAL_S, LONGEST_S] = [300, 86_400]

/** What is at a URL now, and by what it is known again; undefined: what was there before. */
export interface FetchedSound {
  readonly sound: TelephoneWav | undefined
  /** `ETag` and `Last-Modified`, where the server said them. */
  readonly validators: Readonly<Record<string, string>>
  /** Seconds for which it need not be asked for again. */
  readonly freshS: number
}

/**
 * Fetches a customer's sound for a relay, which could reach places that the customer may not: where it leads is judged as
 * webhooks' URLs are, anew at each redirect. Throws SOUND_UNREACHABLE and why, and what the sound is not.
 */
export async function fetchSound(env: object, ownName: string, asked: SoundRequest): Promise<FetchedSound> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const response = await followed(env, ownName, asked, signal)
  const { status, headers } = response
  const known = { validators: validatorsOf(headers), freshS: freshFor(headers) }
  if (status === 304) return { sound: undefined, ...known }
  if (status !== 200) throw unreachable(`its server answered ${status}`)
  const sound = await holding(lengthOf(headers), async () =>
    converted(await orUnreachable(wholeOf(response)), headers.get('content-type') ?? '', asked.url),
  )
  return { sound, ...known }
}

async function followed(
  env: object,
  ownName: string,
  { url, etag, last_modified }: SoundRequest,
  signal: AbortSignal,
): Promise<Response> {
  const headers = {
    accept: 'audio/wav, audio/PCMU, audio/PCMA',
    'user-agent': 'Trunkline/1.0',
    ...(etag !== undefined && { 'if-none-match': etag }),
    ...(last_modified !== undefined && { 'if-modified-since': last_modified }),
  }
  let place = url
  for (let hops = 0; hops <= REDIRECTS; hops += 1) {
    await refusePlace(env, ownName, place)
    const response = await orUnreachable(fetch(place, { redirect: 'manual', headers, signal }))
    const next = response.headers.get('location')
    if (response.status === 304 || response.status < 300 || response.status > 399 || next === null)
      return response
    await response.body?.cancel()
    if (!URL.canParse(next, place)) throw unreachable('its server sends on to what is no URL')
    place = new URL(next, place).href
  }
  throw unreachable(`its server sends on more than ${REDIRECTS} times`)
}

async function refusePlace(env: object, ownName: string, place: string): Promise<void> {
  const { rules, resolve } = senderParts(env)
  const ownNames = [...rules.ownNames, ownName]
  const fault = await faultOfTarget(place, { ...rules, ownNames }, resolve)
  if (fault === 'unknown') throw unreachable('its name could not be looked up')
  if (fault !== undefined) throw unreachable(`the URL ${fault}`)
}

/** Octets a body says it has; one which does not may have as many as there may be. */
function lengthOf(headers: Headers): number {
  const said = headers.get('content-length') ?? ''
  return /^\d{1,9}$/.test(said) ? Math.min(Number(said), MOST_UPLOADED) : MOST_UPLOADED
}

/** All of a body, as long as it may be. */
async function wholeOf({ body }: Response): Promise<Uint8Array> {
  const reader = body?.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true }
    if (done || value === undefined) break
    length += value.length
    if (length > MOST_UPLOADED) {
      reader?.cancel().catch(() => {})
      throw unreachable(`it is larger than ${MOST_UPLOADED / 1024 / 1024} MiB`)
    }
    parts.push(value)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Many servers do not know what they serve: then its name says, or the sound itself. */
function converted(bytes: Uint8Array, type: string, url: string): TelephoneWav {
  const { pathname } = new URL(url)
  try {
    return convertSound(bytes, mediaFormOf(type, pathname) ?? mediaFormOf('', pathname) ?? 'wav')
  } catch (error) {
    throw error instanceof SoundFault ? refusalOf(error) : error
  }
}

function validatorsOf(headers: Headers): Record<string, string> {
  const said = ['etag', 'last-modified'].map((name) => [name, headers.get(name) ?? ''] as const)
  return Object.fromEntries(said.filter(([, value]) => /^[\x20-\x7e]{1,256}$/.test(value)))
}

/** Seconds a shared cache may keep an answer (RFC 9111 §5.2.2). */
function freshFor(headers: Headers): number {
  const said = headers.get('cache-control')?.toLowerCase() ?? ''
  if (/\b(no-store|no-cache|private)\b/.test(said)) return 0
  const [, seconds] = /\bs-maxage="?(\d{1,9})/.exec(said) ?? /\bmax-age="?(\d{1,9})/.exec(said) ?? []
  return Math.min(seconds === undefined ? USUAL_S : Number(seconds), LONGEST_S)
}

async function orUnreachable<Value>(asked: Promise<Value>): Promise<Value> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ApiError) throw error
    const late = error instanceof Error && error.name === 'TimeoutError'
    throw unreachable(
      late
        ? `its server did not give it within ${PATIENCE_MS / 1000} seconds`
        : 'its server could not be reached, or hung up',
    )
  }
}

function unreachable(why: string): ApiError {
  return new ApiError('SOUND_UNREACHABLE', `The sound cannot be had: ${why}.`)
}
