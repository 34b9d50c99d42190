import type { MonotonicMs } from '#contract'
import type { DigitAim, G711Types, LegName, MediaReport } from '../ground/media.ts'
import { TokenBucket } from '../ground/token-bucket.ts'
import { DigitQueue } from './digit-queue.ts'
import { dtmfKeys } from './dtmf.ts'
import { type Law, silence } from './g711.ts'
import {
  type DigitSending,
  type ListenStage,
  plain,
  type RewriteStage,
  type StageBuilder,
  type StageTerms,
} from './stages.ts'
import { TelephoneEventReader, TelephoneEventWriter } from './telephone-event.ts'
import { ToneDetector } from './tone-detector.ts'
import { ToneWriter } from './tone-generator.ts'

/**
 * Lets the keys of each party be heard, and sends it those it is ordered. `payloads` turns what its partner sends into
 * what it knows, before keys take the place of that.
 */
export function digitStages(payloads: StageBuilder): StageBuilder {
  return (terms) => {
    const { digits } = terms.aim
    const stages = payloads(terms)
    if (digits === undefined) return stages
    const { listen, digits: before } = terms.before
    // Keys take the place of sound before that becomes Opus.
    const clock = terms.aim.opus ? 8000 : (terms.aim.clock ?? 8000)
    const sender = digits.send && senderOf(digits.send, clock, before)
    const rewrite = sender && stages.rewrite ? new BothRewrites(stages.rewrite, sender) : sender
    return {
      ...(stages === plain ? {} : stages),
      listen: new DigitListener(digits, terms, listen instanceof DigitListener ? listen : undefined),
      ...(rewrite && { rewrite }),
      ...(sender && { digits: sender }),
    }
  }
}

type Send = NonNullable<DigitAim['send']>

/** The one before where nothing has changed for it: it knows which key is under way, that another would send again. */
function senderOf(send: Send, sound: number, before: DigitSending | undefined): DigitSender {
  if (!(before instanceof DigitSender)) return new DigitSender(send, new DigitQueue(), sound)
  return before.sends(send, sound) ? before : new DigitSender(send, before.queue, sound)
}

/** Sends keys to a party as it takes them: in the place of its partner's sound, or in packets of our own. */
class DigitSender implements RewriteStage, DigitSending {
  readonly queue: DigitQueue
  readonly packetTicks: number
  readonly #send: Send
  readonly #writer: RewriteStage
  /** Payload type of silence in packets of ours, and its octet. */
  readonly #silence: { readonly type: number; readonly octet: number } | undefined

  constructor(send: Send, queue: DigitQueue, sound: number) {
    this.queue = queue
    this.#send = send
    this.packetTicks = sound / 50
    const [first] = send.form === 'inband' ? send.types : []
    this.#silence = first && { type: first.type, octet: silence[first.law] }
    this.#writer =
      send.form === 'rfc4733'
        ? new TelephoneEventWriter(queue, { type: send.type, clock: send.clock, sound })
        : new ToneWriter(queue, lawsOf(send.types))
  }

  /** Whether it is what would be made for these. */
  sends(send: Send, sound: number): boolean {
    return this.packetTicks === sound / 50 && isSame(this.#send, send)
  }

  get isEmpty(): boolean {
    return this.queue.isEmpty
  }

  add(keys: string, ms: number): void {
    this.queue.add(keys, ms)
  }

  rewrite(packet: Uint8Array, length: number): number {
    return this.#writer.rewrite(packet, length)
  }

  fill(packet: Uint8Array, length: number): number {
    packet[1] = this.#silence?.type ?? 0
    packet.fill(this.#silence?.octet ?? 0, 12, length)
    const told = this.#writer.rewrite(packet, length)
    // Between two events nothing is to be said; between two tones there is silence.
    return told === length && this.#silence === undefined ? 0 : told
  }
}

function isSame(one: Send, other: Send): boolean {
  if (one.form === 'rfc4733')
    return other.form === 'rfc4733' && one.type === other.type && one.clock === other.clock
  if (other.form === 'rfc4733' || one.types.length !== other.types.length) return false
  return one.types.every(
    ({ type, law }, at) => type === other.types[at]?.type && law === other.types[at]?.law,
  )
}

function lawsOf(types: G711Types): (Law | undefined)[] {
  const laws: (Law | undefined)[] = new Array(128).fill(undefined)
  for (const { type, law } of types) laws[type] = law
  return laws
}

/** More keys than fingers press: what comes beyond is a flood, and each is told to a carrier at the cost of a request. */
const presses = { atOnce: 20, perSecond: 12 }

/** Hears the keys of a party in the forms it may send them in, and tells of each once. */
class DigitListener implements ListenStage {
  readonly #reader: TelephoneEventReader
  readonly #presses: TokenBucket
  readonly #isEvent = new Uint8Array(128)
  readonly #passes: boolean
  readonly #tones: ToneDetector | undefined
  readonly #leg: LegName
  readonly #report: (report: MediaReport) => void

  /** `before`: the one whose place this takes; a key under way stays heard. */
  constructor(
    { events, passes, tones }: DigitAim,
    { leg, report }: Pick<StageTerms, 'leg' | 'report'>,
    before: DigitListener | undefined,
  ) {
    for (const type of events) this.#isEvent[type] = 1
    this.#passes = passes
    this.#tones = tones && new ToneDetector(lawsOf(tones), true)
    this.#leg = leg
    this.#report = report
    this.#reader = before ? before.#reader : new TelephoneEventReader()
    this.#presses = before ? before.#presses : new TokenBucket(presses)
  }

  hear(now: MonotonicMs, packet: Uint8Array, length: number): boolean {
    if (this.#isEvent[(packet[1] as number) & 0x7f] === 1) {
      this.#tell(now, this.#reader.hear(packet, length), 'rfc4733')
      return this.#passes
    }
    if (this.#tones !== undefined) this.#tell(now, this.#tones.hear(packet, length), 'inband')
    return true
  }

  #tell(now: MonotonicMs, code: number, form: 'rfc4733' | 'inband'): void {
    if (code < 0 || !this.#presses.take(now)) return
    const { session, side } = this.#leg
    this.#report({ type: 'digit', session, side, key: dtmfKeys[code] ?? '', form })
  }
}

class BothRewrites implements RewriteStage {
  readonly #first: RewriteStage
  readonly #second: RewriteStage

  constructor(first: RewriteStage, second: RewriteStage) {
    this.#first = first
    this.#second = second
  }

  rewrite(packet: Uint8Array, length: number): number {
    const first = this.#first.rewrite(packet, length)
    return first < 0 ? first : this.#second.rewrite(packet, first)
  }
}
