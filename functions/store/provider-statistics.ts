import { sql } from 'drizzle-orm'
import * as z from 'zod'
import type { Database } from '#db'

/** Which attempts count: those begun within the window, and of whom. */
interface Figures {
  window: Window
  owners: string[]
  customerId: string
  admin: boolean
}
interface Window {
  asked: string
  seconds: number
}

const units = { m: 60, h: 3_600, d: 86_400 } as const

/** `15m`, `1h`, `24h`, `7d`: up to 90 days. */
export const within = z.object({
  window: z
    .string()
    .default('24h')
    .transform(readWindow)
    .refine(({ seconds }) => seconds > 0 && seconds <= 90 * units.d, {
      error: 'is minutes, hours or days up to 90d, such as 15m, 1h or 7d',
    })
    .describe('Minutes, hours or days up to now: `15m`, `1h`, `7d`, 90 days at most.'),
})

function readWindow(asked: string): Window {
  const [, count = '', unit = 'm'] = /^([1-9]\d{0,5})([mhd])$/.exec(asked) ?? []
  return { asked, seconds: Number(count) * units[unit as keyof typeof units] }
}

/**
 * A provider's figures, in one statement: customers' of their own calls, administrators' of all.
 *
 * An attempt under way counts once it is over. What became of one `outcome_of` says, here as in the figures which are kept of
 * every call (functions/README.md has the definitions). These are counted from the attempts themselves: to the second, and for
 * as long as calls are kept.
 */
export async function statsOf(
  db: Database,
  providerId: string,
  { window, owners, customerId, admin }: Figures,
) {
  const { rows } = await db.execute<{ stats: Record<string, unknown> }>(sql`
    with p as (select id, customer_id from providers
      where id = ${providerId}::uuid and customer_id::text in ${owners}),
    began as (
      select a.*, a.answered_at is not null as answered, outcome, outcome not in ('answered', 'failed') as by_people
      from attempts a join p on p.id = a.provider_id,
        lateral (select outcome_of(a.status, a.answered_at is not null) as outcome) as o
      where a.started_at > now() - ${window.seconds} * interval '1 second'
        and (${admin}::boolean or a.customer_id = ${customerId}::uuid)
    ),
    tried as (select * from began where ended_at is not null or answered),
    failed as (select case status when 0 then 'silence' else status::text end as code, count(*) as times
      from tried where not answered and not by_people group by 1)
    select jsonb_build_object(
      'provider_id', p.id, 'window', ${window.asked}::text,
      'attempts', (select count(*) from tried), 'under_way', (select count(*) from began) - (select count(*) from tried),
      'answered', (select count(*) from tried where answered),
      'asr', (select ${ratio} from tried),
      'ner', (select round(count(*) filter (where answered or by_people)::numeric / nullif(count(*), 0), 4) from tried),
      'user_outcomes', (select jsonb_build_object(
          'no_answer', count(*) filter (where outcome = 'no_answer'), 'busy', count(*) filter (where outcome = 'busy'),
          'cancelled', count(*) filter (where outcome = 'cancelled'), 'declined', count(*) filter (where outcome = 'declined'))
        from tried where by_people),
      'failures', (select coalesce(jsonb_object_agg(code, times), '{}') from failed),
      'acd_seconds', (select round(avg(talked_seconds)::numeric, 1) from tried),
      'pdd_ms', (select jsonb_build_object(
          'p50', round(percentile_cont(0.5) within group (order by pdd_ms)),
          'p95', round(percentile_cont(0.95) within group (order by pdd_ms))) from tried),
      'relays', (select coalesce(jsonb_agg(jsonb_build_object(
          'relay_id', relay_id, 'attempts', attempts, 'answered', answered, 'asr', asr) order by relay_id), '[]')
        from (select relay_id, count(*) as attempts, count(*) filter (where answered) as answered, ${ratio} as asr
          from tried group by relay_id) as t)
    ) as stats from p`)
  return rows[0]?.stats
}

const ratio = sql`round(count(*) filter (where answered)::numeric / nullif(count(*), 0), 4)`
