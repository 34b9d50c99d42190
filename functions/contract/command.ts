import * as z from 'zod'
import { flowProgram } from './flow-action.ts'
import { address, destinationTypes, instant } from './vocabulary.ts'

/*
 * What a relay is told to do: with the answer to a beat, or pushed. Each command is taken from the edge once, whatever becomes of the
 * answer which brought it, and a relay remembers the ids of those it has had.
 */

/** A provider to be tried, told to one relay. */
const testCommand = z.object({
  command_id: z.guid(),
  kind: z.literal('test_provider'),
  provider_id: z.guid(),
  customer_id: z.guid(),
  type: z.enum(['options', 'call']),
  /** Number to call, E.164 (type call). */
  to: z.string().nullable().default(null),
  from: z.string().nullable().default(null),
})
export type TestCommand = z.infer<typeof testCommand>

/**
 * A call to try a customer's routes by: decided as if one provider were down, and made at those which are left. It counts in
 * nothing.
 */
const drillCommand = z.object({
  command_id: z.guid(),
  kind: z.literal('drill'),
  customer_id: z.guid(),
  drill_id: z.guid(),
  /** The provider which is taken to be down; null: none. */
  provider_down: z.guid().nullable(),
  /** In whose name it is made; null: the customer's. */
  extension_id: z.guid().nullable(),
  /** The number it shows, E.164; null: the one which calls of the customer usually show. */
  from: z.string().nullable(),
  /** Number to call, E.164. */
  to: z.string(),
})
export type DrillCommand = z.infer<typeof drillCommand>

/** The two parties of a call. */
const callParties = ['caller', 'callee'] as const
export const callParty = z.enum(callParties)
export type CallPartyName = z.infer<typeof callParty>

/** One party of a call, or both. */
export const partyChoice = z.enum([...callParties, 'both'])

/** A destination which the API calls, or to which it leads a party of a call. */
const calledAddress = z.object({
  type: z.enum(destinationTypes),
  /** E.164, an extension's name, a trunk's `domain_name`, or a SIP URI. */
  target: z.string(),
  target_name: z.string().default(''),
  name: z.string().default(''),
  detail: z.string().default(''),
})
export type CalledAddress = z.infer<typeof calledAddress>

/** A sound which the API has played: one of the customer's prompts, what stands at a URL, or a text. */
const orderedSound = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('prompt'), prompt_id: z.guid() }),
  z.object({ kind: z.literal('url'), url: z.string() }),
  z.object({ kind: z.literal('speech'), text: z.string(), language: z.string(), voice: z.string() }),
])
export type OrderedSound = z.infer<typeof orderedSound>

const ofCall = { command_id: z.guid(), customer_id: z.guid(), call_id: z.guid() }

/** What is to become of a call which goes on, told to its relay. */
const callCommand = z.discriminatedUnion('kind', [
  z.object({
    ...ofCall,
    kind: z.literal('recording_start'),
    recording_id: z.guid(),
    channels: z.union([z.literal(1), z.literal(2)]),
    max_ms: z.int(),
    /** null: silence does not end it. */
    silence_ms: z.int().nullable().default(null),
  }),
  z.object({ ...ofCall, kind: z.enum(['recording_stop', 'recording_pause', 'recording_resume']) }),
  /** Both legs end, and so does one which still rings. */
  z.object({ ...ofCall, kind: z.literal('call_hangup') }),
  /** `party` is led to the destination, the other one is out of the call when that has answered. */
  z.object({ ...ofCall, kind: z.literal('call_transfer'), party: callParty, destination: calledAddress }),
  /** Behind one another, in the place of what the other party says; `loop`: until `call_silence`. */
  z.object({
    ...ofCall,
    kind: z.literal('call_play'),
    party: partyChoice,
    sounds: z.array(orderedSound).min(1),
    loop: z.boolean().default(false),
  }),
  /** What the API has played is over. */
  z.object({ ...ofCall, kind: z.literal('call_silence'), party: partyChoice }),
  z.object({ ...ofCall, kind: z.literal('call_dtmf'), party: callParty, keys: z.string(), ms: z.int() }),
  /** The party neither speaks nor hears the other one; it hears the music, where there is any. */
  z.object({
    ...ofCall,
    kind: z.literal('call_hold'),
    party: callParty,
    held: z.boolean(),
    music: orderedSound.nullable().default(null),
  }),
  /** What the party says does not reach the other one. */
  z.object({ ...ofCall, kind: z.literal('call_mute'), party: partyChoice, muted: z.boolean() }),
])
export type CallCommand = z.infer<typeof callCommand>

/**
 * A call which no party asked for: the API did. Before its first INVITE the relay asks whether it may begin (`beginQuestion`), and
 * begins only where the answer says so: so it is begun once, whichever relays were told.
 */
const originateCommand = z.object({
  ...ofCall,
  kind: z.literal('originate'),
  /** The caller, as records have it. Where it is joined (`run`) this is an extension, rung first. */
  source: address,
  destination: calledAddress,
  /** The extension in whose name and limits it is made; null: the customer's alone. */
  extension_id: z.guid().nullable().default(null),
  /** The number it shows, E.164; null: the one which calls of the customer usually show. */
  caller_id: z.string().nullable().default(null),
  /** Milliseconds each of its parties may ring; null: as the destination's own settings say. */
  ring_ms: z.int().nullable().default(null),
  /** No use in beginning it later. */
  until: instant,
  run: z.discriminatedUnion('kind', [
    /** The source is rung; when it answers, the destination, and the two are joined. */
    z.object({ kind: z.literal('join') }),
    /** The destination is rung, and when it answers follows the flow, as its caller would. */
    z.object({
      kind: z.literal('flow'),
      program: flowProgram,
      /** Flows to which `fetch_flow` leads from there, and from those. */
      programs: z.array(flowProgram).default([]),
      variables: z.record(z.string(), z.string()),
    }),
  ]),
})
export type OriginateCommand = z.infer<typeof originateCommand>

/** Something to do, told to one relay. */
export const command = z.union([testCommand, drillCommand, callCommand, originateCommand])
export type Command = z.infer<typeof command>

/** What became of a command to a call. `reason`: a word which stays the same, null where it was done; `message`: a sentence. */
export const orderResult = z.object({
  ok: z.boolean(),
  reason: z.string().nullable().default(null),
  message: z.string().default(''),
})
export type OrderResult = z.infer<typeof orderResult>

/** POST /relay/v1/begin: may this call, which a relay was told to make, be begun by it? */
export const beginQuestion = z.object({ command_id: z.guid(), call_id: z.guid() })
export type BeginQuestion = z.infer<typeof beginQuestion>

/** No: it is another relay's by now, or it is too late. The same relay hears the same twice. */
export const beginAnswer = z.object({ begin: z.boolean(), message: z.string().default('') })
export type BeginAnswer = z.infer<typeof beginAnswer>
