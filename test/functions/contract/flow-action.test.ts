import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import {
  type Announcement,
  actionId,
  askedResults,
  callVariables,
  connectResults,
  destinationName,
  type FlowDestination,
  type FlowProgram,
  flowAction,
  flowActionSchema,
  flowFacts,
  resultVariables,
} from '#contract'

/** As VoIPBIN's documents write a flow (`flow_overview`), its ids included, one of which is no UUID. */
const written = [
  { id: '9c8ebac0-f05e-11ef-b9ae-4b8aecc935fe', type: 'answer' },
  {
    id: '9c30642a-f05e-11ef-8674-ebba44c5cb0f2',
    type: 'talk',
    option: { text: 'Welcome to VoIPBIN', language: 'en-US' },
  },
  {
    id: '9c659370-f05e-11ef-b141-63708262508b',
    type: 'digits_receive',
    option: { duration: 5000, length: 1 },
  },
  {
    id: '9cb2962a-f05e-11ef-ae35-2374e1ae16df',
    type: 'branch',
    option: {
      variable: 'voipbin.call.digits',
      target_ids: { '1': '9c30642a-f05e-11ef-8674-ebba44c5cb0f2' },
    },
  },
]

describe('an action', () => {
  test.each(written)('of the documents of VoIPBIN is read as it stands: $type', (action) => {
    expect(flowAction.parse(action)).toMatchObject(action)
  })

  const refused: [object, string][] = [
    [{ type: 'mute' }, 'type'],
    [{ type: 'play', option: {} }, 'option'],
    [{ type: 'play', option: { stream_urls: ['ftp://example.com/a.wav'] } }, 'option.stream_urls.0'],
    [{ type: 'goto', option: { target_id: 'a', loop_count: 0 } }, 'option.loop_count'],
    [{ type: 'connect', option: { destinations: [{ type: 'extension' }] } }, 'option.destinations.0'],
    [{ type: 'connect', option: { destinations: [] } }, 'option.destinations'],
    [{ type: 'digits_receive', option: { prompt: { language: 'en' } } }, 'option.prompt'],
    [{ type: 'digits_send', option: { digits: '1w2' } }, 'option.digits'],
    [{ type: 'recording_start', option: { format: 'mp3' } }, 'option.format'],
    [{ type: 'condition_datetime', option: { holidays: ['25.12.'] } }, 'option.holidays.0'],
    [
      {
        type: 'call',
        option: { destinations: [{ type: 'tel', target: '+1' }], actions: [{ type: 'call' }] },
      },
      'option.actions.0.type',
    ],
  ]
  test.each(refused)('which is none is refused where it is not: %j', (action, path) => {
    const { error } = flowAction.safeParse({ id: 'a', ...action })
    expect(error?.issues.map((issue) => issue.path.join('.'))).toContain(path)
  })

  test('of another edge is read without the options which are unknown here', () => {
    const action = { id: 'a', type: 'sleep', option: { duration: 5, depth: 'deep' } }
    expect(flowAction.parse(action)).toEqual({ ...action, option: { duration: 5 }, next_id: null })
  })
})

test('a flow with an action which is unknown here leaves the rest of a snapshot readable', () => {
  const facts = { id: crypto.randomUUID(), customer_id: crypto.randomUUID(), extension: null }
  const read = flowFacts.parse({ ...facts, actions: [{ id: 'a', type: 'teleport' }] })
  expect(read).toEqual({ ...facts, name: '', version: 1, actions: null })
})

test('a flow which is written is read without a key that is unknown', () => {
  const strict = flowActionSchema((shape) => z.strictObject(shape), actionId)
  const { error } = strict.safeParse({ id: 'a', type: 'talk', option: { text: 'Hello', gender: 'female' } })
  expect(error?.issues).toMatchObject([{ code: 'unrecognized_keys', keys: ['gender'], path: ['option'] }])
})

const rung: [FlowDestination['type'], string, string, string][] = [
  ['extension', '', 'office1', 'office1'],
  ['extension', 'office1', '', 'office1'],
  ['extension', 'its id', 'office1', 'office1'],
  ['tel', '+15551234567', 'Alice', '+15551234567'],
]
test.each(rung)(
  'a destination of type %s with target %j and target_name %j is %s',
  (type, target, target_name, name) => {
    expect(destinationName({ type, target, target_name })).toBe(name)
  },
)

test('what is said and whom a flow rings have no part which the contract leaves open', () => {
  const said: Announcement = {
    prompt_id: null,
    stream_url: null,
    text: 'Hello',
    language: 'en-US',
    provider: '',
    voice_id: '',
  }
  const program: FlowProgram = {
    id: crypto.randomUUID(),
    version: 1,
    name: '',
    actions: [flowAction.parse({ id: 'a', type: 'voicemail', option: { prompt: { text: 'Hello' } } })],
  }
  expect(program.actions[0]?.option).toMatchObject({ prompt: said })
})

test('every variable which is set without being named is VoIPBIN\u2019s, or called as if it were', () => {
  const names = [...callVariables, ...Object.values(resultVariables).flat()]
  expect(names.filter((name) => !name.startsWith('voipbin.'))).toEqual([])
  expect(connectResults).toContain('answered')
  expect(new Set([...askedResults, ...connectResults]).size).toBe(askedResults.length + connectResults.length)
})
