import * as z from 'zod'
import { address, digestAlgorithm, direction, failoverPolicy, tlsTrust, transport } from './vocabulary.ts'

/*
 * Questions a call waits for. Each is one POST under /relay/v1, answered with HTTP 200; any other
 * status means that the edge itself is unwell. Answers are read tolerantly: unknown keys are ignored.
 */

/** POST /relay/v1/route: where does this call go? */
export const routeQuestion = z.object({
  call_id: z.uuid(),
  /** Who calls: an extension which proved itself by digest, or a bare source address. */
  caller: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('extension'), customer_id: z.uuid(), extension_id: z.uuid() }),
    z.object({ kind: z.literal('source'), address: z.string(), port: z.int(), transport }),
  ]),
  /** User part and display name of the caller's From. */
  from: z.object({ user: z.string(), display: z.string().default('') }),
  /** What was dialled: user and host part of the Request-URI, unescaped. */
  to: z.object({ user: z.string(), host: z.string() }),
  /** Encoding names of the offer, best first; empty for a delayed offer. */
  codecs: z.array(z.string()).default([]),
})
export type RouteQuestion = z.infer<typeof routeQuestion>

/** One candidate of a decision, and why it was kept or skipped. */
export const consideration = z.object({
  provider_id: z.uuid().nullable().default(null),
  provider_name: z.string().default(''),
  route_id: z.uuid().nullable().default(null),
  kept: z.boolean(),
  why: z.string(),
})
export type Consideration = z.infer<typeof consideration>

/** One provider to try, with everything needed to build the INVITE from the canonical call. */
export const providerTarget = z.object({
  provider_id: z.uuid(),
  name: z.string(),
  hostname: z.string(),
  /** null: found by RFC 3263. */
  port: z.int().nullable(),
  transport: transport.nullable(),
  /** Where it is reached over TLS. */
  tls: tlsTrust.default({ verify: 'full', fingerprint: null }),
  /** User part to dial at this provider: prefix + number in its format + postfix. */
  user: z.string(),
  headers: z.array(z.tuple([z.string(), z.string()])).default([]),
  /** Encoding names allowed towards this provider; empty allows all. */
  codecs: z.array(z.string()).default([]),
  /** Digest credentials, or null where the provider trusts our address. */
  credentials: z
    .object({ username: z.string(), password: z.string(), realm: z.string().nullable() })
    .nullable(),
  policy: failoverPolicy,
})
export type ProviderTarget = z.infer<typeof providerTarget>

/** An extension to ring; its contacts are the registrar's to know. */
export const extensionTarget = z.object({
  extension_id: z.uuid(),
  customer_id: z.uuid(),
  /** The user part phones register as, and their realm: together the address-of-record. */
  extension: z.string(),
  realm: z.string(),
  ring_ms: z.int(),
})
export type ExtensionTarget = z.infer<typeof extensionTarget>

const known = {
  customer_id: z.uuid().nullable(),
  direction,
  source: address,
  destination: address,
  explanation: z.array(consideration).default([]),
}

/** Where a call goes. "Nowhere" is a decision too, never an HTTP error. */
export const routeDecision = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('reject'),
    /** SIP status for the caller. 0: say nothing at all. */
    status: z.int(),
    /** Stable code, e.g. `NO_ROUTE`; and one sentence for a person. */
    reason: z.string(),
    message: z.string(),
    ...known,
  }),
  z.object({
    kind: z.literal('connect'),
    /** Called party's side: providers in the order to try them, or one extension to ring. */
    targets: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('providers'), providers: z.array(providerTarget).min(1) }),
      z.object({ kind: z.literal('extension'), extension: extensionTarget }),
    ]),
    /** What the callee sees. `asserted` is E.164 for P-Asserted-Identity, null where none may be claimed. */
    caller_id: z.object({
      user: z.string(),
      display: z.string(),
      asserted: z.string().nullable(),
      unverified: z.boolean(),
    }),
    /** The number's or provider's identity this call came in on (incoming calls). */
    number_id: z.uuid().nullable().default(null),
    provider_id: z.uuid().nullable().default(null),
    ...known,
  }),
])
export type RouteDecision = z.infer<typeof routeDecision>

/** POST /relay/v1/credential: who is username@realm, and how do they prove it? */
export const credentialQuestion = z.object({ realm: z.string(), username: z.string() })
export type CredentialQuestion = z.infer<typeof credentialQuestion>

export const credentialAnswer = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('known'),
    customer_id: z.uuid(),
    extension_id: z.uuid(),
    extension: z.string(),
    realm: z.string(),
    /** Lower-case hex H(username:realm:password). */
    ha1_md5: z.string(),
    ha1_sha256: z.string(),
    /** What to challenge with, in this order. */
    algorithms: z.array(digestAlgorithm).min(1),
    enabled: z.boolean(),
    max_contacts: z.int(),
    min_expires: z.int(),
    max_expires: z.int(),
    default_expires: z.int(),
    /** Seconds this answer may be reused. */
    ttl: z.int(),
  }),
  z.object({ kind: z.literal('unknown'), ttl: z.int() }),
])
export type CredentialAnswer = z.infer<typeof credentialAnswer>
