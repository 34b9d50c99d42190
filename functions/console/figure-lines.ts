import type { ShownCourse } from './shown.ts'

/** Lines of one figure, by provider: a value for each hour, null where there was nothing. */
export interface FigureLines {
  /** Beginnings of hours, seconds since 1970. */
  readonly hours: readonly number[]
  readonly lines: readonly { readonly name: string; readonly values: readonly (number | null)[] }[]
}

const HOUR_S = 3_600
/** More lines in one chart cannot be told apart. */
const LINES = 5

type Figure = (of: ShownCourse['course'][number]) => number | null

/** The providers with the most attempts, hour by hour from one instant to another. */
export function figureLines(
  groups: readonly ShownCourse[],
  figure: Figure,
  { from, until }: { readonly from: string; readonly until: string },
): FigureLines {
  const first = Math.floor(Date.parse(from) / 1000 / HOUR_S)
  const last = Math.floor(Date.parse(until) / 1000 / HOUR_S)
  const hours = Array.from({ length: Math.max(0, last - first + 1) }, (_, nth) => (first + nth) * HOUR_S)
  const shown = groups.filter(({ attempts }) => attempts > 0).slice(0, LINES)
  const lines = shown.map(({ name, course }) => {
    const byHour = new Map(course.map((point) => [Date.parse(point.tm_begin) / 1000, figure(point)]))
    return { name: name || 'without a name', values: hours.map((hour) => byHour.get(hour) ?? null) }
  })
  return { hours, lines }
}

/** The last value of a line; null: it has none. */
export function lastOf(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null
}
