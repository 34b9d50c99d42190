import { type Context, Hono } from 'hono'
import * as z from 'zod'
import type { Database } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { lockConfig } from '../http/config-lock.ts'
import type { ErrorCode, Operation } from '../http/operation.ts'
import { refuseIfMatch } from '../http/precondition.ts'
import { readNoBody } from '../http/validate.ts'
import {
  type Configured,
  configured,
  type KeptRow,
  reachOf,
  rowsSince,
  type ThenAndNow,
} from '../store/history.ts'
import { shownOf } from './history.ts'
import { quotasOf } from './quota.ts'
import { type LeftOut, live, planFor, type RestorationPlan } from './restoration.ts'
import { outcomeOf, statementsFor } from './restoring.ts'
import { readVersion, refuseUntold } from './version.ts'

/** A customer's whole configuration, as it was with a change. */
export const versions = new Hono<Edge>()
  .get('/:version', async (c) => {
    const version = readVersion(c)
    const { rows } = await historyAt(c, version)
    return c.json({ version, ...configurationOf(c, rows) })
  })
  .post('/:version/restore', async (c) => {
    const version = readVersion(c)
    refuseIfMatch(c)
    await readNoBody(c)
    return c.json(await restore(c, version))
  })

/** A customer's rows at a version and now, and the number of the last change there was. Throws where that cannot be told. */
async function historyAt(c: Context<Edge>, version: number): Promise<{ rows: ThenAndNow[]; newest: number }> {
  const [db, { customerId }] = [c.get('db'), c.get('principal')]
  // What changes between the statements is newer than what is said to be newest, and what is swept out is said to be gone.
  const [before, { rows }, reach] = await db.batch([
    reachOf(db, [customerId]),
    db.execute<ThenAndNow>(rowsSince(customerId, version)),
    reachOf(db, [customerId]),
  ])
  const [found, { newest } = { newest: 0 }] = [reach.rows[0], before.rows[0]]
  if (!found) throw new Error('How far a history goes brought no row, though it always brings one.')
  refuseUntold(version, found)
  return { rows, newest }
}

function configurationOf(c: Context<Edge>, rows: readonly ThenAndNow[]) {
  const of = (wanted: Configured) =>
    rows
      .filter(({ type }) => type === wanted)
      .flatMap(({ past, flowVersion }) => shownOf(c, wanted, versioned(past, flowVersion)) ?? [])
  const lists = nouns.map((type) => [configured[type], of(type)])
  return { customer: of('customer')[0], ...Object.fromEntries(lists) }
}

function versioned(past: KeptRow | null, flowVersion: number | null): KeptRow | null {
  return past && flowVersion !== null ? { ...past, version: flowVersion } : past
}

const nouns = (Object.keys(configured) as Configured[]).filter((type) => type !== 'customer')

/** Times a configuration is restored anew where it changes meanwhile, or more and more stands in the way. */
const TRIES = 20

async function restore(c: Context<Edge>, version: number) {
  const { customerId, admin } = c.get('principal')
  const refused: LeftOut[] = []
  let history = await historyAt(c, version)
  for (let tries = 0; tries < TRIES; tries += 1) {
    const plan = planFor(history.rows, { admin, quotas: quotasNow(history.rows), refused })
    const outcome = await carryOut(c.get('db'), plan, customerId, history.newest)
    if (outcome.outdated) history = await historyAt(c, version)
    else if (outcome.refused.length === 0) return answerOf(version, plan, outcome.version)
    refused.push(...outcome.refused)
  }
  throw new ApiError('VERSION_MISMATCH', 'Others change this configuration at the same time. Try again.')
}

async function carryOut(db: Database, plan: RestorationPlan, customerId: string, version: number) {
  const statements = statementsFor(plan, customerId, version).map((statement) =>
    db.execute<Record<string, unknown>>(statement),
  )
  const [, ...answers] = await db.batch([lockConfig(db), ...statements])
  return outcomeOf(answers)
}

function quotasNow(rows: readonly ThenAndNow[]) {
  const customer = rows.find(({ type }) => type === 'customer')
  return quotasOf((live(customer?.present ?? customer?.past ?? null)?.quotas ?? {}) as object)
}

function answerOf(restored: number, { steps, leftOut }: RestorationPlan, version: number) {
  const changes = steps.map(({ type, id, action }) => ({ resource_type: type, resource_id: id, action }))
  return { version, restored, changes, left_out: leftOut }
}

/** Things of one noun, as `changes` shows them. */
const things = z.array(z.record(z.string(), z.unknown()))

const configuration = z
  .object({
    version: z.int(),
    customer: z.record(z.string(), z.unknown()),
    providers: things,
    routes: things,
    extensions: things,
    trunks: things,
    flows: things,
    numbers: things,
  })
  .meta({
    id: 'Configuration',
    description:
      'A customer’s configuration as its nouns were shown, the newest first: without secrets, keys, and what is only observed.',
  })

/** Why something does not come back. */
const reasonsLeftOut = [
  'PASSWORD_UNKNOWN',
  'PERMISSION_DENIED',
  'QUOTA_EXCEEDED',
  'REFERENCE_NOT_FOUND',
  'AMBIGUOUS_SOURCE',
  'NUMBER_TAKEN',
  'EXTENSION_TAKEN',
  'TRUNK_DOMAIN_TAKEN',
  'REGISTRAR_NAME_TAKEN',
  'CUSTOMER_IN_USE',
  'PROVIDER_IN_USE',
  'EXTENSION_IN_USE',
  'TRUNK_IN_USE',
  'FLOW_IN_USE',
  'NUMBER_IN_USE',
] as const satisfies readonly ErrorCode[]

const types = z.enum(Object.keys(configured) as Configured[])

const restoration = z
  .object({
    version: z.int().describe('`configuration_version` with it; where nothing had to change, as before.'),
    restored: z.int().describe('The version which was brought back.'),
    changes: z.array(
      z.object({
        resource_type: types,
        resource_id: z.guid(),
        action: z.enum(['changed', 'deleted', 'restored']),
      }),
    ),
    left_out: z
      .array(
        z.object({
          resource_type: types,
          resource_id: z.guid(),
          field: z.string().nullable().describe('null: all of it stays as it is.'),
          reason: z.enum(reasonsLeftOut),
          message: z.string(),
        }),
      )
      .describe(
        'What cannot come back, and why: a password which is not known any more, another’s number, …',
      ),
  })
  .meta({ id: 'Restoration', description: 'What bringing a version back came to.' })

const number = z
  .int()
  .min(1)
  .describe('The number of a change: a `configuration_version`, or one between two.')

/** Reading how things were, and bringing it back. */
export const versionOperations: readonly Operation[] = [
  {
    id: 'getVersion',
    method: 'get',
    path: '/v1.0/versions/{version}',
    summary: 'The configuration as it was with a change',
    tag: 'changes',
    scope: 'read',
    parameters: { version: number },
    answer: configuration,
    errors: ['INVALID_ID', 'VERSION_NOT_FOUND', 'VERSION_GONE'],
    example: {
      parameters: { version: '3' },
      answer: {
        version: 3,
        customer: { name: 'Acme' },
        providers: [{ name: 'Primary SIP Provider' }],
        routes: [{ name: 'Default Outbound Route', priority: 1 }],
        extensions: [],
        trunks: [],
        flows: [],
        numbers: [],
      },
    },
  },
  {
    id: 'restoreVersion',
    method: 'post',
    path: '/v1.0/versions/{version}/restore',
    summary: 'Bring a configuration back as one change',
    description:
      'What was deleted comes back with its id and its secrets; what was made since is deleted. Passwords stay as they are now, keys are not touched, and quotas and the ownership of numbers stay an administrator’s word.',
    tag: 'changes',
    scope: 'configure',
    parameters: { version: number },
    answer: restoration,
    errors: [
      'INVALID_ID',
      'INVALID_ARGUMENT',
      'INVALID_JSON_BODY',
      'VERSION_NOT_FOUND',
      'VERSION_GONE',
      'VERSION_MISMATCH',
    ],
    example: {
      parameters: { version: '3' },
      answer: {
        version: 14,
        restored: 3,
        changes: [
          { resource_type: 'route', resource_id: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a2001', action: 'changed' },
        ],
        left_out: [],
      },
    },
  },
]
