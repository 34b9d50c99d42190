import { isEncrypted } from '../ground/flow.ts'
import type { Astray } from '../ground/media.ts'
import { refusesKeys } from '../leg/keying.ts'
import { parseChallenges } from '../sip/digest.ts'
import type { Response } from '../sip/message.ts'
import { codecsOf } from './offer-answer.ts'
import { type Cause, cutText, elsewhere } from './reason.ts'
import type { Branch, BranchFailure, Call, CalledPeer, Hunt, Side } from './state.ts'
import { codecsFor } from './taken.ts'
import { notKeyed, notOverTls, redirects } from './verdict.ts'

/*
 * Why a call did not go well, for its record. What a decision refuses brings words of its own.
 */

/** The sound of a call would have to be turned, and there is no room for one more. */
export const transcodingBusy = 'TRANSCODING_BUSY'

/** How a branch ended which got no 2xx. */
interface EndedBranch {
  readonly branch: Branch
  /** 0: nothing came. */
  readonly status: number
  readonly why: string
  readonly response: Response | undefined
}

/** What a peer says of itself may be long. */
const lettersAtMost = 500
/** Of one, so that the others' have room beside it. */
const reasonsAtMost = 120

/** A cause; its message is cut to 500 characters, on one line. */
export function cause(reason: string, message: string): Cause {
  return { reason, message: cutText(message, lettersAtMost) }
}

/** No phone registered where the call leads; or at relays to which we know no way. */
export function notRegistered(hunt: Hunt): Cause {
  const { unreached } = hunt
  if (unreached.length > 0)
    return registeredAt(hunt, unreached.join(' and '), 'which this relay does not know as one that lives')
  return cause('NOT_REGISTERED', `${sentence(calleeOf(hunt))} is not registered.`)
}

/** Its phone is at another relay of the fleet, and was not reached there. */
function registeredAt(hunt: Hunt, relay: string, why: string): Cause {
  return cause('REGISTERED_ELSEWHERE', `${sentence(calleeOf(hunt))} is registered at relay ${relay}, ${why}.`)
}

/** It rang, and was not answered. */
export function unanswered(hunt: Hunt, ms: number): Cause {
  return cause('NO_ANSWER', `${sentence(calleeOf(hunt))} did not answer in ${Math.round(ms / 1000)} s.`)
}

/** Why one branch failed. */
export function causeOf(call: Call, ended: EndedBranch): Cause {
  const { branch, status, why } = ended
  const who = peerOf(branch)
  const [word, name] = who
  if (!branch.tried && why === notOverTls) return sipsInTheOpen(`${name} ${reachedBy(branch)}`)
  const open = obstacleToKeys(ended)
  if (open !== undefined) return notEncrypted(sentence(name), open)
  if (!branch.tried && status === 488) return noCodecLeft(call, name, ended)
  if (!branch.tried && status === 503) return cause(transcodingBusy, `${sentence(why)}.`)
  if (branch.provider && !branch.flow) return cause('HOST_NOT_FOUND', notFound(branch.provider, name, why))
  const relay = branch.contact?.relay
  if (relay !== undefined && status === 430) return notRegistered(branch.hunt)
  if (relay !== undefined && status === 0)
    return registeredAt(branch.hunt, relay, `which cannot be reached${place(branch)}: ${why}`)
  if (status === 0 && branch.heard !== 'nothing')
    return cause(
      `${word}_SILENT`,
      `${sentence(name)} took the call${place(branch)}, and never answered further: ${why}.`,
    )
  if (status === 0)
    return cause(`${word}_UNREACHABLE`, `${sentence(name)} cannot be reached${place(branch)}: ${why}.`)
  return refusal(call, ended, who)
}

/** Why no provider or phone is left to be called. */
export function causeOfAll({ failures }: Hunt, told: number): Cause {
  const [only, ...others] = failures
  if (only && others.length === 0) return only.cause
  const spoke = failures.findLast(({ status }) => status === told && status < 500)
  return cause(spoke?.cause.reason ?? 'ALL_PROVIDERS_FAILED', sentencesOf(failures))
}

/** No callee rang in time; `waiting`: the branches which may still have. */
export function searchedTooLong(call: Call, hunt: Hunt, waiting: readonly Branch[]): Cause {
  const waited = `Nobody rang in ${Math.round((call.now - call.startedNow) / 1000)} s.`
  const quiet = waiting.map((branch) => ({ cause: causeOf(call, quietOf(branch)) }))
  return cause('SEARCH_TIMED_OUT', `${waited} ${sentencesOf([...hunt.failures, ...quiet])}`.trim())
}

/** Why a branch whose sound has to be encrypted could not have it; undefined: it could, or need not. */
function obstacleToKeys({ branch, status, why }: EndedBranch): string | undefined {
  const { secure, flow, tried } = branch
  if (secure !== 'required' || flow === undefined) return undefined
  if (!tried && !isEncrypted(flow)) return `it is called over ${flow.transport}, not TLS`
  if (!tried || !refusesKeys(status)) return undefined
  return status === 488 && why === notKeyed ? why : `it refuses SRTP with ${status} ${why}`
}

function quietOf(branch: Branch): EndedBranch {
  const heard = branch.heard === 'nothing' ? 'nothing came back' : 'only 100 came back'
  return { branch, status: 0, why: branch.flow ? heard : 'DNS took too long', response: undefined }
}

/** Our 2xx was never acknowledged: what it names as our place leads elsewhere. */
export function notAcknowledged(side: Side, contact: string): Cause {
  const told = `The ${side} never acknowledged our 200 (ACK), which gives ${contact} as our Contact.`
  return cause('NOT_ACKNOWLEDGED', `${told} If that place cannot be reached from there, PUBLIC_IP is wrong.`)
}

/** The session description of a side, once the call was answered, leaves nothing to talk by. */
export function unheard(side: Side, why: string): Cause {
  return cause('SOUND_UNUSABLE', `What the ${side} says of its sound cannot be used: ${why}.`)
}

/** A party whose sound has to be encrypted (`secure` is `required`), and is not. */
export function notEncrypted(who: string, why: string): Cause {
  return cause('NOT_ENCRYPTED', `${who} must have its sound encrypted (secure is required): ${why}.`)
}

/** A call to a sips URI which has a hop without TLS. */
export function sipsInTheOpen(why: string): Cause {
  return cause('SIPS_WITHOUT_TLS', `The call is to a sips URI, which takes TLS on every hop: ${why}.`)
}

function reachedBy({ flow }: Branch): string {
  return flow && !isEncrypted(flow)
    ? `is reached over ${flow.transport}`
    : 'registered a sip URI through a proxy, which may go on without'
}

/** A side whose sound has no way to us, or none any more (RFC 8445, RFC 7675, RFC 5763). */
export function astray({ side, of, ms, why }: Astray): Cause {
  const seconds = Math.round(ms / 1000)
  if (of === 'keys') return cause('DTLS_FAILED', `No keys were agreed on with the ${side}: ${why}.`)
  return of === 'consent'
    ? cause(
        'CONSENT_LOST',
        `The ${side} no longer checks its way to us (ICE): nothing came for ${seconds} s.`,
      )
    : cause('ICE_FAILED', `The ${side} found no way to us (ICE): none of its checks came in ${seconds} s.`)
}

/** A side which no longer answers inside the call. */
export function silentInside(side: Side, method: string): Cause {
  return cause('PARTY_LOST', `The ${side} no longer answers: it was sent ${method} in vain.`)
}

/**
 * Where our credentials are in the way it is said so, to the record, to the provider's health and to the caller.
 * undefined where they are not.
 */
export function credentialWords(
  { provider, proofs }: Branch,
  response: Response | undefined,
): string | undefined {
  if (response?.status !== 401 && response?.status !== 407) return undefined
  if (!provider?.credentials) return 'wants a password, and none is configured'
  return proofs.rounds > 0 ? 'does not take the username and password' : 'wants a proof which cannot be given'
}

function refusal(call: Call, { branch, status, why, response }: EndedBranch, [word, name]: PeerName): Cause {
  const said = `${status} ${why}${inItsWords(response)}`.trim()
  const missing = credentialWords(branch, response)
  if (missing !== undefined)
    return cause(credentialReason(branch), `${sentence(name)} ${missing} (${said}${realmOf(response)}).`)
  if (redirects(status))
    return cause(
      'REDIRECTED',
      `${sentence(name)} sends the call elsewhere, which is not followed: ${status} ${elsewhere(response) ?? why}.`,
    )
  if (status === 486 || status === 600)
    return cause('BUSY', `${sentence(name)} says that it is busy there: ${said}.`)
  if (status === 488 || status === 606)
    return cause(
      'NO_COMMON_CODEC',
      `${sentence(name)} takes nothing the caller offers (${offered(call)}): ${said}.`,
    )
  return cause(`${word}_REFUSED`, `${sentence(name)} refused the call: ${said}.`)
}

/** Why, as a peer says it itself (RFC 3326, RFC 3261 §20.43). */
function inItsWords(response: Response | undefined): string {
  const words = response ? [...response.all('reason'), ...response.all('warning')].join(', ') : ''
  return words === '' ? '' : ` (${cutText(words, reasonsAtMost)})`
}

function credentialReason({ provider }: Branch): string {
  return provider?.credentials ? 'CREDENTIALS_REFUSED' : 'CREDENTIALS_MISSING'
}

function noCodecLeft(call: Call, name: string, { branch, why }: EndedBranch): Cause {
  const only = codecsFor(branch).join(', ')
  const besides = why.includes('not turned') ? `; ${why}` : ''
  return cause(
    'NO_COMMON_CODEC',
    `The caller offers ${offered(call)}, and ${name} is to be sent only ${only}${besides}.`,
  )
}

function offered(call: Call): string {
  return codecsOf(call.caller.invite).join(', ') || 'no codec'
}

function notFound({ hostname }: CalledPeer, name: string, why: string): string {
  return `${sentence(name)} cannot be found at ${hostname}: ${why}.`
}

function place({ attempt }: Branch): string {
  return attempt.address === ''
    ? ''
    : ` at ${attempt.address}${attempt.transport ? ` over ${attempt.transport}` : ''}`
}

function realmOf(response: Response | undefined): string {
  const name = response?.status === 407 ? 'proxy-authenticate' : 'www-authenticate'
  const realm = response?.all(name).flatMap(parseChallenges)[0]?.realm
  return realm === undefined ? '' : `, realm ${realm}`
}

type CalledSide = 'PROVIDER' | 'PBX' | 'PHONE'
type PeerName = readonly [word: CalledSide, name: string]

/** Who was called by a branch. */
function peerOf(branch: Branch): PeerName {
  const side = calledSideOf(branch)
  return [side, side === 'PROVIDER' ? `the provider ${branch.provider?.name}` : calleeOf(branch.hunt)]
}

/** What was called by a branch. */
export function calledSideOf({ provider, hunt }: Branch): CalledSide {
  if (provider?.provider_id) return 'PROVIDER'
  return hunt.decision?.targets.kind === 'trunk' ? 'PBX' : 'PHONE'
}

/** Whom a hunt is for. */
function calleeOf({ decision }: Hunt): string {
  const targets = decision?.targets
  if (targets?.kind === 'extension') return `the phone of extension ${targets.extension.extension}`
  if (targets?.kind === 'trunk') return `the PBX of trunk ${targets.trunk.realm.split('.')[0]}`
  if (targets?.kind === 'sip') return `the phone at ${targets.sip.uri}`
  return decision?.destination.target || 'the callee'
}

function sentencesOf(failures: readonly Pick<BranchFailure, 'cause'>[]): string {
  return [...new Set(failures.map(({ cause }) => cause.message))].join(' ')
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}
