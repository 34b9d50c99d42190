import { type AlertKind, eventTypesMeant } from '#contract'
import { type AdvisedThing, type BrokenPractice, providerThing } from './advice-broken.ts'
import type { AdvisedAlert, AdvisedConfiguration } from './advice-facts.ts'
import { samePriority, uncovered, undocumented, untested, withoutFailover } from './advice-routes.ts'
import { oldPasswords, sharedPasswords, unencrypted } from './advice-security.ts'
import { type Finding, found, patch, post, type Remedy } from './finding.ts'

/*
 * A configuration held against sixteen practices, in the words of VoIPBIN's trunk documents: each names what of the
 * configuration it is broken by, and the request after which it is not.
 */

/** Something to do better, of which practice, and about which things. */
export interface AdviceItem extends Finding {
  readonly practice: string
  readonly objects: readonly AdvisedThing[]
}

/** How a practice is judged. `password` gives a new one. */
interface Practice {
  readonly code: string
  readonly practice: string
  readonly severity: 'warning' | 'info'
  readonly broken: (facts: AdvisedConfiguration, password: () => string) => readonly BrokenPractice[]
}

/** Of one practice: what stands in no answer is found once those are mended. */
const eachAtMost = 20

/** What a customer might do better; nothing where all is as the practices say. `password` gives a new one each time. */
export function advise(facts: AdvisedConfiguration, password: () => string): AdviceItem[] {
  return practices.flatMap(({ code, practice, severity, broken }) =>
    broken(facts, password)
      .slice(0, eachAtMost)
      .map(({ sentence, todo, request, objects = [], evidence = {} }) => ({
        ...found(code, sentence, todo, { severity, evidence, request }),
        practice,
        objects,
      })),
  )
}

const atLeastTwo = 'Configure at least two providers for failover'

const practices: readonly Practice[] = [
  {
    code: 'NO_PROVIDER',
    practice: atLeastTwo,
    severity: 'warning',
    broken: ({ providers }) => (providers.length === 0 ? [noProvider] : []),
  },
  {
    code: 'ONE_PROVIDER_ALONE',
    practice: atLeastTwo,
    severity: 'warning',
    broken: ({ providers: [only, ...others] }) => (only && others.length === 0 ? [oneProvider(only)] : []),
  },
  {
    code: 'PROVIDER_NOT_PROBED',
    practice: 'Test provider connectivity regularly',
    severity: 'warning',
    broken: ({ providers }) =>
      providers
        .filter(({ own, probe_interval }) => own && probe_interval === 0)
        .map((provider) => ({
          sentence: `Nothing asks ${provider.name} whether it is there: that it is not is found out by a call.`,
          todo: 'Have relays send it OPTIONS.',
          request: patch('providers', provider.id, { probe_interval: 30 }),
          objects: [providerThing(provider)],
        })),
  },
  watched(
    'PROVIDER_SUCCESS_NOT_WATCHED',
    'Monitor call success rates per provider',
    'how many calls each provider puts through',
    ({ alerts, providers }) => {
      const byProvider = ofKind(alerts, 'success_rate').filter(
        ({ when }) => when.kind === 'success_rate' && when.of === 'provider',
      )
      return (
        byProvider.some(({ narrowed }) => !narrowed) ||
        (providers.length > 0 &&
          providers.every(({ id }) => byProvider.some(({ provider_id }) => provider_id === id)))
      )
    },
    { name: 'Success rate of a provider', when: { kind: 'success_rate', of: 'provider' } },
  ),
  {
    code: 'COUNTRY_NOT_COVERED',
    practice: 'Choose providers with coverage in your regions',
    severity: 'warning',
    broken: uncovered,
  },
  {
    code: 'ROUTES_SHARE_PRIORITY',
    practice: 'Set up priority-based routing',
    severity: 'warning',
    broken: samePriority,
  },
  {
    code: 'ROUTE_WITHOUT_FAILOVER',
    practice: 'Configure failover for all routes',
    severity: 'warning',
    broken: withoutFailover,
  },
  {
    code: 'FAILOVER_NOT_TESTED',
    practice: 'Test failover scenarios periodically',
    severity: 'warning',
    broken: untested,
  },
  {
    code: 'ROUTE_NOT_DOCUMENTED',
    practice: 'Document routing logic',
    severity: 'info',
    broken: ({ routes, providers }) =>
      routes
        .filter(({ own, detail }) => own && detail.trim() === '')
        .map((route) => undocumented(route, providers)),
  },
  {
    code: 'PASSWORD_SHARED',
    practice: 'Use strong, unique passwords',
    severity: 'warning',
    broken: sharedPasswords,
  },
  {
    code: 'PASSWORD_OLD',
    practice: 'Rotate credentials periodically',
    severity: 'warning',
    broken: oldPasswords,
  },
  watched(
    'REGISTRATION_ATTEMPTS_NOT_WATCHED',
    'Monitor for unauthorized registrations',
    'registrations which are refused',
    ({ alerts }) => isWatched(alerts, 'registration_failures'),
    {
      name: 'Registrations which are refused',
      when: { kind: 'registration_failures', of: 'address' },
    },
  ),
  {
    code: 'ENCRYPTION_OFF',
    practice: 'Enable TLS when possible',
    severity: 'warning',
    broken: unencrypted,
  },
  watched(
    'CALL_SUCCESS_NOT_WATCHED',
    'Track call success/failure rates',
    'how many calls come about altogether',
    ({ alerts }) =>
      ofKind(alerts, 'success_rate').some(
        ({ when, narrowed }) => when.kind === 'success_rate' && when.of !== 'provider' && !narrowed,
      ),
    {
      name: 'Success rate of all calls',
      when: { kind: 'success_rate', of: 'customer' },
    },
  ),
  watched(
    'LATENCY_NOT_WATCHED',
    'Monitor provider latency and quality',
    'how long calls take to ring',
    ({ alerts }) => isWatched(alerts, 'post_dial_delay'),
    {
      name: 'Post-dial delay of a provider',
      when: { kind: 'post_dial_delay', of: 'provider' },
    },
  ),
  watched(
    'QUALITY_NOT_WATCHED',
    'Monitor provider latency and quality',
    'how calls sound',
    ({ alerts }) => isWatched(alerts, 'quality'),
    {
      name: 'Sound of a provider',
      when: { kind: 'quality', of: 'provider' },
    },
  ),
  watched(
    'REGISTRATION_LOSS_NOT_WATCHED',
    'Set up alerts for registration failures',
    'phones which are registered no more',
    ({ alerts }) => isWatched(alerts, 'unregistered'),
    {
      name: 'A phone is registered no more',
      when: { kind: 'unregistered' },
    },
  ),
  watched(
    'PROVIDER_REGISTRATION_NOT_WATCHED',
    'Set up alerts for registration failures',
    'our registrations at providers',
    ({ alerts, providers }) =>
      !providers.some(({ own, register }) => own && register) || isWatched(alerts, 'provider_unregistered'),
    {
      name: 'A provider does not register us',
      when: { kind: 'provider_unregistered' },
    },
  ),
  {
    code: 'CALL_LOG_NOT_REVIEWED',
    practice: 'Review call logs regularly',
    severity: 'info',
    broken: ({ webhooks }) =>
      webhooks.some(({ events }) => events.flatMap(eventTypesMeant).includes('call.ended'))
        ? []
        : [unheardCalls],
  },
]

/** A practice which an alert keeps. */
function watched(
  code: string,
  practice: string,
  what: string,
  is: (facts: AdvisedConfiguration) => boolean,
  body: Remedy['body'],
): Practice {
  const broken: BrokenPractice = {
    sentence: `No alert watches ${what}.`,
    todo: 'Make the alert; a webhook, Slack or PagerDuty can be told of it.',
    request: post('alerts', body),
  }
  return { code, practice, severity: 'info', broken: (facts) => (is(facts) ? [] : [broken]) }
}

function ofKind(alerts: readonly AdvisedAlert[], kind: AlertKind): AdvisedAlert[] {
  return alerts.filter(({ when }) => when.kind === kind)
}

function isWatched(alerts: readonly AdvisedAlert[], kind: AlertKind): boolean {
  return ofKind(alerts, kind).some(({ narrowed }) => !narrowed)
}

const unheardCalls: BrokenPractice = {
  sentence: 'No webhook hears how calls ended: what went wrong is seen only by looking.',
  todo: 'Have a system of yours told of each call’s end, and look at what it keeps; GET /v1.0/calls has them, too.',
  request: post('webhooks', { name: 'Call log', url: 'https://example.com/calls', events: ['call.ended'] }, [
    'url',
  ]),
}

const noProvider: BrokenPractice = {
  sentence: 'There is no provider yet: no call goes out.',
  todo: 'Add the first one, and a route which leads there.',
  request: newProvider('Primary SIP Provider'),
}

function oneProvider(only: AdvisedConfiguration['providers'][number]): BrokenPractice {
  return {
    sentence: `${only.name} is the only provider: where it is down no call goes out.`,
    todo: 'Add another one, and routes which lead there.',
    request: newProvider('Second SIP Provider'),
    objects: [providerThing(only)],
  }
}

function newProvider(name: string): Remedy {
  return post('providers', { name, type: 'sip', hostname: 'sip.provider.example' }, ['hostname'])
}
