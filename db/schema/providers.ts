import { sql } from 'drizzle-orm'
import {
  boolean,
  check,
  foreignKey,
  index,
  inet,
  integer,
  jsonb,
  pgTable,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import {
  type DiversionForm,
  type DtmfForm,
  type FailoverPolicy,
  PLATFORM,
  type Port,
  type Redirection,
  type SecurePolicy,
  type TimeWindow,
  type TransferPolicy,
  type Transport,
} from '#contract'
import { instant } from '../instant.ts'
import { times } from './columns.ts'
import { owned } from './owned.ts'
import { transport } from './words.ts'

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
