import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { askedResults, callVariables, connectResults, type FlowProgram, flowTrace, parseUtc } from '#contract'
import type { Database } from '#db'
import { simulate } from '#flows'
import { utcNow } from '../clock.ts'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { hold } from '../http/check.ts'
import type { Operation } from '../http/operation.ts'
import { readBody } from '../http/validate.ts'
import { id } from './fields.ts'
import { actions, actionsExample, flowVariables, referencesIn } from './flow-actions.ts'
import { carriedOut } from './flow-engines.ts'
import { programsIn, programsLedTo } from './flow-programs.ts'
import { refuseFaulty, settledActions } from './flow-references.ts'

const flowToTry = z
  .strictObject({ actions, variables: flowVariables.default({}) })
  .meta({ id: 'FlowToTry', description: 'A flow which need not be kept.' })

const answered = z.strictObject({
  result: z.enum(askedResults).default('ok'),
  status: z.int().min(100).max(599).optional(),
  actions: actions.optional(),
  variables: z.record(z.string().min(1).max(128), z.string().max(4_096)).default({}),
})

const simulationInput = z
  .strictObject({
    flow: flowToTry.optional(),
    flow_id: id.optional().describe('A flow which is kept, instead of `flow`.'),
    digits: z
      .string()
      .max(256)
      .regex(/^[0-9A-D*#,]*$/, 'are no keys: 0 to 9, A to D, * and # are, and a comma lets the time pass')
      .default('')
      .describe(
        'What the caller presses when it is asked; a comma: it presses nothing until the time is over.',
      ),
    at: z.iso
      .datetime({ offset: true, message: 'is not an instant such as 2026-11-24T09:00:00Z' })
      .optional()
      .describe('When the call begins; now, where it is not given.'),
    from: z.string().max(256).default('+15551230000').describe('The number which calls.'),
    to: z.string().max(256).default('').describe('The number which was called.'),
    answers: z
      .array(z.enum(connectResults))
      .max(100)
      .default([])
      .describe('How each `connect` ends, in turn; where it is not said, `answered`.'),
    fetched: z
      .array(answered)
      .max(20)
      .default([])
      .describe(
        'What each `fetch`, `webhook_send` and `call` comes to, in turn; where it is not said, `ok`.',
      ),
  })
  .refine(({ flow, flow_id }) => (flow === undefined) !== (flow_id === undefined), {
    path: ['flow'],
    message: 'is needed, or flow_id: one of the two',
  })
type SimulationInput = z.output<typeof simulationInput>

/** A flow walked through without a call. */
export const simulations = new Hono<Edge>().post('/', async (c) => {
  const asked = await readBody(c, simulationInput)
  const [program, programs] = await programsOf(c, asked)
  // A relay would not do it: said as when the flow is saved.
  await hold(c.get('db'), carriedOut(program.actions))
  const { flow_id = null, digits, answers, fetched } = asked
  const at = asked.at === undefined ? utcNow() : parseUtc(asked.at)
  const variables = {
    ...program.variables,
    ...variablesOf(asked),
    'voipbin.activeflow.flow_id': flow_id ?? '',
  }
  const { trace, orders } = simulate({ program, programs, variables, at, digits, answers, fetched })
  return c.json({ ...trace, flow_id, orders })
})

function variablesOf({ from, to }: SimulationInput): Record<string, string> {
  const known = { source: from, destination: to }
  const set = Object.entries(known).flatMap(([party, target]) => [
    [`voipbin.call.${party}.type`, 'tel'],
    [`voipbin.call.${party}.target`, target],
  ])
  const empty = callVariables.map((name) => [name, ''])
  return { ...Object.fromEntries([...empty, ...set]), 'voipbin.call.direction': 'incoming' }
}

/** The flow which is tried, and those to which it leads: in one round trip. */
async function programsOf(
  c: Context<Edge>,
  { flow, flow_id }: SimulationInput,
): Promise<[FlowProgram, FlowProgram[]]> {
  const { customerId } = c.get('principal')
  if (flow_id !== undefined) {
    const all = await kept(c.get('db'), customerId, [flow_id])
    const program = all.find((one) => one.id === flow_id)
    if (!program) throw ApiError.field('flow_id', 'names no flow of yours', 'REFERENCE_NOT_FOUND')
    return [program, all]
  }
  const { actions: written, variables } = flow ?? { actions: [], variables: {} }
  const settled = await settledActions(c, written, 'flow.actions')
  refuseFaulty(settled, variables, 'flow.actions')
  const led = referencesIn(settled).filter(({ kind }) => kind === 'flow')
  const ids = led.map(({ name }) => name)
  const programs = ids.length === 0 ? [] : await kept(c.get('db'), customerId, ids)
  const missing = led.find(({ name }) => !programs.some((one) => one.id === name))
  if (missing)
    throw ApiError.field(`flow.actions.${missing.at}`, 'names no flow of yours', 'REFERENCE_NOT_FOUND')
  return [{ id: crypto.randomUUID(), version: 1, name: '', actions: settled, variables }, programs]
}

/** Flows by their ids, and those to which they lead. */
async function kept(db: Database, customerId: string, ids: readonly string[]): Promise<FlowProgram[]> {
  const { rows } = await db.execute(programsLedTo(customerId, ids))
  return programsIn(rows)
}

const simulation = flowTrace
  .extend({
    orders: z
      .array(z.looseObject({ type: z.string() }))
      .describe('What the call was told to do, in order: to play, to ring, to wait; the first MiB of it.'),
  })
  .meta({ id: 'FlowSimulation', description: 'What a flow goes through.' })

/** Trying a flow. */
export const simulationOperations: readonly Operation[] = [
  {
    id: 'simulateFlow',
    method: 'post',
    path: '/v1.0/flows/simulate',
    summary: 'Walk through a flow without a call',
    description:
      'The machine which runs a call’s flow, on given keys and answers: its trace, as every call keeps it. Nothing is stored, and no server is asked.',
    tag: 'flows',
    scope: 'read',
    body: simulationInput,
    answer: simulation,
    errors: ['INVALID_FLOW', 'REFERENCE_NOT_FOUND'],
    example: {
      body: {
        flow: { actions: [actionsExample[0], { id: 'bye', type: 'hangup' }] },
        at: '2026-11-24T09:00:00Z',
      },
      answer: {
        flow_id: null,
        version: 1,
        name: '',
        trace: [
          { action_id: 'answer', type: 'answer', at_ms: 0, variables: {}, outcome: 'answered', why: null },
          { action_id: 'bye', type: 'hangup', at_ms: 0, variables: {}, outcome: 'hung_up', why: null },
        ],
        left_out: 0,
        ended: 'hung_up',
        orders: [{ type: 'answer' }, { type: 'hang-up', status: 480 }],
      },
    },
  },
]
