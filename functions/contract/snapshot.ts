import * as z from 'zod'
import { flowAction } from './flow-action.ts'
import { port } from './port.ts'
import {
  caps,
  digestAlgorithm,
  diversion,
  dtmfForm,
  failoverPolicy,
  instant,
  outboundGuard,
  ownership,
  recordingMode,
  redirection,
  ringDestination,
  securePolicy,
  tlsTrust,
  toldAnnouncement,
  transferPolicy,
  transport,
} from './vocabulary.ts'

/*
 * One customer's configuration as a decision looks things up. A query brings a part of it for one question;
 * a snapshot brings all of it to a relay.
 */

/** A customer, as far as a decision depends on it. */
export const customerFacts = z.object({
  id: z.guid(),
  /** ISO 3166 alpha-2, and its calling code without plus. */
  country: z.string(),
  calling_code: z.string(),
  /** `{registrar_name}.registrar.{base}` is a domain of its phones too, though not their realm. */
  registrar_name: z.string().nullable().default(null),
  /** Countries which may be called; null: the own one and those of the numbers. */
  allowed: z.array(z.string()).nullable(),
  number_countries: z.array(z.string()),
  /** Beginnings of E.164 numbers which may not be called, whatever the country. */
  blocked_prefixes: z.array(z.string()).default([]),
  require_caller_id: z.boolean(),
  use_default_routes: z.boolean().default(true),
  /** Names which its callers give themselves go to providers. */
  pass_display_name: z.boolean().default(false),
  /** Whether the SIP messages of its calls are kept. */
  capture_messages: z.boolean().default(false),
  /** The default outgoing number, and the only number there is: E.164. */
  default_number: z.string().nullable().default(null),
  only_number: z.string().nullable().default(null),
  algorithms: z.array(digestAlgorithm).default(['MD5']),
  caps: caps.prefault({}),
  /** null: nothing guards its calls out. An older edge does not say. */
  guard: outboundGuard.nullish(),
})
export type CustomerFacts = z.infer<typeof customerFacts>

/**
 * Where a phone is: a civic address (RFC 5139; `street` is RD, `house_number` HNO, `city` A3, `region` A1), with
 * degrees of WGS 84 where it has them. An empty text says nothing.
 */
export const civicPlace = z.object({
  /** ISO 3166 alpha-2, in any case. */
  country: z.string(),
  region: z.string().default(''),
  city: z.string().default(''),
  postal_code: z.string().default(''),
  street: z.string().default(''),
  house_number: z.string().default(''),
  floor: z.string().default(''),
  room: z.string().default(''),
  /** Of the building, or of what is in it. */
  name: z.string().default(''),
  latitude: z.number().nullable().default(null),
  longitude: z.number().nullable().default(null),
})
export type CivicPlace = z.infer<typeof civicPlace>

/** What who helps is told of an extension which calls for help. */
export const emergencyFacts = z.object({
  /** E.164, where to call back: one of the customer's numbers; null: the caller id it has otherwise. */
  callback_number: z.string().nullable().default(null),
  /** null: it is not known. */
  place: civicPlace.nullable().default(null),
})
export type EmergencyFacts = z.infer<typeof emergencyFacts>

/** An extension: a name under which phones register. */
export const extensionFacts = z.object({
  id: z.guid(),
  customer_id: z.guid(),
  extension: z.string(),
  name: z.string(),
  enabled: z.boolean(),
  /** Seconds. */
  ring_timeout: z.int(),
  /** Its own caller id where it is a live number of the customer. */
  caller_id: z.string().nullable().default(null),
  transfer: transferPolicy.default('local'),
  dtmf: dtmfForm.default('auto'),
  /** null: nothing is known which would help. */
  emergency: emergencyFacts.nullable().default(null),
  /** Codecs offered to it, the first preferred; '': all. */
  codecs: z.string().default(''),
  /** What a call to the extension rings; null: its own phones; an empty list: do not disturb. */
  destinations: z.array(ringDestination).nullable().default(null),
  secure: securePolicy.default('allowed'),
  record: recordingMode.default('off'),
  record_announcement: toldAnnouncement.default(null),
  caps: caps.prefault({}),
  guard: outboundGuard.nullish(),
})
export type ExtensionFacts = z.infer<typeof extensionFacts>

/** A customer's PBX. */
export const trunkFacts = z.object({
  id: z.guid(),
  customer_id: z.guid(),
  name: z.string(),
  /** `{domain_name}.trunk.{base}` is its domain and digest realm. */
  domain_name: z.string(),
  enabled: z.boolean(),
  /** `basic` (digest), `ip`. */
  auth_types: z.array(z.enum(['basic', 'ip'])),
  username: z.string().nullable(),
  /** Networks it may call from. */
  sources: z.array(z.string()),
  /** Of several customers' at one address the oldest is meant; '' where it is not known. */
  created_at: z.string().default(''),
  /** Where it takes calls; hostname null: where it registered. */
  hostname: z.string().nullable(),
  port: port.nullable(),
  transport: transport.nullable(),
  tls: tlsTrust.prefault({}),
  codecs: z.string().default(''),
  /** INVITEs may bring it ISUP (RFC 3204). */
  isup: z.boolean().default(false),
  /** How called and calling numbers are written towards it. */
  called_format: z.string().default('+e164'),
  calling_format: z.string().default('+e164'),
  /** Country its numbers are read in; null: the customer's. */
  country: z.string().nullable().default(null),
  /** Numbers it may show, which are the customer's; empty: any of those. The first one stands in for others. */
  caller_ids: z.array(z.string()).default([]),
  ring_timeout: z.int(),
  transfer: transferPolicy.default('local'),
  dtmf: dtmfForm.default('auto'),
  secure: securePolicy.default('allowed'),
  caps: caps.prefault({}),
  guard: outboundGuard.nullish(),
})
export type TrunkFacts = z.infer<typeof trunkFacts>

/** A number, a range of them (`number` to `number_to`), or all that comes from one provider (`number` is `any`). */
export const numberFacts = z.object({
  id: z.guid(),
  customer_id: z.guid(),
  number: z.string(),
  number_to: z.string().nullable().default(null),
  provider_id: z.guid().nullable().default(null),
  /** An edge which does not say has assigned ones only. */
  ownership: ownership.default('assigned'),
  enabled: z.boolean(),
  extension_id: z.guid().nullable(),
  trunk_id: z.guid().nullable().default(null),
  flow_id: z.guid().nullable(),
  /** What a call to the number rings, where that is a list; null: as the ids above say. */
  destinations: z.array(ringDestination).nullable().default(null),
  record: recordingMode.default('off'),
  record_announcement: toldAnnouncement.default(null),
})
export type NumberFacts = z.infer<typeof numberFacts>

/** A flow, as far as a decision depends on it. */
export const flowFacts = z.object({
  id: z.guid(),
  customer_id: z.guid(),
  name: z.string().default(''),
  /** Rises with every change: 1 first. */
  version: z.int().default(1),
  /** Extension which it rings, where it is that one `connect` and nothing more; null: it is more. */
  extension: z.string().nullable(),
  variables: z.record(z.string(), z.string()).optional(),
  /** null: as above; or this relay does not know one of them, and asks. */
  actions: z.array(flowAction).nullable().default(null).catch(null),
})
export type FlowFacts = z.infer<typeof flowFacts>

/** A provider: where it is, what it calls from, and how it wants to be called. */
export const providerFacts = z.object({
  id: z.guid(),
  customer_id: z.guid(),
  name: z.string(),
  enabled: z.boolean(),
  deleted: z.boolean().default(false),
  hostname: z.string(),
  port: port.nullable(),
  transport: transport.nullable(),
  tls: tlsTrust.prefault({}),
  codecs: z.string(),
  tech_prefix: z.string(),
  tech_postfix: z.string(),
  tech_headers: z.record(z.string(), z.string()),
  /** `+e164`, `e164`, `00`, `national`, or a template such as `0{national}`: how each number is written there. */
  called_format: z.string().default('+e164'),
  calling_format: z.string().default('+e164'),
  asserted_format: z.string().default('+e164'),
  /** Country its numbers are read in, and are national in; null: the customer's. */
  country: z.string().nullable().default(null),
  username: z.string().nullable(),
  /** null: none, or it cannot be opened (`locked`). Never stored or sent unsealed. */
  password: z.string().nullable().default(null),
  locked: z.boolean().default(false),
  /** The realm our credentials are for; null: the first one asked for. */
  realm: z.string().nullable().default(null),
  /** Networks its calls come from. */
  sources: z.array(z.string()).default([]),
  /** Addresses its hostname leads to, as relays resolve it, and since when. */
  found: z.array(z.object({ address: z.string(), since: z.string() })).default([]),
  /** Of several which could be meant the oldest is; '' where it is not known. */
  created_at: z.string().default(''),
  /** We register there, and expect its calls at a contact which carries `line`. */
  register: z.boolean().default(false),
  register_expires: z.int().default(3600),
  line: z.string().default(''),
  failover: failoverPolicy.partial().nullable(),
  transfer: transferPolicy.default('deny'),
  dtmf: dtmfForm.default('auto'),
  /** It takes the place of who calls for help (RFC 6442). */
  emergency_location: z.boolean().default(false),
  /** INVITEs may bring it ISUP (RFC 3204). */
  isup: z.boolean().default(false),
  /** How it hears on whose behalf a call comes which is sent on, and what follows where it sends one on itself. */
  diversion: diversion.default('off'),
  redirects: redirection.default('refuse'),
  secure: securePolicy.default('allowed'),
  /** OPTIONS every so many seconds; 0: never. `accept` null: any final answer but 408 and 503. */
  probe_interval: z.int().default(30),
  probe_accept: z.array(z.int()).nullable().default(null),
  caps: caps.prefault({}),
})
export type ProviderFacts = z.infer<typeof providerFacts>

/** When a route may be taken: at least one period holds. */
export const timeWindow = z.object({
  /** IANA name, e.g. `Europe/Berlin`. */
  time_zone: z.string(),
  periods: z
    .array(
      z.object({
        /** 1 Monday … 7 Sunday; empty: every day. */
        days: z.array(z.int().min(1).max(7)).default([]),
        /** `HH:MM`; `to` is the first minute outside, and before `from` where the period passes midnight. */
        from: z.string(),
        to: z.string(),
      }),
    )
    .min(1),
})
export type TimeWindow = z.infer<typeof timeWindow>

/** A route: which provider for which numbers, when, and in which order. */
export const routeFacts = z.object({
  id: z.guid(),
  customer_id: z.guid(),
  name: z.string().default(''),
  target: z.string(),
  priority: z.int(),
  weight: z.int(),
  enabled: z.boolean(),
  created_at: z.string(),
  time_window: timeWindow.nullable().default(null),
  failover: failoverPolicy.partial().nullable(),
  provider_id: z.guid(),
})
export type RouteFacts = z.infer<typeof routeFacts>

/** How one account proves itself; the secrets travel sealed for one relay. */
export const accountFacts = z.object({
  kind: z.enum(['extension', 'trunk']),
  id: z.guid(),
  username: z.string(),
  realm: z.string(),
  ha1_md5: z.string(),
  ha1_sha256: z.string(),
  algorithms: z.array(digestAlgorithm).min(1),
  enabled: z.boolean(),
  max_contacts: z.int(),
  min_expires: z.int(),
  max_expires: z.int(),
  default_expires: z.int(),
  /** Seconds between two OPTIONS which keep the NAT of a phone open; 0: none are sent. */
  keepalive_s: z.int().default(25),
  /** Tokens of it which were ended before their time, which is not over (registration-token.ts). */
  ended_tokens: z.array(z.guid()).default([]),
})
export type AccountFacts = z.infer<typeof accountFacts>

/** Secrets of a snapshot, sealed as one text for the relay it is for. */
export const snapshotSecrets = z.object({
  accounts: z.array(accountFacts),
  /** Password by provider id. */
  passwords: z.record(z.string(), z.string()),
})
export type SnapshotSecrets = z.infer<typeof snapshotSecrets>

/**
 * GET /relay/v1/snapshots/{customer_id}: all of one customer's configuration, as JSON.
 *
 * ETag is the quoted version. Header `trunkline-signature: v1=<hex HMAC-SHA256 of the body>` under a key made
 * from the relay's own. Passwords of `providers` are null here; `sealed` holds `SnapshotSecrets`.
 */
export const snapshot = z.object({
  format: z.literal(1),
  customer_id: z.guid(),
  /** Rises with every change of the customer's configuration. */
  version: z.int(),
  made_at: instant,
  customer: customerFacts,
  extensions: z.array(extensionFacts),
  trunks: z.array(trunkFacts),
  numbers: z.array(numberFacts),
  flows: z.array(flowFacts),
  providers: z.array(providerFacts),
  routes: z.array(routeFacts),
  /** AES-256-GCM: base64url iv, dot, base64url ciphertext with tag. */
  sealed: z.string(),
})
export type Snapshot = z.infer<typeof snapshot>
