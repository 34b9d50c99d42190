import type { Resource, Scope } from '#contract'
import type { UsedAndWanted } from './sharing.ts'

/** What one relay, or one group of them, has of one limit. */
export interface Holding {
  readonly scope: Scope
  readonly resource: Resource
  used: number
  wanted: number
  /** Each relay of a group; undefined: it is one relay. */
  readonly sharers?: readonly UsedAndWanted[]
  /** As the relay said last. */
  held: number
  /** What was granted since, in frames which the relay does not say it has applied. */
  sent: { serial: number; amount: number }[]
}

/** A frame says what a relay may use. Of a relay which never says what it has applied the older ones are one, of their most. */
export function note({ sent }: Holding, serial: number, amount: number): void {
  sent.push({ serial, amount })
  if (sent.length <= sentAtMost) return
  const older = sent.splice(0, sent.length - sentAtMost / 2)
  const most = older.reduce((so, one) => Math.max(so, one.amount), 0)
  sent.unshift({ serial: older.at(-1)?.serial ?? 0, amount: most })
}

const sentAtMost = 64

/** What counts as taken: the most a relay may believe it has, or what it uses. */
export function boundOf(holding: Holding): number {
  return Math.max(mostHeld(holding), holding.used)
}

/** The most a relay may believe it has. */
export function mostHeld({ held, sent }: Holding): number {
  return Math.max(held, ...sent.map(({ amount }) => amount))
}

/** What it will believe once all which was sent has come. */
export function believed({ held, sent }: Holding): number {
  return sent.at(-1)?.amount ?? held
}
