import { describe, expect, test } from 'vitest'
import { actionsOf, programOf, ToldFlow, type Written } from './told.ts'

const menu = 'Press 1 for Sales.'
const sales = { type: 'connect', option: { destinations: [{ type: 'extension', target: 'sales' }] } }

describe('a menu', () => {
  const written: Written[] = [
    { type: 'answer' },
    { type: 'talk', option: { text: menu, digits_handle: 'next' } },
    { type: 'digits_receive', option: { duration: 5000, length: 1 } },
    { type: 'branch', option: { target_ids: { 1: 'sales' }, default_target_id: 'a2' } },
    { id: 'sales', ...sales },
  ]

  test('answers, says what may be pressed, and connects by the key', () => {
    const flow = new ToldFlow(written)
    expect(flow.begins()).toEqual(['answer'])
    expect(flow.hears({ type: 'answered' })).toEqual([`play 1: "${menu}"`, 'wait 1800000'])
    expect(flow.hears({ type: 'played', play: 1 })).toEqual(['stop-wait', 'wait 5000'])
    expect(flow.presses('1')).toEqual(['stop-wait', 'connect sales'])
    expect(flow.hears({ type: 'connected', target: 'sales' })).toEqual(['stop-wait'])
    expect(flow.hears({ type: 'connect-ended', result: 'answered', status: 200 })).toEqual(['hang-up'])
    expect(flow.outcomes).toEqual(['a1 answered', 'a2 played', 'a3 digits', 'a4 matched', 'sales answered'])
  })

  test('is cut short by a key, which counts', () => {
    const flow = answered(written)
    expect(flow.presses('1')).toEqual(['stop-play 1', 'stop-wait', 'connect sales'])
  })

  test('is not said to a caller who pressed before it began', () => {
    const flow = new ToldFlow(written)
    flow.begins()
    flow.presses('1')
    expect(flow.hears({ type: 'answered' })).toEqual(['connect sales'])
  })

  test('is said again where another key is pressed, or none', () => {
    for (const happens of [
      (flow: ToldFlow) => flow.presses('7'),
      (flow: ToldFlow) => flow.hears({ type: 'timeout' }, 5_000),
    ]) {
      const flow = answered(written)
      flow.hears({ type: 'played', play: 1 })
      expect(happens(flow)).toContain(`play 2: "${menu}"`)
    }
  })

  test('is over when its caller hangs up, and orders nothing more', () => {
    const flow = answered(written)
    expect(flow.hears({ type: 'hung-up', by: 'caller' })).toEqual(['stop-wait'])
    expect(flow.machine.isOver).toBe(true)
    expect(flow.hears({ type: 'played', play: 1 })).toEqual([])
    expect(flow.machine.trace).toMatchObject({ ended: 'left', version: 3, trace: [{}, { outcome: 'left' }] })
  })
})

describe('keys which are waited for', () => {
  test.each<[string, object, string, number[], string, string]>([
    ['are as many as are asked for', { length: 4 }, '12345', [], 'digits', '1234'],
    ['end by a key, which is one of them', { length: 0, key: '#' }, '42#', [], 'digits', '42#'],
    ['or is not', { length: 0, key: '#', strip_key: true }, '42#', [], 'digits', '42'],
    ['end when the time is over', { length: 4 }, '12', [5_000], 'digits', '12'],
    ['end when the next one is late', { length: 4, inter_digit_timeout: 800 }, '12', [800], 'digits', '12'],
    ['are none when nothing is pressed', {}, '', [5_000], 'no_input', ''],
    ['are those which are allowed', { accept: ['1', '4xx'] }, '412', [], 'digits', '412'],
    ['and no others', { accept: ['1', '4xx'] }, '3', [], 'no_match', '3'],
    ['at the first which fits none', { accept: ['12', '4xx'] }, '13', [], 'no_match', '13'],
    ['where one which fits ends it', { accept: ['4xx'], key: '#', length: 0 }, '412#', [], 'digits', '412'],
  ])('%s', (_, option, keys, times, outcome, heard) => {
    const flow = new ToldFlow([{ type: 'digits_receive', option }])
    flow.begins()
    flow.presses(keys)
    for (const ms of times) flow.hears({ type: 'timeout' }, ms)
    expect(flow.machine.trace.trace[0]).toMatchObject({
      outcome,
      variables: { 'voipbin.call.digits': heard },
    })
  })

  const asks = {
    prompt: { text: 'Your number?' },
    no_input: { text: 'I heard nothing.' },
    no_match: { text: 'That is none.' },
    accept: ['xx'],
    retries: 1,
    failed_target_id: 'end',
  }
  const asking: Written[] = [
    { type: 'digits_receive', option: asks },
    { type: 'stop' },
    { id: 'end', type: 'hangup', option: { reason: 'busy' } },
  ]

  test('are asked for again, in words for each way to fail, and then no more', () => {
    const flow = new ToldFlow(asking, { answered: true })
    expect(flow.begins()[0]).toBe('play 1: "Your number?"')
    flow.hears({ type: 'played', play: 1 })
    expect(flow.hears({ type: 'timeout' }, 5_000)[0]).toBe('play 2: "I heard nothing."')
    expect(flow.hears({ type: 'played', play: 2 })[0]).toBe('play 3: "Your number?"')
    expect(flow.presses('*')).toEqual(['stop-play 3', 'stop-wait', 'hang-up 486'])
    expect(flow.outcomes).toEqual(['a1 no_match', 'end hung_up'])
  })

  test('of a try which failed are not of the next', () => {
    const flow = new ToldFlow(asking, { answered: true })
    flow.begins()
    expect(flow.presses('#7')).toContain('play 2: "That is none."')
    expect(flow.machine.isOver).toBe(false)
  })

  test('pressed ahead are kept for each which asks', () => {
    const flow = new ToldFlow([
      { type: 'sleep', option: { duration: 1_000 } },
      { type: 'digits_receive', option: { length: 1, variable: 'one' } },
      { type: 'digits_receive', option: { length: 2, variable: 'two' } },
    ])
    flow.begins()
    flow.presses('123')
    expect(flow.hears({ type: 'timeout' }, 1_000)).toEqual(['hang-up'])
    expect(flow.machine.trace.trace.map(({ variables }) => variables)).toEqual([
      {},
      { one: '1' },
      { two: '23' },
    ])
  })

  test('pressed ahead are forgotten by one which says so', () => {
    const flow = new ToldFlow([
      { type: 'sleep', option: { duration: 1_000 } },
      { type: 'digits_receive', option: { type_ahead: false } },
    ])
    flow.begins()
    flow.presses('1')
    expect(flow.hears({ type: 'timeout' }, 1_000)).toEqual(['wait 5000'])
  })

  test('which are sensitive are shown by their number alone, wherever they go', () => {
    const flow = new ToldFlow([
      { type: 'digits_receive', option: { length: 4, sensitive: true } },
      { type: 'variable_set', option: { key: 'pin', value: 'p${voipbin.call.digits}' } },
      { type: 'talk', option: { text: 'You said ${pin}.', early_media: true } },
    ])
    flow.begins()
    expect(flow.presses('4711')).toContain('play 1: "You said p4711."')
    expect(JSON.stringify(flow.machine.trace)).not.toContain('4711')
    expect(flow.machine.trace.trace[1]?.variables).toEqual({ pin: '*****' })
  })
})

describe('a connect', () => {
  const after: Written[] = [
    sales,
    {
      type: 'condition_variable',
      option: {
        condition: '==',
        variable: '${voipbin.connect.result}',
        value_string: 'busy',
        false_target_id: 'other',
      },
    },
    { id: 'busy', type: 'voicemail' },
    { id: 'other', type: 'hangup' },
  ]

  test.each([
    ['busy', 486, 'busy null'],
    ['no_answer', 480, 'other hung_up'],
    ['not_registered', 480, 'other hung_up'],
    ['failed', 503, 'other hung_up'],
    ['answered', 200, 'other hung_up'],
  ] as const)('which ends with %s leaves that, and the flow goes on', (result, status, last) => {
    const flow = new ToldFlow(after, { answered: true })
    expect(flow.begins()).toEqual(['connect sales'])
    flow.hears({ type: 'connect-ended', result, status })
    expect(flow.machine.trace.trace[0]?.variables).toMatchObject({
      'voipbin.connect.result': result,
      'voipbin.connect.status': String(status),
    })
    expect(flow.outcomes.at(-1)).toBe(last)
  })

  test('ends the call as it ended itself, where that is asked for', () => {
    const flow = new ToldFlow([
      { ...sales, option: { ...sales.option, relay_reason: true } },
      { type: 'voicemail' },
    ])
    flow.begins()
    expect(flow.hears({ type: 'connect-ended', result: 'busy', status: 486 })).toEqual(['hang-up'])
  })

  test('is given up when its time is over, but not once it was answered', () => {
    const timed = { ...sales, option: { ...sales.option, timeout: 20_000 } }
    const flow = new ToldFlow([timed, { type: 'beep' }], { answered: true })
    expect(flow.begins()).toEqual(['connect sales', 'wait 20000'])
    expect(flow.hears({ type: 'timeout' }, 20_000).slice(0, 2)).toEqual(['stop-connect', 'play 1: tone 1000'])
    const other = new ToldFlow([timed, { type: 'beep' }])
    other.begins()
    expect(other.hears({ type: 'connected', target: 'sales' })).toEqual(['stop-wait'])
    expect(other.hears({ type: 'timeout' }, 20_000)).toEqual([])
  })
})

describe('what is said', () => {
  test('by talk answers the call, by play does not', () => {
    expect(new ToldFlow([{ type: 'talk', option: { text: 'Hello.' } }]).begins()).toEqual(['answer'])
    const play = {
      type: 'play',
      option: { stream_urls: ['https://example.com/a.wav', 'https://example.com/b.wav'] },
    }
    expect(new ToldFlow([play]).begins()[0]).toBe(
      'play 1: https://example.com/a.wav, https://example.com/b.wav',
    )
  })

  test('and cannot be is passed over, with why', () => {
    const flow = new ToldFlow([{ type: 'talk', option: { text: 'Hello.' } }, { type: 'beep' }], {
      answered: true,
    })
    flow.begins()
    expect(flow.hears({ type: 'played', play: 1, why: 'there is no voice' })[1]).toBe('play 2: tone 1000')
    expect(flow.machine.trace.trace[0]).toMatchObject({ outcome: 'not_played', why: 'there is no voice' })
  })

  test('has the values of variables in it', () => {
    const flow = new ToldFlow(
      [{ type: 'talk', option: { text: 'You are ${voipbin.call.source.target}${none}.' } }],
      {
        answered: true,
        variables: { 'voipbin.call.source.target': '+12025550142' },
      },
    )
    expect(flow.begins()[0]).toBe('play 1: "You are +12025550142."')
  })
})

describe('a server of the customer’s', () => {
  const fetch = { event_url: 'https://example.com/next', variables: ['name'], failed_target_id: 'failed' }
  const asking: Written[] = [
    { type: 'fetch', option: fetch },
    { id: 'then', type: 'hangup', option: { reason: 'normal' } },
    { id: 'failed', type: 'hangup', option: { reason: 'busy' } },
  ]

  test('says what is done next, and then the flow goes on', () => {
    const flow = new ToldFlow(asking)
    expect(flow.begins()).toEqual(['fetch 1', 'wait 8000'])
    const actions = actionsOf([{ id: 'x', type: 'sleep', option: { duration: 10 } }])
    const variables = { name: 'Ada', other: 'no' }
    expect(flow.hears({ type: 'fetched', fetch: 1, result: 'ok', actions, variables })).toEqual([
      'stop-wait',
      'wait 10',
    ])
    expect(flow.hears({ type: 'timeout' }, 10)).toEqual(['hang-up 480'])
    expect(flow.machine.trace.trace[0]?.variables).toEqual({ 'voipbin.fetch.result': 'ok', name: 'Ada' })
  })

  test.each(['timeout', 'unreachable', 'refused', 'nonsense'] as const)(
    'which fails (%s) leads elsewhere',
    (result) => {
      const flow = new ToldFlow(asking)
      flow.begins()
      expect(flow.hears({ type: 'fetched', fetch: 1, result })).toContain('hang-up 486')
    },
  )

  test('which says nothing at all is waited for no longer', () => {
    const flow = new ToldFlow(asking)
    flow.begins()
    expect(flow.hears({ type: 'timeout' }, 8_000)).toEqual(['hang-up 486'])
    expect(flow.machine.trace.trace[0]?.outcome).toBe('timeout')
  })

  test('is told of something without being waited for', () => {
    const flow = new ToldFlow([
      { type: 'webhook_send', option: { uri: 'https://example.com' } },
      { type: 'beep' },
    ])
    expect(flow.begins().slice(0, 2)).toEqual(['webhook_send 1', 'play 2: tone 1000'])
  })

  test('is told so twenty times by one call, and then no more: the flow goes on', () => {
    const flow = new ToldFlow([
      { type: 'webhook_send', option: { uri: 'https://example.com' } },
      { type: 'goto', option: { target_id: 'a1', loop_count: 30 } },
      { type: 'hangup' },
    ])
    expect(flow.begins().filter((order) => order.startsWith('webhook_send'))).toHaveLength(20)
    expect(flow.outcomes.filter((one) => one === 'a1 not_sent')).toHaveLength(11)
    expect(flow.outcomes.at(-1)).toBe('a3 hung_up')
  })

  test('may say what is next for ever, but lists within lists have a bound', () => {
    const said = (...rest: Written[]) =>
      actionsOf([{ id: 'more', type: 'fetch', option: { event_url: 'https://example.com/next' } }, ...rest])
    const chain = new ToldFlow(asking)
    chain.begins()
    for (let fetch = 1; fetch <= 20; fetch++)
      expect(chain.hears({ type: 'fetched', fetch, result: 'ok', actions: said() })).toContain(
        `fetch ${fetch + 1}`,
      )
    const last = actionsOf([{ type: 'sleep', option: { duration: 10 } }])
    chain.hears({ type: 'fetched', fetch: 21, result: 'ok', actions: last })
    expect(chain.hears({ type: 'timeout' }, 10)).toEqual(['hang-up 480'])

    for (const next_id of [undefined, 'more']) {
      const nested = new ToldFlow(asking)
      nested.begins()
      const actions = said({ type: 'beep' }).map((one) => (next_id ? { ...one, next_id } : one))
      for (let fetch = 1; fetch <= 6; fetch++)
        nested.hears({
          type: 'fetched',
          fetch,
          result: 'ok',
          actions: next_id ? actions.slice(0, 1) : actions,
        })
      expect(nested.machine.trace.trace[5]).toMatchObject({
        outcome: 'refused',
        why: 'more than 5 lists are within each other',
        variables: { 'voipbin.fetch.result': 'refused' },
      })
    }
  })
})

describe('another flow', () => {
  const other = '22222222-2222-4222-8222-222222222222'
  const leads = { type: 'fetch_flow', option: { flow_id: other, failed_target_id: 'none' } }
  const rest: Written[] = [
    { id: 'back', type: 'hangup' },
    { id: 'none', type: 'hangup', option: { reason: 'rejected' } },
  ]

  test('is gone through, and then what follows', () => {
    const programs = [programOf([{ type: 'beep' }], other)]
    const flow = new ToldFlow([leads, ...rest], { programs, answered: true })
    expect(flow.begins()[0]).toBe('play 1: tone 1000')
    expect(flow.hears({ type: 'played', play: 1 })).toEqual(['stop-wait', 'hang-up 480'])
  })

  test('which is not there, or leads to itself for ever, leads elsewhere', () => {
    expect(new ToldFlow([leads, ...rest]).begins()).toEqual(['hang-up 603'])
    const programs = [programOf([leads], other)]
    const flow = new ToldFlow([leads, ...rest], { programs })
    expect(flow.begins()).toEqual(['hang-up 603'])
    expect(flow.outcomes.filter((one) => one === 'a1 ok')).toHaveLength(5)
  })

  test('which a server leads to is known from then on: fifty of them, and no more than they may hold', () => {
    const idAt = (at: number) => `33333333-3333-4333-8333-${String(at).padStart(12, '0')}`
    const leadsTo = (at: number, length: number, of: number) => {
      const option = { flow_id: idAt(at), failed_target_id: 'none' }
      const flow = new ToldFlow([
        { type: 'fetch', option: { event_url: 'https://a.test' } },
        { type: 'fetch_flow', option },
        ...rest,
      ])
      flow.begins()
      const listed = Array.from({ length }, () => ({
        type: 'variable_set',
        option: { key: 'a', value: '1' },
      }))
      const programs = Array.from({ length: of }, (_, i) => programOf(listed, idAt(i)))
      // What is said again is not counted again.
      flow.hears({ type: 'fetched', fetch: 9, result: 'ok', programs: programs.slice(0, 2) })
      flow.hears({ type: 'fetched', fetch: 1, result: 'ok', programs })
      return flow.outcomes[1]
    }
    expect([leadsTo(49, 1, 60), leadsTo(50, 1, 60)]).toEqual(['a2 ok', 'a2 refused'])
    expect([leadsTo(9, 200, 60), leadsTo(10, 200, 60)]).toEqual(['a2 ok', 'a2 refused'])
  })

  test('may go on where the one it came from says', () => {
    const programs = [programOf([{ type: 'goto', option: { target_id: 'none' } }], other)]
    expect(new ToldFlow([leads, ...rest], { programs }).begins()).toEqual(['hang-up 603'])
  })
})

describe('a recording', () => {
  test('goes on while the flow does, is paused, and is stopped', () => {
    const flow = new ToldFlow([
      { type: 'recording_start', option: { channels: 2 } },
      { type: 'recording_pause' },
      { type: 'recording_resume' },
      { type: 'recording_stop' },
      { type: 'recording_stop' },
    ])
    expect(flow.begins()).toEqual([
      'record recording-1',
      'pause-record recording-1',
      'resume-record recording-1',
      'stop-record recording-1',
      'hang-up',
    ])
    expect(flow.outcomes.at(-1)).toBe('a5 nothing')
  })

  test('ends by a key where it says so', () => {
    const flow = new ToldFlow([
      { type: 'recording_start', option: { end_of_key: '#' } },
      { type: 'sleep', option: { duration: 9 } },
    ])
    flow.begins()
    expect(flow.presses('1#')).toEqual(['stop-record recording-1'])
  })

  test('is the message of a voicemail, which ends by a key, by itself, or with the call', () => {
    const flow = new ToldFlow([{ type: 'voicemail', option: { extension: 'office1' } }])
    expect(flow.begins()).toEqual(['answer'])
    expect(flow.hears({ type: 'answered' })[0]).toBe('play 1: "Please leave a message after the tone."')
    expect(flow.hears({ type: 'played', play: 1 })[0]).toBe('play 2: tone 1000')
    expect(flow.hears({ type: 'played', play: 2 })).toEqual(['record recording-1', 'wait 130000'])
    expect(flow.presses('#')).toEqual(['stop-record recording-1'])
    expect(flow.hears({ type: 'recorded', recording: 'recording-1' })).toEqual(['stop-wait', 'hang-up'])
    expect(flow.outcomes).toEqual(['a1 recorded'])
  })
})

describe('where a flow goes', () => {
  test('is as often back as a goto says', () => {
    const flow = new ToldFlow([
      { type: 'beep' },
      { type: 'goto', option: { target_id: 'a1', loop_count: 2 } },
    ])
    flow.begins()
    for (const play of [1, 2, 3]) flow.hears({ type: 'played', play })
    expect(flow.outcomes).toEqual(['a1 played', 'a2 went', 'a1 played', 'a2 went', 'a1 played', 'a2 went_on'])
    expect(flow.machine.isOver).toBe(true)
  })

  test('is the next_id of an action, where it has one', () => {
    const flow = new ToldFlow([
      { type: 'variable_set', option: { key: 'a', value: '1' }, next_id: 'a3' },
      { type: 'hangup', option: { reason: 'busy' } },
      { type: 'hangup' },
    ])
    expect(flow.begins()).toEqual(['hang-up 480'])
  })

  test('is nowhere for ever: it is hung up after a thousand actions, and its trace has a bound', () => {
    const flow = new ToldFlow([{ type: 'goto', option: { target_id: 'a1' } }])
    expect(flow.begins()).toEqual(['wait 1'])
    for (let turn = 2; turn < 10; turn++) expect(flow.hears({ type: 'timeout' }, 1)).toEqual(['wait 1'])
    expect([...flow.hears({ type: 'timeout' }, 1), ...flow.hears({ type: 'timeout' }, 1)]).toEqual([
      'wait 1',
      'hang-up',
    ])
    expect(flow.machine.trace).toMatchObject({ ended: 'too_long', left_out: 800 })
    expect(flow.machine.trace.trace).toHaveLength(200)
  })

  test('is the end where a target is none', () => {
    const flow = new ToldFlow([{ type: 'goto', option: { target_id: 'nowhere' } }])
    expect(flow.begins()).toEqual(['hang-up'])
    expect(flow.machine.trace.ended).toBe('no_target')
  })
})

function answered(written: readonly Written[]): ToldFlow {
  const flow = new ToldFlow(written)
  flow.begins()
  flow.hears({ type: 'answered' })
  return flow
}

test('a flow which waits for nothing lets others have their turn after a hundred actions', () => {
  const flow = new ToldFlow([
    { id: 'round', type: 'variable_set', option: { key: 'x', value: 'y' } },
    { type: 'goto', option: { target_id: 'round', loop_count: 74 } },
    { type: 'hangup' },
  ])
  expect(flow.begins()).toEqual(['wait 1'])
  expect(flow.presses('1')).toEqual([])
  expect(flow.hears({ type: 'timeout' })).toEqual(['hang-up 480'])
  expect(flow.machine.trace.ended).toBe('hung_up')
})
