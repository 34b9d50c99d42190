import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { DeliveryQueue, queueOf } from '../../../functions/events/queue.ts'
import worker from '../../../functions/index.ts'
import { relayKey } from '../../../functions/relay-key.ts'
import { type App, RELAY_SECRET, startApp } from '../../support/app.ts'
import { Receiver } from '../../support/receiver.ts'

describe('the word to the Queue that something is due', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: 0 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** When it is said, and the message which goes then: its delay in seconds; none: none does. */
  test.each([
    ['goes at once', [[0, 0]]],
    [
      'goes once for a whole second more, at its end',
      [
        [0, 0],
        [10, 1],
        [20, undefined],
        [990, undefined],
      ],
    ],
    [
      'goes at once again when a second has gone by',
      [
        [0, 0],
        [1_000, 0],
        [1_010, 1],
        [2_500, 0],
      ],
    ],
    [
      'is not taken for said by what has come meanwhile',
      [
        [0, 0],
        [400, 1],
        [1_399, 0],
        [1_400, 1],
      ],
    ],
  ] as [string, [number, number | undefined][]][])('%s', async (_, steps) => {
    const sent: (number | undefined)[] = []
    const queue = new DeliveryQueue({ send: async (_body, options) => sent.push(options?.delaySeconds) })
    for (const [at, delay] of steps) {
      vi.setSystemTime(at)
      sent.length = 0
      expect(await queue.now()).toBe(true)
      expect(sent).toEqual(delay === undefined ? [] : [delay])
    }
  })

  test('goes with a delay for what is to be tried again, once for what is so about the same time', async () => {
    const sent: (number | undefined)[] = []
    const queue = new DeliveryQueue({ send: async (_body, options) => sent.push(options?.delaySeconds) })
    for (const ms of [4_800, 4_900, 5_000, 9_000, 4_000]) await queue.after(ms)
    expect(sent).toEqual([5, 9, 4])
  })

  test('which the Queue does not take is known not to have gone', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const queue = new DeliveryQueue({ send: () => Promise.reject(new Error('Too Many Requests')) })
    expect(await queue.now()).toBe(false)
    expect(error.mock.calls.join()).toContain('Too Many Requests')
    error.mockRestore()
  })

  test('has no Queue to go to where none is bound', () => {
    expect(queueOf({})).toBeUndefined()
  })
})

describe('a Worker with a Queue', () => {
  let app: App
  let receiver: Receiver
  beforeAll(async () => {
    app = await startApp()
    receiver = await Receiver.open()
  })
  afterAll(async () => {
    await receiver.close()
    await app.close()
  })

  test('has it hurry, and sends when it comes; what fails is put there again', async () => {
    const { delays, env, happens } = await office()
    receiver.reply = () => 500
    await happens()
    expect([delays.splice(0), receiver.messages]).toEqual([[0], []])
    await worker.queue({ messages: [] }, env)
    expect(receiver.messages).toHaveLength(1)
    expect([[5], [6]]).toContainEqual(delays)
  })

  test('sends by itself what the Queue does not take', async () => {
    const { env, happens } = await office()
    env.DELIVERY_QUEUE.send = () => Promise.reject(new Error('Storage Limit Exceeded'))
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    receiver.reply = () => 200
    await happens()
    error.mockRestore()
    expect(receiver.messages).toHaveLength(1)
  })

  test('leaves the rest to another of its invocations, when its time is over', async () => {
    const { delays, env, happens } = await office()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    receiver.reply = () => {
      vi.setSystemTime(Date.now() + 61_000)
      return 200
    }
    for (let event = 0; event < 8; event += 1) await happens()
    delays.length = 0
    await worker.queue({ messages: [] }, env)
    const sent = receiver.messages.length
    expect([sent > 0, sent < 8, delays.length > 0]).toEqual([true, true, true])
    receiver.reply = () => 200
    await worker.queue({ messages: [] }, env)
    vi.useRealTimers()
    expect(receiver.messages).toHaveLength(8)
  })

  /** A customer with a webhook, a Worker of its own, and the delays of the messages which it sent to its Queue. */
  async function office() {
    receiver.messages.length = 0
    const delays: number[] = []
    const send = async (_: unknown, { delaySeconds = 0 }: { delaySeconds?: number } = {}) =>
      void delays.push(delaySeconds)
    const env = { ...app.env, DELIVERY_QUEUE: { send } }
    const bob = await app.newcomer('Bob')
    await app.database.pool.query('delete from deliveries')
    await bob('POST', '/v1.0/webhooks', { url: receiver.url, events: ['call.*'] })
    return { delays, env, happens: () => tellEvent(env, bob.id) }
  }

  async function tellEvent(env: object, customer_id: string): Promise<void> {
    const waiting: Promise<unknown>[] = []
    const context = {
      waitUntil: (one: Promise<unknown>) => waiting.push(one),
      passThroughOnException() {},
      props: {},
    }
    const told = {
      kind: 'event',
      tell_id: crypto.randomUUID(),
      at: new Date().toISOString(),
      relay_id: 'relay-1',
    }
    const body = { relay_id: 'relay-1', tells: [{ ...told, customer_id, type: 'call.refused', data: {} }] }
    const request = new Request('http://edge/relay/v1/tells', {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await relayKey(RELAY_SECRET, 'relay-1')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    })
    expect((await worker.fetch(request, env, context)).status).toBe(200)
    await Promise.all(waiting)
  }
})
