import type {
  CustomerFacts,
  ExtensionFacts,
  FlowAction,
  FlowFacts,
  Forwarder,
  NumberFacts,
  ProviderFacts,
  RingDestination,
  RouteDecision,
  TrunkFacts,
} from '#contract'
import type { Configuration } from './configuration.ts'
import {
  connect,
  connectPlan,
  type Draft,
  type DraftDestination,
  listed,
  refuse,
  telAddress,
} from './draft.ts'
import { dialledName, readNumber } from './e164.ts'
import { follow, isReadable, rungAlone } from './flows.ts'
import { written } from './formats.ts'
import { type Counted, fullness, isOfCallsOut, limitsOf } from './limits.ts'
import { toExtension } from './outgoing.ts'
import { trunkRealmOf } from './realm.ts'
import type { Rung } from './rung.ts'
import { takenBy } from './taken-bodies.ts'

/** Decides a call from a provider to a number of a customer: it rings the extension or trunk to which the number leads. */
export function decideIncoming(known: Draft, provider: ProviderFacts, rung: Rung): RouteDecision {
  const { number, e164 } = rung
  const { from: caller, to } = known.question
  const from = callerNumber(known, provider)
  known.customer_id = number.customer_id
  known.source = { ...telAddress(from ?? caller.user), name: caller.display }
  known.destination = telAddress(e164)
  known.number = { dialled: to.user, kind: 'number', e164, country: null }
  const circle = wentRound(known, provider, e164)
  if (circle) return circle
  const callee = calleeOf(number, e164, known.book)
  if ('reason' in callee) return refuse(known, callee.status, callee.reason, callee.message)
  const customer = known.book.customer(number.customer_id)
  if (!customer) return refuse(known, 404, 'NUMBER_NOT_FOUND', `${e164} belongs to nobody any more.`)
  count(known, callee, customer)
  return fullCallee(known) ?? ring(known, callee, customer, rung, provider, from)
}

/** The caller in E.164 where its provider's country lets it be read so. */
function callerNumber({ question, book }: Draft, provider: ProviderFacts): string | null {
  const country = countryOf(provider, book)
  for (const text of [question.from.asserted ?? '', question.from.user]) {
    const read = readNumber(text, country)
    if (read.kind === 'number') return read.e164
  }
  return null
}

function countryOf({ country, customer_id }: ProviderFacts, book: Configuration): string {
  return country ?? book.customer(customer_id)?.country ?? ''
}

/** Calls which were sent on so often go round, whatever numbers they name. */
const DIVERSIONS = 5

/** A refusal where a call was with this number before, or was sent on too often in the phone network; undefined where neither is. */
function wentRound(known: Draft, provider: ProviderFacts, e164: string): RouteDecision | undefined {
  const { by, times } = known.question.from.diverted ?? { by: [], times: 0 }
  const country = countryOf(provider, known.book)
  const isHere = by.some((user) => {
    const read = readNumber(user, country)
    return read.kind === 'number' && read.e164 === e164
  })
  if (isHere)
    return refuse(known, 482, 'LOOP_DETECTED', `The call comes back to ${e164}, which sent it on already.`)
  if (times < DIVERSIONS) return undefined
  return refuse(
    known,
    483,
    'TOO_MANY_FORWARDS',
    `The call was sent on ${times} times before it came to ${e164}.`,
  )
}

type Callee =
  | { kind: 'extension'; one: ExtensionFacts }
  | { kind: 'trunk'; one: TrunkFacts }
  | { kind: 'number'; destinations: readonly RingDestination[]; forwarder: Forwarder }
  | { kind: 'flow'; flow: FlowFacts & { actions: FlowAction[] }; forwarder: Forwarder }
type CalledAccount = Extract<Callee, { one: unknown }>
interface Refusal {
  status: number
  reason: string
  message: string
}

/** Which extension or trunk a number rings, or why none. */
function calleeOf(number: NumberFacts, e164: string, book: Configuration): Callee | Refusal {
  const { customer_id, enabled, extension_id, trunk_id, flow_id, destinations } = number
  const name = nameOf(number)
  const forwarder = { kind: 'number', id: number.id, name: e164 } as const
  const what = name.charAt(0).toUpperCase() + name.slice(1)
  if (!enabled) return refusal(404, 'NUMBER_DISABLED', `${what} is not in service: it is disabled.`)
  if (destinations) return { kind: 'number', destinations, forwarder }
  if (trunk_id !== null) return trunkOf(name, book.trunk(customer_id, trunk_id))
  if (extension_id !== null)
    return extensionOf(`extension ${name}`, book.extension(customer_id, extension_id))
  if (flow_id !== null) return flowOf(name, book.flow(customer_id, flow_id), forwarder, book)
  const message = `${what} is not in service: it leads nowhere yet. Give it an extension_id, a trunk_id, a call_flow_id or destinations.`
  return refusal(404, 'NUMBER_NOT_CONNECTED', message)
}

function nameOf({ number, number_to }: NumberFacts): string {
  if (number === 'any') return 'the number any of this provider'
  return number_to === null ? number : `${number} to ${number_to}`
}

function extensionOf(what: string, extension: ExtensionFacts | undefined): Callee | Refusal {
  const message = `The ${what} leads to names no extension any more.`
  if (!extension) return refusal(404, 'EXTENSION_NOT_FOUND', message)
  return extension.enabled
    ? { kind: 'extension', one: extension }
    : refusal(480, 'EXTENSION_DISABLED', `The ${what} leads to is disabled.`)
}

/** A flow which rings one extension and does nothing more is that extension. */
function flowOf(
  name: string,
  flow: FlowFacts | undefined,
  forwarder: Forwarder,
  book: Configuration,
): Callee | Refusal {
  if (!flow) return extensionOf(`flow ${name}`, undefined)
  const extension = rungAlone(flow)
  if (extension !== undefined)
    return extensionOf(`flow ${name}`, book.extensionNamed(flow.customer_id, extension))
  if (isReadable(flow)) return { kind: 'flow', flow, forwarder }
  const message = `The flow ${name} leads to has actions which are not known here: this relay is older than the edge.`
  return refusal(503, 'FLOW_UNREADABLE', message)
}

function trunkOf(name: string, trunk: TrunkFacts | undefined): Callee | Refusal {
  if (!trunk) return refusal(404, 'TRUNK_NOT_FOUND', `The trunk ${name} leads to is gone.`)
  return trunk.enabled
    ? { kind: 'trunk', one: trunk }
    : refusal(480, 'TRUNK_DISABLED', `The trunk ${name} leads to is disabled.`)
}

function refusal(status: number, reason: string, message: string): Refusal {
  return { status, reason, message }
}

/** Notes the called customer's limits and those of the extension or trunk that is rung. */
function count(known: Draft, callee: Callee, customer: CustomerFacts): void {
  const whole = { scope: { kind: 'customer', id: customer.id } as const, name: '', caps: customer.caps }
  countIn(known, [whole, ...(isAccount(callee) ? [countedOf(callee)] : [])])
  if (callee.kind === 'extension') known.extension_id = callee.one.id
  if (callee.kind === 'trunk') known.trunk_id = callee.one.id
}

function isAccount(callee: Callee): callee is CalledAccount {
  return callee.kind === 'extension' || callee.kind === 'trunk'
}

/** One account as it counts a call which rings it. */
export function countedOf({ kind, one }: CalledAccount): Counted {
  return { scope: { kind, id: one.id }, name: one.name, caps: one.caps, guard: one.guard }
}

/** Notes in whose limits a call counts which comes in. */
export function countIn(known: Draft, counted: readonly Counted[]): void {
  known.limits = limitsOf(counted, known.live).filter(({ resource }) => !isOfCallsOut(resource))
  known.scopes = counted.map(({ scope }) => scope)
}

/** Busy where all channels are taken: a carrier told 503 would take us for broken. undefined where there is room. */
export function fullCallee(known: Draft): RouteDecision | undefined {
  const full = known.limits.find(({ exceeded }) => exceeded)
  if (!full) return undefined
  const status = full.resource === 'channels' ? 486 : 503
  const whose = full.name === '' ? `The called ${full.kind}` : `The called ${full.kind} ${full.name}`
  const message = `${whose} is at its limit: ${fullness(full)}.`
  return refuse(known, status, `${full.resource.toUpperCase()}_EXCEEDED`, message)
}

function ring(
  known: Draft,
  callee: Callee,
  customer: CustomerFacts,
  { number, e164 }: Rung,
  provider: ProviderFacts,
  from: string | null,
): RouteDecision {
  const { user, display } = known.question.from
  const seen = {
    user: from ?? dialledName(user),
    display,
    asserted: from,
    diverting: [],
    unverified: false,
    hidden: null,
  }
  const { transfer, dtmf, secure } = provider
  const { record, record_announcement } = number
  const of = { number_id: number.id, provider_id: provider.id }
  const place = { ...of, caller_id: seen, transfer, dtmf, secure, record, record_announcement }
  if (callee.kind === 'flow') return follow(known, callee.flow, callee.forwarder, place)
  if (callee.kind === 'number') return connectPlan(known, callee.destinations, callee.forwarder, place)
  if (callee.kind === 'extension') return toExtension(known, callee.one, customer, place)
  return toTrunk(known, callee.one, customer, e164, from, place)
}

/** Calls a PBX: the number called (`e164`) and the caller's, where it is known, as it writes them. */
export function toTrunk(
  known: Draft,
  trunk: TrunkFacts,
  customer: CustomerFacts,
  e164: string,
  from: string | null,
  { caller_id, ...place }: Omit<DraftDestination, 'targets'>,
): RouteDecision {
  const country = trunk.country ?? customer.country
  const user = from === null ? caller_id.user : written(from, trunk.calling_format, country)
  return connect(known, `Calls the trunk ${trunk.name || trunk.domain_name}.`, {
    targets: { kind: 'trunk', trunk: trunkTarget(trunk, e164, country, known) },
    caller_id: { ...caller_id, user },
    ...place,
  })
}

function trunkTarget(trunk: TrunkFacts, e164: string, country: string, { live }: Draft) {
  const { id, customer_id, domain_name, username, hostname, port, transport, tls, codecs } = trunk
  return {
    trunk_id: id,
    customer_id,
    username: username ?? domain_name,
    realm: trunkRealmOf(domain_name, live.baseDomain),
    hostname,
    port,
    transport,
    tls,
    user: e164.startsWith('+') ? written(e164, trunk.called_format, country) : e164,
    codecs: listed(codecs),
    takes: takenBy(trunk),
    ring_ms: trunk.ring_timeout * 1000,
    transfer: trunk.transfer,
    dtmf: trunk.dtmf,
    secure: trunk.secure,
  }
}
