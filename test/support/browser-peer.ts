import { type BrowserServer, chromium, type Page } from 'playwright-core'
import { executablePath, quiet } from './browser.ts'

const address = 'http://localhost/'
const ownAddresses = [
  '--allow-loopback-in-peer-connection',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
]

/** What a browser's connection says of itself. */
export interface PeerFacts {
  readonly received: number
  readonly sent: number
  readonly lost: number
  /** Of what it hears: over 0 where that is no silence. */
  readonly energy: number
  readonly codec: string
  readonly cipher: string
  readonly dtls: string
  /** Round trip by our receiver reports; undefined: it heard none. */
  readonly roundTripMs: number | undefined
}

/** What else than its sound a party offers: a picture, before it, in one way for both (`max-bundle`). */
export interface Besides {
  readonly picture?: boolean
}

/** Who runs words of JavaScript in a page which has `peerScript`. */
export interface Pages {
  /** What they come to, once that is settled. */
  evaluate(expression: string): Promise<unknown>
}

/** Chromium without a window, whose pages make peer connections on this machine's own addresses. */
export class PeerBrowser {
  readonly #browser: BrowserServer
  readonly #page: Page

  private constructor(browser: BrowserServer, page: Page) {
    this.#browser = browser
    this.#page = page
  }

  static async open(): Promise<PeerBrowser> {
    const browser = await chromium.launchServer({
      executablePath,
      args: [...quiet, ...ownAddresses, '--autoplay-policy=no-user-gesture-required'],
    })
    const page = await (await chromium.connect(browser.wsEndpoint())).newPage({ permissions: ['microphone'] })
    await page.addInitScript(peerScript)
    // A page which may listen is told of this machine's addresses, and sends from them.
    await page.route(address, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }))
    await page.goto(address)
    await page.evaluate('navigator.mediaDevices.getUserMedia({ audio: true }).then(() => true)')
    return new PeerBrowser(browser, page)
  }

  /** A connection whose party says a tone of so many Hz, of half of full scale. */
  async peer(hz = 440, besides: Besides = {}): Promise<BrowserPeer> {
    return new BrowserPeer(
      this.#page,
      await this.#page.evaluate(`phone.open(${hz}, ${JSON.stringify(besides)})`),
    )
  }

  /** As if its machine had lost its power: it says goodbye to nobody. */
  kill(): Promise<void> {
    return this.#browser.kill()
  }

  close(): Promise<void> {
    return this.#browser.close()
  }
}

/** One of its peer connections. */
export class BrowserPeer {
  readonly #page: Pages
  readonly #at: number

  constructor(page: Pages, at: unknown) {
    this.#page = page
    this.#at = Number(at)
  }

  /** What it offers: first, or anew in another direction; `codecs`: these first. */
  offer(direction = 'sendrecv', codecs: readonly string[] = []): Promise<string> {
    return this.#run('offer', direction, codecs)
  }

  /** The answer to what it offered. */
  accept(answer: string): Promise<void> {
    return this.#run('accept', answer)
  }

  /** What it answers to an offer. */
  answer(offer: string): Promise<string> {
    return this.#run('answer', offer)
  }

  facts(): Promise<PeerFacts> {
    return this.#run('facts')
  }

  /** The loudest tone of what it hears just now, in Hz, and the height of its wave, in dB below full scale. */
  heard(): Promise<{ readonly hz: number; readonly level: number }> {
    return this.#run('heard')
  }

  /** Presses keys (RFC 4733). */
  press(keys: string): Promise<void> {
    return this.#run('press', keys)
  }

  /** What it offers next has a picture, too. */
  addPicture(): Promise<void> {
    return this.#run('addPicture')
  }

  close(): Promise<void> {
    return this.#run('close')
  }

  #run<T>(what: string, ...given: readonly unknown[]): Promise<T> {
    const words = given.map((each) => JSON.stringify(each)).join(', ')
    const run = `phone.${what}(${[this.#at, words].filter((word) => word !== '').join(', ')})`
    return this.#page.evaluate(run) as Promise<T>
  }
}

/** What runs in the page. Candidates are not waited for: who answers checks alone needs none. */
export const peerScript = `
const peers = []
const described = async (pc, made) => {
  await pc.setLocalDescription(made)
  return pc.localDescription.sdp
}
globalThis.phone = {
  open(hz, { picture = false } = {}) {
    const pc = new RTCPeerConnection({ iceServers: [], bundlePolicy: picture ? 'max-bundle' : 'balanced' })
    if (picture) pc.addTransceiver('video')
    const context = new AudioContext()
    const tone = new OscillatorNode(context, { frequency: hz })
    const way = context.createMediaStreamDestination()
    tone.connect(new GainNode(context, { gain: 0.5 })).connect(way)
    tone.start()
    const meter = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 })
    pc.addTrack(way.stream.getAudioTracks()[0], way.stream)
    pc.addEventListener('track', ({ track, streams }) => {
      const ear = new Audio()
      ear.srcObject = streams[0]
      ear.play().catch(() => undefined)
      context.createMediaStreamSource(streams[0]).connect(meter)
    })
    return peers.push({ pc, context, meter }) - 1
  },
  async offer(at, direction, codecs) {
    const { pc } = peers[at]
    const transceiver = pc.getTransceivers().find(({ receiver }) => receiver.track.kind === 'audio')
    transceiver.direction = direction
    const all = RTCRtpReceiver.getCapabilities('audio').codecs
    const named = ({ mimeType }) => codecs.includes(mimeType.slice(6)) || mimeType.endsWith('telephone-event')
    if (codecs.length > 0) transceiver.setCodecPreferences(all.filter(named))
    return described(pc, await pc.createOffer())
  },
  accept: (at, sdp) => peers[at].pc.setRemoteDescription({ type: 'answer', sdp }),
  async answer(at, sdp) {
    const { pc } = peers[at]
    await pc.setRemoteDescription({ type: 'offer', sdp })
    return described(pc, await pc.createAnswer())
  },
  heard(at) {
    const { meter, context } = peers[at]
    const [bins, wave] = [meter.frequencyBinCount, meter.fftSize].map((many) => new Float32Array(many))
    meter.getFloatFrequencyData(bins)
    meter.getFloatTimeDomainData(wave)
    const power = wave.reduce((sum, each) => sum + each * each, 0) / wave.length
    const hz = (bins.indexOf(Math.max(...bins)) * context.sampleRate) / meter.fftSize
    return { hz, level: 10 * Math.log10(2 * power + 1e-9) }
  },
  press: (at, keys) => peers[at].pc.getSenders().find(({ dtmf }) => dtmf).dtmf.insertDTMF(keys, 160, 70),
  addPicture: (at) => void peers[at].pc.addTransceiver('video'),
  close(at) {
    peers[at].pc.close()
    return peers[at].context.close()
  },
  async facts(at) {
    const facts = { received: 0, sent: 0, lost: 0, energy: 0, codec: '', cipher: '', dtls: '' }
    const all = await peers[at].pc.getStats()
    all.forEach((each) => {
      if (each.type === 'inbound-rtp' && each.kind === 'audio') {
        facts.received = each.packetsReceived
        facts.lost = each.packetsLost
        facts.energy = each.totalAudioEnergy
        facts.codec = all.get(each.codecId)?.mimeType ?? ''
      }
      if (each.type === 'outbound-rtp' && each.kind === 'audio') facts.sent = each.packetsSent
      if (each.type === 'remote-inbound-rtp' && each.roundTripTime !== undefined)
        facts.roundTripMs = each.roundTripTime * 1000
      if (each.type === 'transport') Object.assign(facts, { cipher: each.srtpCipher ?? '', dtls: each.dtlsState })
    })
    return facts
  },
}
`
