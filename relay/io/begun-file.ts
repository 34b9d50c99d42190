import { readFileSync, renameSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { scope, velocities } from '#contract'
import type { BegunBefore } from '../ground/begun-before.ts'
import type { Log } from './log.ts'

/* Implementation */
const everyMs = 100

const count = z.number().finite().nonnegative()
/** `at`: when it was written, by this machine's clock. */
const written = z.object({
  at: count,
  begun: z.array(
    z.object({
      scope,
      customerId: z.string().nullable(),
      velocity: z.enum(velocities),
      releasedAt: z.string().nullable(),
      begun: z.array(z.tuple([count, count])),
    }),
  ),
})

/**
 * How fast calls out began lately, on disk, so that a process which begins anew lets no more begin than may: what began
 * is there a tenth of a second later. A power cut may lose all of it.
 */
export class BegunFile {
  readonly #path: string
  readonly #log: Log
  readonly #utc: () => number
  /** What the process before wrote, as old as it is now. */
  readonly found: readonly BegunBefore[]
  #source: () => BegunBefore[] | undefined = () => undefined
  #timer: NodeJS.Timeout | undefined
  #writing = Promise.resolve()

  constructor(options: { readonly path: string; readonly log: Log; readonly utc: () => number }) {
    this.#path = options.path
    this.#log = options.log
    this.#utc = options.utc
    this.found = this.#read()
  }

  /** `source`: what is to be written; undefined: nothing new. */
  follow(source: () => BegunBefore[] | undefined): void {
    this.#source = source
    this.#timer = setInterval(() => this.#look(), everyMs)
    this.#timer.unref()
  }

  /** Resolves when all is written. */
  close(): Promise<void> {
    clearInterval(this.#timer)
    this.#look()
    return this.#writing
  }

  #look(): void {
    const begun = this.#source()
    if (begun === undefined) return
    const text = JSON.stringify({ at: this.#utc(), begun })
    this.#writing = this.#writing.then(() => this.#write(text)).catch((error: Error) => this.#said(error))
  }

  async #write(text: string): Promise<void> {
    await writeFile(`${this.#path}.new`, text, { mode: 0o600 })
    await rename(`${this.#path}.new`, this.#path)
  }

  #read(): BegunBefore[] {
    try {
      const { at, begun } = written.parse(JSON.parse(readFileSync(this.#path, 'utf8')))
      const since = Math.max(0, this.#utc() - at)
      return begun.map((one) => ({ ...one, begun: one.begun.map(([ago, calls]) => [ago + since, calls]) }))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      this.#said(error as Error)
      this.#setAside()
      return []
    }
  }

  #setAside(): void {
    try {
      renameSync(this.#path, `${this.#path}.bad`)
    } catch {
      // It stays where it is, and is written over.
    }
  }

  #said(error: Error): void {
    this.#log('warn', 'begun_calls.unkept', { why: error.message })
  }
}
