import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { valueOfPcmu } from '../../relay/media/g711.ts'
import type { Row } from '../support/api.ts'
import type { Call } from '../support/call.ts'
import { answers } from '../support/carrier.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { changeHeard, pause, soon } from '../support/wait.ts'

let stack: OwnStack
let office: Office
let ann: Phone
let bob: Phone

beforeAll(async () => {
  stack = await startStack()
  office = await openOffice(stack, [], ['office1', 'office2'])
  ann = await office.phone('office1', '127.0.7.91')
  bob = await office.phone('office2', '127.0.7.92')
  await bob.register()
  bob.onCall = answers('b', 0)
})
afterEach(async () => {
  await recordCalls('off')
})
afterAll(async () => {
  ann?.close()
  bob?.close()
  await stack?.stop()
})

test('a call of an extension which is recorded is heard through the API, each party in a channel of its own', {
  timeout: 25_000,
}, async () => {
  await recordCalls('separate')
  const call = await talk()
  await pause(1_500)
  await call.bye()
  const recording = await available()
  expect(recording).toMatchObject({
    type: 'call',
    channels: 2,
    ending: 'closed',
    message: null,
    source: 'office1',
  })
  const [caller, callee] = await channels(recording)
  expect(marksIn(caller)).toEqual(['a'])
  expect(marksIn(callee)).toEqual(['b'])
  expect(recording.duration).toBeGreaterThan(1.4)
})

test('what is recorded when the relay is killed can be played up to there', { timeout: 25_000 }, async () => {
  await recordCalls('mixed')
  await talk()
  await pause(2_500)
  const { relay } = stack.pids()
  process.kill(relay ?? 0, 'SIGKILL')
  const recording = await available()
  expect(recording).toMatchObject({ channels: 1, ending: 'interrupted' })
  const [mixed] = await channels(recording)
  expect(marksIn(mixed)).toEqual(['both'])
  expect(recording.duration).toBeGreaterThan(1)
  await soon('another relay', () => ![relay, undefined].includes(stack.pids().relay), 15_000, 100)
})

test('by the API a call is recorded, and nothing of what is said in a pause', {
  timeout: 25_000,
}, async () => {
  await bob.register()
  const call = await talk()
  const under = await soon(
    'the call to be known',
    async () => (await office.api.list('/calls?status=progressing'))[0],
  )
  const { id } = under
  const { recording_id } = await office.api.post(`/calls/${id}/recording_start`, { channels: 2 })
  const path = `/recordings/${recording_id}`
  await soon(
    'it to begin',
    async () => (await office.api.list(`/recordings?call_id=${id}`)).length > 0,
    6_000,
    100,
  )
  await office.api.post(`/calls/${id}/recording_pause`, {})
  await pause(3_000)
  await office.api.post(`/calls/${id}/recording_stop`, {})
  const recording = await available(path)
  await call.bye()
  expect(recording).toMatchObject({ ending: 'stopped', reference_id: id })
  const [caller = []] = await channels(recording)
  const spoken = caller.filter((sample) => sample !== 0).length
  expect(spoken).toBeGreaterThan(0)
  // Two beats may lie between two orders.
  expect(caller.length - spoken).toBeGreaterThan(0.5 * 8000)
  const types = (await office.api.list('/events?type=recording.*')).map(({ type }) => type)
  expect(types.slice(0, 2).sort()).toEqual(['recording.finished', 'recording.started'])
})

async function recordCalls(record: 'off' | 'mixed' | 'separate'): Promise<void> {
  const [one] = (await office.api.list('/extensions?extension=office1')) as Row[]
  await office.api.patch(`/extensions/${one?.id}`, { record })
  await changeHeard()
}

/** Ann calls Bob; each says a letter. */
async function talk(): Promise<Call> {
  const { call, result } = await ann.call('office2', 'a')
  expect(statusOf(await result)).toBe(200)
  await soon('Bob to be heard', () => (call.sound?.heardOf('b') ?? 0) > 5)
  return call
}

/** The newest recording, or the one at `path`, when its sound has come. */
async function available(path?: string): Promise<Row> {
  let found: Row | undefined
  const look = async () => {
    found = path
      ? await office.api.get(path).catch(() => undefined)
      : (await office.api.list('/recordings'))[0]
    return found?.status === 'available' && found.ending !== null
  }
  await soon('the recording to be there', look, 20_000, 100)
  return found as Row
}

/** Its samples, by channel, as a browser would have them. */
async function channels({ id, channels }: Row): Promise<number[][]> {
  const headers = { authorization: `Bearer ${stack.local.access_key}` }
  const answer = await fetch(`${stack.local.api_url}/v1.0/recordingfiles/${id}?customer_id=${office.id}`, {
    headers,
  })
  expect([answer.status, answer.redirected]).toEqual([200, true])
  const samples = [...new Int16Array((await answer.arrayBuffer()).slice(44))]
  return Array.from({ length: Number(channels) }, (_, which) =>
    samples.filter((_, at) => at % Number(channels) === which),
  )
}

/** Whose letters are heard in most of it; a sample of G.711 stands for each. */
function marksIn(samples: readonly number[] = []): string[] {
  const [a, b] = ['a', 'b'].map((mark) => valueOfPcmu(mark.charCodeAt(0))) as [number, number]
  const levels = { a, b, both: a + b }
  const often = (level: number) => samples.filter((sample) => sample === level).length > samples.length / 2
  return Object.entries(levels).flatMap(([mark, level]) => (often(level) ? mark : []))
}
