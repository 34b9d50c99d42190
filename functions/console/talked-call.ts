import { signal } from '@preact/signals'
import type { RTCSession } from 'jssip/lib/RTCSession'
import { meter, play } from './softphone-sound.ts'
import { qualityOf, type SoundCounts } from './softphone-words.ts'

interface TalkedOptions {
  readonly session: RTCSession
  /** Who is at the other end, in words. */
  readonly with: string
  readonly incoming: boolean
  readonly stream?: MediaStream
  /** Whose numbers a call is handed on to. */
  readonly domain: string
}

/** How the sound which comes is. */
export type TalkedQuality = ReturnType<typeof qualityOf>

/** A call of the phone in the console, from its first ring until it is over. */
export class TalkedCall {
  readonly session: RTCSession
  readonly with: string
  readonly incoming: boolean
  readonly state = signal<'rings' | 'talks' | 'over'>('rings')
  /** What has just become of it. */
  readonly words = signal('')
  readonly held = signal(false)
  /** Whether both sides have yet to agree on that. */
  readonly changing = signal(false)
  readonly muted = signal(false)
  /** How loud each side is, as parts of 1. */
  readonly said = signal(0)
  readonly heard = signal(0)
  readonly quality = signal<TalkedQuality>(undefined)
  byUs = false
  readonly #domain: string
  readonly #stops: (() => void)[] = []
  #counts: SoundCounts | undefined

  constructor({ session, with: other, incoming, stream, domain }: TalkedOptions) {
    this.session = session
    this.with = other
    this.incoming = incoming
    this.#domain = domain
    if (stream) this.speaks(stream)
    session.on('accepted', () => {
      this.state.value = 'talks'
    })
    session.on('hold', ({ originator }) => this.#onHold(originator === 'local', true))
    session.on('unhold', ({ originator }) => this.#onHold(originator === 'local', false))
    // One which was placed has its connection before it can be asked to tell of it.
    if (session.connection) this.#listen(session.connection)
    else session.on('peerconnection', ({ peerconnection }) => this.#listen(peerconnection))
  }

  /** What is said comes by this stream, which ends with the call. */
  speaks(stream: MediaStream): void {
    const stopped = meter(stream, (level) => {
      this.said.value = this.muted.value ? 0 : level
    })
    this.#stops.push(stopped, () => {
      for (const track of stream.getTracks()) track.stop()
    })
  }

  /** Another microphone takes the place of the one so far. */
  async speaksAnew(stream: MediaStream): Promise<void> {
    const [track = null] = stream.getAudioTracks()
    this.speaks(stream)
    const sender = this.session.connection?.getSenders().find((one) => one.track?.kind === 'audio')
    await sender?.replaceTrack(track)
  }

  /** One change after the other: what is asked for while one is agreed on would be passed over. */
  hold(on: boolean): void {
    const agreed = () => {
      this.changing.value = false
    }
    this.changing.value = on ? this.session.hold({}, agreed) : this.session.unhold({}, agreed)
  }

  mute(on: boolean): void {
    this.muted.value = on
    if (on) this.session.mute({ audio: true })
    else this.session.unmute({ audio: true })
  }

  /** Presses a key: within the sound where the browser can (RFC 4733), else by INFO. */
  press(key: string): void {
    const within = this.session.connection?.getSenders().some(({ dtmf }) => dtmf?.canInsertDTMF)
    this.session.sendDTMF(key, { transportType: (within ? 'RFC2833' : 'INFO') as never })
  }

  /** Hands the call on to another number or extension (RFC 3515). */
  transfer(to: string): void {
    this.words.value = `Handing it on to ${to} …`
    const say = (words: string) => () => {
      this.words.value = words
    }
    this.session.refer(`sip:${encodeURIComponent(to).replaceAll('%2B', '+')}@${this.#domain}`, {
      eventHandlers: {
        requestFailed: say('It was not handed on: that was refused.'),
        failed: say(`It was not handed on: ${to} was not reached.`),
        accepted: say(`${to} has it.`),
      },
    })
  }

  over(words: string): void {
    if (this.state.value === 'over') return
    this.state.value = 'over'
    this.words.value = words
    for (const stop of this.#stops.splice(0)) stop()
    void play(null)
  }

  #onHold(ours: boolean, on: boolean): void {
    if (ours) this.held.value = on
    else this.words.value = on ? 'The other side holds the call.' : ''
  }

  #listen(connection: RTCPeerConnection): void {
    connection.addEventListener('track', ({ track }) => {
      const stream = new MediaStream([track])
      void play(stream)
      this.#stops.push(
        meter(stream, (level) => {
          this.heard.value = level
        }),
      )
    })
    const timer = setInterval(() => void this.#measure(connection), 2_000)
    this.#stops.push(() => clearInterval(timer))
  }

  async #measure(connection: RTCPeerConnection): Promise<void> {
    const now = countsIn(await connection.getStats())
    if (now && this.#counts) this.quality.value = qualityOf(this.#counts, now) ?? this.quality.value
    this.#counts = now ?? this.#counts
  }
}

/** What a browser's statistics say of the sound which came; undefined: none has. */
function countsIn(report: RTCStatsReport): SoundCounts | undefined {
  const all: Record<string, unknown>[] = []
  report.forEach((one) => {
    all.push(one)
  })
  const came = all.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio')
  if (came === undefined) return undefined
  const told = all.find(({ type, kind }) => type === 'remote-inbound-rtp' && kind === 'audio')
  const number = (of: unknown) => (typeof of === 'number' ? of : 0)
  const roundTrip = told && typeof told.roundTripTime === 'number' ? told.roundTripTime : undefined
  return {
    received: number(came.packetsReceived),
    lost: number(came.packetsLost),
    jitter: number(came.jitter),
    roundTrip,
  }
}
