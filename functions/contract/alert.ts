import * as z from 'zod'

/*
 * What alerts watch for: a condition of each kind, with the fields which it has and no others.
 */

const window = (usual: number, most = 86_400) =>
  z.int().min(10).max(most).default(usual).describe('Seconds looked back upon.')
const whose = z
  .enum(['provider', 'route', 'customer'])
  .default('customer')
  .describe('Each provider, or each route, by itself, or all of the customer’s calls together.')

/** What an alert watches for. */
export const alertCondition = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('registration_failures'),
      of: z.enum(['account', 'address', 'customer']).default('account'),
      threshold: z.int().min(1).max(1_000_000).default(10).describe('So many within the window.'),
      window: window(300),
    })
    .describe(
      'Registrations fail: of one account, from one address, or of the customer altogether. Over once they are fewer than half of that.',
    ),
  z
    .strictObject({
      kind: z.literal('unregistered'),
      window: z
        .int()
        .min(0)
        .max(86_400)
        .default(300)
        .describe('Seconds for which it must be gone; 0: at once.'),
    })
    .describe('An extension or trunk which was registered is so no more, and over once it is again.'),
  z
    .strictObject({ kind: z.literal('provider_unhealthy') })
    .describe('A provider is unhealthy, by the word of most relays, and over once it is not.'),
  z
    .strictObject({ kind: z.literal('provider_unregistered') })
    .describe('Our registration at a provider failed, and over once it stands again, or is not asked for.'),
  z
    .strictObject({
      kind: z.literal('success_rate'),
      of: whose,
      threshold: z
        .number()
        .min(0)
        .max(100)
        .default(40)
        .describe('Percent of the attempts which are answered (ASR).'),
      window: window(900),
    })
    .describe('Fewer of the calls out are answered than so many percent, among `min_samples` or more.'),
  z
    .strictObject({
      kind: z.literal('post_dial_delay'),
      of: whose,
      threshold: z.int().min(1).max(300_000).default(8_000).describe('Milliseconds.'),
      percentile: z.int().min(1).max(99).default(50).describe('50: half of the calls.'),
      window: window(900),
    })
    .describe(
      'The percentile of the time from INVITE to ringing is above the threshold, among `min_samples` or more.',
    ),
  z
    .strictObject({
      kind: z.literal('quality'),
      of: whose,
      measure: z
        .enum(['mos', 'loss', 'jitter'])
        .default('mos')
        .describe('MOS (1 to 4.5, reckoned by G.107), percent of packets lost, or milliseconds of jitter.'),
      threshold: z
        .number()
        .min(0)
        .max(10_000)
        .default(3.6)
        .describe('A MOS below it, a loss or a jitter above it.'),
      window: window(900),
    })
    .describe('The calls’ sound as we hear it is worse on average, among `min_samples` or more.'),
  z
    .strictObject({ kind: z.literal('relay_lost') })
    .describe(
      'A relay is not heard of any more though it was not stopped, and over once it is back, or deleted. Of the platform’s alerts alone.',
    ),
  z
    .strictObject({ kind: z.literal('limit_reached'), window: window(300) })
    .describe('A limit was reached, and over once it was not reached again for the window.'),
  z
    .strictObject({ kind: z.literal('fraud_suspected'), window: window(3600) })
    .describe(
      'A call out was refused since calls begin too fast (`max_calls_per_minute`, `max_calls_per_hour`), are blocked, or go to a new country; or went to one and was to be told of. Over when nothing of the kind happened for the window.',
    ),
  z
    .strictObject({ kind: z.literal('drill_failed') })
    .describe('No provider took the call of a drill, and over when one takes it in a later run.'),
  z
    .strictObject({ kind: z.literal('new_country'), window: window(3600) })
    .describe(
      'A call goes to a country which none went to in the ninety days before the alert was made, nor since. Over after the window.',
    ),
  z
    .strictObject({
      kind: z.literal('minutes'),
      of: z.enum(['country', 'customer']).default('country'),
      threshold: z
        .number()
        .min(1)
        .max(1_000)
        .default(3)
        .describe('Times the mean of the hours before, as far as they are known.'),
      floor: z
        .number()
        .min(0)
        .max(1_000_000)
        .default(60)
        .describe('Minutes in an hour which are never out of line.'),
      hours: z.int().min(1).max(168).default(24).describe('Hours before, at most.'),
    })
    .describe(
      'Minutes of calls out which ended, to a country or altogether, are out of line with the hours before; over when an hour is in line again.',
    ),
])
export type AlertCondition = z.infer<typeof alertCondition>
export type AlertKind = AlertCondition['kind']

/** How an alert is told: as other events are, or as Slack and PagerDuty read it. */
export const alertFormats = ['standard', 'slack', 'pagerduty'] as const
export type AlertFormat = (typeof alertFormats)[number]
