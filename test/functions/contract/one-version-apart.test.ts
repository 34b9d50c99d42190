import { describe, expect, test } from 'vitest'
import { beat, beatAnswer } from '#contract'
import { Shutdown } from '../../../relay/io/shutdown.ts'

/*
 * Frames as edges and relays of before sent them, to the letter: they stay readable, and what they do not say is not made up.
 */

const [customer, provider, call] = [
  '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1001',
  '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1002',
  '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1009',
]
const at = '2026-11-20T08:00:00.000Z'

const beatOf2 = {
  relay_id: 'berlin-1',
  boot_id: '0199a3c0-0000-7000-8000-000000000001',
  started_at: at,
  at,
  draining: false,
  address: '192.0.2.1',
  port: 5060,
  version: 7,
  waiting_tells: 0,
  leases: [{ call_id: call, customer_id: customer, scopes: [{ kind: 'customer', id: customer }] }],
  slices: [
    {
      scope: { kind: 'customer', id: customer },
      customer_id: customer,
      resource: 'channels',
      held: 2,
      used: 1,
      refused: 0,
    },
  ],
  health: [
    {
      provider_id: provider,
      customer_id: customer,
      status: 'healthy',
      since: at,
      latency_ms: 3,
      last: null,
      why: '',
    },
  ],
  registrations: [],
  hosts: [],
  results: [],
  ended: [],
}
const beatOf3 = { ...beatOf2, mailboxes_since: at }

const answerOf2 = {
  at,
  version: 7,
  changed: [{ customer_id: customer, version: 7, gone: false }],
  slices: [{ scope: { kind: 'customer', id: customer }, resource: 'channels', amount: 2 }],
  seconds: [],
  health: [{ provider_id: provider, status: 'healthy', since: at }],
  registrations: [{ provider_id: provider, epoch: 3 }],
  withdrawn: [],
  commands: [],
  ends: [],
  blocks: [],
  relays: 1,
  base_domain: 'example.com',
}
const answerOf3 = { ...answerOf2, mailboxes: [] }

/** Keys of a beat and of its answer which came with protocol 4. */
const later = {
  beat: ['neighbour', 'software', 'protocol', 'region', 'load', 'spool_bytes', 'last_error', 'clock'],
  answer: ['neighbours', 'drain'],
}

describe('an edge which is a version newer than a relay', () => {
  test.each([
    ['2', beatOf2],
    ['3', beatOf3],
  ])('reads a beat of protocol %s as it was said', (_, frame) => {
    const read = beat.parse(frame)
    expect(read).toEqual(frame)
    for (const key of later.beat) expect(read).not.toHaveProperty(key)
  })

  test.each(later.beat)('needs no %s', (key) => {
    expect(beat.shape[key as keyof typeof beat.shape].safeParse(undefined).success).toBe(true)
  })
})

describe('a relay which is a version newer than the edge', () => {
  test.each([
    ['2', answerOf2],
    ['3', answerOf3],
  ])('reads an answer of protocol %s as it was said', (_, frame) => {
    const read = beatAnswer.parse(frame)
    expect(read).toMatchObject(frame)
    for (const key of later.answer) expect(read[key as keyof typeof read]).toBeUndefined()
  })

  test('stays as it is where the edge does not say whether it is to be drained', () => {
    const heard: string[] = []
    const load = { calls: 0, legs: 0, bindings: 0, transactions: 0, counted: 0, turned: 0, registrations: 0 }
    const hear = ({ type }: { type: string }) => void heard.push(type)
    const shutdown = new Shutdown({
      engine: { load },
      hear,
      drainMs: 0,
      log: () => undefined,
      parts: () => ({}),
    })
    shutdown.ordered(beatAnswer.parse(answerOf3).drain)
    expect(heard).toEqual([])
  })
})

describe('a relay which is a version older than the edge', () => {
  test('is not hurt by what it does not know: a command, a key', () => {
    const newer = {
      ...answerOf3,
      drain: true,
      commands: [{ command_id: call, kind: 'sing' }],
      moods: ['good'],
    }
    expect(beatAnswer.parse(newer)).toMatchObject({ ...answerOf3, commands: [] })
  })
})
