import type * as z from 'zod'
import { statusOf } from './api-error.ts'
import { describeFields } from './describe-fields.ts'
import { type JsonSchema, Schemas, type SchemaUse } from './json-schema.ts'
import {
  type About,
  type ApiResponse,
  blank,
  type Content,
  limits,
  type OpenApi,
  type Parameter,
  type PathOperation,
  type Reference,
  replay,
  shared,
  uuid,
  ways,
} from './openapi-document.ts'
import {
  type ErrorCode,
  type Operation,
  refusedAnywhere,
  refusedWithBody,
  refusedWithKey,
} from './operation.ts'
import { samplesOf } from './request-samples.ts'

/** The document of these operations. Throws where two are at one place, or two schemas which differ have one name. */
export function openApi(operations: readonly Operation[], about: About): OpenApi {
  const document = blank(about, new Set(operations.map(({ tag }) => tag)))
  const schemas = new Schemas()
  const parts = { schemas, responses: document.components.responses }
  document.components.schemas = schemas.named
  schemas.of(about.refusal, 'output')
  for (const operation of operations) {
    const path = document.paths[operation.path] ?? {}
    if (path[operation.method]) throw new Error(`Two operations are ${operation.method} ${operation.path}.`)
    const told = described(operation, parts)
    const samples = samplesOf(operation.method, operation.path, told)
    document.paths[operation.path] = { ...path, [operation.method]: { ...told, 'x-codeSamples': samples } }
  }
  describeFields(document, about.words)
  return document
}

/** Where what several operations share is kept. */
interface DocumentParts {
  readonly schemas: Schemas
  readonly responses: Record<string, ApiResponse>
}

function described(operation: Operation, parts: DocumentParts): PathOperation {
  const { id, tag, summary, description, scope, body } = operation
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    security: scope === null ? [] : ways.map((way) => ({ [way]: [scope] })),
    parameters: parametersOf(operation, parts),
    ...(body && {
      requestBody: { required: needsBody(operation), content: bodiesOf(operation, body, parts) },
    }),
    responses: responsesOf(operation, parts),
  }
}

function needsBody({ body, mayBeBare }: Operation): boolean {
  return mayBeBare !== true || body?.safeParse({}).success === false
}

/** Its body as JSON, and what else it may be. */
function bodiesOf(
  { uploads = {}, example }: Operation,
  body: z.ZodType,
  parts: DocumentParts,
): Content & Partial<Content<string>> {
  const others = Object.entries(uploads).map(([media, shape]) => [
    media,
    { schema: parts.schemas.of(shape, 'input') },
  ])
  return { ...json(body, 'input', example?.body, parts), ...Object.fromEntries(others) }
}

function parametersOf(operation: Operation, { schemas }: DocumentParts): (Parameter | Reference)[] {
  const { scope, query, precondition, example } = operation
  const fields = query && schemas.of(query, 'input')
  const asked = Object.entries(fields?.properties ?? {}).map(([name, { description, ...schema }]) =>
    parameter('query', name, schema, {
      required: fields?.required?.includes(name) ?? false,
      description,
      example: example?.parameters?.[name],
    }),
  )
  return [
    ...pathParameters(operation, schemas),
    ...asked,
    ...(scope === null ? [] : [shared('customer_id')]),
    ...(takesIdempotencyKey(operation) ? [shared('Idempotency-Key')] : []),
    ...(precondition ? [shared(precondition)] : []),
  ]
}

function pathParameters({ path, parameters, example }: Operation, schemas: Schemas): Parameter[] {
  return namesIn(path).map((name) => {
    const shape = parameters?.[name]
    const { description, ...schema } = shape ? schemas.of(shape, 'input') : uuid
    const answer = (example?.answer ?? {}) as Record<string, unknown>
    return parameter('path', name, schema, {
      required: true,
      description,
      example: example?.parameters?.[name] ?? answer[name],
    })
  })
}

/** Parameters of a path, `id` of `/v1.0/providers/{id}`. */
function namesIn(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
}

interface Words {
  required: boolean
  description: string | undefined
  example: unknown
}

function parameter(place: Parameter['in'], name: string, schema: JsonSchema, words: Words): Parameter {
  const { required, description, example } = words
  return {
    name,
    in: place,
    required,
    ...(description !== undefined && { description }),
    schema,
    ...(example !== undefined && { example }),
  }
}

const descriptions: Readonly<Record<number, string>> = {
  202: 'It is under way.',
  307: 'It is where `Location` says.',
}

function responsesOf(operation: Operation, parts: DocumentParts): PathOperation['responses'] {
  const { success = 200, pending, precondition } = operation
  const answered: ApiResponse = {
    description: descriptions[success] ?? 'Done.',
    headers: headersOf(operation),
    ...(success !== 204 && success !== 307 && { content: answeredAs(operation, parts) }),
  }
  return {
    [success]: answered,
    ...(pending && { 202: stillGoingOn(operation, parts) }),
    ...(precondition === 'If-None-Match' && { 304: { description: 'It is as it was.' } }),
    ...Object.fromEntries([...refusals(operation)].map(([status, all]) => [status, refusal(all, parts)])),
  }
}

function answeredAs(
  { answer, media, example }: Operation,
  parts: DocumentParts,
): ApiResponse['content'] & object {
  const content = json(answer, 'output', example?.answer, parts)
  return media ? { [media]: content['application/json'] } : content
}

function stillGoingOn(operation: Operation, parts: DocumentParts): ApiResponse {
  const content = json(operation.answer, 'output', undefined, parts)
  return { description: 'It is still going on.', headers: headersOf(operation), content }
}

function headersOf(operation: Operation): Record<string, Reference> {
  const names = [
    'X-Request-Id',
    ...(operation.scope === null ? [] : limits),
    ...(takesIdempotencyKey(operation) ? [replay] : []),
    ...(operation.headers ?? []),
  ]
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

/** Reasons by the status they come with. */
function refusals(operation: Operation): Map<number, ErrorCode[]> {
  const all = new Set([
    ...(operation.scope === null ? unwell : refusedAnywhere),
    ...(operation.body ? refusedWithBody : []),
    ...(takesIdempotencyKey(operation) ? refusedWithKey : []),
    ...(pathHasIds(operation) ? (['INVALID_ID'] as const) : []),
    ...operation.errors,
  ])
  const statuses = [...new Set([...all].map(statusOf))].sort()
  return new Map(
    statuses.map((status) => [status, [...all].filter((one) => statusOf(one) === status).sort()]),
  )
}
const unwell: readonly ErrorCode[] = ['SERVICE_UNAVAILABLE', 'INTERNAL']

function takesIdempotencyKey({ method, scope }: Operation): boolean {
  return method === 'post' && scope !== null
}

function pathHasIds({ path, parameters = {} }: Operation): boolean {
  return namesIn(path).some((name) => !(name in parameters))
}

/** One response for each set of reasons, named by them. */
function refusal(reasons: ErrorCode[], { responses }: DocumentParts): Reference {
  const name = reasons.join('.')
  responses[name] ??= {
    description: reasons.join(', '),
    headers: { 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' }, ...retryAfter(reasons) },
    content: {
      'application/json': { schema: { allOf: [{ $ref: '#/components/schemas/Error' }, oneOf(reasons)] } },
    },
  }
  return { $ref: `#/components/responses/${name}` }
}

function retryAfter(reasons: ErrorCode[]): Record<string, Reference> {
  const later = reasons.some((reason) => statusOf(reason) === 429 || reason === 'IDEMPOTENCY_KEY_IN_USE')
  return later ? { 'Retry-After': { $ref: '#/components/headers/Retry-After' } } : {}
}

function oneOf(reasons: ErrorCode[]): JsonSchema {
  return { properties: { error: { properties: { reason: { enum: reasons } } } } }
}

function json(shape: z.ZodType, use: SchemaUse, example: unknown, { schemas }: DocumentParts): Content {
  return { 'application/json': { schema: schemas.of(shape, use), ...(example !== undefined && { example }) } }
}
