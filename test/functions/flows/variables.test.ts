import { expect, test } from 'vitest'
import { flowLimits, utcMs } from '#contract'
import { simulate } from '#flows'
import { FlowVariables } from '../../../functions/flows/variables.ts'
import { programOf, ToldFlow, type Written } from './told.ts'

const x = 'x'.repeat(flowLimits.value)
const set = (key: string, value: string): Written => ({ type: 'variable_set', option: { key, value } })

test('a text of a thousand variables builds no more than what is kept of it', () => {
  const many = Array.from({ length: 60 }, (_, at) => set(`v${at}`, '${x}'.repeat(1_024)))
  const before = process.memoryUsage().heapUsed
  const flow = new ToldFlow([set('x', x), ...many])
  flow.begins()
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1_048_576)
  expect(flow.machine.isOver).toBe(true)
})

test.each<[string, string, number, string]>([
  ['what is left between them', 'a ${y} b ${gone}${y}!', 99, 'a 12 b 12!'],
  ['no more than there is room for', '${y}${y}${y}', 5, '12121'],
  ['nothing where there is no room', '${y}', 0, ''],
  ['braces which are no variable', '$ ${} ${${y}}', 99, '$ ${} ${12}'],
])('a text is filled with its variables and %s', (_, text, atMost, filled) => {
  expect(new FlowVariables({ y: '12' }).filled(text, atMost).text).toBe(filled)
})

test('an option is as long as a value may be, or as it is written, and all of it has an end', () => {
  const variables = new FlowVariables({ x })
  const { data, many } = variables.fill({
    data: `${'d'.repeat(8_000)}`.concat('${x}'),
    many: Array(40).fill('${x}${x}'),
  })
  expect(data).toHaveLength(8_004)
  expect(many[0]).toHaveLength(flowLimits.value)
  expect(data.length + many.join('').length).toBe(flowLimits.filled)
})

test('variables which are too large together are not set, and the trace says which', () => {
  const flow = new ToldFlow([...Array.from({ length: 40 }, (_, at) => set(`v${at}`, x)), set('v1', 'less')])
  flow.begins()
  const { trace } = flow.machine.trace
  const refused = trace.filter(({ outcome }) => outcome === 'not_set')
  expect(refused).toHaveLength(9)
  expect(refused[0]?.why).toMatch(/^"v31" was not set: .* of 131072 characters in all/)
  expect(trace.at(-1)).toMatchObject({ outcome: 'set', variables: { v1: 'less' } })
})

test('what a trial tells of orders has an end, and how the flow ended is told', () => {
  const variables = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`v${at}`, x]))
  const program = programOf([
    { id: 'send', type: 'webhook_send', option: { uri: 'https://example.com' } },
    { type: 'goto', option: { target_id: 'send', loop_count: 100 } },
  ])
  const { orders } = simulate({ program, variables, at: utcMs(0), digits: '' })
  expect(JSON.stringify(orders).length).toBeLessThan(1_100_000)
  expect(orders.at(-1)?.type).toBe('hang-up')
})
