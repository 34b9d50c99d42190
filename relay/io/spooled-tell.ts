import type { Tell } from '#contract'
import type { JournalRecord, Segment } from './journal-line.ts'
import { type Matter, matterOf } from './tell-matter.ts'
import { decisionIn, type TellText, textOf } from './tell-text.ts'

/** A tell which waits to be heard by the edge; `text` is the tell as JSON. */
export interface SpooledTell extends JournalRecord, TellText, Matter {
  /** What it takes in a file; 0: it stands in none. */
  readonly bytes: number
  /** Under way to the edge. */
  sent: boolean
  /** How often the edge did not accept it, and until when it rests (monotonic ms). */
  refused: number
  notBefore: number
  /** Until when it may wait for others to go with (monotonic ms); 0: it waits for none. */
  heldUntil: number
}

/** A tell as it waits, as it was found; undefined where its kind or its subject is not one this version knows. */
export function foundTell(kept: JournalRecord): SpooledTell | undefined {
  const matter = matterOf(JSON.parse(kept.text) as Tell)
  const states = {
    decided: undefined,
    bytes: kept.text.length,
    sent: false,
    refused: 0,
    notBefore: 0,
    heldUntil: 0,
  }
  return matter && Object.assign(kept, matter, states)
}

/**
 * One which is told now. `older`: the record of its call before this one, where that waits. Throws a TypeError where its kind is
 * not one this version knows.
 */
export function newTell(news: Tell, order: number, heldUntil: number, older?: SpooledTell): SpooledTell {
  const written = textOf(news, decisionBefore(news, older))
  const matter = matterOf(news, written.decided !== undefined)
  if (matter === undefined) throw new TypeError(`a tell of no kind known here: ${written.text.slice(0, 100)}`)
  return new NewTell(news.tell_id, order, heldUntil, written, matter)
}

/** All its fields are named: to put it together out of parts takes longer than to write it down. */
class NewTell implements SpooledTell {
  readonly id: string
  readonly order: number
  segment: Segment | undefined = undefined
  dropped = false
  readonly subject: string
  readonly of: string | undefined
  readonly customer: string | undefined
  readonly passing: boolean
  readonly whole: boolean
  readonly worth: 0 | 1 | 2
  readonly unsettled: boolean
  readonly implied: boolean
  readonly bytes: number
  sent = false
  refused = 0
  notBefore = 0
  heldUntil: number
  readonly #written: TellText

  constructor(id: string, order: number, heldUntil: number, written: TellText, matter: Matter) {
    this.id = id
    this.order = order
    this.heldUntil = heldUntil
    this.subject = matter.subject
    this.of = matter.of
    this.customer = matter.customer
    this.passing = matter.passing
    this.whole = matter.whole
    this.worth = matter.worth
    this.unsettled = matter.unsettled
    this.implied = matter.implied
    this.bytes = matter.implied ? 0 : written.text.length
    this.#written = written
  }

  get text(): string {
    return this.#written.text
  }

  get decided(): TellText['decided'] {
    return this.#written.decided
  }
}

/**
 * The decision, as JSON, of the record of the call before this one, where that waits: the two are told as one. One which the edge
 * did not accept stands alone, since it may be for its decision. undefined: none.
 */
function decisionBefore(tell: Tell, older: SpooledTell | undefined): string | undefined {
  if (tell.kind !== 'call' || tell.call.decision !== null) return undefined
  return older?.whole && !older.sent && older.refused === 0 ? decisionIn(older) : undefined
}
