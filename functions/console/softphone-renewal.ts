import { utcNow } from './clock.ts'

/** A credential which is good for a time, and is to be another before that is over. */
export interface Renewing {
  /** Seconds for which the first is good. */
  readonly expire: number
  /** Asks for another; the answer is for how many seconds that one is good. Rejects where there is none to be had. */
  renew(): Promise<number>
  /** The one there was is over, and why there is no other. */
  over(why: unknown): void
}

/* Implementation */
const [firstPauseMs, longestPauseMs] = [5_000, 60_000]

/**
 * How long to wait before a credential is asked for again, ms: half its time, and after failures 5, 10, 20, 40 s, then a minute.
 * undefined: it is over before that.
 */
function pauseBefore(failures: number, expire: number, leftMs: number): number | undefined {
  if (failures === 0) return (expire * 1000) / 2
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1))
  return pauseMs < leftMs ? pauseMs : undefined
}

/** Renews a credential for as long as that goes well, or until it is over; the answer ends it. */
export function renewing({ expire, renew, over }: Renewing): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let ended = false
  const wait = (seconds: number, until: number, failures: number, why?: unknown) => {
    const pauseMs = pauseBefore(failures, seconds, until - utcNow())
    if (pauseMs === undefined) return over(why)
    timer = setTimeout(() => {
      renew().then(
        (renewed) => ended || began(renewed),
        (error: unknown) => ended || wait(seconds, until, failures + 1, error),
      )
    }, pauseMs)
  }
  const began = (seconds: number) => wait(seconds, utcNow() + seconds * 1000, 0)
  began(expire)
  return () => {
    ended = true
    clearTimeout(timer)
  }
}
