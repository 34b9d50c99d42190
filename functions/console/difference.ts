/** One value which differs between two: where it stands, and what it was and is. */
export interface Differing {
  /** `option.target_ids.1`. */
  readonly at: string
  /** As JSON; empty: it was not there. */
  readonly was: string
  /** As JSON; empty: it is not there any more. */
  readonly is: string
}

/** What differs between two things of JSON, value by value; keys which are passed over differ in nothing. */
export function differences(was: unknown, is: unknown, passedOver: readonly string[] = []): Differing[] {
  return compared(was, is, [], new Set(passedOver))
}

function compared(
  was: unknown,
  is: unknown,
  path: readonly string[],
  passedOver: ReadonlySet<string>,
): Differing[] {
  const [before, after] = [told(was), told(is)]
  if (before === after) return []
  if (!isObject(was) || !isObject(is)) return [{ at: path.join('.'), was: before, is: after }]
  const keys = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((key) => !passedOver.has(key))
  return keys.flatMap((key) => compared(was[key], is[key], [...path, key], passedOver))
}

function told(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value)
}

/** A list is one value: its items have no names to tell them apart by. */
function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
