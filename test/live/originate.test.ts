import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Baresip, hasBaresip } from '../support/baresip.ts'
import { answers, busy, Carrier } from '../support/carrier.ts'
import { type CallRecord, changeHeard, endedCall, knownCalls } from '../support/customer.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { wavOf } from '../support/played-wav.ts'
import { header } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

let stack: OwnStack
let office: Office
let prompt: string
/** So long that it is interrupted whenever that is. */
let long: string
let carrier: Carrier
const softphones: Baresip[] = []
const phones: Phone[] = []

/** Three seconds of a tone no phone here says. */
const said = Int16Array.from({ length: 24_000 }, (_, n) => 12_000 * Math.sin((2 * Math.PI * 660 * n) / 8_000))

describe.skipIf(!hasBaresip)('calls which the API orders', () => {
  beforeAll(async () => {
    stack = await startStack()
    carrier = await Carrier.open({ name: 'carrier', address: '127.0.7.4', relay: stack.relay }, answers('c'))
    office = await openOffice(stack, [carrier.place], ['sales', 'front', 'desk'])
    prompt = await prompted('Said', said)
    long = await prompted(
      'Long',
      Int16Array.from({ length: 160_000 }, (_, n) => said[n % said.length] ?? 0),
    )
    await changeHeard(stack, office.api)
  })
  afterEach(async () => {
    for (const each of softphones.splice(0)) await each.close()
    for (const each of phones.splice(0)) each.close()
  })
  afterAll(async () => {
    carrier?.close()
    await stack?.stop()
  })

  test('a phone is rung, hears what the flow says, and presses 1', async () => {
    const sales = await softphone('sales', 880)
    const known = await knownCalls(office.api)
    await office.api.post('/calls', {
      source: { type: 'tel', target: office.number },
      destinations: [{ type: 'extension', target: 'sales' }],
      metadata: { order: '4711' },
      actions: [
        { id: 'said', type: 'play', option: { prompt_id: long, digits_handle: 'next' } },
        { id: 'key', type: 'digits_receive', option: { duration: 4_000 } },
        { id: 'bye', type: 'hangup' },
      ],
    })
    await sales.hears('CALL_ESTABLISHED')
    await pause(1_800)
    sales.command('sndcode', '1')
    await sales.hears('CALL_CLOSED')
    await sales.hasHeard(660, 40, 0.8)
    const { flow, ...record } = (await endedCall(office.api, known)) as FlowRecord
    expect(record).toMatchObject({
      direction: 'internal',
      source: { type: 'tel', target: office.number },
      destination: { type: 'extension', target: 'sales' },
      hangup_by: 'system',
      hangup_reason: 'normal',
      attempts: [{ status: 200 }],
      metadata: { order: '4711' },
    })
    expect(flow.trace.map(({ action_id, outcome }) => `${action_id} ${outcome}`)).toEqual([
      'said interrupted',
      'key digits',
      'bye hung_up',
    ])
  })

  test('an extension is rung first, and joined with the other one: both hear each other, and one ends both', async () => {
    const [sales, front] = [await softphone('sales', 880), await softphone('front', 440)]
    const known = await knownCalls(office.api)
    await office.api.post('/calls', {
      source: { type: 'extension', target: 'sales' },
      destinations: [{ type: 'extension', target: 'front' }],
    })
    await sales.hears('CALL_ESTABLISHED')
    await front.hears('CALL_ESTABLISHED')
    await pause(1_500)
    front.command('hangup')
    await sales.hears('CALL_CLOSED')
    await sales.hasHeard(440, 40, 0.8)
    await front.hasHeard(880, 60, 0.8)
    expect(await endedCall(office.api, known, true)).toMatchObject({
      direction: 'internal',
      source: { type: 'extension', target_name: 'sales' },
      hangup_by: 'callee',
      hangup_reason: 'normal',
      attempts: [{ status: 200 }, { status: 200 }],
      flow: null,
    })
  })

  test('a number is called by a carrier, sees ours, hears what the flow says, and the record names the carrier', async () => {
    const known = await knownCalls(office.api)
    await office.api.post('/calls', {
      source: { type: 'tel', target: office.number },
      destinations: [{ type: 'tel', target: '+15551234567' }],
      actions: [
        { id: 'said', type: 'play', option: { prompt_id: prompt } },
        { id: 'bye', type: 'hangup' },
      ],
    })
    const call = await soon('the carrier to be called', () => carrier.calls[0])
    expect(await call.over).toBe('them')
    expect(call.dialled).toBe('+15551234567')
    expect(header(call.invite, 'from')).toContain(`sip:${office.number}@`)
    const heard = [...(call.sound?.heard.values() ?? [])].reduce((all, packets) => all + packets, 0)
    expect(heard).toBeGreaterThan(120)
    expect(await endedCall(office.api, known, true)).toMatchObject({
      direction: 'outgoing',
      source: { type: 'tel', target: office.number },
      destination: { type: 'tel', target: '+15551234567' },
      hangup_by: 'system',
      hangup_reason: 'normal',
      attempts: [{ provider_name: 'Carrier 1', status: 200 }],
    })
    expect(carrier.calls).toHaveLength(1)
  })

  test('where the extension which is rung first is busy, the other one is not rung', async () => {
    const [desk, front] = [await scripted('desk', 2), await scripted('front', 3)]
    desk.onCall = busy
    const known = await knownCalls(office.api)
    await office.api.post('/calls', {
      source: { type: 'extension', target: 'desk' },
      destinations: [{ type: 'extension', target: 'front' }],
    })
    expect(await endedCall(office.api, known)).toMatchObject({
      hangup_reason: 'busy',
      attempts: [{ status: 486 }],
    })
    expect(front.calls).toEqual([])
  })
})

interface FlowRecord extends CallRecord {
  flow: { trace: { action_id: string; outcome: string }[] }
}

async function prompted(name: string, samples: Int16Array): Promise<string> {
  const sound = Buffer.from(wavOf(samples)).toString('base64')
  return String((await office.api.post('/prompts', { name, sound })).id)
}

async function softphone(username: string, tone: number): Promise<Baresip> {
  const { realm } = office
  const phone = await Baresip.open({
    username,
    tone,
    password: 'secure-password',
    realm,
    relay: stack.relay,
    answers: true,
  })
  softphones.push(phone)
  await phone.registered()
  return phone
}

async function scripted(username: string, at: number): Promise<Phone> {
  const phone = await office.phone(username, `127.0.7.${at}`)
  phones.push(phone)
  await phone.register()
  await soon('the phone to show', async () =>
    (await office.api.list('/registrations')).some(({ extension }) => extension === username),
  )
  return phone
}
