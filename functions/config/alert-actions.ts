import { and, desc, eq, isNull } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { alertIncidents as table } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { before } from '../http/queries.ts'
import { readQuery } from '../http/query.ts'
import { readId, readOrder } from '../http/validate.ts'
import { alerts } from './alerts.ts'
import { trialInput, tryOut } from './webhook-actions.ts'

/** Which incidents are listed; all of them where it is not said. */
export const incidentFilters = {
  lasting: z.enum(['true'], 'is "true" or left out').optional().describe('`true`: those which last.'),
}

/** What alerts raised, and a trial of how they tell it. */
export const alertActions = new Hono<Edge>()
  .post('/:id/test', async (c) => c.json(await tryAlert(c, readId(c), await readOrder(c, trialInput))))
  .get('/:id/incidents', lists(incidentFilters), async (c) => {
    const [alertId, page] = [readId(c), readPage(c)]
    const { lasting } = readQuery(c, z.object(incidentFilters))
    await alerts.find(c, alertId)
    const rows = await c
      .get('db')
      .select()
      .from(table)
      .where(
        and(
          mine(c, alertId),
          lasting && isNull(table.resolvedAt),
          page.after && before(table.raisedAt, table.id, page.after),
        ),
      )
      .orderBy(desc(table.raisedAt), desc(table.id))
      .limit(page.size + 1)
    return c.json(listed(rows, page, ({ raisedAt, id }) => ({ at: raisedAt, id }), present))
  })

/** Sends an event as the alert's are, at once; one which is disabled too. Throws where no webhook is told. */
async function tryAlert(c: Context<Edge>, alertId: string, { note }: z.output<typeof trialInput>) {
  const { deletedAt, webhookId, name, when } = await alerts.find(c, alertId)
  if (deletedAt !== null) throw new ApiError('ALERT_NOT_FOUND', 'There is no such alert.')
  if (webhookId === null)
    throw new ApiError('WEBHOOK_MISSING', 'The alert names no webhook_id: it is told by its events alone.')
  const reason = note === '' ? 'This is a trial: nothing happened.' : note
  const data = { alert_id: alertId, name, kind: when.kind, reason, note }
  return tryOut(c, webhookId, { type: 'alert.test', subjectId: alertId, data })
}

function mine(c: Context<Edge>, alertId: string) {
  return and(eq(table.customerId, c.get('principal').customerId), eq(table.alertId, alertId))
}

function present(row: typeof table.$inferSelect) {
  return {
    id: row.id,
    alert_id: row.alertId,
    subject: row.subject,
    about: row.about,
    value: row.value,
    count: row.count,
    reason: row.reason,
    address: row.address,
    tm_raise: row.raisedAt,
    tm_tell: row.toldAt,
    tm_resolve: row.resolvedAt,
    resolution: row.resolution,
  }
}
