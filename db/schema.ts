import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  inet,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  real,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import {
  type Address,
  type Attempt,
  type CallTell,
  type Consideration,
  callStatuses,
  type DigestAlgorithm,
  directions,
  type FailoverPolicy,
  hangupParties,
  hangupReasons,
  PLATFORM,
  transports,
} from '#contract'
import { instant } from './instant.ts'

/*
 * Everything at rest, in the order of the story: a customer, with its keys, lists providers and routes
 * to reach the phone network, extensions for its phones, numbers and flows for calls coming in; then
 * what happened: bindings and calls. Each key, and each reference, begins with the customer.
 */

export const transport = pgEnum('transport', transports)
export const direction = pgEnum('direction', directions)
export const callStatus = pgEnum('call_status', callStatuses)
export const hangupParty = pgEnum('hangup_party', hangupParties)
export const hangupReason = pgEnum('hangup_reason', hangupReasons)

/** How a provider wants numbers written: with a plus, or digits only. */
export const numberFormats = ['e164', 'plain'] as const
export const numberFormat = pgEnum('number_format', numberFormats)

/** One company: everything below belongs to exactly one. */
export const customers = pgTable('customers', {
  id: uuid().primaryKey(),
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
  digestAlgorithms: text().array().$type<DigestAlgorithm[]>().notNull().default(['MD5']),
  ...times(),
})

/** One way in for programs. The key itself is shown once; only its hash is kept. */
export const accessKeys = pgTable(
  'access_keys',
  {
    ...owned(),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    hash: text().notNull(),
    prefix: text().notNull(),
    admin: boolean().notNull().default(false),
    expiresAt: instant(),
    ...times(),
  },
  // Every API request looks its key up by hash, before a customer is known.
  (key) => [unique('access_key_hash').on(key.hash), index().on(key.customerId, key.createdAt, key.id)],
)

/** One carrier: calls to the phone network go there, calls from it come from its addresses. */
export const providers = pgTable(
  'providers',
  {
    ...owned(),
    name: text().notNull(),
    detail: text().notNull().default(''),
    type: text().notNull().default('sip'),
    hostname: text().notNull(),
    port: integer(),
    transport: transport(),
    codecs: text().notNull().default(''),
    techPrefix: text().notNull().default(''),
    techPostfix: text().notNull().default(''),
    techHeaders: jsonb().$type<Record<string, string>>().notNull().default({}),
    numberFormat: numberFormat().notNull().default('e164'),
    username: text(),
    sealedPassword: text(),
    /** As written, for the API; `sources` is the same plus a hostname that is an address. */
    inboundAddresses: text().array().notNull().default([]),
    sources: inet().array().notNull().default([]),
    failover: jsonb().$type<Partial<FailoverPolicy>>(),
    enabled: boolean().notNull().default(true),
    ...times(),
  },
  (provider) => [
    unique('provider_of_customer').on(provider.customerId, provider.id),
    index().on(provider.customerId, provider.createdAt, provider.id),
  ],
)

/** One wish: for these destinations try that provider, in this order. */
export const routes = pgTable(
  'routes',
  {
    ...owned(),
    name: text().notNull(),
    detail: text().notNull().default(''),
    /** The customer itself or the platform: nobody routes through a stranger's carrier. */
    providerCustomerId: uuid().notNull(),
    providerId: uuid().notNull(),
    target: text().notNull().default('all'),
    priority: integer().notNull(),
    weight: integer().notNull().default(0),
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
    index().on(route.customerId, route.createdAt, route.id),
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
    digestAlgorithms: text().array().$type<DigestAlgorithm[]>(),
    /** One of the customer's numbers, E.164. */
    callerId: text(),
    maxContacts: integer().notNull().default(5),
    minExpires: integer().notNull().default(60),
    maxExpires: integer().notNull().default(3600),
    defaultExpires: integer().notNull().default(3600),
    ringTimeout: integer().notNull().default(60),
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
    actions: jsonb().$type<{ id: string; type: string; option: Record<string, unknown> }[]>().notNull(),
    ...times(),
  },
  (flow) => [
    unique('flow_of_customer').on(flow.customerId, flow.id),
    index().on(flow.customerId, flow.createdAt, flow.id),
  ],
)

/** One phone number of a customer, and who is rung when it is called. */
export const numbers = pgTable(
  'numbers',
  {
    ...owned(),
    number: text().notNull(),
    /** ISO 3166 alpha-2, or null where the number belongs to none. */
    country: text(),
    type: text().notNull().default('normal'),
    name: text().notNull().default(''),
    detail: text().notNull().default(''),
    extensionId: uuid(),
    callFlowId: uuid(),
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
    // The one key without a customer: a number rings in one place in the world.
    uniqueIndex('number_taken').on(number.number).where(sql`${number.deletedAt} is null`),
    index().on(number.customerId, number.createdAt, number.id),
  ],
)

/** One phone that registered: where it is, until when, and what became of it (RFC 3261 §10). */
export const bindings = pgTable(
  'bindings',
  {
    ...owned(),
    extensionId: uuid().notNull(),
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
    port: integer().notNull(),
    path: text().array().notNull(),
    userAgent: text().notNull(),
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
    index().on(binding.customerId, binding.extensionId),
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
    explanation: jsonb().$type<Consideration[]>().notNull(),
    rejectReason: text(),
    updatedAt: instant().notNull().default(sql`now()`),
  },
  (call) => [
    index().on(call.customerId, call.startedAt, call.id),
    // A relay which begins anew ends what it left open.
    index('calls_under_way').on(call.relayId).where(sql`${call.status} <> 'hangup'`),
  ],
)

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
