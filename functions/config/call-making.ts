import { type Context, Hono } from 'hono'
import {
  type CalledAddress,
  callVariables,
  type OriginateCommand,
  type RouteDecision,
  type RouteQuestion,
} from '#contract'
import { decide, orderedQuestion } from '#routing'
import { utcNow } from '../clock.ts'
import type { Edge } from '../env.ts'
import { hurryDeliveries } from '../events/dispatcher.ts'
import { ApiError } from '../http/api-error.ts'
import { executionOf } from '../http/execution.ts'
import { readBody } from '../http/validate.ts'
import { hubOf } from '../hub/client.ts'
import { sha256Hex } from '../secrets.ts'
import { configurationOf, runtimeOf, unsealed } from '../store/configuration.ts'
import { load } from '../store/facts.ts'
import { lookupFor } from '../store/lookup.ts'
import { followCalls, makeCalls, type OrderedRecord } from '../store/making-calls.ts'
import { type CallsAsked, callsInput } from './call-input.ts'
import { callsById } from './calls.ts'
import { type CallSource, destinationsOf, runOf, sourceOf } from './calls-wanted.ts'

/*
 * POST /v1.0/calls: calls which no party asked for. Each is decided as any call of the customer's, before anything rings, and then
 * ordered of a relay, which decides it again as it begins.
 */

/** No use in a call which has not begun by then. */
const WITHIN_MS = 30_000

type OrderedRun = OriginateCommand['run']

/** Calls made by the API. */
export const callMaking = new Hono<Edge>().post('/', async (c) => {
  const asked = await readBody(c, callsInput)
  const [source, run] = [await sourceOf(c, asked), await runOf(c, asked)]
  const destinations = await destinationsOf(c, asked)
  if (run.kind === 'join' && destinations.length > 1)
    throw ApiError.field('destinations', 'is to be one where the source is rung and joined with it')
  const wanted = await Promise.all(
    destinations.map(async (destination, at) => orderOf(c, asked, { source, destination, run, at })),
  )
  const calls = await Promise.all(wanted.map((one) => decided(c, one, asked)))
  const relays = await makeCalls(c.get('db'), c.get('principal').customerId, calls)
  if (relays === undefined) throw new ApiError('NO_RELAY', noRelay)
  void hubOf(c).ordered(relays)
  hurryDeliveries(c)
  const ids = calls.map(({ commandId }) => commandId)
  executionOf(c)?.waitUntil(lookAfter(c, ids))
  return c.json({
    calls: await callsById(
      c,
      calls.map(({ callId }) => callId),
    ),
    groupcalls: [],
  })
})

const noRelay =
  'No relay is there to make the call: none which makes calls was heard lately, or all of them drain. Nothing was rung.'

/** One call which is wanted. */
interface Wanted {
  readonly source: CallSource
  readonly destination: CalledAddress
  readonly run: OrderedRun
  /** Its place among those of the request. */
  readonly at: number
}

/** An order with its command's id. */
interface WantedOrder {
  readonly wanted: Wanted
  readonly order: OriginateCommand
}

async function orderOf(c: Context<Edge>, { ring_seconds }: CallsAsked, wanted: Wanted): Promise<WantedOrder> {
  const { source, destination, run, at } = wanted
  const [call_id, command_id] = await idsFor(c, at)
  const order: OriginateCommand = {
    kind: 'originate',
    command_id,
    call_id,
    customer_id: c.get('principal').customerId,
    source: source.address,
    destination,
    extension_id: source.extensionId,
    caller_id: source.callerId,
    ring_ms: ring_seconds === null ? null : ring_seconds * 1000,
    until: new Date(utcNow() + WITHIN_MS).toISOString(),
    run,
  }
  return { wanted, order }
}

/** Ids of a call and its command: where the request named itself (Idempotency-Key) the same each time it comes. */
async function idsFor(c: Context<Edge>, at: number): Promise<[string, string]> {
  const claim = c.get('claim')?.id
  if (claim === undefined) return [crypto.randomUUID(), crypto.randomUUID()]
  return [await uuidOf(`${claim} call ${at}`), await uuidOf(`${claim} command ${at}`)]
}

async function uuidOf(text: string): Promise<string> {
  const hex = await sha256Hex(text)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** The call with what is decided of it. Throws where it, or its source, may not be called. */
async function decided(
  c: Context<Edge>,
  { wanted, order }: WantedOrder,
  asked: CallsAsked,
): Promise<OrderedRecord> {
  const joined = wanted.run.kind === 'join'
  if (joined) allowed(await decision(c, orderedQuestion(order, 'source')), 'source')
  const leads = await decision(c, orderedQuestion(order, 'destination'))
  allowed(leads, `destinations.${wanted.at}`)
  refuseOtherNumber(leads, order, asked)
  const { command_id, customer_id: _, ...body } = order
  const { extension, target_name } = {
    extension: wanted.destination.type === 'extension',
    ...wanted.destination,
  }
  return {
    commandId: command_id,
    callId: order.call_id,
    body: { ...body, run: withVariables(order, leads) },
    rung: joined ? order.source.target : extension ? target_name : null,
    direction: leads.direction,
    source: order.source,
    destination: { ...leads.destination, name: leads.destination.name || wanted.destination.name },
    extensionId: leads.extension_id,
    trunkId: leads.trunk_id,
    metadata: asked.metadata,
    decision: leads.explanation,
  }
}

/** Decides as for a relay: one round trip, then a pure decision. */
async function decision(c: Context<Edge>, question: RouteQuestion): Promise<RouteDecision> {
  const { BASE_DOMAIN } = c.get('settings')
  const brought = await unsealed(
    await load(c.get('db'), lookupFor(question, null, BASE_DOMAIN)),
    c.get('seal'),
  )
  return decide(question, configurationOf(brought), runtimeOf(brought, question, BASE_DOMAIN))
}

function allowed(leads: RouteDecision, field: string): void {
  if (leads.kind !== 'reject') return
  throw ApiError.field(field, `${leads.reason}: ${leads.message}`, 'CALL_REFUSED')
}

/** A number which was asked for is shown, or the call is not made: a callee is not to wonder who calls. */
function refuseOtherNumber(
  { explanation }: RouteDecision,
  { caller_id }: OriginateCommand,
  asked: CallsAsked,
): void {
  const shown = explanation?.caller_id
  if (!caller_id || !shown || ('number' in shown && shown.number === caller_id)) return
  const field = asked.caller_id === null ? 'source.target' : 'caller_id'
  throw ApiError.field(field, `may not be shown: ${shown.why}`, 'CALL_REFUSED')
}

/** What the flow knows of its call. */
function withVariables(
  { call_id, run, source, destination }: OriginateCommand,
  { direction }: RouteDecision,
): OrderedRun {
  if (run.kind === 'join') return run
  const parties = Object.entries({ source, destination }).flatMap(([party, address]) =>
    Object.entries(address).map(([part, said]) => [`voipbin.call.${party}.${part}`, said]),
  )
  const variables: Record<string, string> = {
    ...Object.fromEntries(callVariables.map((name) => [name, ''])),
    ...run.program.variables,
    ...Object.fromEntries(parties),
    'voipbin.call.id': call_id,
    'voipbin.call.direction': direction,
    'voipbin.activeflow.flow_id': run.program.name === '' && run.program.version === 1 ? '' : run.program.id,
    'voipbin.activeflow.version': String(run.program.version),
  }
  return { ...run, variables }
}

/** How long after the answer a call is looked after, and how often; cron looks after what is left. */
const LOOKS_MS = [1_500, 2_500, 3_000, 3_000, 4_000, 4_000, 5_000, 5_000]

/** Until each of them has begun, or never will. */
async function lookAfter(c: Context<Edge>, ids: readonly string[]): Promise<void> {
  for (const ms of LOOKS_MS) {
    await new Promise((resolve) => setTimeout(resolve, ms))
    const { left, relays } = await followCalls(c.get('db'), ids)
    await hubOf(c).ordered(relays)
    if (left === 0) return
  }
}
