import { afterEach, describe, expect, test } from 'vitest'
import { answers, answersTooLate, asks, busy, Carrier, refuse, ringing, type Script } from './carrier.ts'
import type { Party } from './party.ts'
import { Phone } from './phone.ts'
import type { Transport } from './sip-socket.ts'
import { header, statusOf } from './sip-text.ts'
import { soon } from './wait.ts'

const open: Party[] = []
afterEach(() => {
  for (const party of open.splice(0)) party.close()
})

describe('the scripted phone and carrier, speaking to each other without a relay', () => {
  test.each(['UDP', 'TCP', 'TLS'] as const)('talk over %s, until the phone hangs up', async (transport) => {
    const { phone, carrier } = await pair(answers('c', 20), transport)
    const { call, result } = await phone.call('+15551230000', 'p')
    expect(statusOf(await result)).toBe(200)
    await soon('both to be heard', () => call.sound?.heardOf('c') && carrier.calls[0]?.sound?.heardOf('p'))
    expect(await call.bye()).toBe(200)
    expect(await carrier.calls[0]?.over).toBe('them')
    expect(call.statuses).toEqual([100, 180, 200])
    expect(carrier.calls[0]?.acks).toBe(1)
  })

  test('hold and resume by re-INVITE', async () => {
    const { phone, carrier } = await pair(answers('c', 20))
    const { call, result } = await phone.call('+15551230000')
    await result
    expect(await call.reinvite('sendonly')).toBe(200)
    expect(await call.reinvite('sendrecv')).toBe(200)
    expect(carrier.calls[0]?.reinvited).toEqual(['sendonly', 'sendrecv'])
    await carrier.calls[0]?.bye()
    expect(await call.over).toBe('them')
  })

  test.each(['TCP', 'TLS'] as const)('are called over %s by a carrier which connects', async (transport) => {
    const { carrier } = await pair(busy, transport)
    const other = { name: 'other', address: '127.0.7.4', relay: carrier.place, transport }
    const caller = await Carrier.open(other)
    open.push(caller)
    expect(statusOf(await (await caller.call('+15550001', '+15551230000')).result)).toBe(486)
  })

  test('cancel a call that rings', async () => {
    const { phone, carrier } = await pair(ringing)
    const { call, result } = await phone.call('+15551230000')
    await soon('ringing', () => call.statuses.includes(180))
    expect(await call.cancel()).toBe(200)
    expect(statusOf(await result)).toBe(487)
    expect(carrier.calls[0]?.wasCancelled).toBe(true)
  })

  test('answer a call whose CANCEL is already there', async () => {
    const { phone } = await pair(answersTooLate)
    const { call, result } = await phone.call('+15551230000')
    await soon('ringing', () => call.statuses.includes(180))
    await call.cancel()
    expect(statusOf(await result)).toBe(200)
  })

  test('refuse, be busy, and ask for a password', async () => {
    const { phone, carrier } = await pair(refuse(503, 'Service Unavailable'))
    expect(await placed(phone)).toBe(503)
    carrier.onCall = busy
    expect(await placed(phone)).toBe(486)
    carrier.onCall = asks({ username: 'office1', password: 'secure-password' }, answers('c', 0))
    expect(await placed(phone)).toBe(200)
    phone.credentials = { username: 'office1', password: 'wrong' }
    expect(await placed(phone)).toBe(407)
  })

  test('register towards whoever challenges', async () => {
    const { phone } = await pair(busy)
    expect(header(await phone.register(), 'cseq')).toBe('1 REGISTER')
  })
})

async function placed(phone: Phone): Promise<number | undefined> {
  return statusOf(await (await phone.call('+15551230000')).result)
}

async function pair(
  script: Script,
  transport: Transport = 'UDP',
): Promise<{ phone: Phone; carrier: Carrier }> {
  const nowhere = { address: '127.0.7.9', port: 9 }
  const carrier = await Carrier.open(
    { name: 'carrier', address: '127.0.7.3', relay: nowhere, transport },
    script,
  )
  const phone = await Phone.open({
    name: 'phone',
    address: '127.0.7.2',
    relay: carrier.place,
    transport,
    realm: 'phones.test',
    username: 'office1',
    password: 'secure-password',
  })
  open.push(phone, carrier)
  return { phone, carrier }
}
