import { readlinkSync } from 'node:fs'
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { MediaCommand, MediaReport } from '../ground/media.ts'
import { PACE_MS } from '../media/digit-pacer.ts'
import { digitStages } from '../media/digit-stage.ts'
import type { RtpPort } from '../media/media-leg.ts'
import { MediaRelay, type RtcpSending } from '../media/media-relay.ts'
import { payloadStages } from '../media/payload-stage.ts'
import type { RecordingSink } from '../media/recorder.ts'
import type { SinkReport } from '../media/recordings.ts'
import { srtpStages } from '../media/srtp-stage.ts'
import { type StageBuilder, stagesFrom } from '../media/stages.ts'
import { opusStages } from '../media/transcode-stage.ts'
import { monotonicNow } from './clock.ts'
import { entropy } from './entropy.ts'
import { libopus } from './libopus.ts'
import { dgramEngine } from './media-dgram.ts'
import type { CipherName, MediaEngine, MediaWork } from './media-engine.ts'
import { ffiEngine } from './media-ffi.ts'
import { opensslDtls } from './openssl-dtls.ts'
import type { WriteOrder } from './recording-writer.ts'

/** How the media thread reads sockets: by the C library, or by Node's. */
export type MediaEngineName = 'ffi' | 'dgram'

/** What the thread is started with. */
export interface MediaThreadSetup {
  readonly engine: MediaEngineName | undefined
  readonly host: string
  readonly timeoutMs: number
  /** Commands come in, reports go out. */
  readonly port: MessagePort
  /** Leads to the thread which writes recordings, once there is one. */
  readonly writer: MessagePort
  /** False: there will be none. */
  readonly records: boolean
}

/** A file which was wanted: what it holds, or why it could not be read. */
export type ReadFile =
  | { readonly path: string; readonly file: Uint8Array<ArrayBuffer> }
  | { readonly path: string; readonly why: string }

/** What one turn of the SIP thread ordered, or a file which was read; 'stop' ends the thread. */
export type Orders = readonly MediaCommand[] | ReadFile | 'stop'

/** What comes back: reports, or the paths of files which are to be read. */
export type Told = readonly MediaReport[] | { readonly wanted: readonly string[] }

/** The thread's first word. */
export interface Ready {
  readonly engine: MediaEngineName
  /** Why it is not the engine one would have wished for. */
  readonly why: string | undefined
  /** An eventfd to be written after each batch of commands. */
  readonly wake: number | undefined
  readonly thread: number
  readonly cipher: CipherName
  /** Why it is not OpenSSL's, where that was tried. */
  readonly cipherWhy: string | undefined
  /** Hashes of the certificates by which keys are agreed on (DTLS), or why none are. */
  readonly dtls: readonly string[] | string
  /** Opus is turned into G.711, and back; words: why not. */
  readonly opus: true | string
}

/** Who may put something in the way of a leg's packets. */
const stageBuilders: readonly StageBuilder[] = [digitStages(payloadStages)]

/** A NAT's rebinding is heard of so soon, after the silence it begins with. */
const UNTIE_MS = 200
/** A sweep which comes so early counts as in time. */
const EARLY_MS = 25

if (parentPort !== null) run(workerData as MediaThreadSetup, parentPort)

/** The media thread: obeys commands, moves packets, reports. */
function run(setup: MediaThreadSetup, parent: MessagePort): void {
  const dtls = opensslDtls()
  const opus = libopus()
  const srtp = srtpStages((key) => engine.cipher(key))
  const { engine, name, why } = chooseEngine(setup, {
    arrive: (now, rtpPort, from, packet, length) => mediaRelay.arrive(now, rtpPort, from, packet, length),
    woken: obeyAll,
    turnMs: (now) => (pacing === undefined ? sweepAt - now : Math.min(sweepAt - now, PACE_MS)),
    beat,
    done: report,
  })
  const rtcp: RtcpSending = {
    entropy,
    send: (rtpPort, packet, length) => engine.send(rtpPort, packet, length),
    packet: engine.packet,
    reply: (rtpPort, to, packet, length) => engine.reply(rtpPort, to, packet, length),
    dtls: typeof dtls === 'string' ? undefined : dtls,
  }
  const stagesOf = stagesFrom([
    ...stageBuilders,
    opusStages(typeof opus === 'string' ? undefined : opus),
    srtp,
  ])
  const sink = setup.records ? sinkBehind(setup.writer) : undefined
  const mediaRelay = new MediaRelay(setup.timeoutMs, stagesOf, rtcp, sink)
  const { player } = mediaRelay

  let pacing: NodeJS.Timeout | undefined

  function obeyAll(): boolean {
    let any = false
    for (let next = receiveMessageOnPort(setup.port); next; next = receiveMessageOnPort(setup.port)) {
      any = true
      obeyEach(next.message as Orders)
    }
    return any
  }

  function obeyEach(orders: Orders): void {
    if (orders === 'stop') stop()
    else if ('path' in orders) hear(orders)
    else orders.forEach(obey)
  }

  function obey(command: MediaCommand): void {
    const id = command.session
    if (command.type === 'aim') aim(mediaRelay.aim(monotonicNow(), id, command.side, command.aim))
    else if (command.type === 'close') release(mediaRelay.close(id, command.side))
    else if (command.type === 'connect') mediaRelay.connect(command, command.to)
    else if (command.type === 'mute') mediaRelay.mute(command, command.muted)
    else if (command.type === 'disconnect') mediaRelay.disconnect(command)
    else if (command.type === 'listen') mediaRelay.listen(monotonicNow(), command)
    else if (command.type === 'digits') press(command)
    else if (command.type === 'play') play(command)
    else if (command.type === 'stop-play') mediaRelay.stopPlay(command, command.play)
    else if (command.type === 'open') open(mediaRelay.open(id, command.ports))
    else if (command.type === 'record') mediaRelay.record(monotonicNow(), command)
    else mediaRelay.recordings.change(monotonicNow(), command)
  }

  function aim(rtpPorts: RtpPort[]): void {
    for (const rtpPort of rtpPorts) {
      engine.loosen(rtpPort)
      if (rtpPort.control) settle(rtpPort)
    }
  }

  /** Where RTCP's socket cannot be had again, the sound goes on without reports. */
  function settle(rtcp: RtpPort): void {
    const change = rtcp.leg.changeOfRtcp()
    if (change === 'release') engine.release(rtcp)
    if (change === 'bind') engine.bind(rtcp, (why) => why !== undefined && engine.release(rtcp))
  }

  function play(command: Extract<MediaCommand, { type: 'play' }>): void {
    mediaRelay.play(monotonicNow(), command)
    const wanted = player?.sounds.wanted.splice(0) ?? []
    if (wanted.length > 0) setup.port.postMessage({ wanted } satisfies Told)
    beat()
  }

  /** A file which was wanted. */
  function hear(read: ReadFile): void {
    if ('file' in read) player?.read(read.path, read.file)
    else player?.unread(read.path, read.why)
  }

  function beat(): void {
    const ms = player?.beat(monotonicNow()) ?? Number.POSITIVE_INFINITY
    if (ms !== Number.POSITIVE_INFINITY) engine.beatIn(ms)
  }

  function press(command: Extract<MediaCommand, { type: 'digits' }>): void {
    mediaRelay.digits(command, command.keys, command.ms)
    pacing ??= setInterval(pace, PACE_MS)
  }

  function pace(): void {
    if (mediaRelay.pace(monotonicNow())) return
    clearInterval(pacing)
    pacing = undefined
  }

  function open(rtpPorts: RtpPort[]): void {
    for (const rtpPort of rtpPorts)
      if (!rtpPort.leg.closed) engine.bind(rtpPort, (why) => bound(rtpPort, why))
  }

  function bound(rtpPort: RtpPort, why: string | undefined): void {
    if (why === undefined) mediaRelay.bound(rtpPort)
    else release(mediaRelay.fail(rtpPort, why))
    // An engine which obeys several commands in one go says itself when it is done.
    if (engine.wake === undefined) report()
  }

  function release(rtpPorts: RtpPort[]): void {
    for (const rtpPort of rtpPorts) engine.release(rtpPort)
  }

  function report(): void {
    if (mediaRelay.reports.length > 0) setup.port.postMessage(mediaRelay.reports.splice(0))
  }

  function stop(): void {
    clearTimeout(sweeping)
    clearInterval(pacing)
    engine.stop()
    setup.writer.postMessage({ type: 'stop' } satisfies WriteOrder)
    setup.writer.close()
    setup.port.close()
  }

  /** Asked for, and not waited for: the engine's own loop may leave no turn to a port which listens. */
  function hearWriter(): void {
    const now = monotonicNow()
    for (let next = receiveMessageOnPort(setup.writer); next; next = receiveMessageOnPort(setup.writer))
      mediaRelay.recordings.told(now, next.message as SinkReport)
  }

  function sweep(): void {
    const now = monotonicNow()
    hearWriter()
    mediaRelay.sweep(now)
    if (now >= untieAt) mediaRelay.eachDeaf(now, untie)
    if (now >= untieAt) untieAt = now + UNTIE_MS - EARLY_MS
    report()
    sweepAt = now + mediaRelay.sweepMs
    sweeping = setTimeout(sweep, mediaRelay.sweepMs)
  }

  let sweeping: NodeJS.Timeout | undefined
  let sweepAt = 0
  let untieAt = 0
  const untie = (rtpPort: RtpPort) => engine.loosen(rtpPort)
  sweep()
  if (engine.wake === undefined) {
    setup.port.on('message', (orders: Orders) => {
      obeyEach(orders)
      report()
    })
  }
  parent.postMessage({
    engine: name,
    why,
    wake: engine.wake,
    thread: threadId(),
    cipher: engine.cipherName,
    cipherWhy: engine.cipherWhy,
    dtls: typeof dtls === 'string' ? dtls : dtls.fingerprints,
    opus: typeof opus === 'string' ? opus : true,
  } satisfies Ready)
}

/** The thread which writes: blocks are handed over to it, not copied. */
function sinkBehind(writer: MessagePort): RecordingSink {
  const order = (what: WriteOrder, transfer: ArrayBuffer[] = []) => writer.postMessage(what, transfer)
  return {
    open: ({ recording, path, channels }) => order({ type: 'open', recording, path, channels }),
    write: (recording, block) => order({ type: 'write', recording, block }, [block.buffer as ArrayBuffer]),
    close: (recording) => order({ type: 'close', recording }),
  }
}

function chooseEngine(
  setup: MediaThreadSetup,
  work: MediaWork,
): { engine: MediaEngine; name: MediaEngineName; why: string | undefined } {
  if (setup.engine === 'dgram')
    return { engine: dgramEngine(setup.host, work), name: 'dgram', why: undefined }
  const engine = ffiEngine(setup.host, work)
  if (typeof engine !== 'string') return { engine, name: 'ffi', why: undefined }
  if (setup.engine === 'ffi') throw new Error(`RTP_ENGINE=ffi does not work here: ${engine}`)
  return { engine: dgramEngine(setup.host, work), name: 'dgram', why: engine }
}

/** Linux names the calling thread here; elsewhere there is nothing to find. */
function threadId(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1))
  } catch {
    return 0
  }
}
