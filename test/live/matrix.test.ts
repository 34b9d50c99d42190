import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Transport, transports } from '#contract'
import type { Call } from '../support/call.ts'
import { busy, type Carrier, type Script, silent } from '../support/carrier.ts'
import type { Leg } from '../support/failover-scenario.ts'
import { Stage, stories } from '../support/failover-stage.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { all } from '../support/sip-text.ts'
import { pause } from '../support/wait.ts'
import { type Cell, cells, expected, type Outcome, type Second, seconds } from './matrix-cells.ts'

let stage: Stage
let played = 0
const began = performance.now()
const places = new Map<Transport, Record<'first' | 'second', Carrier> & { dead: HostAndPort }>()

describe('the failover matrix', () => {
  beforeAll(async () => {
    stage = await Stage.open()
    for (const transport of transports) {
      const [first, second] = [await stage.carrier(transport), await stage.carrier(transport)]
      places.set(transport, { first, second, dead: await stage.nowhere() })
    }
  })
  afterAll(async () => {
    await stage?.close()
    const seconds = Math.round((performance.now() - began) / 1000)
    process.stdout.write(`failover matrix: ${played} cells over ${transports.join(', ')} in ${seconds} s\n`)
  })

  describe.each(transports)('over %s', (transport) => {
    test.each(seconds)('does as its rules say where the second carrier is %s', async (second) => {
      const all = cells(transport, second)
      const outcomes = await Promise.all(all.map((cell) => outcome(cell)))
      expect(outcomes).toEqual(all.map((cell) => ({ cell, ...expected(cell) })))
      played += all.length
    })
  })

  test('leaves no final without its ACK, no answer without its BYE, no call open', async () => {
    expect(await stage.close()).toEqual([])
  })
})

async function outcome(cell: Cell): Promise<Outcome & { cell: Cell }> {
  const { reached, response, heard, record } = await stage.play({ legs: legs(cell) })
  const told = await record()
  const [first = [], second = []] = reached
  return {
    cell,
    heard,
    invites: [first.length, second.length],
    over: [...new Set(told.attempts.map((attempt) => attempt.transport))],
    says: all(response, 'reason'),
    attempts: stories(told),
    by: told.hangup_by ?? 'system',
    reason: told.hangup_reason ?? 'normal',
  }
}

function legs({ code, before, transport, second, names }: Cell): Leg[] {
  const there = places.get(transport)
  if (!there) throw new Error(`nobody speaks ${transport}`)
  const search: Leg['policy'] = second === 'silent' ? { search_ms: 4_000 } : {}
  const policy = { next_on: [...names], ...search }
  return [
    { at: there.first, transport, policy, script: says(code, before) },
    second === 'dead' ? { at: there.dead, transport } : { at: there.second, transport, ...behaviour[second] },
  ]
}

const behaviour: Record<Exclude<Second, 'dead'>, Pick<Leg, 'script' | 'policy'>> = {
  ok: { script: (call) => void call.answer() },
  busy: { script: busy },
  silent: { script: silent, policy: { first_response_ms: 500, search_ms: 4_000 } },
}

/** Refuses with `code`, after it rang if it is to. A redirection points at the next carrier, who must not hear of it. */
function says(code: number, before: Cell['before']): Script {
  const contact: [string, string][] = code < 400 ? [['Contact', '<sip:elsewhere@127.0.9.2>']] : []
  const refuse = (call: Call) => call.refuse(code, 'As Scripted', contact)
  return async (call) => {
    if (before === 'nothing') return refuse(call)
    if (before === '180') call.ring()
    else call.progress()
    await pause(20)
    refuse(call)
  }
}
