import type * as z from 'zod'
import { statusOf } from './api-error.ts'
import { describeFields } from './describe-fields.ts'
import { type JsonSchema, Schemas, type SchemaUse } from './json-schema.ts'
import {
  type ErrorCode,
  type Operation,
  refusedAnywhere,
  refusedWithBody,
  refusedWithKey,
} from './operation.ts'

/** What the document says of the API as a whole. */
export interface About {
  readonly title: string
  readonly version: string
  readonly description: string
  /** Tags in the order in which they are to be read, each with a sentence; those of no operation are left out. */
  readonly tags: Readonly<Record<string, string>>
  /** How every refusal looks. */
  readonly refusal: z.ZodType
  /** Sentences for fields and parameters whose schema has none: by `name`, or by `owner.name`. */
  readonly words: Readonly<Record<string, string>>
}

/** An OpenAPI 3.1 document, as far as it is written here. */
export interface OpenApi {
  openapi: '3.1.1'
  info: { title: string; version: string; description: string; license: { name: string; identifier: string } }
  servers: { url: string }[]
  tags: { name: string; description: string }[]
  security: Record<string, string[]>[]
  paths: Record<string, Record<string, PathOperation>>
  components: {
    schemas: Record<string, JsonSchema>
    responses: Record<string, ApiResponse>
    parameters: Record<string, Parameter>
    headers: Record<string, ResponseHeader>
    securitySchemes: Record<string, object>
  }
}
export interface PathOperation {
  operationId: string
  tags: string[]
  summary: string
  description?: string
  security?: Record<string, string[]>[]
  parameters?: (Parameter | Reference)[]
  requestBody?: { required: true; content: Content & Partial<Content<string>> }
  responses: Record<string, ApiResponse | Reference>
}
export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  description?: string
  schema: JsonSchema
  example?: unknown
}
export interface ApiResponse {
  description: string
  headers?: Record<string, Reference>
  content?: Partial<Content<'application/json' | 'text/event-stream' | 'audio/wav'>>
}
interface ResponseHeader {
  description: string
  schema: JsonSchema
}
export interface Reference {
  $ref: string
}
type Content<Media extends string = 'application/json'> = Record<
  Media,
  { schema: JsonSchema; example?: unknown }
>

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
    document.paths[operation.path] = { ...path, [operation.method]: described(operation, parts) }
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
    ...(body && { requestBody: { required: true, content: bodiesOf(operation, body, parts) } }),
    responses: responsesOf(operation, parts),
  }
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

function shared(name: keyof typeof parameters): Reference {
  return { $ref: `#/components/parameters/${name}` }
}

const limits = ['RateLimit', 'RateLimit-Policy'] as const
const replay = 'Idempotency-Replayed'
const uuid: JsonSchema = { type: 'string', format: 'uuid' }
/** Ways to send a key. */
const ways = ['bearer', 'token', 'accesskey'] as const

const parameters = {
  customer_id: {
    name: 'customer_id',
    in: 'query',
    description: 'Whose it is about: for administrators, who may act for another customer.',
    schema: uuid,
  },
  'Idempotency-Key': {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'A word of your own for this request: sent again with the same body within 24 hours, it is answered as it was and done once.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
  'If-Match': {
    name: 'If-Match',
    in: 'header',
    description: 'The ETag which you have seen: the change is made only while it still holds.',
    schema: { type: 'string' },
  },
  'If-None-Match': {
    name: 'If-None-Match',
    in: 'header',
    description: 'The ETag which you have: answered 304, without a body, while it still holds.',
    schema: { type: 'string' },
  },
} as const satisfies Record<string, Parameter>

const headers: Record<string, ResponseHeader> = {
  'X-Request-Id': {
    description: 'Names the request, in logs too. Send one of your own, or read ours.',
    schema: { type: 'string' },
  },
  Location: { description: 'Where what was made can be read.', schema: { type: 'string' } },
  ETag: { description: 'The version of what is shown, for If-Match.', schema: { type: 'string' } },
  RateLimit: {
    description:
      'What is left at most of each limit as `r`, and the seconds until it is whole again as `t`. Each place of the edge counts what it has seen: 429 may come before `r` is 0.',
    schema: { type: 'string' },
  },
  'RateLimit-Policy': {
    description: 'The limits: `q` requests in `w` seconds, with one access key and from one address.',
    schema: { type: 'string' },
  },
  'Idempotency-Replayed': {
    description: '`true`: this is the answer to an earlier request with this Idempotency-Key.',
    schema: { type: 'string', enum: ['true'] },
  },
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } },
}

function blank({ title, version, description, tags }: About, used: ReadonlySet<string>): OpenApi {
  const named = Object.entries(tags).filter(([name]) => used.has(name))
  return {
    openapi: '3.1.1',
    info: { title, version, description, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/' }],
    tags: named.map(([name, description]) => ({ name, description })),
    security: ways.map((way) => ({ [way]: [] })),
    paths: {},
    components: {
      schemas: {},
      responses: {},
      parameters,
      headers,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'Authorization: Bearer <access key>' },
        token: {
          type: 'apiKey',
          in: 'query',
          name: 'token',
          description: 'The same key; it may end up in logs.',
        },
        accesskey: {
          type: 'apiKey',
          in: 'query',
          name: 'accesskey',
          description: 'Another name for `token`.',
        },
      },
    },
  }
}
