import type {
  CalledAddress,
  CustomerFacts,
  ExtensionFacts,
  OriginateCommand,
  RouteDecision,
  RouteQuestion,
} from '#contract'
import type { Party } from './caller-id.ts'
import { connect, type Draft, extensionAddress, refuse, telAddress } from './draft.ts'
import { readNumber } from './e164.ts'
import { countedOf, fullCallee, fullLimit } from './full.ts'
import { limitsOf } from './limits.ts'
import { outside } from './outgoing.ts'
import { ownNumber, toOwnNumber } from './own-number.ts'
import { toExtension, toPhones, toTrunk } from './ringing.ts'
import { readSipUri } from './sip-address.ts'

/*
 * A call which the API ordered: to a number, an extension, a PBX or a SIP address, in the name of its customer or of one of the
 * customer's extensions. It is decided like any other call of theirs.
 */

/** What of an order says where it leads. */
export type OrderedCall = Pick<
  OriginateCommand,
  'call_id' | 'customer_id' | 'source' | 'destination' | 'extension_id' | 'caller_id'
>

/** The question where one of its two parties is. The source sees the party it is going to be joined with. */
export function orderedQuestion(order: OrderedCall, party: 'source' | 'destination'): RouteQuestion {
  const { call_id, customer_id, extension_id, source, destination, caller_id } = order
  const [to, from] = party === 'source' ? [source, destination] : [destination, source]
  const shown = party === 'source' ? null : caller_id
  return {
    call_id,
    caller: { kind: 'api', customer_id, extension_id, type: to.type },
    from: { user: shown ?? nameOf(from), display: from.name, asserted: null, diverting: [] },
    to: { user: nameOf(to), host: '' },
    codecs: [],
  }
}

function nameOf({
  type,
  target,
  target_name,
}: Pick<CalledAddress, 'type' | 'target' | 'target_name'>): string {
  return type === 'extension' && target_name !== '' ? target_name : target
}

type Ordering = Extract<RouteQuestion['caller'], { kind: 'api' }>

/** Decides one party of a call which the API ordered. */
export function decideOrdered(known: Draft, caller: Ordering): RouteDecision {
  const customer = known.book.customer(caller.customer_id)
  known.customer_id = caller.customer_id
  known.caller = { rule: 'api', why: 'the call was ordered by the API' }
  if (!customer) return refuse(known, 403, 'CALLER_UNKNOWN', 'The calling customer no longer exists.')
  const { extension_id } = caller
  const own = extension_id === null ? undefined : known.book.extension(customer.id, extension_id)
  if (extension_id !== null && !own)
    return refuse(known, 403, 'CALLER_UNKNOWN', 'The calling extension no longer exists.')
  if (own) {
    known.extension_id = own.id
    known.source = extensionAddress(own)
    if (!own.enabled) return refuse(known, 403, 'EXTENSION_DISABLED', 'The calling extension is disabled.')
  }
  count(known, customer, own)
  return decisions[caller.type](known, customer, own, known.question.to.user)
}

/** It counts at the customer, and at the extension in whose name it is made. */
function count(known: Draft, customer: CustomerFacts, own: ExtensionFacts | undefined): void {
  const whole = {
    scope: { kind: 'customer', id: customer.id } as const,
    name: '',
    caps: customer.caps,
    guard: customer.guard,
  }
  const counted = [whole, ...(own ? [countedOf({ kind: 'extension', one: own })] : [])]
  known.limits = limitsOf(counted, known.live)
  known.scopes = counted.map(({ scope }) => scope)
}

type Decision = (
  known: Draft,
  customer: CustomerFacts,
  own: ExtensionFacts | undefined,
  target: string,
) => RouteDecision
const decisions: Readonly<Record<Ordering['type'], Decision>> = { extension, trunk, tel, sip }

/** Its own phones are rung where the extension in whose name the call is made is named itself: whatever its list says. */
function extension(known: Draft, customer: CustomerFacts, own: ExtensionFacts | undefined, name: string) {
  known.direction = 'internal'
  known.destination = extensionAddress({ extension: name, name: '' })
  const callee = known.book.extensionNamed(customer.id, name)
  if (!callee) return refuse(known, 404, 'EXTENSION_NOT_FOUND', `There is no extension ${name}.`)
  known.destination = extensionAddress(callee)
  if (!callee.enabled)
    return refuse(known, 480, 'EXTENSION_DISABLED', `The extension ${callee.extension} is disabled.`)
  const full = fullLimit(known)
  if (full) return full
  return (own?.id === callee.id ? toPhones : toExtension)(known, callee, customer, {
    caller_id: shown(known),
  })
}

function trunk(known: Draft, customer: CustomerFacts, _: ExtensionFacts | undefined, domain: string) {
  const callee = known.book.trunkNamed(domain)
  known.direction = 'internal'
  known.destination = { ...telAddress(domain), type: 'sip' }
  if (callee?.customer_id !== customer.id)
    return refuse(known, 404, 'TRUNK_NOT_FOUND', `There is no trunk ${domain}.`)
  known.trunk_id = callee.id
  if (!callee.enabled) return refuse(known, 480, 'TRUNK_DISABLED', `The trunk ${domain} is disabled.`)
  const caller_id = shown(known)
  const called = customer.default_number ?? customer.only_number ?? callee.domain_name
  return fullCallee(known) ?? toTrunk(known, callee, customer, called, null, { caller_id })
}

/** No short number is called, and so no help: a program which errs must not keep those busy who help. */
function tel(known: Draft, customer: CustomerFacts, own: ExtensionFacts | undefined, target: string) {
  const { country } = customer
  const dialled = readNumber(target, country)
  known.direction = 'outgoing'
  known.destination = telAddress(target)
  known.number = { dialled: target, kind: dialled.kind, e164: null, country: null }
  if (dialled.kind !== 'number') return refuse(known, 403, 'NUMBER_NOT_ALLOWED', noWhole(target))
  known.number = { dialled: target, ...dialled }
  // A drill tries carriers, whatever it calls.
  const called = known.live.down ? undefined : ownNumber(customer.id, dialled.e164, known.book)
  if (called) return toOwnNumber(known, called, customer, { caller_id: shown(known) })
  const { user } = known.question.from
  const party: Party = own
    ? { kind: 'extension', extension: own }
    : { kind: 'number', number: user || 'anonymous' }
  return outside(known, party, customer, { dialled, country })
}

function noWhole(target: string): string {
  return `The API calls no ${target}: it is no whole number.`
}

function sip(known: Draft, _: CustomerFacts, __: ExtensionFacts | undefined, uri: string): RouteDecision {
  known.direction = 'internal'
  known.destination = { ...telAddress(uri), type: 'sip' }
  const read = readSipUri(uri)
  if (!read) return refuse(known, 404, 'INVALID_SIP_URI', `${uri} is no SIP address which can be called.`)
  const targets = { kind: 'sip', sip: { uri, ...read, ring_ms: SIP_RING_MS } } as const
  return fullLimit(known) ?? connect(known, `Calls ${uri}.`, { targets, caller_id: shown(known) })
}

/** How long a SIP address may ring where the order does not say. */
const SIP_RING_MS = 60_000

/** What the customer's own see of the caller. */
function shown({ question: { from } }: Draft) {
  const { user, display } = from
  return {
    user: user || 'anonymous',
    display,
    asserted: null,
    diverting: [],
    unverified: false,
    hidden: null,
  }
}
