import type { Beat, BeatAnswer, HubNews } from '#contract'

type Answered = Omit<BeatAnswer, 'slices'>

/** Told again and again until it was done, or once: they are news whenever there are any. */
const never = new Set(['commands', 'ends', 'changed', 'withdrawn'])

/** What of an answer is new to one who had another before; nothing: no key. */
export function differing(before: Answered | undefined, answer: Answered): HubNews {
  const had: Readonly<Record<string, unknown>> = before ?? {}
  const news = Object.entries(answer).filter(([key, value]) =>
    never.has(key) ? Array.isArray(value) && value.length > 0 : !isAlike(had[key], value),
  )
  if (!news.some(([key]) => key !== 'at')) return {}
  // Whose configuration changed means nothing without the version by which it did.
  const version = news.some(([key]) => key === 'changed') ? { version: answer.version } : {}
  return { ...Object.fromEntries(news), ...version } as HubNews
}

/** What of a beat other relays hear of, as a text to be compared. */
export function sharedBy({ draining, neighbour, health, registrations, hosts }: Beat): string {
  const seen = health.map(({ provider_id, status }) => [provider_id, status])
  const held = registrations.map(({ provider_id, status }) => [provider_id, status])
  return JSON.stringify([draining, neighbour, seen, held, hosts])
}

/** What of news stays so: the rest is told again and again until it was done, or once. */
export function lasting(news: HubNews): HubNews {
  return Object.fromEntries(Object.entries(news).filter(([key]) => !never.has(key) && key !== 'slices'))
}

function isAlike(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/**
 * What of a beat Postgres is to know, as a digest to be compared: a busy relay's text is a megabyte. Clocks, shares and what comes and goes from one moment to
 * the next are none of it, nor what orders came to, which it hears by itself: only what stays so is written down.
 */
export function wordFor(told: Beat): string {
  const { at: _at, clock: _clock, slices: _slices, load: _load, mailboxes_since: _since, ...lasting } = told
  const { health, waiting_tells, spool_bytes: _spool, results: _results, ended: _ended, ...rest } = lasting
  const looks = health.map(({ latency_ms: _latency, last: _last, ...look }) => look)
  return digest(JSON.stringify({ ...rest, health: looks, waiting: waiting_tells > 0 }))
}

/** 64 bits of a text, in hexadecimal: two FNV-1a which begin and go on each in its own way. No secret hangs on it. */
function digest(text: string): string {
  let [one, other] = [0x811c9dc5, 0x9747b28c]
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    one = Math.imul(one ^ code, 0x01000193)
    other = Math.imul(other ^ code ^ (one >>> 15), 0x85ebca6b)
  }
  return [one, other].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
}
