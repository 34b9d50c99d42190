import type { RegistrationChange, ShownRegistration } from './shown.ts'
import { lasting } from './words.ts'

/** A time in which a phone was registered, or was not, or of which nothing is known; UTC ms. */
export interface Stretch {
  readonly from: number
  readonly until: number
  readonly standing: 'registered' | 'gone' | 'unknown'
}

/** How a phone stood, stretch by stretch, and when it was refused. */
export interface PhoneDay {
  readonly from: number
  readonly until: number
  readonly stretches: readonly Stretch[]
  /** UTC ms. */
  readonly refusals: readonly number[]
}

interface DayFacts {
  /** The newest first, as the API lists them, none left out since `knownFrom`. */
  readonly changes: readonly RegistrationChange[]
  readonly there: readonly Pick<ShownRegistration, 'contact' | 'tm_create'>[]
  /** UTC ms: the day's beginning and end, and since when all changes are known. */
  readonly from: number
  readonly until: number
  readonly knownFrom: number
}

const endings: readonly string[] = ['registration.removed', 'registration.expired', 'registration.lost']
const beginnings: readonly string[] = ['registration.made', 'registration.moved']

const DAY_MS = 24 * 3_600_000
const MINUTE_MS = 60_000

/**
 * The day which ends at `until`, of a phone which was made at `born` (UTC ms). Where `isCut`, there were more changes than
 * these, and nothing is known of the time before them.
 */
export function dayFrom(
  changes: readonly RegistrationChange[],
  isCut: boolean,
  there: DayFacts['there'],
  born: number,
  until: number,
): PhoneDay {
  const from = Math.max(until - DAY_MS, Math.min(born, until - MINUTE_MS))
  const oldest = changes.at(-1)
  const knownFrom = isCut && oldest ? Math.max(from, Date.parse(oldest.tm_create)) : from
  return dayOf({ changes, there, from, until, knownFrom })
}

/** A phone is registered while any contact of its is. */
export function dayOf({ changes, there, from, until, knownFrom }: DayFacts): PhoneDay {
  const told = [...changes].reverse().filter(({ tm_create }) => Date.parse(tm_create) >= knownFrom)
  const contacts = contactsBefore(told, there, knownFrom)
  const steps: Stretch[] = [{ from, until: knownFrom, standing: 'unknown' }]
  let since = knownFrom
  for (const change of told) {
    const at = Math.min(Math.max(Date.parse(change.tm_create), since), until)
    const was = contacts.size > 0
    apply(contacts, change)
    if (was === contacts.size > 0) continue
    steps.push({ from: since, until: at, standing: was ? 'registered' : 'gone' })
    since = at
  }
  // What is there now is known for sure.
  steps.push({ from: since, until, standing: there.length > 0 ? 'registered' : 'gone' })
  return {
    from,
    until,
    stretches: steps.filter((step) => step.until > step.from),
    refusals: told
      .filter(({ type }) => type === 'registration.failed')
      .map(({ tm_create }) => Date.parse(tm_create)),
  }
}

/** Contacts by who registered them: what an ending is the first word on was there before, and so was what is there since before. */
function contactsBefore(
  told: readonly RegistrationChange[],
  there: DayFacts['there'],
  knownFrom: number,
): Map<string, string> {
  const contacts = new Map<string, string>()
  const seen = new Set<string>()
  for (const { type, contact, moved_from, ...change } of told) {
    const ended = endings.includes(type) ? contact : (moved_from?.contact ?? null)
    if (ended !== null && !seen.has(ended)) contacts.set(ended, phoneOf(change))
    for (const one of [contact, ended]) if (one !== null) seen.add(one)
  }
  for (const { contact, tm_create } of there)
    if (Date.parse(tm_create) <= knownFrom && !seen.has(contact)) contacts.set(contact, '')
  return contacts
}

/** Behind NAT a phone registers anew by another contact, and of the end of the one before nothing is told. */
function apply(contacts: Map<string, string>, change: RegistrationChange): void {
  const { type, contact, moved_from } = change
  if (contact === null) return
  if (endings.includes(type)) contacts.delete(contact)
  if (!beginnings.includes(type)) return
  const phone = phoneOf(change)
  for (const [other, its] of contacts)
    if (other === moved_from?.contact || (its === phone && phone !== '')) contacts.delete(other)
  contacts.set(contact, phone)
}

function phoneOf({ source_address, user_agent }: Pick<RegistrationChange, 'source_address' | 'user_agent'>) {
  return source_address === null ? '' : `${source_address} ${user_agent}`
}

/** The day in a sentence. */
export function daySentence({ stretches, until }: PhoneDay): string {
  const sum = (standing: Stretch['standing']) =>
    stretches.filter((one) => one.standing === standing).reduce((all, one) => all + one.until - one.from, 0)
  const [registered, gone, unknown] = [sum('registered'), sum('gone'), sum('unknown')]
  const gaps = stretches.filter(({ standing }) => standing === 'gone')
  const known = unknown > 0 ? ` Of the first ${lasting(unknown / 1000)} nothing is known.` : ''
  if (registered === 0) return `It was not registered.${known}`
  if (gone === 0) return `It was registered all the time.${known}`
  const longest = lasting(Math.max(...gaps.map((one) => one.until - one.from)) / 1000)
  const last = stretches.at(-1)
  const still = last?.standing === 'gone' && last.until === until ? ', and is not now' : ''
  const many = gaps.length === 1 ? `1 gap of ${longest}` : `${gaps.length} gaps, the longest ${longest}`
  return `It was registered for ${lasting(registered / 1000)}, with ${many}${still}.${known}`
}
