/** What the E-model is told of one direction of a call's sound. */
export interface SoundMeasures {
  /** Encoding name, upper case. */
  readonly codec: string
  readonly packets: number
  /** Of these, those which had come before. */
  readonly duplicates?: number
  readonly lost: number
  /** Losses in a row count once. */
  readonly gaps: number
  readonly jitterMs: number
  /** undefined: not known, and taken to be none. */
  readonly roundTripMs: number | undefined
}

/**
 * Equipment impairment Ie and robustness against loss Bpl (ITU-T G.113 appendix I; G.711 with concealment). G.722 and
 * Opus have none on this scale, which is that of narrowband: they are taken as G.711, which they sound better than.
 */
const impairments: Readonly<Record<string, readonly [ie: number, bpl: number]>> = {
  PCMU: [0, 25.1],
  PCMA: [0, 25.1],
  G722: [0, 25.1],
  OPUS: [0, 25.1],
  G729: [11, 19],
  G723: [15, 16.1],
  GSM: [20, 10],
}

/** R with nothing in its way (G.107 §7.7). */
const BEST = 93.2
/** Milliseconds a phone takes at least: a packet is spoken before it is sent. */
const PACKET_MS = 20
/** From here on people interrupt each other. */
const TALKED_OVER_MS = 177.3

/**
 * Mean opinion score (1 to 4.5, two decimals) of sound as it came to us, by the E-model (ITU-T G.107), with the delay's
 * part as Cole and Rosenbluth put it. undefined: nothing came, or the codec's impairment is not known.
 */
export function meanOpinionScore(sound: SoundMeasures): number | undefined {
  const impairment = impairments[sound.codec]
  if (impairment === undefined || sound.packets === 0) return undefined
  const delayMs = PACKET_MS + (sound.roundTripMs ?? 0) / 2 + 2 * sound.jitterMs
  return scoreOf(BEST - delayImpairment(delayMs) - lossImpairment(sound, ...impairment))
}

function delayImpairment(ms: number): number {
  return 0.024 * ms + 0.11 * Math.max(0, ms - TALKED_OVER_MS)
}

/** G.107 §7.5 */
function lossImpairment(sound: SoundMeasures, ie: number, bpl: number): number {
  const { packets, duplicates = 0, lost, gaps } = sound
  const share = lost / (packets - duplicates + lost)
  const burst = gaps === 0 ? 1 : Math.max(1, (lost / gaps) * (1 - share))
  const percent = share * 100
  return ie + ((95 - ie) * percent) / (percent / burst + bpl)
}

/** G.107 annex B */
function scoreOf(r: number): number {
  if (r <= 0) return 1
  const score = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6
  return Math.round(Math.max(1, score) * 100) / 100
}
