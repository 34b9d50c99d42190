import { type TimeWindow, type UtcMs, utcMs } from '#contract'

/** Whether a window is open at an instant (UTC ms); where it is not, what time it is there. */
export function closedAt({ time_zone, periods }: TimeWindow, at: UtcMs): string | undefined {
  const { day, minute } = wallClock(time_zone, at)
  const open = periods.some(({ days, from, to }) => {
    const [start, end] = [minutes(from), minutes(to)]
    const on = (which: number) => days.length === 0 || days.includes(which)
    if (start < end) return on(day) && minute >= start && minute < end
    // Past midnight: the hours after it belong to the day the period began.
    return (on(day) && minute >= start) || (on(day === 1 ? 7 : day - 1) && minute < end)
  })
  if (open) return undefined
  const clock = [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0')).join(':')
  return `${names[day - 1] ?? ''} ${clock} in ${time_zone}`
}

const names = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']

interface WallClock {
  /** 1 Monday … 7 Sunday. */
  day: number
  /** Since local midnight, as the clock on the wall says. */
  minute: number
}

/** The clock on the wall of a time zone; asked once a minute, since a zone's clock is slow to work out. */
function wallClock(timeZone: string, at: UtcMs): WallClock {
  const minute = Math.floor(at / 60_000)
  const last = latest.get(timeZone)
  if (last?.minute === minute) return last.clock
  const clock = readClock(timeZone, utcMs(minute * 60_000))
  latest.set(timeZone, { minute, clock })
  return clock
}

const latest = new Map<string, { minute: number; clock: WallClock }>()
const clocks = new Map<string, Intl.DateTimeFormat>()

function readClock(timeZone: string, at: UtcMs): WallClock {
  const clock = clocks.get(timeZone) ?? new Intl.DateTimeFormat('en-US', { timeZone, ...shown })
  clocks.set(timeZone, clock)
  const parts = new Map(clock.formatToParts(at).map(({ type, value }) => [type, value]))
  return {
    day: names.findIndex((name) => name.startsWith(parts.get('weekday') ?? '-')) + 1,
    minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
  }
}

const shown = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const

function minutes(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number)
  return hours * 60 + minutes
}
