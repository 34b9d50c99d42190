import { type SQL, sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  inet,
  integer,
  jsonb,
  type PgColumn,
  pgEnum,
  pgTable,
  primaryKey,
  real,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import {
  type Address,
  type AlertCondition,
  type Attempt,
  accessScopes,
  alertFormats,
  type Beat,
  type CallPartyName,
  type CallTell,
  callStatuses,
  type DigestAlgorithm,
  type DiversionForm,
  type DtmfForm,
  deliveryStatuses,
  directions,
  type EmergencyFacts,
  type Explanation,
  type FailoverPolicy,
  type FlowTrace,
  flowTransports,
  type HealthReport,
  hangupParties,
  hangupReasons,
  healthStatuses,
  type NewCountryPolicy,
  ownerships,
  PLATFORM,
  type Port,
  type RecordAnnouncement,
  type RecordingKind,
  type RecordingMode,
  type Redirection,
  type RelayError,
  type RelayLoad,
  type RingDestination,
  registrationStatuses,
  resources,
  type SecurePolicy,
  type SipMessage,
  scopeKinds,
  type TimeWindow,
  type TransferPolicy,
  type TransferType,
  type Transport,
} from '#contract'
import { instant } from './instant.ts'

/*
 * Everything at rest, in the order of the story: a customer, with its keys, lists providers and routes
 * to reach the phone network, extensions for its phones, trunks for its PBXs, numbers and flows for calls
 * coming in; then what happened: bindings, calls, attempts, events; then how relays and providers stand now.
 * Each key, and each reference, begins with the customer.
 */

/** The words of `#contract`, as the database keeps them. */
export const accessScope = pgEnum('access_scope', accessScopes)
export const transport = pgEnum('transport', flowTransports)
export const direction = pgEnum('direction', directions)
export const callStatus = pgEnum('call_status', callStatuses)
export const hangupParty = pgEnum('hangup_party', hangupParties)
export const hangupReason = pgEnum('hangup_reason', hangupReasons)
export const ownership = pgEnum('ownership', ownerships)
export const healthStatus = pgEnum('health_status', healthStatuses)
export const registrationStatus = pgEnum('registration_status', registrationStatuses)
export const scopeKind = pgEnum('scope_kind', scopeKinds)
export const resource = pgEnum('resource', resources)
export const deliveryStatus = pgEnum('delivery_status', deliveryStatuses)
export const alertFormat = pgEnum('alert_format', alertFormats)

/** One row: the number of the last change to any customer's configuration. Each change waits here for the one before. */
export const configuration = pgTable(
  'configuration',
  { only: boolean().primaryKey().default(true), version: bigint({ mode: 'number' }).notNull().default(0) },
  (row) => [check('configuration_is_one_row', sql`${row.only}`)],
)

/** One company: everything below belongs to exactly one. */
export const customers = pgTable(
  'customers',
  {
    id: uuid().primaryKey(),
    /** `{registrarName}.registrar.{base}` is a domain of its phones beside `{id}.registrar.{base}`; null: there is none. */
    registrarName: text(),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    email: text().notNull().default(''),
    /** Country of numbers dialled without one, and its calling code. */
    defaultCountry: text().notNull().default('US'),
    callingCode: text().notNull().default('1'),
    /** Countries that may be called; null: the default one and those of the customer's numbers. */
    destinationWhitelist: text().array(),
    requireCallerId: boolean().notNull().default(false),
    defaultOutgoingNumberId: uuid(),
    useDefaultRoutes: boolean().notNull().default(true),
    /** Whether the names which its callers give themselves go to providers. */
    passDisplayName: boolean().notNull().default(false),
    /** Whether the SIP messages of its calls are kept. */
    captureMessages: boolean().notNull().default(false),
    digestAlgorithms: text().array().$type<DigestAlgorithm[]>().notNull().default(['MD5']),
    /** Beginnings of E.164 numbers which this customer's accounts may not call. */
    blockedPrefixes: text().array().notNull().default([]),
    ...limits(),
    ...guards(),
    /** How many of everything it may have, where that is not as usual: by noun. */
    quotas: jsonb().$type<Record<string, number>>().notNull().default({}),
    /** For how many days what happened is kept, where that is not as the platform is set: by noun. */
    retention: jsonb().$type<Record<string, number>>().notNull().default({}),
    /** The number of the last change to anything the customer configures; triggers see to it. */
    version: bigint({ mode: 'number' }).notNull().default(0),
    ...times(),
  },
  (customer) => [
    uniqueIndex('registrar_name_taken').on(customer.registrarName).where(sql`${customer.deletedAt} is null`),
  ],
)

/** One way in for programs. The key itself is shown once; only its hash is kept. */
export const accessKeys = pgTable(
  'access_keys',
  {
    ...owned(),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    hash: text().notNull(),
    prefix: text().notNull(),
    /** An administrator of the platform's: it may act for every customer, as far as its scopes go. */
    admin: boolean().notNull().default(false),
    scopes: accessScope()
      .array()
      .notNull()
      .default([...accessScopes]),
    expiresAt: instant(),
    ...times(),
  },
  // Every API request looks its key up by hash, before a customer is known.
  (key) => [unique('access_key_hash').on(key.hash), index().on(key.customerId, key.createdAt, key.id)],
)

/** One token which an access key had before its rotation; it opens until `expiresAt`. */
export const replacedTokens = pgTable(
  'replaced_tokens',
  {
    // A request looks its token up here too, before a customer is known.
    hash: text().primaryKey(),
    customerId: uuid().notNull(),
    keyId: uuid()
      .notNull()
      .references(() => accessKeys.id),
    replacedAt: instant().notNull().default(sql`now()`),
    expiresAt: instant().notNull(),
  },
  (token) => [index().on(token.keyId, token.replacedAt)],
)

/** When an access key was last used. Apart from the key, since a use changes nothing that was configured. */
export const accessKeyUses = pgTable('access_key_uses', {
  keyId: uuid()
    .primaryKey()
    .references(() => accessKeys.id),
  customerId: uuid().notNull(),
  usedAt: instant().notNull(),
})

/** When a customer's calls or events were asked for last. Apart from the customer, as uses of keys are from keys. */
export const listeners = pgTable('listeners', {
  customerId: uuid()
    .primaryKey()
    .references(() => customers.id),
  listenedAt: instant().notNull(),
})

/** One carrier: calls to the phone network go there, calls from it come from its addresses. */
export const providers = pgTable(
  'providers',
  {
    ...owned(),
    name: text().notNull(),
    detail: text().notNull().default(''),
    type: text().notNull().default('sip'),
    hostname: text().notNull(),
    port: integer().$type<Port>(),
    transport: transport().$type<Transport>(),
    codecs: text().notNull().default(''),
    techPrefix: text().notNull().default(''),
    techPostfix: text().notNull().default(''),
    techHeaders: jsonb().$type<Record<string, string>>().notNull().default({}),
    /** `+e164`, `e164`, `00`, `national`, or a template such as `0{national}`. */
    calledFormat: text().notNull().default('+e164'),
    callingFormat: text().notNull().default('+e164'),
    assertedFormat: text().notNull().default('+e164'),
    /** Country its numbers are read in; null: the customer's. */
    country: text(),
    tlsVerify: text().$type<'full' | 'fingerprint' | 'none'>().notNull().default('full'),
    tlsFingerprint: text(),
    username: text(),
    sealedPassword: text(),
    realm: text(),
    register: boolean().notNull().default(false),
    registerExpires: integer().notNull().default(3600),
    /** OPTIONS every so many seconds; 0: never. */
    probeInterval: integer().notNull().default(30),
    probeAccept: integer().array(),
    maxChannels: integer(),
    maxCps: integer(),
    /** As written, for the API; `sources` is the same plus a hostname that is an address. */
    inboundAddresses: text().array().notNull().default([]),
    sources: inet().array().notNull().default([]),
    /** Where its hostname leads, as relays resolve it; and since when it leads to each of these. */
    found: inet().array().notNull().default([]),
    foundSince: instant().array().notNull().default([]),
    failover: jsonb().$type<Partial<FailoverPolicy>>(),
    transfer: text().$type<TransferPolicy>().notNull().default('deny'),
    /** How it is sent keys. */
    dtmf: text().$type<DtmfForm>().notNull().default('auto'),
    /** Whether it takes the place of who calls for help (RFC 6442). */
    emergencyLocation: boolean().notNull().default(false),
    /** Whether INVITEs may bring it ISUP (RFC 3204). */
    isup: boolean().notNull().default(false),
    /** How it hears on whose behalf a call comes which is sent on; what follows where it answers 3xx. */
    diversion: text().$type<DiversionForm>().notNull().default('off'),
    redirects: text().$type<Redirection>().notNull().default('refuse'),
    secure: text().$type<SecurePolicy>().notNull().default('allowed'),
    enabled: boolean().notNull().default(true),
    ...times(),
  },
  (provider) => [
    unique('provider_of_customer').on(provider.customerId, provider.id),
    index().on(provider.customerId, provider.createdAt, provider.id),
    // Whose address it is: each network the address lies in is looked for.
    index('provider_sources').using('gin', provider.sources).where(sql`${provider.deletedAt} is null`),
    index('provider_found').using('gin', provider.found).where(sql`${provider.deletedAt} is null`),
    // Every beat asks where relays are to be registered.
    index('providers_registering').on(provider.id).where(sql`${provider.register}`),
  ],
)

/** One wish: for these destinations try that provider, in this order. */
export const routes = pgTable(
  'routes',
  {
    ...owned(),
    name: text().notNull(),
    detail: text().notNull().default(''),
    /** The customer itself or the platform: no route leads through a stranger's provider. */
    providerCustomerId: uuid().notNull(),
    providerId: uuid().notNull(),
    target: text().notNull().default('all'),
    priority: integer().notNull(),
    weight: integer().notNull().default(0),
    timeWindow: jsonb().$type<TimeWindow>(),
    failover: jsonb().$type<Partial<FailoverPolicy>>(),
    enabled: boolean().notNull().default(true),
    ...times(),
  },
  (route) => [
    unique('route_of_customer').on(route.customerId, route.id),
    foreignKey({
      name: 'route_provider',
      columns: [route.providerCustomerId, route.providerId],
      foreignColumns: [providers.customerId, providers.id],
    }),
    check(
      'route_provider_own_or_platform',
      sql`${route.providerCustomerId} = ${route.customerId} or ${route.providerCustomerId} = ${sql.raw(`'${PLATFORM}'`)}`,
    ),
    // A decision reads one customer's live routes by target.
    index().on(route.customerId, route.target).where(sql`${route.deletedAt} is null`),
    // Lists and questions go through those which are there, however many were deleted.
    index('routes_in_order')
      .on(route.customerId, route.createdAt, route.id)
      .where(sql`${route.deletedAt} is null`),
    index().on(route.providerCustomerId, route.providerId),
  ],
)

/** One account phones register as; together with the customer's realm it is an address-of-record. */
export const extensions = pgTable(
  'extensions',
  {
    ...owned(),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    extension: text().notNull(),
    /** HA1s instead of the password, sealed (RFC 8760). */
    sealedMd5: text().notNull(),
    sealedSha256: text().notNull(),
    /** Which password it is, and since when: the same in two rows of a customer says that they share one; null: not known. */
    passwordHash: text(),
    digestAlgorithms: text().array().$type<DigestAlgorithm[]>(),
    /** One of the customer's numbers, E.164. */
    callerId: text(),
    transfer: text().$type<TransferPolicy>().notNull().default('local'),
    /** How it is sent keys. */
    dtmf: text().$type<DtmfForm>().notNull().default('auto'),
    /** Where to call back who called for help, and where its phone is; null: not known. */
    emergency: jsonb().$type<EmergencyFacts>(),
    /** Codecs offered to it, the first preferred; '': all. */
    codecs: text().notNull().default(''),
    secure: text().$type<SecurePolicy>().notNull().default('allowed'),
    record: text().$type<RecordingMode>().notNull().default('off'),
    /** What is said before that; null: nothing. */
    recordAnnouncement: jsonb().$type<RecordAnnouncement>(),
    maxContacts: integer().notNull().default(5),
    minExpires: integer().notNull().default(60),
    maxExpires: integer().notNull().default(3600),
    defaultExpires: integer().notNull().default(3600),
    /** Seconds between two OPTIONS which keep a phone's NAT open; 0: none. */
    keepaliveS: integer().notNull().default(25),
    ringTimeout: integer().notNull().default(60),
    /** What a call to the extension rings; null: its own phones; an empty list: do not disturb. */
    destinations: jsonb().$type<RingDestination[]>(),
    ...limits(),
    ...guards(),
    enabled: boolean().notNull().default(true),
    ...times(),
  },
  (extension) => [
    unique('extension_of_customer').on(extension.customerId, extension.id),
    // One live account per name; also how a credential is found.
    uniqueIndex('extension_name')
      .on(extension.customerId, extension.extension)
      .where(sql`${extension.deletedAt} is null`),
    index().on(extension.customerId, extension.createdAt, extension.id),
    // Every beat asks whose minutes are counted.
    index('extensions_with_minutes').on(extension.id).where(sql`${extension.maxDailyMinutes} is not null`),
  ],
)

/** The link by which an extension's phone sets itself up, the latest; the first which fetches it gets a new password. */
export const provisioningLinks = pgTable(
  'provisioning_links',
  {
    extensionId: uuid().primaryKey(),
    customerId: uuid().notNull(),
    /** The access key which made it: what it changes is that one's. */
    keyId: uuid()
      .notNull()
      .references(() => accessKeys.id),
    /** SHA-256 of its token. */
    hash: text().notNull(),
    expiresAt: instant().notNull(),
    /** When it gave what it leads to; null: it has not. */
    spentAt: instant(),
  },
  (link) => [
    foreignKey({
      name: 'provisioning_link_extension',
      columns: [link.customerId, link.extensionId],
      foreignColumns: [extensions.customerId, extensions.id],
    }),
    // A phone brings its token before it is known whose it is.
    unique('provisioning_link_hash').on(link.hash),
  ],
)

/** Credentials by which phones prove themselves as an extension for a time, as those in browsers do: which there are, not what they are. */
export const registrationTokens = pgTable(
  'registration_tokens',
  {
    id: uuid().notNull(),
    extensionId: uuid().notNull(),
    customerId: uuid().notNull(),
    /** The access key which made it, with which it ends; null: that is not known. */
    keyId: uuid().references(() => accessKeys.id),
    /** Which password it follows from (`extensions.password_hash` behind its day); null: not known. */
    passwordMark: text(),
    createdAt: instant().notNull().default(sql`now()`),
    expiresAt: instant().notNull(),
    /** When it was ended before its time: relays are told until that is over; null: it was not. */
    endedAt: instant(),
  },
  (token) => [
    primaryKey({ columns: [token.customerId, token.extensionId, token.id] }),
    // A key which is deleted ends what it made.
    index().on(token.keyId),
    // Whose time is over goes.
    index().on(token.expiresAt),
    foreignKey({
      name: 'registration_token_extension',
      columns: [token.customerId, token.extensionId],
      foreignColumns: [extensions.customerId, extensions.id],
    }),
  ],
)

/** One PBX of a customer: it proves itself by digest or by its address, calls out, and takes calls. */
export const trunks = pgTable(
  'trunks',
  {
    ...owned(),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    /** `{domain_name}.trunk.{base}` is its domain and realm. */
    domainName: text().notNull(),
    authTypes: text().array().$type<('basic' | 'ip')[]>().notNull(),
    username: text(),
    sealedMd5: text(),
    sealedSha256: text(),
    passwordHash: text(),
    digestAlgorithms: text().array().$type<DigestAlgorithm[]>(),
    /** As written, for the API; `sources` is the same, read. */
    allowedIps: text().array().notNull().default([]),
    sources: inet().array().notNull().default([]),
    /** Where it takes calls; null: where it registered. */
    hostname: text(),
    port: integer().$type<Port>(),
    transport: transport().$type<Transport>(),
    tlsVerify: text().$type<'full' | 'fingerprint' | 'none'>().notNull().default('full'),
    tlsFingerprint: text(),
    codecs: text().notNull().default(''),
    /** Whether INVITEs may bring it ISUP (RFC 3204). */
    isup: boolean().notNull().default(false),
    calledFormat: text().notNull().default('+e164'),
    callingFormat: text().notNull().default('+e164'),
    country: text(),
    /** Numbers of the customer it may show, the first for want of another; none: any. */
    callerIds: text().array().notNull().default([]),
    maxContacts: integer().notNull().default(5),
    minExpires: integer().notNull().default(60),
    maxExpires: integer().notNull().default(3600),
    defaultExpires: integer().notNull().default(3600),
    /** Seconds between two OPTIONS which keep a phone's NAT open; 0: none. */
    keepaliveS: integer().notNull().default(25),
    ringTimeout: integer().notNull().default(60),
    transfer: text().$type<TransferPolicy>().notNull().default('local'),
    /** How it is sent keys. */
    dtmf: text().$type<DtmfForm>().notNull().default('auto'),
    secure: text().$type<SecurePolicy>().notNull().default('allowed'),
    ...limits(),
    ...guards(),
    enabled: boolean().notNull().default(true),
    ...times(),
  },
  (trunk) => [
    unique('trunk_of_customer').on(trunk.customerId, trunk.id),
    // A domain leads to one PBX in the world; also how a credential is found.
    uniqueIndex('trunk_domain_taken').on(trunk.domainName).where(sql`${trunk.deletedAt} is null`),
    index().on(trunk.customerId, trunk.createdAt, trunk.id),
    index('trunk_sources').using('gin', trunk.sources).where(sql`${trunk.deletedAt} is null`),
    index('trunks_with_minutes').on(trunk.id).where(sql`${trunk.maxDailyMinutes} is not null`),
  ],
)

/** One small program which a call follows. */
export const flows = pgTable(
  'flows',
  {
    ...owned(),
    type: text().notNull().default('flow'),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    actions: jsonb().$type<{ id: string; type: string; option?: unknown }[]>().notNull(),
    /** Variables which are set when it begins. */
    variables: jsonb().$type<Record<string, string>>().notNull().default({}),
    /** Rises with every change of what a call follows (`flow_version`). */
    version: integer().notNull().default(1),
    ...times(),
  },
  (flow) => [
    unique('flow_of_customer').on(flow.customerId, flow.id),
    index().on(flow.customerId, flow.createdAt, flow.id),
  ],
)

/** One recorded sound of a customer's which flows play; its octets are in the bucket, by its customer and id. */
export const prompts = pgTable(
  'prompts',
  {
    ...owned(),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    /** Of the file as relays fetch it, in lower-case hex; its octets, and how long it lasts. */
    sha256: text().notNull(),
    size: integer().notNull(),
    durationMs: integer().notNull(),
    /** When a deleted one's octets were taken out of the bucket; null: they are in it. */
    erasedAt: instant(),
    ...times(),
  },
  (prompt) => [
    index().on(prompt.customerId, prompt.createdAt, prompt.id),
    // Whose octets are to go.
    index('prompts_deleted')
      .on(prompt.deletedAt)
      .where(sql`${prompt.deletedAt} is not null and ${prompt.erasedAt} is null`),
  ],
)

/** One phone number of a customer, a range of them, or all from one provider; and who is rung when it is called. */
export const numbers = pgTable(
  'numbers',
  {
    ...owned(),
    /** E.164, the first of a range; `any` for whatever comes from `providerId`. */
    number: text().notNull(),
    /** Last number of a range: as many digits as the first. */
    numberTo: text(),
    providerCustomerId: uuid(),
    providerId: uuid(),
    /** Whether it is the customer's, or only said to be; and since when. `any` is neither. */
    ownership: ownership().notNull().default('claimed'),
    verifiedAt: instant(),
    /** ISO 3166 alpha-2, or null where the number belongs to none. */
    country: text(),
    type: text().notNull().default('normal'),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    extensionId: uuid(),
    callFlowId: uuid(),
    trunkId: uuid(),
    /** What a call to the number rings, where that is a list. */
    destinations: jsonb().$type<RingDestination[]>(),
    /** Whether calls to it are recorded. */
    record: text().$type<RecordingMode>().notNull().default('off'),
    /** What is said before that; null: nothing. */
    recordAnnouncement: jsonb().$type<RecordAnnouncement>(),
    enabled: boolean().notNull().default(true),
    ...times(),
  },
  (number) => [
    unique('number_of_customer').on(number.customerId, number.id),
    foreignKey({
      name: 'number_extension',
      columns: [number.customerId, number.extensionId],
      foreignColumns: [extensions.customerId, extensions.id],
    }),
    foreignKey({
      name: 'number_flow',
      columns: [number.customerId, number.callFlowId],
      foreignColumns: [flows.customerId, flows.id],
    }),
    foreignKey({
      name: 'number_trunk',
      columns: [number.customerId, number.trunkId],
      foreignColumns: [trunks.customerId, trunks.id],
    }),
    foreignKey({
      name: 'number_provider',
      columns: [number.providerCustomerId, number.providerId],
      foreignColumns: [providers.customerId, providers.id],
    }),
    check(
      'number_provider_own_or_platform',
      sql`${number.providerCustomerId} = ${number.customerId} or ${number.providerCustomerId} = ${sql.raw(`'${PLATFORM}'`)}`,
    ),
    // A number is one customer's in the world, however many say that it is theirs; and each says so once.
    uniqueIndex('number_taken')
      .on(number.number)
      .where(
        sql`${number.deletedAt} is null and ${number.number} <> 'any' and ${number.ownership} <> 'claimed'`,
      ),
    uniqueIndex('number_twice')
      .on(number.customerId, number.number)
      .where(sql`${number.deletedAt} is null and ${number.number} <> 'any'`),
    uniqueIndex('number_any_taken')
      .on(number.customerId, number.providerId)
      .where(sql`${number.deletedAt} is null and ${number.number} = 'any'`),
    index('number_catch_alls')
      .on(number.providerId)
      .where(sql`${number.deletedAt} is null and ${number.number} = 'any'`),
    // What lies in a range is looked for by its beginning.
    index('number_ranges')
      .on(number.customerId, number.number)
      .where(sql`${number.deletedAt} is null and ${number.numberTo} is not null`),
    index('number_ranges_taken')
      .on(number.number)
      .where(
        sql`${number.deletedAt} is null and ${number.numberTo} is not null and ${number.ownership} <> 'claimed'`,
      ),
    index().on(number.customerId, number.createdAt, number.id),
    // Whose number was called from an address which no provider or trunk lists.
    index('number_listed')
      .on(number.number)
      .where(
        sql`${number.deletedAt} is null and ${number.number} <> 'any' and ${number.ownership} = 'claimed'`,
      ),
    // Which countries a customer has numbers in.
    index('number_countries')
      .on(number.customerId, number.country)
      .where(
        sql`${number.deletedAt} is null and ${number.enabled} and ${number.country} is not null and ${number.ownership} <> 'claimed'`,
      ),
  ],
)

/** One phone that registered: where it is, until when, and what became of it (RFC 3261 §10). */
export const bindings = pgTable(
  'bindings',
  {
    ...owned(),
    /** Whose phone it is, or whose PBX: one of the two. */
    extensionId: uuid(),
    trunkId: uuid(),
    relayId: text().notNull(),
    /** Rises with every change; what is older than stored is not news. */
    sequence: bigint({ mode: 'number' }).notNull(),
    event: text().$type<BindingEvent>().notNull(),
    contact: text().notNull(),
    q: real().notNull(),
    callId: text().notNull(),
    cseq: bigint({ mode: 'number' }).notNull(),
    transport: transport().notNull(),
    address: text().notNull(),
    port: integer().$type<Port>().notNull(),
    path: text().array().notNull(),
    userAgent: text().notNull(),
    /** The token by which it was proved; null: it was the password. */
    tokenId: uuid(),
    /** By what it was proved, as its relay alone can tell; 0: not known. */
    proof: integer().notNull().default(0),
    registeredAt: instant().notNull(),
    refreshedAt: instant().notNull(),
    expiresAt: instant().notNull(),
    updatedAt: instant().notNull().default(sql`now()`),
  },
  (binding) => [
    foreignKey({
      name: 'binding_extension',
      columns: [binding.customerId, binding.extensionId],
      foreignColumns: [extensions.customerId, extensions.id],
    }),
    foreignKey({
      name: 'binding_trunk',
      columns: [binding.customerId, binding.trunkId],
      foreignColumns: [trunks.customerId, trunks.id],
    }),
    check('binding_of_one', sql`num_nonnulls(${binding.extensionId}, ${binding.trunkId}) = 1`),
    index().on(binding.customerId, binding.extensionId),
    index().on(binding.customerId, binding.trunkId),
    index().on(binding.customerId, binding.registeredAt, binding.id),
    // A relay that restarts asks for its own.
    index().on(binding.relayId, binding.expiresAt),
  ],
)
type BindingEvent = 'registered' | 'refreshed' | 'unregistered' | 'expired' | 'flow_lost'

/** One call as last told by the relay that carried it; its id is the relay's. */
export const calls = pgTable(
  'calls',
  {
    ...owned(),
    relayId: text().notNull(),
    sequence: bigint({ mode: 'number' }).notNull(),
    direction: direction().notNull(),
    source: jsonb().$type<Address>().notNull(),
    destination: jsonb().$type<Address>().notNull(),
    numberId: uuid(),
    providerId: uuid(),
    /** The route by which it went there, where that is known. */
    routeId: uuid(),
    /** The extension or trunk that made the call, or took it. */
    extensionId: uuid(),
    trunkId: uuid(),
    /** Of the far number, ISO 3166 alpha-2; null: none, or it tells none. */
    country: text(),
    status: callStatus().notNull(),
    unverified: boolean().notNull(),
    sipCallId: text().notNull(),
    startedAt: instant().notNull(),
    ringingAt: instant(),
    answeredAt: instant(),
    endedAt: instant(),
    hangupBy: hangupParty(),
    hangupReason: hangupReason(),
    sipStatus: integer(),
    attempts: jsonb().$type<Attempt[]>().notNull(),
    media: jsonb().$type<CallTell['call']['media']>(),
    /** Why it went where it went. */
    decision: jsonb().$type<Explanation>(),
    /** The way it took through its flow; null: it follows none. */
    flow: jsonb().$type<FlowTrace>(),
    /** Why it was not carried, or was cut, in a word and in a sentence. */
    rejectReason: text(),
    rejectMessage: text(),
    /** The call which goes on as this one, for its transfer, and how that was done. */
    transferredFrom: uuid(),
    /** The number or account which sent it out to the phone network, or transferred a leg there into it: minutes are that one's. */
    sentOutBy: uuid(),
    transferType: text().$type<TransferType>(),
    /** Parties which are on hold, or muted, by the API's word. */
    held: text().array().$type<CallPartyName[]>().notNull().default(sql`'{}'`),
    muted: text().array().$type<CallPartyName[]>().notNull().default(sql`'{}'`),
    /** What who ordered it says of it; null: no API ordered it. */
    metadata: jsonb().$type<Record<string, string>>(),
    /** When a number or an extension was erased from it; no later word changes it any more. */
    erasedAt: instant(),
    /** It was told after something of it was erased, and is to be erased when it is over. */
    eraseWhenOver: boolean().notNull().default(false),
    updatedAt: instant().notNull().default(sql`now()`),
  },
  (call) => [
    index().on(call.customerId, call.startedAt, call.id),
    // By what the API filters calls; those under way are few.
    index('calls_from').on(call.customerId, partyOf(call.source), call.startedAt, call.id),
    index('calls_to').on(call.customerId, partyOf(call.destination), call.startedAt, call.id),
    index('calls_of_extension')
      .on(call.customerId, call.extensionId, call.startedAt, call.id)
      .where(sql`${call.extensionId} is not null`),
    index('calls_of_trunk')
      .on(call.customerId, call.trunkId, call.startedAt, call.id)
      .where(sql`${call.trunkId} is not null`),
    index('calls_over_provider')
      .on(call.customerId, call.providerId, call.startedAt, call.id)
      .where(sql`${call.providerId} is not null`),
    index('calls_ended_so')
      .on(call.customerId, call.hangupReason, call.startedAt, call.id)
      .where(sql`${call.hangupReason} is not null`),
    index('calls_not_over')
      .on(call.customerId, call.startedAt, call.id)
      .where(sql`${call.status} <> 'hangup'`),
    // A relay which begins anew ends what it left open.
    index('calls_under_way').on(call.relayId).where(sql`${call.status} <> 'hangup'`),
    // Answered minutes of a day, of those with a limit on them.
    index('calls_out_answered')
      .on(call.customerId, call.answeredAt)
      .where(sql`${call.direction} = 'outgoing' and ${call.answeredAt} is not null`),
    // And those which were sent out by one who was called.
    index('calls_sent_out')
      .on(call.customerId, call.answeredAt)
      .where(sql`${call.sentOutBy} is not null and ${call.answeredAt} is not null`),
    // And those which began the day before, or are under way.
    index('calls_out_over_midnight')
      .on(call.customerId, call.answeredAt)
      .where(
        sql`${call.direction} = 'outgoing' and ${call.answeredAt} is not null and (${call.endedAt} is null
          or (${call.endedAt} at time zone 'UTC')::date > (${call.answeredAt} at time zone 'UTC')::date)`,
      ),
  ],
)

/** A party of a call as it is looked for: a number. What a stranger sent instead may be longer than an index bears. */
export function partyOf(address: PgColumn | SQL): SQL {
  return sql`left(${address} ->> 'target', 64)`
}

/** One try at one provider, as the call's record says it: what a provider's figures are counted from. */
export const attempts = pgTable(
  'attempts',
  {
    callId: uuid()
      .notNull()
      .references(() => calls.id),
    position: integer().notNull(),
    customerId: uuid().notNull(),
    providerId: uuid().notNull(),
    relayId: text().notNull(),
    startedAt: instant().notNull(),
    endedAt: instant(),
    /** Final SIP status; 0 if none came. */
    status: integer().notNull(),
    pddMs: integer(),
    answeredAt: instant(),
    /** Seconds talked, where it was answered and is over. */
    talkedSeconds: real(),
  },
  (attempt) => [
    primaryKey({ columns: [attempt.callId, attempt.position] }),
    index().on(attempt.providerId, attempt.startedAt),
  ],
)

/** Up to when a customer's calls are gone because they were old: one which began before is not taken for a new one. */
export const callsPruned = pgTable('calls_pruned', {
  customerId: uuid().primaryKey(),
  until: instant().notNull(),
})

/** The SIP messages of one call as its relay saw them, secrets masked; they go with the call, and when a party of it is erased. */
export const callMessages = pgTable('call_messages', {
  callId: uuid()
    .primaryKey()
    .references(() => calls.id, { onDelete: 'cascade' }),
  customerId: uuid().notNull(),
  /** Rises with each time that they are told: a lower one is old news. */
  sequence: bigint({ mode: 'number' }).notNull(),
  leftOut: integer().notNull(),
  messages: jsonb().$type<SipMessage[]>().notNull(),
})

/** One request that a number or an extension be erased from what is kept; carried out in steps (`erase_step`). */
export const erasures = pgTable(
  'erasures',
  {
    ...owned(),
    extensionId: uuid(),
    /** E.164, gone when it is done; the extension's name, and what both look like, gone a week later: relays may tell of it late. */
    number: text(),
    name: text(),
    pattern: text(),
    status: text().$type<'running' | 'completed'>().notNull().default('running'),
    phase: text().$type<'calls' | 'events' | 'rest'>().notNull().default('calls'),
    /** The last call, and the last event, which was looked at. */
    cursorAt: instant().notNull().default(sql`'-infinity'`),
    cursorId: uuid().notNull().default(sql`'00000000-0000-0000-0000-000000000000'`),
    cursorNumber: bigint({ mode: 'number' }).notNull().default(0),
    /** How many records of each kind it was erased from. */
    counts: jsonb().$type<Record<string, number>>().notNull().default({}),
    createdAt: instant().notNull().default(sql`now()`),
    lookedAt: instant().notNull().default(sql`now()`),
    completedAt: instant(),
  },
  (erasure) => [
    index('erasures_running').on(erasure.lookedAt, erasure.id).where(sql`${erasure.status} = 'running'`),
    index().on(erasure.customerId, erasure.createdAt, erasure.id),
    // What was looked for is forgotten.
    index('erasures_done')
      .on(erasure.completedAt)
      .where(sql`${erasure.pattern} is not null and ${erasure.status} = 'completed'`),
  ],
)

/**
 * What calls came to in one hour, of one provider, route, extension, trunk, number or country: triggers keep it up with each
 * call which ends, so that no question for figures reads calls. It outlives them. After eight days hours are folded into days.
 */
export const callFigures = pgTable(
  'call_figures',
  {
    customerId: uuid().notNull(),
    kind: text().$type<FiguresKind>().notNull(),
    /** Its beginning. */
    hour: instant().notNull(),
    /** An id, a country, or '' where that is not known. */
    resourceId: text().notNull(),
    direction: direction().notNull(),
    /** Each its own, so that no two wait for one another here; '' where it is a whole day. */
    relayId: text().notNull(),
    attempts: integer().notNull(),
    answered: integer().notNull(),
    noAnswer: integer().notNull(),
    busy: integer().notNull(),
    cancelled: integer().notNull(),
    declined: integer().notNull(),
    /** How often by SIP status; `silence`, or a reason of ours, where there was none. */
    failures: jsonb().$type<Record<string, number>>().notNull(),
    talkedMs: bigint({ mode: 'number' }).notNull(),
    /** How many had which post-dial delay, by `pdd_bucket`. */
    pdd: jsonb().$type<Record<string, number>>().notNull(),
    /** Those of which sound was heard; and of that. */
    heard: integer().notNull(),
    packets: bigint({ mode: 'number' }).notNull(),
    lost: bigint({ mode: 'number' }).notNull(),
    /** Summed over those heard. */
    jitterUs: bigint({ mode: 'number' }).notNull(),
  },
  (figures) => [
    primaryKey({
      name: 'call_figures_once',
      columns: [
        figures.customerId,
        figures.kind,
        figures.hour,
        figures.resourceId,
        figures.direction,
        figures.relayId,
      ],
    }),
    // Hours which are to be folded into days, and days which are to go.
    index('figures_by_hour').on(figures.hour).where(sql`${figures.relayId} <> ''`),
    index('figures_by_day').on(figures.hour).where(sql`${figures.relayId} = ''`),
  ],
)
/** What figures are kept of. */
export type FiguresKind = 'provider' | 'route' | 'extension' | 'trunk' | 'number' | 'country'

/** One thing worth knowing: a provider's health changed, a call was refused. Written once, never changed. */
export const events = pgTable(
  'events',
  {
    id: uuid().primaryKey(),
    /** null: no customer's. */
    customerId: uuid().references(() => customers.id),
    /** Dotted, e.g. `provider.health_changed`. */
    type: text().notNull(),
    at: instant().notNull(),
    relayId: text(),
    /** What it is about, where it is about one thing. */
    subjectId: uuid(),
    data: jsonb().$type<Record<string, unknown>>().notNull(),
    /** The order in which they were written: of two transactions at once, the later number may show first. */
    written: bigint({ mode: 'number' }).notNull().generatedAlwaysAsIdentity(),
    /**
     * Rises by one with each event of a customer, in the order in which they show; those of no customer count among the
     * platform's. A trigger gives it when the transaction commits: null until then.
     */
    sequence: bigint({ mode: 'number' }),
  },
  (event) => {
    const owner = sql`coalesce(${event.customerId}, ${sql.raw(`'${PLATFORM}'::uuid`)})`
    const numbered = sql`${event.sequence} is not null`
    return [
      uniqueIndex('events_in_order').on(owner, event.sequence).where(numbered),
      index('events_of_type').on(owner, event.type, event.sequence).where(numbered),
      index('events_about').on(event.subjectId, event.sequence).where(numbered),
      index('events_not_numbered').on(event.written).where(sql`${event.sequence} is null`),
    ]
  },
)

/** How many events a customer has had: each is numbered here, by one transaction at a time. */
export const eventCounters = pgTable('event_counters', {
  customerId: uuid().primaryKey(),
  last: bigint({ mode: 'number' }).notNull(),
})

/** One place of a customer's which is told of its events. */
export const webhooks = pgTable(
  'webhooks',
  {
    ...owned(),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    url: text().notNull(),
    /** Types of events it is told of, and beginnings of such: `call.ended`, `call.*`, `*`. */
    events: text().array().notNull(),
    enabled: boolean().notNull().default(true),
    sealedSecret: text().notNull(),
    /** The one before its rotation, which signs beside it until `previousUntil`. */
    sealedPreviousSecret: text(),
    previousUntil: instant(),
    /** Since when nothing but failure came of deliveries; null: the last one was taken. */
    failingSince: instant(),
    /** Why the edge disabled it, as a word; null: it did not. */
    disabledReason: text(),
    ...times(),
  },
  (webhook) => [
    unique('webhook_of_customer').on(webhook.customerId, webhook.id),
    index().on(webhook.customerId, webhook.createdAt, webhook.id),
  ],
)

/** One event which a webhook is to be told of: written by a trigger in the event's own transaction. */
export const deliveries = pgTable(
  'deliveries',
  {
    ...owned(),
    webhookId: uuid().notNull(),
    eventId: uuid()
      .notNull()
      .references(() => events.id),
    /** What it waits behind others for: those of one line go in the order of their events. */
    line: uuid().notNull(),
    /** The event's. */
    sequence: bigint({ mode: 'number' }).notNull(),
    status: deliveryStatus().notNull().default('waiting'),
    attempts: integer().notNull().default(0),
    /** null: it waits for one before it in its line, or for its webhook to be enabled, or is over. */
    nextTryAt: instant(),
    /** Until when a Worker is at it. One which died is at it no longer then. */
    leasedUntil: instant(),
    /** Of the last answer, and its beginning. */
    responseStatus: integer(),
    responseBody: text(),
    /** Why the last attempt failed, in words. */
    error: text(),
    createdAt: instant().notNull().default(sql`now()`),
    endedAt: instant(),
  },
  (delivery) => [
    foreignKey({
      name: 'delivery_webhook',
      columns: [delivery.customerId, delivery.webhookId],
      foreignColumns: [webhooks.customerId, webhooks.id],
    }),
    uniqueIndex('delivery_waits_once')
      .on(delivery.customerId, delivery.webhookId, delivery.eventId)
      .where(sql`${delivery.status} = 'waiting'`),
    // What is due, and who is first in its line.
    index('deliveries_due').on(delivery.nextTryAt).where(sql`${delivery.status} = 'waiting'`),
    index('deliveries_in_line')
      .on(delivery.webhookId, delivery.line, delivery.sequence)
      .where(sql`${delivery.status} = 'waiting'`),
    index('deliveries_leased')
      .on(delivery.webhookId, delivery.leasedUntil)
      .where(sql`${delivery.leasedUntil} is not null`),
    index().on(delivery.customerId, delivery.webhookId, delivery.createdAt, delivery.id),
    // An event goes with its deliveries.
    index().on(delivery.eventId),
  ],
)

/** One thing a customer wants to be told of as soon as it is so. */
export const alerts = pgTable(
  'alerts',
  {
    ...owned(),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    when: jsonb().$type<AlertCondition>().notNull(),
    /** What it is about; null: everything of the customer's that its kind is about. */
    extensionId: uuid(),
    trunkId: uuid(),
    providerId: uuid(),
    routeId: uuid(),
    country: text(),
    minSamples: integer().notNull().default(20),
    /** Where it is told always, and how; null: by its events alone. */
    webhookId: uuid(),
    format: alertFormat().notNull().default('standard'),
    /** PagerDuty's integration key. */
    sealedRoutingKey: text(),
    enabled: boolean().notNull().default(true),
    /** Types of the facts which its kind follows from. */
    fedBy: text().array().notNull(),
    /** Since when it watches for what it does now. */
    since: instant().notNull().default(sql`now()`),
    ...times(),
  },
  (alert) => [
    unique('alert_of_customer').on(alert.customerId, alert.id),
    foreignKey({
      name: 'alert_webhook',
      columns: [alert.customerId, alert.webhookId],
      foreignColumns: [webhooks.customerId, webhooks.id],
    }),
    index().on(alert.customerId, alert.createdAt, alert.id),
    // Whether a fact is of any interest.
    index('alerts_watching').on(alert.customerId).where(sql`${alert.enabled} and ${alert.deletedAt} is null`),
  ],
)

/** A test call which sees the world as if a provider were down. Its runs are `commands` of the kind `drill`. */
export const drills = pgTable(
  'drills',
  {
    ...owned(),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    /** The provider which is taken to be down; null: none. */
    assume: jsonb().$type<{ provider_id: string; down: true }>(),
    /** The test call as it was written, and as it was understood: caller, number shown, number called. */
    call: jsonb()
      .$type<{
        from: string | null
        to: string
        extension_id: string | null
        shown: string | null
        e164: string
      }>()
      .notNull(),
    schedule: jsonb().$type<{ every_minutes: number } | { at: string; time_zone: string; days: number[] }>(),
    enabled: boolean().notNull().default(true),
    /** When it runs next by itself, and when a run which goes on is given up. */
    nextRunAt: instant(),
    lostAt: instant(),
    ...times(),
  },
  (drill) => [
    index().on(drill.customerId, drill.createdAt, drill.id),
    index('drills_due')
      .on(sql`least(${drill.nextRunAt}, ${drill.lostAt})`)
      .where(sql`${drill.deletedAt} is null`),
  ],
)

/** How often a customer's alerts were judged: who judges them raises it, and of two at once one finds it raised. */
export const alertJudgements = pgTable('alert_judgements', {
  customerId: uuid()
    .primaryKey()
    .references(() => customers.id),
  version: bigint({ mode: 'number' }).notNull().default(0),
})

/** One fact which alerts of its customer wait for: written by triggers with what it is about, gone once they are judged. */
export const alertFacts = pgTable(
  'alert_facts',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    customerId: uuid()
      .notNull()
      .references(() => customers.id),
    /** An event's type, or `call_began`, `call_ended`, `call_heard`, `binding`, `alert`. */
    type: text().notNull(),
    /** The event's, or the call, the extension or trunk, the alert. */
    subjectId: uuid(),
    at: instant().notNull(),
    data: jsonb().$type<Record<string, unknown>>().notNull().default({}),
  },
  (fact) => [index().on(fact.customerId, fact.id)],
)

/** What an alert remembers of one thing it is about. */
export const alertStates = pgTable(
  'alert_states',
  {
    customerId: uuid().notNull(),
    alertId: uuid().notNull(),
    /** An account's, provider's or route's id, an address, a country; the customer's id. */
    subject: text().notNull(),
    state: jsonb().$type<Record<string, unknown>>().notNull(),
    /** When time alone may change it; null: it does not. */
    dueAt: instant(),
  },
  (state) => [
    primaryKey({ columns: [state.customerId, state.alertId, state.subject] }),
    foreignKey({
      name: 'state_of_alert',
      columns: [state.customerId, state.alertId],
      foreignColumns: [alerts.customerId, alerts.id],
    }).onDelete('cascade'),
    index('alert_states_due').on(state.dueAt).where(sql`${state.dueAt} is not null`),
  ],
)

/** One time that an alert was raised about one thing. */
export const alertIncidents = pgTable(
  'alert_incidents',
  {
    ...owned(),
    alertId: uuid().notNull(),
    subject: text().notNull(),
    raisedAt: instant().notNull(),
    /** null: it lasts. */
    resolvedAt: instant(),
    /** When it was told last: at most once an hour. */
    toldAt: instant().notNull(),
    /** How many facts it rests on. */
    count: integer().notNull(),
    /** The figure by which it was judged last; null: its kind has none. */
    value: real(),
    reason: text().notNull(),
    /** The source address it is about, where there is one. */
    address: text(),
    /** Why it is over. */
    resolution: text(),
    /** What it is about, as its events say. */
    about: jsonb().$type<Record<string, unknown>>().notNull(),
  },
  (incident) => [
    foreignKey({
      name: 'incident_of_alert',
      columns: [incident.customerId, incident.alertId],
      foreignColumns: [alerts.customerId, alerts.id],
    }).onDelete('cascade'),
    // It is raised once, whichever relays told of it.
    uniqueIndex('incident_lasts_once')
      .on(incident.customerId, incident.alertId, incident.subject)
      .where(sql`${incident.resolvedAt} is null`),
    index().on(incident.customerId, incident.alertId, incident.raisedAt, incident.id),
  ],
)

/** What was said in a call, or left in a mailbox; the sound itself is in the bucket, under its customer and its id. */
export const recordings = pgTable(
  'recordings',
  {
    id: uuid().primaryKey(),
    customerId: uuid()
      .notNull()
      .references(() => customers.id),
    relayId: text().notNull(),
    /** null: its relay has not told of it yet, and has brought its sound. */
    kind: text().$type<RecordingKind>(),
    callId: uuid(),
    /** Whose mailbox it is in, or whose call it is. */
    extensionId: uuid(),
    /** Who called. */
    source: text(),
    channels: integer(),
    /** Milliseconds; null, as all that is known when it is over: it goes on. */
    ms: integer(),
    bytes: bigint({ mode: 'number' }),
    ending: text(),
    message: text(),
    startedAt: instant().notNull(),
    endedAt: instant(),
    /** What of it is in the bucket already, where it comes in parts. */
    upload: jsonb().$type<RecordingUpload>(),
    /** When all of it was there. */
    uploadedAt: instant(),
    heardAt: instant(),
    ...times(),
  },
  (recording) => [
    index().on(recording.customerId, recording.startedAt, recording.id),
    index().on(recording.customerId, recording.callId),
    index().on(recording.customerId, recording.extensionId, recording.startedAt),
    // Beats name mailboxes in which something has changed.
    index().on(recording.updatedAt).where(sql`${recording.kind} = 'voicemail'`),
    // What was deleted is taken from the bucket.
    index().on(recording.deletedAt).where(sql`${recording.deletedAt} is not null`),
  ],
)

/** An upload in parts (S3), as the bucket knows it. */
export interface RecordingUpload {
  readonly id: string
  readonly parts: readonly { readonly partNumber: number; readonly etag: string }[]
}

/**
 * One change of what a customer configured, or of one of its keys or webhooks: written by triggers, whatever made the change, and
 * kept for as long as db/README.md says.
 */
export const changes = pgTable(
  'changes',
  {
    id: uuid().primaryKey(),
    customerId: uuid().notNull(),
    /** The configuration's number with it; a key's changes raise none. */
    version: bigint({ mode: 'number' }).notNull(),
    /** The customer's first change is 1. */
    ordinal: bigint({ mode: 'number' }).notNull(),
    /** Rises with every change of one customer, so that its order is theirs. */
    at: instant().notNull(),
    resourceType: text().$type<ChangedType>().notNull(),
    resourceId: uuid().notNull(),
    /** The access key whose request made it; null: no request did. */
    keyId: uuid(),
    requestId: text(),
    /** The row without its secrets, by its columns' names; null: it was not there. */
    before: jsonb().$type<Record<string, unknown>>(),
    after: jsonb().$type<Record<string, unknown>>(),
    /** Whether what is kept of a password or a key is another now. */
    secretChanged: boolean().notNull(),
  },
  (change) => [
    index().on(change.customerId, change.at, change.id),
    index().on(change.customerId, change.resourceId, change.at),
    // What was as it is now, and what was not, at a version.
    index().on(change.customerId, change.version),
  ],
)
/** The noun a change is about, as `changes` names it. */
export type ChangedType =
  | 'customer'
  | 'provider'
  | 'route'
  | 'extension'
  | 'trunk'
  | 'flow'
  | 'number'
  | 'accesskey'
  | 'webhook'
  | 'alert'
  | 'prompt'
  | 'drill'

/**
 * One source prefix which relays block: a row for each customer whose accounts were tried from there, and the platform's,
 * which has all of them.
 */
export const sourceBlocks = pgTable(
  'source_blocks',
  {
    id: uuid().notNull(),
    customerId: uuid()
      .notNull()
      .references(() => customers.id),
    relayId: text().notNull(),
    source: text().notNull(),
    since: instant().notNull(),
    until: instant().notNull(),
    /** Wrong answers for accounts of the customer; accounts which were tried in all. */
    failures: integer().notNull(),
    accounts: integer().notNull(),
    /** When it was taken back; null: it was not. */
    endedAt: instant(),
  },
  (block) => [
    primaryKey({ columns: [block.customerId, block.id] }),
    index().on(block.customerId, block.since, block.id),
    // Every beat names those whose time is not up.
    index().on(block.until),
  ],
)

/** One relay as it last said of itself: who has not been heard for some seconds is dead. */
export const relays = pgTable('relays', {
  id: text().primaryKey(),
  bootId: uuid().notNull(),
  /** The processes which went by its name before, latest first: one of them which speaks again is sent away. */
  replacedBoots: uuid().array().notNull().default(sql`'{}'`),
  startedAt: instant().notNull(),
  beatAt: instant().notNull(),
  /** Since when its beats have come without a gap. */
  heardSince: instant().notNull().default(sql`now()`),
  /** It is on the hub's line: it lives until the hub says otherwise, and what it may use of limits the hub knows. */
  viaHub: boolean().notNull().default(false),
  /** Its own clock at its latest beat: one which comes after a later one is not believed. */
  toldAt: instant().notNull().default(sql`'-infinity'`),
  draining: boolean().notNull(),
  address: text().notNull(),
  port: integer().$type<Port>().notNull(),
  /** Configuration it has applied. */
  version: bigint({ mode: 'number' }).notNull(),
  waitingTells: integer().notNull().default(0),
  /** Since when it is told of as lost; null: it is not. */
  lostAt: instant(),
  /** Its process is to take no new calls: a new one takes them again. */
  drainOrdered: boolean().notNull().default(false),
  /** Where other relays reach it, as it says in its beats; null: it does not say. */
  neighbour: jsonb().$type<NonNullable<Beat['neighbour']>>(),
  /** What carries its sound; null: it does not say. */
  media: jsonb().$type<NonNullable<Beat['media']>>(),
  spoolBytes: bigint({ mode: 'number' }),
  /** null, as what follows: an older relay does not say. */
  software: text(),
  /** What it understands of the relay API. */
  protocol: integer(),
  region: text(),
  load: jsonb().$type<RelayLoad>(),
  lastError: jsonb().$type<RelayError>(),
  /** Milliseconds by which the edge's clock was ahead of its machine's, at its latest beat. */
  clockMs: bigint({ mode: 'number' }),
})

/** One key of a relay; without a hash: the mark that the one which follows from RELAY_SECRET is revoked. */
export const relayKeys = pgTable(
  'relay_keys',
  {
    id: uuid().primaryKey(),
    relayId: text().notNull(),
    name: text().notNull(),
    /** SHA-256 of it, hex. */
    hash: text(),
    createdAt: instant().notNull().default(sql`now()`),
    /** To the minute. */
    usedAt: instant(),
    revokedAt: instant(),
  },
  (key) => [
    index().on(key.relayId),
    uniqueIndex().on(key.hash),
    uniqueIndex('relay_keys_derived').on(key.relayId).where(sql`${key.hash} is null`),
  ],
)

/** One call which counts in one limit, for as long as its relay lives and says so. */
export const leases = pgTable(
  'leases',
  {
    callId: uuid().notNull(),
    scopeKind: scopeKind().notNull(),
    scopeId: uuid().notNull(),
    customerId: uuid().notNull(),
    relayId: text().notNull(),
    takenAt: instant().notNull().default(sql`now()`),
  },
  (lease) => [
    primaryKey({ columns: [lease.callId, lease.scopeKind, lease.scopeId] }),
    index().on(lease.scopeId),
    index().on(lease.relayId),
  ],
)

/** One relay's share of one limit. Shares never add up to more than the limit. */
export const slices = pgTable(
  'slices',
  {
    scopeKind: scopeKind().notNull(),
    scopeId: uuid().notNull(),
    resource: resource().notNull(),
    relayId: text().notNull(),
    customerId: uuid().notNull(),
    /** The most the relay may believe it has: what it was given, or what it still holds. */
    amount: integer().notNull(),
    /** What of it was in use, and what it could have used, when it last said so. */
    used: integer().notNull().default(0),
    wanted: integer().notNull().default(0),
    updatedAt: instant().notNull().default(sql`now()`),
  },
  (slice) => [primaryKey({ columns: [slice.scopeId, slice.scopeKind, slice.resource, slice.relayId] })],
)

/** How one provider looks from one relay. */
export const providerReports = pgTable(
  'provider_reports',
  {
    providerId: uuid().notNull(),
    relayId: text().notNull(),
    customerId: uuid().notNull(),
    status: healthStatus().notNull(),
    since: instant().notNull(),
    latencyMs: real(),
    last: jsonb().$type<HealthReport['last']>(),
    why: text().notNull().default(''),
    reportedAt: instant().notNull(),
  },
  (report) => [primaryKey({ columns: [report.providerId, report.relayId] })],
)

/** Where one provider's hostname leads, as one relay resolves it. */
export const providerHosts = pgTable(
  'provider_hosts',
  {
    providerId: uuid().notNull(),
    relayId: text().notNull(),
    customerId: uuid().notNull(),
    /** What was resolved. */
    hostname: text().notNull(),
    port: integer().$type<Port>(),
    transport: transport().$type<Transport>(),
    addresses: inet().array().notNull(),
    /** Why these are older than they should be, or none; '' where they are as DNS has them now. */
    why: text().notNull().default(''),
    /** When DNS last said so. */
    foundAt: instant().notNull(),
  },
  (host) => [primaryKey({ columns: [host.providerId, host.relayId] })],
)

/** How one provider is doing, all living relays together. */
export const providerHealth = pgTable('provider_health', {
  providerId: uuid().primaryKey(),
  customerId: uuid().notNull(),
  status: healthStatus().notNull(),
  since: instant().notNull(),
  checkedAt: instant().notNull(),
  latencyMs: real(),
  why: text().notNull().default(''),
})

/** Who keeps our registration at one provider, and how it stands. A higher epoch takes it from a lower. */
export const providerRegistrations = pgTable('provider_registrations', {
  providerId: uuid().primaryKey(),
  customerId: uuid().notNull(),
  relayId: text().notNull(),
  epoch: bigint({ mode: 'number' }).notNull(),
  status: registrationStatus().notNull(),
  since: instant().notNull(),
  until: instant(),
  sipStatus: integer(),
  why: text().notNull().default(''),
  nextAt: instant(),
  updatedAt: instant().notNull().default(sql`now()`),
})

/** One thing a relay is to do, and what became of it. */
export const commands = pgTable(
  'commands',
  {
    id: uuid().primaryKey(),
    customerId: uuid()
      .notNull()
      .references(() => customers.id),
    relayId: text().notNull(),
    body: jsonb().$type<Record<string, unknown>>().notNull(),
    createdAt: instant().notNull().default(sql`now()`),
    takenAt: instant(),
    doneAt: instant(),
    result: jsonb().$type<Record<string, unknown>>(),
    /** Of a call which is to be made: when its relay was told that it may begin; and when it became another relay's, once. */
    begunAt: instant(),
    movedAt: instant(),
  },
  (command) => [
    // Calls which are to be made, and have not begun: those whose relay does not are another's.
    index('commands_not_begun')
      .on(command.createdAt)
      .where(
        sql`${command.body} ->> 'kind' = 'originate' and ${command.begunAt} is null and ${command.doneAt} is null`,
      ),
    index('drill_runs')
      .on(sql`(${command.body} ->> 'drill_id')`, command.createdAt)
      .where(sql`${command.body} ->> 'kind' = 'drill'`),
    index('commands_waiting').on(command.relayId).where(sql`${command.takenAt} is null`),
    index().on(command.customerId, command.createdAt),
  ],
)

/** One POST which named itself by an Idempotency-Key, and how it was answered; for a day. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    ...owned(),
    accessKeyId: uuid().notNull(),
    /** As the client chose it. */
    key: text().notNull(),
    /** A hash of what was asked, and the answer: sealed, since both may tell a secret. No answer: it is under way. */
    sealedRequest: text().notNull(),
    sealedAnswer: text(),
    createdAt: instant().notNull().default(sql`now()`),
  },
  (row) => [
    // How the answer to a repeated request is found; of two which come at once one makes the row.
    unique('idempotency_key_once').on(row.customerId, row.accessKeyId, row.key),
    // What is older than a day is taken away.
    index().on(row.createdAt),
  ],
)

/** Limits of a customer, extension or trunk; null: none. */
function limits() {
  return { maxChannels: integer(), maxCps: integer(), maxDailyMinutes: integer() }
}

/** What guards the calls out of a customer, extension or trunk against fraud. */
function guards() {
  return {
    /** They are refused until it is released. */
    outboundBlocked: boolean().notNull().default(false),
    /** Calls begun; null: any number. What was begun before `releasedAt` counts no more. */
    maxCallsPerMinute: integer(),
    maxCallsPerHour: integer(),
    releasedAt: instant(),
    /** What becomes of the first call to a country: `allow`, `alert` or `refuse`; null: as the customer says, else `allow`. */
    newCountries: text().$type<NewCountryPolicy>(),
    /** Countries which are not new, beside the own ones. */
    knownCountries: text().array().notNull().default([]),
  }
}

/** What every tenant-owned row starts with. */
function owned() {
  return {
    id: uuid().primaryKey(),
    customerId: uuid()
      .notNull()
      .references(() => customers.id),
  }
}

/** And ends with. Deletes are soft: records still name what is gone. */
function times() {
  return {
    createdAt: instant().notNull().default(sql`now()`),
    updatedAt: instant(),
    deletedAt: instant(),
  }
}
