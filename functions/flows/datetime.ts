import type { FlowActionOf, UtcMs } from '#contract'
import { holds } from './conditions.ts'
import type { FlowOutcome, FlowRun } from './flow-run.ts'

type DateTime = FlowActionOf<'condition_datetime'>['option']

/** An instant as a clock on the wall of a place shows it. */
interface WallTime {
  readonly year: number
  /** 1 January. */
  readonly month: number
  readonly day: number
  /** 0 Sunday. */
  readonly weekday: number
  readonly hour: number
  readonly minute: number
}

/** `condition_datetime`: the clock of a place, its periods and its holidays. */
export function dateTimeCondition(run: FlowRun, { option }: FlowActionOf<'condition_datetime'>): FlowOutcome {
  const wall = wallTime(run.now, option.time_zone)
  if (!wall)
    return { outcome: 'false', why: `there is no time zone ${option.time_zone}`, ...otherwise(option) }
  return isThen(option, wall) ? { outcome: 'true' } : { outcome: 'false', ...otherwise(option) }
}

function otherwise({ false_target_id }: DateTime): Pick<FlowOutcome, 'target'> {
  return { target: false_target_id }
}

/** Whether the condition holds at an instant as its clock shows it. */
function isThen(option: DateTime, wall: WallTime): boolean {
  if (isHoliday(option, wall)) return false
  if (option.weekdays.length > 0 && !option.weekdays.includes(wall.weekday)) return false
  if (option.periods.length > 0 && !option.periods.some((period) => isWithin(period, wall))) return false
  return named(option).every((difference) => holds(option.condition, difference(wall)))
}

/** What an option names of the clock and of the calendar: each as one, so that 09:15 is after 08:30. */
function named({ hour, minute, day, month }: DateTime): ((wall: WallTime) => number)[] {
  const clock = [hour >= 0 ? 'hour' : '', minute >= 0 ? 'minute' : ''].join('')
  const clocks: Record<string, (wall: WallTime) => number> = {
    hourminute: (wall) => wall.hour * 60 + wall.minute - (hour * 60 + minute),
    hour: (wall) => wall.hour - hour,
    minute: (wall) => wall.minute - minute,
  }
  const calendar = [month > 0 ? 'month' : '', day > 0 ? 'day' : ''].join('')
  const calendars: Record<string, (wall: WallTime) => number> = {
    monthday: (wall) => wall.month * 32 + wall.day - (month * 32 + day),
    month: (wall) => wall.month - month,
    day: (wall) => wall.day - day,
  }
  return [clocks[clock], calendars[calendar]].filter((one) => one !== undefined)
}

function isHoliday({ holidays }: DateTime, { year, month, day }: WallTime): boolean {
  const each = `${two(month)}-${two(day)}`
  return holidays.includes(each) || holidays.includes(`${String(year).padStart(4, '0')}-${each}`)
}

/** One which ends before it begins goes over midnight, and belongs to the day on which it begins. */
function isWithin({ days, from, to }: DateTime['periods'][number], wall: WallTime): boolean {
  const [begins, ends, at] = [minutesOf(from), minutesOf(to), wall.hour * 60 + wall.minute]
  const on = (weekday: number) => days.length === 0 || days.includes(weekday === 0 ? 7 : weekday)
  if (begins <= ends) return on(wall.weekday) && at >= begins && at < ends
  return (on(wall.weekday) && at >= begins) || (on((wall.weekday + 6) % 7) && at < ends)
}

function minutesOf(time: string): number {
  const [hours, minutes] = time.split(':').map(Number)
  return (hours ?? 0) * 60 + (minutes ?? 0)
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}

/** The clock of a time zone (IANA). undefined: there is none of that name. */
function wallTime(at: UtcMs, timeZone: string): WallTime | undefined {
  try {
    const parts = clockOf(timeZone).formatToParts(at)
    const part = (type: string) => parts.find((one) => one.type === type)?.value ?? ''
    return {
      year: Number(part('year')),
      month: Number(part('month')),
      day: Number(part('day')),
      weekday: weekdays.indexOf(part('weekday')),
      hour: Number(part('hour')),
      minute: Number(part('minute')),
    }
  } catch {
    return undefined
  }
}

/** Clocks which were made, by their time zones: to make one takes longer than all else of an action. */
const clocks = new Map<string, Intl.DateTimeFormat>()
/** So many are kept: all of them are let go when there are more. */
const clocksAtMost = 100

/** Throws RangeError: there is no such time zone. */
function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone)
  if (known) return known
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  if (clocks.size >= clocksAtMost) clocks.clear()
  clocks.set(timeZone, clock)
  return clock
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
