import { type SQL, sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  type PgColumn,
  pgTable,
  primaryKey,
  real,
  text,
  uuid,
} from 'drizzle-orm/pg-core'
import type {
  Address,
  Attempt,
  CallPartyName,
  CallTell,
  Explanation,
  FlowTrace,
  RecordingKind,
  SipMessage,
  TransferType,
} from '#contract'
import { instant } from '../instant.ts'
import { times } from './columns.ts'
import { customers } from './customers.ts'
import { owned } from './owned.ts'
import { callStatus, direction, hangupParty, hangupReason } from './words.ts'

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
    /** No longer read: whatever is told of a call that is over is looked at. */
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
    // Whatever a relay tells of calls is held against these.
    index('erasures_to_hold_against')
      .on(erasure.customerId, erasure.createdAt)
      .where(sql`${erasure.pattern} is not null`),
    // What was looked for is forgotten.
    index('erasures_done')
      .on(erasure.completedAt)
      .where(sql`${erasure.pattern} is not null and ${erasure.status} = 'completed'`),
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
