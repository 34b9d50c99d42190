import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Row } from '../support/api.ts'
import { answers, Carrier } from '../support/carrier.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { optionsTo } from '../support/options.ts'
import type { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

const dialled = '+15551234567'
const patienceMs = 10_000

let stack: OwnStack
let office: Office
let carrier: Carrier
let phone: Phone

/** Whether each call placed was answered, by its Call-ID: what the records must say. */
const ledger = new Map<string, 'outgoing' | 'incoming'>()

describe('while the edge is away', () => {
  beforeAll(async () => {
    // A call which waited for the edge would wait for all of this.
    stack = await startStack({ ASK_BUDGET_MS: String(patienceMs) })
    carrier = await Carrier.open(
      { name: 'carrier', address: '127.0.7.60', relay: stack.relay },
      answers('c', 50),
    )
    office = await openOffice(stack, [carrier.place])
    phone = await office.phone('office1', '127.0.7.61')
    phone.onCall = answers('p', 50)
    expect(statusOf(await phone.register())).toBe(200)
    // By the next beat the relay has heard of all this.
    await decidedHere()
  })
  afterAll(async () => {
    phone?.close()
    carrier?.close()
    await stack?.stop()
  })

  test('calls and registrations go on, in both directions, without waiting for it', async () => {
    await away(async () => {
      await pause(7_000)
      expect(statusOf(await phone.register())).toBe(200)
      for (let i = 0; i < 5; i++) {
        const began = performance.now()
        await callOut()
        expect(performance.now() - began).toBeLessThan(patienceMs)
        await callIn()
      }
    })
  })

  test('a relay killed meanwhile is back with its phones, and calls go on', async () => {
    await away(async () => {
      await pause(6_500)
      const killedAt = performance.now()
      await killRelay()
      await soon('the relay to answer', async () => statusOf(await options()) === 200, 30_000, 20)
      const cpuMs = cpuMsOf(stack.pids().relay ?? 0)
      const backMs = Math.round(performance.now() - killedAt)
      process.stdout.write(`back ${backMs} ms after kill -9, for ${cpuMs} ms of CPU\n`)
      await callIn()
      await callOut()
      expect(statusOf(await phone.register())).toBe(200)
    })
  })

  test('every call placed is recorded once when it is back, and says who decided it', async () => {
    const records = await soon(
      'all records',
      async () => {
        const calls = await office.api.list('/calls?page_size=100')
        const over = calls.filter(({ status }) => status === 'hangup')
        return over.length >= ledger.size ? calls : undefined
      },
      60_000,
      250,
    )
    expect(records).toHaveLength(ledger.size)
    const bySide = (side: string) => records.filter(({ direction }) => direction === side).length
    const placed = (side: string) => [...ledger.values()].filter((each) => each === side).length
    expect([bySide('outgoing'), bySide('incoming')]).toEqual([placed('outgoing'), placed('incoming')])
    const whole = await Promise.all(records.map(({ id }) => office.api.get(`/calls/${id}`)))
    const ages = whole.flatMap(({ decision }: Row) => {
      const { decided_by, snapshot_age_ms } = decision as {
        decided_by: string
        snapshot_age_ms: number | null
      }
      return decided_by === 'relay' ? [snapshot_age_ms ?? -1] : []
    })
    expect(Math.min(...ages)).toBe(0)
    expect(ages.filter((age) => age > 5_000).length).toBeGreaterThanOrEqual(10)
  })
})

/** Places calls until one is decided at the relay: from then on the edge is not needed. */
async function decidedHere(): Promise<void> {
  await soon(
    'a decision of the relay',
    async () => {
      await callOut()
      await callIn()
      const [newest] = await office.api.list('/calls?page_size=1')
      if (newest === undefined) return false
      const { decision } = await office.api.get(`/calls/${newest.id}`)
      return (decision as { decided_by?: string } | null)?.decided_by === 'relay'
    },
    30_000,
    1_000,
  )
}

async function callOut(): Promise<void> {
  const { call, result } = await phone.call(dialled)
  expect(statusOf(await result)).toBe(200)
  ledger.set(call.callId, 'outgoing')
  await soon('the carrier to be heard', () => call.sound?.heardOf('c'))
  await call.bye()
}

async function callIn(): Promise<void> {
  const { call, result } = await carrier.call('+15557654321', office.number)
  expect(statusOf(await result)).toBe(200)
  ledger.set(call.callId, 'incoming')
  await soon('the phone to be heard', () => call.sound?.heardOf('p'))
  await call.bye()
}

/** Does `act` while the edge is frozen: it takes connections and answers nothing. */
async function away(act: () => Promise<void>): Promise<void> {
  const { edge } = stack.pids()
  if (edge === undefined) throw new Error('no edge runs')
  process.kill(edge, 'SIGSTOP')
  try {
    await act()
  } finally {
    process.kill(edge, 'SIGCONT')
  }
}

async function killRelay(): Promise<void> {
  const { relay } = stack.pids()
  if (relay === undefined) throw new Error('no relay runs')
  process.kill(relay, 'SIGKILL')
  await soon('another relay', () => ![relay, undefined].includes(stack.pids().relay), 30_000, 20)
}

/** CPU a process has used so far (Linux: hundredths of a second). */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function options() {
  return carrier.ask(optionsTo(carrier, stack.relay), stack.relay)
}
