import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { PLATFORM, parseUtc, portNumber, type RouteQuestion } from '#contract'
import { decide, type Runtime, readIp, realmOf, trunkRealmOf } from '#routing'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { confirm, confirmed, confirmsKey } from '../http/authenticate.ts'
import { readBody } from '../http/validate.ts'
import { configurationOf, runtimeOf, unsealed } from '../store/configuration.ts'
import { type Facts, load, loadAt, loadBeside } from '../store/facts.ts'
import { type Lookup, lookupFor } from '../store/lookup.ts'
import { id } from './fields.ts'
import { fillIn } from './resolve-plan.ts'
import { refuseUntold, version } from './version.ts'

const party = z
  .string()
  .trim()
  .min(1, 'is empty')
  .max(256)
  .regex(/^[^\p{Cc}]*$/u, 'has control characters')

/**
 * The caller, what is dialled and the time of a call which is asked about. At most one of `extension_id`, `trunk_id` and
 * `source` says who the caller is; else `from` does.
 */
export const resolveInput = z
  .strictObject({
    from: party.describe('The number the caller shows; or the name of an extension, which calls.'),
    to: party.describe('What is dialled.'),
    extension_id: id.optional(),
    trunk_id: id.optional(),
    source: z
      .string()
      .refine((text) => readIp(text) !== undefined, 'is not an IP address')
      .optional()
      .describe('The address the call comes from: it is a provider’s, or a trunk’s by its address.'),
    at: z.iso
      .datetime({ offset: true, message: 'is not an instant such as 2026-11-24T09:00:00Z' })
      .refine(inYears, 'is before the year 1 or after 9999')
      .optional()
      .describe('The instant to decide for; now, where it is not given.'),
    assume: z
      .strictObject({ provider_id: id, down: z.literal(true).describe('It is taken to be down.') })
      .optional()
      .describe('A provider which is taken to be down, as a drill has it.'),
    version: version
      .optional()
      .describe(
        'The configuration to decide on: as it was with that change; as it is, where it is not given.',
      ),
  })
  .superRefine((asked, refinement) => {
    const callers = ['extension_id', 'trunk_id', 'source'].filter((key) => asked[key as keyof typeof asked])
    const [, second] = callers
    if (second !== undefined)
      refinement.addIssue({ code: 'custom', path: [second], message: `cannot be given beside ${callers[0]}` })
  })
type ResolveInput = z.output<typeof resolveInput>

/** Whether an instant, wherever it was written, is in a year of four digits in UTC, as answers write it. */
function inYears(written: string): boolean {
  const year = new Date(written).getUTCFullYear()
  return year >= 1 && year <= 9999
}

/**
 * Where a call would go, and why: the same object every call keeps.
 *
 * Only the customer's own configuration and the platform's is looked at, not that of others who share an address with them.
 */
export const explain = new Hono<Edge>().post('/', confirmsKey(explained))

async function explained(c: Context<Edge>): Promise<Response> {
  const asked = await readBody(c, resolveInput)
  const question = questionOf(c, asked)
  const { BASE_DOMAIN } = c.get('settings')
  const wanted = { ...lookupFor(question, null, BASE_DOMAIN), ...callerOf(c, asked) }
  const seen = own(await loaded(c, wanted, asked.version), c.get('principal').customerId)
  const brought = await unsealed(seen, c.get('seal'))
  const complete = { ...question, ...identified(asked, question, brought, BASE_DOMAIN) }
  const at = asked.at === undefined ? brought.at : parseUtc(asked.at)
  const live = assuming(runtimeOf(brought, complete, BASE_DOMAIN, at), asked)
  const decision = decide(complete, configurationOf(brought), live)
  const { explanation } = decision
  if (explanation && decision.kind === 'connect' && decision.targets.kind === 'plan')
    await fillIn(explanation.plan, complete, decision, (each) => decidedFor(c, each, asked))
  return c.json(explanation)
}

/** One destination of the plan, by the same configuration and at the same instant as the call itself. */
async function decidedFor(c: Context<Edge>, question: RouteQuestion, { at, version, assume }: ResolveInput) {
  const { BASE_DOMAIN } = c.get('settings')
  const { customerId } = c.get('principal')
  const wanted = lookupFor(question, null, BASE_DOMAIN)
  const seen = version === undefined ? await load(c.get('db'), wanted) : await then(c, wanted, version)
  const brought = await unsealed(own(seen, customerId), c.get('seal'))
  const instant = at === undefined ? brought.at : parseUtc(at)
  const live = assuming(runtimeOf(brought, question, BASE_DOMAIN, instant), { assume })
  return decide(question, configurationOf(brought), live)
}

function assuming(live: Runtime, { assume }: Pick<ResolveInput, 'assume'>): Runtime {
  return assume ? { ...live, down: (providerId) => providerId === assume.provider_id } : live
}

/**
 * What the decision rests on. Limits and health are as they are now, whichever version it is. Whose the access key is
 * comes along where that is not known for sure.
 */
async function loaded(c: Context<Edge>, wanted: Lookup, version: number | undefined): Promise<Facts> {
  const [db, hash] = [c.get('db'), c.get('unconfirmed')]
  if (version === undefined && hash !== undefined) {
    const [facts, holder] = await loadBeside(db, wanted, hash)
    confirm(c, holder)
    return facts
  }
  await confirmed(c)
  if (version === undefined) return load(db, wanted)
  return then(c, wanted, version)
}

async function then(c: Context<Edge>, wanted: Lookup, version: number): Promise<Facts> {
  const customers = [c.get('principal').customerId, PLATFORM]
  const { reach, facts } = await loadAt(c.get('db'), wanted, version, customers)
  refuseUntold(version, reach)
  return facts
}

/** Who calls is looked for by id, or by the name in `from`. */
function callerOf(c: Context<Edge>, asked: ResolveInput): Partial<Lookup> {
  if (asked.source !== undefined) return {}
  const unnamed = asked.extension_id === undefined && asked.trunk_id === undefined
  return {
    customerId: c.get('principal').customerId,
    extensionId: asked.extension_id ?? null,
    trunkId: asked.trunk_id ?? null,
    callerName: unnamed ? asked.from : null,
  }
}

function questionOf(c: Context<Edge>, { from, to, source }: ResolveInput): RouteQuestion {
  const host = c.get('settings').BASE_DOMAIN
  return {
    call_id: crypto.randomUUID(),
    caller: { kind: 'source', address: source ?? '', port: portNumber(5060), transport: 'udp', line: null },
    from: { user: from, display: '', asserted: null, diverting: [] },
    to: { user: to, host },
    codecs: [],
  }
}

/** The question with the caller it is about, dialling within its own domain. */
function identified(
  asked: ResolveInput,
  { to, caller }: RouteQuestion,
  brought: Facts,
  baseDomain: string,
): Pick<RouteQuestion, 'caller' | 'to'> {
  if (asked.source !== undefined) return { caller, to }
  if (asked.trunk_id !== undefined) {
    const trunk = brought.trunks.find(({ id }) => id === asked.trunk_id)
    if (!trunk) throw ApiError.field('trunk_id', 'names no trunk of yours', 'REFERENCE_NOT_FOUND')
    const { id, customer_id, domain_name } = trunk
    return {
      caller: { kind: 'trunk', customer_id, trunk_id: id },
      to: { ...to, host: trunkRealmOf(domain_name, baseDomain) },
    }
  }
  const { id, customer_id } = extensionOf(asked, brought)
  return {
    caller: { kind: 'extension', customer_id, extension_id: id },
    to: { ...to, host: realmOf(customer_id, baseDomain) },
  }
}

function extensionOf({ extension_id, from }: ResolveInput, brought: Facts) {
  const named = brought.extensions.find(({ id, extension }) =>
    extension_id === undefined ? extension === from : id === extension_id,
  )
  if (named) return named
  if (extension_id !== undefined)
    throw ApiError.field('extension_id', 'names no extension of yours', 'REFERENCE_NOT_FOUND')
  const message = 'is no extension of yours; say who calls with extension_id, trunk_id or source'
  throw ApiError.field('from', message, 'REFERENCE_NOT_FOUND')
}

function own(brought: Facts, customerId: string): Facts {
  const mine = <Thing extends { customer_id: string }>(things: Thing[]) =>
    things.filter(({ customer_id }) => customer_id === customerId || customer_id === PLATFORM)
  return {
    ...brought,
    customers: brought.customers.filter(({ facts }) => facts.id === customerId || facts.id === PLATFORM),
    extensions: mine(brought.extensions),
    trunks: mine(brought.trunks),
    numbers: mine(brought.numbers),
    flows: mine(brought.flows),
    providers: mine(brought.providers),
    routes: mine(brought.routes),
  }
}
