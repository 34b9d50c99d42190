import type { Port } from '#contract'
import type { Aim, MediaCommand, MediaReport, SessionId, Side } from '../ground/media.ts'
import { portIn } from '../media/ng-answer.ts'
import type { NgLeg } from '../media/ng-leg.ts'
import type { Ports } from '../media/ports.ts'
import { monotonicNow } from './clock.ts'
import type { MediaPlane } from './media.ts'
import type { NgAnswer, NgClient } from './ng-client.ts'

/** What is ordered of a recording. */
export type RecordingOrder = Extract<
  MediaCommand,
  { type: 'record' | 'record-pause' | 'record-resume' | 'record-stop' }
>

interface NgRecordingsDeps {
  readonly client: NgClient
  /** Our own media thread. */
  readonly thread: MediaPlane
  readonly ports: Ports
  /** Where rtpengine reaches that thread. */
  readonly address: string
  /** Where rtpengine sends from. */
  readonly rtpengine: string
  readonly report: (report: MediaReport) => void
}

/** A recording under way: what our thread hears of whom. */
interface Listening {
  readonly recording: string
  readonly ports: Readonly<Record<Side, Port>>
  readonly sides: readonly Side[]
  readonly heard: Map<Side, NgLeg>
}

/**
 * Records what rtpengine carries: it sends a copy of what a party says to our media thread (subscription), which records that as
 * what it carries itself.
 */
export class NgRecordings {
  readonly #deps: NgRecordingsDeps
  readonly #listening = new Map<SessionId, Listening>()

  constructor(deps: NgRecordingsDeps) {
    this.#deps = deps
  }

  /** `parties`: whom each side is, and is heard by the party of. Throws in words where they cannot be heard. */
  async obey(order: RecordingOrder, parties: Partial<Record<Side, NgLeg>>, aims: Aims): Promise<void> {
    if (order.type === 'record') await this.#begin(order, parties, aims)
    this.#deps.thread.order(order)
  }

  /** Who speaks on a side may be another leg by now. */
  async follow(session: SessionId, parties: Partial<Record<Side, NgLeg>>): Promise<void> {
    const listening = this.#listening.get(session)
    if (listening === undefined) return
    for (const side of listening.sides) await this.#hear(listening, side, parties[side])
  }

  /** A party speaks by other payload types. */
  aimed(session: SessionId, side: Side, aim: Aim): void {
    if (this.#listening.get(session)?.sides.includes(side))
      this.#deps.thread.order({ type: 'aim', session, side, aim: this.#aimOf(aim) })
  }

  /** The session is over: so is its recording. */
  closed(session: SessionId): void {
    if (this.#listening.has(session)) this.#deps.thread.order({ type: 'close', session })
  }

  async #begin(
    { session, recording, side }: Extract<RecordingOrder, { type: 'record' }>,
    parties: Partial<Record<Side, NgLeg>>,
    aims: Aims,
  ): Promise<void> {
    if (this.#listening.has(session)) return
    const ports = this.#deps.ports.both(monotonicNow())
    if (typeof ports === 'string') throw new Error(ports)
    const sides: Side[] = side === 'both' ? ['caller', 'callee'] : [side]
    const listening: Listening = { recording, ports, sides, heard: new Map() }
    this.#listening.set(session, listening)
    const { thread } = this.#deps
    thread.order({ type: 'open', session, ports })
    thread.order({ type: 'disconnect', session, side: 'caller' })
    for (const each of sides) {
      const aim = aims[each]
      if (aim) thread.order({ type: 'aim', session, side: each, aim: this.#aimOf(aim) })
      await this.#hear(listening, each, parties[each])
    }
  }

  /** Only rtpengine is heard, and sent nothing. */
  #aimOf({ spoken, clock }: Aim): Aim {
    const silent = { rtp: undefined, rtcp: undefined, eager: false, mux: true, quiet: true }
    return { ...silent, sources: [this.#deps.rtpengine], ...(spoken && { spoken }), ...(clock && { clock }) }
  }

  async #hear(listening: Listening, side: Side, leg: NgLeg | undefined): Promise<void> {
    const before = listening.heard.get(side)
    if (before === leg) return
    if (before) await this.#unsubscribe(before, listening, side)
    listening.heard.delete(side)
    if (leg === undefined) return
    const { client, address } = this.#deps
    const ends = { 'from-tag': 'party', 'to-tag': tagOf(listening, side) }
    const plain = { 'transport-protocol': 'RTP/AVP', ICE: 'remove', DTLS: 'off' }
    const offer = await client.ask(leg.ask('subscribe request', { ...ends, ...plain }))
    if (portIn(offer) === undefined) throw new Error('rtpengine gives no port')
    const sdp = answerTo(offer, address, listening.ports[side])
    await client.ask(leg.ask('subscribe answer', { 'to-tag': ends['to-tag'], sdp }))
    listening.heard.set(side, leg)
  }

  async #unsubscribe(leg: NgLeg, listening: Listening, side: Side): Promise<void> {
    const ends = { 'from-tag': 'party', 'to-tag': tagOf(listening, side) }
    // The call it belongs to may be over.
    await this.#deps.client.ask(leg.ask('unsubscribe', ends)).catch(() => undefined)
  }

  /** What the thread says. */
  told(report: MediaReport): void {
    if (report.type !== 'recorded') return
    const listening = this.#listening.get(report.session)
    this.#deps.report(report)
    if (listening?.recording !== report.recording) return
    this.#listening.delete(report.session)
    void this.#leave(report.session, listening)
  }

  async #leave(session: SessionId, listening: Listening): Promise<void> {
    for (const [side, leg] of listening.heard) await this.#unsubscribe(leg, listening, side)
    this.#deps.thread.order({ type: 'close', session })
    for (const port of Object.values(listening.ports)) this.#deps.ports.give(monotonicNow(), port)
  }
}

/** Where each side was aimed last. */
export type Aims = Readonly<Partial<Record<Side, Aim>>>

function tagOf({ recording }: Listening, side: Side): string {
  return `${recording}-${side}`
}

/** The same as was offered, at our place: it is only heard. */
function answerTo({ sdp }: NgAnswer, address: string, port: Port): string {
  const family = address.includes(':') ? 'IP6' : 'IP4'
  return String(sdp)
    .replace(/^c=.*$/m, `c=IN ${family} ${address}`)
    .replace(/^m=audio \d+/m, `m=audio ${port}`)
    .replace(/^a=rtcp:.*\r?\n/m, '')
    .replace(/^a=sendonly$/m, 'a=recvonly')
}
