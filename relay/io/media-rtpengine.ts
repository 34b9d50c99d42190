import { randomBytes } from 'node:crypto'
import { portNumber } from '#contract'
import type { RtpenginePlace } from '../config.ts'
import type { Note } from '../ground/effects.ts'
import type {
  Aim,
  LegName,
  MediaCommand,
  MediaCounters,
  MediaReport,
  SessionId,
  Side,
} from '../ground/media.ts'
import { dtmfKeys } from '../media/dtmf.ts'
import { countersOf, portIn } from '../media/ng-answer.ts'
import { NgLeg, type NgQuestion } from '../media/ng-leg.ts'
import type { Ports } from '../media/ports.ts'
import { monotonicNow } from './clock.ts'
import type { MediaPlane } from './media.ts'
import { hearDigits, type NgAnswer, NgClient, type NgDigit } from './ng-client.ts'
import { NgPlays } from './ng-plays.ts'
import { NgRecordings, type RecordingOrder } from './ng-recordings.ts'
import { saidBy } from './said-by.ts'
import type { SoundFiles } from './sound-files.ts'

interface RtpengineOptions {
  readonly place: RtpenginePlace
  /** Milliseconds of silence before it is reported; 0: never. */
  readonly timeoutMs?: number | undefined
  /** Starts our own media thread, which records. */
  readonly startThread: (report: (report: MediaReport) => void) => Promise<MediaPlane>
  /** Our own ports, and where rtpengine reaches them. */
  readonly ports: Ports
  readonly ownAddress: string
  /** Renders what is played into files which rtpengine reads. */
  readonly sounds: SoundFiles
  readonly report: (report: MediaReport) => void
  readonly log: (note: Note) => void
}

interface Session {
  readonly id: SessionId
  readonly legs: Partial<Record<Side, NgLeg>>
  /** Where each was aimed last. */
  readonly aims: Partial<Record<Side, Aim>>
  /** What was ordered last is done when this is. */
  turn: Promise<void>
  /** What rtpengine counted so far, and when that last was more. */
  counters: Record<Side, MediaCounters>
  movedAt: number
  silent: boolean
}

const nothing: MediaCounters = { packets: 0, bytes: 0, lost: 0, dropped: 0, jitterMs: 0 }
/** So often each session is looked at. */
const LOOK_MS = 10_000

/** The media plane where rtpengine carries the packets: each order becomes questions of its ng protocol, in order. */
export class RtpengineMedia implements MediaPlane {
  readonly engine = 'rtpengine'
  readonly thread = 0
  readonly dtls =
    'keys are agreed on (DTLS-SRTP) by the media thread alone, and sound is carried by rtpengine (MEDIA_ENGINE)'
  readonly opus =
    'codecs are turned by the media thread alone, and sound is carried by rtpengine (MEDIA_ENGINE)'
  /** The address rtpengine hears at. */
  readonly address: string
  readonly #client: NgClient
  readonly #thread: MediaPlane
  readonly #options: RtpengineOptions
  readonly #prefix: string
  readonly #sessions = new Map<SessionId, Session>()
  readonly #byCallId = new Map<string, LegName>()
  readonly #looking: NodeJS.Timeout
  readonly #recordings: NgRecordings
  readonly #plays: NgPlays
  #digits: { close(): void } | undefined

  private constructor(
    client: NgClient,
    thread: MediaPlane,
    address: string,
    prefix: string,
    options: RtpengineOptions,
  ) {
    this.#client = client
    this.#thread = thread
    this.address = address
    this.#prefix = prefix
    this.#options = options
    const { ports, ownAddress, sounds, report } = options
    this.#plays = new NgPlays({ client, sounds, report })
    this.#recordings = new NgRecordings({
      client,
      thread,
      ports,
      address: ownAddress,
      rtpengine: address,
      report,
    })
    this.#looking = setInterval(() => this.#lookAtAll(), LOOK_MS)
    this.#looking.unref()
  }

  /** Throws in words where rtpengine is not to be had. */
  static async start(options: RtpengineOptions): Promise<RtpengineMedia> {
    const { place, log } = options
    const prefix = randomBytes(6).toString('hex')
    const client = await NgClient.open(place.host, place.port, prefix)
    try {
      const address = await addressOf(client, prefix, place.host)
      const thread = await options.startThread((report) => media.#recordings.told(report))
      const media: RtpengineMedia = new RtpengineMedia(client, thread, address, prefix, options)
      if (place.digits)
        media.#digits = await hearDigits(place.digits.host, place.digits.port, (digit) => media.#digit(digit))
      const fields = { engine: 'rtpengine', address, digits: place.digits !== undefined }
      log({ type: 'note', level: 'info', event: 'media_started', fields })
      return media
    } catch (error) {
      client.close()
      const why = saidBy(error)
      throw new Error(
        `MEDIA_ENGINE names rtpengine at ${place.host}:${place.port}, which is of no use: ${why}. Start it with --listen-ng there, or leave MEDIA_ENGINE away.`,
      )
    }
  }

  order(command: MediaCommand): void {
    const session = command.type === 'open' ? this.#add(command) : this.#sessions.get(command.session)
    if (session === undefined) return
    const before = command.type === 'connect' ? this.#sessions.get(command.to.session)?.turn : undefined
    const turn = Promise.all([session.turn, before])
      .then(() => this.#obey(session, command))
      .catch((error: Error) => this.#failed(session, command, error.message))
    session.turn = turn
    const other = command.type === 'connect' ? this.#sessions.get(command.to.session) : undefined
    if (other) other.turn = turn
  }

  async stop(): Promise<void> {
    clearInterval(this.#looking)
    this.#digits?.close()
    await Promise.all([...this.#sessions.values()].map((session) => this.#close(session, undefined)))
    await this.#thread.stop()
    this.#client.close()
  }

  #add({ session, ports }: Extract<MediaCommand, { type: 'open' }>): Session {
    const legs: Partial<Record<Side, NgLeg>> = {}
    for (const side of ['caller', 'callee'] as const) {
      if (ports[side] === undefined) continue
      const leg = new NgLeg({ session, side }, this.#prefix, this.address)
      legs[side] = leg
      this.#byCallId.set(leg.callId, leg.name)
    }
    const added: Session = {
      id: session,
      legs,
      aims: {},
      turn: Promise.resolve(),
      counters: { caller: nothing, callee: nothing },
      movedAt: monotonicNow(),
      silent: false,
    }
    this.#sessions.set(session, added)
    return added
  }

  async #obey(session: Session, command: MediaCommand): Promise<void> {
    const leg =
      'side' in command && command.side !== 'both' ? session.legs[command.side ?? 'caller'] : undefined
    switch (command.type) {
      case 'open':
        return this.#open(session)
      case 'aim':
        leg?.aim(command.aim)
        session.movedAt = monotonicNow()
        session.silent = false
        session.aims[command.side] = command.aim
        this.#recordings.aimed(session.id, command.side, command.aim)
        return this.#settle(leg, this.#partnerOf(leg))
      case 'connect':
        await this.#connect(leg, this.#legOf(command.to))
        return this.#recordings.follow(session.id, this.#parties(session))
      case 'disconnect':
        return this.#connect(leg, undefined)
      case 'digits':
        return this.#press(leg, command.keys, command.ms)
      case 'play':
        if (leg === undefined) throw new Error('there is no such leg')
        return this.#plays.play(leg, command)
      case 'stop-play':
        return leg && this.#plays.stop(leg, command.play)
      case 'mute':
        throw new Error('a party is not muted here')
      case 'listen':
        Object.assign(session, { movedAt: monotonicNow(), silent: false })
        return
      case 'close':
        return this.#close(session, command.side)
      default:
        return this.#recordings.obey(command satisfies RecordingOrder, this.#parties(session), session.aims)
    }
  }

  /** Who is heard on each side of a session: a leg of another one which is joined with one of these, in the place of its own. */
  #parties({ legs: { caller, callee } }: Session): Partial<Record<Side, NgLeg>> {
    const [ofCallee, ofCaller] = [this.#partnerOf(callee), this.#partnerOf(caller)]
    const [one, other] = [caller ?? ofCallee, ofCaller ?? callee]
    return { ...(one && { caller: one }), ...(other && { callee: other }) }
  }

  /** Both legs have their ports at rtpengine, and are joined as far as there are two. */
  async #open(session: Session): Promise<void> {
    const legs = Object.values(session.legs)
    await Promise.all(legs.map((leg) => this.#exchange(leg)))
    const { caller, callee } = session.legs
    if (caller && callee) await this.#connect(caller, callee)
    const [one, other] = [caller?.ports?.party, callee?.ports?.party]
    const ports = { caller: one ?? other ?? portNumber(9), callee: other ?? one ?? portNumber(9) }
    this.#options.report({ type: 'opened', session: session.id, ports })
  }

  readonly #partners = new Map<NgLeg, NgLeg>()

  #partnerOf(leg: NgLeg | undefined): NgLeg | undefined {
    return leg && this.#partners.get(leg)
  }

  #legOf({ session, side }: LegName): NgLeg | undefined {
    return this.#sessions.get(session)?.legs[side]
  }

  /** Joins two legs; who had another partner, and that one, stand alone. Without `other` the leg does. */
  async #connect(leg: NgLeg | undefined, other: NgLeg | undefined): Promise<void> {
    if (leg === undefined) return
    const left = [this.#partnerOf(leg), this.#partnerOf(other)]
    for (const one of [leg, other, ...left]) if (one) this.#partners.delete(one)
    if (other) {
      this.#partners.set(leg, other)
      this.#partners.set(other, leg)
    }
    await this.#settle(leg, other, ...left)
  }

  /** Has rtpengine have these legs as they stand. */
  async #settle(...legs: (NgLeg | undefined)[]): Promise<void> {
    const whole = [...new Set(legs)].filter((leg) => leg !== undefined)
    for (const leg of whole) leg.join(this.#partnerOf(leg))
    await Promise.all(whole.map((leg) => this.#exchange(leg)))
  }

  async #exchange(leg: NgLeg): Promise<void> {
    for (const question of leg.exchange) {
      const answer = await this.#client.ask(question)
      const port = portIn(answer)
      if (port === undefined) throw new Error('rtpengine gives no port')
      // What is written for an end is where that end is to send.
      const end = question.command === 'offer' ? 'party' : 'inside'
      leg.ports = { party: port, inside: port, ...leg.ports, [end]: port }
    }
  }

  /** They are sent one after the other, each for `ms`. */
  async #press(leg: NgLeg | undefined, keys: string, ms: number): Promise<void> {
    if (leg === undefined) return
    if (!leg.sendsKeys) {
      leg.sendsKeys = true
      await this.#exchange(leg)
    }
    for (const code of keys)
      await this.#client.ask(leg.ask('play DTMF', { 'from-tag': 'inside', code, duration: ms, pause: ms }))
  }

  async #close(session: Session, only: Side | undefined): Promise<void> {
    const sides = only === undefined ? (Object.keys(session.legs) as Side[]) : [only]
    for (const side of sides) {
      const leg = session.legs[side]
      if (leg === undefined) continue
      this.#plays.closed(leg)
      const partner = this.#partnerOf(leg)
      this.#partners.delete(leg)
      if (partner) this.#partners.delete(partner)
      delete session.legs[side]
      this.#byCallId.delete(leg.callId)
      const answer = await this.#client
        .ask(leg.ask('delete', { 'from-tag': 'party', 'delete-delay': 0 }))
        .catch(() => undefined)
      session.counters[side] = (answer && countersOf(answer)) ?? session.counters[side]
    }
    const isOver = Object.keys(session.legs).length === 0
    if (isOver) this.#recordings.closed(session.id)
    if (isOver) this.#sessions.delete(session.id)
    this.#options.report({ type: isOver ? 'closed' : 'counted', session: session.id, ...session.counters })
  }

  #failed(session: Session, command: MediaCommand, why: string): void {
    const { report, log } = this.#options
    if (command.type === 'open') {
      this.#sessions.delete(session.id)
      for (const leg of Object.values(session.legs)) this.#byCallId.delete(leg.callId)
      return report({ type: 'failed', session: session.id, why })
    }
    if (command.type === 'play')
      return report({
        type: 'played',
        session: session.id,
        side: command.side,
        play: command.play,
        ms: 0,
        why,
      })
    if (command.type === 'record') return report(unrecorded(command, why))
    const fields = { order: command.type, session: session.id, why }
    log({ type: 'note', level: 'warn', event: 'media.refused', fields })
  }

  #lookAtAll(): void {
    for (const session of this.#sessions.values())
      session.turn = session.turn.then(() => this.#look(session)).catch(() => {})
  }

  /** Tells what was counted, and of a silence: rtpengine forgets a call by itself where nothing came for its own time-out. */
  async #look(session: Session): Promise<void> {
    const before = session.counters
    const counted = { ...before }
    let gone = 0
    for (const [side, leg] of Object.entries(session.legs) as [Side, NgLeg][]) {
      const answer = await this.#client.ask(leg.ask('query')).catch((error: Error) => error)
      if (answer instanceof Error) gone += /unknown call/i.test(answer.message) ? 1 : 0
      else counted[side] = countersOf(answer) ?? counted[side]
    }
    session.counters = counted
    const moved =
      counted.caller.packets !== before.caller.packets || counted.callee.packets !== before.callee.packets
    const now = monotonicNow()
    if (moved) Object.assign(session, { movedAt: now, silent: false })
    this.#options.report({ type: 'counted', session: session.id, ...counted })
    const ms = Math.round(now - session.movedAt)
    const { timeoutMs = 60_000 } = this.#options
    const isSilent = timeoutMs > 0 && (ms >= timeoutMs || gone > 0)
    if (isSilent && !session.silent)
      this.#options.report({ type: 'silent', session: session.id, side: 'both', ms })
    session.silent ||= isSilent
  }

  #digit({ callid, source_tag, event }: NgDigit): void {
    const leg = this.#byCallId.get(callid)
    const key = dtmfKeys[event]
    // What the inside sends was pressed elsewhere.
    if (leg === undefined || key === undefined || source_tag !== 'party') return
    this.#options.report({ type: 'digit', session: leg.session, side: leg.side, key, form: 'rfc4733' })
  }
}

function unrecorded(
  { session, recording }: Extract<RecordingOrder, { type: 'record' }>,
  why: string,
): MediaReport {
  return { type: 'recorded', session, recording, ms: 0, bytes: 0, end: 'failed', why }
}

/** What rtpengine writes into descriptions: found by a call which is given up at once. */
async function addressOf(client: NgClient, prefix: string, host: string): Promise<string> {
  await client.ask({ command: 'ping' })
  const leg = new NgLeg({ session: 0 as SessionId, side: 'caller' }, `${prefix}-probe`, host)
  const [offer] = leg.exchange as [NgQuestion]
  const answer: NgAnswer = await client.ask(offer)
  await client.ask(leg.ask('delete', { 'from-tag': 'inside', 'delete-delay': 0 }))
  const address = /^c=IN IP[46] (\S+)/m.exec(String(answer.sdp))?.[1]
  if (address === undefined) throw new Error('it says no address of its own')
  return address
}
