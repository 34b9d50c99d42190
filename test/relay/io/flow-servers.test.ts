import { expect, test } from 'vitest'
import { flowServerQuestion } from '#contract'
import type { EdgeHttp } from '../../../relay/io/edge-http.ts'
import { FlowServers } from '../../../relay/io/flow-servers.ts'

type Request = Parameters<EdgeHttp['run']>[0]

const [acme, other] = ['1', '2'].map((one) => `${one.repeat(8)}-1111-4111-8111-111111111111`) as [
  string,
  string,
]

const asks = (customer_id: string, timeout_ms = 500) =>
  flowServerQuestion.parse({
    customer_id,
    call_id: acme,
    flow_id: acme,
    version: 1,
    asks: 'actions',
    url: 'https://example.com/menu',
    method: 'POST',
    timeout_ms,
    variables: {},
  })

/** An edge which answers this; `silentTo`: never, where the server is that customer's. */
function edge(said: object, silentTo?: string) {
  const heard: Request[] = []
  const run = (request: Request) => {
    heard.push(request)
    const silent = silentTo !== undefined && String(request.body).includes(`"customer_id":"${silentTo}"`)
    if (silent) return new Promise<never>(() => {})
    return Promise.resolve({ status: 200, headers: {}, body: Buffer.from(JSON.stringify(said)) })
  }
  return { heard, servers: new FlowServers({ run }) }
}

test('a customer’s server is asked for as long as that may take, and what it said is read', async () => {
  const actions = [{ id: 'a', type: 'answer' }]
  const { servers, heard } = edge({ result: 'ok', status: 200, actions, variables: { who: 'Alice' } })
  expect(await servers.ask(asks(acme))).toMatchObject({
    result: 'ok',
    why: null,
    variables: { who: 'Alice' },
  })
  expect(heard).toMatchObject([{ method: 'POST', path: 'flow-server' }])
  expect(heard[0]?.budgetMs).toBeGreaterThan(2_900)
  expect(heard[0]?.budgetMs).toBeLessThanOrEqual(3_000)
  await expect(edge({ result: 'odd' }).servers.ask(asks(acme))).rejects.toThrow('not understood')
})

test('a server which never answers takes four connections, and delays no other customer’s', async () => {
  const { servers, heard } = edge({ result: 'ok' }, acme)
  const refused: string[] = []
  for (let i = 0; i < 1_000; i++) servers.ask(asks(acme)).catch(({ message }) => refused.push(message))
  expect(await servers.ask(asks(other))).toMatchObject({ result: 'ok' })
  expect(heard).toHaveLength(5)
  expect(refused).toHaveLength(1_000 - 4 - 64)
  expect(new Set(refused)).toEqual(
    new Set(['64 questions to servers of this customer are waited for already']),
  )
})
