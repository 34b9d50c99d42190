import { describe, expect, test } from 'vitest'
import { checkFlow } from '#flows'
import { actionsOf, type Written } from './told.ts'

const talk = (text: string, more = {}) => ({ type: 'talk', option: { text }, ...more })
const goes = (to: string, times: number | null = null) => ({
  type: 'goto',
  option: { target_id: to, loop_count: times },
})
const branch = (target_ids: object, more = {}) => ({ type: 'branch', option: { target_ids, ...more } })
const sets = (key: string, value = 'x') => ({ type: 'variable_set', option: { key, value } })
const asks = { type: 'digits_receive' }

/** Where it is wrong, by the action's place and what is in it. */
const faults = (written: Written[], given: string[] = []) =>
  checkFlow(actionsOf(written), given).map(({ path }) => path.join('.'))

describe('a flow may go round', () => {
  const bounded: [string, Written[]][] = [
    ['so many times', [talk('Hello'), goes('a1', 3)]],
    ['within what goes round so many times', [asks, goes('a1', 2), goes('a1', 3)]],
    ['by a key which the caller has to press each time', [asks, branch({ '1': 'a1' })]],
    [
      'by a key which it did not ask for in time',
      [{ ...asks, option: { failed_target_id: 'a3' } }, goes('a1'), { type: 'hangup' }],
    ],
    ['nowhere: it goes ahead', [goes('a3'), talk('no'), talk('yes')]],
  ]
  test.each(bounded)('%s', (_, written) => {
    expect(faults(written)).toEqual([])
  })

  const endless: [string, Written[], string][] = [
    ['without end', [talk('Hello'), goes('a1')], '1'],
    ['by itself', [goes('a1')], '0'],
    ['by what follows it', [talk('Hello', { next_id: 'a1' })], '0'],
    [
      'by the silence of its caller',
      [asks, branch({ '1': 'a3' }, { default_target_id: 'a1' }), talk('Bye')],
      '1',
    ],
    ['by a key which is none', [asks, branch({ '': 'a1' })], '1'],
    ['by what no caller pressed', [sets('way'), branch({ x: 'a1' }, { variable: 'way' })], '1'],
    [
      'by what a server says',
      [
        { type: 'fetch', option: { event_url: 'https://example.com', variables: ['way'] } },
        branch({ x: 'a1' }, { variable: 'way' }),
      ],
      '1',
    ],
    ['by a try which fails', [{ ...asks, option: { failed_target_id: 'a1' } }], '0'],
    [
      'until it is morning',
      [
        { type: 'sleep', option: { duration: 1 } },
        { type: 'condition_datetime', option: { hour: 8, false_target_id: 'a1' } },
      ],
      '1',
    ],
    [
      'in a call which it makes',
      [
        {
          type: 'call',
          option: { destinations: [{ type: 'tel', target: '+1' }], actions: [{ id: 'a', ...goes('a') }] },
        },
      ],
      '0.option.actions.0',
    ],
  ]
  test.each(endless)('but not %s', (_, written, place) => {
    expect(faults(written)).toEqual([place])
  })
})

describe('a variable is set before it is used', () => {
  const set: [string, Written[]][] = [
    ['by an action before', [sets('who'), talk('Hello ${who}')]],
    [
      'on both ways to it',
      [asks, branch({ '1': 'a5' }), sets('who'), goes('a6'), sets('who'), talk('${who}')],
    ],
    ['by any call', [talk('${voipbin.call.source.target}')]],
    [
      'by what it came to',
      [
        { type: 'connect', option: { destinations: [{ type: 'tel', target: '+1' }], variable: 'how' } },
        talk('${how} ${voipbin.connect.status}'),
      ],
    ],
    [
      'by another flow, perhaps',
      [{ type: 'fetch_flow', option: { flow_id: crypto.randomUUID() } }, talk('${who}')],
    ],
    ['where no way leads', [{ type: 'stop' }, talk('${who}')]],
  ]
  test.each(set)('%s', (_, written) => {
    expect(faults(written)).toEqual([])
  })

  const unset: [string, Written[], string[]][] = [
    ['nowhere', [talk('Hello ${who}')], ['0.option.text']],
    ['after it', [talk('${who}'), sets('who')], ['0.option.text']],
    ['on one of two ways', [asks, branch({ '1': 'a4' }), sets('who'), talk('${who}')], ['3.option.text']],
    [
      'by nothing of that name',
      [{ type: 'fetch_flow', option: { flow_id: crypto.randomUUID() } }, talk('${voipbin.call.caller_id}')],
      ['1.option.text'],
    ],
    ['nowhere, in what it sets', [sets('who', '${whom}')], ['0.option.value']],
    ['nowhere, where it branches', [branch({}, { variable: '${who}' })], ['0.option.variable']],
    [
      'nowhere, where it compares',
      [{ type: 'condition_variable', option: { condition: '==', variable: 'who', false_target_id: 'a1' } }],
      ['0', '0.option.variable'],
    ],
  ]
  test.each(unset)('and not %s', (_, written, places) => {
    expect(faults(written)).toEqual(places)
  })

  test('or with the flow', () => {
    expect(faults([talk('Hello ${who}')], ['who'])).toEqual([])
  })
})

describe('what is wrong with an action says so', () => {
  /** An id as actions are given which came without. */
  const unseen = (nth: number) => `00000000-0000-4000-8000-00000000000${nth}`
  const wrong: [Written[], string, string][] = [
    [
      [talk('Hello', { next_id: 'gone' })],
      '0.next_id',
      'of "a1" (talk) leads to "gone", and no action has that id: there are "a1"',
    ],
    [
      [talk('Hello', { id: unseen(1), next_id: 'gone' }), { id: 'end', type: 'stop' }],
      '0.next_id',
      'of actions.0 (talk) leads to "gone", and no action has that id: there are "end"',
    ],
    [
      [talk('Hello', { id: unseen(1), next_id: 'gone' })],
      '0.next_id',
      'of actions.0 (talk) leads to "gone", and no action has that id: give the action which is meant an id',
    ],
    [
      [talk('Hello', { id: unseen(1), next_id: unseen(2) })],
      '0.next_id',
      `of actions.0 (talk) leads to "${unseen(2)}", and no action has that id: there are "${unseen(1)}"`,
    ],
    [
      [talk('Hello', { id: 'a' }), { id: unseen(1), type: 'goto', option: { target_id: 'a' } }],
      '1',
      'goes round for ever if the caller does nothing: "a", then actions.1 (goto), then "a". Lead it back by a goto with a loop_count, or elsewhere',
    ],
    [
      [
        { id: 'b', type: 'answer' },
        { id: 'b', type: 'stop' },
      ],
      '1.id',
      'is the id of an action before it, "b": each needs one of its own',
    ],
    [
      [{ type: 'call', option: { destinations: [{ type: 'tel', target: '+1' }] } }],
      '0.option',
      'of "a1" (call) needs one of flow_id and actions: what the other call does',
    ],
    [
      [
        { type: 'condition_datetime', option: { time_zone: 'Mars/Base', false_target_id: 'a2' } },
        { type: 'stop' },
      ],
      '0.option.time_zone',
      'of "a1" (condition_datetime) is no time zone such as Europe/Berlin',
    ],
    [
      [
        { type: 'condition_datetime', option: { holidays: ['02-30'], false_target_id: 'a2' } },
        { type: 'stop' },
      ],
      '0.option.holidays.0',
      'of "a1" (condition_datetime) is no day of any year',
    ],
  ]
  test.each(wrong)('%#: %j', (written, place, message) => {
    expect(checkFlow(actionsOf(written)).map((fault) => [fault.path.join('.'), fault.message])).toEqual([
      [place, message],
    ])
  })

  test('where there are too many, those of its calls included', () => {
    const long = Array.from({ length: 150 }, () => ({ type: 'beep' }))
    const called = {
      type: 'call',
      option: {
        destinations: [{ type: 'tel', target: '+1' }],
        actions: long.map((one, at) => ({ id: String(at), ...one })),
      },
    }
    expect(faults([...long, called])).toEqual([''])
  })
})
