import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endedCall, knownCalls } from '../support/customer.ts'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { statusOf } from '../support/sip-text.ts'
import { hasSipp, type Sipp, sipp, sippWaits } from '../support/sipp.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, within } from '../support/wait.ts'

const dialled = '+15551234567'
/** How long the long call lasts: `SESSION_SECONDS=120` for two minutes. */
const seconds = Number(process.env.SESSION_SECONDS ?? 18)
const phone = { address: '127.0.7.80', port: 0 }
const running: Sipp[] = []

describe.skipIf(!hasSipp)('what happens inside a dialog, with SIPp (RFC 4028, RFC 3262, RFC 5407)', () => {
  let stack: OwnStack
  beforeAll(async () => {
    phone.port = await freePort(phone.address)
    stack = await startStack()
  })
  afterAll(async () => {
    for (const each of running) await each.stop()
    await stack?.stop()
  })

  test(
    'a carrier which demands both has its 183 acknowledged, and its session of 15 s kept alive; one which does not keep its own is hung up',
    async () => {
      const kept = await scene('carrier-demands', '127.0.7.81', seconds + 60)
      const left = await scene('carrier-refreshes', '127.0.7.82', 80)
      const [long, short] = await Promise.all([
        dials(kept.office, '127.0.7.83'),
        dials(left.office, '127.0.7.84'),
      ])
      // It refreshed once after 5 s, and was given up 10 s later.
      expect(await within(60_000, 'the silent carrier to be hung up', short.over)).toBe('them')
      expect(performance.now() - short.began).toBeGreaterThan(13_000)
      await left.carrier.done
      expect(await endedCall(left.office.api, left.known)).toMatchObject({
        hangup_by: 'system',
        hangup_reason: 'timeout',
        reject_reason: 'SESSION_EXPIRED',
      })
      await pause(long.began + seconds * 1_000 - performance.now())
      expect(await long.call.bye()).toBe(200)
      await kept.carrier.done
      expect(await endedCall(kept.office.api, kept.known)).toMatchObject({
        hangup_by: 'caller',
        sip_status: 200,
      })
    },
    120_000 + seconds * 1_000,
  )

  test.each([
    [
      'asks for 15 s hears what we take, is rung to reliably, and refreshes its own session',
      'phone-demands',
      'answers',
    ],
    [
      'hangs up is told so, whose carrier crosses the BYE with a re-INVITE and a BYE',
      'phone-calls',
      'carrier-races',
    ],
  ])('a phone which %s', async (_, scenario, carriers) => {
    const { office, carrier, known } = await scene(carriers, '127.0.7.85', 60)
    await plays(scenario, office, carrier)
    expect(await endedCall(office.api, known)).toMatchObject({ hangup_by: 'caller', sip_status: 200 })
  })

  test('a carrier whose answer crosses the CANCEL of a phone is hung up, and the phone hears 487', async () => {
    const { office, carrier, known } = await scene('carrier-crosses', '127.0.7.86', 60)
    await plays('phone-cancels', office, carrier)
    expect(await endedCall(office.api, known)).toMatchObject({ hangup_by: 'caller', hangup_reason: 'cancel' })
  })

  async function plays(scenario: string, office: Office, carrier: Sipp): Promise<void> {
    const keys = { user: 'office1', domain: office.realm, dialled }
    const auth = { username: 'office1', password: 'secure-password' }
    const one = sipp({ scenario, at: phone, to: stack.relay, keys, auth })
    running.push(one)
    await one.done
    await carrier.done
  }

  /** A customer whose only carrier plays a scenario. */
  async function scene(scenario: string, address: string, timeoutS: number) {
    const at: HostAndPort = { address, port: await freePort(address) }
    const office = await openOffice(stack, [at])
    const carrier = await sippWaits({ scenario, at, timeoutS })
    running.push(carrier)
    return { office, carrier, known: await knownCalls(office.api) }
  }

  async function dials(office: Office, address: string) {
    const caller = await office.phone('office1', address)
    const { call, result } = await caller.call(dialled)
    expect(statusOf(await result)).toBe(200)
    return { call, over: call.over, began: performance.now() }
  }
})
