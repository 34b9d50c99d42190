import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Call } from '../support/call.ts'
import { answers, busy, type Carrier, refuse, type Script, silent } from '../support/carrier.ts'
import type { Leg, Scenario } from '../support/failover-scenario.ts'
import { type Played, Stage } from '../support/failover-stage.ts'
import { all } from '../support/sip-text.ts'
import { pause, soon } from '../support/wait.ts'

/*
 * Every fifth datagram is lost, either way and on both sides, though of one message no third (`Losses`). Calls which are
 * answered, busy, sent on, and taken back: each completes or is refused in words, and caller, callee and record agree on how.
 */

let stage: Stage
let carriers: Carrier[]

beforeAll(async () => {
  // The edge on paper is of this process, and so are both sides of every call: it may be late.
  stage = await Stage.open({ ASK_BUDGET_MS: '10000' })
  carriers = [await stage.carrier('udp'), await stage.carrier('udp')]
  stage.losses.share = 0.2
})
afterAll(() => stage?.close())

describe('a hundred calls of which every fifth message is lost', () => {
  test('complete or are refused in words, and all sides agree', { tags: ['on-time'] }, async () => {
    const kinds = [talked, talked, talked, talked, talked, wasBusy, wasBusy, sentOn, passedBy, takenBack]
    await Promise.all(
      Array.from({ length: 100 }, async (_, at) => {
        await pause(at * 30)
        await kinds[at % kinds.length]?.()
      }),
    )
  })

  test('leave no callee ringing to nobody, and nothing else behind', async () => {
    // A callee who heard of a call late hears that it was taken back, for its INVITE is repeated until then.
    const heard = carriers.flatMap(({ calls }) => calls.filter(({ ignored }) => !ignored))
    const over = () => heard.every(({ statuses }) => statuses.some((status) => status >= 200))
    await soon('every callee to have said its last word', over, 35_000)
    expect(await stage.close()).toEqual([])
  })
})

async function talked(): Promise<void> {
  await completes(await stage.play({ legs: [leg(0, answers('n', 200))], talkMs: 500 }))
}

async function wasBusy(): Promise<void> {
  const played = await stage.play({ legs: [leg(0, busy)] })
  if (!(await refused(played, 486))) return
  expect(await played.record()).toMatchObject({ sip_status: 486, hangup_reason: 'busy' })
}

/** The first carrier is full. */
async function sentOn(): Promise<void> {
  const legs = [leg(0, refuse(503, 'Full')), leg(1, answers('n', 200))]
  await completes(await stage.play({ legs, talkMs: 500 }))
}

/** The first carrier is silent. */
async function passedBy(): Promise<void> {
  const policy = { first_response_ms: 3_000 }
  const legs = [
    { ...leg(0, silent), policy },
    { ...leg(1, answers('n', 200)), policy },
  ]
  await completes(await stage.play({ legs, talkMs: 500 }))
}

async function takenBack(): Promise<void> {
  const meanwhile = async (call: Call) => {
    await soon(
      'a provisional, for before it nothing may be cancelled',
      () => call.statuses.length > 0,
      35_000,
    )
    await call.cancel()
  }
  const played = await stage.play({ legs: [leg(0, (call) => call.ring())], meanwhile })
  if (!(await refused(played, 487))) return
  expect(await played.record()).toMatchObject({ hangup_reason: 'cancel', sip_status: 487 })
}

async function completes(played: Played): Promise<void> {
  if (!(await refused(played, 200))) return
  expect(played.goodbye).toBe(200)
  const told = await played.record()
  expect(told).toMatchObject({ sip_status: 200, hangup_by: 'caller', hangup_reason: 'normal' })
  expect(told.attempts.at(-1)).toMatchObject({ status: 200, decision: 'final' })
}

/**
 * True: it came to what it should. Where too much was lost for that, a refusal says why, and the record the same; of one which
 * was refused before the edge had said whose it is there is no record.
 */
async function refused(played: Played, wanted: number): Promise<boolean> {
  if (played.heard === wanted) return true
  const { response, heard } = played
  expect(heard).toBeGreaterThanOrEqual(400)
  const why = all(response, 'reason').join()
  expect(why).toMatch(/text="./)
  if (why.includes('the edge does not answer')) return false
  expect((await played.record()).sip_status).toBe(heard)
  return false
}

function leg(which: number, script: Script, more: Partial<Leg> = {}): Scenario['legs'][number] {
  const at = carriers[which]
  if (!at) throw new Error('no such carrier')
  return { at, transport: 'udp', script, ...more }
}
