import { and, desc, eq, type SQL } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { instant } from '#contract'
import { commands } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { listed, listShape, lists, paging, readPage } from '../http/page.ts'
import { before } from '../http/queries.ts'
import { readQuery, takes } from '../http/query.ts'
import { readId } from '../http/validate.ts'
import { hubOf } from '../hub/client.ts'
import { HOURLY, runDrill, runsOf } from '../store/drills.ts'
import { drills } from './drills.ts'
import { waiting } from './provider-tests.ts'

/** Running a drill by hand, and what its runs found out. */
export const drillActions = new Hono<Edge>()
  .post('/:id/run', takes(waiting), async (c) => {
    const { wait } = readQuery(c, waiting)
    const drill = await drills.find(c, readId(c))
    if (drill.deletedAt !== null) throw new ApiError('DRILL_NOT_FOUND', 'There is no such drill.')
    const run = await outcome(c, drill.id, await begin(c, drill.id), wait)
    return c.json(present(run), run.doneAt === null ? 202 : 200)
  })
  .get('/:id/runs', lists(), async (c) => {
    const [{ id }, page] = [await drills.find(c, readId(c)), readPage(c)]
    const rows = await runs(
      c,
      id,
      page.after && before(commands.createdAt, commands.id, page.after),
      page.size + 1,
    )
    return c.json(listed(rows, page, ({ createdAt, id }) => ({ at: createdAt, id }), present))
  })

/** Begins a run, and gives its id. Throws where one goes on, enough were, or no relay lives. */
async function begin(c: Context<Edge>, drillId: string): Promise<string> {
  const begun = await runDrill(c.get('db'), drillId)
  if ('runId' in begun) {
    void hubOf(c).ordered([begun.relayId])
    return begun.runId
  }
  if (begun.refused === 'running')
    throw new ApiError('TOO_MANY_TESTS', 'This drill is being run already. Wait for what comes of it.')
  if (begun.refused === 'no relay') throw new ApiError('NO_RELAY', 'No relay is alive which could run it.')
  const { waitS } = begun
  c.header('Retry-After', String(waitS))
  throw new ApiError(
    'TOO_MANY_DRILLS',
    `Drills of yours ran ${HOURLY} times within an hour. Wait ${waitS} s.`,
  )
}

type RunRow = typeof commands.$inferSelect

/** The run as it is when it is over, or when it was waited for long enough; looked at ever less often. */
async function outcome(c: Context<Edge>, drillId: string, runId: string, wait: number): Promise<RunRow> {
  let [run, pause] = [await look(c, drillId, runId), 250]
  for (let left = wait * 1000; left > 0 && run.doneAt === null; left -= pause) {
    pause = Math.min(left, 1000, pause * 1.5)
    await new Promise((resolve) => setTimeout(resolve, pause))
    run = await look(c, drillId, runId)
  }
  return run
}

async function look(c: Context<Edge>, drillId: string, runId: string): Promise<RunRow> {
  const [run] = await runs(c, drillId, eq(commands.id, runId), 1)
  if (!run) throw new Error('A run which began is not there.')
  return run
}

function runs(c: Context<Edge>, drillId: string, which: SQL | undefined, most: number): Promise<RunRow[]> {
  const mine = eq(commands.customerId, c.get('principal').customerId)
  return c
    .get('db')
    .select()
    .from(commands)
    .where(and(mine, runsOf(drillId), which))
    .orderBy(desc(commands.createdAt), desc(commands.id))
    .limit(most)
}

function present({ id, relayId, body, takenAt, result, createdAt, doneAt }: RunRow) {
  const { drill_id, cause, provider_down, extension_id, from, to } = body
  const state = doneAt !== null ? 'done' : takenAt !== null ? 'running' : 'waiting'
  const verdict = state === 'waiting' ? `waiting for ${relayId}` : `${relayId} is at it`
  const open = {
    ok: null,
    verdict,
    status: null,
    pdd_ms: null,
    provider_id: null,
    decision: null,
    attempts: [],
  }
  return {
    id,
    drill_id,
    relay_id: relayId,
    cause,
    assumed_down: provider_down,
    extension_id,
    from,
    to,
    state,
    ...open,
    ...found(result),
    tm_create: createdAt,
    tm_done: doneAt,
  }
}

/** What of a result is a run's: a relay which ran nothing says less. */
function found(result: RunRow['result']): Record<string, unknown> {
  const shown = ['ok', 'verdict', 'status', 'pdd_ms', 'provider_id', 'decision', 'attempts']
  return Object.fromEntries(Object.entries(result ?? {}).filter(([key]) => shown.includes(key)))
}

const candidate = z.looseObject({
  provider_name: z.string(),
  kept: z.boolean(),
  code: z.string(),
  why: z.string(),
})
const run = z
  .object({
    id: z.guid(),
    drill_id: z.guid(),
    relay_id: z.string().describe('Which relay called; empty: none did, as `verdict` says why.'),
    cause: z.enum(['asked', 'schedule']).describe('Whether it was asked for, or its time had come.'),
    assumed_down: z.guid().nullable().describe('The provider which was taken to be down.'),
    extension_id: z.guid().nullable(),
    from: z.string().nullable(),
    to: z.string(),
    state: z.enum(['waiting', 'running', 'done']),
    ok: z.boolean().nullable().describe('Whether a provider took the call; null until it is done.'),
    verdict: z.string().describe('What was found out, in one sentence.'),
    status: z.int().nullable().describe('The last SIP status; 0: none came.'),
    pdd_ms: z
      .int()
      .nullable()
      .describe('Milliseconds from INVITE to ringing at the provider which took the call.'),
    provider_id: z.guid().nullable().describe('The provider which took the call.'),
    decision: z
      .object({
        outcome: z.string(),
        reason: z.string().nullable(),
        message: z.string(),
        version: z.int().nullable(),
        candidates: z.array(candidate).describe('The first candidates, and why each was kept or skipped.'),
      })
      .nullable()
      .describe('How the call was decided; null until it is done, or where no relay decided it.'),
    attempts: z
      .array(
        z.object({
          provider_id: z.guid(),
          provider_name: z.string(),
          ok: z.boolean(),
          status: z.int(),
          verdict: z.string(),
          pdd_ms: z.int().nullable(),
        }),
      )
      .describe('The providers which were called, in that order.'),
    tm_create: instant,
    tm_done: instant.nullable(),
  })
  .meta({ id: 'DrillRun', description: 'One run of a drill.' })

const example = {
  id: exampleIds.drillRun,
  drill_id: exampleIds.drill,
  relay_id: 'relay-1',
  cause: 'asked',
  assumed_down: exampleIds.provider,
  extension_id: exampleIds.extension,
  from: 'office1',
  to: '+15551234567',
  state: 'done',
  ok: true,
  verdict:
    'Backup takes the call. sip.backup.com takes the call, it rings after 1.2 s: 180 Ringing from 192.0.2.5:5060 over UDP',
  status: 180,
  pdd_ms: 1200,
  provider_id: exampleIds.newCustomer,
  decision: {
    outcome: 'connect',
    reason: null,
    message: 'Tries Backup.',
    version: 12,
    candidates: [
      {
        provider_name: 'Primary SIP Provider',
        kept: false,
        code: 'ASSUMED_DOWN',
        why: 'it is taken to be down',
      },
      { provider_name: 'Backup', kept: true, code: 'KEPT', why: 'target all, priority 2' },
    ],
  },
  attempts: [
    {
      provider_id: exampleIds.newCustomer,
      provider_name: 'Backup',
      ok: true,
      status: 180,
      verdict:
        'sip.backup.com takes the call, it rings after 1.2 s: 180 Ringing from 192.0.2.5:5060 over UDP',
      pdd_ms: 1200,
    },
  ],
  tm_create: '2026-11-24T09:00:00.000Z',
  tm_done: '2026-11-24T09:00:02.000Z',
}

/** Running drills, and reading what came of it. */
export const drillOperations: readonly Operation[] = [
  {
    id: 'runDrill',
    method: 'post',
    path: '/v1.0/drills/{id}/run',
    summary: 'Run a drill now',
    description:
      'A relay decides the call as if the provider were down, and calls those which are left until one takes it. Waits for the ' +
      'outcome as long as `wait` says; 202 where it takes longer. ' +
      `All drills of a customer together run ${HOURLY} times within an hour.`,
    tag: 'drills',
    scope: 'call',
    query: waiting,
    answer: run,
    pending: true,
    errors: ['DRILL_NOT_FOUND', 'TOO_MANY_TESTS', 'TOO_MANY_DRILLS', 'NO_RELAY'],
    example: { parameters: { id: exampleIds.drill, wait: '5' }, answer: example },
  },
  {
    id: 'listDrillRuns',
    method: 'get',
    path: '/v1.0/drills/{id}/runs',
    summary: 'List the runs of a drill, newest first',
    tag: 'drills',
    scope: 'read',
    query: paging,
    answer: listShape(run),
    errors: ['DRILL_NOT_FOUND'],
    example: {
      parameters: { id: exampleIds.drill },
      answer: { result: [example], next_page_token: '' },
    },
  },
]
