import { utcNow } from './clock.ts'
import { causesOf, log } from './log.ts'
import { stirEveryMs } from './rounds-keeper.ts'

/** A statement on its way; `quiet`: nothing becomes due by it. */
type CarriedRequest = RequestInit & { quiet?: boolean }

/** A statement ends itself after 20 s (migration 14). */
const longestMs = 25_000

/** Notices when the database is lost and when it is back, and says each once; one for each Worker. */
export class DatabaseWatch {
  readonly #stir: (() => Promise<void>) | undefined
  #lostAt: number | undefined
  #stirredAt = Number.NEGATIVE_INFINITY

  /** `stir` says that the database is used, for what becomes due by that; once in so long. */
  constructor(stir?: () => Promise<void>) {
    this.#stir = stir
  }

  /** A statement did not reach it, or it would not work. */
  lost(error: Error): void {
    if (this.#lostAt !== undefined) return
    this.#lostAt = utcNow()
    log('error', 'database.lost', { causes: causesOf(error) })
  }

  /** Takes a statement to the database, as `fetch` does, and gives it up where no answer can come any more. */
  readonly carry = async (place: string, { quiet, ...request }: CarriedRequest): Promise<Response> => {
    const said = quiet ? undefined : this.#stirred()
    const response = await fetch(place, { ...request, signal: AbortSignal.timeout(longestMs) })
    if (response.ok) this.#answered()
    await said
    return response
  }

  /** Said at the same time as the statement goes, so that none which is carried out is not known of. */
  async #stirred(): Promise<void> {
    if (!this.#stir || utcNow() < this.#stirredAt + stirEveryMs) return
    this.#stirredAt = utcNow()
    await this.#stir()
  }

  #answered(): void {
    if (this.#lostAt === undefined) return
    log('warn', 'database.back', { away_ms: utcNow() - this.#lostAt })
    this.#lostAt = undefined
  }
}
