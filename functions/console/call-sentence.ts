import type { Attempt } from '#contract'
import { answerOf, silenceOf } from './attempt-answer.ts'
import type { ShownCall } from './shown.ts'
import { lasting, listed, partyName } from './words.ts'

/** A call as a person would tell it: caller and callee, which way it went, and how it ended and why. */
export function callSentence(call: ShownCall): string {
  return [opening(call), ...detours(call), ending(call)].filter((part) => part !== '').join(' ')
}

function opening(call: ShownCall): string {
  const { source, destination, direction, status, flow } = call
  const verb = status === 'hangup' ? 'called' : 'is calling'
  const from = direction === 'incoming' ? ' from the phone network' : ''
  const through = direction === 'outgoing' ? carrierOf(call) : ''
  const followed = flow === null ? '' : ` and came to the flow “${flow.name || 'without a name'}”`
  return `${partyName(source)} ${verb} ${partyName(destination)}${from}${through}${followed}.`
}

/** The carrier by which an outgoing call went, where one took it. */
function carrierOf({ attempts, tm_progressing, status }: ShownCall): string {
  const last = attempts.at(-1)
  const taken = tm_progressing !== null || status !== 'hangup'
  return last && taken && last.provider_name !== '' ? ` through ${last.provider_name}` : ''
}

/** What came of one place which was tried. */
export function triedWords(attempt: Attempt): string {
  return answerOf(attempt).words
}

/** What was tried before the place where it ended up. */
function detours({ attempts, tm_progressing, reject_message: said }: ShownCall): string[] {
  const failed = (tm_progressing === null ? attempts : attempts.slice(0, -1)).filter(hasFailed)
  if (failed.length === 0 || attempts.length < 2 || isToldAtEnd(failed, said)) return []
  const told = listed(failed.slice(0, 3).map(refusalOf))
  const more = failed.length > 3 ? `, and so did ${failed.length - 3} more` : ''
  return [`Before, ${told}${more}.`.replace(/^Before, /, tm_progressing === null ? 'First, ' : 'Before, ')]
}

/** Whether what the record says of the end names each of them. */
function isToldAtEnd(failed: readonly Attempt[], said: string | null): boolean {
  return failed.every(({ cause }) => cause !== null && said?.includes(cause.message))
}

function hasFailed({ decision, status, ended_ms }: Attempt): boolean {
  return ended_ms !== null && (status === 0 || status >= 300) && decision !== null
}

function refusalOf(attempt: Attempt): string {
  const { provider_name, destination, address, status, reason, counts } = attempt
  const name = provider_name || destination || address
  if (!counts) return `${name} was passed over`
  return status === 0 ? `${name} ${silenceOf(attempt)}` : `${name} refused with ${status} ${reason}`.trim()
}

function ending(call: ShownCall): string {
  if (call.status !== 'hangup') return goingOn(call)
  if (call.tm_progressing !== null) return `It was answered${answeredAfter(call)} and ${ended(call)}`
  return notAnswered(call)
}

function goingOn({ status, held }: ShownCall): string {
  if (status === 'progressing')
    return held.length > 0 ? 'They are connected; one is on hold.' : 'They are talking.'
  if (status === 'ringing') return 'It rings there.'
  return status === 'dialing' ? 'It is being set up.' : 'It is being ended.'
}

function answeredAfter({ tm_create, tm_progressing }: ShownCall): string {
  if (tm_progressing === null) return ''
  return ` after ${lasting((Date.parse(tm_progressing) - Date.parse(tm_create)) / 1000)}`
}

/** How a call which was answered came to its end. */
function ended(call: ShownCall): string {
  const talked = `lasted ${lasting(call.duration ?? 0)}`
  const why = call.reject_message ? ` ${call.reject_message}` : ''
  switch (call.hangup_reason) {
    case 'transferred':
      return `${talked}, until it was transferred.`
    case 'media_timeout':
      return `${talked}, until it was ended here: no sound came any more.`
    case 'relay_lost':
      return `went on until its relay was lost, ${lasting(call.duration ?? 0)} later.`
    default:
      return `${talked}${endedBy(call)}.${why}`
  }
}

function endedBy({ hangup_by, flow }: ShownCall): string {
  if (hangup_by === 'system') return flow === null ? ', until it was ended here' : ', until the flow ended it'
  return hangup_by === null ? '' : `, until the ${hangup_by} hung up`
}

/** Why a call which was never answered was not: what its record says, else what its reason means. */
function notAnswered(call: ShownCall): string {
  const { hangup_reason: reason, reject_message: said } = call
  if (reason === 'cancel') return `The caller gave up after ${lasting(call.total_duration ?? 0)}.`
  if (said) return `It was not answered: ${said}`
  switch (reason) {
    case 'busy':
      return 'It was busy there.'
    case 'noanswer':
      return `Nobody answered${rang(call)}.`
    case 'timeout':
      return 'No answer came in time.'
    case 'relay_lost':
      return 'Its relay was lost before it was answered.'
    default:
      return `It was not answered${call.sip_status === null ? '' : `: its caller was told ${call.sip_status}`}.`
  }
}

function rang({ tm_ringing, tm_hangup }: ShownCall): string {
  if (tm_ringing === null || tm_hangup === null) return ''
  return `, though it rang for ${lasting((Date.parse(tm_hangup) - Date.parse(tm_ringing)) / 1000)}`
}
