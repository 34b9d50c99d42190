import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { EventStreamReader } from '../console/event-stream.ts'
import { CommandFailure } from './failure.ts'

/** A thing of the API, as it shows it. */
export type ApiRow = Readonly<Record<string, unknown>> & { readonly id: string }

/** What happened, as the API tells it. */
export interface ToldEvent {
  readonly type: string
  readonly resource_id: string | null
  readonly data: Readonly<Record<string, unknown>>
  readonly tm_create: string
}

/** Where the edge is, without `/v1.0`, and a key which opens it. */
export interface EdgeAccess {
  readonly url: string
  readonly key: string
}

/**
 * By the environment, else the stack which runs in this folder: both from one place, so that no key goes to where it is not
 * for. Throws where neither says.
 */
export function findAccess(
  environment: Readonly<Record<string, string | undefined>>,
  folder: string,
): EdgeAccess {
  const access = givenAccess(environment) ?? localAccess(environment.DATA_DIR ?? join(folder, '.trunkline'))
  if (access === undefined)
    throw new CommandFailure(
      'unreached',
      'No edge is known: start one here (npm start), or set TRUNKLINE_URL and TRUNKLINE_KEY.',
    )
  const { url, key } = access
  if (!URL.canParse(url)) throw new CommandFailure('usage', `TRUNKLINE_URL is no URL: ${url}`)
  return { url: url.replace(/\/(v1\.0\/?)?$/, ''), key }
}

function givenAccess({
  TRUNKLINE_URL: url,
  TRUNKLINE_KEY: key,
}: Readonly<Record<string, string | undefined>>): EdgeAccess | undefined {
  if (url && key) return { url, key }
  if (!url && !key) return undefined
  const [set, missing] = url ? ['TRUNKLINE_URL', 'TRUNKLINE_KEY'] : ['TRUNKLINE_KEY', 'TRUNKLINE_URL']
  throw new CommandFailure('unreached', `${set} is set, and ${missing} is not: set both, or neither.`)
}

function localAccess(folder: string): EdgeAccess | undefined {
  try {
    const { api_url, access_key } = JSON.parse(readFileSync(join(folder, 'local.json'), 'utf8'))
    return typeof api_url === 'string' && typeof access_key === 'string'
      ? { url: api_url, key: access_key }
      : undefined
  } catch {
    return undefined
  }
}

/** Speaks to the API as a customer's own program would. */
export class EdgeClient {
  readonly #access: EdgeAccess

  constructor(access: EdgeAccess) {
    this.#access = access
  }

  /** Throws what the API refuses, in its words. */
  async ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await this.#send(method, path, {
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw refusalOf(response.status, text)
    return (text === '' ? {} : JSON.parse(text)) as Answer
  }

  /** All of a list, the oldest first. */
  async all(path: string): Promise<ApiRow[]> {
    const rows: ApiRow[] = []
    for (let token = ''; ; ) {
      const query = `${path.includes('?') ? '&' : '?'}page_size=100${token && `&page_token=${encodeURIComponent(token)}`}`
      const page = await this.ask<{ result: ApiRow[]; next_page_token: string }>('GET', path + query)
      rows.push(...page.result)
      token = page.next_page_token
      if (token === '') return rows.reverse()
    }
  }

  /** What happens from now on, until it is called off; a stream which ends is taken up where it was. */
  async *events(type: string | undefined, signal: AbortSignal): AsyncGenerator<ToldEvent> {
    const reader = new EventStreamReader()
    const path = `/v1.0/events/stream${type === undefined ? '' : `?type=${encodeURIComponent(type)}`}`
    for (let heard = false; !signal.aborted; ) {
      const stream = await this.#streamed(path, reader.lastId, heard, signal)
      heard = true
      if (stream) for await (const text of stream) yield* reader.take(text).map((one) => JSON.parse(one.text))
      reader.begin()
      await pause(1_000, undefined, { signal }).catch(() => undefined)
    }
  }

  /** The pieces of a stream, up to its end; undefined: it was heard before, and is not to be had now. */
  async #streamed(path: string, lastId: string, heard: boolean, signal: AbortSignal) {
    const headers = lastId === '' ? {} : { 'Last-Event-ID': lastId }
    try {
      const response = await this.#send('GET', path, { headers, signal })
      if (!response.ok) throw refusalOf(response.status, await response.text())
      return pieces(response, signal)
    } catch (error) {
      const passes =
        error instanceof CommandFailure && (error.code === 3 || error.reason === 'SERVICE_UNAVAILABLE')
      if (signal.aborted || (heard && passes)) return undefined
      throw error
    }
  }

  async #send(method: string, path: string, init: RequestInit): Promise<Response> {
    const { url, key } = this.#access
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json', ...init.headers }
    try {
      return await fetch(`${url}${path}`, { ...init, method, headers })
    } catch (error) {
      if (init.signal?.aborted) throw error
      throw new CommandFailure('unreached', `${url} does not answer. Is the edge running there?`)
    }
  }
}

async function* pieces(response: Response, signal: AbortSignal): AsyncGenerator<string> {
  const [reader, decoder] = [response.body?.getReader(), new TextDecoder()]
  const stop = () => void reader?.cancel().catch(() => undefined)
  signal.addEventListener('abort', stop, { once: true })
  try {
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read())
      yield decoder.decode(read.value, { stream: true })
  } catch (error) {
    // A line which breaks is one which ends.
    if (!signal.aborted && !(error instanceof TypeError)) throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function refusalOf(status: number, text: string): CommandFailure {
  try {
    const { reason, message, details = [] } = JSON.parse(text).error
    const fields = (details as { field: string }[]).map(({ field }) => field)
    return new CommandFailure('refused', `${message} (${reason})`, { reason, fields })
  } catch {
    return new CommandFailure('refused', `The edge answered ${status}, and did not say why.`)
  }
}
