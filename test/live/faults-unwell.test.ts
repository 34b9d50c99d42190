import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Passing } from '../support/chaos-proxy.ts'
import { changeHeard } from '../support/customer.ts'
import type { Fault } from '../support/edge-server.ts'
import { duringFault, type FaultStack, openFaultStack } from '../support/fault-stack.ts'
import { pause, soon } from '../support/wait.ts'

let faults: FaultStack

beforeAll(async () => {
  faults = await openFaultStack('127.0.11')
})
afterAll(() => faults?.close())

/* Five calls a second, out and in by turns, and three phones which refresh; the books are compared afterwards. */
describe('calls and registrations go on, and all are recorded once afterwards, while the edge', () => {
  test('answers 500, 502, and 429 with Retry-After: the relay asks less and less, and heeds that', async () => {
    const { proxy } = faults
    const from = performance.now()
    /** When each word was told 429, once: after that it finds the edge well. */
    const told = new Map<string, number>()
    let [status, knownAt] = [500, 0]
    const after = await duringFault(faults, async () => {
      proxy.fault = (word) => {
        if (told.has(word)) return undefined
        if (status === 429) told.set(word, performance.now())
        return { kind: 'status', status, ...(status === 429 ? { retryAfter: '5' } : {}) }
      }
      await soon('the relay to find the edge away', () => seen('edge.away') > 0)
      knownAt = performance.now()
      for (const next of [502, 500, 502, 500, 429]) {
        await pause(3_000)
        status = next
      }
      await soon('a beat and tells to be told 429', () => told.has('beat') && told.has('tells'), 30_000)
      await soon('the relay to find the edge back', () => seen('edge.back') > 0, 30_000)
      const tellsAt = told.get('tells') ?? 0
      await soon('tells to be told again', () => proxy.asked('tells', tellsAt + 1).length > 0, 30_000)
      proxy.fault = () => undefined
    })
    expect(after.troubles).toEqual([])
    expect(Math.max(...after.ages)).toBeGreaterThan(10_000)
    for (const word of ['beat', 'tells']) {
      const at = told.get(word) ?? 0
      expect((proxy.asked(word, at + 1)[0] ?? 0) - at, word).toBeGreaterThan(4_990)
    }
    // No call asks, and the others ask ever more seldom.
    for (const [word, atFirst] of [
      ['beat', 3],
      ['tells', 4],
    ] as const) {
      const until = told.get(word) ?? 0
      const asked = proxy.asked(word, from).filter((at) => at <= until).length
      expect(asked, word).toBeLessThanOrEqual(atFirst + (until - from) / 4_000)
    }
    expect(proxy.asked('route', from).length).toBeLessThan(3)
    // Once it is known to be away, two requests in five seconds are all it gets: a beat, and of all phones one asks.
    // A pause of the tells which began before that may end once.
    const until = told.get('beat') ?? 0
    const then = proxy.heard.filter(({ at }) => at >= knownAt && at <= until)
    const others = then.filter(({ word }) => word !== 'beat' && word !== 'credential')
    expect(others.map(({ word }) => word)).toEqual(others.slice(0, 1).map(() => 'tells'))
    const beats = then.flatMap(({ word, at }) => (word === 'beat' ? [at] : []))
    const phones = then.filter(({ word }) => word === 'credential').length
    const gaps = beats.slice(1).map((at, index) => at - (beats[index] ?? 0))
    expect(gaps.length).toBeGreaterThan(0)
    expect(Math.min(...gaps)).toBeGreaterThan(4_000)
    expect(phones).toBeLessThanOrEqual(beats.length + 2)
  })

  test('answers rubbish, halves of answers, and snapshots which are not what was signed: what is here stays', async () => {
    const { proxy, relay, traffic } = faults
    const [before, away] = [seen('snapshot.not_pulled'), seen('edge.away')]
    const [extension] = await traffic.office.api.list('/extensions')
    const after = await duringFault(faults, async () => {
      proxy.fault = (word) => faultOf(word, { snapshots: 'forged', tells: 'truncated' })
      await traffic.office.api.put(`/extensions/${extension?.id}`, { name: 'Another name' })
      await soon('the relay to tell of a forged one', () => seen('snapshot.not_pulled') > before, 30_000)
      proxy.fault = () => ({ kind: 'garbage' })
      await soon('the relay to tell of rubbish', () => seen('edge.away') > away, 30_000)
      proxy.fault = (word) => faultOf(word, { snapshots: 'truncated' })
      const whole = seen('snapshot.not_pulled')
      await soon('the relay to tell of half a one', () => seen('snapshot.not_pulled') > whole, 30_000)
      proxy.fault = () => undefined
    })
    expect(after.troubles).toEqual([])
    const why = relay.lines().flatMap(({ event, why }) => (event === 'snapshot.not_pulled' ? [why] : []))
    // It asks for it again until it has it: one of a kind at least.
    expect([why[0], why.at(-1)]).toEqual([
      expect.stringMatching(/signature/),
      expect.stringMatching(/broke off|aborted/),
    ])
    expect(seen('bug')).toBe(0)
    await traffic.settle()
  })

  test('has gone back to an older configuration: it is refused, and the log says so', async () => {
    const { proxy, stack, traffic } = faults
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
      await changeHeard(stack, traffic.office.api)
    }
    await changed('Old')
    const { version } = JSON.parse(old?.body ?? '{}')
    await changed('New')
    let mended = 0
    const after = await duringFault(faults, async () => {
      proxy.alter = (word, answer) =>
        old && word === 'snapshots' ? old : word === 'beat' ? beatOf(answer, id, version) : answer
      await soon('the relay to complain', () => seen('snapshot.older') > 0, 30_000)
      await pause(3_000)
      proxy.alter = (_, answer) => answer
      // What was told and asked before is over by the second beat.
      const honest = performance.now()
      await soon('two beats', () => proxy.asked('beat', honest).length > 1)
      mended = performance.now()
    })
    expect(after.troubles).toEqual([])
    const complaints = faults.relay.lines().filter(({ event }) => event === 'snapshot.older')
    expect(complaints).toContainEqual(
      expect.objectContaining({ customer_id: id, version, held: expect.any(Number) }),
    )
    // What it held it still has: once the edge is itself again, there is nothing to fetch.
    await traffic.settle()
    expect(proxy.asked('snapshots', mended)).toEqual([])
  })
})

function faultOf(word: string, kinds: Record<string, 'forged' | 'truncated'>): Fault | undefined {
  const kind = kinds[word]
  return kind && { kind }
}

/** The answer to a beat as an edge gives it whose database was restored. */
function beatOf(answer: Passing, customerId: string, version: number): Passing {
  const told = JSON.parse(answer.body)
  const changed = [{ customer_id: customerId, version, gone: false }]
  return { ...answer, body: JSON.stringify({ ...told, version, changed }) }
}

function seen(event: string): number {
  return faults.relay.lines().filter((line) => line.event === event).length
}
