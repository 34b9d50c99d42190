import {
  type FailoverPolicy,
  type FlowTransport,
  failoverPolicy,
  type HangupReason,
  type Transport,
} from '#contract'

/*
 * The failover matrix: its cells, and what has to come of each. The rules here are written from the table of
 * relay/call/README.md and know nothing of the relay's own.
 */

/** The first carrier says `code`, perhaps after it rang; the second does what it does. */
export interface Cell {
  readonly code: number
  readonly before: 'nothing' | '180' | '183 with sound'
  readonly transport: Transport
  readonly second: Second
  /** The statuses which the first carrier's policy names. */
  readonly names: readonly number[]
}

export const seconds = ['ok', 'busy', 'dead', 'silent'] as const
export type Second = (typeof seconds)[number]

/** What a cell comes to. */
export interface Outcome {
  /** Final status the caller hears. */
  readonly heard: number
  /** INVITEs which reach each carrier; nobody is there to count those of a dead one. */
  readonly invites: readonly [first: number, second: number]
  /** What the record says it was called over. */
  readonly over: readonly (FlowTransport | null)[]
  /** Why, where the failure is ours (RFC 3326). */
  readonly says: readonly string[]
  /** The record's attempts: what each carrier came to, 0 for nothing, what that meant, and all it said. */
  readonly attempts: readonly string[]
  readonly by: 'caller' | 'callee' | 'system'
  readonly reason: HangupReason
}

const usual: FailoverPolicy = failoverPolicy.parse({})

/** Of each class at least one which the default policy does not name. */
const unnamed = [300, 302, 404, 480, 484, 486, 487, 488, 501, 505, 580, 600, 603, 604]

/** For this carrier 404 means "not here, try another", and 403 that the callee refuses. */
const otherMeaning = [404, 408, 500, 503]

export function cells(transport: Transport, second: Second): Cell[] {
  const codes = [
    ...[...usual.next_on, ...unnamed].map((code) => ({ code, names: usual.next_on })),
    ...[403, 404].map((code) => ({ code, names: otherMeaning })),
  ]
  const befores = ['nothing', '180', '183 with sound'] as const
  return befores.flatMap((before) => codes.map((one) => ({ ...one, before, transport, second })))
}

export function expected(cell: Cell): Outcome {
  return advances(cell) ? ofSecond(cell) : ofFirst(cell)
}

/** What it says is on the list, and it did not ring. */
function advances({ code, before, names }: Cell): boolean {
  return before === 'nothing' && names.includes(code)
}

function ofFirst({ code, before, transport }: Cell): Outcome {
  const heard = asHeard(code)
  const rang = before === 'nothing' ? '' : `${before.slice(0, 3)} `
  const ours = code < 400 || code === 401 || code === 407 || code === 408 || (code >= 500 && code < 600)
  return {
    heard,
    invites: [1, 0],
    over: [transport],
    says: heard === code ? [] : [`SIP;cause=${code};text="${saidFor(code)}"`],
    attempts: [`${code} final: ${rang}${code}`],
    by: ours ? 'system' : 'callee',
    reason: code < 400 ? 'failed' : reasonOf(heard),
  }
}

function ofSecond({ code, second, transport }: Cell): Outcome {
  const first = `${code} next: ${code}`
  const both = { invites: [1, 1] as const, over: [transport], says: [] }
  switch (second) {
    case 'ok':
      return {
        ...both,
        heard: 200,
        attempts: [first, '200 final: 200'],
        by: 'caller',
        reason: 'normal',
      }
    case 'busy':
      return {
        ...both,
        heard: 486,
        attempts: [first, '486 final: 486'],
        by: 'callee',
        reason: 'busy',
      }
    case 'dead':
      return {
        ...both,
        // A number which does not exist says more than a network which fails.
        heard: code === 404 ? 404 : 503,
        invites: [1, 0],
        says: [
          code === 404
            ? 'SIP;cause=404;text="The provider carrier 1 refused the call: 404 As Scripted."'
            : 'SIP;cause=503;text="all providers failed"',
        ],
        attempts: [first, '0 next: '],
        by: 'system',
        reason: 'failed',
      }
    case 'silent': {
      const heard = code === 404 ? 404 : 503
      return {
        ...both,
        heard,
        // There is none to move on to: the search as a whole is over.
        says: [`SIP;cause=${heard};text="nobody rang in time"`],
        attempts: [first, '0 final: '],
        by: 'system',
        reason: 'timeout',
      }
    }
  }
}

/** What a caller hears of a carrier's word which is not passed on. */
function saidFor(code: number): string {
  const wantsProof = code === 401 || code === 407
  return wantsProof ? 'the carrier wants a password, and none is configured' : 'As Scripted'
}

/** A redirection reached nobody; a carrier which wants a password has failed. */
function asHeard(code: number): number {
  if (code < 400) return 480
  return code === 401 || code === 407 ? 503 : code
}

function reasonOf(heard: number): HangupReason {
  if (heard === 486 || heard === 600) return 'busy'
  if (heard === 487) return 'cancel'
  return heard === 480 || heard === 408 || heard === 603 ? 'noanswer' : 'failed'
}
