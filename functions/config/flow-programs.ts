import { type SQL, sql } from 'drizzle-orm'
import { type FlowProgram, flowProgram } from '#contract'
import { flowsLed, idsAmong, takenAlong } from '../store/flows-led.ts'

/** The statement which brings a customer's flows by their ids, and those to which they lead: the nearest of them, where they are too many. */
export function programsLedTo(customerId: string, ids: readonly string[]): SQL {
  const mine = sql`${customerId}::uuid`
  return sql`
    select f.id, f.version, f.name, f.actions, f.variables
    from (${flowsLed(mine, idsAmong(ids))}) as led join flows f on f.id = led.id and f.customer_id = ${mine} and f.deleted_at is null
    where ${takenAlong}`
}

/** What it brought. */
export function programsIn(rows: readonly unknown[]): FlowProgram[] {
  return rows.map((row) => flowProgram.parse(row))
}
