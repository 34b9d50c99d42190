import { describe, expect, test } from 'vitest'
import { type AlertCondition, alertCondition, utcMs } from '#contract'
import { type AlertState, type AlertTelling, evaluate } from '../../../functions/alerts/evaluate.ts'
import type { AlertFact, EndedFact, FailureFact, StandingFact } from '../../../functions/alerts/facts.ts'
import type { AlertRule, Sighting } from '../../../functions/alerts/kind.ts'
import { factsFor, sightingsOf } from '../../../functions/alerts/kinds.ts'
import { unregistered } from '../../../functions/alerts/standing.ts'

/*
 * Each kind on paper: facts at their minutes, and what is told of them. A step is a minute, a fact or nothing, and what is
 * told then: `+` raised, `++` told again, `-` resolved, each with its subject.
 */

type Step = readonly [minute: number, fact: AlertFact | undefined, ...told: string[]]

const START = Date.parse('2026-11-24T10:00:00Z')
const MINUTE = 60_000

describe('registration failures', () => {
  const of = (of: 'account' | 'address' | 'customer') =>
    rule({ kind: 'registration_failures', of, threshold: 10, window: 300 })

  test('of an account are raised at the threshold, and resolved once they are below half of it', () => {
    climb(of('account'), [
      [0, failed(0, 9)],
      [1, failed(1, 1), '+ office1'],
      [2, failed(2, 6)],
      [6, undefined],
      [7, undefined],
      [8, undefined, '- office1'],
      [20, failed(20, 9)],
    ])
  })

  test.each([
    ['account', { accountId: 'office2' }],
    ['address', { address: '203.0.113.10' }],
  ] as const)('of one %s are not another’s', (what, other) => {
    climb(of(what), [
      [0, failed(0, 6)],
      [0, failed(0, 6, other)],
    ])
  })

  test('of the customer are all together, those of names which no account has too', () => {
    climb(of('customer'), [
      [0, failed(0, 5, { accountId: null })],
      [0, failed(0, 5, { address: '203.0.113.10' }), '+ me'],
    ])
  })

  test('of names which no account has are no account’s, and an address’s', () => {
    climb(of('account'), [[0, failed(0, 50, { accountId: null })]])
    climb(of('address'), [[0, failed(0, 50, { accountId: null }), '+ 203.0.113.9']])
  })

  test('of an address which is blocked are all there were, those told before among them', () => {
    const alert = rule({ kind: 'registration_failures', of: 'address', threshold: 100, window: 300 })
    const told = climb(alert, [
      [0, failed(0, 40)],
      [1, failed(1, 100, { all: true, accountId: null }), '+ 203.0.113.9'],
    ])
    expect(told[0]?.incident.value).toBe(100)
    climb(of('account'), [[0, failed(0, 100, { all: true, accountId: null })]])
  })

  test('which were gathered over an hour happened evenly over it', () => {
    climb(of('account'), [[60, failed(60, 60, { from: at(0) })]])
    climb(of('account'), [[60, failed(60, 240, { from: at(0) }), '+ office1']])
  })

  test('are only the extension’s which the alert names', () => {
    climb({ ...of('account'), extensionId: 'office2' }, [
      [0, failed(0, 10)],
      [0, failed(0, 10, { accountId: 'office2' }), '+ office2'],
    ])
  })

  test('which are told late are raised, and resolved as they are over', () => {
    climb(of('account'), [[60, failed(0, 10), '+ office1', '- office1']])
  })

  test('say which address failed and why', () => {
    const told = climb(of('address'), [[0, failed(0, 10), '+ 203.0.113.9']])
    expect(told[0]?.incident).toMatchObject({
      value: 10,
      count: 10,
      address: '203.0.113.9',
      reason: '10 registrations failed within 5 min: The password is wrong (office1 from 203.0.113.9).',
    })
    expect(told[0]?.about).toEqual({ source_address: '203.0.113.9' })
  })
})

test('a relay which is lost is raised, and resolved when it is back', () => {
  const relay = (lost: boolean) => ({
    kind: 'relay' as const,
    at: at(0),
    relayId: 'berlin-1',
    lost,
    why: 'It has not been heard of for 16 seconds.',
    address: '192.0.2.10',
  })
  const [raised] = climb(rule({ kind: 'relay_lost' }), [
    [0, relay(true), '+ berlin-1'],
    [1, relay(false), '- berlin-1'],
    [2, failed(2, 100)],
  ])
  expect(raised?.incident.reason).toBe('berlin-1 is lost: It has not been heard of for 16 seconds.')
})

test('a relay which is lost is resolved when it is deleted, and deleting one which was not is no news', () => {
  const plain = { kind: 'relay' as const, at: at(0), relayId: 'berlin-1', address: null }
  const [lost, deleted] = [
    { ...plain, lost: true, why: 'It has not been heard of for 16 seconds.' },
    { ...plain, lost: false, why: 'It was deleted.' },
  ]
  const told = climb(rule({ kind: 'relay_lost' }), [
    [0, lost, '+ berlin-1'],
    [1, deleted, '- berlin-1'],
    [2, deleted],
  ])
  expect(told[1]?.resolution).toBe('berlin-1 is gone: It was deleted.')
})

describe('what lasts', () => {
  test('is told again once an hour at most, however much is told of it', () => {
    climb(rule({ kind: 'registration_failures', of: 'account', threshold: 1, window: 7200 }), [
      [0, failed(0, 1), '+ office1'],
      [30, failed(30, 1)],
      [59, failed(59, 1)],
      [60, undefined, '++ office1'],
      [61, failed(61, 1)],
      [119, undefined],
      [120, undefined, '++ office1'],
    ])
  })

  test('is due when time alone may end it, or has it told again', () => {
    const alert = rule({ kind: 'provider_unhealthy' })
    const { dueAt } = judge(alert, undefined, health('unhealthy', 0), 0)
    expect(dueAt).toBe(at(60))
    const windowed = rule({ kind: 'limit_reached', window: 300 })
    expect(judge(windowed, undefined, limit(0), 0).dueAt).toBeLessThanOrEqual(at(6))
  })
})

describe('a phone which is gone', () => {
  const alert = rule({ kind: 'unregistered', window: 300 })

  test('is told of after so long, and again when it is back', () => {
    climb(alert, [
      [0, standing(0, { registered: true, until: at(10) })],
      [10, standing(10, { until: at(10) })],
      [14, standing(14, { until: at(10) })],
      [15, undefined, '+ office1'],
      [16, standing(16, { until: at(10) })],
      [20, standing(20, { registered: true, until: at(30) }), '- office1'],
    ])
  })

  test('is not told of where it comes back before', () => {
    climb(alert, [
      [10, standing(10, { until: at(10) })],
      [14, standing(14, { registered: true, until: at(30) })],
      [16, undefined],
    ])
  })

  test('is told of at once where no time is allowed', () => {
    climb(rule({ kind: 'unregistered', window: 0 }), [[10, standing(10, { until: at(10) }), '+ office1']])
  })

  test('is none once its extension is disabled or deleted', () => {
    climb(alert, [
      [10, standing(10, { until: at(0) }), '+ office1'],
      [11, standing(11, { until: at(0), able: false }), '- office1'],
      [12, undefined],
    ])
  })

  test.each([
    [{ ended: 'unregistered', reason: 'BY_PHONE' }, 'it ended its registration itself.'],
    [{ ended: 'unregistered', reason: 'BY_API' }, 'it was thrown out, by the API or the console.'],
    [{ ended: 'unregistered', reason: 'PASSWORD_CHANGED' }, 'its password was changed.'],
    [{ ended: 'unregistered' }, 'its registration was ended.'],
    [{ ended: 'expired', reason: 'NOT_REFRESHED' }, 'its registration ran out.'],
    [{ ended: 'flow_lost', reason: 'NO_ANSWER' }, 'its connection was lost.'],
  ])('is said to be so by whom it is: %j', (more, words) => {
    const fact = standing(10, { until: at(10), ...more })
    expect(unregistered.judged(fact, alert, at(20), false).reason).toContain(words)
  })

  test('is another’s where the alert names one', () => {
    climb({ ...alert, trunkId: 'pbx' }, [[10, standing(10, { until: at(0) })]])
  })

  test('is looked after when its registration would run out, and no more often than every minute', () => {
    const due = (until: number) => judge(alert, undefined, standing(0, { registered: true, until }), 0).dueAt
    expect(due(at(10))).toBe(at(10) + 1000)
    expect(due(at(0) + 1000)).toBe(at(1))
  })
})

describe('a provider', () => {
  test('which is unhealthy is told of until it is not, half open or not', () => {
    climb(rule({ kind: 'provider_unhealthy' }), [
      [0, health('healthy', 0)],
      [1, health('unhealthy', 1), '+ telnyx'],
      [2, health('half_open', 2)],
      [3, health('unhealthy', 3)],
      [4, health('healthy', 4), '- telnyx'],
      [5, health('unhealthy', 5), '+ telnyx'],
      [6, health('unknown', 6), '- telnyx'],
    ])
  })

  test('where our registration failed is told of until it stands again; a new attempt says nothing', () => {
    climb(rule({ kind: 'provider_unregistered' }), [
      [0, registration('pending', 0)],
      [1, registration('failed', 1), '+ telnyx'],
      [2, registration('pending', 2)],
      [3, registration('auth_failed', 3)],
      [4, registration('registered', 4), '- telnyx'],
      [5, registration('auth_failed', 5), '+ telnyx'],
      [6, registration('not_registered', 6), '- telnyx'],
    ])
  })

  test('of another is none of an alert which names one, nor is its health its registration', () => {
    climb({ ...rule({ kind: 'provider_unhealthy' }), providerId: 'twilio' }, [[0, health('unhealthy', 0)]])
    climb(rule({ kind: 'provider_unhealthy' }), [[0, registration('failed', 0)]])
    climb(rule({ kind: 'provider_unregistered' }), [[0, health('unhealthy', 0)]])
  })
})

describe('a success rate', () => {
  const of = (of: 'provider' | 'route' | 'customer') => ({
    ...rule({ kind: 'success_rate', of, threshold: 50, window: 600 }),
    minSamples: 4,
  })

  test('is judged among so many calls, and over the window', () => {
    climb(of('customer'), [
      [0, ended(0, false)],
      [1, ended(1, false)],
      [2, ended(2, false)],
      [3, ended(3, true), '+ me'],
      [4, ended(4, true)],
      [5, ended(5, true), '- me'],
    ])
  })

  test('lasts while too few calls say otherwise, and ends with none', () => {
    climb(of('customer'), [
      ...[0, 1, 2].map((minute): Step => [minute, ended(minute, false)]),
      [3, ended(3, false), '+ me'],
      [12, ended(12, true)],
      [23, undefined, '- me'],
    ])
  })

  test('of each provider counts each attempt, of the customer each call', () => {
    const failover: Partial<EndedFact> = { attempts: [tried(false), tried(true, { providerId: 'twilio' })] }
    const calls = [0, 1, 2, 3].map((minute) => ended(minute, true, failover))
    climb(
      of('customer'),
      calls.map((call, minute) => [minute, call]),
    )
    climb(
      of('provider'),
      calls.map((call, minute) => (minute < 3 ? [minute, call] : [minute, call, '+ telnyx'])),
    )
  })

  test('of a route counts what went by it, of a country what went there', () => {
    climb({ ...of('route'), routeId: 'default' }, [
      ...[0, 1, 2, 3, 4].map(
        (minute): Step => [minute, ended(minute, false, { attempts: [tried(false, { routeId: 'other' })] })],
      ),
      ...[5, 6, 7].map((minute): Step => [minute, ended(minute, false)]),
      [8, ended(8, false), '+ default'],
    ])
    const abroad = [0, 1, 2, 3].map((minute) => ended(minute, false, { country: 'DE' }))
    climb(
      { ...of('customer'), country: 'US' },
      abroad.map((call, minute) => [minute, call]),
    )
    climb(
      { ...of('customer'), country: 'DE' },
      abroad.map((call, minute) => (minute < 3 ? [minute, call] : [minute, call, '+ me'])),
    )
  })

  test('is of calls out which were tried somewhere', () => {
    climb(
      of('customer'),
      [0, 1, 2, 3, 4].map((minute) => [minute, ended(minute, false, { outgoing: false })]),
    )
    climb(
      of('customer'),
      [0, 1, 2, 3, 4].map((minute) => [minute, ended(minute, false, { attempts: [] })]),
    )
  })
})

describe('a post-dial delay', () => {
  const slow = (percentile: number) => ({
    ...rule({ kind: 'post_dial_delay', of: 'provider', threshold: 5_000, percentile, window: 600 }),
    minSamples: 4,
  })
  const rang = (minute: number, pddMs: number | null) =>
    ended(minute, true, { attempts: [tried(true, { pddMs })] })

  test('of most is not one of a few, and one which never rang says nothing', () => {
    climb(slow(50), [
      [0, rang(0, 20_000)],
      [1, rang(1, 20_000)],
      [2, rang(2, 100)],
      [2, rang(2, null)],
      [2, rang(2, null)],
      [3, rang(3, 100)],
      [4, rang(4, 20_000), '+ telnyx'],
      [5, rang(5, 5_000), '- telnyx'],
    ])
  })

  test('of the slowest tenth is above the threshold as soon as more than a tenth is', () => {
    const [quick, slowOne] = [rang(0, 100), rang(1, 6_000)]
    climb(slow(90), [
      ...Array.from({ length: 9 }, (): Step => [0, quick]),
      [1, slowOne],
      [1, slowOne, '+ telnyx'],
    ])
  })
})

describe('quality', () => {
  const sound = (mos: number | null, lost: number, jitterMs: number) => ({
    packets: 100 - lost,
    lost,
    jitterMs,
    mos,
  })
  const bad = { both: sound(4.3, 0, 2), fromProvider: sound(2.1, 30, 80) }
  const measured = (measure: 'mos' | 'loss' | 'jitter', threshold: number, of: 'provider' | 'customer') => ({
    ...rule({ kind: 'quality', of, measure, threshold, window: 600 }),
    minSamples: 2,
  })

  test.each([
    ['mos', 3.6],
    ['loss', 5],
    ['jitter', 40],
  ] as const)(
    'by %s is a provider’s by what comes from it, the customer’s by both sides',
    (measure, threshold) => {
      const call = heard(bad)
      climb(measured(measure, threshold, 'provider'), [
        [0, call],
        [1, call, '+ telnyx'],
      ])
      climb(measured(measure, threshold, 'customer'), [
        [0, call],
        [1, call],
      ])
    },
  )

  test('is judged on average, of calls of which it can be told', () => {
    climb(measured('mos', 3.6, 'provider'), [
      [0, heard({ ...bad, fromProvider: sound(null, 0, 0) })],
      [0, heard({ ...bad, fromProvider: null })],
      [0, heard(bad)],
      [1, heard({ ...bad, fromProvider: sound(4.4, 0, 0) }), '+ telnyx'],
      [2, heard({ ...bad, fromProvider: sound(4.4, 0, 0) }), '- telnyx'],
    ])
  })
})

describe('a drill', () => {
  test('which fails is told of once, and over when it passes', () => {
    const run = (at: number, passed: boolean): AlertFact => ({
      kind: 'drill',
      at: START + at * MINUTE,
      drillId: 'd1',
      name: 'Telnyx is down',
      passed,
      verdict: 'No route can be taken.',
    })
    const told = climb(rule({ kind: 'drill_failed' }), [
      [0, run(0, true)],
      [1, run(1, false), '+ d1'],
      [2, run(2, false)],
      [3, run(3, true), '- d1'],
    ])
    expect(told[0]?.incident.reason).toBe('The drill Telnyx is down failed: No route can be taken.')
  })
})

describe('a limit', () => {
  test('is told of when it is reached, and over when it was not again for the window', () => {
    climb(rule({ kind: 'limit_reached', window: 300 }), [
      [0, limit(0), '+ me channels'],
      [4, limit(4)],
      [6, undefined],
      [10, undefined, '- me channels'],
      [11, limit(11), '+ me channels'],
    ])
  })

  test('of another is none of an alert which names one', () => {
    climb({ ...rule({ kind: 'limit_reached', window: 300 }), trunkId: 'pbx' }, [[0, limit(0)]])
  })

  test('looks like fraud: of each who is suspected and each country, once while it lasts', () => {
    const suspicion = (at: number, reason: string, country: string | null = null): AlertFact => ({
      kind: 'suspicion',
      at: START + at * MINUTE,
      scope: 'extension',
      scopeId: 'office1',
      name: 'desk',
      reason,
      refused: true,
      country,
      why: 'Too many calls a minute.',
    })
    const told = climb(rule({ kind: 'fraud_suspected', window: 300 }), [
      [0, suspicion(0, 'VELOCITY_EXCEEDED'), '+ office1 VELOCITY_EXCEEDED'],
      [1, suspicion(1, 'VELOCITY_EXCEEDED')],
      [2, suspicion(2, 'COUNTRY_NEW', 'lv'), '+ office1 COUNTRY_NEW lv'],
      [7, undefined, '- office1 VELOCITY_EXCEEDED'],
      [8, undefined, '- office1 COUNTRY_NEW lv'],
    ])
    expect(told[0]?.incident.reason).toBe(
      'A call of the extension desk was refused: Too many calls a minute.',
    )
    climb({ ...rule({ kind: 'fraud_suspected', window: 300 }), extensionId: 'office2' }, [
      [0, suspicion(0, 'OUTBOUND_BLOCKED')],
    ])
  })
})

describe('a country', () => {
  const began = (minute: number, country: string): AlertFact => ({
    kind: 'began',
    at: at(minute),
    country,
    number: '+38761123456',
    account: 'office1',
  })

  test('is new once, and over after the window', () => {
    const told = climb(rule({ kind: 'new_country', window: 3600 }), [
      [0, { kind: 'known', at: at(0), country: 'US' }],
      [1, began(1, 'US')],
      [2, began(2, 'BA'), '+ BA'],
      [3, began(3, 'BA')],
      [61, undefined],
      [62, undefined, '- BA'],
      [63, began(63, 'BA')],
      [64, began(64, 'US')],
    ])
    expect(told[0]?.incident.reason).toBe('office1 called +38761123456: nothing went to that country before.')
    expect(told[0]?.about).toMatchObject({ country: 'ba' })
  })
})

describe('minutes', () => {
  const alert = (of: 'country' | 'customer', since = -24) => ({
    ...rule({ kind: 'minutes', of, threshold: 3, floor: 60, hours: 24 }),
    since: START + since * 60 * MINUTE,
  })
  /** So many minutes are talked which end at that minute. */
  const talk = (minute: number, minutes: number, country = 'BA') =>
    ended(minute, true, { country, answeredAt: at(minute) - minutes * MINUTE })

  test('out of line with the hours before are told of, and over once an hour is in line', () => {
    climb(alert('country'), [
      [50, talk(50, 50)],
      [59, talk(59, 11), '+ BA'],
      [61, undefined],
      [120, undefined, '- BA'],
    ])
  })

  test('are not out of line below the floor, nor where as many are usual', () => {
    climb(alert('country'), [[59, talk(59, 59)]])
    const usual = Array.from({ length: 24 }, (_, hour): Step => [hour * 60 + 55, talk(hour * 60 + 55, 50)])
    climb({ ...alert('country', 0) }, [
      ...usual.slice(0, 5),
      [5 * 60 + 55, talk(5 * 60 + 55, 50)],
      [5 * 60 + 56, talk(5 * 60 + 56, 40)],
    ])
    climb({ ...alert('country', 0) }, [
      ...usual.slice(0, 5),
      [5 * 60 + 58, talk(5 * 60 + 58, 58)],
      [5 * 60 + 58, talk(5 * 60 + 58, 58)],
      [5 * 60 + 58, talk(5 * 60 + 58, 58), '+ BA'],
    ])
  })

  test('count in the hours in which they were talked', () => {
    climb(alert('country'), [[90, talk(90, 89)]])
    climb(alert('country', 0), [
      [150, talk(150, 150)],
      [179, talk(179, 60)],
    ])
    climb(alert('country'), [
      [59, talk(59, 59)],
      [59, talk(59, 1), '+ BA'],
    ])
  })

  test('are only watched for the first whole hour', () => {
    const busy = (minute: number): Step[] => [
      [minute, talk(minute, 30)],
      [minute, talk(minute, 30)],
      [minute, talk(minute, 30)],
    ]
    climb(alert('country', 0), busy(50))
    climb(alert('country', 0), [...busy(50), ...busy(110)])
  })

  test('are a country’s each, or the customer’s together; of no country they are none’s', () => {
    const both: Step[] = [
      [50, talk(50, 40)],
      [50, talk(50, 40, 'US')],
    ]
    climb(alert('country'), both)
    climb(alert('customer'), [both[0] as Step, [50, talk(50, 40, 'US'), '+ me']])
    climb({ ...alert('customer'), country: 'BA' }, both)
    climb(alert('country'), [[59, ended(59, true, { country: null, answeredAt: at(-60) })]])
  })
})

describe('every kind', () => {
  test('waits for facts, and passes over those of others', () => {
    const strange: AlertFact[] = [
      failed(0, 1e6),
      standing(0, {}),
      health('unhealthy', 0),
      limit(0),
      heard({}),
    ]
    for (const option of alertCondition.options) {
      const when = alertCondition.parse({ kind: option.shape.kind.value })
      expect(factsFor(when).length).toBeGreaterThan(0)
      const seen = strange.filter((fact) => sightingsOf(rule(when), fact).length > 0)
      expect(seen.length).toBeLessThanOrEqual(1)
      expect(strange.flatMap((fact) => sightingsOf({ ...rule(when), live: false }, fact))).toEqual([])
    }
  })
})

/** Carries out the steps, each with what is told then; everything which was told is given. */
function climb(alert: AlertRule, steps: readonly Step[]): AlertTelling[] {
  const states = new Map<string, AlertState>()
  const all: AlertTelling[] = []
  for (const [minute, fact, ...expected] of steps) {
    const seen = fact ? sightingsOf(alert, fact) : []
    const subjects = new Set([...states.keys(), ...seen.map(({ subject }) => subject)])
    const heard: string[] = []
    for (const subject of subjects) {
      const { state, told } = evaluate(
        alert,
        states.get(subject),
        seen.filter((one) => one.subject === subject),
        utcMs(at(minute)),
        () => `incident of ${subject}`,
      )
      if (state) states.set(subject, JSON.parse(JSON.stringify(state)))
      else states.delete(subject)
      heard.push(...told.map(({ type }) => `${signs[type]} ${subject}`))
      all.push(...told)
    }
    expect([minute, ...heard]).toEqual([minute, ...expected])
  }
  return all
}
const signs = { raised: '+', repeated: '++', resolved: '-' }

function judge(alert: AlertRule, state: AlertState | undefined, fact: AlertFact, minute: number) {
  const seen: readonly Sighting[] = sightingsOf(alert, fact)
  return evaluate(alert, state, seen, utcMs(at(minute)), () => 'incident')
}

function at(minute: number): number {
  return START + minute * MINUTE
}

function rule<When extends AlertCondition>(when: When): AlertRule<When> {
  const nothing = { extensionId: null, trunkId: null, providerId: null, routeId: null, country: null }
  return {
    id: 'alert',
    customerId: 'me',
    name: 'Alert',
    when,
    ...nothing,
    minSamples: 20,
    since: START,
    live: true,
  }
}

function failed(minute: number, count: number, more: Partial<FailureFact> = {}): FailureFact {
  const [accountId, account, address] = ['office1', 'office1', '203.0.113.9']
  const plain = { accountId, account, address, why: 'The password is wrong.', all: false }
  return { kind: 'failure', at: at(minute), from: at(minute), count, ...plain, ...more }
}

function standing(minute: number, more: Partial<StandingFact>): StandingFact {
  const account = { accountId: 'office1', type: 'extension', account: 'office1' } as const
  const plain = { able: true, registered: false, until: at(minute), ended: 'expired', address: null }
  return { kind: 'standing', at: at(minute), ...account, ...plain, ...more }
}

const telnyx = { providerId: 'telnyx', provider: 'Telnyx', why: 'no answer', address: 'telnyx.test' }

function health(status: string, minute: number): AlertFact {
  return { kind: 'health', at: at(minute), status, ...telnyx }
}

function registration(status: string, minute: number): AlertFact {
  return { kind: 'provider_registration', at: at(minute), status, ...telnyx }
}

function limit(minute: number): AlertFact {
  return {
    kind: 'limit',
    at: at(minute),
    scope: 'customer',
    scopeId: 'me',
    name: '',
    resource: 'channels',
    count: 1,
  }
}

function tried(answered: boolean, more: Partial<EndedFact['attempts'][number]> = {}) {
  return { providerId: 'telnyx', provider: 'Telnyx', routeId: 'default', answered, pddMs: 1_000, ...more }
}

function ended(minute: number, answered: boolean, more: Partial<EndedFact> = {}): EndedFact {
  const talk = { answeredAt: answered ? at(minute) - MINUTE : null, attempts: [tried(answered)] }
  return {
    kind: 'ended',
    at: at(minute),
    outgoing: true,
    country: 'US',
    number: '+12125550100',
    ...talk,
    ...more,
  }
}

function heard(more: object): AlertFact {
  const plain = { country: 'US', providerId: 'telnyx', provider: 'Telnyx', routeId: 'default' }
  return { kind: 'heard', at: at(0), ...plain, fromProvider: null, both: null, ...more }
}
