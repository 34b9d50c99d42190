/** What one uses of a limit, and what it could use: used and refused. */
export interface UsedAndWanted {
  readonly used: number
  readonly wanted: number
}

/** One who shares in a limit. */
export interface Sharer extends UsedAndWanted {
  readonly id: string
}

/**
 * How much of a limit each is to have: by water-filling over what each could use. What is asked for by none is spread evenly
 * over those who have all they want, the odd ones to whom it serves most.
 */
export function aims(limit: number, sharers: readonly Sharer[]): Map<string, number> {
  const bases = filled(limit, sharers)
  const enough = sum(sharers.map(({ wanted }) => wanted)) <= limit
  const rest = limit - sum(bases.map(({ base }) => base))
  const takers = bases.filter(({ full }) => enough || !full).sort(neediest)
  const [each, odd] = takers.length > 0 ? [Math.floor(rest / takers.length), rest % takers.length] : [0, 0]
  const more = new Map(takers.map(({ id }, place) => [id, each + (place < odd ? 1 : 0)]))
  return new Map(bases.map(({ id, base }) => [id, base + (more.get(id) ?? 0)]))
}

interface Filled extends Sharer {
  readonly base: number
  /** It has all it wants. */
  readonly full: boolean
}

/** Water rises in all vessels alike: the small ones are full first. */
function filled(limit: number, sharers: readonly Sharer[]): Filled[] {
  const waiting = [...sharers].sort((a, b) => a.wanted - b.wanted || byId(a, b))
  let [left, level] = [limit, 0]
  for (const [place, { wanted }] of waiting.entries()) {
    level = Math.max(level, Math.trunc(left / (waiting.length - place)))
    left -= wanted
  }
  return waiting.map((one) => ({ ...one, base: Math.min(one.wanted, level), full: one.wanted <= level }))
}

function neediest(a: Sharer, b: Sharer): number {
  return b.used - a.used || b.wanted - a.wanted || byId(a, b)
}

function byId(a: Sharer, b: Sharer): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/** The sum of some numbers; of none 0. */
export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
