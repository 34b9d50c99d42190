import * as z from 'zod'
import { type UtcMs, utcMs } from '#contract'

/*
 * When a drill runs by itself: every so many minutes, or once a day as the clocks of a time zone say.
 */

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** Whether a name is a time zone's. */
function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}

/** How a schedule is written; null: it runs when it is asked to. */
export const drillSchedule = z
  .union([
    z.strictObject({
      every_minutes: z
        .int()
        .min(5)
        .max(10_080)
        .describe('Minutes from one run to the next: 5 to 10 080, a week.'),
    }),
    z.strictObject({
      at: z
        .string()
        .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is a time of day such as 03:30')
        .describe('The time of day, `03:30`. Where the clocks pass over it, as much later.'),
      time_zone: z.string().max(64).refine(isTimeZone, 'is not a time zone such as Europe/Berlin'),
      days: z
        .array(z.int().min(1).max(7))
        .max(7)
        .default([])
        .describe('Days of the week, 1 is Monday; none named: every day.'),
    }),
  ])
  .nullable()
  .default(null)
  .describe('When it runs by itself; null: when it is asked to.')
/** When a drill runs by itself; null: it does not. */
export type DrillSchedule = z.output<typeof drillSchedule>

/** How often a schedule runs within an hour at most. */
export function runsAnHour(schedule: DrillSchedule): number {
  if (schedule === null) return 0
  return 'every_minutes' in schedule ? Math.ceil(60 / schedule.every_minutes) : 1
}

/** The first run of a schedule after an instant (UTC ms); undefined: there is none. */
export function runAfter(schedule: DrillSchedule, after: UtcMs): UtcMs | undefined {
  if (schedule === null) return undefined
  if ('every_minutes' in schedule) return utcMs(after + schedule.every_minutes * MINUTE_MS)
  const { at, time_zone, days } = schedule
  const [hour = 0, minute = 0] = at.split(':').map(Number)
  const today = dateIn(time_zone, after)
  // A week on the same time comes again, whatever the clocks do meanwhile.
  for (let ahead = 0; ahead <= 8; ahead += 1) {
    const date = today + ahead * DAY_MS
    const weekday = new Date(date).getUTCDay() || 7
    const run = instantOf(time_zone, date + (hour * 60 + minute) * MINUTE_MS)
    if (run > after && (days.length === 0 || days.includes(weekday))) return run
  }
  return undefined
}

/** Midnight of the day it is in a zone, as if that were UTC. */
function dateIn(timeZone: string, at: UtcMs): number {
  return Math.floor((at + offsetOf(timeZone, at)) / DAY_MS) * DAY_MS
}

/** The instant at which the clocks of a zone show `local`, which is written as if it were UTC. Of two the first. */
function instantOf(timeZone: string, local: number): UtcMs {
  const before = local - offsetOf(timeZone, local - DAY_MS)
  const after = local - offsetOf(timeZone, local + DAY_MS)
  const shows = (at: number) => at + offsetOf(timeZone, at) === local
  return utcMs([before, after].sort((a, b) => a - b).find(shows) ?? before)
}

/** By how many ms the clocks of a zone are ahead of UTC. */
function offsetOf(timeZone: string, at: number): number {
  const clock = clocks.get(timeZone) ?? new Intl.DateTimeFormat('en-US', { timeZone, ...shown })
  clocks.set(timeZone, clock)
  const parts = new Map(clock.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0
  const local = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  )
  return local - Math.floor(at / 1000) * 1000
}

const clocks = new Map<string, Intl.DateTimeFormat>()
const shown = {
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
  hourCycle: 'h23',
} as const
