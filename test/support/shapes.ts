import type * as z from 'zod'

/** Where a field is in a value: keys, and 0 for the first of a list. */
export type Path = readonly (string | number)[]

/**
 * Every field of a shape, the lists and objects among them, as far as `value` goes into one of several shapes: of a
 * union told apart by a key, the option which `value` has.
 */
export function fieldsOf(shape: z.core.$ZodType, value: unknown, at: Path = []): Path[] {
  const { def } = shape._zod as unknown as { def: Def }
  switch (def.type) {
    case 'object':
      return [at, ...Object.entries(def.shape).flatMap(([key, part]) => inside(part, value, at, key))]
    case 'array':
      return [at, ...inside(def.element, value, at, 0)]
    case 'tuple':
      return [at, ...def.items.flatMap((item, which) => inside(item, value, at, which))]
    case 'record':
      return [at, [...at, 'x']]
    case 'union':
      return unique(optionsOf(def, value).flatMap((option) => fieldsOf(option, value, at)))
    case 'pipe':
      return fieldsOf(def.in, value, at)
    case 'lazy':
      return [at]
    default:
      return def.innerType ? fieldsOf(def.innerType, value, at) : [at]
  }
}

/** The same with another value in one place; what leads there is made. */
export function changed(value: unknown, [key, ...rest]: Path, odd: unknown): unknown {
  if (key === undefined) return odd
  if (typeof key === 'number') {
    const list = Array.isArray(value) ? [...value] : []
    list[key] = changed(list[key], rest, odd)
    return list
  }
  const record = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  return { ...record, [key]: changed(record[key], rest, odd) }
}

type Shape = z.core.$ZodType
type Def =
  | { type: 'object'; shape: Record<string, Shape> }
  | { type: 'array'; element: Shape }
  | { type: 'tuple'; items: Shape[] }
  | { type: 'record' }
  | { type: 'union'; options: Shape[]; discriminator?: string }
  | { type: 'pipe'; in: Shape }
  | { type: 'lazy' }
  | { type: 'leaf'; innerType?: Shape }

function inside(part: Shape, value: unknown, at: Path, key: string | number): Path[] {
  return fieldsOf(part, (value as Record<string | number, unknown> | null | undefined)?.[key], [...at, key])
}

function optionsOf({ options, discriminator }: Def & { type: 'union' }, value: unknown): Shape[] {
  if (discriminator === undefined) return options
  const word = (value as Record<string, unknown> | null | undefined)?.[discriminator]
  return options.filter((option) => {
    const { shape } = (option._zod as unknown as { def: Def & { type: 'object' } }).def
    const { values } = (shape[discriminator]?._zod ?? {}) as { values?: Set<unknown> }
    return word === undefined || values?.has(word)
  })
}

function unique(paths: Path[]): Path[] {
  return [...new Map(paths.map((path) => [path.join('.'), path])).values()]
}
