import { type Pcm, pcmOf, SoundFault } from './pcm.ts'
import { resampled } from './resample.ts'
import { laws, readWav } from './wav.ts'
import { wavOf } from './wav-header.ts'

/** Samples per second of what relays play. */
export const RATE = 8_000
/** Longer is not played. */
export const MOST_SECONDS = 600

/** What we read: WAV, or the bare octets of G.711, mono at 8 kHz. */
export type MediaForm = 'wav' | 'PCMU' | 'PCMA'

/** A WAV file of 16-bit PCM, mono, 8 kHz, which lasts `ms`. */
export interface TelephoneWav {
  readonly wav: Uint8Array<ArrayBuffer>
  readonly ms: number
}

/** What media types say (RFC 2361, RFC 2046 §4.3, RFC 4856), and what browsers and programs write instead. */
const forms: Readonly<Record<string, MediaForm>> = {
  'audio/wav': 'wav',
  'audio/x-wav': 'wav',
  'audio/wave': 'wav',
  'audio/vnd.wave': 'wav',
  'audio/basic': 'PCMU',
  'audio/pcmu': 'PCMU',
  'audio/x-mulaw': 'PCMU',
  'audio/mulaw': 'PCMU',
  'audio/pcma': 'PCMA',
  'audio/x-alaw': 'PCMA',
  'audio/alaw': 'PCMA',
}

/** The same by the end of a file's name. */
const endings: Readonly<Record<string, MediaForm>> = {
  wav: 'wav',
  ulaw: 'PCMU',
  ul: 'PCMU',
  alaw: 'PCMA',
  al: 'PCMA',
}

/** How other kinds of sound begin, which go by any media type. */
const strangers: readonly (readonly [RegExp, string])[] = [
  [/^(ID3|ÿ[ûúóòâã])/, 'MP3'],
  [/^OggS/, 'Ogg'],
  [/^fLaC/, 'FLAC'],
  [/^.{4}ftyp/s, 'MP4'],
  [/^\.snd/, 'AU'],
  [/^(RF64|RIFX)/, 'WAV in a form of its own (RF64, RIFX)'],
]

/** What is read of a body of this media type, with its parameters, or else of a file of this name; undefined: nothing. */
export function mediaFormOf(type: string, fileName = ''): MediaForm | undefined {
  const bare = type.split(';')[0]?.trim().toLowerCase() ?? ''
  const ending = fileName.toLowerCase().split('.').at(-1) ?? ''
  return forms[bare] ?? (['', 'application/octet-stream'].includes(bare) ? endings[ending] : undefined)
}

/** Makes of any sound which is read here what relays play. Throws a SoundFault. */
export function convertSound(bytes: Uint8Array, form: MediaForm): TelephoneWav {
  refuseStranger(bytes, form)
  const pcm = form === 'wav' ? readWav(bytes) : pcmOf(bytes, { form: laws[form], rate: RATE, channels: 1 })
  refuseLength(pcm)
  const samples = resampled(pcm, RATE)
  return { wav: wavOf(samples, RATE), ms: Math.round((samples.length * 1_000) / RATE) }
}

/** Octets of G.711 may begin as they like, but not as a WAV file does: its header would be heard. */
function refuseStranger(bytes: Uint8Array, form: MediaForm): void {
  const beginning = String.fromCharCode(...bytes.subarray(0, 12))
  if (form !== 'wav' && beginning.startsWith('RIFF'))
    throw new SoundFault('unsupported', 'is a WAV file, and its type says bare G.711: send it as audio/wav')
  const stranger = form === 'wav' ? strangers.find(([words]) => words.test(beginning)) : undefined
  if (stranger)
    throw new SoundFault('unsupported', `is ${stranger[1]}, which is not read here: make a WAV file of it`)
}

function refuseLength({ frames, rate }: Pcm): void {
  if (frames * RATE < rate) throw new SoundFault('broken', 'has no samples')
  const seconds = frames / rate
  if (seconds > MOST_SECONDS)
    throw new SoundFault('too_long', `lasts ${Math.ceil(seconds)} seconds, and may last ${MOST_SECONDS}`)
}
