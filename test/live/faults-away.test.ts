import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { duringFault, type FaultResult, type FaultStack, openFaultStack } from '../support/fault-stack.ts'
import { pause, soon } from '../support/wait.ts'

let faults: FaultStack

beforeAll(async () => {
  faults = await openFaultStack('127.0.10')
})
afterAll(() => faults?.close())

/** Of thirty calls and phones which come while nothing counts as current: those which do before the first went unanswered. */
const askedAtMost = 6

/* Five calls a second, out and in by turns, and three phones which refresh; the books are compared afterwards. */
describe('calls and registrations go on, and all are recorded once afterwards, while the edge', () => {
  test('refuses connections', async () => {
    const { proxy, relay } = faults
    const after = await duringFault(faults, async (over) => {
      const back = whenBack()
      await proxy.refuse()
      await pause(9_000)
      over()
      await proxy.listen()
      await back()
    })
    wentOn(after)
    expect(relay.lines().filter(({ event }) => event === 'tells.unheard').length).toBeLessThan(10)
  })

  test('is a black hole: every packet to it is dropped', async () => {
    const { proxy } = faults
    const after = await duringFault(faults, async (over) => {
      const back = whenBack()
      const end = await proxy.swallow()
      await pause(9_000)
      over()
      await end()
      await back()
    })
    wentOn(after)
  })

  test('takes connections and says nothing', async () => {
    const { proxy } = faults
    const from = performance.now()
    let asked = 0
    const after = await duringFault(faults, async (over) => {
      const back = whenBack()
      proxy.fault = () => ({ kind: 'silence' })
      await pause(9_000)
      over()
      asked = askedFrom(from)
      proxy.fault = () => undefined
      await back()
    })
    wentOn(after)
    expect(asked).toBeLessThan(askedAtMost)
  })

  test('takes five seconds for every answer', async () => {
    const { proxy } = faults
    const from = performance.now()
    let asked = 0
    proxy.connectionsAtMost = 0
    const after = await duringFault(faults, async (over) => {
      const back = whenBack()
      proxy.fault = () => ({ kind: 'slow', ms: 5_000 })
      await pause(9_000)
      over()
      asked = askedFrom(from)
      proxy.fault = () => undefined
      await back()
    })
    wentOn(after)
    expect(asked).toBeLessThan(askedAtMost)
    expect(proxy.connectionsAtMost).toBeLessThanOrEqual(64)
  })
})

/** How often the edge was asked about calls and phones until now. */
function askedFrom(from: number): number {
  return faults.proxy.asked('route', from).length + faults.proxy.asked('credential', from).length
}

/** Nothing went wrong, and the calls of the last seconds were decided on snapshots which grew older and older. */
function wentOn({ troubles, meanwhile, ages }: FaultResult): void {
  expect(troubles).toEqual([])
  expect(ages).toHaveLength(meanwhile.length)
  const stale = ages.filter((age) => age > 0)
  expect(stale.length).toBeGreaterThan(5)
  expect(Math.max(...stale)).toBeGreaterThan(6_500)
  expect(stale).toEqual(stale.toSorted((a, b) => a - b))
}

/** Waits until the relay has heard from the edge again, since this was asked. */
function whenBack(): () => Promise<unknown> {
  const told = () => faults.relay.lines().filter(({ event }) => event === 'edge.back').length
  const before = told()
  return () => soon('the relay to find the edge back', () => told() > before)
}
