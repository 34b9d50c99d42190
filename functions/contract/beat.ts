import * as z from 'zod'
import { type Command, command } from './command.ts'
import { port } from './port.ts'
import {
  healthStatus,
  instant,
  registrationStatus,
  remarks,
  resource,
  scope,
  transport,
} from './vocabulary.ts'

/*
 * POST /relay/v1/beat: every two seconds a relay says that it lives and how things stand, and hears what is new.
 *
 * What is said here is state, not news: the last word counts, and one that is lost does no harm. A relay which
 * has not been heard for `deadAfterMs` is dead: its leases, slices and registrations are any other relay's.
 */

/** Milliseconds between two beats of a relay. */
export const beatEveryMs = 2_000
export const deadAfterMs = 6_000
/** How long after a beat what it confirmed counts as current. */
export const currentForMs = 5_000

/*
 * What one word may hold at most, far beyond an honest relay of thousands of calls. A text which came from other people's
 * SIP is cut, never a reason to refuse the rest.
 */
const [manyAtMost, scopesAtMost, nameAtMost, wordsAtMost] = [20_000, 64, 512, 1_024]

const words = z.string().transform((text) => cut(text, wordsAtMost))

function cut(text: string, most: number): string {
  return text.slice(0, most).replace(/[\ud800-\udbff]$/, '')
}

/** One call which goes on, and all whose limits it counts in: a lease, keyed by the call's id. */
const lease = z.object({
  call_id: z.guid(),
  customer_id: z.guid(),
  scopes: z.array(scope).max(scopesAtMost),
})
export type Lease = z.infer<typeof lease>

/** A relay's share of a limit: what it holds now, what of it is in use, how much it had to refuse lately. */
const sliceHeld = z.object({
  scope,
  customer_id: z.guid(),
  resource,
  /** null: it was never given one. */
  held: z.int32().nullable(),
  used: z.int32(),
  refused: z.int32().default(0),
})
export type SliceHeld = z.infer<typeof sliceHeld>

const sliceGranted = z.object({ scope, resource, amount: z.int() })

/** How a provider looks from one relay. */
const healthReport = z.object({
  provider_id: z.guid(),
  customer_id: z.guid(),
  status: healthStatus,
  since: instant,
  /** Median of late answers to OPTIONS; null: none came. */
  latency_ms: z.float32().nullable(),
  /** Last thing seen: `probe` or `call`, its SIP status (0: none), and when. */
  last: z
    .object({ by: z.enum(['probe', 'call']), status: z.int32(), at: instant })
    .nullable()
    .default(null),
  why: words.default(''),
})
export type HealthReport = z.infer<typeof healthReport>

/** Addresses of one hostname which count: whose leads to more, to a whole network's, say, is where the first of them are. */
export const addressesAtMost = 32

/** Where a provider's host is, as one relay resolves it: calls from there are the provider's. */
const hostReport = z.object({
  provider_id: z.guid(),
  /** What was resolved: the edge may know of another place by now. */
  hostname: z.string().max(nameAtMost),
  port: port.nullable(),
  transport: transport.nullable(),
  /** Both families; null: DNS does not answer, and what was found last still holds. */
  addresses: z.array(z.string().max(nameAtMost)).max(addressesAtMost).nullable(),
  why: words.default(''),
})
export type HostReport = z.infer<typeof hostReport>

/** How a relay's registration at a provider stands. */
const registrationReport = z.object({
  provider_id: z.guid(),
  customer_id: z.guid(),
  epoch: z.int(),
  status: registrationStatus,
  since: instant,
  /** Until when the provider granted it. */
  until: instant.nullable(),
  /** Last SIP status, 0 where none came; and what it means in words. */
  sip_status: z.int32().nullable(),
  why: words.default(''),
  next_at: instant.nullable().default(null),
})
export type RegistrationReport = z.infer<typeof registrationReport>

/** As it was said; of one which is too large what is short in it, and of what is none that it is none. */
const outcome = z.unknown().transform((said): Record<string, unknown> => {
  const { success, data } = remarks.safeParse(said)
  if (success) return data
  if (typeof said !== 'object' || said === null || Array.isArray(said)) return unreadable
  const short = Object.entries(said).flatMap(([key, value]): [string, unknown][] => {
    if (typeof value === 'object' && value !== null) return []
    return [[cut(key, keyAtMost), typeof value === 'string' ? cut(value, wordsAtMost) : value]]
  })
  return Object.fromEntries(short.slice(0, keysAtMost))
})
const [keyAtMost, keysAtMost] = [64, 12]
const unreadable = {
  ok: false,
  reason: 'RESULT_UNREADABLE',
  message: 'The relay said in no readable way what came of it.',
}

/** What became of something a relay was told to do. */
const commandResult = z.object({
  command_id: z.guid(),
  result: outcome,
})
export type CommandResult = z.infer<typeof commandResult>

/** Where other relays reach a relay: by SIP over TLS, and by the SHA-256 of its own certificate, lower-case hex. */
const neighbourPlace = z.object({
  address: z.string().max(64),
  port,
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
})

/** Another relay which lives: its phones can be rung there, and what it sends is believed. */
const neighbour = neighbourPlace.extend({ relay_id: z.string(), draining: z.boolean() })
export type Neighbour = z.infer<typeof neighbour>

/** How much a relay has to do: no reason for a beat by itself, since it is another every moment. */
const relayLoad = z.object({
  /** Under way, whether they count in a limit or not. */
  calls: z.int32(),
  /** Phones and PBXs which can be reached there. */
  registrations: z.int32(),
  /** Share of one core since the beat before; several threads together may use more than 1. */
  cpu: z.float32(),
  /** By how much a turn of the event loop was late at most since the beat before. */
  loop_delay_ms: z.float32(),
})
export type RelayLoad = z.infer<typeof relayLoad>

/** The last thing a relay's log called an error. */
const relayError = z.object({ at: instant, message: z.string().transform((text) => cut(text, 256)) })
export type RelayError = z.infer<typeof relayError>

/** Where a relay stands, in its operator's words. */
export const regionName = z.string().regex(/^[a-z0-9-]{1,40}$/)

/** What a relay says in a beat. */
export const beat = z.object({
  relay_id: z.string().max(nameAtMost),
  /** One process: a relay which begins anew has another. */
  boot_id: z.guid(),
  started_at: instant,
  at: instant,
  draining: z.boolean(),
  /** Where it takes SIP. */
  address: z.string().max(nameAtMost),
  port,
  /** Highest configuration version whose snapshots it has, all of them; 0: none. */
  version: z.int32(),
  /** Tells waiting to be told, but for those which are held to go with others. */
  waiting_tells: z.int32().default(0),
  leases: z.array(lease).max(manyAtMost),
  slices: z.array(sliceHeld).max(manyAtMost),
  health: z.array(healthReport).max(manyAtMost),
  registrations: z.array(registrationReport).max(manyAtMost),
  /** Of these providers what is new since the last beat that was answered, and now and then all over again. */
  hosts: z.array(hostReport).max(manyAtMost).default([]),
  results: z.array(commandResult).max(manyAtMost).default([]),
  /** Endings of registrations which were carried out, by the ids of their commands. */
  ended: z.array(z.guid()).max(manyAtMost).default([]),
  /** Mailboxes in which something has changed since then are to be named, by what a beat's answer said; undefined: those with something new. */
  mailboxes_since: instant.optional(),
  /** Where other relays reach it; an older relay does not say, and is not reached. */
  neighbour: neighbourPlace.optional(),
  /**
   * What carries its sound, and whether keys are heard which callers press in it; an older relay does not say: itself, and they
   * are.
   */
  media: z
    .object({ engine: z.enum(['own', 'rtpengine']), keys: z.boolean() })
    .optional()
    .catch(undefined),
  /** Version of its software, and of the protocol it speaks (`relayProtocol`); an older relay does not say, nor what follows. */
  software: z.string().max(64).optional(),
  protocol: z.int32().optional(),
  /** null: its operator named none. */
  region: regionName.nullable().optional(),
  load: relayLoad.optional(),
  /** Octets of the tells which wait. */
  spool_bytes: z.int().optional(),
  /** null: there was none since its process began. */
  last_error: relayError.nullable().optional(),
  /** UTC as its machine has it, right or wrong; `at` is reckoned from when the process began. */
  clock: instant.optional(),
})
export type Beat = z.infer<typeof beat>

/** What an older relay does not know how to do it leaves to others, and hears the rest. */
function known(commands: readonly unknown[]): Command[] {
  return commands.flatMap((one) => command.safeParse(one).data ?? [])
}

/** A registration to be ended: told at every beat until the relay says `ended`. */
const ending = z.object({
  command_id: z.guid(),
  /** Whose it is: the trunk's id where it is a trunk's. */
  extension_id: z.guid(),
  binding_id: z.guid(),
  /** The latest that was known of it: one which began later has the same id, and stays. An older edge does not say. */
  sequence: z.int().optional(),
})

/** What the edge answers to a beat. */
export const beatAnswer = z.object({
  at: instant,
  /** Highest configuration version there is. */
  version: z.int(),
  /** Customers whose configuration is newer than `version` of the beat; gone ones are deleted. */
  changed: z.array(z.object({ customer_id: z.guid(), version: z.int(), gone: z.boolean() })),
  slices: z.array(sliceGranted),
  /** Answered seconds of today, UTC, of those with a limit on them: other relays' calls, and this one's before it began. */
  seconds: z.array(z.object({ scope, day: z.string(), seconds: z.int() })),
  /** How providers look to all relays together, where one has looked. */
  health: z.array(z.object({ provider_id: z.guid(), status: healthStatus, since: instant })),
  /** Registrations this relay is to keep, and the epoch of each: a higher one takes it from a lower. */
  registrations: z.array(z.object({ provider_id: z.guid(), epoch: z.int() })),
  /**
   * Of the registrations this beat spoke of, those no relay is to keep any more: their contacts are taken back. One which
   * is neither here nor above is kept by another relay.
   */
  withdrawn: z.array(z.guid()).default([]),
  commands: z.array(z.unknown()).transform(known),
  ends: z.array(ending).default([]),
  /** What lies in mailboxes: messages which were not heard, and which were. An older edge does not say. */
  mailboxes: z
    .array(z.object({ customer_id: z.guid(), extension_id: z.guid(), new: z.int(), old: z.int() }))
    .optional(),
  /**
   * Source prefixes which relays block, as told in `registration.blocked`: those whose time is not up. `over`: it was taken
   * back; `lifted_for`: customers who took it back for their own accounts. An older edge does not say.
   */
  blocks: z
    .array(
      z.object({
        block_id: z.guid(),
        source: z.string(),
        until: instant,
        over: z.boolean(),
        lifted_for: z.array(z.guid()),
      }),
    )
    .optional(),
  /** The other relays alive which say where they are reached; an older edge does not say. */
  neighbours: z.array(neighbour).optional(),
  /** Customers whose calls begin to be watched: the hub says it once, unasked (`unheard` of receipts). An older edge does not. */
  watched: z.array(z.guid()).optional(),
  /** Whether it is to take no new calls, and to go on with those it has; an older edge does not say. */
  drain: z.boolean().optional(),
  /** Relays alive, this one among them. */
  relays: z.int(),
  /** The domain this edge's phones register under; an older edge does not say. */
  base_domain: z.string().optional(),
})
export type BeatAnswer = z.infer<typeof beatAnswer>
