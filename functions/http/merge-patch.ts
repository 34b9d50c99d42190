/**
 * What something is to be from its present form and from what is to change of it (RFC 7396): objects are merged key by
 * key, anything else is replaced. A null takes a key of an inner object away; of the outermost it is a value, which most
 * fields know.
 */
export function mergePatch(present: object, patch: object): Record<string, unknown> {
  const changed = Object.entries(patch).map(([key, value]): [string, unknown] => [
    key,
    isRecord(value) ? mergeInner(own(present, key), value) : value,
  ])
  return Object.fromEntries([...Object.entries(present), ...changed])
}

function mergeInner(present: unknown, patch: object): Record<string, unknown> {
  const merged = mergePatch(isRecord(present) ? present : {}, patch)
  const kept = Object.entries(merged).filter(([key]) => own(patch, key) !== null)
  return Object.fromEntries(kept)
}

function own(of: object, key: string): unknown {
  return Object.hasOwn(of, key) ? Reflect.get(of, key) : undefined
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
