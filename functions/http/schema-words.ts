import type { JsonSchema } from './json-schema.ts'

/** What a schema says of a value, in words. `named` says where a schema with a name is. */
interface SchemaWords<Link> {
  /** `string (uuid)`, `integer`, `list of`, a link to a named schema: parts to be shown one after the other. */
  readonly type: (string | Link)[]
  /** Bounds, lengths and the like; empty where there are none. */
  readonly bounds: string
}

/** Describes one value's schema. */
export function schemaWords<Link>(schema: JsonSchema, named: (name: string) => Link): SchemaWords<Link> {
  return { type: typeWords(schema, named), bounds: boundsOf(schema).join(', ') }
}

/** The name which a reference is to: `Provider` of `#/components/schemas/Provider`. */
export function nameOfReference({ $ref = '' }: { $ref?: string }): string {
  return $ref.slice($ref.lastIndexOf('/') + 1)
}

function typeWords<Link>(schema: JsonSchema, named: (name: string) => Link): (string | Link)[] {
  const { $ref, type, format, items, anyOf, oneOf } = schema
  const several = anyOf ?? oneOf
  if ($ref !== undefined) return [named(nameOfReference(schema))]
  if (several) return several.flatMap((one, at) => [...(at > 0 ? [' or '] : []), ...typeWords(one, named)])
  if (schema.const !== undefined) return [JSON.stringify(schema.const)]
  if (schema.enum) return [schema.enum.map((one) => JSON.stringify(one)).join(' or ')]
  if (items) return ['list of ', ...typeWords(items, named)]
  if (type === undefined) return ['anything']
  const kinds = Array.isArray(type) ? type.join(' or ') : type
  return [format === undefined ? kinds : `${kinds} (${format})`]
}

function boundsOf(schema: JsonSchema): string[] {
  const parts = [schema, ...(schema.anyOf ?? schema.oneOf ?? [])]
  return parts.flatMap(({ minimum, maximum, minLength, maxLength, minItems, maxItems }) => [
    ...range(minimum, maximum, ''),
    ...range(minLength, maxLength, ' characters'),
    ...range(minItems, maxItems, ' in it'),
  ])
}

function range(least: number | undefined, most: number | undefined, unit: string): string[] {
  if (least === undefined && most === undefined) return []
  if (least === most) return [`${least}${unit}`]
  if (most === undefined) return [`${least}${unit} or more`]
  return [least === undefined ? `${most}${unit} at most` : `${least} to ${most}${unit}`]
}

/** A value's parts which have no name of their own, wherever they are in it: of a list its items', of a choice each one's. */
export function partsOf(schema: JsonSchema): {
  parts: [name: string, part: JsonSchema][]
  required: string[]
} {
  const inside = [schema, ...(schema.anyOf ?? schema.oneOf ?? [])].map((one) => one.items ?? one)
  return {
    parts: inside.flatMap(({ properties = {} }) => Object.entries(properties)),
    required: inside.flatMap(({ required = [] }) => required),
  }
}
