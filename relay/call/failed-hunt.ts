import type { SipEndpoint } from '../ua/endpoint.ts'
import { causeOf, causeOfAll, credentialWords, searchedTooLong, sideOf } from './cause.ts'
import { concluded, end, type UnansweredEnd } from './ending.ts'
import { elsewhere } from './reason.ts'
import { wordsOf } from './refusal.ts'
import type { Branch, BranchFailure, Call, CallEvents, CallStep } from './state.ts'
import { heardBy, mostUseful, reasonOf, redirects, speaker } from './verdict.ts'

/*
 * How a hunt ends in which no callee answered: what the caller hears of it, and what the record says.
 */

/** A branch failed, and is written down. `silence`: what its silence counts as. */
export function noted(call: Call, failed: CallEvents['failure'], silence: number): BranchFailure {
  const { status, why, response } = failed
  const silent = status === 0 || (status === 408 && !failed.branch.provider)
  const failure: BranchFailure = {
    status: silent ? silence : status,
    answered: status,
    why,
    said: saidOf(failed),
    credentials: callersWords(call, failed),
    words: wordsOf(response),
    cause: causeOf(call, failed),
  }
  call.failures.push(failure)
  return failure
}

/** No provider is left. */
export function exhausted(call: Call, endpoint: SipEndpoint): CallStep {
  const status = mostUseful(statuses(call))
  const by = status === 486 || status >= 600 ? 'callee' : 'system'
  const toPbx = call.decision?.targets.kind === 'trunk'
  const ours = toPbx
    ? { why: 'the PBX cannot be reached' }
    : (onlyCredentials(call) ?? whoSaid(call, status) ?? allFailed)
  const theirs = call.failures.findLast((failure) => failure.status === status)?.words
  const because = causeOfAll(call, status)
  return end(call, endpoint, { by, reason: reasonOf(status), status, because, ...ours }, theirs)
}

/** A provider's word, or silence, is final. */
export function refusedBy(
  call: Call,
  failed: BranchFailure,
  silence: number,
  endpoint: SipEndpoint,
): CallStep {
  const { answered, words } = failed
  const told = heardBy(answered, answered === 0 ? silence : mostUseful(statuses(call)))
  const reason = redirects(answered) ? 'failed' : reasonOf(told)
  const ending = { by: speaker(answered), reason, status: told, because: failed.cause } as const
  return end(call, endpoint, { ...ending, ...inOurWords(failed, told) }, words)
}

/** None of the callee's phones took the call; `last` ended it. */
export function phonesFailed(call: Call, last: BranchFailure, endpoint: SipEndpoint): CallStep {
  const told = mostUseful(statuses(call))
  const away = told === 480 && call.failures.find(({ answered }) => redirects(answered))
  if (away) return redirected(call, away, endpoint)
  const ending = { by: speaker(last.answered), reason: reasonOf(told), status: told }
  const because = causeOfAll(call, told)
  const ours = told === 480 || told === 503 ? inOurWords(last, told) : {}
  return end(call, endpoint, { ...ending, ...ours, because }, told === last.answered ? last.words : [])
}

/** Timer: the search as a whole took too long. */
export function noneAlive(call: Call, endpoint: SipEndpoint): CallStep {
  const because = searchedTooLong(call, alive(call))
  for (const branch of alive(call)) concluded(call, branch, 0, 'search timed out', 'final')
  // A PBX which is away is like a phone which is away.
  const silence = call.decision?.targets.kind === 'trunk' ? 480 : 408
  const status = mostUseful([...statuses(call), silence])
  return end(call, endpoint, { by: 'system', reason: 'timeout', status, why: 'nobody rang in time', because })
}

/** Branches which may still answer. */
export function alive(call: Call): Branch[] {
  return call.branches.filter((branch) => branch.state === 'calling' || branch.state === 'locating')
}

const allFailed = { why: 'all providers failed', cause: 503 }

/** The one provider there is wants credentials: the caller hears that it is not about the number. */
function onlyCredentials({ failures }: Call): Pick<UnansweredEnd, 'why' | 'cause'> | undefined {
  const [only, ...others] = failures
  if (!only?.credentials || others.length > 0) return undefined
  return { why: only.credentials, cause: only.answered }
}

/** The caller is told what a provider said: by the provider's name. */
function whoSaid({ failures }: Call, told: number): Pick<UnansweredEnd, 'why' | 'cause'> | undefined {
  const said = told < 500 ? failures.findLast(({ answered }) => answered === told) : undefined
  return said && { why: said.cause.message, cause: told }
}

/** The callee's phone sends its calls elsewhere: it did not fail to answer, and the caller shall not be told so. */
function redirected(call: Call, { answered, cause }: BranchFailure, endpoint: SipEndpoint): CallStep {
  const why = 'the phone forwards its calls, which is not followed'
  const ending = { by: 'callee', reason: 'rejected', status: 480, why, because: cause } as const
  return end(call, endpoint, { ...ending, cause: answered })
}

/** Where the caller is told something else than the other side said, the Reason says what that was. */
function inOurWords(
  { answered, why: put, credentials }: BranchFailure,
  told: number,
): Pick<UnansweredEnd, 'why' | 'cause'> {
  if (answered === told) return {}
  const why = credentials ?? put
  return answered === 0 ? { why } : { why, cause: answered }
}

/** That credentials are in the way, as the caller hears it: whose they are is not said. */
function callersWords(call: Call, { branch, response }: CallEvents['failure']): string | undefined {
  const words = credentialWords(branch, response)
  return words && `${names[sideOf(call, branch)]} ${words}`
}

const names = { PROVIDER: 'the carrier', PBX: 'the PBX', PHONE: 'the phone' }

/** A final answer in words, for the attempt's record. */
function saidOf({ branch, why, response }: CallEvents['failure']): string {
  const credentials = credentialWords(branch, response)
  return elsewhere(response) ?? (credentials === undefined ? why : `${why} (${credentials})`)
}

function statuses(call: Call): number[] {
  return call.failures.map(({ status }) => status)
}
