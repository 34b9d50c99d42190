import { type Context, Hono } from 'hono'
import { PLATFORM } from '#contract'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { readQuery, takes } from '../http/query.ts'
import { readId, readIdOf, readOrder } from '../http/validate.ts'
import { hubOf } from '../hub/client.ts'
import { healthOf } from '../store/provider-health.ts'
import { statsOf, within } from '../store/provider-statistics.ts'
import { begin, outcome, testInput, waiting } from './provider-tests.ts'

/** How providers are doing: as relays see them, as calls went, and as a test just now finds them. */
export const carriers = new Hono<Edge>()
  .get('/:id/health', async (c) => c.json(found(await healthOf(c.get('db'), readId(c), owners(c)))))
  .get('/:id/stats', takes(within), async (c) => {
    const { customerId, admin } = c.get('principal')
    const figures = { window: readQuery(c, within).window, owners: owners(c), customerId, admin }
    return c.json(found(await statsOf(c.get('db'), readId(c), figures)))
  })
  .post('/:id/test', takes(waiting), async (c) => {
    const [id, { wait }] = [readId(c), readQuery(c, waiting)]
    const testId = await begin(c, id, await readOrder(c, testInput))
    const told = found(
      await outcome({ db: c.get('db'), hub: hubOf(c) }, c.get('principal').customerId, id, testId, wait),
    )
    return c.json(told, told.state === 'done' ? 200 : 202)
  })
  .get('/:id/tests/:test_id', async (c) => {
    const testId = readIdOf(c, 'test_id')
    const told = await outcome(
      { db: c.get('db'), hub: hubOf(c) },
      c.get('principal').customerId,
      readId(c),
      testId,
      0,
    )
    if (!told) throw new ApiError('TEST_NOT_FOUND', 'There is no such test of this provider.')
    return c.json(told)
  })

/** Whose providers the principal may look at: its own, and the platform's. */
function owners(c: Context<Edge>): string[] {
  return [c.get('principal').customerId, PLATFORM]
}

function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new ApiError('PROVIDER_NOT_FOUND', 'There is no such provider.')
  return row
}
