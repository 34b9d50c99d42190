import type * as z from 'zod'
import type { JsonSchema } from './json-schema.ts'

/*
 * The document which describes the API before any operation stands in it: its form, and what operations share.
 */

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
  requestBody?: { required: boolean; content: Content & Partial<Content<string>> }
  responses: Record<string, ApiResponse | Reference>
  /** Requests to copy, as readers of OpenAPI show them. */
  'x-codeSamples'?: readonly CodeSample[]
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
  content?: Partial<
    Content<
      'application/json' | 'text/event-stream' | 'text/plain' | 'audio/wav' | 'application/vnd.tcpdump.pcap'
    >
  >
}
interface ResponseHeader {
  description: string
  schema: JsonSchema
}
/** A request as it is written in one language. */
export interface CodeSample {
  readonly lang: 'Shell' | 'TypeScript'
  readonly label: 'curl' | 'TypeScript'
  readonly source: string
}
export interface Reference {
  $ref: string
}
/** What a body may be, by its media type. */
export type Content<Media extends string = 'application/json'> = Record<
  Media,
  { schema: JsonSchema; example?: unknown }
>

/** A parameter which several operations have. */
export function shared(name: keyof typeof parameters): Reference {
  return { $ref: `#/components/parameters/${name}` }
}

/** Headers of an answer which say how much more may be asked. */
export const limits = ['RateLimit', 'RateLimit-Policy'] as const
/** Header of an answer which was given before. */
export const replay = 'Idempotency-Replayed'
/** What a parameter is in the path, unless its operation says otherwise. */
export const uuid: JsonSchema = { type: 'string', format: 'uuid' }
/** Ways to send a key. */
export const ways = ['bearer', 'token', 'accesskey'] as const

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

/** A document of no operation yet; `used`: the tags which are to be in it. */
export function blank({ title, version, description, tags }: About, used: ReadonlySet<string>): OpenApi {
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
