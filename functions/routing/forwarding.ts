import type { CustomerFacts, ExtensionFacts, RouteDecision, RouteQuestion } from '#contract'
import { type Callee, type CalleeRefusal, calleeOf, flowOf, ringCallee } from './callee.ts'
import type { Party } from './caller-id.ts'
import { connect, type Draft, type DraftDestination, extensionAddress, refuse, telAddress } from './draft.ts'
import { readNumber } from './e164.ts'
import { countedOf, countIn, fullCallee, fullLimit } from './full.ts'
import { limitsOf } from './limits.ts'
import { outside } from './outgoing.ts'
import { noteOwn, type OwnNumber, ownNumber } from './own-number.ts'
import { customerOf } from './realm.ts'
import { toExtension, toPhones, toTrunk } from './ringing.ts'
import { readSipUri } from './sip-address.ts'
import { dialledName } from './spelling.ts'

/** A call under way which a number or an extension sends on. */
type Forwarding = Extract<RouteQuestion['caller'], { kind: 'forwarder' }>

/** Extensions which send one call on, one after the other, before it is a loop of another kind. */
const HOPS = 5

/** How long a SIP address may ring where its list does not say. */
const SIP_RING_MS = 60_000

/**
 * Decides one destination of a call which is sent on: like any call of that customer, in its limits, and by its routes.
 *
 * What an extension names of itself are its own phones. Where a call comes back to one which sent it on, or has been
 * sent on too often, it ends.
 */
export function decideForwarded(known: Draft, caller: Forwarding): RouteDecision {
  const { customer_id, forwarder, type } = caller
  const customer = known.book.customer(customer_id)
  known.customer_id = customer_id
  known.caller = { rule: 'forwarded', why: `the ${forwarder.kind} ${forwarder.name} sends the call on` }
  if (!customer) return refuse(known, 404, 'CALLER_UNKNOWN', 'The customer who sends it on no longer exists.')
  if (forwarder.kind === 'extension') known.extension_id = forwarder.id
  if (caller.path.length > HOPS) return refuse(known, 483, 'TOO_MANY_FORWARDS', tooMany)
  if (type === 'redirect') return redirected(known, caller, customer)
  return decisions[type](known, caller, customer, known.question.to.user)
}

type Decision = (known: Draft, caller: Forwarding, customer: CustomerFacts, target: string) => RouteDecision
const decisions: Readonly<Record<Exclude<Forwarding['type'], 'redirect'>, Decision>> = {
  extension: extensionNamed,
  trunk: trunkNamed,
  tel: number,
  sip: address,
  flow,
}

const tooMany = `The call was sent on more than ${HOPS} times.`

function extensionNamed(known: Draft, caller: Forwarding, customer: CustomerFacts, name: string) {
  known.destination = extensionAddress({ extension: name, name: '' })
  const callee = known.book.extensionNamed(customer.id, name)
  if (!callee) return refuse(known, 404, 'EXTENSION_NOT_FOUND', `There is no extension ${name}.`)
  known.destination = extensionAddress(callee)
  const own = caller.forwarder.id === callee.id
  if (!own && caller.path.includes(name)) return refuse(known, 482, 'LOOP_DETECTED', loop(caller.path, name))
  return rung(known, callee, customer, own)
}

function loop(path: readonly string[], name: string): string {
  return `The call would go round in a circle: ${[...path, name].join(', then ')}.`
}

/** One which sends the call on to itself means its phones, and counts the call already. */
function rung(known: Draft, callee: ExtensionFacts, customer: CustomerFacts, own: boolean): RouteDecision {
  known.direction = 'incoming'
  known.extension_id = callee.id
  if (!callee.enabled)
    return refuse(known, 480, 'EXTENSION_DISABLED', `The extension ${callee.extension} is disabled.`)
  countIn(known, [countedOf({ kind: 'extension', one: callee })])
  const full = own ? undefined : fullCallee(known)
  if (full) return full
  return (own ? toPhones : toExtension)(known, callee, customer, { caller_id: seen(known) })
}

function trunkNamed(known: Draft, { called }: Forwarding, customer: CustomerFacts, domain: string) {
  const trunk = known.book.trunkNamed(domain)
  known.direction = 'incoming'
  known.destination = { ...telAddress(domain), type: 'sip' }
  if (trunk?.customer_id !== customer.id)
    return refuse(known, 404, 'TRUNK_NOT_FOUND', `There is no trunk ${domain}.`)
  known.trunk_id = trunk.id
  if (!trunk.enabled) return refuse(known, 480, 'TRUNK_DISABLED', `The trunk ${domain} is disabled.`)
  countIn(known, [countedOf({ kind: 'trunk', one: trunk })])
  const caller_id = seen(known)
  const place = { caller_id }
  return fullCallee(known) ?? toTrunk(known, trunk, customer, called, caller_id.asserted, place)
}

/** A number is called on behalf of who sends the call on: its caller id, its limits. No short one is. */
function number(known: Draft, caller: Forwarding, customer: CustomerFacts, target: string) {
  const dialled = readNumber(target, customer.country)
  known.destination = telAddress(target)
  known.number = { dialled: target, kind: dialled.kind, e164: null, country: null }
  if (dialled.kind !== 'number')
    return refuse(
      known,
      403,
      'FORWARD_NOT_ALLOWED',
      `Calls are not sent on to ${target}: it is no whole number.`,
    )
  known.number = { dialled: target, ...dialled }
  const own = ownNumber(customer.id, dialled.e164, known.book)
  if (own) return toOwn(known, caller, customer, own)
  const { forwarder } = caller
  const extension =
    forwarder.kind === 'extension' ? known.book.extension(customer.id, forwarder.id) : undefined
  const party: Party = extension
    ? { kind: 'extension', extension }
    : { kind: 'number', number: forwarder.name }
  const whole = {
    scope: { kind: 'customer', id: customer.id } as const,
    name: '',
    caps: customer.caps,
    guard: customer.guard,
  }
  const counted = [whole, ...(extension ? [countedOf({ kind: 'extension', one: extension })] : [])]
  known.limits = limitsOf(counted, known.live)
  known.scopes = counted.map(({ scope }) => scope)
  return outside(known, party, customer, { dialled, country: customer.country })
}

/** A number of the customer's own is not called: what it leads to is. */
function toOwn(known: Draft, caller: Forwarding, customer: CustomerFacts, own: OwnNumber): RouteDecision {
  const { number, e164 } = own
  noteOwn(known, own)
  if (e164 === caller.called) return refuse(known, 482, 'LOOP_DETECTED', loop([e164], e164))
  return toCallee(known, caller, customer, calleeOf(number, e164, known.book), e164)
}

/** A list leads to a flow in the name of who has it. */
function flow(known: Draft, caller: Forwarding, customer: CustomerFacts, id: string): RouteDecision {
  const { called, forwarder } = caller
  known.direction = 'incoming'
  known.destination = /^\+\d+$/.test(called)
    ? telAddress(called)
    : extensionAddress({ extension: called, name: '' })
  const found = known.book.flow(customer.id, id)
  if (!found) return refuse(known, 404, 'FLOW_NOT_FOUND', `There is no flow ${id}.`)
  return toCallee(known, caller, customer, flowOf(forwarder.name, found, forwarder, known.book), called)
}

/** What is led to, for a caller who is with the customer already: it counts at an account alone. */
function toCallee(
  known: Draft,
  caller: Forwarding,
  customer: CustomerFacts,
  callee: Callee | CalleeRefusal,
  called: string,
): RouteDecision {
  known.direction = 'incoming'
  if ('reason' in callee) return refuse(known, callee.status, callee.reason, callee.message)
  if (callee.kind === 'extension') return extensionNamed(known, caller, customer, callee.one.extension)
  if (callee.kind === 'trunk')
    return trunkNamed(known, { ...caller, called }, customer, callee.one.domain_name)
  const caller_id = seen(known)
  return ringCallee(known, callee, customer, { e164: called, from: caller_id.asserted }, { caller_id })
}

function address(known: Draft, _: Forwarding, customer: CustomerFacts, uri: string): RouteDecision {
  known.direction = 'incoming'
  known.destination = { ...telAddress(uri), type: 'sip' }
  const read = readSipUri(uri)
  if (!read) return refuse(known, 404, 'INVALID_SIP_URI', `${uri} is no SIP address which can be called.`)
  known.scopes = [{ kind: 'customer', id: customer.id }]
  const targets = { kind: 'sip', sip: { uri, ...read, ring_ms: SIP_RING_MS } } as const
  return fullLimit(known) ?? connect(known, `Calls ${uri}.`, { targets, caller_id: seen(known) })
}

/**
 * Where a phone says that the call is to go: to an extension or a number of its own realm. Phones write that of their
 * own address, too; any other host they name is not called, since none of the customer's has configured it.
 */
function redirected(known: Draft, caller: Forwarding, customer: CustomerFacts): RouteDecision {
  const { user, host } = known.question.to
  const name = dialledName(user)
  const realm = customerOf(host, known.live.baseDomain)
  if (realm !== undefined && realm !== customer.id)
    return refuse(known, 403, 'FORWARD_NOT_ALLOWED', `Calls are not sent on to ${name}@${host}.`)
  const extension = name.startsWith('+') ? undefined : known.book.extensionNamed(customer.id, name)
  if (extension?.id === caller.forwarder.id)
    return refuse(known, 482, 'LOOP_DETECTED', loop(caller.path, name))
  if (extension) return extensionNamed(known, caller, customer, name)
  return number(known, caller, customer, user)
}

/** What the customer's own see of the caller: what they would have seen had it called them. */
function seen({ question: { from } }: Draft): DraftDestination['caller_id'] {
  const { user, display, asserted } = from
  return { user, display, asserted, diverting: [], unverified: false, hidden: null }
}
