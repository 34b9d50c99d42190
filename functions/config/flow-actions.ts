import { sql } from 'drizzle-orm'
import * as z from 'zod'
import { flows } from '#db'

const destination = z.strictObject({
  type: z.literal('extension', 'can only be "extension" today'),
  target_name: z.string('is the name the extension registers as').min(1),
  target: z.string().default(''),
  name: z.string().default(''),
  detail: z.string().default(''),
})

/**
 * What a flow may hold today: one `connect` to one extension.
 *
 * The other actions come with the flow interpreter; until then they are refused when saved rather than
 * skipped when called.
 */
export const actions = z
  .array(
    z.strictObject({
      id: z
        .guid()
        .toLowerCase()
        .optional()
        .transform((id) => id ?? crypto.randomUUID())
        .pipe(z.string()),
      type: z.literal('connect', 'can only be "connect" today'),
      option: z.strictObject({
        destinations: z.array(destination).length(1, 'must name exactly one extension today'),
      }),
    }),
  )
  .length(1, 'must hold exactly one "connect" action today')
export type Actions = z.output<typeof actions>

/** As they are written, and shown. */
export const actionsExample: Actions = [
  {
    id: '2b1f0c9d-8e7a-4b6c-9d5e-4f3a2b1c0d99',
    type: 'connect',
    option: {
      destinations: [{ type: 'extension', target_name: 'office1', target: '', name: '', detail: '' }],
    },
  },
]

/** The extension a flow rings. */
export function rung(actions: Actions): string {
  return actions[0]?.option.destinations[0]?.target_name ?? ''
}

/** The same, seen from SQL. */
export const rungInSql = sql`${flows.actions} #>> '{0,option,destinations,0,target_name}'`
