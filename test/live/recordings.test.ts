import { execFileSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { valueOfPcmu } from '../../relay/media/g711.ts'
import type { Row } from '../support/api.ts'
import type { Call } from '../support/call.ts'
import { answers } from '../support/carrier.ts'
import { changeHeard, knownCalls } from '../support/customer.ts'
import { availableRecording, fetchedChannels } from '../support/fetched-recording.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

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

test('a call of an extension which is recorded is announced to both, and heard through the API, each in a channel of its own', async () => {
  await recordCalls('separate', 'beep')
  const call = await talk()
  // The beep is twenty packets of neither.
  await soon('both to hear the beep', () =>
    [call, bob.calls.at(-1)].every((each) => {
      const others = [...(each?.sound?.heard ?? [])].filter(([mark]) => mark !== 'a' && mark !== 'b')
      return others.reduce((sum, [, packets]) => sum + packets, 0) > 15
    }),
  )
  await pause(1_500)
  await call.bye()
  const recording = await availableRecording(office)
  expect(recording).toMatchObject({
    type: 'call',
    channels: 2,
    ending: 'closed',
    message: null,
    source: 'office1',
  })
  const [caller, callee] = await fetchedChannels(stack, office, recording)
  expect(marksIn(caller)).toEqual(['a'])
  expect(marksIn(callee)).toEqual(['b'])
  expect(recording.duration).toBeGreaterThan(1.4)
})

test('what was recorded when the disk is full is played up to there, its customer is told, and the call goes on', async () => {
  await recordCalls('mixed')
  const [folder] = globSync('**/recordings', { cwd: stack.folder })
  if (folder === undefined) throw new Error('the relay has recorded nothing yet')
  const disk = join(stack.folder, folder)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24k', 'tmpfs', disk])
  try {
    const call = await talk()
    const recording = await availableRecording(office)
    expect(recording).toMatchObject({
      ending: 'failed',
      message: expect.stringMatching(/no space left/),
    })
    const [mixed] = await fetchedChannels(stack, office, recording)
    expect(marksIn(mixed)).toEqual(['both'])
    const heard = call.sound?.heardOf('b') ?? 0
    await soon('Bob to be heard on', () => (call.sound?.heardOf('b') ?? 0) > heard + 5)
    await call.bye()
  } finally {
    execFileSync('umount', ['-l', disk])
  }
  const types = (await office.api.list('/events?type=recording.*')).map(({ type }) => type)
  expect(types[0]).toBe('recording.failed')
})

test('what is recorded when the relay is killed can be played up to there', async () => {
  await recordCalls('mixed')
  await talk()
  await pause(2_500)
  const { relay } = stack.pids()
  process.kill(relay ?? 0, 'SIGKILL')
  const recording = await availableRecording(office)
  expect(recording).toMatchObject({ channels: 1, ending: 'interrupted' })
  const [mixed] = await fetchedChannels(stack, office, recording)
  expect(marksIn(mixed)).toEqual(['both'])
  expect(recording.duration).toBeGreaterThan(1)
  await soon('another relay', () => ![relay, undefined].includes(stack.pids().relay), 30_000, 100)
})

test('by the API a call is recorded, and nothing of what is said in a pause', async () => {
  await bob.register()
  // That of the relay which was killed may go on in the list.
  const known = await knownCalls(office.api)
  const call = await talk()
  const under = await soon(
    'the call to be known',
    async () => known.others(await office.api.list('/calls?status=progressing'))[0],
  )
  const { id } = under
  const { recording_id } = await office.api.post(`/calls/${id}/recording_start`, { channels: 2 })
  const path = `/recordings/${recording_id}`
  await soon(
    'it to begin',
    async () => (await office.api.list(`/recordings?call_id=${id}`)).length > 0,
    30_000,
    100,
  )
  await office.api.post(`/calls/${id}/recording_pause`, {})
  await pause(3_000)
  await office.api.post(`/calls/${id}/recording_stop`, {})
  const recording = await availableRecording(office, path)
  await call.bye()
  expect(recording).toMatchObject({ ending: 'stopped', reference_id: id })
  const [caller = []] = await fetchedChannels(stack, office, recording)
  const spoken = caller.filter((sample) => sample !== 0).length
  expect(spoken).toBeGreaterThan(0)
  // Two beats may lie between two orders.
  expect(caller.length - spoken).toBeGreaterThan(0.5 * 8000)
  const types = (await office.api.list('/events?type=recording.*')).map(({ type }) => type)
  expect(types.slice(0, 2).sort()).toEqual(['recording.finished', 'recording.started'])
})

async function recordCalls(
  record: 'off' | 'mixed' | 'separate',
  record_announcement: 'beep' | null = null,
): Promise<void> {
  const [one] = (await office.api.list('/extensions?extension=office1')) as Row[]
  await office.api.patch(`/extensions/${one?.id}`, { record, record_announcement })
  await changeHeard(stack, office.api)
}

/** Ann calls Bob; each says a letter. */
async function talk(): Promise<Call> {
  const { call, result } = await ann.call('office2', 'a')
  expect(statusOf(await result)).toBe(200)
  await soon('Bob to be heard', () => (call.sound?.heardOf('b') ?? 0) > 5)
  return call
}

/** Whose letters are heard in most of it; a sample of G.711 stands for each. */
function marksIn(samples: readonly number[] = []): string[] {
  const [a, b] = ['a', 'b'].map((mark) => valueOfPcmu(mark.charCodeAt(0))) as [number, number]
  const levels = { a, b, both: a + b }
  const often = (level: number) => samples.filter((sample) => sample === level).length > samples.length / 2
  return Object.entries(levels).flatMap(([mark, level]) => (often(level) ? mark : []))
}
