import type { AlertFact } from './facts.ts'
import { type AlertAbout, type KindRules, type RuleOf, type Sighting, secondsInWords } from './kind.ts'

/*
 * Alerts on where calls go: to a country for the first time, or for more minutes than usual.
 */

const HOUR_MS = 3_600_000

interface Visited {
  /** When the first call went there which was not known before; null: it was. */
  readonly firstAt: number | null
  readonly number: string
  readonly account: string
}

/** A call to a country to which none went. */
export const newCountry: KindRules<'new_country', Visited, Visited> = {
  facts: () => ['call_began'],
  sightings(_, fact) {
    if (fact.kind !== 'began' && fact.kind !== 'known') return []
    const { at, country } = fact
    const [number, account] = fact.kind === 'began' ? [fact.number, fact.account] : ['', '']
    const about = { country: country.toLowerCase(), ...(number && { number, account }) }
    const sample = { firstAt: fact.kind === 'began' ? at : null, number, account }
    return [{ at, subject: country, about, count: 1, sample }]
  },
  remembered: (memory, { sample }) => memory ?? sample,
  judged({ firstAt, number, account }, { when }, at) {
    const plain = { value: null, address: null }
    const until = firstAt === null ? undefined : firstAt + when.window * 1000
    if (until === undefined || at >= until)
      return { ...plain, holds: false, reason: `That was ${secondsInWords(when.window)} ago.` }
    const reason = `${account || 'A caller'} called ${number}: nothing went to that country before.`
    return { ...plain, holds: true, reason, nextAt: until }
  },
}

interface Hours {
  /** By the hour (UTC, since 1970). */
  readonly minutes: Readonly<Record<string, number>>
}
interface Talk {
  readonly from: number
  readonly to: number
}

/** Minutes in an hour which are out of line. */
export const minutes: KindRules<'minutes', Hours, Talk> = {
  facts: () => ['call_ended'],
  sightings: talkOf,
  remembered(memory, { sample }, { when }) {
    const last = hourOf(sample.to)
    const oldest = last - when.hours - 1
    const all = { ...memory?.minutes }
    for (let hour = Math.max(hourOf(sample.from), oldest); hour <= last; hour += 1)
      all[hour] = (all[hour] ?? 0) + talkedIn(hour, sample)
    const kept = Object.entries(all).filter(([hour]) => Number(hour) >= oldest)
    return { minutes: Object.fromEntries(kept) }
  },
  judged(hours, rule, at, lasting) {
    const hour = hourOf(at)
    const [now, before] = [lineOf(hours, rule, hour), lineOf(hours, rule, hour - 1)]
    const holds = now.out || (lasting && before.out)
    const worst = now.out || !before.out ? now : before
    const reason = holds
      ? `${rounded(worst.minutes)} minutes in an hour, where the hours before had ${rounded(worst.mean)} on average.`
      : `${rounded(now.minutes)} minutes in this hour are in line.`
    const last = Math.max(...Object.keys(hours.minutes).map(Number))
    const nextAt = (holds || lasting || last >= hour ? hour + 1 : last + rule.when.hours + 2) * HOUR_MS
    return {
      holds,
      value: rounded(worst.minutes),
      reason,
      address: null,
      nextAt,
      empty: last + rule.when.hours < hour,
    }
  },
}

function talkOf(rule: RuleOf<'minutes'>, fact: AlertFact): Sighting<Talk>[] {
  if (fact.kind !== 'ended' || !fact.outgoing || fact.answeredAt === null) return []
  const { country, at, answeredAt } = fact
  if (rule.country !== null && rule.country !== country) return []
  const subject = rule.when.of === 'customer' ? rule.customerId : country
  if (subject === null) return []
  const shown = rule.when.of === 'country' ? country : rule.country
  const about: AlertAbout = shown === null ? {} : { country: shown.toLowerCase(), number: fact.number }
  return [{ at, subject, about, count: 1, sample: { from: Math.min(answeredAt, at), to: at } }]
}

function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS)
}

/** Minutes of a talk which lie in an hour. */
function talkedIn(hour: number, { from, to }: Talk): number {
  const ms = Math.min(to, (hour + 1) * HOUR_MS) - Math.max(from, hour * HOUR_MS)
  return Math.max(0, ms) / 60_000
}

/**
 * An hour's minutes, the mean of those before it, and whether they are out of line with it: not before the alert has
 * watched one whole hour.
 */
function lineOf({ minutes }: Hours, { when, since }: RuleOf<'minutes'>, hour: number) {
  const first = Math.max(Math.ceil(since / HOUR_MS), hour - when.hours)
  const known = Math.max(0, hour - first)
  let sum = 0
  for (let one = first; one < hour; one += 1) sum += minutes[one] ?? 0
  const mean = known > 0 ? sum / known : 0
  const own = minutes[hour] ?? 0
  return { minutes: own, mean, out: known > 0 && own > 0 && own >= when.floor && own > when.threshold * mean }
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}
