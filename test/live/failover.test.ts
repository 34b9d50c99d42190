import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Transport, transports } from '#contract'
import type { Call } from '../support/call.ts'
import {
  answersTooLate,
  answersUnheard,
  asks,
  type Carrier,
  refuse,
  ringing,
  type Script,
  silent,
  trying,
} from '../support/carrier.ts'
import type { Leg, Scenario } from '../support/failover-scenario.ts'
import { type Played, Stage, stories } from '../support/failover-stage.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { all } from '../support/sip-text.ts'
import { pause, soon } from '../support/wait.ts'

/*
 * What the failover matrix has no room for: silence, lost connections, clocks, and a caller who leaves. The
 * sentences run beside each other, for they mostly wait.
 */

const soonGivenUp = { first_response_ms: 500 }
const hasty = { progress_ms: 3_000 }
const answers: Script = (call) => void call.answer()

let stage: Stage

beforeAll(async () => {
  stage = await Stage.open()
})
afterAll(() => stage?.close())

describe.concurrent('the next carrier is tried', () => {
  test.each(transports)('when nobody listens at the first (%s)', async (transport) => {
    const played = await play(leg(await stage.nowhere(), silent, { transport }), await willing(transport))
    expect(await shortly(played)).toEqual([200, '0 next: ', '200 final: 200'])
  })

  test('when the name of the first leads nowhere', async () => {
    const lost = leg(await stage.nowhere(), silent, { hostname: 'no..such' })
    const played = await play(lost, await willing())
    expect(await shortly(played)).toEqual([200, '0 next: ', '200 final: 200'])
    expect((await played.record()).attempts[0]?.reason).toMatch(/no answer for|no address found/)
  })

  test('when nothing comes of the first in its time', async () => {
    const played = await play(await somebody(silent, { policy: soonGivenUp }), await willing())
    expect(await shortly(played)).toEqual([200, '0 next: ', '200 final: 200'])
    expect(played.reached[0]?.[0]?.wasCancelled).toBe(false)
  })

  test('when nothing but 100 comes of the first in its time, and it is cancelled', async () => {
    const played = await play(await somebody(trying, { policy: hasty }), await willing())
    expect(await shortly(played)).toEqual([200, '0 next: 100', '200 final: 200'])
    expect(played.reached[0]?.[0]?.wasCancelled).toBe(true)
  })

  test.each(['tcp', 'tls'] as const)(
    'when the connection to the first is lost after its 100 (%s)',
    async (transport) => {
      const played = await play(await somebody(leaves(trying), { transport }), await willing())
      expect(await shortly(played)).toEqual([200, '0 next: 100', '200 final: 200'])
    },
  )

  test('and a redirection by the first is never followed', async () => {
    const elsewhere = await stage.carrier('udp')
    const { address, port } = elsewhere.place
    const away = refuse(302, 'Moved Temporarily', [['Contact', `<sip:premium@${address}:${port}>`]])
    const played = await play(await somebody(away, { policy: { next_on: [302] } }), await willing())
    expect(await shortly(played)).toEqual([200, '302 next: 302', '200 final: 200'])
    expect(elsewhere.calls).toEqual([])
  })
})

describe.concurrent('no other carrier is tried', () => {
  test.each(['tcp', 'tls'] as const)('when the connection is lost while it rings (%s)', async (transport) => {
    const played = await play(await somebody(leaves(ringing), { transport }), await willing())
    expect(await shortly(played)).toEqual([503, '0 final: 100 180'])
    expect(said(played)).toEqual(['SIP;cause=503;text="connection closed"'])
    expect(played.reached[1]).toEqual([])
  })

  test('when it rang and nobody answered in time', async () => {
    const played = await play(await somebody(ringing, { policy: { answer_ms: 5_000 } }), await willing())
    expect(await shortly(played)).toEqual([480, '0 final: 100 180'])
    expect(said(played)).toEqual(['SIP;cause=480;text="no answer"'])
    expect(await played.record()).toMatchObject({ hangup_by: 'system', hangup_reason: 'noanswer' })
    expect(played.reached[0]?.[0]?.wasCancelled).toBe(true)
    expect(played.reached[1]).toEqual([])
  })

  test('when the whole search took too long', async () => {
    const policy = { search_ms: 3_000 }
    const second = await willing()
    const played = await play(await somebody(trying, { policy }), { ...second, policy })
    expect(await shortly(played)).toEqual([503, '0 final: 100'])
    expect(said(played)).toEqual(['SIP;cause=503;text="nobody rang in time"'])
    expect(await played.record()).toMatchObject({ hangup_by: 'system', hangup_reason: 'timeout' })
    expect(played.reached[1]).toEqual([])
  })

  test('when it rang, wanted a password, got it, and said no more', async () => {
    const script: Script = (call) => {
      if (proven(call)) return silent(call)
      call.ring()
      call.challenge('carrier.test')
    }
    const policy = { first_response_ms: 2_000 }
    const played = await play(await somebody(script, { credentials, policy }), await willing())
    expect(await shortly(played)).toEqual([503, '0 final: 180 407'])
    expect(played.reached[1]).toEqual([])
  })
})

describe.concurrent('a carrier which wants a password', () => {
  test('is given it, inside the same attempt', async () => {
    const played = await play(await somebody(asks(credentials, answers), { credentials }), await willing())
    expect(await shortly(played)).toEqual([200, '200 final: 407 200'])
  })

  test('and refuses it is left for the next', async () => {
    const never = asks({ username: 'trunk', password: 'another' }, answers)
    const played = await play(await somebody(never, { credentials }), await willing())
    expect(await shortly(played)).toEqual([200, '407 next: 407 407', '200 final: 200'])
  })

  test('and refuses it by 401 is left for the next', async () => {
    const challenge: [string, string] = [
      'WWW-Authenticate',
      'Digest realm="carrier.test", nonce="n", qop="auth"',
    ]
    const never = refuse(401, 'Unauthorized', [challenge])
    const played = await play(await somebody(never, { credentials }), await willing())
    expect(await shortly(played)).toEqual([200, '401 next: 401 401', '200 final: 200'])
  })
})

describe.concurrent('a carrier which says 503 with Retry-After', () => {
  test('is skipped by the next call, and tried all the same by one which has no other', async () => {
    const resting = await stage.carrier('udp')
    const tired = refuse(503, 'Service Unavailable', [['Retry-After', '60']])
    const second = await willing()
    expect(await shortly(await play(leg(resting, tired), second))).toEqual([
      200,
      '503 next: 503',
      '200 final: 200',
    ])
    const skipping = await play(leg(resting, answers), second)
    expect(await shortly(skipping)).toEqual([200, '0 next: ', '200 final: 200'])
    expect(skipping.reached[0]).toEqual([])
    expect(await shortly(await play(leg(resting, answers)))).toEqual([200, '200 final: 200'])
  })
})

describe.concurrent('a carrier which answers after it was given up is thanked and hung up on, and the call goes on', () => {
  test.each([
    ['when it was silent', answersUnheard(2_500), soonGivenUp, answers, '0 next: 200', '200 final: 200'],
    ['when it said only 100', answersWhenCancelled, hasty, answers, '0 next: 100 200', '200 final: 200'],
  ] as const)('%s', async (_, script, policy, second, ...story) => {
    const legs = [await somebody(script, { policy }), await somebody(second)]
    const played = await play({ legs, talkMs: 4_500 })
    expect(await shortly(played)).toEqual([200, ...story])
    expect(played.goodbye).toBe(200)
    expect(await played.record()).toMatchObject({ hangup_by: 'caller', hangup_reason: 'normal' })
    await thankedAndHungUp(played.reached[0]?.[0])
  })

  test('at once, though the next one only rings', async () => {
    const [late, second] = [await stage.carrier('udp'), await stage.carrier('udp')]
    const first = leg(late, answersUnheard(2_500), { policy: soonGivenUp })
    const meanwhile = async (call: Call) => {
      await soon('the late one to be hung up on', () => late.calls[0]?.acksAtBye)
      expect(call.statuses).not.toContain(200)
      await second.calls[0]?.answer('n')
    }
    const played = await play({ legs: [first, leg(second, ringing)], meanwhile })
    expect(await shortly(played)).toEqual([200, '0 next: 200', '200 final: 100 180 200'])
  })
})

describe.concurrent('a caller who cancels', () => {
  test('while the edge is asked reaches nobody', async () => {
    const [asked, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const decides = () => {
      asked.resolve()
      return left.promise
    }
    const meanwhile = async (call: Call) => {
      await asked.promise
      expect(await call.cancel()).toBe(200)
      left.resolve()
    }
    const played = await play({ legs: [await willing()], decides, meanwhile })
    expect(played.heard).toBe(487)
    await pause(600)
    expect(played.reached).toEqual([[]])
  })

  test('before any response: the carrier hears of it as soon as it speaks (RFC 3261 §9.1)', async () => {
    const silent = await stage.carrier('udp')
    await cancelled([leg(silent, ringsLate), await willing()], cancelsOnceAt(silent), ['0 final: '])
  })

  test('after 100', async () => {
    const first = await stage.carrier('udp')
    await cancelled([leg(first, trying), await willing()], cancelsOnceAt(first), ['0 final: 100'])
  })

  test('after 180', async () => {
    const meanwhile = cancelsAfter(100, 180)
    await cancelled([await somebody(ringing), await willing()], meanwhile, ['0 final: 100 180'])
  })

  test('while the second carrier rings', async () => {
    const both = [await somebody(unavailable), await somebody(ringing)]
    await cancelled(both, cancelsAfter(0, 180), ['503 next: 503', '0 final: 100 180'])
  })

  test('while the second carrier is silent', async () => {
    const silent = await stage.carrier('udp')
    const both = [await somebody(unavailable), leg(silent, ringsLate)]
    await cancelled(both, cancelsOnceAt(silent), ['503 next: 503', '0 final: '])
  })

  test('when the callee answers while the CANCEL is on its way: the callee is hung up on', async () => {
    const legs = [await somebody(answersTooLate), await willing()]
    const played = await play({ legs, meanwhile: cancelsAfter(0, 180) })
    expect(played.heard).toBe(487)
    expect(await played.record()).toMatchObject({
      hangup_by: 'caller',
      hangup_reason: 'cancel',
      answered_at: null,
    })
    await thankedAndHungUp(played.reached[0]?.[0])
    expect(played.reached[1]).toEqual([])
  })

  test('at the very moment of the answer hears one of both, and the callee agrees', async () => {
    const carrier = await stage.carrier('udp')
    const moments = Array.from({ length: 20 }, async () => {
      let leave: () => void = () => undefined
      const answered = new Promise<void>((resolve) => {
        leave = resolve
      })
      const script: Script = (call) => void call.answer().then(leave)
      const meanwhile = (call: Call) => answered.then(() => call.cancel())
      const played = await play({ legs: [leg(carrier, script)], meanwhile })
      const { hangup_reason } = await played.record()
      expect([played.heard, hangup_reason]).toEqual(played.heard === 200 ? [200, 'normal'] : [487, 'cancel'])
      await thankedAndHungUp(played.reached[0]?.[0])
    })
    await Promise.all(moments)
  })
})

describe.concurrent('a call which the edge refuses', () => {
  test('hears the code and the sentence in a Reason, under the usual phrase', async () => {
    const message = 'Calls to "jp" are not allowed.'
    const refusal = { status: 403, reason: 'DESTINATION_NOT_ALLOWED', message }
    const played = await play({ legs: [], refusal })
    expect(played.response.start).toBe('SIP/2.0 403 Forbidden')
    expect(said(played)).toEqual([
      String.raw`SIP;cause=403;text="DESTINATION_NOT_ALLOWED: Calls to \"jp\" are not allowed."`,
    ])
    expect(await played.record()).toMatchObject({ reject_reason: 'DESTINATION_NOT_ALLOWED', attempts: [] })
  })
})

describe('after all that', () => {
  test('nothing is left: every final acknowledged, every answer hung up, no call open, no bug noted', async () => {
    expect(await stage.close()).toEqual([])
    expect([...stage.edge.records.values()].filter(({ status }) => status !== 'hangup')).toEqual([])
  })
})

const credentials = { username: 'trunk', password: 'trunk-secret' }
const unavailable = refuse(503, 'Service Unavailable')

/** Says 100, and answers when it is cancelled. */
function answersWhenCancelled(call: Call): void {
  call.trying()
  call.onCancel = () => void call.answer()
}

/** Does as `script` says, and is gone. */
function leaves(script: Script): Script {
  return (call) => {
    script(call)
    setTimeout(() => call.party.close(), 100)
  }
}

function proven(call: Call): boolean {
  return all(call.invite, 'proxy-authorization').length > 0
}

function leg(at: Carrier | HostAndPort, script: Script, more: Partial<Leg> = {}): Leg {
  return { at, transport: 'udp', script, ...more }
}

async function somebody(script: Script, more: Partial<Leg> = {}): Promise<Leg> {
  return leg(await stage.carrier(more.transport ?? 'udp'), script, more)
}

function willing(transport: Transport = 'udp'): Promise<Leg> {
  return somebody(answers, { transport })
}

function play(first: Leg | Scenario, ...others: Leg[]): Promise<Played> {
  return stage.play('legs' in first ? first : { legs: [first, ...others] })
}

/** What the caller heard, and what the record says of each attempt; a 487 may come when nobody writes any more. */
async function shortly({ heard, record }: Played): Promise<(number | string)[]> {
  return [heard, ...stories(await record()).map((story) => story.replace(/ 487$/, ''))]
}

function said({ response }: Played): string[] {
  return all(response, 'reason')
}

/** Silent for a while, and rings then. */
function ringsLate(call: Call): void {
  setTimeout(() => call.ring(), 700)
}

/** Leaves as soon as its call is at a carrier. */
function cancelsOnceAt({ calls }: Carrier) {
  return async (call: Call) => {
    await soon('the carrier to be called', () => calls.length)
    expect(await call.cancel()).toBe(200)
  }
}

/** Leaves so long after it heard `status`. */
function cancelsAfter(ms: number, status: number) {
  return async (call: Call) => {
    await soon(`a ${status}`, () => call.statuses.includes(status))
    await pause(ms)
    expect(await call.cancel()).toBe(200)
  }
}

/** The caller hears 487, the carrier which was called last a CANCEL, and no other anything. */
async function cancelled(legs: Leg[], meanwhile: Scenario['meanwhile'], story: string[]): Promise<void> {
  const played = await play({ legs, ...(meanwhile ? { meanwhile } : {}) })
  expect(played.heard).toBe(487)
  const called = played.reached.slice(0, story.length)
  const last = called.at(-1)?.[0]
  await soon('the carrier to hear CANCEL', () => last?.wasCancelled)
  await soon('its 487 to be acknowledged', () => last?.acks)
  const record = await played.record()
  expect(record).toMatchObject({ hangup_by: 'caller', hangup_reason: 'cancel', sip_status: 487 })
  expect(called.map(({ length }) => length)).toEqual(story.map(() => 1))
  expect(played.reached.slice(story.length).flat()).toEqual([])
  // What the carrier says after the CANCEL may be on the record, or too late for it.
  expect(stories(record)).toEqual(story.map((beginning) => expect.stringContaining(beginning)))
}

async function thankedAndHungUp(call: Call | undefined): Promise<void> {
  await soon('an ACK', () => call?.acks)
  await soon('a BYE', () => call?.acksAtBye)
}
