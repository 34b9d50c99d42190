import type * as z from 'zod'
import type { AccessScope } from '#contract'
import type { Reason } from './api-error.ts'

/** Any reason with which the API refuses, by its published name. */
export type ErrorCode = Reason

/**
 * One thing which can be asked of the API, as its document describes it. The schemas are those which validate, so that
 * neither can be changed alone.
 */
export interface Operation {
  /** `createProvider`: unique, and the name of a method in generated clients. */
  readonly id: string
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** With its parameters in braces, `/v1.0/providers/{id}`; each is a UUID unless `parameters` says otherwise. */
  readonly path: string
  /** One line, without a full stop. */
  readonly summary: string
  /** What the summary leaves out, in sentences; absent where that is nothing. */
  readonly description?: string
  /** Under which noun it is listed, `providers`. */
  readonly tag: string
  /** null: it is answered without a key. */
  readonly scope: AccessScope | null
  /** Parameters of the path which are no UUIDs, by name. */
  readonly parameters?: Readonly<Record<string, z.ZodType>>
  /** Parameters of the query, beside those which every operation takes; absent: none. */
  readonly query?: z.ZodObject
  /** Body of the request (`io: 'input'`); absent: it has none. */
  readonly body?: z.ZodType
  /** It is read by `readOrder`: where all its body may say has a default, there may be none. */
  readonly mayBeBare?: true
  /** Bodies it takes beside JSON, by media type; absent: none. */
  readonly uploads?: Readonly<Record<string, z.ZodType>>
  /** Body of a successful answer (`io: 'output'`). */
  readonly answer: z.ZodType
  /** The media type of that body; absent: JSON. */
  readonly media?: 'text/event-stream' | 'text/plain' | 'audio/wav' | 'application/vnd.tcpdump.pcap'
  /** Status of a successful answer; absent: 200. */
  readonly success?: 200 | 202 | 204 | 307
  /** It may be answered 202 too: what was asked for is still going on. */
  readonly pending?: true
  /** Conditional header it understands (RFC 9110 §13): 304 follows from the first, 412 from the second. */
  readonly precondition?: 'If-None-Match' | 'If-Match'
  /** Headers of a successful answer beside those of every answer. */
  readonly headers?: readonly ('ETag' | 'Location')[]
  /** Reasons it may refuse with, beside those of `refusedAnywhere`. */
  readonly errors: readonly ErrorCode[]
  readonly example?: Example
}

/** What may be sent and what is then answered. The same thing has the same id in the examples of all operations. */
export interface Example {
  /** Of the path and the query; those of the path which are left out are what the answer calls so. */
  readonly parameters?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly answer: unknown
}

/** Reasons which any operation may refuse with: who asks, how often, and how the database is. */
export const refusedAnywhere = [
  'INVALID_REQUEST_PARAMETER',
  'AUTHENTICATION_REQUIRED',
  'INVALID_CREDENTIALS',
  'ACCESSKEY_EXPIRED',
  'ACCESSKEY_ROTATED',
  'PERMISSION_DENIED',
  'SCOPE_MISSING',
  'CUSTOMER_NOT_FOUND',
  'TOO_MANY_WRONG_KEYS',
  'TOO_MANY_REQUESTS',
  'SERVICE_UNAVAILABLE',
  'INTERNAL',
] as const satisfies readonly ErrorCode[]

/** Reasons which any POST may refuse with beside those: it may come with an Idempotency-Key. */
export const refusedWithKey = [
  'IDEMPOTENCY_KEY_REUSED',
  'IDEMPOTENCY_KEY_IN_USE',
] as const satisfies readonly ErrorCode[]

/** Reasons which any operation with a body may refuse with beside those. */
export const refusedWithBody = [
  'INVALID_ARGUMENT',
  'INVALID_JSON_BODY',
  'BODY_TOO_LARGE',
] as const satisfies readonly ErrorCode[]
