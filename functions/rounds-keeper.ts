import type { UtcMs } from '#contract'
import { causesOf, log } from './log.ts'

/** Whether the database is used is said once in so long, by each Worker. */
export const stirEveryMs = 30_000

/** What of a Durable Object's namespace is asked for (`ROUNDS` in wrangler.toml). */
interface RoundsNamespace {
  idFromName(name: string): unknown
  get(id: never): { fetch(url: string, init?: RequestInit): Promise<Response> }
}

/** When the edge looks for what is due, as the rest of the Worker asks for it. */
export interface RoundsKeeper {
  /** The database is used: what is due may be more than was known. Never throws. */
  stir(): Promise<void>
  /** Whether others may write to the database just now; undefined: that cannot be told. */
  used(): Promise<boolean | undefined>
  /** Sees to it that the next look comes; false: it will not. */
  keep(): Promise<boolean>
}

/** As long as anything waits for it which could go on without. */
const patienceMs = 700
/** The one there is. */
const NAME = 'rounds'

/** Who knows when to look; undefined: this edge has none (no ROUNDS), and looks every minute. */
export function roundsOf(env: object): RoundsKeeper | undefined {
  const { ROUNDS: namespace } = env as { ROUNDS?: RoundsNamespace }
  if (namespace === undefined) return undefined
  const stub = () => namespace.get(namespace.idFromName(NAME) as never)
  const ask = async <Answer>(path: string): Promise<Answer | undefined> => {
    try {
      const signal = AbortSignal.timeout(patienceMs)
      const response = await stub().fetch(`https://rounds/${path}`, { method: 'POST', signal })
      return response.ok ? ((await response.json()) as Answer) : undefined
    } catch (error) {
      log('warn', 'rounds.away', { path, causes: causesOf(error) })
      return undefined
    }
  }
  return {
    stir: async () => void (await ask('stir')),
    used: async () => (await ask<{ used: boolean }>('used'))?.used,
    keep: async () => (await ask<{ look_at: UtcMs }>('keep')) !== undefined,
  }
}
