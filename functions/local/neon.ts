import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Pool, PoolClient, QueryArrayResult, QueryResult } from 'pg'

interface NeonEndpoint {
  /** Where statements are posted: the Worker's NEON_ENDPOINT. */
  url: string
  /** The Worker's DATABASE_URL. Its password was made for this endpoint and opens nothing else. */
  databaseUrl: string
  close(): Promise<void>
}

interface Options {
  pool: Pool
  host?: string
  port?: number
  /** What its connection string proves itself by; made up where it is not given. */
  secret?: string
  /** Is told the SQL of every statement in a request, before it runs. */
  heard?: (statements: string[]) => void
}

/**
 * Puts a PostgreSQL or PGlite behind Neon's SQL-over-HTTP protocol, so that the Worker's driver talks to
 * it as it talks to Neon. Listens on this machine only, and only to who knows its connection string.
 * The pool must return values as text, which the driver reads.
 */
export async function startNeonEndpoint({
  pool,
  host = '127.0.0.1',
  port = 0,
  secret = newSecret(),
  heard,
}: Options): Promise<NeonEndpoint> {
  const databaseUrl = `postgres://trunkline:${secret}@localhost/trunkline`
  const server = createServer((request, response) => {
    answer(pool, secret, request, heard).then(
      (body) => send(response, 200, body),
      (error: unknown) => send(response, ...failure(error)),
    )
  })
  // workerd keeps its connections as long as it likes; one we closed first would cost it a request.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const bound = server.address() as AddressInfo
  return {
    url: `http://${bound.family === 'IPv6' ? `[${host}]` : host}:${bound.port}/sql`,
    databaseUrl,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** 122 bits, fit for a URL. */
export function newSecret(): string {
  return crypto.randomUUID().replaceAll('-', '')
}

class Stranger extends Error {}

interface Statement {
  query: string
  params?: unknown[]
}

async function answer(pool: Pool, secret: string, request: IncomingMessage, heard: Options['heard']) {
  if (!same(passwordIn(request.headers['neon-connection-string']), secret)) {
    throw new Stranger('This endpoint answers its own Worker only.')
  }
  const asked = JSON.parse(await text(request)) as Statement | { queries: Statement[] }
  const statements = 'queries' in asked ? asked.queries : [asked]
  heard?.(statements.map(({ query }) => query))
  const arrays = request.headers['neon-array-mode'] === 'true'
  const client = await pool.connect()
  try {
    await plan(client, planningOf(statements))
    if (!('queries' in asked)) return present(await run(client, asked, arrays))
    return { results: await inTransaction(client, statements, arrays, request) }
  } finally {
    // Kept also after a failed statement: `pool.query` would throw the connection away.
    client.release()
  }
}

/**
 * Planning a statement so long takes several times longer than running it: its plan is kept, whatever it is asked
 * with. Others are shorter, and their plans better for knowing what is asked.
 */
function planningOf(statements: readonly Statement[]): Planning {
  return statements.some(({ query }) => query.length >= longStatement) ? 'force_generic_plan' : 'auto'
}

type Planning = 'auto' | 'force_generic_plan'

/** How each connection plans, where it has been told: it is told again only where that changes. */
const planning = new WeakMap<PoolClient, Planning>()

async function plan(client: PoolClient, mode: Planning): Promise<void> {
  if ((planning.get(client) ?? 'auto') === mode) return
  await client.query(`set plan_cache_mode = ${mode}`)
  planning.set(client, mode)
}

const longStatement = 8_000

async function inTransaction(
  client: PoolClient,
  statements: Statement[],
  arrays: boolean,
  request: IncomingMessage,
) {
  try {
    await client.query(begin(request))
    const results = []
    for (const statement of statements) results.push(present(await run(client, statement, arrays)))
    await client.query('commit')
    return results
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

const levels: Record<string, string> = {
  ReadUncommitted: 'read uncommitted',
  ReadCommitted: 'read committed',
  RepeatableRead: 'repeatable read',
  Serializable: 'serializable',
}

function begin({ headers }: IncomingMessage): string {
  const level = levels[String(headers['neon-batch-isolation-level'])]
  return [
    'begin',
    level && `isolation level ${level}`,
    headers['neon-batch-read-only'] === 'true' && 'read only',
    headers['neon-batch-deferrable'] === 'true' && 'deferrable',
  ]
    .filter(Boolean)
    .join(' ')
}

type Result = QueryResult | QueryArrayResult

function run(to: PoolClient, { query, params = [] }: Statement, arrays: boolean): Promise<Result> {
  const statement = { name: nameOf(to, query), text: query, values: params }
  return arrays ? to.query({ ...statement, rowMode: 'array' }) : to.query(statement)
}

/** Statements asked again and again are planned once per connection; what others are asked takes none of its names. */
const namesOf = new WeakMap<PoolClient, Map<string, string>>()

function nameOf(client: PoolClient, query: string): string | undefined {
  const names = namesOf.get(client) ?? new Map<string, string>()
  namesOf.set(client, names)
  if (!names.has(query) && names.size < mostNames) names.set(query, `neon_${names.size}`)
  return names.get(query)
}

const mostNames = 200

function present({ command, rowCount, rows, fields }: Result) {
  return { command, rowCount, rows, fields, rowAsArray: Array.isArray(rows[0]) }
}

/** Neon answers 400 with the database's own fields; anything else is its own trouble, and 500. */
function failure(error: unknown): [status: number, body: Record<string, unknown>] {
  if (error instanceof Stranger) return [401, { message: error.message }]
  if (!(error instanceof Error)) return [500, { message: String(error) }]
  const spoken = 'severity' in error && 'code' in error
  return spoken ? [400, { ...error, message: error.message }] : [500, { message: error.message }]
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

/** The driver adds parameters to its connection string; the password in it is what counts. */
function passwordIn(connectionString: string | string[] | undefined): string {
  return URL.parse(String(connectionString))?.password ?? ''
}

function same(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
