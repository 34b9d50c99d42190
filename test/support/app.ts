import { PLATFORM } from '#contract'
import { operations } from '../../functions/config/operations.ts'
import { about } from '../../functions/http/about.ts'
import { openApi } from '../../functions/http/openapi.ts'
import app from '../../functions/index.ts'
import { addAdministratorKey, ensureFirstCustomer } from '../../functions/local/first-customer.ts'
import { relayKey } from '../../functions/relay-key.ts'
import { ApiDocument } from './api-document.ts'
import { MemoryBucket } from './bucket.ts'
import { startDatabase } from './database.ts'

export const RELAY_SECRET = 'a secret of at least thirty-two characters'
export const BASE_DOMAIN = 'trunkline.test'

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies freely, and fail where they err.
  body: any
}
export type Client = (method: string, path: string, body?: unknown) => Promise<Answer>

/**
 * The Worker on a fresh database, and its first customer Alice, an administrator.
 *
 * `as` gives a client that holds a key; `newcomer` makes another customer and gives its client.
 */
export async function startApp(changes: Record<string, string> = {}, dataDir?: string) {
  const database = await startDatabase(dataDir)
  const bucket = new MemoryBucket()
  const env = {
    DATABASE_URL: database.databaseUrl,
    NEON_ENDPOINT: database.endpointUrl,
    SEAL_KEYS: `first:${btoa('0123456789abcdef0123456789abcdef')}`,
    RELAY_SECRET,
    BASE_DOMAIN,
    ALLOW_PRIVATE_TARGETS: 'true',
    MEDIA: bucket,
    ...changes,
  }
  const { customer_id, access_key = '' } = await ensureFirstCustomer(database.pool)
  const platformKey = await addAdministratorKey(database.pool, PLATFORM, 'platform')
  const alice = as(access_key)
  return {
    env,
    database,
    bucket,
    aliceId: customer_id,
    aliceKey: access_key,
    alice,
    platform: as(platformKey),
    relay: as(await relayKey(RELAY_SECRET, 'relay-1')),
    as,
    send,
    fetch: async (path: string, init: RequestInit = {}): Promise<Response> =>
      app.request(path, await measured(init), env),
    newcomer,
    close: database.close,
  }

  function as(key: string): Client {
    return (method, path, body) => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      return send(path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
    }
  }

  async function send(path: string, init: RequestInit = {}, given: object = env): Promise<Answer> {
    const response = await app.request(path, await measured(init), given)
    const text = await response.text()
    const json = response.headers.get('content-type')?.startsWith('application/json')
    const body = text === '' ? undefined : json ? JSON.parse(text) : text
    keepsToDocument(init.method ?? 'GET', path, response.status, body)
    return { status: response.status, headers: response.headers, body }
  }

  async function newcomer(name: string): Promise<Client & { id: string; key: string }> {
    const { body: customer } = await alice('POST', '/v1.0/customers', { name })
    const { body: key } = await alice('POST', '/v1.0/accesskeys', { customer_id: customer.id })
    return Object.assign(as(key.token), { id: customer.id as string, key: key.token as string })
  }
}
export type App = Awaited<ReturnType<typeof startApp>>

/** Whether a statement is more than the question whether a relay's key is good, which goes along with what it asks. */
export function isNoGuard(statement: string): boolean {
  return !/select admit\(/.test(statement)
}

/** A request as HTTP clients send it: they say how long its body is, unless that is a stream. */
async function measured(init: RequestInit): Promise<RequestInit> {
  if (init.body === undefined || init.body === null || init.body instanceof ReadableStream) return init
  const written = new Response(init.body)
  const [body, headers] = [await written.arrayBuffer(), new Headers(init.headers)]
  const type = written.headers.get('content-type')
  if (type !== null && !headers.has('content-type')) headers.set('content-type', type)
  headers.set('content-length', String(body.byteLength))
  return { ...init, headers, body }
}

let document: ApiDocument | undefined

/** Throws where an answer, or a refusal, is not as the API's document says: every test of the edge looks after that. */
function keepsToDocument(method: string, path: string, status: number, body: unknown): void {
  document ??= new ApiDocument(openApi(operations, about))
  const operation = document.operationAt(method, path)
  const faults = operation ? document.faultsOfAnswer(operation, status, body) : []
  if (faults.length > 0)
    throw new Error(`${method} ${path} is answered as no document says: ${faults.join('; ')}`)
}
