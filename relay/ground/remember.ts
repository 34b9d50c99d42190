/**
 * A function which remembers what it gave for the last few objects or texts it was asked about: one event asks about one and
 * the same many times. A WeakMap would remember all, and every collection of garbage pays for its size.
 */
export function rememberLast<Of, Value>(few: number, work: (of: Of) => Value): (of: Of) => Value {
  const those: Of[] = []
  const values: Value[] = []
  let next = 0
  return (of) => {
    const at = those.indexOf(of)
    if (at >= 0) return values[at] as Value
    const value = work(of)
    those[next] = of
    values[next] = value
    next = (next + 1) % few
    return value
  }
}
