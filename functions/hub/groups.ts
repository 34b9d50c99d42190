import { md5 } from '../md5.ts'

/** One of the groups in which relays are: its number, from 0, and how many there are. */
export interface RelayGroup {
  readonly number: number
  readonly of: number
}

/** All relays are in one. */
export const onlyGroup: RelayGroup = { number: 0, of: 1 }

/**
 * The group of a relay by its name, or of a limit by its key. It follows from the name alone, so that each Worker knows whom to ask
 * without asking, and groups are of one size. The database says the same (`inGroup` in `store/hub-turn.ts`).
 */
export function groupOf(name: string, groups: number): number {
  if (groups === 1) return 0
  const [a = 0, b = 0, c = 0, d = 0] = md5(new TextEncoder().encode(name))
  return ((a << 20) | (b << 12) | (c << 4) | (d >> 4)) % groups
}
