import { utcNow } from './clock.ts'
import { causesOf, log } from './log.ts'

/** A statement ends itself after 20 s (migration 14). */
const longestMs = 25_000

/** Notices when the database is lost and when it is back, and says each once; one for each Worker. */
export class DatabaseWatch {
  #lostAt: number | undefined

  /** A statement did not reach it, or it would not work. */
  lost(error: Error): void {
    if (this.#lostAt !== undefined) return
    this.#lostAt = utcNow()
    log('error', 'database.lost', { causes: causesOf(error) })
  }

  /** Takes a statement to the database, as `fetch` does, and gives it up where no answer can come any more. */
  readonly carry = async (place: string, request: RequestInit): Promise<Response> => {
    const response = await fetch(place, { ...request, signal: AbortSignal.timeout(longestMs) })
    if (response.ok) this.#answered()
    return response
  }

  #answered(): void {
    if (this.#lostAt === undefined) return
    log('warn', 'database.back', { away_ms: utcNow() - this.#lostAt })
    this.#lostAt = undefined
  }
}
