import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { monotonicMs, protocolHeader, relayProtocol, routeQuestion, type Tell } from '#contract'
import { monotonicNow } from '../../../relay/io/clock.ts'
import { EdgeLink } from '../../../relay/io/edge.ts'
import { EdgeHttp } from '../../../relay/io/edge-http.ts'
import { Spool } from '../../../relay/io/spool.ts'
import { silence } from '../../support/silence.ts'
import { bindingTell, callTell } from './tells.ts'

describe('asking the edge', () => {
  test('gives the answer, in the contract’s words, on a connection which is kept', async () => {
    const edge = await scripted(() => ({ status: 200, body: { kind: 'unknown', ttl: 5, novelty: true } }))
    const { link } = await linked(edge)
    for (let i = 0; i < 3; i++)
      expect(await link.ask(who)).toEqual({ ask: 'credential', answer: { kind: 'unknown', ttl: 5 } })
    expect(edge.heard[0]).toMatchObject({ method: 'POST', path: '/relay/v1/credential', key: 'Bearer rk_1' })
    expect(JSON.parse(edge.heard[0]?.body ?? '')).toEqual(who.question)
    expect(edge.connections()).toBe(1)
  })

  test('puts one question for a credential, however many registrations wait for it', async () => {
    const edge = await scripted(() => ({ status: 200, body: { kind: 'unknown', ttl: 5 } }))
    const { link } = await linked(edge)
    const answers = await Promise.all(Array.from({ length: 50 }, () => link.ask(who)))
    expect(new Set(answers.map((answer) => answer.ask))).toEqual(new Set(['credential']))
    expect(edge.heard).toHaveLength(1)
    await link.ask(who)
    expect(edge.heard).toHaveLength(2)
  })

  test('gives up when the budget is spent', async () => {
    const edge = await scripted(() => undefined)
    const { link } = await linked(edge, { budgetMs: 60 })
    await expect(link.ask(who)).rejects.toThrow('no answer in 60 ms')
  })

  test.each([
    [{ status: 500, body: {} }, 'the edge answered 500'],
    [{ status: 200, body: { kind: 'known' } }, "the edge's answer is not understood"],
    [{ status: 200, body: '<html>' }, 'something which is no JSON'],
  ])('says what is wrong with %j', async (answer, why) => {
    const { link } = await linked(await scripted(() => answer))
    await expect(link.ask(who)).rejects.toThrow(why)
  })

  test.each([
    ['of a kind', { kind: 'quiz', questions: 3 }, 'kind'],
    ['which leads where', { kind: 'connect', targets: { kind: 'moon' } }, 'targets.kind'],
    ['which says why in words', { kind: 'quiz', explanation: { because: 1 }, scopes: ['all'] }, 'kind'],
  ])(
    'takes a decision %s it cannot read for a refusal which says so, and keeps whose call it is',
    async (_, said, where) => {
      const [source, destination] = ['office1', '+15551234567'].map((target) => ({ type: 'tel', target }))
      const frame = { customer_id: call.question.call_id, direction: 'outgoing', source, destination }
      const { link } = await linked(await scripted(() => ({ status: 200, body: { ...frame, ...said } })))
      const answer = { ...frame, kind: 'reject', status: 503, reason: 'DECISION_NOT_UNDERSTOOD' }
      const message = expect.stringContaining(where)
      expect(await link.ask(call)).toMatchObject({ ask: 'route', answer: { ...answer, message } })
    },
  )

  test('says with each question which protocol it understands', async () => {
    const edge = await scripted(() => ({ status: 200, body: { kind: 'unknown', ttl: 5 } }))
    const { link } = await linked(edge)
    await link.ask(who)
    expect(edge.heard[0]?.protocol).toBe(String(relayProtocol))
  })

  test('fails at once when nobody listens', async () => {
    const edge = await scripted(() => undefined)
    const { link } = await linked(edge)
    await edge.close()
    await expect(link.ask(who)).rejects.toThrow('ECONNREFUSED')
  })

  test('opens a bounded number of connections to an edge which swallows everything', async () => {
    const edge = await scripted(() => undefined)
    const { link } = await linked(edge, { budgetMs: 400 })
    const asked = Array.from({ length: 200 }, (_, at) =>
      link.ask({ ask: 'credential', question: { realm: 'acme', username: `phone${at}` } }),
    )
    const results = await Promise.allSettled(asked)
    expect(results.every(({ status }) => status === 'rejected')).toBe(true)
    expect(edge.connectionsAtMost()).toBeGreaterThan(1)
    expect(edge.connectionsAtMost()).toBeLessThanOrEqual(64)
  })

  test('asks again when a kept connection was closed behind its back', async () => {
    const edge = await scripted(() => ({ status: 200, body: { kind: 'unknown', ttl: 5 } }))
    const { link } = await linked(edge)
    await link.ask(who)
    edge.server.closeAllConnections()
    expect((await link.ask(who)).ask).toBe('credential')
  })

  test('brings back this relay’s bindings', async () => {
    const binding = { ...bindingTell('registered').binding, sequence: 4 }
    const edge = await scripted(() => ({ status: 200, body: { bindings: [binding] } }))
    const { link } = await linked(edge)
    expect(await link.bindings()).toEqual({ bindings: [binding] })
    expect(edge.heard[0]).toMatchObject({ method: 'GET', path: '/relay/v1/bindings?relay_id=relay-1' })
  })
})

describe('telling the edge', () => {
  test('goes in one batch, and is forgotten when it was heard', async () => {
    const edge = await scripted(acceptAll)
    const { link, spool } = await linked(edge)
    const tells = [callTell(), bindingTell('registered'), callTell()]
    for (const tell of tells) link.tell(tell)
    await until(() => spool.size === 0)
    expect(edge.batches()).toEqual([tells])
  })

  test('is repeated while the edge is unwell, and recorded by one id', async () => {
    let failures = 2
    const edge = await scripted((body) => (failures-- > 0 ? { status: 503, body: {} } : acceptAll(body)))
    const { link, spool } = await linked(edge)
    const tell = callTell()
    link.tell(tell)
    await until(() => spool.size === 0)
    expect(edge.batches()).toEqual([[tell], [tell], [tell]])
  })

  test('leaves it to the beats to try an edge which is away, and goes on when one is answered', async () => {
    let away = true
    const edge = await scripted((body) => (away ? { status: 503, body: {} } : acceptAll(body)))
    const { link, spool } = await linked(edge)
    link.beaten(false)
    link.tell(callTell())
    await until(() => edge.batches().length === 1)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(edge.batches()).toHaveLength(1)
    away = false
    link.beaten(true)
    await until(() => spool.size === 0)
    expect(edge.batches()).toHaveLength(2)
  })

  test('waits as long as the edge asked for, though a beat is answered before', async () => {
    let failures = 1
    const edge = await scripted((body) =>
      failures-- > 0 ? { status: 503, body: {}, headers: { 'retry-after': '1' } } : acceptAll(body),
    )
    const { link, spool } = await linked(edge)
    link.beaten(false)
    link.tell(callTell())
    await until(() => edge.batches().length === 1)
    const refusedAt = performance.now()
    await new Promise((resolve) => setTimeout(resolve, 100))
    link.beaten(true)
    await until(() => spool.size === 0)
    expect(performance.now() - refusedAt).toBeGreaterThan(850)
    expect(edge.batches()).toHaveLength(2)
  })

  test('waits as long as the edge asks for', async () => {
    let failures = 1
    const edge = await scripted((body) =>
      failures-- > 0 ? { status: 503, body: {}, headers: { 'retry-after': '1' } } : acceptAll(body),
    )
    const { link, spool } = await linked(edge)
    link.tell(callTell())
    await until(() => edge.heard.length === 1)
    const heardAt = performance.now()
    await until(() => spool.size === 0)
    expect(performance.now() - heardAt).toBeGreaterThan(900)
  })

  test('goes on past one which is not accepted', async () => {
    const bad = callTell()
    const edge = await scripted((body) => acceptAll(body, (id) => id !== bad.tell_id))
    const { link, spool } = await linked(edge)
    const good = [callTell(), callTell()]
    for (const tell of [bad, ...good]) link.tell(tell)
    await until(() => spool.size === 1)
    const later = callTell()
    link.tell(later)
    await until(() => edge.batches().some((batch) => batch.some(({ tell_id }) => tell_id === later.tell_id)))
    await until(() => spool.size === 1)
  })

  test('finds the one bad tell in a batch which the edge cannot read', async () => {
    const bad = callTell()
    const edge = await scripted((body) =>
      body.includes(bad.tell_id) ? { status: 400, body: {} } : acceptAll(body),
    )
    const { link, spool } = await linked(edge)
    for (const tell of [callTell(), callTell(), bad, callTell()]) link.tell(tell)
    await until(() => spool.size === 1)
    expect(spool.take(9, monotonicMs(Number.MAX_VALUE)).map(({ id }) => id)).toEqual([bad.tell_id])
  })

  test('takes what may wait along with what may not, and brings it alone when its time has come', async () => {
    const edge = await scripted(acceptAll)
    const { link, spool } = await linked(edge)
    const [first, second, third] = [
      bindingTell('refreshed'),
      bindingTell('refreshed'),
      bindingTell('refreshed'),
    ]
    link.tell(first, 60_000)
    link.tell(second, 60_000)
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(edge.heard).toEqual([])
    const news = bindingTell('registered')
    link.tell(news)
    await until(() => spool.size === 0)
    expect(edge.batches()).toEqual([[first, second, news]])
    link.tell(third, 300)
    await until(() => spool.size === 0)
    expect(edge.batches()).toHaveLength(2)
  })

  test('is once of a call which ends soon, where the edge says that nobody watches; of all others at once', async () => {
    const [first, watched] = [callTell(), callTell()]
    const { customer_id } = first.call
    const edge = await scripted((body) => {
      const { status, body: receipt } = acceptAll(body)
      return { status, body: { ...(receipt as object), unheard: [customer_id] } }
    })
    const { link, spool } = await linked(edge)
    link.tell(first)
    await until(() => spool.size === 0)
    const call = { ...callTell().call, customer_id }
    for (const [sequence, status] of (['dialing', 'ringing', 'progressing'] as const).entries())
      link.tell({ ...callTell(), sequence, call: { ...call, status } })
    link.tell(watched)
    await until(() => edge.batches().length === 2)
    const over = { ...callTell(), sequence: 3, call: { ...call, status: 'hangup' as const } }
    link.tell(over)
    await until(() => spool.size === 0)
    expect(edge.batches()).toEqual([[first], [watched], [over]])
  })

  test('which was held back goes as soon as somebody watches, and what another’s calls have does not', async () => {
    const edge = await scripted(acceptAll)
    const { link, spool } = await linked(edge)
    const [held, other] = [callTell(), callTell()]
    for (const { call } of [held, other])
      spool.add({ ...callTell(), call: { ...call, status: 'ringing' } }, monotonicNow() + 60_000)
    link.watched([])
    link.watched([held.call.customer_id])
    await until(() => edge.batches().length === 1)
    await until(() => spool.size === 1)
    expect(edge.batches()).toMatchObject([[{ call: { call_id: held.call.call_id } }]])
  })

  test('of a refresh which was held back goes as soon as another relay joins this one', async () => {
    const edge = await scripted(acceptAll)
    const { link, spool } = await linked(edge)
    const held = bindingTell('refreshed')
    link.tell(held, 60_000)
    spool.add(callTell(), monotonicNow() + 60_000)
    link.joined()
    await until(() => edge.batches().length === 1)
    expect(edge.batches()).toEqual([[held]])
  })

  test('waits as news for an edge which is away, be its customer watched or not', async () => {
    let away = false
    const first = callTell()
    const edge = await scripted((body) => {
      const { status, body: receipt } = acceptAll(body)
      return away ? { status: 503, body: {} } : { status, body: { ...(receipt as object), unheard } }
    })
    const unheard = [first.call.customer_id]
    const { link, spool } = await linked(edge)
    link.tell(first)
    await until(() => spool.size === 0)
    away = true
    link.tell(callTell())
    await until(() => edge.batches().length > 2)
    const { call, ...later } = callTell()
    link.tell({ ...later, call: { ...call, customer_id: first.call.customer_id } })
    expect([spool.size, spool.news]).toEqual([2, 2])
    away = false
    await until(() => spool.size === 0)
  })

  test('is done before a stop, if the edge listens', async () => {
    const edge = await scripted(acceptAll)
    const { link, spool } = await linked(edge)
    link.tell(callTell())
    await link.stop()
    expect(spool.size).toBe(0)
  })

  test('stays on disk over a stop, if the edge is away', async () => {
    const edge = await scripted(acceptAll)
    const { link, spool } = await linked(edge)
    await edge.close()
    link.tell(callTell())
    await link.stop()
    expect(spool.size).toBe(1)
  })
})

const call = {
  ask: 'route',
  question: routeQuestion.parse({
    call_id: '11111111-1111-4111-8111-111111111111',
    caller: { kind: 'source', address: '192.0.2.1', port: 5060, transport: 'udp' },
    from: { user: 'office1' },
    to: { user: '+15551234567', host: 'trunkline.test' },
  }),
} as const

const who = { ask: 'credential', question: { realm: 'r', username: 'office1' } } as const

interface Answered {
  status: number
  body: unknown
  headers?: Record<string, string>
}

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** An edge which answers by script; undefined: never. */
async function scripted(answer: (body: string) => Answered | undefined) {
  const heard: { method: string; path: string; key: string; protocol: unknown; body: string }[] = []
  let [connections, open, openAtMost] = [0, 0, 0]
  const server: Server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method = '', url = '', headers } = request
    const { authorization: key = '', [protocolHeader]: protocol } = headers
    heard.push({ method, path: url, key, protocol, body })
    const said = answer(body)
    if (said === undefined) return
    response.writeHead(said.status, { 'content-type': 'application/json', ...said.headers })
    response.end(typeof said.body === 'string' ? said.body : JSON.stringify(said.body))
  })
  server.on('connection', (socket) => {
    connections++
    openAtMost = Math.max(openAtMost, ++open)
    socket.on('close', () => open--)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const close = () => {
    server.closeAllConnections()
    return new Promise<void>((closed) => server.close(() => closed()))
  }
  cleanups.push(close)
  return {
    server,
    heard,
    close,
    connections: () => connections,
    /** Most which were open at once. */
    connectionsAtMost: () => openAtMost,
    port: (server.address() as AddressInfo).port,
    batches: () => heard.map(({ body }) => (JSON.parse(body) as { tells: Tell[] }).tells),
  }
}

async function linked(edge: { port: number }, options: { budgetMs?: number } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'edge-'))
  const spool = await Spool.open({ folder, log: silence })
  const url = `http://127.0.0.1:${edge.port}`
  const exchange = new EdgeHttp({ url, key: 'rk_1' })
  const link = new EdgeLink({ http: exchange, relayId: 'relay-1', spool, log: silence, ...options })
  cleanups.push(async () => {
    await link.stop()
    exchange.close()
    await spool.close()
    await rm(folder, { recursive: true })
  })
  return { link, spool }
}

function acceptAll(body: string, willing = (_: string) => true): Answered {
  const { tells } = JSON.parse(body) as { tells: Tell[] }
  return { status: 200, body: { accepted: tells.map(({ tell_id }) => tell_id).filter(willing) } }
}

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 6_000 && !done(); i++) await new Promise((later) => setTimeout(later, 5))
  expect(done()).toBe(true)
}
