import { describe, expect, test } from 'vitest'
import { flowAction } from '#contract'
import { actionsExample } from '../../../functions/config/flow-actions.ts'
import {
  drafted,
  draftOf,
  faultsLeft,
  faultsOfAction,
  faultsOfVariable,
  newAction,
  newActionTypes,
  readDraft,
  readVariables,
  variablesDraftOf,
} from '../../../functions/console/flow-draft.ts'
import { boxHeight, boxWidth, drawn } from '../../../functions/console/flow-layout.ts'
import { FlowWalk } from '../../../functions/console/flow-walk.ts'
import { actionName, actionWords, waysOf, writtenActions } from '../../../functions/console/flow-ways.ts'

/*
 * A flow as the console draws it, walks through it and has it rewritten.
 */

const menu = writtenActions(actionsExample)

test('an action is called by its id, and by its type where it was given one', () => {
  const id = crypto.randomUUID()
  expect(actionName({ id: 'menu', type: 'talk' })).toBe('menu')
  expect([id, ''].map((none) => actionName({ id: none, type: 'talk' }))).toEqual(['talk', 'talk'])
  expect(actionName({ id, type: '' })).toBe('?')
})

describe('the ways of a flow', () => {
  test('are those of its actions, branches and failures, each with when it is taken', () => {
    expect(told(menu)).toEqual([
      'answer → menu',
      'menu → choice pressed',
      'menu → bye not',
      'choice → sales 1',
      'choice → support else',
      'sales → support',
      'support → bye',
    ])
  })

  test.each<[string, object, string[]]>([
    ['goto', { target_id: 'b' }, ['a → b']],
    ['goto', { target_id: 'b', loop_count: 3 }, ['a → b 3 ×', 'a → b then']],
    ['condition_datetime', { false_target_id: 'c' }, ['a → b yes', 'a → c no']],
    ['fetch', { failed_target_id: 'c' }, ['a → b ok', 'a → c fails']],
    ['branch', { target_ids: { '': 'c' } }, ['a → c nothing', 'a → b else']],
    ['branch', { target_ids: { 1: 'nowhere' }, default_target_id: 'c' }, ['a → c else']],
    ['hangup', {}, []],
    ['talk', { text: 'x' }, ['a → b']],
    ['what no action is', {}, ['a → b']],
  ])('of %s with %j are %j', (type, option, ways) => {
    const others = [
      { id: 'b', type: 'stop' },
      { id: 'c', type: 'stop' },
    ]
    expect(told(writtenActions([{ id: 'a', type, option }, ...others]))).toEqual(ways)
  })

  test.each([undefined, null, 'x', {}, [null], [[]], [{ id: 1, option: 'x', next_id: {} }]])(
    'are found in %j without a complaint',
    (value) => {
      const actions = writtenActions(value)
      expect(waysOf(actions)).toEqual([])
      expect(actions.map(actionWords)).toEqual(actions.map(() => ''))
    },
  )
})

describe('a flow drawn', () => {
  test('has each action below those which lead to it, and none upon another', () => {
    const { boxes, ways, width, height } = drawn(menu.length, waysOf(menu))
    for (const { from, to = 0 } of ways)
      expect(boxes[to]?.y).toBeGreaterThan((boxes[from]?.y ?? 0) + boxHeight)
    expect(overlaps(boxes)).toEqual([])
    for (const { x, y } of [...boxes, ...ways.flatMap(({ points }) => points)]) {
      expect(x).toBeGreaterThanOrEqual(0)
      expect(x).toBeLessThanOrEqual(width)
      expect(y).toBeLessThanOrEqual(height)
    }
  })

  test('has ways which lead back, and what no way leads to beneath the rest', () => {
    const round = writtenActions([
      { id: 'a', type: 'talk' },
      { id: 'b', type: 'goto', option: { target_id: 'a', loop_count: 2 } },
      { id: 'c', type: 'hangup' },
      { id: 'lost', type: 'talk' },
      { id: 'lost too', type: 'goto', option: { target_id: 'lost' } },
    ])
    const { boxes, ways } = drawn(round.length, waysOf(round))
    expect(boxes.map(({ y }) => y)).toEqual(boxes.map(({ y }) => y).toSorted((one, other) => one - other))
    expect(ways.filter(({ points }) => (points.at(-1)?.y ?? 0) < (points[0]?.y ?? 0))).toHaveLength(2)
  })

  test('is drawn whatever leads where: 200 actions in any order of ways', () => {
    let seed = 7
    const dice = (sides: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % sides
    }
    for (const count of [1, 2, 40, 200]) {
      const ways = Array.from({ length: count * 2 }, () => ({
        from: dice(count),
        to: dice(count),
        label: '',
        outcomes: [],
      }))
      const { boxes } = drawn(count, ways)
      expect(boxes).toHaveLength(count)
      expect(overlaps(boxes)).toEqual([])
      expect(boxes.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))).toBe(true)
    }
  })
})

test('a walk lights the ways it took, by what each action came to', () => {
  const step = (action_id: string, outcome: string) => ({
    action_id,
    type: '',
    at_ms: 0,
    variables: {},
    outcome,
    why: null,
  })
  const trace = [
    step('answer', 'answered'),
    step('menu', 'digits'),
    step('choice', 'default'),
    step('support', 'x'),
  ]
  const lit = (shown: number) => {
    const walk = new FlowWalk(menu, trace, shown)
    return waysOf(menu)
      .filter((way) => walk.took(way))
      .map(words(menu))
  }
  expect(lit(4)).toEqual(['answer → menu', 'menu → choice pressed', 'choice → support else'])
  expect(lit(2)).toEqual(['answer → menu'])
  expect(new FlowWalk(menu, trace, 2).isAt(1)).toBe(true)
  expect(new FlowWalk(menu, [step('of another flow', 'x')], 1).passed(0)).toBe(false)
})

describe('a draft', () => {
  test('says what is no JSON at the action which is none', () => {
    const { actions, faults } = readDraft([...draftOf([{ id: 'a' }]), drafted('{')])
    expect(actions).toEqual([{ id: 'a' }, null])
    expect(faults).toEqual([{ field: 'actions.1', message: expect.stringContaining('is no JSON') }])
  })

  test('has its faults at the actions they name, in a flow which is saved as in one which is tried', () => {
    const faults = ['actions.1', 'actions.1.option.text', 'flow.actions.1.id', 'actions.10', 'name'].map(
      (field) => ({
        field,
        message: 'x',
      }),
    )
    expect(faultsOfAction(faults, 1).map(({ field }) => field)).toEqual(['', 'option.text', 'id'])
  })

  test('keeps the faults of actions which were not touched, and none where places are others by now', () => {
    const before = draftOf([{ id: 'a' }, { id: 'b' }])
    const [one, other] = before
    if (!one || !other) throw new Error('The draft is empty.')
    const faults = ['actions.0.id', 'actions.1', 'actions'].map((field) => ({ field, message: 'x' }))
    const left = (after: typeof before) => faultsLeft(faults, before, after).map(({ field }) => field)
    expect(left([one, { ...other, text: '{}' }])).toEqual(['actions.0.id', 'actions'])
    expect(left([other, one])).toEqual([])
    expect(left([one])).toEqual([])
  })

  test.each(newActionTypes)('is given %s as an action which there is', (type) => {
    const { text } = newAction(type, [type])
    expect(flowAction.safeParse(JSON.parse(text)).error?.issues ?? []).toEqual([])
    expect(JSON.parse(text).id).toBe(`${type}-2`)
  })
})

function told(actions: ReturnType<typeof writtenActions>): string[] {
  return waysOf(actions).map(words(actions))
}

function words(actions: ReturnType<typeof writtenActions>) {
  return ({ from, to = 0, label }: { from: number; to: number | undefined; label: string }) =>
    `${actions[from]?.id} → ${actions[to]?.id} ${label}`.trim()
}

/** Pairs of boxes of which one lies upon the other. */
function overlaps(boxes: readonly { x: number; y: number }[]): string[] {
  return boxes.flatMap((one, at) =>
    boxes
      .slice(at + 1)
      .filter((other) => Math.abs(one.x - other.x) < boxWidth && Math.abs(one.y - other.y) < boxHeight)
      .map((other) => `${JSON.stringify(one)} ${JSON.stringify(other)}`),
  )
}

describe('the variables of a flow which is rewritten', () => {
  test('are read as they were written', () => {
    const variables = { language: 'en', greeting: '' }
    expect(readVariables(variablesDraftOf(variables))).toEqual({ variables, faults: [] })
  })

  test('are faulty where a name is there twice, at each of that name and no other', () => {
    const draft = [
      ...variablesDraftOf({ language: 'en', hours: '8' }),
      { ...drafted('de'), name: 'language' },
    ]
    const { faults } = readVariables(draft)
    expect(faultsOfVariable(faults, 'language')).toHaveLength(1)
    expect(faultsOfVariable(faults, 'hours')).toEqual([])
    expect(faultsOfVariable([{ field: 'flow.variables.hours', message: 'x' }], 'hours')).toHaveLength(1)
  })
})
