import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Call } from '../support/call.ts'
import { answers, Carrier } from '../support/carrier.ts'
import { keyOf } from '../support/fault-stack.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import type { Phone } from '../support/phone.ts'
import { header, type SipText, statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

let stack: OwnStack
let carrier: Carrier
let office: Office

beforeAll(async () => {
  stack = await startStack()
  carrier = await Carrier.open(
    { name: 'carrier', address: '127.0.7.60', relay: stack.relay },
    answers('c', 20),
  )
  office = await openOffice(stack, [carrier.place], ['office1'])
})
afterAll(async () => {
  carrier?.close()
  await stack?.stop()
})

describe.each([
  [64, 12],
  [256, 60],
  [1_024, 150],
])('a relay which may open %i files, asked for %i calls', (descriptors, wanted) => {
  let relay: LoneRelay
  let phone: Phone

  beforeAll(async () => {
    const key = await keyOf(stack, `scarce-${descriptors}`)
    relay = await startRelay(
      stack.local.api_url,
      '127.0.7.2',
      { RELAY_KEY: key, MEDIA_TIMEOUT_MS: '600000' },
      descriptors,
    )
    phone = await office.phone('office1', '127.0.7.61', 'UDP', relay.place)
    expect(statusOf(await phone.register())).toBe(200)
    await pause(3_000)
  })
  afterAll(async () => {
    phone?.close()
    await relay?.stop()
  })

  test('carries those it answers, and refuses the others with what is missing', {
    timeout: 240_000,
  }, async () => {
    const talking: Call[] = []
    const refused: SipText[] = []
    for (let i = 0; i < wanted; i++) {
      const { call, result } = await phone.call('+15551234567', 'p')
      const answer = await result
      if (statusOf(answer) !== 200) refused.push(answer)
      else {
        await soon(
          'both to be heard',
          () => carrier.calls.at(-1)?.sound?.heard.size && call.sound?.heard.size,
        )
        for (const one of [call, carrier.calls.at(-1)]) one?.sound?.hush()
        talking.push(call)
      }
    }
    expect(new Set(refused.map((answer) => `${statusOf(answer)} ${header(answer, 'reason')}`))).toEqual(
      new Set(['503 SIP;cause=503;text="no descriptor left for the sound"']),
    )
    expect(talking.length).toBeGreaterThan(0)
    const lacking = await soon('the log to say so', () =>
      relay.lines().find(({ event }) => event === 'media.lacking'),
    )
    expect(lacking.raise).toContain('ulimit -n')
    const ended = await Promise.all(talking.map((call) => Promise.race([call.over, pause(1_000)])))
    expect(ended.filter((who) => who !== undefined)).toEqual([])
    for (const call of talking) expect(await call.bye()).toBe(200)
    // The media thread gives their sockets back a moment later.
    const again = await soon('a call to be carried again', async () => {
      const { call, result } = await phone.call('+15551234567', 'p')
      return statusOf(await result) === 200 ? call : undefined
    })
    await again.bye()
    expect(relay.lines().filter(({ event }) => event === 'bug' || event === 'words')).toEqual([])
  })
})
