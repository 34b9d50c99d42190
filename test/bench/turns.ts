/** Indexes of `count` sides, each round the other way round: what drifts counts for and against each alike. */
export function inTurn(count: number, round: number): number[] {
  const order = Array.from({ length: count }, (_, at) => at)
  return round % 2 === 0 ? order : order.toReversed()
}

/** The median. */
export function middle(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The value below which `part` of them are, 0 to 1; 0 where there are none. */
export function quantile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? 0
}
