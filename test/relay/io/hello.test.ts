import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { EdgeHttp } from '../../../relay/io/edge-http.ts'
import { disagreement } from '../../../relay/io/hello.ts'

const cleanups: (() => unknown)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

describe('what answers at EDGE_URL', () => {
  test.each<[string, string, RegExp]>([
    [
      'does not take the key',
      '401 {}',
      /does not take this RELAY_KEY \(401\).*npm run relay-key -- berlin-1/,
    ],
    ['has nothing at that path', '404 {}', /^There is no edge at EDGE_URL http.* \(404\)/],
    [
      'has another domain',
      '200 {"relay_id":"berlin-1","base_domain":"other.example"}',
      /BASE_DOMAIN=other\.example, and this relay trunkline\.test/,
    ],
    ['only leads on', '301 {}', /only leads on to https:\/\/api\.example\.com\/ \(301\)/],
  ])('%s: said in a sentence', async (_, answer, sentence) => {
    expect(await heard(answering(answer))).toMatch(sentence)
  })

  test.each([
    ['is the edge', '200 {"relay_id":"berlin-1","base_domain":"trunkline.test","later":1}'],
    ['is unwell', '500 {}'],
    ['has its database down', '503 {}'],
    ['is some hotel’s network', '200 <html>'],
  ])('%s: no setting is proved wrong', async (_, answer) => {
    expect(await heard(answering(answer))).toBeUndefined()
  })

  test('is an edge of before: it has no hello, and the other paths', async () => {
    expect(
      await heard(({ url }, response) => {
        response.writeHead(url?.endsWith('/bindings') ? 200 : 404).end('{}')
      }),
    ).toBeUndefined()
  })

  test('is silent: the relay waits for it no longer than a moment', async () => {
    const from = performance.now()
    expect(await heard(() => undefined)).toBeUndefined()
    expect(performance.now() - from).toBeLessThan(20_000)
  })

  test('is nothing: the edge is away', async () => {
    expect(await met('http://127.0.0.1:9')).toBeUndefined()
  })
})

function answering(answer: string): RequestListener {
  const [status = '', ...body] = answer.split(' ')
  return (_, response) => {
    response.writeHead(Number(status), { location: 'https://api.example.com/' }).end(body.join(' '))
  }
}

async function heard(edge: RequestListener): Promise<string | undefined> {
  const server = createServer(edge)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  cleanups.push(
    () => server.close(),
    () => server.closeAllConnections(),
  )
  return met(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

function met(edgeUrl: string): Promise<string | undefined> {
  const exchange = new EdgeHttp({ url: edgeUrl, key: `rk_berlin-1.${'w'.repeat(43)}` })
  cleanups.push(() => exchange.close())
  return disagreement(exchange, { edgeUrl, relayId: 'berlin-1', baseDomain: 'trunkline.test' })
}
