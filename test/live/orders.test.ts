import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { valueOfPcmu } from '#sound'

import type { Call } from '../support/call.ts'
import { answers, Carrier } from '../support/carrier.ts'
import { type CallRecord, changeHeard } from '../support/customer.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { wavOf } from '../support/played-wav.ts'
import { statusOf } from '../support/sip-text.ts'
import type { Sound } from '../support/sound.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon, within } from '../support/wait.ts'

let stack: OwnStack
let carrier: Carrier
let office: Office
let phone: Phone
let desk: Phone
let prompt: string

/** Each voice's mark: the phone's, the carrier's, the desk's, and that of what is played. */
const [p, c, d, z] = ['p', 'c', 'd', 'z']
/** Three seconds whose every octet is the mark, as PCMU. */
const played = new Int16Array(24_000).fill(valueOfPcmu('z'.charCodeAt(0)))

describe('orders to a call which goes on', () => {
  beforeAll(async () => {
    stack = await startStack()
    carrier = await Carrier.open(
      { name: 'carrier', address: '127.0.7.95', relay: stack.relay },
      answers(c, 50),
    )
    office = await openOffice(stack, [carrier.place], ['office1', 'desk'])
    const sound = Buffer.from(wavOf(played)).toString('base64')
    prompt = String((await office.api.post('/prompts', { name: 'Played', sound })).id)
    await changeHeard(stack, office.api)
    phone = await office.phone('office1', '127.0.7.96')
    desk = await office.phone('desk', '127.0.7.97')
    desk.onCall = (call) => void call.answer(d)
    for (const each of [phone, desk]) expect(statusOf(await each.register())).toBe(200)
  })
  afterEach(() => print())
  afterAll(async () => {
    for (const each of [phone, desk, carrier]) each?.close()
    await stack?.stop()
  })

  test('they are heard by whom they are for; a party is transferred to the desk, and the call hung up', async () => {
    const { id, caller, callee } = await speaking()
    const [near, far] = [soundOf(caller), soundOf(callee)]
    const keys = { near: keysHeard(near), far: keysHeard(far) }

    // Those of one line go with one beat, where the edge has no hub.
    await orders(id, ['play', { party: 'caller', prompt_id: prompt, loop: true }], ['mute', {}])
    await Promise.all([
      hears('the phone to hear what is played to it', near, z),
      silent('the phone, which is muted, to be heard no more', far, p),
    ])
    await soon('the record to say so', async () => {
      const { muted } = await office.api.get(`/calls/${id}`)
      return String(muted) === 'caller'
    })
    expect(far.heardOf(z)).toBe(0)

    await orders(id, ['silence', {}], ['mute', { muted: false }], ['dtmf', { digits: '42#' }])
    await Promise.all([
      silent('what is played to be silenced', near, z),
      hears('the phone to hear the carrier again', near, c),
      hears('the phone to be heard again', far, p),
      soon('the keys to be heard', () => keys.far() === '42#'),
    ])
    expect(keys.near()).toBe('')

    const before = far.heard.size
    await orders(id, ['talk', { party: 'callee', text: 'You hear an order.' }])
    await soon('the carrier to hear what is said', () => far.heard.size > before + 20)
    expect([...near.heard.keys()].sort()).toEqual([c, z])
    await hears('the carrier to hear the phone again', far, p)

    await orders(id, ['hold', {}])
    await soon('the carrier to be told that it is on hold', () => callee.reinvited.length === 1)
    await Promise.all([
      silent('the phone to be heard no more', far, p),
      silent('the carrier to be heard no more', near, c),
    ])
    await orders(id, ['hold', { held: false }])
    await Promise.all([
      hears('the phone to be heard again', far, p),
      hears('the carrier to be heard again', near, c),
    ])
    expect(callee.reinvited).toEqual(['sendonly', 'sendrecv'])

    const destination = { type: 'extension', target: 'desk' }
    await orders(id, ['transfer', { party: 'callee', destination }])
    expect(await within(30_000, 'the phone to be hung up', caller.over)).toBe('them')
    const target = await soon('the desk to be called', () => desk.calls.at(-1))
    await Promise.all([
      hears('the carrier to hear the desk', far, d),
      hears('the desk to hear the carrier', soundOf(target), c),
    ])
    expect(await soon('the first call to end', () => ended(id))).toMatchObject({
      hangup_reason: 'transferred',
    })

    const [now] = await soon('its call alone to be listed', async () => {
      const list = await progressing()
      return list.length === 1 && list[0]?.id !== id ? list : undefined
    })
    await orders(now?.id ?? '', ['hangup', {}])
    const hungUp = performance.now()
    for (const call of [callee, target])
      expect(await within(30_000, 'each to be hung up', call.over)).toBe('them')
    expect([callee, target].map(({ asked }) => asked.at(-1))).toEqual(['BYE', 'BYE'])
    await soon('the call to be listed no more', async () => (await progressing()).length === 0, 30_000, 5)
    note('listed no more', hungUp)
    expect(await soon('its record', () => ended(now?.id ?? ''))).toMatchObject({
      transferred_from: id,
      hangup_by: 'system',
      hangup_reason: 'normal',
      reject_reason: 'HUNG_UP',
      reject_message: 'The API hung the call up.',
    })
  })

  test('a call is listed as progressing soon after its answer, and no more after its end', async () => {
    for (let calls = 0; calls < 3; calls++) {
      const { id, caller } = await speaking()
      expect(await caller.bye()).toBe(200)
      const over = performance.now()
      await soon('the call to be listed no more', async () => (await progressing()).length === 0, 30_000, 5)
      note('listed no more', over)
      expect(await ended(id)).toMatchObject({ hangup_by: 'caller', hangup_reason: 'normal' })
    }
  })
})

const notes: string[] = []

function note(what: string, since: number): void {
  notes.push(`${what} ${Math.round(performance.now() - since)} ms`)
}

/** How long each took. */
function print(): void {
  process.stdout.write(`${notes.splice(0).join(', ')}\n`)
}

/** The phone calls out by the carrier, and each hears the other. */
async function speaking(): Promise<{ id: string; caller: Call; callee: Call }> {
  const placed = await phone.call('+15551234567', p)
  expect(statusOf(await placed.result)).toBe(200)
  const answered = performance.now()
  const { id } = await soon('the call to be listed', async () => (await progressing())[0], 30_000, 5)
  note('listed', answered)
  const callee = carrier.calls.at(-1)
  if (!callee) throw new Error('the carrier was not called')
  await hears('the phone to hear the carrier', soundOf(placed.call), c)
  await hears('the carrier to hear the phone', soundOf(callee), p)
  return { id, caller: placed.call, callee }
}

/** Gives a call orders at once: each is answered as done. */
async function orders(id: string, ...given: [name: string, body: object][]): Promise<void> {
  const asked = performance.now()
  const answered = await Promise.all(
    given.map(([name, body]) => office.api.post(`/calls/${id}/${name}`, body)),
  )
  note(given.map(([name]) => name).join(' + '), asked)
  expect(answered).toMatchObject(given.map(([order]) => ({ order, call_id: id, ok: true })))
}

function progressing() {
  return office.api.list('/calls?status=progressing')
}

/** A call's record, once it is over. */
async function ended(id: string): Promise<CallRecord | undefined> {
  const record = (await office.api.get(`/calls/${id}`)) as CallRecord
  return record.status === 'hangup' ? record : undefined
}

function soundOf({ sound }: Call): Sound {
  if (!sound) throw new Error('it has no sound')
  return sound
}

/** Packets of each mark which come in so many ms. */
async function heardIn(ms: number, sound: Sound): Promise<Record<string, number>> {
  const before = new Map(sound.heard)
  await pause(ms)
  const more = [...sound.heard].map(([mark, count]) => [mark, count - (before.get(mark) ?? 0)] as const)
  return Object.fromEntries(more.filter(([, count]) => count > 0))
}

/** Ten more packets of that mark. */
async function hears(what: string, sound: Sound, mark: string): Promise<void> {
  const before = sound.heardOf(mark)
  await soon(what, () => sound.heardOf(mark) > before + 10)
}

/** None of that mark comes for 200 ms. */
async function silent(what: string, sound: Sound, mark: string): Promise<void> {
  await soon(what, async () => !((await heardIn(200, sound))[mark] ?? 0))
}

/** Keys which come as telephone events from now on (RFC 4733), each once by its RTP time. */
function keysHeard(sound: Sound): () => string {
  const keys = new Map<number, string>()
  const { down } = sound.ways
  sound.ways.down = (packet, deliver) => {
    if (((packet[1] ?? 0) & 127) === 101)
      keys.set(packet.readUInt32BE(4), '0123456789*#ABCD'[packet[12] ?? 16] ?? '?')
    down(packet, deliver)
  }
  return () => [...keys.values()].join('')
}
