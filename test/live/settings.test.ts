import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { relayKey } from '../../functions/relay-key.ts'
import { startRelay } from '../support/lone-relay.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

/*
 * Settings which cannot work are said in one sentence, before anybody is told that all is ready.
 */

let stack: OwnStack
let key: string
beforeAll(async () => {
  stack = await startStack()
  const { relay_secret } = JSON.parse(readFileSync(join(stack.folder, 'secrets.json'), 'utf8'))
  key = await relayKey(relay_secret, 'berlin-1')
}, 90_000)
afterAll(() => stack.stop())

const start = (settings: Record<string, string>, edgeUrl = stack.local.api_url) =>
  startRelay(edgeUrl, '127.0.7.9', { RELAY_KEY: key, ...settings })

describe('a relay', () => {
  test.each<[string, () => Promise<Record<string, string>> | Record<string, string>, RegExp]>([
    [
      'with a key of another stack',
      async () => ({ RELAY_KEY: await relayKey('the secret of another stack', 'berlin-1') }),
      /does not take this RELAY_KEY \(401\)/,
    ],
    [
      'with a spoilt key',
      () => ({ RELAY_KEY: 'rk_berlin-1.x' }),
      /^The relay cannot start: RELAY_KEY must look like/,
    ],
    ['with EDGE_URL=…/v1.0', () => ({ EDGE_URL: `${stack.local.api_url}/v1.0` }), /address before \/v1\.0/],
    [
      'with EDGE_URL=…/relay/v1',
      () => ({ EDGE_URL: `${stack.local.api_url}/relay/v1` }),
      /address before \/v1\.0/,
    ],
    [
      'with EDGE_URL=…/api',
      () => ({ EDGE_URL: `${stack.local.api_url}/api` }),
      /no edge at EDGE_URL .*\/api \(404\)/,
    ],
    [
      'with another BASE_DOMAIN',
      () => ({ BASE_DOMAIN: 'other.example' }),
      /has BASE_DOMAIN=trunkline\.localhost/,
    ],
    ['with the folder of a relay which runs', () => ({ DATA_DIR: stack.folder }), /another relay runs in it/],
  ])('%s ends before it is ready', async (_, settings, sentence) => {
    const failed = await start(await settings()).then(
      async (relay) => `it is ready: ${await relay.stop()}`,
      (error: Error) => error.message,
    )
    const words = failed.replace('the relay does not start: ', '').trim().split('\n')
    const said = words.filter((line) => !line.startsWith('{'))
    expect(said).toEqual([expect.stringMatching(sentence)])
    expect(failed).not.toContain('"ready"')
  })

  test('whose edge is away is ready all the same', async () => {
    const relay = await start({}, 'http://127.0.0.1:9')
    expect(await relay.stop()).toBe(0)
  })

  test('with the right settings is ready', async () => {
    const relay = await start({})
    expect(await relay.stop()).toBe(0)
  })
})

test('an edge whose database hangs is not well, and says so once; and is well again with it', async () => {
  const healthz = async () => (await fetch(`${stack.local.api_url}/healthz`)).status
  expect(await healthz()).toBe(200)
  const database = stack.pids().database ?? 0
  process.kill(database, 'SIGSTOP')
  try {
    expect(await healthz()).toBe(503)
    expect(await healthz()).toBe(503)
  } finally {
    process.kill(database, 'SIGCONT')
  }
  await soon('the edge to be well', async () => (await healthz()) === 200)
  await soon('to be told', () => stack.words().includes('database.back'))
  expect(stack.words().match(/database\.lost/g)).toHaveLength(1)
  expect(stack.words().match(/database\.back/g)).toHaveLength(1)
})
