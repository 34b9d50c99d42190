import { randomUUID } from 'node:crypto'
import type { CallTell, MonotonicMs, Tell } from '#contract'
import { Journal } from './journal.ts'
import type { Log } from './log.ts'
import { foundTell, newTell, type SpooledTell } from './spooled-tell.ts'
import { callSubject } from './tell-matter.ts'
import { decisionIn } from './tell-text.ts'

/** A batch which is longer takes no more: an edge reads 4 MiB at once, and a letter may be three octets. */
const batchLength = 768 * 1024

/** Where tells are kept until they are heard, and how many. */
export interface SpoolOptions {
  readonly folder: string
  readonly log: Log
  /** How much may wait before binding tells are given up. */
  readonly maxBytes?: number
  readonly maxTells?: number
  readonly segmentBytes?: number
}

/**
 * Tells on disk until the edge has heard them: at least once each, in the order they happened.
 *
 * Of several waiting tells of one call only the newest is kept, since each is the whole record but for the decision, which
 * it takes over from the one before it; so with refreshes of one binding.
 */
export class Spool {
  readonly #journal: Journal
  readonly #log: Log
  readonly #maxBytes: number
  readonly #maxTells: number
  readonly #waiting = new Set<SpooledTell>()
  readonly #newestBySubject = new Map<string, SpooledTell>()
  #order = 0
  #bytes = 0
  #held = 0

  private constructor(journal: Journal, options: SpoolOptions) {
    this.#journal = journal
    this.#log = options.log
    this.#maxBytes = options.maxBytes ?? 1024 ** 3
    this.#maxTells = options.maxTells ?? 1_000_000
    journal.kept = () => [...this.#waiting]
  }

  /** Opens the folder, making it where there is none, and takes up what waits in it. */
  static async open(options: SpoolOptions): Promise<Spool> {
    const { folder, log, segmentBytes = 4 * 1024 * 1024 } = options
    const { journal, found } = await Journal.open({ folder, log, segmentBytes }, foundTell)
    const spool = new Spool(journal, options)
    for (const one of found) spool.#wait(one)
    spool.#order = (found.at(-1)?.order ?? -1) + 1
    // What was on its way to the edge waits again.
    spool.failed(found)
    return spool
  }

  /** Octets on disk of the tells which wait. */
  get bytes(): number {
    return this.#bytes
  }

  /** Tells which wait or are under way. */
  get size(): number {
    return this.#waiting.size
  }

  /** Those of them which are news: what is held to go with others waits for nothing the edge does. */
  get news(): number {
    return this.size - this.#held
  }

  /**
   * Never waits for the disk; what may not be lost with this process is with the kernel when this returns; what stands
   * elsewhere on the disk is written down there alone. `heldUntil`: it is no news, and goes with what is told until then
   * (monotonic ms).
   */
  add(news: Tell, heldUntil = 0): void {
    const older = news.kind === 'call' ? this.#newestBySubject.get(callSubject(news.call.call_id)) : undefined
    const added = newTell(news, this.#order++, heldUntil, older)
    // Before what it makes needless is dropped: torn between the two, the file has both.
    if (!added.implied) this.#journal.keep(added)
    this.#wait(added)
    if (added.worth > 0) this.#journal.write()
    if (this.#bytes > this.#maxBytes || this.size > this.#maxTells) this.#makeRoom()
  }

  /**
   * The oldest tells which may be sent at `now`, `count` at most; where there are any, those which are held go with them,
   * but for what is unsettled and none of them is about, and with `all` everything. They are under way until heard or failed.
   */
  take(count: number, now: MonotonicMs, all = false): SpooledTell[] {
    const batch: SpooledTell[] = []
    this.#fill(batch, count, now, (tell) => tell.heldUntil <= now)
    const calls = new Set(batch.map(({ of }) => of))
    if (batch.length > 0 || all)
      this.#fill(batch, count, now, ({ unsettled, subject }) => all || !unsettled || calls.has(subject))
    return batch.sort((one, other) => one.order - other.order)
  }

  /** These wait for no others any more; whether anything did. */
  hurry(which: (tell: SpooledTell) => boolean): boolean {
    const held = [...this.#waiting].filter((tell) => tell.heldUntil > 0 && which(tell))
    for (const tell of held) this.#release(tell)
    return held.length > 0
  }

  /** When the next tell may be sent (monotonic ms); undefined: none waits which is not under way. */
  dueAt(now: MonotonicMs): number | undefined {
    let earliest: number | undefined
    for (const { sent, notBefore, heldUntil } of this.#waiting) {
      if (sent) continue
      earliest = Math.min(earliest ?? Number.POSITIVE_INFINITY, Math.max(notBefore, heldUntil))
      if (earliest <= now) return earliest
    }
    return earliest
  }

  #fill(batch: SpooledTell[], count: number, now: MonotonicMs, which: (tell: SpooledTell) => boolean): void {
    let length = batch.reduce((sum, { text }) => sum + text.length, 0)
    for (const tell of this.#waiting) {
      if (batch.length >= count || length >= batchLength) break
      if (tell.sent || tell.notBefore > now || !which(tell)) continue
      tell.sent = true
      length += tell.text.length
      batch.push(tell)
    }
  }

  /** The edge has these. */
  heard(batch: readonly SpooledTell[]): void {
    for (const tell of batch) this.#forget(tell)
    this.#journal.drop(batch)
  }

  /** These wait again, unless something newer has made them needless meanwhile. */
  failed(batch: readonly SpooledTell[]): void {
    for (const tell of batch) {
      tell.sent = false
      this.#release(tell)
    }
    for (const tell of batch) {
      const newest = this.#newestBySubject.get(tell.subject)
      if (newest === undefined || newest === tell || tell.dropped) continue
      // It waited for no longer than this one could, had that been heard.
      if (!newest.sent) this.#release(newest)
      const joins = tell.whole && tell.refused === 0
      if (tell.passing || (joins && newest.whole)) this.heard([tell])
      else if (joins && newest.passing && !newest.sent) this.#join(tell, newest)
    }
  }

  /** Tells as one what a call's record was first, with its decision, and what it is now. */
  #join(older: SpooledTell, newest: SpooledTell): void {
    const { call, ...told } = JSON.parse(newest.text) as CallTell
    const decision = JSON.parse(decisionIn(older)) as CallTell['call']['decision']
    this.add({ ...told, call: { ...call, decision }, tell_id: randomUUID() })
    this.heard([older, newest])
  }

  /** Resolves when everything added so far is on disk. */
  flush(): Promise<void> {
    return this.#journal.flush()
  }

  close(): Promise<void> {
    return this.#journal.close()
  }

  #wait(tell: SpooledTell): void {
    const older = this.#newestBySubject.get(tell.subject)
    // What the edge was to hear by then it still hears: it knows of no later expiry.
    if (older && !older.sent) tell.heldUntil = Math.min(tell.heldUntil, older.heldUntil)
    this.#newestBySubject.set(tell.subject, tell)
    this.#waiting.add(tell)
    this.#bytes += tell.bytes
    if (tell.heldUntil > 0) this.#held += 1
    if (older && !older.sent && (older.passing || (tell.whole && older.refused === 0))) this.heard([older])
  }

  /** Its time has come: it is news. */
  #release(tell: SpooledTell): void {
    if (tell.heldUntil > 0 && this.#waiting.has(tell)) this.#held -= 1
    tell.heldUntil = 0
  }

  #forget(tell: SpooledTell): void {
    if (!this.#waiting.has(tell)) return
    this.#release(tell)
    this.#waiting.delete(tell)
    this.#bytes -= tell.bytes
    if (this.#newestBySubject.get(tell.subject) === tell) this.#newestBySubject.delete(tell.subject)
  }

  /** Gives up a tenth, so that this is not every write's next step. */
  #makeRoom(): void {
    const before = this.size
    for (const worth of [0, 1]) {
      for (const tell of this.#waiting) {
        const areMany = this.size > this.#maxTells * 0.9
        if (this.#bytes <= this.#maxBytes * 0.9 && !areMany) break
        // What stands in no file gives no room back.
        if (tell.worth === worth && !tell.sent && (areMany || tell.bytes > 0)) this.heard([tell])
      }
    }
    this.#log('error', 'spool.full', { given_up: before - this.size, waiting: this.size })
  }
}
