import { sql } from 'drizzle-orm'
import type { Context } from 'hono'
import {
  type Address,
  type CalledAddress,
  destinationName,
  type FlowProgram,
  type OriginateCommand,
} from '#contract'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { hold } from '../http/check.ts'
import type { CallsAsked } from './call-input.ts'
import { carriersElsewhere } from './carriers-elsewhere.ts'
import { carriedOut } from './flow-engines.ts'
import { programsIn, programsLedTo } from './flow-programs.ts'
import { referencesThere, refuseFaulty, settledActions } from './flow-references.ts'
import { countryOf, ownNumber } from './own-numbers.ts'
import { targetOf } from './ring-destinations.ts'

/*
 * What calls are wanted of the API, read against what the customer has: each is refused by the name of its field.
 */

/** Who calls, and the number which is shown. */
export interface CallSource {
  readonly address: Address
  readonly extensionId: string | null
  readonly callerId: string | null
}

/** Throws where it is none of the customer's, or the number which is to be shown is not. */
export async function sourceOf(c: Context<Edge>, { source, caller_id }: CallsAsked): Promise<CallSource> {
  const shown = caller_id === null ? null : await ownNumber(c, 'caller_id', caller_id)
  if (source.type === 'tel') {
    const number = await ownNumber(c, 'source.target', source.target || source.target_name)
    return { address: { ...source, target: number }, extensionId: null, callerId: shown ?? number }
  }
  const extension = destinationName(source)
  const { customerId } = c.get('principal')
  const { rows } = await c.get('db').execute<{ id: string; name: string }>(sql`
    select id, name from extensions where customer_id = ${customerId}::uuid and extension = ${extension} and deleted_at is null`)
  const [row] = rows
  if (!row) throw ApiError.field('source.target', 'names no extension of yours', 'REFERENCE_NOT_FOUND')
  const address = { ...source, target: extension, target_name: extension, name: source.name || row.name }
  return { address, extensionId: row.id, callerId: shown }
}

/** An order carries what is done in the call: of so many octets at most, since one relay hears those of all customers. */
const RUN_OCTETS = 131_072

/** What is done when the first party answers. Throws where the flow is none, or is needed, or is too long for an order. */
export async function runOf(c: Context<Edge>, asked: CallsAsked): Promise<OriginateCommand['run']> {
  const run = await readRun(c, asked)
  if (JSON.stringify(run).length <= RUN_OCTETS) return run
  const [field, words] = [asked.flow_id === undefined ? 'actions' : 'flow_id', `${RUN_OCTETS / 1024} KiB`]
  throw ApiError.field(
    field,
    `is, with the flows it leads to, more than the ${words} which an ordered call may carry`,
  )
}

async function readRun(c: Context<Edge>, asked: CallsAsked): Promise<OriginateCommand['run']> {
  const { flow_id, actions, source } = asked
  const { customerId } = c.get('principal')
  const db = c.get('db')
  if (flow_id !== undefined) {
    const programs = programsIn((await db.execute(programsLedTo(customerId, [flow_id]))).rows)
    const program = programs.find(({ id }) => id === flow_id)
    if (!program) throw ApiError.field('flow_id', 'names no flow of yours', 'REFERENCE_NOT_FOUND')
    return { kind: 'flow', program, programs, variables: {} }
  }
  if (actions === undefined) {
    if (source.type === 'extension') return { kind: 'join' }
    throw ApiError.field('actions', 'is needed, or flow_id: what is done when the call is answered')
  }
  const settled = await settledActions(c, actions)
  refuseFaulty(settled, {})
  await hold(db, [...referencesThere(settled, customerId, null), ...carriedOut(settled)])
  const led = settled.flatMap((action) => (action.type === 'fetch_flow' ? [action.option.flow_id] : []))
  const programs = led.length > 0 ? programsIn((await db.execute(programsLedTo(customerId, led))).rows) : []
  const program: FlowProgram = {
    id: crypto.randomUUID(),
    version: 1,
    name: '',
    variables: {},
    actions: settled,
  }
  return { kind: 'flow', program, programs, variables: {} }
}

/** The destinations of an order, each as records have it. Throws where one can be none, or is named twice. */
export async function destinationsOf(
  c: Context<Edge>,
  { destinations }: CallsAsked,
): Promise<CalledAddress[]> {
  const country = destinations.some(({ type }) => type === 'tel') ? await countryOf(c) : ''
  const read = destinations.map((one, at): CalledAddress => {
    const target = targetOf(
      c,
      { type: one.type, target: destinationName(one) },
      `destinations.${at}`,
      country,
    )
    return { ...one, target, target_name: one.type === 'extension' ? target : one.target_name }
  })
  const named = new Set<string>()
  for (const [at, { type, target }] of read.entries()) {
    if (named.has(`${type} ${target}`)) throw ApiError.field(`destinations.${at}.target`, 'is called already')
    named.add(`${type} ${target}`)
  }
  const places = read.flatMap(({ type, target: uri }, at) =>
    type === 'sip' ? [{ uri, field: `destinations.${at}.target` }] : [],
  )
  await hold(c.get('db'), carriersElsewhere(places))
  return read
}
