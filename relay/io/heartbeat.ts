import { type BeatAnswer, beatAnswer, beatEveryMs, deadAfterMs, type MonotonicMs } from '#contract'
import { type BeatSource, beatOf } from './beat-words.ts'
import { monotonicNow } from './clock.ts'
import { type EdgeHttp, type EdgeReply, readJson, refusal, retryAfterMs, valid } from './edge-http.ts'
import { type Introduction, isRevoked, otherDomain, wrongSetting } from './hello.ts'
import type { Log } from './log.ts'

interface HeartbeatOptions {
  readonly http: Pick<EdgeHttp, 'run'>
  readonly beats: BeatSource
  /** The edge answered the beat sent at `sentAt`. */
  answered(answer: BeatAnswer, sentAt: MonotonicMs): void
  /** A beat came to nothing; `away`: as far as can be told, so would any question. */
  missed(why: string, away: boolean): void
  /** Whom the edge should know us as. */
  readonly self: Introduction
  /** The edge's answer proves a setting of ours wrong; said in the log as well, once a minute. */
  disagrees(sentence: string): void
  /** Another process goes by the same name: this one is to end. */
  replaced(): void
  readonly log: Log
  readonly everyMs?: number
}

/* Implementation */
const budgetMs = 1_500
const leastPauseMs = 500
const complainEveryMs = 60_000
const answerBytesAtMost = 16 * 1024 * 1024
/** A relay which rests longer is taken for dead: its limits, leases and registrations would be other relays'. */
const longestPauseMs = deadAfterMs

/**
 * Says every two seconds how things stand, and brings what the edge answers.
 *
 * Each pause is jittered by a tenth, so that relays do not beat together. An edge which does not answer is
 * tried again after 2, then 5 to 6 seconds, or when it says (Retry-After), but never later than it counts us dead.
 * It rests while beats go over the hub's socket (`hub-link.ts`).
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> | undefined
  #missed = 0
  #retryAfterMs = 0
  #heardLast = false
  #stopped = false
  #resting = false
  #hurried = false
  #saidAt = 0
  #complainedAt = Number.NEGATIVE_INFINITY

  constructor(options: HeartbeatOptions) {
    this.#options = options
    this.#beat()
  }

  /** Something cannot wait for the next beat: it comes at once, yet no sooner than half a second after the last. */
  hurry(): void {
    if (this.#stopped || this.#resting || this.#missed > 0) return
    this.#hurried = true
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#beat(), Math.max(0, this.#saidAt + leastPauseMs - monotonicNow()))
  }

  /** Beats go another way, by which the edge was heard. */
  rest(): void {
    this.#resting = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#well()
  }

  /** The other way is lost: the first beat is in so many ms. */
  resume(inMs: number): void {
    this.#resting = false
    if (this.#stopped || this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.#beat(), inMs)
  }

  /** No beat from now on but a last one, where the edge listens: what is still held here is others' at once. */
  async stop(): Promise<void> {
    const last = !this.#stopped
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#beating
    if (last && this.#heardLast) await this.#once()
  }

  #beat(): void {
    this.#timer = undefined
    this.#hurried = false
    this.#saidAt = monotonicNow()
    this.#beating = this.#once().finally(() => {
      if (this.#stopped || this.#resting || this.#timer !== undefined) return
      this.#timer = setTimeout(() => this.#beat(), this.#pauseMs())
    })
  }

  #pauseMs(): number {
    const { everyMs = beatEveryMs } = this.#options
    if (this.#hurried && this.#missed === 0) return leastPauseMs
    return pauseMs({ everyMs, missed: this.#missed, retryAfterMs: this.#retryAfterMs, random: Math.random() })
  }

  async #once(): Promise<void> {
    const sentAt = monotonicNow()
    try {
      const reply = await this.#options.http.run({
        method: 'POST',
        path: 'beat',
        body: JSON.stringify(beatOf(this.#options.beats)),
        budgetMs,
        bytesAtMost: answerBytesAtMost,
      })
      this.#heard(reply, sentAt)
    } catch (error) {
      this.#miss((error as Error).message, true)
    }
  }

  #heard(reply: EdgeReply, sentAt: MonotonicMs): void {
    if (reply.status === 409 && isReplaced(reply)) return this.stepDown()
    this.#retryAfterMs = retryAfterMs(reply.headers['retry-after'], longestPauseMs)
    if (reply.status !== 200) return this.#refused(reply)
    const answer = read(reply)
    // An edge which does not know beats may well answer questions.
    if (typeof answer === 'string') return this.#miss(answer, false)
    this.#well()
    // Of what is new, a process which ends has no use.
    if (this.#stopped) return
    this.#options.answered(answer, sentAt)
    this.#complain(otherDomain(answer.base_domain, this.#options.self))
  }

  #well(): void {
    if (this.#missed > 0) this.#options.log('info', 'edge.back', { missed: this.#missed })
    this.#missed = 0
    this.#retryAfterMs = 0
    this.#heardLast = true
  }

  #refused(reply: EdgeReply): void {
    const wrong = wrongSetting(reply.status, reply, this.#options.self)
    // Too many beats (429) says nothing about questions.
    this.#miss(wrong ?? refusal(reply.status), reply.status >= 500 || isRevoked(reply))
    this.#complain(wrong)
  }

  #complain(sentence: string | undefined): void {
    const now = monotonicNow()
    if (sentence === undefined || now < this.#complainedAt + complainEveryMs) return
    this.#complainedAt = now
    const { log, disagrees } = this.#options
    log('error', 'edge.disagrees', { sentence })
    disagrees(sentence)
  }

  #miss(why: string, away: boolean): void {
    this.#heardLast = false
    if (this.#resting || this.#stopped) return
    // Said once for each time the edge goes away.
    if (++this.#missed === 2) this.#options.log('warn', 'edge.away', { why })
    this.#options.missed(why, away)
  }

  /** Another process has our name: says so, and has this one end. */
  stepDown(): void {
    this.#stopped = true
    this.#heardLast = false
    clearTimeout(this.#timer)
    const { log, beats, replaced } = this.#options
    const sentence = `Another process beats as ${beats.process.relay_id}: each relay needs a RELAY_KEY of its own. This one stops.`
    log('error', 'relay.replaced', { sentence })
    replaced()
  }
}

/** How long a beat is after the one before; `random` in [0, 1). */
export function pauseMs(after: {
  readonly everyMs: number
  /** Beats in a row which came to nothing. */
  readonly missed: number
  readonly retryAfterMs: number
  readonly random: number
}): number {
  const { everyMs, missed, retryAfterMs, random } = after
  const usual = missed > 1 ? longestPauseMs * (1 - random / 6) : everyMs * (0.9 + random / 5)
  return Math.min(longestPauseMs, Math.max(retryAfterMs, usual))
}

/** The answer, or what is wrong with it. */
function read(reply: EdgeReply): BeatAnswer | string {
  try {
    return valid(beatAnswer.safeParse(readJson(reply)))
  } catch (error) {
    return (error as Error).message
  }
}

function isReplaced({ body }: EdgeReply): boolean {
  return String(body).includes('RELAY_REPLACED')
}
