import type { MonotonicMs } from '#contract'
import type { DigitAim, G711Types, LegName, MediaReport } from '../ground/media.ts'
import { DigitQueue } from './digit-queue.ts'
import { dtmfKeys } from './dtmf.ts'
import { type ListenStage, plain, type RewriteStage, type StageBuilder } from './stages.ts'
import { TelephoneEventReader, TelephoneEventWriter } from './telephone-event.ts'
import { ToneDetector } from './tone-detector.ts'
import { type Law, ToneWriter } from './tone-generator.ts'

/**
 * Lets the keys of each party be heard, and sends it those it is ordered. `payloads` turns what its partner sends into
 * what it knows, before keys take the place of that.
 */
export function digitStages(payloads: StageBuilder): StageBuilder {
  return (terms) => {
    const { digits } = terms.aim
    const stages = payloads(terms)
    if (digits === undefined) return stages
    const { listen, digits: queue = new DigitQueue() } = terms.before
    const reader = listen instanceof DigitListener ? listen.reader : new TelephoneEventReader()
    const writer = writerOf(digits, queue, terms.aim.clock ?? 8000)
    const rewrite = writer && stages.rewrite ? new BothRewrites(stages.rewrite, writer) : writer
    return {
      ...(stages === plain ? {} : stages),
      listen: new DigitListener(digits, terms.leg, terms.report, reader),
      ...(rewrite && { rewrite }),
      digits: queue,
    }
  }
}

function writerOf({ send }: DigitAim, queue: DigitQueue, sound: number): RewriteStage | undefined {
  if (send === undefined) return undefined
  return send.form === 'rfc4733'
    ? new TelephoneEventWriter(queue, { type: send.type, clock: send.clock, sound })
    : new ToneWriter(queue, lawsOf(send.types))
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
