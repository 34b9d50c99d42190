import { uuid } from 'drizzle-orm/pg-core'
import { customers } from './customers.ts'

/** What every tenant-owned row starts with. */
export function owned() {
  return {
    id: uuid().primaryKey(),
    customerId: uuid()
      .notNull()
      .references(() => customers.id),
  }
}
