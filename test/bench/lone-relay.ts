import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { readSecrets } from '../../functions/local/secrets-file.ts'
import { relayKey } from '../../functions/relay-key.ts'
import type { Place } from '../support/line.ts'
import { freePort, type OwnStack } from '../support/stack.ts'

/** A relay which shares the machine with nobody but its load. */
export interface LoneRelay {
  place: Place
  pid: number
  stop(): Promise<void>
}

/**
 * Starts a second relay beside a stack, with a memory in front of the stack's edge.
 *
 * The relay asks by HTTP for each call as ever; the memory gives a question the answer the real edge gave to the
 * same question before. So the relay's own cost can be measured at rates the edge and the database would need
 * more than this machine for.
 */
export async function startLoneRelay(
  stack: OwnStack,
  environment: Record<string, string>,
): Promise<LoneRelay> {
  const secret = readSecrets(stack.folder)?.relay_secret
  if (secret === undefined) throw new Error('the stack has no secrets')
  const key = await relayKey(secret, 'alone')
  const memory = await startMemory(stack.local.api_url, key)
  const place = { address: '127.0.7.73', port: await freePort('127.0.7.73') }
  const child = spawn(process.execPath, ['--no-warnings', join(root, 'relay', 'main.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...environment,
      EDGE_URL: memory.url,
      RELAY_KEY: key,
      SIP_HOST: place.address,
      SIP_PORT: String(place.port),
      DATA_DIR: join(stack.folder, 'alone'),
      ALLOW_PRIVATE_TARGETS: 'true',
      DRAIN_MS: '0',
    },
  })
  await once(createInterface(child.stdout), 'line')
  return {
    place,
    pid: child.pid ?? 0,
    stop: async () => {
      const closed = once(child, 'close')
      child.kill()
      await closed
      memory.stop()
    },
  }
}

const root = join(import.meta.dirname, '..', '..')

async function startMemory(edge: string, key: string): Promise<{ url: string; stop(): void }> {
  const answers = new Map<string, Promise<string>>()
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const known = questionOf(request, body)
    const answer = known === undefined ? undefined : answers.get(known)
    const asked = answer ?? ask(edge, key, request, body)
    if (known !== undefined && answer === undefined) answers.set(known, asked)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(await asked)
  })
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** What makes two questions the same: everything but which call asks. Facts and lists are never the same. */
function questionOf({ url = '' }: IncomingMessage, body: string): string | undefined {
  if (!/\/(route|credential)$/.test(url)) return undefined
  return `${url} ${body.replace(/"call_id":"[^"]*"/, '')}`
}

async function ask(
  edge: string,
  key: string,
  { url = '', method }: IncomingMessage,
  body: string,
): Promise<string> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  // What is told goes nowhere: the database would measure itself.
  if (url.endsWith('/tells')) return JSON.stringify({ accepted: idsIn(body) })
  const answer = await fetch(`${edge}${url}`, {
    method: method ?? 'GET',
    headers,
    body: method === 'POST' ? body : null,
  })
  return answer.text()
}

function idsIn(body: string): string[] {
  const { tells } = JSON.parse(body) as { tells: { tell_id: string }[] }
  return tells.map(({ tell_id }) => tell_id)
}
