import type { CallEvents } from './call-events.ts'
import {
  calledSideOf,
  causeOf,
  causeOfAll,
  credentialWords,
  searchedTooLong,
  transcodingBusy,
} from './cause.ts'
import { concluded, searchedTooLate, soon } from './ending.ts'
import { isAstray } from './handed-on.ts'
import { elsewhere } from './reason.ts'
import { wordsOf } from './refusal.ts'
import { sipsNotAllowed } from './sips.ts'
import type { Branch, BranchFailure, Call, Hunt, HuntEnding } from './state.ts'
import { heardBy, mostUseful, notOverTls, reasonOf, redirects, speaker } from './verdict.ts'

/*
 * How a hunt ends in which no callee answered: what the caller hears of it, and what the record says.
 */

/** A branch failed, and is written down. `silence`: what its silence counts as. */
export function noted(call: Call, failed: CallEvents['failure'], silence: number): BranchFailure {
  const { status, why, response } = failed
  const silent =
    status === 0 || (status === 408 && !failed.branch.provider) || isAstray(failed.branch, status)
  const failure: BranchFailure = {
    status: silent ? silence : status,
    answered: status,
    why,
    said: saidOf(failed),
    credentials: callersWords(failed),
    words: response ? wordsOf(response) : soon(status),
    cause: causeOf(call, failed),
  }
  const { hunt } = failed.branch
  hunt.failures = hunt.failures.concat(failure)
  failed.branch.attempt.cause = failure.cause
  return failure
}

/** No provider is left. */
export function exhausted(hunt: Hunt): HuntEnding {
  const uncalled = noneTurned(hunt) ?? noneOverTls(hunt)
  if (uncalled) return uncalled
  const status = mostUseful(statuses(hunt))
  const by = status === 486 || status >= 600 ? 'callee' : 'system'
  const toPbx = hunt.decision?.targets.kind === 'trunk'
  const ours = toPbx
    ? { why: 'the PBX cannot be reached' }
    : (onlyCredentials(hunt) ?? whoSaid(hunt, status) ?? allFailed)
  const headers = hunt.failures.findLast((failure) => failure.status === status)?.words ?? []
  return { by, reason: reasonOf(status), status, because: causeOfAll(hunt, status), ...ours, headers }
}

/** No callee was called, for each would have to be sent what is turned, and there was no room for that; undefined: one was. */
function noneTurned({ failures }: Hunt): HuntEnding | undefined {
  const [because] = failures.map((failure) => failure.cause)
  if (!because || !failures.every(({ cause }) => cause.reason === transcodingBusy)) return undefined
  const why = `${because.reason}: ${because.message}`
  return { by: 'system', reason: 'rejected', status: 503, why, because, headers: soon(503) }
}

/** No callee was called, for none is reached over TLS, which a sips URI promised (RFC 5630 §5.3); undefined: one was. */
function noneOverTls(hunt: Hunt): HuntEnding | undefined {
  if (hunt.failures.length === 0 || hunt.failures.some(({ why }) => why !== notOverTls)) return undefined
  const because = causeOfAll(hunt, 480)
  const words = { status: 480, code: sipsNotAllowed, why: 'SIPS Not Allowed: no TLS to the callee' }
  return { by: 'system', reason: 'failed', ...words, because, headers: [] }
}

/** A provider's word, or silence, is final. */
export function refusedBy(hunt: Hunt, failed: BranchFailure, silence: number): HuntEnding {
  const { answered, words: headers } = failed
  const told = heardBy(answered, answered === 0 ? silence : mostUseful(statuses(hunt)))
  const reason = redirects(answered) ? 'failed' : reasonOf(told)
  const ending = { by: speaker(answered), reason, status: told, because: failed.cause, headers } as const
  return { ...ending, ...inOurWords(failed, told) }
}

/** None of the callee's phones took the call; the last one which failed ended it. */
export function phonesFailed(hunt: Hunt): HuntEnding {
  const uncalled = noneTurned(hunt) ?? noneOverTls(hunt)
  if (uncalled) return uncalled
  const told = mostUseful(statuses(hunt))
  const away = told === 480 && hunt.failures.find(({ answered }) => redirects(answered))
  if (away) return redirected(away)
  const last = hunt.failures.at(-1)
  const because = causeOfAll(hunt, told)
  const ending = { by: speaker(last?.answered ?? 0), reason: reasonOf(told), status: told, because }
  const ours = last && (told === 480 || told === 503) ? inOurWords(last, told) : {}
  return { ...ending, ...ours, headers: last && told === last.answered ? last.words : [] }
}

/** Timer: the search as a whole took too long. */
export function noneRang(call: Call, hunt: Hunt): HuntEnding {
  const because = searchedTooLong(call, hunt, alive(call, hunt))
  for (const branch of alive(call, hunt)) concluded(call, branch, 0, searchedTooLate, 'final')
  // A PBX which is away is like a phone which is away.
  const silence = hunt.decision?.targets.kind === 'trunk' ? 480 : 408
  const status = mostUseful([...statuses(hunt), silence])
  return { by: 'system', reason: 'timeout', status, why: 'nobody rang in time', because, headers: [] }
}

/** Branches of a hunt which may still answer. */
export function alive(call: Call, hunt: Hunt): Branch[] {
  return call.branches.filter(
    (branch) => branch.hunt === hunt && (branch.state === 'calling' || branch.state === 'locating'),
  )
}

const allFailed = { why: 'all providers failed', cause: 503 }

/** The one provider there is wants credentials: the caller hears that it is not about the number. */
function onlyCredentials({ failures }: Hunt): Pick<HuntEnding, 'why' | 'cause'> | undefined {
  const [only, ...others] = failures
  if (!only?.credentials || others.length > 0) return undefined
  return { why: only.credentials, cause: only.answered }
}

/** The caller is told what a provider said: by the provider's name. */
function whoSaid({ failures }: Hunt, told: number): Pick<HuntEnding, 'why' | 'cause'> | undefined {
  const said = told < 500 ? failures.findLast(({ answered }) => answered === told) : undefined
  return said && { why: said.cause.message, cause: told }
}

/** The callee's phone sends its calls elsewhere: it did not fail to answer, and the caller shall not be told so. */
function redirected({ answered, cause: because }: BranchFailure): HuntEnding {
  const why = 'the phone forwards its calls, which is not followed'
  return { by: 'callee', reason: 'rejected', status: 480, why, because, cause: answered, headers: [] }
}

/** Where the caller is told something else than the other side said, the Reason says what that was. */
function inOurWords(
  { answered, why: put, credentials }: BranchFailure,
  told: number,
): Pick<HuntEnding, 'why' | 'cause'> {
  if (answered === told) return {}
  const why = credentials ?? put
  return answered === 0 ? { why } : { why, cause: answered }
}

/** That credentials are in the way, as the caller hears it: whose they are is not said. */
function callersWords({ branch, response }: CallEvents['failure']): string | undefined {
  const words = credentialWords(branch, response)
  return words && `${names[calledSideOf(branch)]} ${words}`
}

const names = { PROVIDER: 'the carrier', PBX: 'the PBX', PHONE: 'the phone' }

/** A final answer in words, for the attempt's record. */
export function saidOf({ branch, why, response }: CallEvents['failure']): string {
  const credentials = credentialWords(branch, response)
  return elsewhere(response) ?? (credentials === undefined ? why : `${why} (${credentials})`)
}

function statuses({ failures }: Hunt): number[] {
  return failures.map(({ status }) => status)
}
