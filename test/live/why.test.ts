import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { answers, Carrier, refuse } from '../support/carrier.ts'
import type { CallRecord } from '../support/customer.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Party } from '../support/party.ts'
import type { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

const dialled = '+15551234567'
const carrierAt = '127.0.7.40'

let stack: OwnStack
let office: Office
let phone: Phone
let carrier: Carrier
const open: Party[] = []

/** The record of each call is read with a customer's key, as GET /v1.0/calls/{id} gives it. */
describe('what went wrong with a call, as its customer reads it in the record', () => {
  beforeAll(async () => {
    stack = await startStack()
    carrier = await Carrier.open({ name: 'carrier', address: carrierAt, relay: stack.relay })
    open.push(carrier)
    office = await openOffice(stack, [carrier.place], ['office1', 'office2'])
    phone = await office.phone('office1', '127.0.7.42')
    open.push(phone)
    await phone.register()
  })
  afterAll(async () => {
    for (const party of open) party.close()
    await stack?.stop()
  })
  beforeEach(() => {
    carrier.onCall = refuse(503, 'Service Unavailable')
  })

  test.for([
    [486, 'Busy Here', 'BUSY', 'The phone of extension office2 says that it is busy there: 486 Busy Here.'],
    [603, 'Decline', 'PHONE_REFUSED', 'The phone of extension office2 refused the call: 603 Decline.'],
    [
      488,
      'Not Acceptable Here',
      'NO_COMMON_CODEC',
      expect.stringContaining('takes nothing the caller offers ('),
    ],
  ] as const)('a phone which says %i %s', async ([status, words, reason, message]) => {
    const other = await office.phone('office2', '127.0.7.43')
    open.push(other)
    await other.register()
    other.onCall = refuse(status, words)
    expect(await dial('office2', status)).toMatchObject({ reject_reason: reason, reject_message: message })
    await other.register(0)
  })

  test('and while a call goes on its record has who is heard, and where from', async () => {
    carrier.onCall = answers('c', 0)
    const { call, result } = await phone.call(dialled, 'p')
    expect(statusOf(await result)).toBe(200)
    const going = await soon(
      'counters',
      async () => {
        const [first] = (await office.api.list('/calls')) as CallRecord[]
        return (first?.media?.from_caller.packets ?? 0) > 0 ? first : undefined
      },
      30_000,
      250,
    )
    expect(going).toMatchObject({
      status: 'progressing',
      reject_reason: null,
      media: {
        from_caller: {
          codecs: ['PCMU', 'PCMA'],
          latched_address: call.sound && `${call.sound.place.address}:${call.sound.place.port}`,
        },
        from_callee: { latched_address: expect.stringContaining(carrierAt) },
      },
    })
    await call.bye()
  })
})

/** The phone dials, hears this status with a reason in words, and its customer reads the record. */
async function dial(user: string, status: number): Promise<CallRecord> {
  let read: CallRecord | undefined
  await office.recorded(
    async () => {
      const { result } = await phone.call(user)
      const response = await result
      expect(statusOf(response)).toBe(status)
    },
    (record) => {
      read = record
    },
  )
  if (read === undefined) throw new Error('the call has no record')
  expect(read.sip_status).toBe(status)
  return read
}
