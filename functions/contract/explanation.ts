import * as z from 'zod'
import { failoverPolicy, healthStatus, instant, ringDestination } from './vocabulary.ts'

/*
 * Why a call went where it went: one object, stored on the call and answered by POST /v1.0/routes/resolve.
 */

/** One candidate of a decision, and why it was kept or skipped. */
const consideration = z.object({
  provider_id: z.guid().nullable().default(null),
  provider_name: z.string().default(''),
  route_id: z.guid().nullable().default(null),
  route_name: z.string().default(''),
  target: z.string().default(''),
  priority: z.int().nullable().default(null),
  weight: z.int().nullable().default(null),
  /** A default route of the platform. */
  platform: z.boolean().default(false),
  kept: z.boolean(),
  /** 1 is tried first; null where it was skipped. */
  order: z.int().nullable().default(null),
  /** Tried after the others because it is not well. */
  demoted: z.boolean().default(false),
  health: healthStatus.default('unknown'),
  /** Stable, e.g. `PREFIX`, `DISABLED`, `CHANNELS`. `KEPT` where it was kept. */
  code: z.string().default(''),
  /** One sentence for a person. */
  why: z.string(),
  /** What will be dialled there, and under which policy; null where it was skipped. */
  dialled: z.string().nullable().default(null),
  policy: failoverPolicy.nullable().default(null),
})
export type Consideration = z.infer<typeof consideration>

/** How a caller was recognised, or which rule failed. */
const identification = z.object({
  /** `digest`, `registration_token`, `source_and_number`, `source`, `host`, `forwarded`, `api`, `none`. */
  rule: z.string(),
  why: z.string(),
})
export type Identification = z.infer<typeof identification>

/** A limit which was looked at: what is in use, of how much. */
const limit = z.object({
  kind: z.string(),
  id: z.guid(),
  name: z.string().default(''),
  /** `channels`, `cps`, `calls_per_minute`, `calls_per_hour`, `daily_minutes`. */
  resource: z.string(),
  used: z.number(),
  of: z.number(),
  exceeded: z.boolean(),
})
export type Limit = z.infer<typeof limit>

/** What looked like fraud about a call out. */
const suspicion = z.object({
  /** `customer`, `extension`, `trunk`; its id and name. */
  kind: z.string(),
  id: z.guid(),
  name: z.string().default(''),
  /** `OUTBOUND_BLOCKED`, `COUNTRY_NEW`, `VELOCITY_EXCEEDED`. */
  reason: z.string(),
  refused: z.boolean(),
  country: z.string().nullable().default(null),
  message: z.string().default(''),
})

/** What the callee sees, and where that came from: `asked`, `emergency`, `extension`, `number`, `default`, `only`, `trunk`, `none`. */
const shownCaller = z.object({
  number: z.string().nullable(),
  from: z.string(),
  unverified: z.boolean(),
  why: z.string().default(''),
})

/** One destination of those which are rung, and where it leads; undecided until it is its turn. */
export const plannedRing = ringDestination.extend({
  /** The number or extension whose list it stands in, and the step of that list, 1 first: those of one ring together. */
  by: z.string(),
  step: z.int(),
  outcome: z.enum(['connect', 'reject', 'flow']).nullable().default(null),
  status: z.int().nullable().default(null),
  reason: z.string().nullable().default(null),
  message: z.string().default(''),
  caller_id: shownCaller.nullable().default(null),
  limits: z.array(limit).default([]),
  candidates: z.array(consideration).default([]),
})
export type PlannedRing = z.infer<typeof plannedRing>

/** Why a call was decided as it was: rules, candidates and limits, in the order they were looked at. */
export const explanation = z.object({
  decided_by: z.enum(['edge', 'relay']),
  /** The instant the decision is for (time windows). */
  at: instant,
  /** Configuration the decision rests on: the customer's version, and the platform's. */
  version: z.int().nullable(),
  platform_version: z.int().nullable().default(null),
  /** Where a relay decided: how long ago the edge last named this version current. */
  snapshot_age_ms: z.int().nullable().default(null),
  outcome: z.enum(['connect', 'reject', 'flow']),
  status: z.int().nullable().default(null),
  reason: z.string().nullable().default(null),
  message: z.string().default(''),
  /** The flow it follows; absent: none. */
  flow: z.object({ id: z.guid(), version: z.int(), name: z.string() }).optional(),
  caller: identification,
  /** What was dialled, and how it was read. */
  number: z
    .object({
      dialled: z.string(),
      /** `number`, `short`, `extension`, `nonsense`. */
      kind: z.string(),
      e164: z.string().nullable(),
      country: z.string().nullable(),
    })
    .nullable()
    .default(null),
  /** It is a call to the police, the fire brigade or an ambulance. */
  emergency: z.boolean().default(false),
  caller_id: shownCaller.nullable().default(null),
  limits: z.array(limit).default([]),
  /** A suspicion of fraud and its account: the call was refused, or allowed and told of; absent: nothing looked like it. */
  suspicion: suspicion.optional(),
  /** The candidates in the order considered: all that are tried, and the first of those that were skipped. */
  candidates: z.array(consideration).default([]),
  /** How many more routes of the customer, and matching default routes, there are. */
  left_out: z.int().default(0),
  /** The destinations it rings, where that is a list: in its order, each followed by those to which it sends the call on. */
  plan: z.array(plannedRing).default([]),
})
export type Explanation = z.infer<typeof explanation>
