import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type * as z from 'zod'
import { type CallTell, type RouteQuestion, routeDecision, routeQuestion, tellBatch } from '#contract'

export type CallRecord = CallTell['call']

/** An edge on paper: decides as it is told to, and keeps the newest word on every call. */
export interface ScriptedEdge {
  readonly url: string
  /** Calls as last told, by the number dialled. */
  readonly records: ReadonlyMap<string, CallRecord>
  close(): Promise<void>
}

export type Decision = z.input<typeof routeDecision>
type Decide = (question: RouteQuestion) => Decision | Promise<Decision>

export async function openEdge(decide: Decide): Promise<ScriptedEdge> {
  const records = new Map<string, CallRecord>()
  const sequences = new Map<string, number>()
  const keep = ({ call, sequence }: CallTell) => {
    if (sequence < (sequences.get(call.call_id) ?? 0)) return
    sequences.set(call.call_id, sequence)
    records.set(call.destination.target, call)
  }
  const hear = (batch: unknown) => {
    const { tells } = tellBatch.parse(batch)
    for (const told of tells) if (told.kind === 'call') keep(told)
    return { accepted: tells.map(({ tell_id }) => tell_id), refused: [] }
  }
  const doors: Record<string, (body: unknown) => unknown> = {
    route: async (body) => routeDecision.parse(await decide(routeQuestion.parse(body))),
    tells: hear,
    credential: () => ({ kind: 'unknown', ttl: 5 }),
    bindings: () => ({ bindings: [] }),
  }
  const server = createServer(async (request, response) => {
    const door = /^\/relay\/v1\/(\w+)/.exec(request.url ?? '')?.[1] ?? ''
    const answer = await doors[door]?.(await bodyOf(request))
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    records,
    async close() {
      server.closeAllConnections()
      await new Promise<void>((closed) => server.close(() => closed()))
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString())
}
