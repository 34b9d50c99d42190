import type { Address } from '#contract'

/** How long something took, as people say it: `40 ms`, `0.4 s`, `12 s`, `1 min 2 s`, `2 h 5 min`. */
export function lasting(seconds: number): string {
  if (seconds > 0 && seconds < 0.0995) return `${Math.max(1, Math.round(seconds * 1000))} ms`
  if (seconds < 9.95) return `${Math.round(seconds * 10) / 10} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3_600) return joined(Math.floor(whole / 60), 'min', whole % 60, 's')
  return joined(Math.floor(whole / 3_600), 'h', Math.floor((whole % 3_600) / 60), 'min')
}

function joined(more: number, unit: string, rest: number, small: string): string {
  return rest === 0 ? `${more} ${unit}` : `${more} ${unit} ${rest} ${small}`
}

/** A party of a call by the name people know it by. */
export function partyName({ target, target_name, name }: Address): string {
  return target_name || target || name || 'an unknown party'
}

const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const shortTime = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })
const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** When something was, by the reader's own clock; with the day, where that is not today. */
export function clockTime(instant: string): string {
  const at = new Date(instant)
  return (at.toDateString() === new Date().toDateString() ? time : dateAndTime).format(at)
}

/** Hours and minutes of an instant, UTC ms. */
export function minuteTime(at: number): string {
  return shortTime.format(new Date(at))
}

/** A time within a span (ms), as exact as the span is short. */
export function timeWithin(at: number, span: number): string {
  return (span < 3_600_000 ? time : shortTime).format(new Date(at))
}

const instants = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g

/** Words with the instants which they name told by the reader's own clock. */
export function byOwnClock(words: string): string {
  return words.replace(instants, clockTime)
}

/** When something was, with the day, always. */
export function fullTime(instant: string): string {
  return dateAndTime.format(new Date(instant))
}

/** Words as a sentence: with a capital letter, and a full stop where it has none. */
export function sentence(words: string): string {
  const ended = /[.!?…]$/.test(words) ? words : `${words}.`
  return ended.charAt(0).toUpperCase() + ended.slice(1)
}

/** Names in a sentence: `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? ''
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`
}

/** A share in per cent, exact where it is small. */
export function percent(share: number): string {
  const hundred = share * 100
  return `${hundred === 0 || hundred >= 9.95 ? Math.round(hundred) : Math.max(0.1, Math.round(hundred * 10) / 10)} %`
}
