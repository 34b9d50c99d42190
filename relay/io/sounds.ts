import { spokenText } from '#sound'
import type { SoundFile, SoundQuestion, SoundSource } from '../ground/sound.ts'
import { monotonicNow, systemUtc } from './clock.ts'
import { type BroughtSound, type EdgeSounds, sha256Of } from './edge-sounds.ts'
import type { Log } from './log.ts'
import type { CachedSound, SoundCache } from './sound-cache.ts'
import type { Speech } from './speech.ts'
import { Turns } from './turns.ts'

interface SoundsOptions {
  readonly cache: SoundCache
  readonly edge: Pick<EdgeSounds, 'prompt' | 'at'>
  readonly speech: Pick<Speech, 'say' | 'voiceFor'>
  readonly log: Log
}

/** A call waits no longer for its sound, unless it says so; what comes later is there for the next. */
const BUDGET_MS = 15_000
/** What could not be had is not tried again for a moment, however many calls want it. */
const REFUSED_MS = 3_000
const REFUSALS_AT_MOST = 1_000

/** Brings the sounds which calls play to this disk, each of them once. */
export class Sounds {
  readonly #options: SoundsOptions
  /** What is being brought, by name. */
  readonly #bringing = new Map<string, Promise<SoundFile>>()
  readonly #turns = new Turns('sounds')
  readonly #refused = new Map<string, { readonly why: string; readonly until: number }>()

  constructor(options: SoundsOptions) {
    this.#options = options
  }

  /** Where a sound is, on this disk. Rejects, saying why, where it is not there within `withinMs`. */
  async find(question: SoundQuestion, withinMs = BUDGET_MS): Promise<SoundFile> {
    const sound = said(question.sound)
    const name = await sha256Of(this.#nameOf(question.customer_id, sound))
    const refused = this.#refused.get(name)
    if (refused !== undefined && refused.until > monotonicNow()) throw new Error(refused.why)
    const bringing = this.#bringing.get(name) ?? this.#begin(name, { ...question, sound })
    return inTime(bringing, withinMs)
  }

  /** All who want the same at once wait for the same. */
  #begin(name: string, question: SoundQuestion): Promise<SoundFile> {
    const bringing = this.#bring(name, question).finally(() => this.#bringing.delete(name))
    this.#bringing.set(name, bringing)
    bringing.catch((error: Error) => this.#refuse(name, error.message))
    return bringing
  }

  async #bring(name: string, question: SoundQuestion): Promise<SoundFile> {
    const { cache, log } = this.#options
    const cached = await cache.get(name)
    if (cached && (cached.freshUntil ?? Number.POSITIVE_INFINITY) > systemUtc()) return fileOf(cached)
    try {
      return fileOf(await this.#brought(name, question, cached))
    } catch (error) {
      if (cached === undefined) throw error
      // What it was is better than silence.
      log('warn', 'sound.stale', { kind: question.sound.kind, why: (error as Error).message })
      return fileOf(cached)
    }
  }

  async #brought(
    name: string,
    question: SoundQuestion,
    cached: CachedSound | undefined,
  ): Promise<CachedSound> {
    const { cache } = this.#options
    const brought = await this.#turns.take(question.customer_id, () => this.#fetched(question, cached))
    if ('renewed' in brought) return (await cache.renew(name, brought.renewed)) ?? gone()
    const { wav, content, ...meta } = brought
    return cache.put({ name, customer: question.customer_id }, content, wav, meta)
  }

  async #fetched({ customer_id, sound }: SoundQuestion, cached: CachedSound | undefined) {
    const { edge, speech } = this.#options
    if (sound.kind === 'prompt') return edge.prompt(customer_id, sound.prompt_id)
    if (sound.kind === 'url') return edge.at(sound.url, cached)
    const { wav, ms } = await speech.say(sound)
    return { wav, ms, content: await sha256Of(wav) } satisfies BroughtSound
  }

  /** What is said by one voice sounds alike for every customer. */
  #nameOf(customerId: string, sound: SoundSource): string {
    if (sound.kind === 'prompt') return `prompt ${customerId} ${sound.prompt_id}`
    if (sound.kind === 'url') return `url ${customerId} ${sound.url}`
    return `speech ${this.#options.speech.voiceFor(sound)} ${sound.text}`
  }

  #refuse(name: string, why: string): void {
    this.#refused.delete(name)
    this.#refused.set(name, { why, until: monotonicNow() + REFUSED_MS })
    const [oldest] = this.#refused.keys()
    if (oldest !== undefined && this.#refused.size > REFUSALS_AT_MOST) this.#refused.delete(oldest)
  }
}

/** A text as it is said; any other sound as it is. Throws why nothing is said. */
function said(sound: SoundSource): SoundSource {
  if (sound.kind !== 'speech') return sound
  const spoken = spokenText(sound.text)
  if ('why' in spoken) throw new Error(`nothing can be said: ${spoken.why}`)
  return { ...sound, text: spoken.say }
}

function fileOf({ path, ms }: CachedSound): SoundFile {
  return { path, ms }
}

function gone(): never {
  throw new Error('it was removed while it was asked for again')
}

function inTime<Value>(coming: Promise<Value>, withinMs: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not come within ${Math.round(withinMs)} ms`)), withinMs)
  })
  return Promise.race([coming, late]).finally(() => clearTimeout(timer))
}
