// The socket to the hub, as a relay has it.
//
//   absent ──────attempt──────► connecting ──opened──► greeting ──answered──► live
//     ▲ └─────────unknown◄─────────┘ │                     │                   │
//     └──unknown──┐                  ▼ refused, closed     ▼ closed, late      ▼ closed, late, bye
//                 └──connecting ◄──attempt── waiting ◄─────┴───────────────────┘
//
// Beats over HTTP rest while it is live and was heard lately; a hub which is silent for three seconds is not waited for.
// An edge without a hub is looked at again every few minutes, and a fleet which lost its hub does not come back at once.

import { gatherBeatMs, hubAwayAfterMs, type MonotonicMs, pingEveryMs } from '#contract'
import type { Machine, Table, Turn } from '../ground/machine.ts'

/** How the socket stands; `over`: this process is to end. */
export type HubState = 'absent' | 'waiting' | 'connecting' | 'greeting' | 'live' | 'over'

/** The socket to the hub: its state and what it remembers. */
export type HubMachine = Machine<HubState, HubMemory>

interface Now {
  readonly now: MonotonicMs
}

/** What happens to it, by name. */
export interface HubEvents {
  /** It is time to connect. */
  attempt: Now
  opened: Now
  /** There is no hub at that edge. */
  unknown: Now
  /** The edge refused the connection, or it came to nothing; `lastingly`: the next try is no better. */
  refused: Now & { readonly lastingly: boolean }
  closed: Now
  /** It is time to ask whether the hub lives. */
  ping: Now
  pong: Now
  /** Nothing was heard for so long that HTTP takes over. */
  silent: Now
  /** No pong came, or no answer to a beat. */
  late: Now
  unanswered: Now
  /** Something cannot wait for the next look. */
  stirred: Now
  /** It is time to look what there is to say; and what that is. */
  look: Now
  words: Now & BeatDigest
  /** The beat of that number was answered; `relays`: so many live. */
  answered: Now & { readonly n: number; readonly relays: number }
  /** The hub parts with us: another process has our name, our key is no longer good, or it is elsewhere. */
  bye: Now & { readonly reason: 'replaced' | 'revoked' | 'moved' }
}

/** What a beat says, to be compared: what counts at once, and figures which may wait. */
export interface BeatDigest {
  readonly news: string
  readonly figures: string
  /** Calls go on. */
  readonly busy: boolean
}

/** Its timers: each rings the event of its name. */
export type HubTimer = 'attempt' | 'ping' | 'silent' | 'late' | 'unanswered' | 'look'

/** What it wants done. */
export type HubOrder =
  | { readonly type: 'connect' | 'close' | 'ping' }
  /** Look what there is to say (`words`). */
  | { readonly type: 'look' }
  /** Say what was looked at last. */
  | { readonly type: 'beat'; readonly n: number }
  /** Beats over HTTP may rest; and must not any longer, from then on. */
  | { readonly type: 'rest' }
  | { readonly type: 'resume'; readonly at: number }
  /** Nothing the hub had to say before then is unheard. */
  | { readonly type: 'current'; readonly sentAt: MonotonicMs }
  /** The timer of that name rings then, and no sooner. */
  | { readonly type: 'wake'; readonly timer: HubTimer; readonly at: number }
  | { readonly type: 'replaced' }

/** Times are monotonic milliseconds. */
interface HubMemory {
  /** In [0, 1). */
  readonly random: () => number
  /** Connections in a row which came to nothing. */
  failures: number
  /** As many as lived when a beat was answered last. */
  relays: number
  heardAt: number
  /** HTTP rests. */
  resting: boolean
  /** The ping under way. */
  pingedAt: MonotonicMs | undefined
  /** The beat under way, and the number of the last. */
  asked: number | undefined
  n: number
  /** What the last beat said, and when. */
  said: (BeatDigest & { readonly at: number }) | undefined
  /** Something cannot wait: the next beat is said whatever it says. */
  stirred: boolean
}

type HubStep = Turn<HubState, HubOrder>

/* Implementation */
const pongWithinMs = 4_000
const answerWithinMs = 5_000
/** The hub hears relays one after the other: where a whole fleet comes at once the first answer takes longer, and a second line helps none. */
const firstAnswerWithinMs = 15_000
const lookEveryMs = 2_000
/** Figures alone are told so often: while calls go on, and while none do. */
const figuresMs = { busy: 30_000, quiet: 900_000 }
/** All is said again now and then, whatever was said. */
const sayAgainMs = 3_600_000
/** What a process says first comes within so long: it knows of no other relay yet. */
export const firstPauseMs = 1_000
/** A fleet which lost its hub comes again over so long: for each relay about what a turn of one takes. */
const [spreadPerRelayMs, spreadAtMostMs] = [20, 10_000]
const longestPauseMs = 30_000
const absentMs = 300_000

const timers = ['attempt', 'ping', 'silent', 'late', 'unanswered', 'look'] as const

const outside = {
  attempt: (): HubStep => ({ to: 'connecting', effects: [{ type: 'connect' }] }),
}

const open = {
  closed: retry,
  late: retry,
  unanswered: retry,
  ping,
  pong,
  silent: (_: Now, memory: HubMemory): HubStep => ({ effects: resume(memory) }),
  stirred: stir,
  look,
  words,
  answered,
  bye,
}

/** The figure of the socket to the hub. */
export const table: Table<HubState, HubEvents, HubMemory, HubOrder> = {
  absent: outside,
  waiting: outside,
  connecting: {
    opened: (event, memory) => greet(event, memory),
    unknown: ({ now }, memory) => ({
      to: 'absent',
      effects: [wake('attempt', now + absentMs * (0.9 + memory.random() / 5))],
    }),
    refused: (event, memory) => {
      if (event.lastingly) memory.failures = Number.POSITIVE_INFINITY
      return retry(event, memory)
    },
    closed: retry,
    bye,
  },
  greeting: {
    ...open,
    pong: heardFirst,
    words: (event, memory) => words(event, memory, firstAnswerWithinMs),
  },
  live: open,
  over: {},
}

/** One which is yet to connect. */
export function newHubSocket(random: () => number): HubMachine {
  const memory: HubMemory = {
    random,
    failures: 0,
    relays: 1,
    heardAt: 0,
    resting: false,
    pingedAt: undefined,
    asked: undefined,
    n: 0,
    said: undefined,
    stirred: false,
  }
  return { state: 'waiting', memory }
}

function greet({ now }: Now, memory: HubMemory): HubStep {
  memory.heardAt = now
  return { to: 'greeting', effects: [{ type: 'look' }, ...pinged(now, memory)] }
}

function ping({ now }: Now, memory: HubMemory): HubStep {
  return { effects: pinged(now, memory) }
}

function pinged(now: MonotonicMs, memory: HubMemory): HubOrder[] {
  memory.pingedAt = now
  return [{ type: 'ping' }, wake('late', now + pongWithinMs)]
}

function pong({ now }: Now, memory: HubMemory): HubStep {
  const sentAt = memory.pingedAt
  if (sentAt === undefined) return { effects: [] }
  const effects = [...ponged(sentAt, memory), ...heard(now, memory), ...rest(memory)]
  return { effects: [{ type: 'current', sentAt }, ...effects] }
}

/** Before the first answer nothing is known of what there was to hear. */
function heardFirst(_: Now, memory: HubMemory): HubStep {
  return { effects: memory.pingedAt === undefined ? [] : ponged(memory.pingedAt, memory) }
}

function ponged(sentAt: MonotonicMs, memory: HubMemory): HubOrder[] {
  memory.pingedAt = undefined
  return [wake('late', Number.POSITIVE_INFINITY), wake('ping', sentAt + pingEveryMs)]
}

function heard(now: MonotonicMs, memory: HubMemory): HubOrder[] {
  memory.heardAt = now
  return [wake('silent', now + hubAwayAfterMs)]
}

function rest(memory: HubMemory): HubOrder[] {
  if (memory.resting) return []
  memory.resting = true
  return [{ type: 'rest' }]
}

function resume(memory: HubMemory): HubOrder[] {
  if (!memory.resting) return []
  memory.resting = false
  return [{ type: 'resume', at: memory.heardAt + hubAwayAfterMs }]
}

function stir({ now }: Now, memory: HubMemory): HubStep {
  const waits = memory.stirred || memory.asked !== undefined
  memory.stirred = true
  return { effects: waits ? [] : [wake('look', now + gatherBeatMs)] }
}

function look(_: Now, memory: HubMemory): HubStep {
  return { effects: memory.asked === undefined ? [{ type: 'look' }] : [] }
}

/** A beat, if there is anything new to say. */
function words(
  { now, ...digest }: HubEvents['words'],
  memory: HubMemory,
  withinMs = answerWithinMs,
): HubStep {
  if (!worthSaying(now, digest, memory)) return { effects: [nextLook(now, memory)] }
  memory.said = { ...digest, at: now }
  memory.stirred = false
  memory.n += 1
  memory.asked = memory.n
  return { effects: [{ type: 'beat', n: memory.n }, wake('unanswered', now + withinMs)] }
}

function worthSaying(now: MonotonicMs, digest: BeatDigest, { said, stirred }: HubMemory): boolean {
  const { news, figures, busy } = digest
  if (stirred || said === undefined || said.news !== news) return true
  const since = now - said.at
  return since >= sayAgainMs || (said.figures !== figures && since >= figuresMs[busy ? 'busy' : 'quiet'])
}

function nextLook(now: MonotonicMs, { random }: HubMemory): HubOrder {
  return wake('look', now + lookEveryMs * (0.9 + random() / 5))
}

function answered({ now, n, relays }: HubEvents['answered'], memory: HubMemory): HubStep {
  if (n !== memory.asked) return { effects: [] }
  memory.relays = relays
  memory.asked = undefined
  memory.failures = 0
  const next = memory.stirred ? wake('look', now + gatherBeatMs) : nextLook(now, memory)
  const effects = [wake('unanswered', Number.POSITIVE_INFINITY), ...heard(now, memory), ...rest(memory), next]
  return { to: 'live', effects }
}

function bye({ now, reason }: HubEvents['bye'], memory: HubMemory): HubStep {
  if (reason === 'replaced') return { to: 'over', effects: [...dropped(), { type: 'replaced' }] }
  if (reason === 'revoked') memory.failures = Number.POSITIVE_INFINITY
  return retry({ now }, memory)
}

/** Connects again: soon the first time, and ever later where it comes to nothing. */
function retry({ now }: Now, memory: HubMemory): HubStep {
  const pauseMs = retryPauseMs(memory)
  memory.failures += 1
  Object.assign(memory, { pingedAt: undefined, asked: undefined, said: undefined, stirred: false })
  return { to: 'waiting', effects: [...dropped(), ...resume(memory), wake('attempt', now + pauseMs)] }
}

/**
 * Milliseconds until the next attempt, after so many in a row which came to nothing: anywhere up to a bound which begins with the
 * size of the fleet, all of which may have lost the hub at the same moment, and doubles. Who is refused for good comes rarely.
 */
export function retryPauseMs({
  failures,
  relays,
  random,
}: Pick<HubMemory, 'failures' | 'relays' | 'random'>): number {
  if (failures === Number.POSITIVE_INFINITY) return longestPauseMs * (0.5 + random() / 2)
  const spread = Math.min(spreadAtMostMs, Math.max(firstPauseMs, relays * spreadPerRelayMs))
  return random() * Math.min(longestPauseMs, spread * 2 ** failures)
}

function dropped(): HubOrder[] {
  return [{ type: 'close' }, ...timers.map((timer) => wake(timer, Number.POSITIVE_INFINITY))]
}

function wake(timer: HubTimer, at: number): HubOrder {
  return { type: 'wake', timer, at }
}
