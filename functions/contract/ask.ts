import * as z from 'zod'
import { explanation } from './explanation.ts'
import { flowProgram } from './flow-action.ts'
import { port } from './port.ts'
import { civicPlace } from './snapshot.ts'
import {
  address,
  destinationTypes,
  digestAlgorithm,
  direction,
  diversion,
  dtmfForm,
  failoverPolicy,
  flowTransport,
  recordingMode,
  redirection,
  ringCondition,
  ringTypes,
  scope,
  securePolicy,
  tlsTrust,
  toldAnnouncement,
  transferPolicy,
  transport,
} from './vocabulary.ts'

/*
 * Questions a call waits for. Each is one POST under /relay/v1, answered with HTTP 200; any other
 * status means that the edge itself is unwell. Answers are read tolerantly: unknown keys are ignored.
 */

/** Who sends a call on: the number or the extension it was for. */
const forwarder = z.object({
  kind: z.enum(['number', 'extension']),
  id: z.guid(),
  /** E.164, or as phones register. */
  name: z.string(),
})
export type Forwarder = z.infer<typeof forwarder>

/** POST /relay/v1/route: where does this call go? */
export const routeQuestion = z.object({
  call_id: z.guid(),
  /** Who calls: an extension or trunk which proved itself by digest, or a bare source address. */
  caller: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('extension'), customer_id: z.guid(), extension_id: z.guid() }),
    z.object({ kind: z.literal('trunk'), customer_id: z.guid(), trunk_id: z.guid() }),
    z.object({
      kind: z.literal('source'),
      address: z.string(),
      port,
      transport: flowTransport,
      /** The token of our contact at a provider we registered with, where the call came to it. */
      line: z.string().nullable().default(null),
    }),
    /** A party of a call which the API ordered: in the name of the extension, or of the customer alone. */
    z.object({
      kind: z.literal('api'),
      customer_id: z.guid(),
      extension_id: z.guid().nullable(),
      type: z.enum(destinationTypes),
    }),
    /** A call under way is sent on to one destination. */
    z.object({
      kind: z.literal('forwarder'),
      customer_id: z.guid(),
      forwarder,
      /** `redirect`: where a phone of the forwarder's says that the call is to go. */
      type: z.enum([...ringTypes, 'redirect']),
      /** The number called first, or the first extension. */
      called: z.string(),
      /** Extensions which sent it on before, the first one first, the forwarder included. */
      path: z.array(z.string()).max(32).default([]),
    }),
  ]),
  /**
   * User part and display name of the caller: of its P-Asserted-Identity, `asserted`, where it has one, else of
   * its From. `diverting`: user parts of those it says to call for (Diversion, History-Info). `diverted`: of those it
   * was with already, and how often it was sent on; left out where it says nothing of it.
   */
  from: z.object({
    user: z.string(),
    display: z.string().default(''),
    asserted: z.string().nullable().default(null),
    diverting: z.array(z.string()).default([]),
    diverted: z.object({ by: z.array(z.string()), times: z.int().min(0) }).optional(),
  }),
  /** What was dialled: user and host part of the Request-URI, unescaped. */
  to: z.object({ user: z.string(), host: z.string() }),
  /** Encoding names of the offer, best first; empty for a delayed offer. */
  codecs: z.array(z.string()).default([]),
})
export type RouteQuestion = z.infer<typeof routeQuestion>

/** One provider to try, with everything needed to build the INVITE from the canonical call. */
export const providerTarget = z.object({
  provider_id: z.guid(),
  /** The route which leads there; null: none does, or an older edge does not say. */
  route_id: z.guid().nullable().default(null),
  name: z.string(),
  hostname: z.string(),
  /** null: found by RFC 3263. */
  port: port.nullable(),
  transport: transport.nullable(),
  /** Where it is reached over TLS. */
  tls: tlsTrust.prefault({}),
  /** User part to dial at this provider: prefix + number in its format + postfix. */
  user: z.string(),
  /** The caller in From, and in P-Asserted-Identity, as this provider writes numbers; null: as `caller_id` says. */
  calling: z.string().nullable().default(null),
  asserted: z.string().nullable().default(null),
  headers: z.array(z.tuple([z.string(), z.string()])).default([]),
  /** Encoding names allowed towards this provider; empty allows all. */
  codecs: z.array(z.string()).default([]),
  /** Digest credentials, or null where the provider trusts our address. */
  credentials: z
    .object({ username: z.string(), password: z.string(), realm: z.string().nullable() })
    .nullable(),
  /** Where who calls for help is, for a provider which takes that (RFC 6442); null: it is not said. */
  place: civicPlace.nullable().default(null),
  /** Types of what a caller may send it beside the session description; undefined: none. */
  takes: z.array(z.string()).optional(),
  policy: failoverPolicy,
  /** What becomes of a transfer it asks for; absent from an older edge: it is refused. */
  transfer: transferPolicy.optional(),
  dtmf: dtmfForm.optional(),
  /** How it hears on whose behalf the call comes, and what follows where it answers 3xx. */
  diversion: diversion.default('off'),
  redirects: redirection.default('refuse'),
  /** Whether its sound is encrypted; absent from an older edge: as the caller's is. */
  secure: securePolicy.optional(),
})
export type ProviderTarget = z.infer<typeof providerTarget>

/** An extension to ring; its contacts are the registrar's to know. */
const extensionTarget = z.object({
  extension_id: z.guid(),
  customer_id: z.guid(),
  /** The user part phones register as, and their realm: together the address-of-record. */
  extension: z.string(),
  realm: z.string(),
  /** Encoding names offered to it, the first preferred; undefined: all. */
  codecs: z.array(z.string()).optional(),
  ring_ms: z.int(),
  transfer: transferPolicy.optional(),
  dtmf: dtmfForm.optional(),
  secure: securePolicy.optional(),
  /** Whether its calls are recorded; absent from an older edge: they are not. */
  record: recordingMode.optional(),
  record_announcement: toldAnnouncement.optional(),
})
export type ExtensionTarget = z.infer<typeof extensionTarget>

/** A customer's PBX to call: where it registered, or at a host of its own. */
const trunkTarget = z.object({
  trunk_id: z.guid(),
  customer_id: z.guid(),
  /** Its account and realm: together the address-of-record. */
  username: z.string(),
  realm: z.string(),
  /** null: where it registered. */
  hostname: z.string().nullable(),
  port: port.nullable(),
  transport: transport.nullable(),
  tls: tlsTrust.prefault({}),
  /** The called number as the PBX reads it. */
  user: z.string(),
  codecs: z.array(z.string()).default([]),
  /** Types of what a caller may send it beside the session description; undefined: none. */
  takes: z.array(z.string()).optional(),
  ring_ms: z.int(),
  transfer: transferPolicy.optional(),
  dtmf: dtmfForm.optional(),
  secure: securePolicy.optional(),
})
export type TrunkTarget = z.infer<typeof trunkTarget>

/** A SIP address anywhere, to be found by RFC 3263. */
const sipTarget = z.object({
  uri: z.string(),
  user: z.string(),
  hostname: z.string(),
  port: port.nullable(),
  transport: transport.nullable(),
  ring_ms: z.int(),
})
export type SipTarget = z.infer<typeof sipTarget>

/** One destination of a plan; where it leads is asked when it is to ring. */
const planTarget = z.object({
  type: z.enum(ringTypes),
  target: z.string(),
  /** null: as its own settings say. */
  ring_ms: z.int().nullable().default(null),
  delay_ms: z.int().default(0),
})
export type PlanTarget = z.infer<typeof planTarget>

/** Those who ring together, if those before them ended as `when` says; the first step always begins. */
const ringStep = z.object({
  when: z.array(ringCondition).default([]),
  targets: z.array(planTarget).min(1),
})
export type RingStep = z.infer<typeof ringStep>

/** The destinations a number or an extension rings, step by step. */
const ringPlan = z.object({ forwarder, called: z.string(), steps: z.array(ringStep).min(1) })
export type RingPlan = z.infer<typeof ringPlan>

const known = {
  customer_id: z.guid().nullable(),
  direction,
  source: address,
  destination: address,
  /** Why; null from an edge which does not say. */
  explanation: explanation.nullable().default(null),
  /** In whose limits the call counts besides the providers': the customer, and the extension or trunk that calls. */
  scopes: z.array(scope).default([]),
  /** Whose call it is, where an extension or trunk of the customer makes or takes it. */
  extension_id: z.guid().nullable().default(null),
  trunk_id: z.guid().nullable().default(null),
}

const caller = {
  /**
   * What the callee sees. `asserted` is E.164 for P-Asserted-Identity, null where none may be claimed;
   * `diverting`: of those the caller says to call for, as it wrote them, those a provider may hear of;
   * `hidden`: whether all this is kept from the callee, whatever the INVITE says; null: as the INVITE says.
   */
  caller_id: z.object({
    user: z.string(),
    display: z.string(),
    asserted: z.string().nullable(),
    diverting: z.array(z.string()).default([]),
    unverified: z.boolean(),
    hidden: z.boolean().nullable().default(null),
  }),
  /** The number's or provider's identity this call came in on (incoming calls). */
  number_id: z.guid().nullable().default(null),
  provider_id: z.guid().nullable().default(null),
  /** What becomes of a transfer which the caller asks for; absent from an older edge: it is refused. */
  transfer: transferPolicy.optional(),
  /** How the caller is sent keys; absent: `auto`, as in targets. */
  dtmf: dtmfForm.optional(),
  /** Whether the caller's sound has to be encrypted; absent from an older edge: it may be. */
  secure: securePolicy.optional(),
  /** Whether the call is recorded, as the number says which was called, or the extension which calls; absent: it is not. */
  record: recordingMode.optional(),
  /** What is said before the call is recorded, by whatever: as that says; absent: nothing. */
  record_announcement: toldAnnouncement.optional(),
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
    /** Called party's side: providers in the order to try them, one extension to ring, a PBX, a SIP address, or several of these. */
    targets: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('providers'), providers: z.array(providerTarget).min(1) }),
      z.object({ kind: z.literal('extension'), extension: extensionTarget }),
      z.object({ kind: z.literal('trunk'), trunk: trunkTarget }),
      z.object({ kind: z.literal('sip'), sip: sipTarget }),
      z.object({ kind: z.literal('plan'), plan: ringPlan }),
    ]),
    ...caller,
    ...known,
  }),
  z.object({
    kind: z.literal('flow'),
    /** What the call follows; it keeps this version, whatever becomes of the flow. */
    program: flowProgram,
    /** Flows to which `fetch_flow` leads from there, and from those. */
    programs: z.array(flowProgram).default([]),
    /** Variables which are set when it begins (`callVariables`). */
    variables: z.record(z.string(), z.string()),
    /** On whose behalf it calls others: the number or extension which was called, and the number called first. */
    forwarder,
    called: z.string(),
    ...caller,
    ...known,
  }),
])
export type RouteDecision = z.infer<typeof routeDecision>
/** A decision not to. */
export type RejectDecision = Extract<RouteDecision, { kind: 'reject' }>
/** A decision to call somewhere. */
export type ConnectDecision = Extract<RouteDecision, { kind: 'connect' }>
/** A decision to follow a flow. */
export type FlowDecision = Extract<RouteDecision, { kind: 'flow' }>

/** POST /relay/v1/sounds: what is at this URL, as relays play it; 304 where it is still what these validators say. */
export const soundRequest = z.object({
  url: z.string(),
  /** As the answer to the same question had them (RFC 9110 §8.8); left out: there was none. */
  etag: z.string().optional(),
  last_modified: z.string().optional(),
})
export type SoundRequest = z.infer<typeof soundRequest>

/** POST /relay/v1/target: at which relays are phones of these extensions and trunks? */
export const targetQuestion = z.object({ customer_id: z.guid(), ids: z.array(z.guid()).min(1).max(32) })
export type TargetQuestion = z.infer<typeof targetQuestion>

/** Each relay once for each which has a phone there that lives; the relay which asks may be among them. */
export const targetAnswer = z.object({
  at: z.array(
    z.object({
      id: z.guid(),
      relay_id: z.string(),
      /** The highest preference of its phones there; who does not know it says nothing. */
      q: z.number().min(0).max(1).default(1),
    }),
  ),
})
export type TargetAnswer = z.infer<typeof targetAnswer>

/** POST /relay/v1/credential: who is username@realm, and how do they prove it? */
export const credentialQuestion = z.object({ realm: z.string(), username: z.string() })
export type CredentialQuestion = z.infer<typeof credentialQuestion>

/** How an account proves itself, or that there is none; `ttl` in seconds: how long that may be believed. */
export const credentialAnswer = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('known'),
    customer_id: z.guid(),
    /** Whose account it is: `extension_id` is the trunk's id where `account` is a trunk. */
    account: z.enum(['extension', 'trunk']).default('extension'),
    extension_id: z.guid(),
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
    keepalive_s: z.int().default(25),
    /** Tokens of it which were ended before their time, which is not over. */
    ended_tokens: z.array(z.guid()).default([]),
    /** Seconds this answer may be reused. */
    ttl: z.int(),
  }),
  z.object({
    kind: z.literal('unknown'),
    ttl: z.int(),
    /** The customer whose realm it is; left out where there is none, or it is not known here. */
    customer_id: z.guid().optional(),
  }),
])
export type CredentialAnswer = z.infer<typeof credentialAnswer>
