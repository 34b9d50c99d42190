/** Why a call of the phone in the console ended, or did not begin, in JsSIP's word for it; in words. */
export function endOf(cause: string, byUs: boolean): string {
  if (cause === 'Terminated') return byUs ? 'You hung up.' : 'The other side hung up.'
  return sentences[cause] ?? `It failed: ${cause}.`
}

const sentences: Readonly<Record<string, string>> = {
  Busy: 'Busy.',
  Canceled: 'It was taken back before it was answered.',
  Rejected: 'It was declined.',
  'No Answer': 'Nobody answered.',
  'Not Found': 'There is no such number or phone.',
  Unavailable: 'Nobody can be reached there now.',
  'Address Incomplete': 'The number is not complete.',
  'Authentication Error': 'The relay did not take the token of this phone.',
  'Connection Error': 'The connection to the relay was lost.',
  'Request Timeout': 'The relay did not answer.',
  'User Denied Media Access': 'The browser may not use a microphone: allow it for this page.',
  'Incompatible SDP':
    'There was no sound in common. Where this is so of every call, the relay has no media for browsers (WebRTC).',
  'Bad Media Description':
    'The browser could not read what the relay said of the sound: the relay has no media for browsers (WebRTC).',
  'WebRTC Error': 'The browser could not set up the sound.',
  'RTP Timeout': 'No sound came any more.',
}

/** What is measured of the sound which comes, as WebRTC counts it. */
export interface SoundCounts {
  readonly received: number
  readonly lost: number
  /** Seconds. */
  readonly jitter: number
  readonly roundTrip: number | undefined
}

/** How what came since the last look sounds. undefined: nothing has come since. */
export function qualityOf(
  before: SoundCounts,
  now: SoundCounts,
): { readonly tone: 'good' | 'warn' | 'bad'; readonly words: string } | undefined {
  const came = now.received - before.received
  const lost = Math.max(0, now.lost - before.lost)
  if (came <= 0) return undefined
  const share = lost / (came + lost)
  const jitterMs = Math.round(now.jitter * 1000)
  const delay = now.roundTrip === undefined ? '' : `, ${Math.round(now.roundTrip * 1000)} ms there and back`
  const words = `${percent(share)} lost, ${jitterMs} ms of jitter${delay}`
  if (share > 0.05 || jitterMs > 60) return { tone: 'bad', words: `Bad: ${words}` }
  return share > 0.01 || jitterMs > 30
    ? { tone: 'warn', words: `Fair: ${words}` }
    : { tone: 'good', words: `Good: ${words}` }
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`
}

/** How loud samples are (-1 to 1), as a part of 1: silence 0, -60 dB and below nothing, full scale 1. */
export function levelOf(samples: Float32Array): number {
  const power = samples.reduce((sum, one) => sum + one * one, 0) / Math.max(1, samples.length)
  if (power <= 0) return 0
  return Math.min(1, Math.max(0, 1 + (10 * Math.log10(2 * power)) / 60))
}

/** The caller as a From header names it: the display name, and the user where there is none (RFC 3261 §20.20). */
export function callerWords(display: string | undefined, user: string | undefined): string {
  return [display, user].find((one) => one !== undefined && one !== '') ?? 'an unknown caller'
}
