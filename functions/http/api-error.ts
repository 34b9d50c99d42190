import type { Context } from 'hono'
import { sqlState, violated } from '#db'
import type { Edge } from '../env.ts'
import { causesOf, log } from '../log.ts'

const statuses = {
  INVALID_ARGUMENT: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  ALREADY_EXISTS: 409,
  FAILED_PRECONDITION: 409,
  GONE: 410,
  PRECONDITION_FAILED: 412,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  UNPROCESSABLE: 422,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  NOT_IMPLEMENTED: 501,
  UNAVAILABLE: 503,
} as const

/** Every reason a client may meet. Published ones keep their name and status for good. */
export const reasons = {
  INVALID_ARGUMENT: 'INVALID_ARGUMENT',
  INVALID_JSON_BODY: 'INVALID_ARGUMENT',
  INVALID_ID: 'INVALID_ARGUMENT',
  INVALID_REQUEST_PARAMETER: 'INVALID_ARGUMENT',
  INVALID_FLOW: 'INVALID_ARGUMENT',
  REFERENCE_NOT_FOUND: 'INVALID_ARGUMENT',
  BODY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  UNSUPPORTED_SOUND: 'UNSUPPORTED_MEDIA_TYPE',
  INVALID_SOUND: 'UNPROCESSABLE',
  SOUND_TOO_LONG: 'UNPROCESSABLE',
  SOUND_UNREACHABLE: 'UNPROCESSABLE',
  AUTHENTICATION_REQUIRED: 'UNAUTHENTICATED',
  INVALID_CREDENTIALS: 'UNAUTHENTICATED',
  ACCESSKEY_EXPIRED: 'UNAUTHENTICATED',
  ACCESSKEY_ROTATED: 'UNAUTHENTICATED',
  RELAY_KEY_REVOKED: 'UNAUTHENTICATED',
  PERMISSION_DENIED: 'PERMISSION_DENIED',
  SCOPE_MISSING: 'PERMISSION_DENIED',
  RESOURCE_NOT_FOUND: 'NOT_FOUND',
  METHOD_NOT_ALLOWED: 'METHOD_NOT_ALLOWED',
  CUSTOMER_NOT_FOUND: 'NOT_FOUND',
  ACCESSKEY_NOT_FOUND: 'NOT_FOUND',
  PROVIDER_NOT_FOUND: 'NOT_FOUND',
  ROUTE_NOT_FOUND: 'NOT_FOUND',
  EXTENSION_NOT_FOUND: 'NOT_FOUND',
  TRUNK_NOT_FOUND: 'NOT_FOUND',
  NUMBER_NOT_FOUND: 'NOT_FOUND',
  FLOW_NOT_FOUND: 'NOT_FOUND',
  WEBHOOK_NOT_FOUND: 'NOT_FOUND',
  ALERT_NOT_FOUND: 'NOT_FOUND',
  DRILL_NOT_FOUND: 'NOT_FOUND',
  PROMPT_NOT_FOUND: 'NOT_FOUND',
  CALL_NOT_FOUND: 'NOT_FOUND',
  MESSAGES_NOT_FOUND: 'NOT_FOUND',
  RECORDING_NOT_FOUND: 'NOT_FOUND',
  ERASURE_NOT_FOUND: 'NOT_FOUND',
  REGISTRATION_NOT_FOUND: 'NOT_FOUND',
  BLOCK_NOT_FOUND: 'NOT_FOUND',
  RELAY_NOT_FOUND: 'NOT_FOUND',
  RELAY_KEY_NOT_FOUND: 'NOT_FOUND',
  EVENT_NOT_FOUND: 'NOT_FOUND',
  TEST_NOT_FOUND: 'NOT_FOUND',
  CHANGE_NOT_FOUND: 'NOT_FOUND',
  VERSION_NOT_FOUND: 'NOT_FOUND',
  VERSION_GONE: 'GONE',
  SOUND_GONE: 'GONE',
  PROVISIONING_GONE: 'GONE',
  TOKEN_NOT_FOUND: 'NOT_FOUND',
  TOO_MANY_TOKENS: 'RESOURCE_EXHAUSTED',
  EXTENSION_TAKEN: 'ALREADY_EXISTS',
  TRUNK_DOMAIN_TAKEN: 'ALREADY_EXISTS',
  REGISTRAR_NAME_TAKEN: 'ALREADY_EXISTS',
  NUMBER_TAKEN: 'ALREADY_EXISTS',
  PROVIDER_IN_USE: 'FAILED_PRECONDITION',
  EXTENSION_IN_USE: 'FAILED_PRECONDITION',
  TRUNK_IN_USE: 'FAILED_PRECONDITION',
  FLOW_IN_USE: 'FAILED_PRECONDITION',
  PROMPT_IN_USE: 'FAILED_PRECONDITION',
  NUMBER_IN_USE: 'FAILED_PRECONDITION',
  WEBHOOK_IN_USE: 'FAILED_PRECONDITION',
  WEBHOOK_MISSING: 'FAILED_PRECONDITION',
  CUSTOMER_IN_USE: 'FAILED_PRECONDITION',
  IDEMPOTENCY_KEY_REUSED: 'FAILED_PRECONDITION',
  IDEMPOTENCY_KEY_IN_USE: 'FAILED_PRECONDITION',
  AMBIGUOUS_SOURCE: 'FAILED_PRECONDITION',
  PASSWORD_UNKNOWN: 'FAILED_PRECONDITION',
  TURN_NOT_SET: 'FAILED_PRECONDITION',
  QUOTA_EXCEEDED: 'FAILED_PRECONDITION',
  SNAPSHOT_TOO_LARGE: 'FAILED_PRECONDITION',
  RELAY_REPLACED: 'FAILED_PRECONDITION',
  RELAY_ALIVE: 'FAILED_PRECONDITION',
  RELAY_TOO_OLD: 'FAILED_PRECONDITION',
  RECORDING_NOT_READY: 'FAILED_PRECONDITION',
  CALL_OVER: 'FAILED_PRECONDITION',
  CALL_REFUSED: 'FAILED_PRECONDITION',
  CALL_STATE_INVALID: 'FAILED_PRECONDITION',
  RECORDING_ALREADY_ACTIVE: 'FAILED_PRECONDITION',
  RECORDING_NOT_ACTIVE: 'FAILED_PRECONDITION',
  VERSION_MISMATCH: 'PRECONDITION_FAILED',
  TOO_MANY_TESTS: 'RESOURCE_EXHAUSTED',
  TOO_MANY_DRILLS: 'RESOURCE_EXHAUSTED',
  TOO_MANY_STREAMS: 'RESOURCE_EXHAUSTED',
  TOO_MANY_REQUESTS: 'RESOURCE_EXHAUSTED',
  TOO_MANY_WRONG_KEYS: 'RESOURCE_EXHAUSTED',
  INTERNAL: 'INTERNAL',
  SERVICE_UNAVAILABLE: 'UNAVAILABLE',
  SOUND_STORE_UNAVAILABLE: 'UNAVAILABLE',
  TOO_MANY_UPLOADS: 'UNAVAILABLE',
  NO_RELAY: 'UNAVAILABLE',
  RELAY_SILENT: 'UNAVAILABLE',
  NO_HUB: 'NOT_IMPLEMENTED',
} as const satisfies Record<string, keyof typeof statuses>
export type Reason = keyof typeof reasons

/** The HTTP status which goes with a reason. */
export function statusOf(reason: Reason): number {
  return statuses[reasons[reason]]
}

/** Which field is wrong, and why. */
export interface Detail {
  field: string
  message: string
}

/** A refusal the client can understand: a stable reason, one sentence, the fields concerned. */
export class ApiError extends Error {
  readonly reason: Reason
  readonly details: Detail[]

  constructor(reason: Reason, message: string, details: Detail[] = []) {
    super(message)
    this.reason = reason
    this.details = details
  }

  /** One field of the body is wrong. */
  static field(field: string, message: string, reason: Reason = 'INVALID_ARGUMENT'): ApiError {
    return new ApiError(reason, `${field}: ${message}`, [{ field, message }])
  }

  /** A field such as `extension_id` names none which the customer has. */
  static namesNone(field: string): ApiError {
    const noun = field.replace(/^call_|_id$/g, '')
    return ApiError.field(field, `names no ${noun} of yours`, 'REFERENCE_NOT_FOUND')
  }
}

/** Every failure as the one error envelope. */
export function present(error: Error, c: Context<Edge>): Response {
  const problem = understood(error)
  const { reason, message, details } = problem
  const status = reasons[reason]
  const requestId = c.get('requestId')
  if (reason === 'SERVICE_UNAVAILABLE') c.get('watch')?.lost(error)
  else if (statuses[status] >= 500 && error !== problem) report('error', 'request_failed', error, requestId)
  if (isValueRefused(error)) report('warn', 'value_refused', error, requestId)
  const body = { status, reason, message, request_id: requestId, ...(details.length > 0 && { details }) }
  return c.json({ error: body }, statuses[status])
}

const collisions: Record<string, ApiError> = {
  extension_name: ApiError.field('extension', 'there is already one of this name', 'EXTENSION_TAKEN'),
  registrar_name_taken: ApiError.field('registrar_name', 'is taken', 'REGISTRAR_NAME_TAKEN'),
  trunk_domain_taken: ApiError.field('domain_name', 'is taken', 'TRUNK_DOMAIN_TAKEN'),
  number_any_taken: ApiError.field(
    'number',
    'there is already a catch-all for this provider',
    'NUMBER_TAKEN',
  ),
  number_taken: ApiError.field('number', 'is already in use', 'NUMBER_TAKEN'),
  number_twice: ApiError.field('number', 'is already yours', 'NUMBER_TAKEN'),
}

function understood(error: Error): ApiError {
  if (error instanceof ApiError) return error
  const constraint = violated(error) ?? ''
  if (constraint.endsWith('_customer_id_customers_id_fk'))
    return new ApiError('CUSTOMER_NOT_FOUND', 'There is no such customer.')
  const collision = collisions[constraint]
  if (collision) return collision
  if (isValueRefused(error))
    return new ApiError('INVALID_ARGUMENT', 'The request has a value which the database cannot keep.')
  if (unreachable(error))
    return new ApiError('SERVICE_UNAVAILABLE', 'The database does not answer. Try again soon.')
  return new ApiError('INTERNAL', 'This is our fault. It has been noted under the request id.')
}

/** Class 22 is about the values of a statement: they came with the request, and our shapes let them pass. */
function isValueRefused(error: Error): boolean {
  return /^22/.test(sqlState(error) ?? '')
}

/** Class 08, 40, 53 and 57 are the database's own trouble, and pass; none at all means it was never reached. */
function unreachable(error: Error): boolean {
  const state = sqlState(error)
  if (state !== undefined) return /^(08|40|53|57)/.test(state)
  return [error, error.cause].some((cause) => cause instanceof Error && cause.name === 'NeonDbError')
}

function report(level: 'warn' | 'error', event: string, error: Error, requestId: string): void {
  const stack = error.stack?.split('\n').filter((line) => line.startsWith('    at '))
  log(level, event, { causes: causesOf(error), request_id: requestId, stack })
}
