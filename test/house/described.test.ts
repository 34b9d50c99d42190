import { describe, expect, test } from 'vitest'
import { operations } from '../../functions/config/operations.ts'
import { about } from '../../functions/http/about.ts'
import type { JsonSchema } from '../../functions/http/json-schema.ts'
import { openApi } from '../../functions/http/openapi.ts'
import type { OpenApi } from '../../functions/http/openapi-document.ts'

describe('the API’s document', () => {
  test('says of every field which may be written, and of every parameter, what it means', () => {
    const all = written(openApi(operations, about))
    expect(all.length).toBeGreaterThan(300)
    expect(all.filter(({ said }) => said === undefined).map(({ where }) => where)).toEqual([])
  })

  test('gets no more than 20 kB of sentences for them', () => {
    expect(JSON.stringify(about.words).length).toBeLessThan(20_000)
  })

  test('has no word for a field or parameter which is none', () => {
    const known = new Set(written(openApi(operations, { ...about, words: {} })).flatMap(({ names }) => names))
    expect(Object.keys(about.words).filter((name) => !known.has(name))).toEqual([])
  })

  test.each([
    [{ type: 'object', properties: { a: { type: 'string' } } }, [undefined]],
    [{ type: 'object', properties: { a: { type: 'string', description: 'A.' } } }, ['A.']],
    [{ type: 'array', items: { type: 'object', properties: { a: {} } } }, [undefined]],
    [
      { anyOf: [{ type: 'null' }, { properties: { a: { description: 'A.', properties: { b: {} } } } }] },
      ['A.', undefined],
    ],
  ] satisfies [JsonSchema, unknown[]][])('is looked through: %j', (schema, said) => {
    expect(fieldsOf(schema, 'Planted').map((field) => field.said)).toEqual(said)
  })
})

interface Described {
  readonly where: string
  /** Under which the words about it may stand. */
  readonly names: readonly string[]
  readonly said: string | undefined
}

/** Fields of every body, and parameters of every operation; what is shared by several once for each. */
function written({ paths, components }: OpenApi): Described[] {
  const schemas = Object.entries(components.schemas).filter(([name]) => name.endsWith('Input'))
  const operationsOf = Object.values(paths).flatMap((path) => Object.values(path))
  return [
    ...schemas.flatMap(([name, schema]) => fieldsOf(schema, name)),
    ...operationsOf.flatMap(({ operationId, requestBody, parameters = [] }) => [
      ...(requestBody ? fieldsOf(requestBody.content['application/json'].schema, operationId) : []),
      ...parameters.map((parameter) => {
        const name = '$ref' in parameter ? (parameter.$ref.split('/').at(-1) ?? '') : parameter.name
        const one = '$ref' in parameter ? components.parameters[name] : parameter
        const names = one?.in === 'path' ? [`{${name}}`] : [name]
        return { where: `${operationId}(${name})`, names, said: one?.description }
      }),
    ]),
  ]
}

function fieldsOf(schema: JsonSchema, owner: string): Described[] {
  const parts = [schema.items, ...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
      {
        where: `${owner}.${name}`,
        names: [name, `${owner.replace(/(?:Patch)?Input$/, '')}.${name}`],
        said: field.$ref ?? field.description,
      },
      ...fieldsOf(field, name),
    ]),
    ...parts.flatMap((part) => (part ? fieldsOf(part, owner) : [])),
  ]
}
