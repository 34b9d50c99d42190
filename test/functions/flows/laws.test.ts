import fc from 'fast-check'
import { expect, test } from 'vitest'
import { askedResults, connectResults, type FlowTrace, flowLimits, utcMs } from '#contract'
import { checkFlow, type FlowEvent, FlowMachine, simulate } from '#flows'
import { actionsOf, programOf, type Written } from './told.ts'

const other = '22222222-2222-4222-8222-222222222222'
const id = fc.constantFrom('a1', 'a2', 'a3', 'a4', 'a5', 'gone')
const ids = fc.option(id, { nil: null })
const says = fc.constantFrom(null, { text: 'Hm?' }, { stream_url: 'https://example.com/a.wav' })
const seconds = fc.integer({ min: 0, max: 60 })

const anOption: Readonly<Record<string, fc.Arbitrary<object>>> = {
  answer: fc.constant({}),
  beep: fc.constant({}),
  stop: fc.constant({}),
  hangup: fc.constant({}),
  sleep: fc.record({ duration: fc.integer({ min: 0, max: 3_600_000 }) }),
  play: fc.constant({ stream_urls: ['https://example.com/a.wav'] }),
  talk: fc.record({
    text: fc.constant('${voipbin.call.digits}!'),
    digits_handle: fc.constantFrom('', 'next'),
  }),
  digits_receive: fc.record({
    length: fc.integer({ min: 0, max: 5 }),
    key: fc.constantFrom('', '#'),
    accept: fc.constantFrom([], ['1', '2xx']),
    retries: fc.integer({ min: 0, max: 3 }),
    prompt: says,
    no_input: says,
    no_match: says,
    type_ahead: fc.boolean(),
    barge_in: fc.boolean(),
    sensitive: fc.boolean(),
    inter_digit_timeout: fc.constantFrom(null, 300),
    failed_target_id: ids,
  }),
  digits_send: fc.constant({ digits: '12' }),
  branch: fc.record({ target_ids: fc.dictionary(fc.constantFrom('', '1', '2'), id), default_target_id: ids }),
  goto: fc.record({ target_id: id, loop_count: fc.option(fc.integer({ min: 1, max: 5 }), { nil: null }) }),
  condition_variable: fc.record({
    condition: fc.constantFrom('==', '!='),
    variable: fc.constant('${voipbin.connect.result}'),
    false_target_id: id,
  }),
  condition_datetime: fc.record({ hour: fc.integer({ min: -1, max: 23 }), false_target_id: id }),
  variable_set: fc.constant({ key: 'x', value: '${x}${x}y' }),
  fetch: fc.record({ event_url: fc.constant('https://example.com'), failed_target_id: ids }),
  fetch_flow: fc.record({
    flow_id: fc.constantFrom(other, other.replaceAll('2', '3')),
    failed_target_id: ids,
  }),
  webhook_send: fc.record({ uri: fc.constant('https://example.com'), sync: fc.boolean() }),
  recording_start: fc.record({ end_of_key: fc.constantFrom('any', 'none'), duration: seconds }),
  recording_stop: fc.constant({}),
  recording_pause: fc.constant({}),
  recording_resume: fc.constant({}),
  voicemail: fc.record({ duration: fc.integer({ min: 1, max: 60 }), prompt: says }),
  connect: fc.record({
    destinations: fc.constant([{ type: 'extension', target: 'sales' }]),
    timeout: fc.constantFrom(null, 3_000),
    relay_reason: fc.boolean(),
  }),
  call: fc.constant({ destinations: [{ type: 'tel', target: '+12025550142' }], flow_id: other }),
}

const action: fc.Arbitrary<Written> = fc
  .constantFrom(...Object.keys(anOption))
  .chain((type) => fc.record({ type: fc.constant(type), option: anOption[type] ?? fc.constant({}) }))
const flow = fc.array(action, { minLength: 1, maxLength: 5 })
const world = fc.record({
  written: flow,
  also: flow,
  digits: fc.string({ unit: fc.constantFrom(...'0123*#,'), maxLength: 40 }),
  answers: fc.array(fc.constantFrom(...connectResults), { maxLength: 5 }),
  fetched: fc.array(fc.record({ result: fc.constantFrom(...askedResults), actions: flow.map(actionsOf) }), {
    maxLength: 5,
  }),
})

test('a flow ends, whatever is pressed, and however all else fails', () => {
  fc.assert(
    fc.property(world, ({ written, also, ...rest }) => {
      const programs = [programOf(also, other)]
      const program = programOf(written)
      const { trace, orders } = simulate({ program, programs, variables: {}, at: utcMs(0), ...rest })
      expect(trace.ended).not.toBeNull()
      expect(orders.filter(({ type }) => type === 'hang-up')).toHaveLength(1)
      expect(lengthOf(trace)).toBeLessThanOrEqual(flowLimits.run)
    }),
    { numRuns: 100 },
  )
})

test('a flow which passes the check ends by itself where the caller does nothing', () => {
  let passed = 0
  fc.assert(
    fc.property(flow, fc.array(fc.constantFrom(...connectResults), { maxLength: 5 }), (written, answers) => {
      const program = programOf(written)
      if (checkFlow(program.actions, ['x']).length > 0) return
      passed += 1
      const { trace } = simulate({ program, variables: {}, at: utcMs(0), digits: '', answers })
      expect(['hung_up', 'stopped']).toContain(trace.ended)
    }),
    { numRuns: 400 },
  )
  expect(passed).toBeGreaterThan(20)
})

test('a flow hears anything at any time, and is over when its caller is gone', () => {
  const anything = fc.constantFrom<FlowEvent[]>(
    { type: 'answered' },
    { type: 'played', play: 1 },
    { type: 'played', play: 2, why: 'no' },
    { type: 'digit', key: '1' },
    { type: 'digit', key: '#' },
    { type: 'timeout' },
    { type: 'connected', target: 'sales' },
    { type: 'connect-ended', result: 'busy', status: 486 },
    { type: 'fetched', fetch: 1, result: 'ok' },
    { type: 'recorded', recording: 'one' },
  )
  fc.assert(
    fc.property(flow, fc.array(anything, { maxLength: 40 }), (written, events) => {
      const machine = new FlowMachine({
        program: programOf(written),
        variables: {},
        recordingId: () => 'one',
      })
      machine.receive({ type: 'begun' }, utcMs(0))
      for (const [at, event] of events.entries()) machine.receive(event, utcMs(at * 1_000))
      machine.receive({ type: 'hung-up', by: 'caller' }, utcMs(99_000))
      expect(machine.isOver).toBe(true)
      expect(machine.receive({ type: 'digit', key: '1' }, utcMs(99_001))).toEqual([])
      expect(machine.trace.trace.every(({ outcome }) => outcome !== null)).toBe(true)
    }),
    { numRuns: 150 },
  )
})

function lengthOf({ trace, left_out }: FlowTrace): number {
  return trace.length + left_out
}
