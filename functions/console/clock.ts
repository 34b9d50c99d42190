const HOUR_MS = 3_600_000

/** UTC ms. */
export function utcNow(): number {
  return Date.now()
}

/** The instant so many hours before now. */
export function hoursAgo(hours: number): string {
  return new Date(Date.now() - hours * HOUR_MS).toISOString()
}

/** Seconds which have passed since then. */
export function secondsSince(instant: string): number {
  return (Date.now() - Date.parse(instant)) / 1000
}
