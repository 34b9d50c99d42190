import { webcrypto } from 'node:crypto'
import type { SoundRequest } from '#contract'
import { msOfWav, RATE } from '#sound'
import { systemUtc } from './clock.ts'
import { type EdgeHttp, type EdgeReply, refusal } from './edge-http.ts'
import type { CachedSound, SoundMeta } from './sound-cache.ts'

/** A sound as it came, and the SHA-256 of its octets. */
export interface BroughtSound extends SoundMeta {
  readonly wav: Uint8Array
  readonly content: string
}

/** The edge waits ten seconds for a customer's server. */
const BUDGET_MS = 15_000
const BYTES_AT_MOST = 16 * 1024 * 1024
/** Statuses by which the edge says that there is no such sound, and why. */
const final = new Set([400, 404, 410, 413, 415, 422])

/** Sounds which the edge keeps, or fetches: a relay is in networks where a customer's URL must not lead. */
export class EdgeSounds {
  readonly #http: EdgeHttp

  constructor(http: EdgeHttp) {
    this.#http = http
  }

  /** One of a customer's prompts; it never changes. Rejects, saying why. */
  async prompt(customerId: string, promptId: string): Promise<BroughtSound> {
    const path = `prompts/${encodeURIComponent(promptId)}?customer_id=${encodeURIComponent(customerId)}`
    const reply = await this.#run('GET', path)
    const brought = await broughtBy(reply)
    if (reply.headers.etag === `"${brought.content}"`) return brought
    throw new Error('it came with octets other than the edge keeps')
  }

  /** What is at a URL, converted; `before`: what was there. undefined: it is still that, and good until then. */
  async at(url: string, before: CachedSound | undefined): Promise<BroughtSound | { renewed: SoundMeta }> {
    const asked: SoundRequest = {
      url,
      ...(before?.etag !== undefined && { etag: before.etag }),
      ...(before?.lastModified !== undefined && { last_modified: before.lastModified }),
    }
    const reply = await this.#run('POST', 'sounds', JSON.stringify(asked))
    const meta = {
      freshUntil: systemUtc() + freshMs(reply),
      etag: reply.headers.etag,
      lastModified: reply.headers['last-modified'],
    }
    if (reply.status === 304 && before !== undefined)
      return { renewed: { ...meta, ms: before.ms, etag: meta.etag ?? before.etag } }
    return { ...(await broughtBy(reply)), ...meta }
  }

  async #run(method: 'GET' | 'POST', path: string, body?: string): Promise<EdgeReply> {
    const request = { method, path, budgetMs: BUDGET_MS, bytesAtMost: BYTES_AT_MOST }
    const reply = await this.#http.run(body === undefined ? request : { ...request, body })
    if (reply.status === 200 || reply.status === 304) return reply
    throw new Error(final.has(reply.status) ? sentenceOf(reply) : refusal(reply.status))
  }
}

async function broughtBy({ status, body }: EdgeReply): Promise<BroughtSound> {
  const ms = status === 200 ? msOfWav(body, RATE) : undefined
  if (ms === undefined) throw new Error('what the edge gave is no sound, or not all of it')
  return { wav: body, ms, content: await sha256Of(body) }
}

/** Lower-case hex; computed beside this thread. */
export async function sha256Of(octets: Uint8Array | string): Promise<string> {
  const bytes = (typeof octets === 'string' ? Buffer.from(octets) : octets) as Uint8Array<ArrayBuffer>
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex')
}

function freshMs({ headers }: EdgeReply): number {
  return 1_000 * Number(/max-age=(\d{1,9})/.exec(headers['cache-control'] ?? '')?.[1] ?? 0)
}

function sentenceOf({ status, body }: EdgeReply): string {
  try {
    const { error } = JSON.parse(String(body)) as { error: { message: string } }
    return error.message
  } catch {
    return refusal(status)
  }
}
