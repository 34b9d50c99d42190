import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Row } from '../support/api.ts'
import { answers, ringing } from '../support/carrier.ts'
import { keyOf } from '../support/fault-stack.ts'
import { reconciled } from '../support/ledger.ts'
import { startRelay } from '../support/lone-relay.ts'
import { optionsTo } from '../support/options.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { Traffic } from '../support/traffic.ts'
import { pause, soon } from '../support/wait.ts'

let stack: OwnStack
let traffic: Traffic

beforeAll(async () => {
  stack = await startStack({ LOG_LEVEL: 'info' })
  traffic = await Traffic.open(stack, stack.relay, '127.0.12')
  await traffic.settle()
})
afterAll(async () => {
  traffic?.close()
  await stack?.stop()
})

/* Five calls a second, out and in by turns, and three phones which refresh. */
describe('under load', () => {
  test('the edge is killed: no call and no registration is lost, it is started again, and all is recorded once', async () => {
    const { edge } = stack.pids()
    traffic.begin()
    await pause(1_000)
    process.kill(edge ?? 0, 'SIGKILL')
    await soon('another edge', () => ![edge, undefined].includes(stack.pids().edge), 30_000)
    await soon('it to answer', () => stack.api.list('/customers').catch(() => false), 30_000)
    await pause(2_000)
    await traffic.end()
    expect(traffic.troubles).toEqual([])
    expect(stack.words()).toContain('The edge died; starting it again.')
    expect(stack.words()).toContain('The edge is back.')
    const { discrepancies } = await reconciled(traffic.office.api, traffic.ledger)
    expect([...discrepancies, ...(await traffic.registrationTroubles())]).toEqual([])
  })

  test('the relay is killed: it is back with its phones, and every call is recorded once, the lost ones too', async () => {
    const { relay } = stack.pids()
    traffic.begin()
    await pause(3_000)
    process.kill(relay ?? 0, 'SIGKILL')
    await soon('another relay', () => ![relay, undefined].includes(stack.pids().relay), 30_000)
    await soon('it to answer SIP', () => answersOptions(), 30_000)
    traffic.troubles.length = 0
    await pause(3_000)
    await traffic.end()
    // Calls which were cut hear of it when they hang up.
    expect(traffic.troubles.filter((trouble) => !/BYE 481$/.test(trouble))).toEqual([])
    const { discrepancies, records } = await reconciled(traffic.office.api, traffic.ledger)
    expect([...discrepancies, ...(await traffic.registrationTroubles())]).toEqual([])
    const cut = records.filter(({ hangup_reason }) => hangup_reason === 'relay_lost')
    expect(cut.length).toBeGreaterThan(0)
    for (const { hangup_by, tm_hangup } of cut)
      expect([hangup_by, tm_hangup]).toEqual(['system', expect.any(String)])
  })
})

/* What dies at which step is a table in functions/config/call-making-faults.test.ts; these are some of its cells, played. */
describe('a call which the API orders', () => {
  test.each<[victim: 'relay' | 'edge' | 'database', when: 'before it rings' | 'while it rings', end: string]>(
    [
      ['relay', 'before it rings', 'normal'],
      ['relay', 'while it rings', 'relay_lost'],
      ['edge', 'while it rings', 'normal'],
      ['database', 'while it rings', 'normal'],
    ],
  )('rings once and is recorded once where the %s is killed %s', async (victim, when, end) => {
    const { carrier, office } = traffic
    const before = carrier.calls.length
    carrier.onCall = when === 'while it rings' ? ringing : answers('c', 50)
    if (when === 'before it rings') await killed(victim)
    const { calls } = (await office.api.post('/calls', {
      source: { type: 'tel', target: office.number },
      destinations: [{ type: 'tel', target: '+15551234567' }],
      actions: [{ type: 'sleep', option: { duration: 60_000 } }],
    })) as unknown as { calls: [Row] }
    const call = await soon('the carrier to be called', () => carrier.calls[before], 20_000)
    if (when === 'while it rings') {
      await killed(victim)
      if (victim !== 'relay') await call.answer('c')
    }
    if (end === 'normal') {
      await soon('the call to stand', () => call.acks)
      expect(await call.bye()).toBe(200)
    }
    const record = await soon('the record to end', () => over(calls[0].id), 40_000, 200)
    expect(record).toMatchObject({ hangup_reason: end })
    const told = await office.api.list(`/events?resource_id=${record.id}&type=call.*`)
    const types = told.map(({ type }) => type)
    for (const type of ['call.created', 'call.ended'])
      expect([type, types.filter((one) => one === type).length]).toEqual([type, 1])
    expect(carrier.calls.length).toBe(before + 1)
  })

  /** Gone without a word; what started it starts another. */
  async function killed(victim: 'relay' | 'edge' | 'database'): Promise<void> {
    const pid = stack.pids()[victim]
    process.kill(pid ?? 0, 'SIGKILL')
    if (victim !== 'relay') return
    await soon('another relay', () => ![pid, undefined].includes(stack.pids().relay), 30_000)
    await soon('it to answer SIP', () => answersOptions(), 30_000)
  }

  /** Its record, once the edge is there to show that it has ended. */
  async function over(id: string): Promise<Row | undefined> {
    const record = await traffic.office.api.get(`/calls/${id}`).catch(() => undefined)
    return record?.status === 'hangup' ? record : undefined
  }
})

function answersOptions(): Promise<boolean> {
  const { carrier } = traffic
  return carrier.ask(optionsTo(carrier, stack.relay), stack.relay).then((answer) => statusOf(answer) === 200)
}

describe('a second relay with the same key', () => {
  test('takes over: the first says so, lets its calls end and goes; no call is lost or recorded twice', async () => {
    const key = await keyOf(stack, 'twin')
    const begin = (address: string) =>
      startRelay(stack.local.api_url, address, { RELAY_KEY: key, DRAIN_MS: '60000' })
    const first = await begin('127.0.13.1')
    const calls = await Traffic.open(stack, first.place, '127.0.13')
    const line = await calls.talking()
    const second = await begin('127.0.14.1')
    await soon(
      'the first to say so',
      () => first.lines().some(({ event }) => event === 'relay.replaced'),
      30_000,
    )
    await pause(3_000)
    expect(await line.hangUp()).toBe(200)
    expect(await first.gone).toBe(0)
    calls.close()
    const next = await Traffic.open(stack, second.place, '127.0.14')
    await next.forMs(2_000)
    expect([...calls.troubles, ...next.troubles]).toEqual([])
    for (const { office, ledger } of [calls, next]) {
      const { discrepancies, records } = await reconciled(office.api, ledger)
      expect(discrepancies).toEqual([])
      expect(records.map(({ hangup_reason }) => hangup_reason)).not.toContain('relay_lost')
    }
    next.close()
    await second.stop()
  })
})
