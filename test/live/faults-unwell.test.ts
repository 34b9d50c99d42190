import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Passing } from '../support/chaos-proxy.ts'
import { besieged, openSiege, type Siege } from '../support/siege.ts'
import { pause, soon } from '../support/wait.ts'

let siege: Siege

beforeAll(async () => {
  siege = await openSiege('127.0.11')
})
afterAll(() => siege?.close())

/* Five calls a second, out and in by turns, and three phones which refresh; the books are compared afterwards. */
describe('calls and registrations go on, and all are recorded once afterwards, while the edge', () => {
  test('answers 500, 502, and 429 with Retry-After: the relay asks less and less, and heeds that', async () => {
    const { proxy } = siege
    const from = performance.now()
    const told429 = new Map<string, number>()
    let [status, answered] = [500, 0]
    const after = await besieged(siege, async () => {
      proxy.fault = (word) => {
        if (status < 500)
          told429.set(word, Math.min(told429.get(word) ?? Number.POSITIVE_INFINITY, performance.now()))
        return { kind: 'status', status, ...(status === 429 ? { retryAfter: '5' } : {}) }
      }
      for (; answered < 6; answered++) {
        await pause(1_000)
        status = status === 500 ? 502 : 500
      }
      status = 429
      await pause(11_500)
      proxy.fault = () => undefined
      await soon('the relay to find the edge back', () => seen('edge.back') > 0, 30_000)
    })
    expect(after.troubles).toEqual([])
    expect(Math.max(...after.ages)).toBeGreaterThan(12_000)
    const asked = [...new Set(proxy.heard.map(({ word }) => word))].map(
      (word) => [word, proxy.asked(word, from)] as const,
    )
    for (const [word, moments] of asked) {
      const since = told429.get(word)
      const gaps = moments.flatMap((at, n) =>
        since !== undefined && at > since ? [at - (moments[n - 1] ?? at)] : [],
      )
      // The last of them found it well again.
      if (gaps.length > 0) expect(Math.min(...gaps.slice(0, 2)), word).toBeGreaterThan(4_990)
    }
    expect(proxy.asked('route', from).length + proxy.asked('credential', from).length).toBeLessThan(3)
  })

  test('answers rubbish, halves of answers, and snapshots which are not what was signed: what is here stays', async () => {
    const { proxy, relay, traffic } = siege
    const [before, away] = [seen('snapshot.not_pulled'), seen('edge.away')]
    const [extension] = await traffic.office.api.list('/extensions')
    const after = await besieged(siege, async () => {
      proxy.fault = () => ({ kind: 'garbage' })
      await soon('the relay to tell that', () => seen('edge.away') > away, 30_000)
      proxy.fault = (word) =>
        word === 'tells' ? { kind: 'truncated' } : word === 'snapshots' ? { kind: 'forged' } : undefined
      await traffic.office.api.put(`/extensions/${extension?.id}`, { name: 'Another name' })
      await soon('the relay to tell of a forged one', () => seen('snapshot.not_pulled') > before, 30_000)
      proxy.fault = (word) => (word === 'snapshots' ? { kind: 'truncated' } : undefined)
      await soon('the relay to tell of half a one', () => seen('snapshot.not_pulled') > before + 1, 30_000)
      proxy.fault = () => undefined
      await pause(1_000)
    })
    expect(after.troubles).toEqual([])
    const told = relay.lines().filter(({ event }) => event === 'snapshot.not_pulled')
    expect(told.map(({ why }) => why)).toEqual([
      expect.stringMatching(/signature/),
      expect.stringMatching(/broke off|aborted/),
    ])
    expect(seen('bug')).toBe(0)
    await traffic.settle()
  })

  test('has gone back to an older configuration: it is refused, and the log says so', async () => {
    const { proxy, stack, traffic } = siege
    const { id } = traffic.office
    // What the edge said of this customer once.
    let old: Passing | undefined
    proxy.alter = (word, answer) => {
      if (word === 'snapshots' && answer.body.includes(`"customer_id":"${id}"`)) old ??= answer
      return answer
    }
    const changed = async (name: string) => {
      const asked = proxy.asked('snapshots').length
      await stack.api.put(`/customers/${id}`, { name })
      await soon('the change to be fetched', () => proxy.asked('snapshots').length > asked, 30_000)
      await pause(500)
    }
    await changed('Old')
    const { version } = JSON.parse(old?.body ?? '{}')
    await changed('New')
    const after = await besieged(siege, async () => {
      proxy.alter = (word, answer) =>
        old && word === 'snapshots' ? old : word === 'beat' ? beatOf(answer, id, version) : answer
      await soon('the relay to complain', () => seen('snapshot.older') > 0, 30_000)
      await pause(3_000)
      proxy.alter = (_, answer) => answer
      await pause(3_000)
    })
    expect(after.troubles).toEqual([])
    await traffic.settle()
  })
})

/** The answer to a beat as an edge gives it whose database was restored. */
function beatOf(answer: Passing, customerId: string, version: number): Passing {
  const told = JSON.parse(answer.body)
  const changed = [{ customer_id: customerId, version, gone: false }]
  return { ...answer, body: JSON.stringify({ ...told, version, changed }) }
}

function seen(event: string): number {
  return siege.relay.lines().filter((line) => line.event === event).length
}
