import * as z from 'zod'
import { setting } from '#contract'

/*
 * For how many days what happened is kept. What calls came to is kept in figures for longer.
 */

/** What is kept for so many days: as the platform is set unless a customer's own say otherwise, and the bounds of both. */
const nouns = {
  calls: { usual: 365, least: 2, about: 'Days from when they began, those which are over; figures stay.' },
  events: { usual: 90, least: 1, about: 'Days from when they happened.' },
  deliveries: { usual: 30, least: 1, about: 'Days from when they were queued, those which are over.' },
  commands: { usual: 30, least: 1, about: 'Days from when a relay was to try a provider.' },
  incidents: { usual: 365, least: 1, about: 'Days from when an alert was resolved.' },
  recordings: { usual: 90, least: 1, about: 'Days from when they began, with their sound; voicemail, too.' },
  registrations: { usual: 90, least: 1, about: 'Days from when a phone’s last registration ran out.' },
  prompts: {
    usual: 30,
    least: 0,
    about: 'Days from when a prompt was deleted: its sound. 0: it goes at once.',
  },
} as const
type RetentionNoun = keyof typeof nouns

/** Days by noun. */
export type Retention = Readonly<Record<RetentionNoun, number>>

/** Nothing is kept for longer. */
const MOST_DAYS = 3_650

const ofEach = <Of>(of: (noun: RetentionNoun) => Of) =>
  Object.fromEntries(Object.keys(nouns).map((noun) => [noun, of(noun as RetentionNoun)])) as Record<
    RetentionNoun,
    Of
  >

/** A customer's own days, as they are given; null: as the platform is set. */
export const retentionInput = z.strictObject(
  ofEach((noun) =>
    z.int().min(nouns[noun].least).max(MOST_DAYS).nullable().default(null).describe(nouns[noun].about),
  ),
)

/** How the platform is set, `calls=365, events=90`; what is left out is as usual. */
export const retentionDays = setting(
  `days by what is kept, like calls=365, events=90, each a whole number up to ${MOST_DAYS}; of calls at least 2`,
  readDays,
).default(ofEach((noun) => nouns[noun].usual))

/** For how many days a customer's things are kept, those which are as the platform is set too. */
export function retentionOf(own: Partial<Retention>, set: Retention): Retention {
  return { ...set, ...own }
}

function readDays(text: string): Retention | undefined {
  const days: Record<RetentionNoun, number> = ofEach((noun) => nouns[noun].usual)
  for (const part of text.split(',')) {
    const [, noun = '', count = ''] = /^\s*([a-z]+)\s*=\s*(\d{1,4})\s*$/.exec(part) ?? []
    if (!isNoun(noun) || Number(count) < nouns[noun].least || Number(count) > MOST_DAYS) return undefined
    days[noun] = Number(count)
  }
  return days
}

function isNoun(word: string): word is RetentionNoun {
  return word in nouns
}
