import { sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { instant } from '#contract'
import { readInstant } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { listed, listShape, lists, paging, readNumberedPage } from '../http/page.ts'
import { parse, readId, readNoBody } from '../http/validate.ts'
import { type FlowVersion, versionsOf } from '../store/flow-versions.ts'
import { actions, actionsExample } from './flow-actions.ts'
import { flowProgramInput, flows, programmed } from './flows.ts'
import { readVersion } from './version.ts'

/** What a flow did before, and that brought back. */
export const flowVersions = new Hono<Edge>()
  .get('/:id/versions', lists(), async (c) => {
    const [id, page] = [readId(c), readNumberedPage(c)]
    await flows.find(c, id)
    const rows = await known(
      c,
      id,
      sql`version < ${Math.min(page.after ?? MOST, MOST)}::integer`,
      page.size + 1,
    )
    return c.json(listed(rows, page, ({ version }) => version, present(id)))
  })
  .get('/:id/versions/:version', async (c) => {
    const id = readId(c)
    return c.json(present(id)(await versionOf(c, id)))
  })
  .post('/:id/versions/:version/restore', async (c) => {
    const id = readId(c)
    await readNoBody(c)
    const { actions, variables } = await versionOf(c, id)
    const input = parse(flowProgramInput, { actions, variables })
    return c.json(await flows.change(c, id, await programmed(c, id, input)))
  })

/** More than any version is: it is an integer of PostgreSQL's. */
const MOST = 2 ** 31 - 1

async function known(
  c: Context<Edge>,
  id: string,
  meeting: ReturnType<typeof sql>,
  most: number,
): Promise<FlowVersion[]> {
  const statement = versionsOf(c.get('principal').customerId, id, meeting)
  return (await c.get('db').execute<FlowVersion>(sql`${statement} limit ${most}`)).rows
}

/** The version which the path names. Throws where there is no such flow, where it has no such version yet, and where that is not known any more. */
async function versionOf(c: Context<Edge>, id: string): Promise<FlowVersion> {
  const version = readVersion(c)
  const { version: newest } = await flows.find(c, id)
  if (version > Number(newest))
    throw new ApiError(
      'VERSION_NOT_FOUND',
      `There is no version ${version} of it yet; the newest is ${newest}.`,
    )
  const [found] = await known(c, id, sql`version = ${version}::integer`, 1)
  if (found) return found
  throw new ApiError('VERSION_GONE', `Version ${version} of it is not kept any more.`)
}

function present(flowId: string) {
  return ({ version, name, detail, actions, variables, keyId, at }: FlowVersion) => ({
    flow_id: flowId,
    version,
    name,
    detail,
    actions,
    variables,
    key_id: keyId,
    tm_create: at === null ? null : readInstant(at),
  })
}

const flowVersion = z
  .object({
    flow_id: z.guid(),
    version: z.int(),
    name: z.string().describe('As it was called last in this version.'),
    detail: z.string(),
    actions,
    variables: z.record(z.string(), z.string()),
    key_id: z
      .guid()
      .nullable()
      .describe('The access key which made it so; null: no request did, or it is not known.'),
    tm_create: instant.nullable().describe('When it became so; null: longer ago than changes are kept.'),
  })
  .meta({ id: 'FlowVersion', description: 'What a flow did in one of its versions.' })

const number = z.int().min(1).describe('The number of a version: 1 first.')
const path = '/v1.0/flows/{id}/versions/{version}'
const missing = ['FLOW_NOT_FOUND', 'INVALID_ID', 'VERSION_NOT_FOUND', 'VERSION_GONE'] as const
const example = {
  flow_id: exampleIds.flow,
  version: 1,
  name: 'the menu of the office',
  detail: '',
  actions: actions.parse(actionsExample),
  variables: {},
  key_id: null,
  tm_create: '2026-11-24T09:00:00.000000Z',
}

/** Reading what a flow did, and bringing it back. */
export const flowVersionOperations: readonly Operation[] = [
  {
    id: 'listFlowVersions',
    method: 'get',
    path: '/v1.0/flows/{id}/versions',
    summary: 'List the versions of a flow, newest first',
    description: 'Those of its last 1 000 changes, as long as changes are kept; the newest always.',
    tag: 'flows',
    scope: 'read',
    query: paging,
    answer: listShape(flowVersion),
    errors: ['FLOW_NOT_FOUND'],
    example: { parameters: { id: exampleIds.flow }, answer: { result: [example], next_page_token: '' } },
  },
  {
    id: 'getFlowVersion',
    method: 'get',
    path,
    summary: 'What a flow did in one of its versions',
    tag: 'flows',
    scope: 'read',
    parameters: { version: number },
    answer: flowVersion,
    errors: missing,
    example: { parameters: { id: exampleIds.flow, version: '1' }, answer: example },
  },
  {
    id: 'restoreFlowVersion',
    method: 'post',
    path: `${path}/restore`,
    summary: 'Have a flow do again what it did in one of its versions',
    description:
      'It gets a new version with those actions and variables, checked as whatever is saved; its name stays. The version stays, too, where the flow does that already.',
    tag: 'flows',
    scope: 'configure',
    parameters: { version: number },
    answer: reading().answer,
    headers: ['ETag'],
    precondition: 'If-Match',
    errors: [
      ...missing,
      'INVALID_ARGUMENT',
      'INVALID_JSON_BODY',
      'INVALID_FLOW',
      'REFERENCE_NOT_FOUND',
      'VERSION_MISMATCH',
    ],
    example: { parameters: { id: exampleIds.flow, version: '1' }, answer: Object(reading().example?.answer) },
  },
]

function reading(): Operation {
  const read = flows.operations.find(({ id }) => id === 'getFlow')
  if (!read) throw new Error('A flow cannot be read.')
  return read
}
