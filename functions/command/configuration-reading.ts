import {
  type ConfigurationFile,
  fileNouns,
  type ReadConfiguration,
  type ThingSettings,
} from './configuration.ts'
import type { ApiRow, EdgeClient } from './edge-client.ts'
import { CommandFailure } from './failure.ts'

/** Reads what is configured, and by the API's own document which of it may be set. */
export async function readConfiguration(edge: EdgeClient): Promise<ReadConfiguration> {
  const [document, customer, lists] = await Promise.all([
    edge.ask<ApiDocumentRead>('GET', '/v1.0/openapi.json'),
    edge.ask<ThingSettings>('GET', '/v1.0/customer'),
    Promise.all(fileNouns.map(async ({ noun }) => [noun, await edge.all(`/v1.0/${noun}`)] as const)),
  ])
  const own: readonly ApiRow[] = []
  const rows = Object.fromEntries(lists) as Record<string, typeof own>
  const settable = Object.fromEntries([
    ['customer', fieldsSet(document, '/v1.0/customer', 'put')],
    ...fileNouns.map(({ noun }) => [noun, fieldsSet(document, `/v1.0/${noun}`, 'post')] as const),
  ])
  return { customer, rows, settable }
}

/** The part of the document which is looked at. */
interface ApiDocumentRead {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly requestBody?: BodyRead }>>>>
  readonly components: { readonly schemas: Readonly<Record<string, SchemaRead>> }
}
interface BodyRead {
  readonly content: Readonly<Record<string, { readonly schema: SchemaRead }>>
}
interface SchemaRead {
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, unknown>>
}

function fieldsSet({ paths, components }: ApiDocumentRead, path: string, method: string): string[] {
  const schema = paths[path]?.[method]?.requestBody?.content['application/json']?.schema
  const named = schema?.$ref?.split('/').at(-1)
  const meant = named === undefined ? schema : components.schemas[named]
  return Object.keys(meant?.properties ?? {})
}

/** A file as it was read. Throws where it is none of ours. */
export function parseConfiguration(text: string): ConfigurationFile {
  const file = parsed(text)
  if (typeof file !== 'object' || file === null || Reflect.get(file, 'trunkline') !== 1)
    throw new CommandFailure(
      'usage',
      'This is no configuration of Trunkline: it has no "trunkline": 1. See --from.',
    )
  const known = ['trunkline', 'customer', ...fileNouns.map(({ noun }) => noun)]
  const unknown = Object.keys(file).filter((key) => !known.includes(key))
  if (unknown.length > 0)
    throw new CommandFailure('usage', `The file has what is not known: ${unknown.join(', ')}.`)
  for (const { noun } of fileNouns) {
    const list: unknown = Reflect.get(file, noun) ?? []
    if (!Array.isArray(list) || list.some((one) => typeof one !== 'object' || one === null))
      throw new CommandFailure('usage', `${noun} in the file is to be a list of objects.`)
  }
  return file as ConfigurationFile
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CommandFailure(
      'usage',
      `The file is no JSON: ${error instanceof Error ? error.message : error}`,
    )
  }
}
