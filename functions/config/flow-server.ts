import { type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import {
  type FlowAction,
  type FlowServerAnswer,
  type FlowServerQuestion,
  flowLimits,
  flowServerQuestion,
} from '#contract'
import { utcNow } from '../clock.ts'
import type { Edge } from '../env.ts'
import { senderParts } from '../events/dispatcher.ts'
import { askFlowServer } from '../events/flow-server.ts'
import { flowSecret } from '../flow-secret.ts'
import { ApiError } from '../http/api-error.ts'
import { DEEPEST, depthOf, storable } from '../http/json.ts'
import { parse, readTold } from '../http/validate.ts'
import { log } from '../log.ts'
import { actions, referencesIn } from './flow-actions.ts'
import { carriedOut } from './flow-engines.ts'
import { programsIn, programsLedTo } from './flow-programs.ts'
import { referencesThere, refuseFaulty, settled } from './flow-references.ts'
import { FlowServerPace } from './flow-server-pace.ts'

/** What a call's flow asks its customer's server: the edge asks for it, and checks what was said. */
export const flowServer = new Hono<Edge>().post('/', async (c) => {
  const question = await readTold(c, flowServerQuestion)
  const why = await strange(c, question)
  if (why !== undefined) {
    const { customer_id, call_id, flow_id } = question
    log('warn', 'flow_server.refused', { relay_id: c.get('relayId'), customer_id, call_id, flow_id, why })
    return c.json({ ...nothing, result: 'refused', status: null, why } satisfies FlowServerAnswer)
  }
  const { RELAY_SECRET } = c.get('settings')
  const { rules, resolve } = senderParts(c.env)
  const secrets = await Promise.all(RELAY_SECRET.map((secret) => flowSecret(secret, question.customer_id)))
  const reply = await askFlowServer(question, { secrets, rules, resolve })
  if ('result' in reply) return c.json({ ...nothing, ...reply } satisfies FlowServerAnswer)
  return c.json(await understood(c, question, reply.said, reply.status))
})

/**
 * Why a customer's server is not asked for this call; undefined: it is. Who holds one relay's key speaks in the name of
 * that relay alone: for calls of its own, of customers whose flow or order it is, and not without end.
 */
async function strange(c: Context<Edge>, question: FlowServerQuestion): Promise<string | undefined> {
  const { rows } = await c.get('db').execute<Tied>(tied(question, c.get('relayId')))
  const { theirs = null, named = false } = rows[0] ?? {}
  if (theirs === false) return 'The call is not under way at this relay, for this customer.'
  if (theirs === null && !named) return 'The call is not known, and this customer has no such flow.'
  return pace.refuses(`${c.get('relayId')} ${question.customer_id}`, theirs === null, utcNow())
}

interface Tied extends Record<string, unknown> {
  /** Whether it is a call of this relay and customer, and not long over; null: it was not told yet. */
  theirs: boolean | null
  /** The flow, or the order of a call, is the customer's. */
  named: boolean
}

/** What is told in the end may come a while after it. */
const LATE = sql`interval '2 minutes'`

function tied({ customer_id, call_id, flow_id }: FlowServerQuestion, relayId: string): SQL {
  return sql`select
    (select c.relay_id = ${relayId} and c.customer_id = ${customer_id}::uuid
        and (c.status <> 'hangup' or c.updated_at > now() - ${LATE}) from calls c where c.id = ${call_id}::uuid) as theirs,
    exists (select from flows where id = ${flow_id}::uuid and customer_id = ${customer_id}::uuid)
      or exists (select from commands where relay_id = ${relayId} and customer_id = ${customer_id}::uuid
        and created_at > now() - interval '1 day' and body ->> 'call_id' = ${call_id}) as named`
}

const pace = new FlowServerPace()

const nothing = { actions: null, programs: [], variables: {} }

/** What is said must be as a flow is which is saved; else it is nonsense, and why. */
async function understood(
  c: Context<Edge>,
  question: FlowServerQuestion,
  said: unknown,
  status: number,
): Promise<FlowServerAnswer> {
  try {
    if (depthOf(said) > DEEPEST) throw ApiError.field('body', 'is nested too deeply')
    const told = toldIn(storable(said))
    const { list, programs } =
      question.asks === 'actions' && told.actions !== undefined
        ? await checked(c, question, told)
        : { list: null, programs: [] }
    return { result: 'ok', status, why: null, actions: list, programs, variables: told.variables }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { ...nothing, result: 'nonsense', status, why: error.message.slice(0, 1_000) }
  }
}

interface ServerTold {
  readonly actions: unknown
  readonly variables: Record<string, string>
}

/** Actions alone, as VoIPBIN has it; or actions and variables; or an object of which each part is a variable. */
function toldIn(said: unknown): ServerTold {
  if (said === undefined || said === null) return { actions: undefined, variables: {} }
  if (Array.isArray(said)) return { actions: said, variables: {} }
  const { actions, variables, ...others } = parse(z.record(z.string(), z.unknown()), said)
  if (actions === undefined && variables === undefined) return { actions, variables: textsOf(others) }
  return { actions, variables: textsOf(parse(z.record(z.string(), z.unknown()).default({}), variables)) }
}

/** What is a text, a number or a truth value. */
function textsOf(said: Readonly<Record<string, unknown>>): Record<string, string> {
  const plain = Object.entries(said).filter(([, one]) => ['string', 'number', 'boolean'].includes(typeof one))
  const texts = plain.map(([name, one]) => [name.slice(0, 128), String(one).slice(0, flowLimits.value)])
  return Object.fromEntries(texts.slice(0, flowLimits.variables))
}

/** The database is asked in one round trip. */
async function checked(
  c: Context<Edge>,
  { customer_id, variables }: FlowServerQuestion,
  told: ServerTold,
): Promise<{ list: FlowAction[]; programs: FlowServerAnswer['programs'] }> {
  if (Array.isArray(told.actions) && told.actions.length === 0) return { list: [], programs: [] }
  const { actions: written } = parse(z.object({ actions }), { actions: told.actions })
  const db = c.get('db')
  const led = referencesIn(written).flatMap(({ kind, name }) => (kind === 'flow' ? [name] : []))
  const there = [...referencesThere(written, customer_id, null), ...carriedOut(written)]
  const [country, flows, ...gone] = await db.batch([
    db.execute<{ country: string }>(countryOf(customer_id)),
    db.execute(programsLedTo(customer_id, led)),
    ...there.map(({ ask }) => db.execute(ask)),
  ])
  for (const [at, check] of there.entries()) check.refuse(gone[at]?.rows ?? [])
  const list = settled(c, written, 'actions', country.rows[0]?.country ?? 'US')
  refuseFaulty(list, { ...variables, ...told.variables })
  return { list, programs: programsIn(flows.rows) }
}

function countryOf(customerId: string): SQL {
  return sql`select default_country as country from customers where id = ${customerId}::uuid`
}
