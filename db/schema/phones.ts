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
  pgTable,
  primaryKey,
  real,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import type {
  DigestAlgorithm,
  DtmfForm,
  EmergencyFacts,
  Port,
  RecordAnnouncement,
  RecordingMode,
  RingDestination,
  SecurePolicy,
  TransferPolicy,
  Transport,
} from '#contract'
import { instant } from '../instant.ts'
import { accessKeys } from './access-keys.ts'
import { guards, limits, times } from './columns.ts'
import { owned } from './owned.ts'
import { transport } from './words.ts'

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
