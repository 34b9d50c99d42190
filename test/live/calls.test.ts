import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Call } from '../support/call.ts'
import {
  answers,
  answersTooLate,
  answersTwice,
  answersUnheard,
  asks,
  busy,
  Carrier,
  refuse,
  ringing,
  trying,
} from '../support/carrier.ts'
import { ChaosProxy } from '../support/chaos-proxy.ts'
import { type CollectedSpan, spansIn } from '../support/collector.ts'
import { changeHeard } from '../support/customer.ts'
import { readExposition, seriesOf } from '../support/exposition.ts'
import { keyOf } from '../support/fault-stack.ts'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { startRelay } from '../support/lone-relay.ts'
import type { Party } from '../support/party.ts'
import type { Phone } from '../support/phone.ts'
import { Receiver } from '../support/receiver.ts'
import { header, statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon, within } from '../support/wait.ts'

const dialled = '+15551234567'

let stack: OwnStack
let collector: Receiver
let metricsPort: number
let office: Office
let a: Carrier
let b: Carrier
let phone: Phone
const open: Party[] = []

describe('calls through the running stack', () => {
  beforeAll(async () => {
    metricsPort = await freePort('127.0.0.1')
    collector = await Receiver.open()
    const watched = { METRICS_PORT: String(metricsPort), OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }
    stack = await startStack(watched)
    a = await Carrier.open({ name: 'carrier A', address: '127.0.7.40', relay: stack.relay })
    b = await Carrier.open({ name: 'carrier B', address: '127.0.7.41', relay: stack.relay })
  })
  afterAll(async () => {
    a?.close()
    b?.close()
    await stack?.stop()
    await collector?.close()
  })
  beforeEach(async () => {
    // Carriers which failed before are remembered for it: each test has providers of its own.
    office = await openOffice(stack, [a.place, b.place], ['office1', 'office2'])
    phone = await opened('office1', '127.0.7.42')
    a.onCall = refuse(503, 'Service Unavailable')
    b.onCall = refuse(503, 'Service Unavailable')
  })
  afterEach(async () => {
    for (const party of open.splice(0)) party.close()
    await office.remove()
  })

  test('a phone over TCP calls out and is heard', async () => {
    const other = await opened('office2', '127.0.7.43', 'TCP')
    a.onCall = answers('a', 50)
    const { call, result } = await other.call(dialled, 'p')
    expect(statusOf(await result)).toBe(200)
    await heardBothWays(call, 'a', last(a), 'p')
    expect(await call.bye()).toBe(200)
    expect(await last(a).over).toBe('them')
  })

  test('a collector is sent one trace of a call: where it was decided, who refused and who took it', async () => {
    b.onCall = answers('b', 50)
    await office.recorded(
      async () => {
        const { call, result } = await phone.call(dialled)
        expect(statusOf(await result)).toBe(200)
        await call.bye()
      },
      () => undefined,
    )
    const spans = await traceOf((names) => names.includes('call outgoing') && names.includes('decide'))
    const attempts = spans.filter(({ name }) => name === 'attempt provider')
    const [refused, taken] = attempts.map(({ error }) => error)
    expect([attempts.length, refused, taken]).toEqual([2, '503 Service Unavailable', undefined])
    const whole = spans.map(({ spanId }) => spanId)
    expect(spans.filter(({ parentId }) => parentId && !whole.includes(parentId))).toEqual([])
  })

  test('the trace of a call which the edge decides has its decision under the relay’s question, before the attempts', async () => {
    const proxy = await ChaosProxy.open(stack.local.api_url)
    // Who has no configuration asks.
    proxy.fault = (word) => (word === 'snapshots' ? { kind: 'status', status: 503 } : undefined)
    const asking = await startRelay(proxy.url, '127.0.7.2', {
      RELAY_KEY: await keyOf(stack, 'asking'),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    })
    const caller = await office.phone('office1', '127.0.7.46', 'UDP', asking.place)
    open.push(caller)
    b.onCall = answers('b', 50)
    const { call, result } = await caller.call(dialled)
    expect(statusOf(await result)).toBe(200)
    expect(await call.bye()).toBe(200)
    expect(await asking.stop()).toBe(0)
    await proxy.close()
    const spans = await traceOf((names) => names.includes('call outgoing') && names.includes('decide'))
    const tree = spans.map(({ service, name, parentId }) => {
      const parent = spans.find(({ spanId }) => spanId === parentId)
      return `${service}: ${name}${parentId ? ` in ${parent?.name}` : ''}`
    })
    expect(tree.sort()).toEqual([
      'trunkline-edge: decide in ask route',
      'trunkline-relay: ask route in call outgoing',
      'trunkline-relay: attempt provider in call outgoing',
      'trunkline-relay: attempt provider in call outgoing',
      'trunkline-relay: call outgoing',
    ])
    const of = (wanted: string) => spans.filter(({ name }) => name === wanted)
    const [[whole], [asked], [decided], [first, second]] = [
      of('call outgoing'),
      of('ask route'),
      of('decide'),
      of('attempt provider').sort((one, other) => one.start - other.start),
    ]
    const moments = [
      whole?.start,
      asked?.start,
      asked?.end,
      first?.start,
      first?.end,
      second?.end,
      whole?.end,
    ]
    // What a record says is in whole milliseconds.
    for (const [at, moment] of moments.entries())
      expect(moment).toBeGreaterThan(Number(moments[at - 1] ?? 0) - 2)
    // The edge has a clock of its own, which tells no time while it computes.
    const apart = [Number(decided?.start) - Number(asked?.start), Number(asked?.end) - Number(decided?.end)]
    for (const ms of apart) expect(ms).toBeGreaterThan(-1_000)
    expect(decided?.end).toBeGreaterThanOrEqual(Number(decided?.start))
  })

  test('the relay says that it is ready, and counts a call, its attempts and its messages', async () => {
    const counted = async () => {
      const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
      const families = readExposition(text)
      const of = (name: string, labels?: Record<string, string>) => seriesOf(families, name, labels) ?? 0
      const attempts = families.get('trunkline_call_attempts_total')?.samples ?? []
      return {
        calls: of('trunkline_calls_total', { direction: 'outgoing', reason: 'normal' }),
        heard: of('trunkline_sip_messages_total', { direction: 'in', transport: 'udp' }),
        codes: providers.map((id) => attempts.find(({ labels }) => labels.provider === id)?.labels.code),
      }
    }
    const providers = (await office.api.list('/providers?page_size=10')).map(({ id }) => id).reverse()
    expect((await fetch(`http://127.0.0.1:${metricsPort}/readyz`)).status).toBe(200)
    const before = await counted()
    b.onCall = answers('b', 50)
    const { call, result } = await phone.call(dialled, 'p')
    expect(statusOf(await result)).toBe(200)
    await call.bye()
    const after = await soon('the call to be counted', async () => {
      const now = await counted()
      return now.calls > before.calls ? now : undefined
    })
    expect(after).toMatchObject({ calls: before.calls + 1, codes: ['503', '200'] })
    expect(after.heard - before.heard).toBeGreaterThanOrEqual(8)
  })

  test('hold and resume reach the other side, and the sound comes back', async () => {
    a.onCall = answers('a', 50)
    const { call, result } = await phone.call(dialled, 'p')
    await result
    expect(await call.reinvite('sendonly')).toBe(200)
    expect(last(a).reinvited).toEqual(['sendonly'])
    expect(await call.reinvite('sendrecv')).toBe(200)
    call.sound?.heard.clear()
    last(a).sound?.heard.clear()
    await heardBothWays(call, 'a', last(a), 'p')
    await call.bye()
  })

  test('all phones of an extension ring, the first to answer wins, the others are told', async () => {
    const second = await opened('office1', '127.0.7.44')
    const answering = await opened('office2', '127.0.7.45')
    await Promise.all([phone.register(), second.register()])
    phone.onCall = ringing
    second.onCall = answers('s', 300)
    const { call, result } = await answering.call('office1', 'o')
    expect(statusOf(await result)).toBe(200)
    await soon('the loser to hear CANCEL', () => last(phone).wasCancelled)
    await heardBothWays(call, 's', last(second), 'o')
    await last(second).bye()
    expect(await call.over).toBe('them')
    await phone.register(0)
    await second.register(0)
  })

  test('a carrier which wants a password is given the one on its provider', async () => {
    const credentials = { username: 'trunk', password: 'trunk-secret' }
    const provider = (await office.api.list('/providers')).find(({ hostname }) => hostname === b.address)
    if (!provider) throw new Error('The office has no provider where carrier B is.')
    await office.api.put(`/providers/${provider.id}`, { ...provider, ...credentials })
    const route = await office.api.post('/routes', {
      name: 'First',
      provider_id: provider.id,
      target: '+1555',
      priority: 1,
    })
    b.onCall = asks(credentials, answers('b', 50))
    await changeHeard(stack, office.api)
    const { call, result } = await phone.call(dialled)
    expect(statusOf(await result)).toBe(200)
    await call.bye()
    await office.api.delete(`/routes/${route.id}`)
    await office.api.put(`/providers/${provider.id}`, provider)
  })

  test('a carrier which answers although it was cancelled is hung up on', async () => {
    a.onCall = answersTooLate
    const { call, result } = await phone.call(dialled)
    await soon('ringing', () => call.statuses.includes(180))
    expect(await call.cancel()).toBe(200)
    expect(statusOf(await result)).toBe(487)
    await within(30_000, 'the BYE for the late answer', onceHungUp(a))
    expect(last(a).acks).toBeGreaterThan(0)
  })

  test('a carrier given up for its silence, and answering after that, is hung up on', async () => {
    a.onCall = answersUnheard(4500)
    b.onCall = answers('b', 50)
    const { call, result } = await phone.call(dialled)
    expect(statusOf(await result)).toBe(200)
    await within(30_000, 'the BYE for the answer nobody waited for', onceHungUp(a))
    expect(last(a).acks).toBeGreaterThan(0)
    await call.bye()
  })

  test('a carrier which says only 100 is left for the next', async () => {
    a.onCall = trying
    b.onCall = answers('b', 50)
    const { call, result } = await phone.call(dialled)
    expect(statusOf(await result)).toBe(200)
    await soon('the first to hear CANCEL', () => last(a).wasCancelled)
    await call.bye()
  })

  test('when two answer the same call, one is spoken to and the other is hung up on', async () => {
    a.onCall = answersTwice
    const { call, result } = await phone.call(dialled)
    expect(statusOf(await result)).toBe(200)
    const [first, second] = a.calls.slice(-2)
    const loser = await within(
      30_000,
      'one of them to be hung up on',
      Promise.race([first, second].map(overOf)),
    )
    expect([first, second].filter((each) => each !== loser)).toHaveLength(1)
    await call.bye()
  })

  test('a busy callee is final, and the next carrier hears nothing', async () => {
    a.onCall = busy
    const before = b.calls.length
    const { result } = await phone.call(dialled)
    expect(statusOf(await result)).toBe(486)
    expect(b.calls).toHaveLength(before)
  })

  test('a stranger may not call our numbers', async () => {
    const stranger = await Carrier.open({ name: 'stranger', address: '127.0.7.99', relay: stack.relay })
    open.push(stranger)
    const { result } = await stranger.call('+15557654321', office.number)
    expect(statusOf(await result)).toBe(403)
  })

  test('a number nobody owns is not found, and an absent extension is unavailable', async () => {
    expect(statusOf(await (await a.call('+15557654321', '+15550000000')).result)).toBe(404)
    expect(statusOf(await (await a.call('+15557654321', office.number)).result)).toBe(480)
  })

  test('an un-registered phone is no longer shown', async () => {
    expect(statusOf(await phone.register())).toBe(200)
    await soon('the registration', async () => (await office.api.list('/registrations')).length === 1)
    const gone = await phone.register(0)
    expect(statusOf(gone)).toBe(200)
    expect(header(gone, 'contact')).toBe('')
    await soon('its end', async () => (await office.api.list('/registrations')).length === 0)
  })
})

async function opened(username: string, address: string, transport: 'UDP' | 'TCP' = 'UDP'): Promise<Phone> {
  const one = await office.phone(username, address, transport)
  open.push(one)
  return one
}

function last({ name, calls }: Party): Call {
  const call = calls.at(-1)
  if (call === undefined) throw new Error(`no call reached ${name}`)
  return call
}

function onceHungUp(party: Party): Promise<unknown> {
  return soon('an ACK', () => last(party).acks > 0).then(() => last(party).over)
}

async function overOf(call: Call | undefined): Promise<Call | undefined> {
  await call?.over
  return call
}

async function heardBothWays(
  caller: Call,
  calleeLetter: string,
  callee: Call,
  callerLetter: string,
): Promise<void> {
  await soon('the callee to be heard', () => (caller.sound?.heardOf(calleeLetter) ?? 0) > 5)
  await soon('the caller to be heard', () => (callee.sound?.heardOf(callerLetter) ?? 0) > 5)
}

/** The spans of the office's only call, once those came which are looked at. */
async function traceOf(whole: (names: readonly string[]) => boolean): Promise<CollectedSpan[]> {
  const { id } = await soon('the call to show', async () => (await office.api.list('/calls'))[0])
  return soon('its spans', () => {
    const own = spansIn(collector).filter(({ traceId }) => traceId === id.replaceAll('-', ''))
    return whole(own.map(({ name }) => name)) ? own : undefined
  })
}
