import { sql } from 'drizzle-orm'
import { bigint, index, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { instant } from '../instant.ts'
import { direction } from './words.ts'

/**
 * What calls came to in one hour, of one provider, route, extension, trunk, number or country: triggers keep it up with each
 * call which ends, so that no question for figures reads calls. It outlives them. After eight days hours are folded into days.
 */
export const callFigures = pgTable(
  'call_figures',
  {
    customerId: uuid().notNull(),
    kind: text().$type<FiguresKind>().notNull(),
    /** Its beginning. */
    hour: instant().notNull(),
    /** An id, a country, or '' where that is not known. */
    resourceId: text().notNull(),
    direction: direction().notNull(),
    /** Each its own, so that no two wait for one another here; '' where it is a whole day. */
    relayId: text().notNull(),
    attempts: integer().notNull(),
    answered: integer().notNull(),
    noAnswer: integer().notNull(),
    busy: integer().notNull(),
    cancelled: integer().notNull(),
    declined: integer().notNull(),
    /** How often by SIP status; `silence`, or a reason of ours, where there was none. */
    failures: jsonb().$type<Record<string, number>>().notNull(),
    talkedMs: bigint({ mode: 'number' }).notNull(),
    /** How many had which post-dial delay, by `pdd_bucket`. */
    pdd: jsonb().$type<Record<string, number>>().notNull(),
    /** Those of which sound was heard; and of that. */
    heard: integer().notNull(),
    packets: bigint({ mode: 'number' }).notNull(),
    lost: bigint({ mode: 'number' }).notNull(),
    /** Summed over those heard. */
    jitterUs: bigint({ mode: 'number' }).notNull(),
  },
  (figures) => [
    primaryKey({
      name: 'call_figures_once',
      columns: [
        figures.customerId,
        figures.kind,
        figures.hour,
        figures.resourceId,
        figures.direction,
        figures.relayId,
      ],
    }),
    // Hours which are to be folded into days, and days which are to go.
    index('figures_by_hour').on(figures.hour).where(sql`${figures.relayId} <> ''`),
    index('figures_by_day').on(figures.hour).where(sql`${figures.relayId} = ''`),
  ],
)

/** What figures are kept of. */
export type FiguresKind = 'provider' | 'route' | 'extension' | 'trunk' | 'number' | 'country'
