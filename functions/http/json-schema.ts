import * as z from 'zod'

/** A schema as OpenAPI 3.1 writes it (JSON Schema 2020-12), as far as it is looked into here. */
export interface JsonSchema {
  $ref?: string
  $defs?: Record<string, JsonSchema>
  type?: string | string[]
  description?: string
  default?: unknown
  const?: unknown
  enum?: unknown[]
  format?: string
  pattern?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: boolean | JsonSchema
  items?: JsonSchema
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  allOf?: JsonSchema[]
}

/** What a client writes (before defaults and transforms), or what it is answered. */
export type SchemaUse = 'input' | 'output'

/**
 * The schemas of a document by their names. Those with an id (`meta({ id })`) stand there once, each side's by itself,
 * and are referred to; others stand where they are used.
 */
export class Schemas {
  readonly named: Record<string, JsonSchema> = {}
  readonly #known = { input: new Map<z.ZodType, JsonSchema>(), output: new Map<z.ZodType, JsonSchema>() }

  /** The schema itself, or a reference to it. Throws where two which differ have one name. */
  of(shape: z.ZodType, use: SchemaUse): JsonSchema {
    const known = this.#known[use].get(shape) ?? this.#made(shape, use)
    this.#known[use].set(shape, known)
    return known
  }

  #made(shape: z.ZodType, use: SchemaUse): JsonSchema {
    const { $defs = {}, ...schema } = written(shape, use)
    for (const [id, definition] of Object.entries($defs)) this.#keep(nameOf(id, use), placed(definition, use))
    return placed(schema, use)
  }

  #keep(name: string, schema: JsonSchema): void {
    const known = this.named[name]
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(schema))
      throw new Error(`Two schemas are called ${name}.`)
    this.named[name] = schema
  }
}

function written(shape: z.ZodType, use: SchemaUse): JsonSchema {
  const { $schema, ...schema } = z.toJSONSchema(shape, {
    io: use,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      tidy(jsonSchema as JsonSchema, use)
      if (isMadeAnew(zodSchema)) delete jsonSchema.default
    },
  })
  return schema as JsonSchema
}

/** Whether what stands for nothing said is another each time, as a fresh id is. */
function isMadeAnew({ _zod: { def } }: z.core.$ZodType): boolean {
  if (def.type !== 'default') return false
  const [once, again] = [1, 2].map(() => JSON.stringify(Reflect.get(def, 'defaultValue')))
  return once !== again
}

/**
 * Takes out what says nothing more: a pattern beside a format, the safe integers. Answers are open: a client has to pass
 * over keys which a later edge adds.
 */
function tidy(schema: JsonSchema, use: SchemaUse): void {
  if (formats.has(schema.format ?? '')) delete schema.pattern
  else delete schema.format
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum
  if (use === 'output' && schema.additionalProperties === false) delete schema.additionalProperties
}

/** Those which JSON Schema knows; zod calls some of its patterns formats, too. */
const formats = new Set(['uuid', 'date-time', 'email', 'uri', 'hostname', 'ipv4', 'ipv6'])

function nameOf(id: string, use: SchemaUse): string {
  return use === 'output' || id.endsWith('Input') ? id : `${id}Input`
}

/** The same with each reference leading to where it is in the document. */
function placed<Part>(part: Part, use: SchemaUse): Part {
  if (Array.isArray(part)) return part.map((one) => placed(one, use)) as Part
  if (typeof part !== 'object' || part === null) return part
  const entries = Object.entries(part).map(([key, value]) => [
    key,
    key === '$ref'
      ? `#/components/schemas/${nameOf(String(value).replace('#/$defs/', ''), use)}`
      : placed(value, use),
  ])
  return Object.fromEntries(entries) as Part
}
