import type { RouteDecision, RouteQuestion } from '#contract'
import { PLATFORM } from '#contract'
import { readNumber } from './e164.ts'
import type { ExtensionFacts, InboundFacts, NumberFacts } from './facts.ts'
import { extensionTarget, rejection, telAddress } from './words.ts'

type Source = InboundFacts['sources'][number]

/** Decides a call from an address: it must be a provider's, and the number must be one it may ring. */
export function decideInbound(
  question: RouteQuestion,
  facts: InboundFacts,
  baseDomain: string,
): RouteDecision {
  const number = facts.numbers[0]
  const source = sourceFor(facts, number)
  const from = callerNumber(question, source?.country)
  const known = {
    customer_id: number?.customer_id ?? onlyCustomer(facts.sources),
    direction: 'incoming' as const,
    source: { ...telAddress(from ?? question.from.user), name: question.from.display },
    destination: telAddress(number?.number ?? question.to.user),
    explanation: null,
    scopes: [],
    extension_id: null,
    trunk_id: null,
  }
  if (!source)
    return rejection(403, 'UNKNOWN_SOURCE', `No provider calls from ${addressOf(question)}.`, known)
  if (!number)
    return rejection(
      404,
      'NUMBER_NOT_FOUND',
      `${question.to.user} is not a number that ${source.name || 'this provider'} may ring.`,
      known,
    )
  const rung = ringable(number)
  if ('reason' in rung) return rejection(rung.status, rung.reason, rung.message, known)
  return {
    kind: 'connect',
    targets: { kind: 'extension', extension: extensionTarget(rung, number.customer_id, baseDomain) },
    caller_id: {
      user: from ?? question.from.user,
      display: question.from.display,
      asserted: from,
      unverified: false,
    },
    number_id: number.id,
    provider_id: source.id,
    ...known,
  }
}

/** The number owner's own provider before the platform's; any, while the number is unknown. */
function sourceFor({ sources }: InboundFacts, number: NumberFacts | undefined): Source | undefined {
  if (!number) return sources[0]
  return (
    sources.find(({ customer_id }) => customer_id === number.customer_id) ??
    sources.find(({ customer_id }) => customer_id === PLATFORM)
  )
}

/** Whose call it is where only one customer can be meant. */
function onlyCustomer(sources: Source[]): string | null {
  const customers = new Set(sources.map(({ customer_id }) => customer_id))
  const [only] = customers
  return customers.size === 1 && only !== undefined && only !== PLATFORM ? only : null
}

/** The caller in E.164 where its provider's country lets it be read so. */
function callerNumber({ from }: RouteQuestion, country: string | undefined): string | null {
  const read = readNumber(from.user, country ?? '')
  return read.kind === 'number' ? read.e164 : null
}

function ringable({
  number,
  enabled,
  leads_to,
  extension,
}: NumberFacts): ExtensionFacts | { status: number; reason: string; message: string } {
  if (!enabled) return { status: 404, reason: 'NUMBER_DISABLED', message: `${number} is disabled.` }
  if (leads_to === 'nothing') {
    const message = `${number} leads nowhere yet: give it an extension_id or a call_flow_id.`
    return { status: 404, reason: 'NUMBER_NOT_CONNECTED', message }
  }
  if (!extension) {
    return {
      status: 404,
      reason: 'EXTENSION_NOT_FOUND',
      message: `The ${leads_to} that ${number} leads to names no extension any more.`,
    }
  }
  if (!extension.enabled)
    return { status: 480, reason: 'EXTENSION_DISABLED', message: 'The called extension is disabled.' }
  return extension
}

function addressOf({ caller }: RouteQuestion): string {
  return caller.kind === 'source' ? caller.address : 'there'
}
