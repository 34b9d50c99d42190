import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSecrets } from '../../functions/local/secrets-file.ts'
import { relayKey } from '../../functions/relay-key.ts'
import { EventListener } from '../support/event-listener.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

/*
 * The stream of events of a running edge, as a client hears it through workerd.
 */

let stack: OwnStack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())

test('A client hears each event once and in order, while the Worker is killed twice; one for some types those alone.', async () => {
  const { api_url, access_key } = stack.local
  const url = `${api_url}/v1.0/events/stream`
  const [all, some] = [
    new EventListener(url, access_key),
    new EventListener(`${url}?type=route.*`, access_key),
  ]
  try {
    await Promise.all([all.begun(), some.begun()])
    await tellEach(0, 40)
    await soon('the first to be heard', () => all.heard.length >= 20)
    await kill()
    await tellEach(40, 80)
    await soon('more to be heard', () => all.heard.length >= 60)
    await kill()
    await tellEach(80, 120)
    await stack.api.post('/providers', { name: 'a change', hostname: '127.0.7.9' })
    await soon('all to be heard', () => all.heard.length >= 121)
  } finally {
    all.close()
    some.close()
  }
  const nths = all.heard.filter(({ type }) => type === 'call.step').map(({ data }) => data.nth)
  expect(nths).toEqual(Array.from({ length: 120 }, (_, nth) => nth))
  const first = all.heard[0]?.sequence ?? 0
  expect(all.heard.map(({ sequence }) => sequence)).toEqual(all.heard.map((_, nth) => first + nth))
  expect(some.heard).toEqual([])
  expect(Math.min(all.connections, some.connections)).toBeGreaterThan(2)
})

async function kill(): Promise<void> {
  const { edge } = stack.pids()
  process.kill(edge ?? 0, 'SIGKILL')
  await soon('another Worker', () => ![undefined, edge].includes(stack.pids().edge))
}

/** A relay tells events by number, each again until it was heard. */
async function tellEach(from: number, to: number): Promise<void> {
  const relay = 'told'
  const key = await relayKey(readSecrets(stack.folder)?.relay_secret ?? '', relay)
  for (let nth = from; nth < to; nth += 1) {
    const event = {
      kind: 'event',
      tell_id: crypto.randomUUID(),
      at: new Date().toISOString(),
      relay_id: relay,
      customer_id: stack.local.customer_id,
      type: 'call.step',
      data: { nth },
    }
    const tell = () =>
      fetch(`${stack.local.api_url}/relay/v1/tells`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ relay_id: relay, tells: [event] }),
      }).then(
        ({ ok }) => ok,
        () => false,
      )
    await soon(`event ${nth} to be taken`, tell, 30_000, 100)
  }
}
