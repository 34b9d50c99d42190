import { useAnswer } from './answer.ts'

/** The API's own description, of those parts which the console looks at. */
export interface ApiDocumentShown {
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, ShownOperation>>>>
}

/** What may be asked of the API at one path. */
export interface ShownOperation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description?: string
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters?: readonly Partial<ShownParameter>[]
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly example?: unknown }>> }>
  >
  readonly 'x-codeSamples': readonly { readonly label: string; readonly source: string }[]
}

/** A parameter of a path or query. */
export interface ShownParameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
}

/** An operation with where it is. */
export interface PlacedOperation extends ShownOperation {
  readonly method: string
  readonly path: string
}

/** Reads the document. */
export function useApiDocument() {
  return useAnswer<ApiDocumentShown>('/v1.0/openapi.json')
}

/** All operations, in the document's order. */
export function operationsIn({ paths }: ApiDocumentShown): PlacedOperation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  )
}

/** Whether an operation has to do with all of the words which were typed. */
export function matches(operation: PlacedOperation, typed: string): boolean {
  const { operationId, summary, description = '', method, path } = operation
  const text = `${operationId} ${summary} ${description} ${method} ${path}`.toLowerCase()
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

/** A sample as it is copied from here: it asks this edge, and reads the key alone from its surroundings. */
export function addressedTo(origin: string, source: string): string {
  return source
    .replaceAll('"$API', `"${origin}`)
    .replace('const { API, KEY } = process.env', `const API = '${origin}'\nconst { KEY } = process.env`)
    .replace('const { API } = process.env', `const API = '${origin}'`)
}
