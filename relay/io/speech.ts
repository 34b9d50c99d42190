import type { TelephoneWav } from '#sound'
import { espeak } from './espeak.ts'
import type { Log } from './log.ts'
import type { SpeechThread } from './speech-thread.ts'

/** A text, in which language (BCP 47) and by which voice, '' for the usual one. */
export interface Saying {
  readonly text: string
  readonly language: string
  readonly voice: string
}

interface SpeechOptions {
  readonly thread: Pick<SpeechThread, 'run' | 'stop'>
  /** Another engine, which is asked before our own; undefined: there is none. */
  readonly hosted: { readonly url: string; readonly token: string | undefined } | undefined
  readonly log: Log
  /** What is started for languages other than English. */
  readonly espeakCommand?: string
}

/** flite's voices, all of which speak American English; the first is the usual one. */
const fliteVoices = ['slt', 'rms', 'awb', 'kal', 'kal16']
const HOSTED_MS = 8_000
const HOSTED_BYTES = 32 * 1024 * 1024

/** Has texts spoken: by a hosted engine where one is set, else by flite in English and by espeak-ng in other languages. */
export class Speech {
  readonly #options: SpeechOptions

  constructor(options: SpeechOptions) {
    this.#options = options
  }

  /** Who would say it: texts which are said by the same sound alike. A voice which is not known is the usual one. */
  voiceFor({ language, voice }: Omit<Saying, 'text'>): string {
    if (this.#options.hosted) return `hosted ${language} ${voice}`
    return isEnglish(language) ? `flite ${fliteVoice(voice)}` : `espeak ${language.toLowerCase()}`
  }

  /** Rejects, saying why. */
  async say(saying: Saying): Promise<TelephoneWav> {
    const { hosted, log } = this.#options
    if (!/^[a-z]{2,3}(-[a-z0-9]{1,8})*$/i.test(saying.language))
      throw new Error(`"${saying.language}" is no language such as en-US`)
    if (hosted === undefined) return this.#ownSaying(saying)
    try {
      return await this.#options.thread.run({ convert: await hostedSaying(hosted, saying) })
    } catch (error) {
      log('warn', 'speech.hosted_failed', { why: (error as Error).message })
      return this.#ownSaying(saying)
    }
  }

  stop(): Promise<void> {
    return this.#options.thread.stop()
  }

  async #ownSaying({ text, language, voice }: Saying): Promise<TelephoneWav> {
    const { thread, espeakCommand } = this.#options
    if (isEnglish(language)) return thread.run({ say: text, voice: fliteVoice(voice) })
    return thread.run({ convert: await espeak(text, language, espeakCommand) })
  }
}

function isEnglish(language: string): boolean {
  return /^en(-|$)/i.test(language)
}

function fliteVoice(voice: string): string {
  return fliteVoices.find((one) => one === voice.toLowerCase()) ?? 'slt'
}

/** A WAV file, of any rate, of what the hosted engine says. */
async function hostedSaying(
  { url, token }: { readonly url: string; readonly token: string | undefined },
  saying: Saying,
): Promise<Uint8Array> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'audio/wav',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(saying),
    signal: AbortSignal.timeout(HOSTED_MS),
  })
  if (!response.ok) throw new Error(`it answered ${response.status}`)
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > HOSTED_BYTES) throw new Error('what it says is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
