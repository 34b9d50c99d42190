import * as z from 'zod'
import { callParty } from './command.ts'
import { explanation } from './explanation.ts'
import { flowTrace } from './flow-trace.ts'
import { port } from './port.ts'
import { messagesTell } from './sip-message.ts'
import {
  address,
  callStatus,
  direction,
  flowTransport,
  hangupParty,
  hangupReason,
  instant,
  remarks,
  transferType,
  verdict,
} from './vocabulary.ts'

/*
 * Facts the edge should remember. They travel in batches (POST /relay/v1/tells), at least once, in
 * the order they happened; the edge, which may hear one twice, must end where hearing it once would have led.
 */

/** Where one phone of an extension can be reached until `expires_at` (RFC 3261 §10). */
export const binding = z.object({
  /** The same for as long as the contact is the same: derived from extension and contact. */
  binding_id: z.guid(),
  customer_id: z.guid(),
  /** Whose phone: `extension_id` is the trunk's id where `account` is a trunk. */
  account: z.enum(['extension', 'trunk']).default('extension'),
  extension_id: z.guid(),
  relay_id: z.string(),
  contact: z.string(),
  q: z.number().min(0).max(1).default(1),
  call_id: z.string(),
  cseq: z.int(),
  /** Where its packets came from, and over what. */
  received: z.object({ transport: flowTransport, address: z.string(), port }),
  path: z.array(z.string()).default([]),
  user_agent: z.string().default(''),
  /** The token by which it was proved; null: it was the password, or that is not known. */
  token_id: z.guid().nullable().default(null),
  /** By what it was proved, as its relay alone can tell: two which differ were proved by two passwords. 0: not known, as of an older relay. */
  proof: z.int32().min(0).default(0),
  /** Seconds between two questions which keep its NAT open; 0: none. */
  keepalive_s: z.int().default(25),
  registered_at: instant,
  refreshed_at: instant,
  expires_at: instant,
})
export type Binding = z.infer<typeof binding>

/** Why a binding came back, ended or was lost: stable words, each with its sentence. */
export const bindingReasons = {
  ANSWERS_AGAIN: 'It answers OPTIONS again.',
  BY_PHONE: 'The phone ended it.',
  BY_API: 'It was ended by the API.',
  PUT_OUT: 'Others of the account registered later, and max_contacts allows no more.',
  PASSWORD_CHANGED: 'The password it was proved by is the account’s no longer.',
  TOKEN_ENDED: 'The token it was proved by was ended.',
  ACCOUNT_DISABLED: 'Its account was disabled.',
  ACCOUNT_DELETED: 'Its account was deleted.',
  NOT_REFRESHED: 'It was not registered anew in time: the phone is off, or cannot reach the relay.',
  CONNECTION_CLOSED: 'The connection over which it was reached is closed.',
  NO_ANSWER: 'It answered OPTIONS, and does no longer: the phone is off, or its NAT has forgotten it.',
  RELAY_DELETED: 'The relay at which it was registered is gone for good.',
  RELAY_RESTARTED: 'The relay began anew, and the connection over which it was reached did not survive that.',
} as const
export type BindingReason = keyof typeof bindingReasons

/** `sequence` rises with every change of one binding or one call; a lower one than stored is old news. */
export const bindingTell = z.object({
  kind: z.literal('binding'),
  tell_id: z.guid(),
  sequence: z.int(),
  at: instant,
  event: z.enum(['registered', 'refreshed', 'unregistered', 'expired', 'flow_lost']),
  /** Why, as one of `bindingReasons`; '' where there is nothing to say, and from an older relay. */
  reason: z.string().max(64).default(''),
  /** Where a refreshed one was until now, if that was elsewhere. */
  moved_from: z
    .object({ contact: z.string(), transport: flowTransport, address: z.string(), port: z.int() })
    .nullable()
    .default(null),
  binding,
})
export type BindingTell = z.infer<typeof bindingTell>

/** One address which was called. Offsets in ms from the call's start. */
const addressTry = z.object({
  /** host:port it went to. */
  address: z.string(),
  transport: flowTransport,
  /** Final SIP status; 0: silence, a transport error, or given up before one came. */
  status: z.int(),
  reason: z.string(),
  /** Every response as it came, repeats left out. */
  codes: z.array(z.object({ status: z.int(), ms: z.int() })),
  started_ms: z.int(),
  ended_ms: z.int().nullable(),
})
export type AddressTry = z.infer<typeof addressTry>

/**
 * One try at one provider, or at one contact of an extension. Offsets in ms from the call's start.
 *
 * Address, transport, status and reason are those of the last address tried.
 */
export const attempt = z.object({
  provider_id: z.guid().nullable(),
  provider_name: z.string(),
  /** The route which led there; an older relay tells none. */
  route_id: z.guid().nullable().default(null),
  /** host:port it went to; the name where no address was found. */
  address: z.string(),
  transport: flowTransport.nullable(),
  /** Final SIP status, 0 if none came; of one which was passed over (`counts`) what that comes to. */
  status: z.int(),
  reason: z.string(),
  /** null while the attempt runs; final for one which was answered or cancelled. */
  decision: verdict.nullable(),
  started_ms: z.int(),
  ended_ms: z.int().nullable(),
  /** From INVITE to the first 101-199 or 2xx. */
  pdd_ms: z.int().nullable(),
  /** When it answered; null: it did not. An older relay tells none. */
  answered_ms: z.int().nullish(),
  /** How long it was spoken with, where it left before the call was over: a flow goes on. null: until its end. */
  talked_ms: z.int().nullish(),
  /** Every address called inside the attempt, in order; an older relay tells none. */
  tries: z.array(addressTry).default([]),
  /** The destination which the attempt was for, where the call rang several: an extension, a trunk, a number or a SIP URI; null: the call's own. */
  destination: z.string().nullable().default(null),
  /**
   * false: the attempt was passed over, or given up, before its INVITE went out. That says nothing of the provider, and no figure
   * has it. An attempt whose host was not found counts. An older relay tells none.
   */
  counts: z.boolean().default(true),
  /** Why it failed, in a word and in a sentence; null: it did not, or an older relay tells none. */
  cause: z.object({ reason: z.string(), message: z.string() }).nullable().default(null),
})
export type Attempt = z.infer<typeof attempt>

/** What was heard on one side and sent on to the other. */
const mediaCounters = z.object({
  packets: z.int(),
  bytes: z.int(),
  /** By sequence number (RFC 3550 A.3). */
  lost: z.int(),
  /** Packets from a wrong source or of a wrong shape. */
  dropped: z.int(),
  jitter_ms: z.number(),
})

/** One side's sound: what was heard from it, what it said of it, and where it really is. An older relay tells the first alone. */
export const mediaSide = mediaCounters.extend({
  /** Packets of those dropped which the key it named did not open: it has another one, or they were forged. */
  unauthentic: z.int().default(0),
  /** The encoding names it said last that it speaks, best first: its offer, or its answer. */
  codecs: z.array(z.string()).default([]),
  /** host:port, where it said that it wants to hear. */
  sdp_address: z.string().nullable().default(null),
  /** The address by which its session description names whose session it is (`o=`). */
  sdp_origin: z.string().nullable().default(null),
  /** host:port its signalling comes from; and those its Contact and its topmost Via name. An older relay tells none. */
  source_address: z.string().nullable().default(null),
  contact_address: z.string().nullable().default(null),
  via_address: z.string().nullable().default(null),
  /** host:port, where its packets come from, and ours go to (RFC 7362); null: none came. */
  latched_address: z.string().nullable().default(null),
  /** How its signalling came, or went; null: an older relay tells none. */
  signalling: flowTransport.nullable().default(null),
  /** What its sound is encrypted with, both ways, as SDP names it; null: nothing. */
  cipher: z.string().nullable().default(null),
  /** host:port of ours which faces it. */
  local_address: z.string().nullable().default(null),
  /** Encoding name of what was heard; null: nothing was, or it has no name. */
  codec: z.string().nullable().default(null),
  /** Packets which came after one with a higher number. */
  reordered: z.int().default(0),
  /** Packets which had come before; they make up for none which is lost. */
  duplicates: z.int().default(0),
  /** Times that the next number was not the next: losses in a row are one. */
  gaps: z.int().default(0),
  /** Longest time between two of its packets. */
  longest_gap_ms: z.int().nullable().default(null),
  /** From both sides having said where they are to its first packet. */
  first_packet_ms: z.int().nullable().default(null),
  /** From us to it and back, by its RTCP (RFC 3550 §6.4.1); null: that does not tell. */
  round_trip_ms: z.number().nullable().default(null),
  /** What it said that it heard of the other side: packets lost on their way, to us and on. */
  reported_lost: z.int().nullable().default(null),
  reported_jitter_ms: z.number().nullable().default(null),
  /** Its RTCP reports before each of which a second or more of the other side's sound had been sent to it; an older relay counts none. */
  reports: z.int().default(0),
  /** And those of them by which none of that sound had come. */
  reports_unheard: z.int().default(0),
  /** Mean opinion score of its sound as it came to us, by the E-model (ITU-T G.107); null: not to be told. */
  mos: z.number().min(1).max(5).nullable().default(null),
})
export type MediaSide = z.infer<typeof mediaSide>

/** A call as it stands: the whole record each time but for its decision, so that the last one heard is the truth. */
const callTell = z.object({
  kind: z.literal('call'),
  tell_id: z.guid(),
  sequence: z.int(),
  at: instant,
  call: z.object({
    call_id: z.guid(),
    customer_id: z.guid(),
    relay_id: z.string(),
    direction,
    source: address,
    destination: address,
    number_id: z.guid().nullable(),
    provider_id: z.guid().nullable(),
    status: callStatus,
    unverified: z.boolean(),
    sip_call_id: z.string(),
    started_at: instant,
    ringing_at: instant.nullable(),
    answered_at: instant.nullable(),
    ended_at: instant.nullable(),
    hangup_by: hangupParty.nullable(),
    hangup_reason: hangupReason.nullable(),
    /** Final status the caller was given. */
    sip_status: z.int().nullable(),
    attempts: z.array(attempt),
    /** The sound as it stands, told now and then; null: there is none, or it is ending just now. */
    media: z.object({ from_caller: mediaSide, from_callee: mediaSide }).nullable(),
    /** Why the call went where it went; null while that is not known, and where it is as it was told before. */
    decision: explanation.nullable().default(null),
    extension_id: z.guid().nullable().default(null),
    trunk_id: z.guid().nullable().default(null),
    /** Why it was not carried, or was cut: a word which stays the same, and a sentence; an older relay tells none. */
    reject_reason: z.string().nullable(),
    reject_message: z.string().nullable().default(null),
    /** The call which goes on as this one, for its transfer, and how that was done; null: none does. */
    transferred_from: z.guid().nullable().default(null),
    /** The number or extension, by its id, which sent it out to the phone network, where it was answered; null: none did. */
    sent_out_by: z.guid().nullable().default(null),
    transfer_type: transferType.nullable().default(null),
    /** Parties which are on hold, or muted, by the API's word; left out: none is. */
    held: z.array(callParty).optional(),
    muted: z.array(callParty).optional(),
    /** The way it took through its flow, as it stands; null: it follows none. */
    flow: flowTrace.nullable().default(null),
  }),
})
export type CallTell = z.infer<typeof callTell>

/** A relay has begun anew: whatever calls it had before `at` are over, whether or not it could say so. */
const relayTell = z.object({
  kind: z.literal('relay'),
  tell_id: z.guid(),
  sequence: z.int(),
  at: instant,
  event: z.literal('started'),
  relay_id: z.string(),
})
export type RelayTell = z.infer<typeof relayTell>

/** Something worth knowing which is no call and no binding; `tell_id` is the event's id. */
const eventTell = z.object({
  kind: z.literal('event'),
  tell_id: z.guid(),
  at: instant,
  relay_id: z.string(),
  /** null: no customer's, as a call from an address which no customer listed. */
  customer_id: z.guid().nullable(),
  /** Dotted, e.g. `call.refused`. */
  type: z.string().max(64),
  data: remarks,
})
export type EventTell = z.infer<typeof eventTell>

/** What a relay tells the edge, once and for good; `tell_id` says whether it was told before. */
export const tell = z.discriminatedUnion('kind', [bindingTell, callTell, relayTell, eventTell, messagesTell])
export type Tell = z.infer<typeof tell>

/** Tells of one relay, in the order they happened. */
export const tellBatch = z.object({ relay_id: z.string(), tells: z.array(tell).min(1).max(500) })

/** For so long after a receipt said that a customer's calls are not watched, news of them may wait for others. */
export const unheardForMs = 2_000

/**
 * Everything `accepted` was stored, or was already known; what is in neither list must be told again.
 * What is `refused` never will be stored, so that telling it again is useless.
 */
export const tellReceipt = z.object({
  accepted: z.array(z.guid()),
  refused: z.array(z.object({ tell_id: z.string(), why: z.string() })).default([]),
  /** Customers of calls told here whose calls are not watched just now (`unheardForMs`); an older edge names none. */
  unheard: z.array(z.guid()).default([]),
})
export type TellReceipt = z.infer<typeof tellReceipt>

/** GET /relay/v1/bindings: this relay's unexpired bindings with their sequence, to be restored after a restart. */
export const bindingList = z.object({
  bindings: z.array(binding.extend({ sequence: z.int() })),
  /** What the edge's clock said, by which they expire. */
  at: instant.optional(),
})
export type BindingList = z.infer<typeof bindingList>
