import { printTable } from './cost.ts'

/** What is to be reached of some work, and how far we are. */
export interface Goal {
  readonly work: string
  /** NaN where it could not be measured here: a peer is not installed. */
  readonly figure: number
  /** What the figure counts: `× Kamailio`, `a second`, `ms`. */
  readonly unit: string
  /** The figure is to be this, or less; or more. */
  readonly bound: readonly ['at most' | 'at least', number]
}

/** What a bench found: as it says it, and beside what is to be reached. */
export interface Findings {
  readonly text: string
  readonly goals: readonly Goal[]
}

/** `reached`, `missed`, or `not measured`. */
export function verdict({ figure, bound: [side, bound] }: Goal): string {
  if (Number.isNaN(figure)) return 'not measured'
  return (side === 'at most' ? figure <= bound : figure >= bound) ? 'reached' : 'missed'
}

/** Each goal in a line. */
export function goalTable(goals: readonly Goal[]): string {
  const rows = goals.map((goal) => [
    goal.work,
    Number.isNaN(goal.figure) ? '–' : written(goal.figure),
    goal.unit,
    `${goal.bound[0]} ${written(goal.bound[1])}`,
    verdict(goal),
  ])
  return printTable(['work', 'figure', '', 'goal', ''], rows)
}

/** Three digits, more where it is a whole number of more. */
function written(value: number): string {
  return String(value >= 100 ? Math.round(value) : Number(value.toPrecision(3)))
}
