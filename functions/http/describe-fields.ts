import type { JsonSchema } from './json-schema.ts'

type FieldWords = Readonly<Record<string, string>>

/** As much of a document as is looked through. */
interface DescribedDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> }
}
interface DescribedOperation {
  readonly operationId: string
  readonly parameters?: (DescribedParameter | { readonly $ref: string })[]
  readonly requestBody?: { readonly content: Readonly<Record<'application/json', { schema: JsonSchema }>> }
}
interface DescribedParameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  description?: string
}

/** Says of each field and parameter what it means, where its schema does not: `words` has that by `owner.name` or `name`. */
export function describeFields({ paths, components }: DescribedDocument, words: FieldWords): void {
  for (const [name, schema] of Object.entries(components.schemas)) describe(schema, ownerOf(name), words)
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    const body = operation.requestBody?.content['application/json'].schema
    if (body) describe(body, operation.operationId, words)
    for (const parameter of operation.parameters ?? [])
      if ('in' in parameter) describeParameter(parameter, words)
  }
}

/** The noun which a schema is one side of: `Route` of `RoutePatchInput`. */
function ownerOf(name: string): string {
  return name.replace(/(?:Patch)?Input$|Replaced$|Made$/, '')
}

function describeParameter(parameter: DescribedParameter, words: FieldWords): void {
  const { name } = parameter
  const said = parameter.in === 'path' ? words[`{${name}}`] : words[name]
  if (parameter.description === undefined && said !== undefined) parameter.description = said
}

function describe(schema: JsonSchema, owner: string, words: FieldWords): void {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const said = words[`${owner}.${name}`] ?? words[name]
    if (field.description === undefined && field.$ref === undefined && said !== undefined)
      field.description = said
    describe(field, name, words)
  }
  for (const part of [
    schema.items,
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...(schema.allOf ?? []),
  ])
    if (part) describe(part, owner, words)
}
