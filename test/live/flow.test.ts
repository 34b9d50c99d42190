import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { valueOfPcmu } from '#sound'
import { Baresip, type BaresipOptions, hasBaresip } from '../support/baresip.ts'
import { busy, Carrier, silent } from '../support/carrier.ts'
import { type CallRecord, endedCall, knownCalls } from '../support/customer.ts'
import { availableRecording, fetchedChannels, toneIn } from '../support/fetched-recording.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { wavOf } from '../support/played-wav.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { changeHeard, pause, soon } from '../support/wait.ts'

let stack: OwnStack
let carrier: Carrier
let office: Office
/** The menu by day; and the number whose office is closed. */
const numbers = { menu: '+15551110001', night: '+15551110002' }
const phones: Phone[] = []
const softphones: Baresip[] = []
let sales: Baresip
/** A second which is like no other: from 300 to 2000 Hz. */
const menu = Int16Array.from(
  { length: 8_000 },
  (_, n) => 16_000 * Math.sin(2 * Math.PI * (300 + 850 * (n / 8_000)) * (n / 8_000)),
)

describe.skipIf(!hasBaresip)('press 1 for Sales', () => {
  beforeAll(async () => {
    stack = await startStack()
    carrier = await Carrier.open({ name: 'carrier', address: '127.0.7.90', relay: stack.relay }, silent)
    office = await openOffice(
      stack,
      [carrier.place, { address: '127.0.0.1', port: 5099 }],
      ['sales', 'front', 'backup'],
    )
    await configure()
    await changeHeard()
    sales = await softphone({ username: 'sales', tone: 880, answers: true })
    softphones.length = 0
    for (const [at, name] of (['front', 'backup'] as const).entries()) {
      const phone = await office.phone(name, `127.0.7.${91 + at}`)
      await phone.register()
      phones.push(phone)
    }
    await sales.registered()
  })
  afterEach(async () => {
    for (const each of softphones.splice(0)) await each.close()
  })
  afterAll(async () => {
    for (const phone of phones) phone.close()
    await sales?.close()
    carrier?.close()
    await stack?.stop()
  })

  test.each<[string, Partial<BaresipOptions>]>([
    ['telephone events', {}],
    ['INFO', { keys: 'info' }],
    // In the sound itself, two seconds after the answer.
    [
      'tones',
      {
        says: [
          'synth',
          '0.3',
          'sine',
          '697',
          'synth',
          '0.3',
          'sine',
          'mix',
          '1209',
          'vol',
          '0.4',
          'pad',
          '2',
          '20',
        ],
      },
    ],
  ])('a caller hears the menu, presses it by %s, and both hear each other', async (form, how) => {
    const known = await knownCalls(office.api)
    const before = sales.told.filter(({ type }) => type === 'CALL_ESTABLISHED').length
    const caller = await softphone({
      username: 'caller',
      tone: 440,
      stranger: true,
      realm: '127.0.0.1',
      ...how,
    })
    caller.command('dial', `sip:${numbers.menu}@${stack.relay.address}:${stack.relay.port}`)
    await caller.hears('CALL_ESTABLISHED')
    await pause(1_500)
    if (form !== 'tones') caller.command('sndcode', '1')
    await soon(
      'Sales to be called',
      () => sales.told.filter(({ type }) => type === 'CALL_ESTABLISHED').length > before,
    )
    await pause(1_500)
    caller.command('hangup')
    const { flow, ...record } = await endedFlow(known)
    // What was heard is written down when a call is over.
    await pause(300)
    expect(Math.abs(caller.heardTone(0.8) - 880)).toBeLessThan(60)
    if (form === 'telephone events') expect(Math.abs(sales.heardTone(0.8) - 440)).toBeLessThan(40)
    expect(likeness(caller.heardSound(), menu)).toBeGreaterThan(0.9)
    expect(record).toMatchObject({ direction: 'incoming', hangup_by: 'caller', attempts: [{ status: 200 }] })
    expect(flow).toMatchObject({ version: 1, name: 'Menu', ended: 'left' })
    expect(flow.trace.map(({ action_id, outcome }) => `${action_id} ${outcome}`)).toEqual([
      'welcome answered',
      'menu played',
      'keys digits',
      'which matched',
      'sales left',
    ])
  })

  test('a caller who presses nothing, or another key, hears it again, and is let go; one who presses early is not made wait', async () => {
    const known = await knownCalls(office.api)
    const { call, result } = await carrier.call('+15559990001', numbers.menu)
    expect(statusOf(await result)).toBe(200)
    await pause(300)
    // Early: it cuts the menu short, and is none which is offered.
    expect(await call.inform('7')).toBe(200)
    expect(await call.over).toBe('them')
    const { flow } = await endedFlow(known)
    expect(flow.ended).toBe('hung_up')
    expect(flow.trace.map(({ action_id, outcome }) => `${action_id} ${outcome}`)).toEqual([
      'welcome answered',
      'menu interrupted',
      'keys no_match',
      'which default',
      'again went',
      'menu played',
      'keys no_input',
      'which default',
      'again went_on',
      'bye hung_up',
    ])
  })

  test('where the front desk is busy the next one rings', async () => {
    const [front, backup] = phones
    if (!front || !backup) throw new Error('there are two phones')
    front.onCall = busy
    backup.onCall = (call) => void call.answer('b')
    const known = await knownCalls(office.api)
    const { call, result } = await carrier.call('+15559990001', numbers.menu)
    await result
    expect(await call.inform('2')).toBe(200)
    await soon('the next one to be heard', () => (call.sound?.heardOf('b') ?? 0) > 20)
    await backup.calls.at(-1)?.bye()
    expect(await call.over).toBe('them')
    const { flow, attempts } = await endedFlow(known)
    expect(attempts).toMatchObject([{ status: 486 }, { status: 200 }])
    expect(flow.trace.at(-1)).toMatchObject({ action_id: 'bye', outcome: 'hung_up' })
  })

  test('a caller is recorded by the API while it is with its flow, and is heard', async () => {
    const known = await knownCalls(office.api)
    const { call, result } = await carrier.call('+15559990001', numbers.menu, 'n')
    expect(statusOf(await result)).toBe(200)
    const { id } = await soon('the call to be known', async () =>
      (await office.api.list('/calls?status=progressing')).find((one) => !known.has(one.id)),
    )
    const { recording_id } = await office.api.post(`/calls/${id}/recording_start`, { channels: 2 })
    // Beside what it says the menu is on its way to it: its end is the flow's.
    expect(await call.over).toBe('them')
    const recording = await availableRecording(office, `/recordings/${recording_id}`)
    expect(recording).toMatchObject({ type: 'call', reference_id: id, ending: 'closed' })
    const [caller = []] = await fetchedChannels(stack, office, recording)
    const spoken = valueOfPcmu('n'.charCodeAt(0))
    expect(caller.filter((sample) => sample === spoken).length).toBeGreaterThan(caller.length / 2)
    expect(caller.length).toBeGreaterThan(8_000)
  })

  test('at night a message is taken, which is fetched and is what the caller said', async () => {
    const known = await knownCalls(office.api)
    const caller = await softphone({ username: 'caller', tone: 440, stranger: true, realm: '127.0.0.1' })
    caller.command('dial', `sip:${numbers.night}@${stack.relay.address}:${stack.relay.port}`)
    await caller.hears('CALL_ESTABLISHED')
    await soon('the call to end', () => caller.told.some(({ type }) => type === 'CALL_CLOSED'))
    const { flow, ...record } = await endedFlow(known)
    expect(record).toMatchObject({ hangup_by: 'system', hangup_reason: 'normal' })
    expect(flow.trace).toMatchObject([{ outcome: 'false' }, { action_id: 'night', outcome: 'recorded' }])
    expect(likeness(caller.heardSound(), menu)).toBeGreaterThan(0.9)
    const message = await availableRecording(office)
    expect(message).toMatchObject({ type: 'voicemail', reference_id: record.id, channels: 1 })
    expect(message.duration).toBeGreaterThan(1.5)
    const [said = []] = await fetchedChannels(stack, office, message)
    expect(Math.abs(toneIn(said) - 440)).toBeLessThan(20)
    // In the mailbox, too.
    const [sales] = await office.api.list('/extensions?extension=sales')
    const box = await office.api.list(`/extensions/${sales?.id}/voicemail`)
    expect(box).toMatchObject([{ id: message.id, heard: false }])
  })
})

interface FlowRecord extends CallRecord {
  flow: { ended: string; trace: { action_id: string; outcome: string }[] }
}

async function endedFlow(known: ReadonlySet<string>): Promise<FlowRecord> {
  return (await endedCall(office.api, known)) as FlowRecord
}

/** What a customer sets up: a prompt, two flows, and the numbers which lead to them. */
async function configure(): Promise<void> {
  const { api } = office
  const sound = Buffer.from(wavOf(menu)).toString('base64')
  const { id: prompt_id } = await api.post('/prompts', { name: 'Menu', sound })
  const ring = (target: string) => ({ destinations: [{ type: 'extension', target }] })
  const day = await api.post('/flows', {
    name: 'Menu',
    actions: [
      { id: 'welcome', type: 'answer' },
      { id: 'menu', type: 'play', option: { prompt_id, digits_handle: 'next' } },
      { id: 'keys', type: 'digits_receive', option: { duration: 2_000, accept: ['1', '2'] } },
      {
        id: 'which',
        type: 'branch',
        option: { target_ids: { 1: 'sales', 2: 'front' }, default_target_id: 'again' },
      },
      { id: 'again', type: 'goto', option: { target_id: 'menu', loop_count: 1 } },
      { id: 'bye', type: 'hangup' },
      { id: 'sales', type: 'connect', option: ring('sales'), next_id: 'bye' },
      { id: 'front', type: 'connect', option: ring('front') },
      {
        id: 'is-busy',
        type: 'condition_variable',
        option: {
          condition: '==',
          variable: ['$', '{voipbin.connect.result}'].join(''),
          value_string: 'busy',
          false_target_id: 'bye',
        },
      },
      { id: 'backup', type: 'connect', option: ring('backup'), next_id: 'bye' },
    ],
  })
  const days = [-1, 0, 1].map((more) => new Date(Date.now() + more * 86_400_000).toISOString().slice(5, 10))
  const night = await api.post('/flows', {
    name: 'Night',
    actions: [
      { id: 'hours', type: 'condition_datetime', option: { holidays: days, false_target_id: 'night' } },
      { id: 'open', type: 'connect', option: ring('sales') },
      { id: 'night', type: 'voicemail', option: { extension: 'sales', prompt: { prompt_id }, duration: 2 } },
    ],
  })
  for (const [number, call_flow_id] of [
    [numbers.menu, day.id],
    [numbers.night, night.id],
  ])
    await stack.api.post('/numbers', { number, call_flow_id, customer_id: office.id })
}

async function softphone(
  options: Partial<BaresipOptions> & Pick<BaresipOptions, 'username' | 'tone'>,
): Promise<Baresip> {
  const { realm } = office
  const phone = await Baresip.open({ password: 'secure-password', realm, relay: stack.relay, ...options })
  softphones.push(phone)
  return phone
}

/** How much of a sound stands in what was heard, wherever: its correlation at the best place, 1 where it is the same. */
function likeness(heard: Buffer, sound: Int16Array): number {
  const samples = Int16Array.from(heard, (octet) => valueOfPcmu(octet))
  const part = sound.subarray(1_000, 4_000)
  const loudness = Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0))
  let best = 0
  for (let at = 0; at + part.length < samples.length; at++) {
    let [product, power] = [0, 0]
    for (let n = 0; n < part.length; n += 3) {
      const sample = samples[at + n] ?? 0
      product += sample * (part[n] ?? 0) * 3
      power += sample * sample * 3
    }
    best = Math.max(best, product / (loudness * Math.sqrt(power) || 1))
  }
  return best
}
