import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { valueOfPcmu } from '#sound'
import { Baresip, type BaresipOptions, hasBaresip } from '../support/baresip.ts'
import type { Call } from '../support/call.ts'
import { busy, Carrier, silent } from '../support/carrier.ts'
import { type CallRecord, changeHeard, endedCall, type KnownCalls, knownCalls } from '../support/customer.ts'
import { availableRecording, fetchedChannels, toneIn } from '../support/fetched-recording.ts'
import { configureFlows, FlowServer, menu, numbers } from '../support/flow-office.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { bucketAway } from '../support/local-bucket.ts'
import type { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

let stack: OwnStack
let carrier: Carrier
let office: Office
let server: FlowServer
const phones: Phone[] = []
const softphones: Baresip[] = []
let sales: Baresip

describe.skipIf(!hasBaresip)('press 1 for Sales', () => {
  beforeAll(async () => {
    server = await FlowServer.open()
    stack = await startStack()
    carrier = await Carrier.open({ name: 'carrier', address: '127.0.7.90', relay: stack.relay }, silent)
    office = await openOffice(
      stack,
      [carrier.place, { address: '127.0.0.1', port: 5099 }],
      ['sales', 'front', 'backup', 'desk'],
    )
    await configureFlows(office, stack, server.url)
    await changeHeard(stack, office.api)
    sales = await softphone({ username: 'sales', tone: 880, answers: true, lamp: true })
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
    await server?.close()
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
    const before = sales.established
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
    await soon('Sales to be called', () => sales.established > before)
    await pause(1_500)
    caller.command('hangup')
    const { flow, ...record } = await endedFlow(known)
    // What was heard is written down when a call is over.
    await caller.hasHeard(880, 60, 0.8)
    if (form === 'telephone events') await sales.hasHeard(440, 40, 0.8)
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

  test('an extension dials the company’s number and hears the menu; whom it transfers there hears it, too', async () => {
    const known = await knownCalls(office.api)
    const desk = await softphone({ username: 'desk', tone: 440 })
    await desk.registered()
    desk.command('dial', `sip:${numbers.menu}@${office.realm}`)
    await desk.hears('CALL_ESTABLISHED')
    await pause(1_500)
    desk.command('hangup')
    const { flow, ...record } = await endedFlow(known)
    expect(record).toMatchObject({ direction: 'internal', hangup_by: 'caller', attempts: [] })
    expect(flow).toMatchObject({ name: 'Menu', ended: 'left' })
    await soon('the menu to be written down', () => likeness(desk.heardSound(), menu) > 0.9)

    const before = [sales.established, desk.established] as const
    desk.command('dial', `sip:sales@${office.realm}`)
    await soon('Sales to answer', () => sales.established > before[0] && desk.established > before[1])
    await pause(500)
    desk.command('transfer', `sip:${numbers.menu}@${office.realm}`)
    const led = await soon('Sales to be with the menu', async () =>
      (await office.api.list('/calls?status=progressing')).find((one) => one.transfer_type === 'blind'),
    )
    await pause(1_500)
    sales.command('hangup')
    const ended = await soon('that to end', async () => {
      const call = await office.api.get(`/calls/${led.id}`)
      return call.status === 'hangup' ? call : undefined
    })
    expect(ended).toMatchObject({ hangup_by: 'caller', flow: { name: 'Menu', ended: 'left' }, attempts: [] })
    await soon('the menu to be written down', () => likeness(sales.heardSound(true), menu) > 0.9)
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
      known.others(await office.api.list('/calls?status=progressing')).at(0),
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
    const [owner] = await office.api.list('/extensions?extension=sales')
    const box = await office.api.list(`/extensions/${owner?.id}/voicemail`)
    expect(box).toMatchObject([{ id: message.id, heard: false }])
    // Its phone, which asked to be told, is told of it, and of its being heard.
    await soon('the lamp to be lit', () => /Messages-Waiting: yes.*Voice-Message: 1\/0/is.test(lamp()))
    await office.api.patch(`/recordings/${message.id}`, { heard: true })
    await soon('the lamp to be put out', () => /Messages-Waiting: no.*Voice-Message: 0\/1/is.test(lamp()))
  })

  test('whose server is away, slow or says nonsense, a caller hears what the flow has for that', async () => {
    const known = await knownCalls(office.api)
    const outcomes = ['unreachable', 'timeout', 'nonsense', 'ok']
    const results = await Promise.all(
      outcomes.map(async (outcome, at) => {
        const { call, result } = await carrier.call(`+1555999000${at}`, numbers.asking)
        expect([outcome, statusOf(await result), await call.over]).toEqual([outcome, 200, 'them'])
        return heardBy(call)
      }),
    )
    const calls = await soon('the calls to be written down', async () => {
      const ended = await office.api.list('/calls?status=hangup')
      const found = known.others(ended) as FlowRecord[]
      return found.length === outcomes.length ? found : undefined
    })
    const traces: Record<string, FlowRecord['flow']['trace']> = Object.fromEntries(
      calls.map(({ source, flow }) => [source.target.at(-1), flow.trace]),
    )
    outcomes.forEach((outcome, at) => {
      const sorry = outcome === 'ok' ? ['said hung_up'] : ['sorry played', 'end hung_up']
      const steps = traces[String(at)]?.map(({ action_id, outcome }) => `${action_id} ${outcome}`)
      expect(steps).toEqual(['welcome answered', `ask ${outcome}`, ...sorry])
      // A second of the prompt, but where the server has the call hung up.
      if (outcome === 'ok') expect(results[at]).toBeLessThan(10)
      else expect(results[at]).toBeGreaterThan(40)
    })
  })

  test('while the bucket is away a prompt is passed over, and what is recorded comes when it is back', async () => {
    const known = await knownCalls(office.api)
    const away = bucketAway(stack.folder)
    const { call, result } = await carrier.call('+15559990001', numbers.message, 'm')
    expect(statusOf(await result)).toBe(200)
    expect(await call.over).toBe('them')
    const { flow, ...record } = await endedFlow(known)
    expect(flow.trace.map(({ action_id, outcome }) => `${action_id} ${outcome}`)).toEqual([
      'unheard not_played',
      'message recorded',
    ])
    const [waiting] = await office.api.list('/recordings')
    expect(waiting).toMatchObject({ reference_id: record.id, status: expect.not.stringMatching('available') })
    away.back()
    const recording = await availableRecording(office)
    const [said = []] = await fetchedChannels(stack, office, recording)
    const spoken = valueOfPcmu('m'.charCodeAt(0))
    expect(said.filter((sample) => sample === spoken).length).toBeGreaterThan(said.length / 2)
  })
})

/** What the phone of Sales was told of its mailbox last. */
function lamp(): string {
  return sales.told.filter(({ type }) => type === 'MWI_NOTIFY').at(-1)?.param ?? ''
}

/** Packets which a caller heard. */
function heardBy({ sound }: Call): number {
  return [...(sound?.heard.values() ?? [])].reduce((sum, packets) => sum + packets, 0)
}

interface FlowRecord extends CallRecord {
  source: { target: string }
  flow: { ended: string; trace: { action_id: string; outcome: string }[] }
}

async function endedFlow(known: KnownCalls): Promise<FlowRecord> {
  return (await endedCall(office.api, known)) as FlowRecord
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
