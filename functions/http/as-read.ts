import type * as z from 'zod'
import type { $ZodType, $ZodTypes } from 'zod/v4/core'

/*
 * Where no code may be made as it runs, as in a Worker, zod walks its shape anew for each value, and builds what it gives piece by
 * piece. What a relay tells is mostly just what its shape gives: to see that takes a fifth of it.
 */

type AsRead = (value: unknown) => boolean

/**
 * A test whether a value of JSON is to the letter what `shape` would give for it: nothing missing, left out or made another. What it
 * says no to may be good all the same; only `shape` can tell.
 */
export function asReadBy<Shape extends z.ZodType>(
  shape: Shape,
): (value: unknown) => value is z.output<Shape> & z.input<Shape> {
  return testOf(shape) as (value: unknown) => value is z.output<Shape> & z.input<Shape>
}

function testOf(shape: $ZodType): AsRead {
  const { def } = (shape as $ZodTypes)._zod
  // What more is asked of it, the shape alone says.
  if (def.checks?.length) return patterned(shape) ?? asOf(shape)
  switch (def.type) {
    case 'string':
      return 'format' in def ? (patterned(shape) ?? asOf(shape)) : (value) => typeof value === 'string'
    case 'number':
      if ('format' in def) return def.format === 'safeint' ? Number.isSafeInteger : asOf(shape)
      return Number.isFinite
    case 'boolean':
      return (value) => typeof value === 'boolean'
    case 'enum':
    case 'literal': {
      const values: ReadonlySet<unknown> = shape._zod.values ?? new Set()
      return (value) => values.has(value)
    }
    case 'nullable': {
      const inner = testOf(def.innerType)
      return (value) => value === null || inner(value)
    }
    case 'optional':
    case 'default':
      return testOf(def.innerType)
    case 'array': {
      const each = testOf(def.element)
      return (value) => Array.isArray(value) && value.every(each)
    }
    case 'object':
      return def.catchall === undefined ? objectOf(def.shape) : asOf(shape)
    case 'union': {
      // Of others, one before it might take the value, and give another.
      if (!('discriminator' in def)) return asOf(shape)
      const options = def.options.map(testOf)
      return (value) => options.some((is) => is(value))
    }
    default:
      return asOf(shape)
  }
}

/** All keys which may not be left out, and no other. */
function objectOf(shape: Readonly<Record<string, $ZodType>>): AsRead {
  const keys = Object.entries(shape).map(
    ([key, part]) => [key, testOf(part), (part as $ZodTypes)._zod.def.type === 'optional'] as const,
  )
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
    let others = 0
    for (const _ in value) others += 1
    for (const [key, is, isOptional] of keys) {
      const part = (value as Record<string, unknown>)[key]
      if (part === undefined && isOptional) continue
      if (part === undefined || !is(part)) return false
      others -= 1
    }
    return others === 0
  }
}

const patternedFormats: ReadonlySet<unknown> = new Set(['guid', 'datetime', 'regex'])

/** Of a text of which nothing is asked but patterns. */
function patterned(shape: $ZodType): AsRead | undefined {
  const { def } = (shape as $ZodTypes)._zod
  if (def.type !== 'string') return undefined
  const asked = [...('format' in def ? [def] : []), ...(def.checks ?? []).map((check) => check._zod.def)]
  const patterns = asked.flatMap((one) =>
    'pattern' in one && one.pattern instanceof RegExp && 'format' in one && patternedFormats.has(one.format)
      ? [one.pattern]
      : [],
  )
  if (patterns.length < asked.length || patterns.some(({ flags }) => /[gy]/.test(flags))) return undefined
  return (value) => typeof value === 'string' && patterns.every((pattern) => pattern.test(value))
}

/** By the shape itself, of what is no object: whether it gives the same. */
function asOf(shape: $ZodType): AsRead {
  return (value) => {
    if (typeof value === 'object' && value !== null) return false
    const { data, success } = (shape as z.ZodType).safeParse(value)
    return success && Object.is(data, value)
  }
}
