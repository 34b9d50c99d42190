import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Baresip, hasBaresip } from '../support/baresip.ts'
import { answers, busy, Carrier, refuse, ringing } from '../support/carrier.ts'
import { changeHeard } from '../support/customer.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { header, statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

const names = ['desk', 'away', 'quiet', 'mobile', 'front', 'second', 'softphone'] as const
type Name = (typeof names)[number]

let stack: OwnStack
let carrier: Carrier
let office: Office
let front: string
const phones = new Map<Name, Phone>()

beforeAll(async () => {
  stack = await startStack()
  carrier = await Carrier.open({ name: 'carrier', address: '127.0.7.60', relay: stack.relay }, answers('c'))
  office = await openOffice(stack, [carrier.place], [...names], { diversion: 'diversion' })
  await configure()
  await changeHeard(stack, office.api)
  for (const [at, name] of names.entries()) {
    if (name === 'softphone') continue
    const phone = await office.phone(name, `127.0.7.${61 + at}`)
    await phone.register()
    phones.set(name, phone)
  }
})
afterAll(async () => {
  for (const phone of phones.values()) phone.close()
  carrier?.close()
  await stack?.stop()
})

/** What customers set at their phones; and a number which rings two at once. */
async function configure(): Promise<void> {
  const { api } = office
  const ids = new Map((await api.list('/extensions')).map(({ id, extension }) => [extension, id]))
  const forward = (name: Name, how: object) => api.post(`/extensions/${ids.get(name)}/forwarding`, how)
  await forward('desk', { busy: { type: 'extension', target: 'softphone' } })
  await forward('away', { no_answer: { type: 'tel', target: '+15559990001' }, ring_seconds: 3 })
  await forward('quiet', { do_not_disturb: true })
  // What goes out on its behalf shows it, and a carrier hears who sent the call on.
  await api.patch(`/extensions/${ids.get('away')}`, { caller_id: office.number })
  front = `+1555${2_000_000 + Math.floor(Math.random() * 7_999_999)}`
  const destinations = ['front', 'second'].map((target) => ({ type: 'extension', target }))
  await stack.api.post('/numbers', { number: front, destinations, customer_id: office.id })
}

function phone(name: Name): Phone {
  const found = phones.get(name)
  if (!found) throw new Error(`there is no phone ${name}`)
  return found
}

describe('calls which are sent on', () => {
  test.skipIf(!hasBaresip)(
    'a busy phone’s ring a colleague’s softphone, and the two hear each other',
    async () => {
      phone('desk').onCall = busy
      const { realm } = office
      const account = { username: 'softphone', password: 'secure-password', realm, relay: stack.relay }
      const softphone = await Baresip.open({ ...account, tone: 440, answers: true })
      await softphone.registered()
      await office.recorded(
        async () => {
          const { call, result } = await phone('mobile').call('desk')
          expect(statusOf(await result)).toBe(200)
          await softphone.hears('CALL_ESTABLISHED')
          await soon('the softphone to be heard', () => call.sound?.heard.size)
          await call.bye()
          await softphone.hears('CALL_CLOSED')
        },
        ({ attempts }) =>
          expect(attempts).toMatchObject([
            { destination: 'desk', status: 486 },
            { destination: 'softphone', status: 200 },
          ]),
      )
      await softphone.close()
    },
  )

  test('where nobody answers go to a number outside, as long as the list says after the first ringing', async () => {
    phone('away').onCall = ringing
    carrier.onCall = answers('c')
    const before = carrier.calls.length
    await office.recorded(
      async () => {
        const began = performance.now()
        const { call, result } = await phone('mobile').call('away')
        expect(statusOf(await result)).toBe(200)
        expect(performance.now() - began).toBeGreaterThan(2_500)
        await soon('the CANCEL', () => phone('away').calls.at(-1)?.wasCancelled)
        const outside = carrier.calls[before]
        expect(outside?.invite.start).toContain('+15559990001')
        expect(header(outside?.invite ?? call.invite, 'diversion')).toContain('reason=no-answer')
        await call.bye()
      },
      (record) =>
        expect(record).toMatchObject({
          direction: 'internal',
          attempts: [{ destination: 'away' }, { destination: '+15559990001', status: 200 }],
          decision: {
            plan: [
              { by: 'away', step: 1 },
              { by: 'away', step: 2, outcome: 'connect' },
            ],
          },
        }),
    )
  })

  test('by a number to two phones ring both; who answers has the call, and the other hears that', async () => {
    phone('front').onCall = ringing
    phone('second').onCall = answers('s', 600)
    const { call, result } = await carrier.call('+15557654321', front, 'n')
    expect(statusOf(await result)).toBe(200)
    const other = await soon('the CANCEL', () =>
      phone('front').trace.find(({ message, way }) => way === 'came' && message.start.startsWith('CANCEL')),
    )
    expect(header(other.message, 'reason')).toContain('Call completed elsewhere')
    await call.bye()
  })

  test('to a phone which is not to be disturbed are busy, and it does not ring', async () => {
    const { result } = await phone('mobile').call('quiet')
    expect(statusOf(await result)).toBe(486)
    expect(phone('quiet').calls).toEqual([])
  })

  test('by a phone’s own 302 go where it says, by the carrier too', async () => {
    const contact = (uri: string) => refuse(302, 'Moved Temporarily', [['Contact', `<${uri}>`]])
    phone('second').onCall = contact(`sip:mobile@${office.realm}`)
    phone('mobile').onCall = answers('m')
    const inside = await phone('front').call('second')
    expect(statusOf(await inside.result)).toBe(200)
    await inside.call.bye()
    phone('second').onCall = contact('sip:+15559990002@127.0.0.1;user=phone')
    const outside = await phone('front').call('second')
    expect(statusOf(await outside.result)).toBe(200)
    expect(carrier.calls.at(-1)?.invite.start).toContain('+15559990002')
    await outside.call.bye()
  })
})
