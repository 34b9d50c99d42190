import * as z from 'zod'

/** The customer whose routes and providers are every customer's defaults. */
export const PLATFORM = '00000000-0000-0000-0000-000000000001'

/**
 * What an access key opens. `read`: whatever changes nothing and rings no telephone; `configure`: what a customer sets;
 * `call`: what makes a relay call a carrier; `admin`: access keys, and customers for the platform's administrators.
 */
export const accessScopes = ['read', 'configure', 'call', 'admin'] as const
export const accessScope = z.enum(accessScopes)
export type AccessScope = z.infer<typeof accessScope>

/** A point in time (RFC 3339, UTC). The database has no year 0. */
export const instant = z.iso.datetime().regex(/^(?!0000)/)

/** How SIP travels to its next hop. Spelled here once for the wire, the database and the relay. */
export const transports = ['udp', 'tcp', 'tls'] as const
export const transport = z.enum(transports)
export type Transport = z.infer<typeof transport>

/** How SIP travels at all: over WebSockets (RFC 7118), too, which browsers open to us and we to none. */
export const flowTransports = [...transports, 'ws', 'wss'] as const
export const flowTransport = z.enum(flowTransports)
export type FlowTransport = z.infer<typeof flowTransport>

/** Those of them which are read by no one between the two ends. */
const encryptedTransports: readonly FlowTransport[] = ['tls', 'wss']

/** Whether what travels so is read by no one between the two ends. */
export function isEncryptedTransport(transport: FlowTransport): boolean {
  return encryptedTransports.includes(transport)
}

/** How sound travels encrypted: SRTP's suites (RFC 4568 §6.2, RFC 7714 §14.2). Spelled as SDP does. */
export const srtpSuites = [
  'AES_CM_128_HMAC_SHA1_80',
  'AEAD_AES_128_GCM',
  'AEAD_AES_256_GCM',
  'AES_CM_128_HMAC_SHA1_32',
] as const
export type SrtpSuite = (typeof srtpSuites)[number]

/**
 * Whether a party's sound is encrypted (SRTP). `off`: never. `allowed`: as the other party of a call has it. `required`:
 * always, and its signalling is, for that carries the keys; what is not is refused.
 */
const securePolicies = ['off', 'allowed', 'required'] as const
export const securePolicy = z.enum(securePolicies)
export type SecurePolicy = z.infer<typeof securePolicy>

/** What a caller hears whose address is no provider's: 403, or nothing at all. */
export const strangerPolicies = ['refuse', 'silent'] as const
export type StrangerPolicy = (typeof strangerPolicies)[number]

/** incoming: from the phone network. outgoing: to it. internal: a customer's own to its own. */
export const directions = ['incoming', 'outgoing', 'internal'] as const
export const direction = z.enum(directions)
export type Direction = z.infer<typeof direction>

/** Where a call stands; it only ever moves forward. */
export const callStatuses = [
  'dialing',
  'ringing',
  'progressing',
  'terminating',
  'canceling',
  'hangup',
] as const
export const callStatus = z.enum(callStatuses)
export type CallStatus = z.infer<typeof callStatus>

/**
 * How a peer over TLS proves who it is: a chain to a known root and the domain's name (RFC 5922), the
 * SHA-256 fingerprint of its certificate (hex, colons or not), or not at all.
 */
export const tlsTrust = z.object({
  verify: z.enum(['full', 'fingerprint', 'none']).default('full'),
  fingerprint: z.string().nullable().default(null),
})
export type TlsTrust = z.infer<typeof tlsTrust>

/** What is said in no fixed shape, and kept and shown as it was said: 16 KiB of JSON at most. */
export const remarks = z
  .record(z.string(), z.unknown())
  .refine((said) => JSON.stringify(said).length <= 16_384, 'is larger than 16 KiB')

/**
 * What a number is to the customer that lists it: `claimed` by its word alone, `verified` by a call for it which came
 * in over a provider of the customer's own, `assigned` by an administrator.
 */
export const ownerships = ['claimed', 'verified', 'assigned'] as const
export const ownership = z.enum(ownerships)
export type Ownership = z.infer<typeof ownership>

/** Who ended a call: one of its two parties, or we. */
export const hangupParties = ['caller', 'callee', 'system'] as const
export const hangupParty = z.enum(hangupParties)
export type HangupParty = z.infer<typeof hangupParty>

/** Why a call ended. */
export const hangupReasons = [
  'normal',
  'failed',
  'busy',
  'cancel',
  'timeout',
  'noanswer',
  'dialout',
  'rejected',
  'media_timeout',
  'relay_lost',
  'transferred',
] as const
export const hangupReason = z.enum(hangupReasons)
export type HangupReason = z.infer<typeof hangupReason>

/**
 * What becomes of a transfer which a party asks for (REFER, RFC 3515): refused, passed to the other party to carry out, or
 * carried out here, as a call of the party which asks.
 */
const transferPolicies = ['deny', 'relay', 'local'] as const
export const transferPolicy = z.enum(transferPolicies)
export type TransferPolicy = z.infer<typeof transferPolicy>

/**
 * How a party is sent the keys of the other: as telephone events (RFC 4733), by INFO, as tones in the sound, or whatever
 * it says that it takes.
 */
const dtmfForms = ['auto', 'rfc4733', 'info', 'inband'] as const
export const dtmfForm = z.enum(dtmfForms)
export type DtmfForm = z.infer<typeof dtmfForm>

/** Whether calls are recorded: not at all, both parties in one channel, or each in a channel of its own. */
const recordingModes = ['off', 'mixed', 'separate'] as const
export const recordingMode = z.enum(recordingModes)
export type RecordingMode = z.infer<typeof recordingMode>

/** What the parties of a call are told before it is recorded: a beep, a prompt of the customer's, or a sentence. */
export const recordAnnouncement = z.union(
  [
    z.literal('beep'),
    z.strictObject({ prompt_id: z.guid().toLowerCase() }),
    z.strictObject({
      text: z.string().min(1).max(2_000),
      language: z.string().max(64).default('en-US').describe('BCP 47, such as en-US.'),
      voice_id: z.string().max(128).default(''),
    }),
  ],
  'is neither "beep", {"prompt_id"} nor {"text", "language", "voice_id"}',
)
export type RecordAnnouncement = z.infer<typeof recordAnnouncement>

/** As edges and relays tell it: a form which a reader does not know is a beep; null: nothing is said. */
export const toldAnnouncement = recordAnnouncement.nullable().catch('beep')

/** What is recorded: what is said in a call, or a message for an extension's mailbox. */
const recordingKinds = ['call', 'voicemail'] as const
export const recordingKind = z.enum(recordingKinds)
export type RecordingKind = z.infer<typeof recordingKind>

/** How a call was transferred: to a target which was dialled for it, or to a party which was spoken to before. */
const transferTypes = ['blind', 'attended'] as const
export const transferType = z.enum(transferTypes)
export type TransferType = z.infer<typeof transferType>

/** Digest algorithms we challenge with (RFC 8760). */
const digestAlgorithms = ['MD5', 'SHA-256'] as const
export const digestAlgorithm = z.enum(digestAlgorithms)
export type DigestAlgorithm = z.infer<typeof digestAlgorithm>

/** A party of a call, as the API shows it. `target` of a tel is E.164 with plus. */
export const address = z.object({
  type: z.enum(['tel', 'extension', 'sip']),
  target: z.string(),
  target_name: z.string().default(''),
  name: z.string().default(''),
  detail: z.string().default(''),
})
export type Address = z.infer<typeof address>

/** How those ended who were rung before: what a later destination waits for. */
const ringConditions = ['busy', 'no_answer', 'not_registered', 'failed'] as const
export const ringCondition = z.enum(ringConditions)
export type RingCondition = z.infer<typeof ringCondition>

/** What a destination is: an account of the customer, a number of the phone network, or any SIP address. */
export const destinationTypes = ['extension', 'trunk', 'tel', 'sip'] as const

/** And what a list of destinations leads to besides: a flow, as its last entry. */
export const ringTypes = [...destinationTypes, 'flow'] as const

/**
 * A destination which a number or an extension rings. With `when` it rings after those before it in the list, if they ended so;
 * without, it rings together with the one before it.
 */
export const ringDestination = z.object({
  type: z.enum(ringTypes),
  /** An extension, a trunk's `domain_name`, E.164, a SIP URI, or the id of a flow. */
  target: z.string(),
  /** Seconds it may ring; null: as its own settings say. */
  ring_seconds: z.int().nullable().default(null),
  /** Seconds by which it begins after those it rings with. */
  delay_seconds: z.int().default(0),
  when: z.array(ringCondition).default([]),
})
export type RingDestination = z.infer<typeof ringDestination>

/** How a provider hears on whose behalf a call comes that is sent on: RFC 5806, RFC 7044, or not at all. */
const diversions = ['off', 'diversion', 'history_info'] as const
export const diversion = z.enum(diversions)
export type DiversionForm = z.infer<typeof diversion>

/** What follows where a provider answers 3xx: it counts as a refusal, or the place it names is called. */
const redirections = ['refuse', 'follow'] as const
export const redirection = z.enum(redirections)
export type Redirection = z.infer<typeof redirection>

/** After a failed attempt: try the next provider, or tell the caller. */
const verdicts = ['next', 'final'] as const
export const verdict = z.enum(verdicts)
export type Verdict = z.infer<typeof verdict>

/** When to leave a provider for the next one, and how long to wait for what. */
export const failoverPolicy = z.object({
  /** Final SIP statuses which move on to the next provider. */
  next_on: z.array(z.int().min(300).max(699)).default([401, 403, 407, 408, 500, 502, 503, 504]),
  /** Milliseconds without any response. */
  first_response_ms: z.int().min(500).max(32_000).default(3_000),
  /** Milliseconds with nothing but 100. */
  progress_ms: z.int().min(1_000).max(60_000).default(8_000),
  /** Milliseconds of ringing; then the call ends, it does not move on. */
  answer_ms: z.int().min(5_000).max(600_000).default(60_000),
  /** Milliseconds for the whole search until a callee rings. */
  search_ms: z.int().min(1_000).max(180_000).default(30_000),
})
export type FailoverPolicy = z.infer<typeof failoverPolicy>

/** Who a limit is set on; calls of each are counted by the ids of the calls themselves. */
export const scopeKinds = ['customer', 'extension', 'trunk', 'provider'] as const
const scopeKind = z.enum(scopeKinds)
export type ScopeKind = z.infer<typeof scopeKind>

/** Whose limit it is. */
export const scope = z.object({ kind: scopeKind, id: z.guid() })
export type Scope = z.infer<typeof scope>

/** Limits of one customer, extension, trunk or provider; null: none. */
export const caps = z.object({
  /** Calls at once. */
  max_channels: z.int().nullable().default(null),
  /** New calls per second. */
  max_cps: z.int().nullable().default(null),
  /** Answered minutes a day, UTC. */
  max_daily_minutes: z.int().nullable().default(null),
})
export type Caps = z.infer<typeof caps>

/** What becomes of the first call to a country. */
export const newCountryPolicies = ['allow', 'alert', 'refuse'] as const
export type NewCountryPolicy = (typeof newCountryPolicies)[number]

/** What guards the calls out of a customer, extension or trunk against fraud. */
export const outboundGuard = z.object({
  /** They are refused until it is released. */
  blocked: z.boolean().default(false),
  /** Calls out begun within any minute, and any hour, over all relays; null: any number. */
  max_calls_per_minute: z.int().nullable().default(null),
  max_calls_per_hour: z.int().nullable().default(null),
  /** When it was released last: what was begun before counts no more. null: it never was. */
  released_at: z.string().nullable().default(null),
  /** null: as the customer says, else `allow`. */
  new_countries: z.enum(newCountryPolicies).nullable().default(null),
  /** ISO 3166 alpha-2: those which are not new, beside the customer's own. */
  known_countries: z.array(z.string()).default([]),
})
export type OutboundGuard = z.infer<typeof outboundGuard>

/** What of calls out a relay counts in windows: begun within a minute, and within an hour. */
export const velocities = ['calls_per_minute', 'calls_per_hour'] as const
export type Velocity = (typeof velocities)[number]

/** What a relay is granted a share of. */
export const resources = ['channels', 'cps', ...velocities] as const
export const resource = z.enum(resources)
export type Resource = z.infer<typeof resource>

/**
 * How a provider is doing. `half_open`: it was unhealthy, and gets a trial call now and then; `unknown`: no relay
 * has looked yet.
 */
export const healthStatuses = ['unknown', 'healthy', 'unhealthy', 'half_open'] as const
export const healthStatus = z.enum(healthStatuses)
export type HealthStatus = z.infer<typeof healthStatus>

/** How our registration at a provider stands. */
export const registrationStatuses = [
  'not_registered',
  'pending',
  'registered',
  'failed',
  'auth_failed',
] as const
export const registrationStatus = z.enum(registrationStatuses)
export type RegistrationStatus = z.infer<typeof registrationStatus>

/** What becomes of an event's delivery to a webhook: `failed`, when all attempts have. */
export const deliveryStatuses = ['waiting', 'delivered', 'failed'] as const
