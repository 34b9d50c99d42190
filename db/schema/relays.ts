import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  index,
  inet,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  real,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import type { Beat, HealthReport, Port, RelayError, RelayLoad, Transport } from '#contract'
import { instant } from '../instant.ts'
import { customers } from './customers.ts'
import { healthStatus, registrationStatus, resource, scopeKind, transport } from './words.ts'

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
