import type { MonotonicMs } from '#contract'
import type { DigitAim, G711Types, LegName, MediaReport } from '../ground/media.ts'
import { DigitQueue } from './digit-queue.ts'
import { dtmfKeys } from './dtmf.ts'
import { type DigitSending, type ListenStage, plain, type RewriteStage, type StageBuilder } from './stages.ts'
import { TelephoneEventReader, TelephoneEventWriter } from './telephone-event.ts'
import { ToneDetector } from './tone-detector.ts'
import { type Law, silence, ToneWriter } from './tone-generator.ts'

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
    const reader = listen instanceof DigitListener ? listen.reader : new TelephoneEventReader()
    const queue = before instanceof DigitSender ? before.queue : new DigitQueue()
    const sender = digits.send && new DigitSender(digits.send, queue, terms.aim.clock ?? 8000)
    const rewrite = sender && stages.rewrite ? new BothRewrites(stages.rewrite, sender) : sender
    return {
      ...(stages === plain ? {} : stages),
      listen: new DigitListener(digits, terms.leg, terms.report, reader),
      ...(rewrite && { rewrite }),
      ...(sender && { digits: sender }),
    }
  }
}

/** Sends keys to a party as it takes them: in the place of its partner's sound, or in packets of our own. */
class DigitSender implements RewriteStage, DigitSending {
  readonly queue: DigitQueue
  readonly packetTicks: number
  readonly #writer: RewriteStage
  /** Payload type of silence in packets of ours, and its octet. */
  readonly #silence: { readonly type: number; readonly octet: number } | undefined

  constructor(send: NonNullable<DigitAim['send']>, queue: DigitQueue, sound: number) {
    this.queue = queue
    this.packetTicks = sound / 50
    const [first] = send.form === 'inband' ? send.types : []
    this.#silence = first && { type: first.type, octet: silence[first.law] }
    this.#writer =
      send.form === 'rfc4733'
        ? new TelephoneEventWriter(queue, { type: send.type, clock: send.clock, sound })
        : new ToneWriter(queue, lawsOf(send.types))
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

function lawsOf(types: G711Types): (Law | undefined)[] {
  const laws: (Law | undefined)[] = new Array(128).fill(undefined)
  for (const { type, law } of types) laws[type] = law
  return laws
}

/** Hears the keys of a party in the forms it may send them in, and tells of each once. */
class DigitListener implements ListenStage {
  readonly reader: TelephoneEventReader
  readonly #isEvent = new Uint8Array(128)
  readonly #passes: boolean
  readonly #tones: ToneDetector | undefined
  readonly #leg: LegName
  readonly #report: (report: MediaReport) => void

  constructor(
    { events, passes, tones }: DigitAim,
    leg: LegName,
    report: (report: MediaReport) => void,
    reader: TelephoneEventReader,
  ) {
    for (const type of events) this.#isEvent[type] = 1
    this.#passes = passes
    this.#tones = tones && new ToneDetector(lawsOf(tones), true)
    this.#leg = leg
    this.#report = report
    this.reader = reader
  }

  hear(_: MonotonicMs, packet: Uint8Array, length: number): boolean {
    if (this.#isEvent[(packet[1] as number) & 0x7f] === 1) {
      this.#tell(this.reader.hear(packet, length), 'rfc4733')
      return this.#passes
    }
    if (this.#tones !== undefined) this.#tell(this.#tones.hear(packet, length), 'inband')
    return true
  }

  #tell(code: number, form: 'rfc4733' | 'inband'): void {
    if (code < 0) return
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
