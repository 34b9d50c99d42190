import { describe, expect, test } from 'vitest'
import {
  customerFacts,
  extensionFacts,
  monotonicMs,
  monotonicMs as ms,
  providerFacts,
  type Scope,
  trunkFacts,
} from '#contract'
import { ConfigIndex, type ConfigSlice } from '#routing'
import { Ledger } from '../../../relay/limits/ledger.ts'
import { limitsOn } from '../../../relay/limits/scope.ts'
import { acme, alicesPhone, limitedBy } from '../../support/limits.ts'
import { customerId, extensionIds } from '../../support/office.ts'

const epoch = Date.parse('2026-01-05T12:00:00Z')
const minute = 60_000
const pbx: Scope = { kind: 'trunk', id: '66666666-6666-4666-8666-666666666666' }
const telnyx: Scope = { kind: 'provider', id: '44444444-4444-4444-8444-444444444444' }

const noLimits = { max_channels: null, max_cps: null, max_daily_minutes: null }

const named = { customer_id: customerId, enabled: true }
const portion: ConfigSlice = {
  customer_id: customerId,
  version: 1,
  customer: customerFacts.parse({
    id: customerId,
    country: 'us',
    calling_code: '1',
    allowed: null,
    number_countries: [],
    require_caller_id: false,
    caps: { max_channels: 30 },
  }),
  extensions: [
    extensionFacts.parse({
      ...named,
      id: alicesPhone.id,
      extension: 'alice',
      name: '',
      ring_timeout: 30,
      caps: { max_channels: 1 },
    }),
  ],
  trunks: [
    trunkFacts.parse({
      ...named,
      id: pbx.id,
      name: '',
      domain_name: 'acme',
      auth_types: ['basic'],
      username: 'acme',
      sources: [],
      hostname: null,
      port: null,
      transport: null,
      ring_timeout: 30,
      caps: { max_channels: 4 },
    }),
  ],
  providers: [
    providerFacts.parse({
      ...named,
      id: telnyx.id,
      name: 'Telnyx',
      hostname: 'sip.telnyx.test',
      port: null,
      transport: null,
      codecs: '',
      tech_prefix: '',
      tech_postfix: '',
      tech_headers: {},
      username: null,
      failover: null,
      caps: { max_channels: 20 },
    }),
  ],
  numbers: [],
  flows: [],
  routes: [],
}

describe('the ledger of channels', () => {
  test('counts a call once, however often it is said to begin', () => {
    const ledger = acmeWith({ max_channels: 3 })
    begins(ledger, 'a')
    begins(ledger, 'a')
    begins(ledger, 'b')
    expect(use(ledger)).toEqual(['channels 2/3'])
  })

  test('frees a call from all its limits, once', () => {
    const ledger = acmeWith({ max_channels: 3 })
    begins(ledger, 'a', [acme, alicesPhone])
    begins(ledger, 'b')
    ledger.free(ms(1), 'a')
    ledger.free(ms(2), 'a')
    expect(use(ledger)).toEqual(['channels 1/3'])
    expect(ledger.leases()).toEqual([{ call_id: 'b', customer_id: customerId, scopes: [acme] }])
  })

  test('takes nothing for a call which is over, or never began', () => {
    const ledger = acmeWith({ max_channels: 3 })
    ledger.take(ms(0), 'a', acme)
    begins(ledger, 'b')
    ledger.free(ms(1), 'b')
    ledger.take(ms(2), 'b', acme)
    expect(use(ledger)).toEqual(['channels 0/3'])
    expect(ledger.size).toBe(0)
  })

  test('lets go of what a call does not count in any more, and adds nothing', () => {
    const ledger = acmeWith({ max_channels: 3 })
    begins(ledger, 'a', [acme, telnyx])
    ledger.keep(ms(0), 'a', [{ scope: acme }, { scope: alicesPhone }])
    expect(ledger.leases()[0]?.scopes).toEqual([acme])
  })

  test('says nothing of those who have no limit', () => {
    const ledger = acmeWith({})
    begins(ledger, 'a')
    expect(use(ledger)).toEqual([])
    expect(ledger.slices(ms(0))).toEqual([])
  })

  test('forgets nothing of a call because the edge was heard', () => {
    const ledger = acmeWith({ max_channels: 3 })
    begins(ledger, 'a')
    hears(ledger, 5_000, { relays: 1, slices: [], seconds: [] })
    expect(use(ledger, 5_000)).toEqual(['channels 1/3'])
  })
})

describe('calls per second', () => {
  test('are those of the last second, to the millisecond', () => {
    const ledger = acmeWith({ max_cps: 2 })
    begins(ledger, 'a', [acme], 0)
    begins(ledger, 'b', [acme], 400)
    expect(use(ledger, 999)).toEqual(['cps 2/2'])
    expect(use(ledger, 1_000)).toEqual(['cps 1/2'])
    expect(use(ledger, 1_400)).toEqual(['cps 0/2'])
  })

  test('stay counted when a call ends at once', () => {
    const ledger = acmeWith({ max_cps: 2 })
    begins(ledger, 'a', [acme], 0)
    ledger.free(ms(1), 'a')
    expect(use(ledger, 2)).toEqual(['cps 1/2'])
  })

  test('count a call once, even when it comes back within the second', () => {
    const ledger = acmeWith({ max_cps: 2 })
    begins(ledger, 'a', [acme, telnyx], 0)
    ledger.keep(ms(10), 'a', [])
    ledger.take(ms(20), 'a', acme)
    expect(use(ledger, 30)).toEqual(['cps 1/2'])
  })
})

describe('daily minutes', () => {
  test('are those of calls which are over and of those which go on', () => {
    const ledger = acmeWith({ max_daily_minutes: 10 })
    answered(ledger, 'a', 0)
    ledger.free(ms(2 * minute), 'a')
    answered(ledger, 'b', 3 * minute)
    expect(use(ledger, 4.5 * minute)).toEqual(['daily_minutes 3.5/10'])
  })

  test('cost nothing before somebody answers', () => {
    const ledger = acmeWith({ max_daily_minutes: 10 })
    begins(ledger, 'a')
    ledger.free(ms(5 * minute), 'a')
    expect(use(ledger, 6 * minute)).toEqual(['daily_minutes 0/10'])
  })

  test('stand still while a call has no callee, and go on with the next', () => {
    const ledger = acmeWith({ max_daily_minutes: 10 })
    answered(ledger, 'a', 0)
    for (const at of [1, 2]) ledger.unanswered(ms(at * minute), 'a')
    ledger.answered(ms(5 * minute), 'a')
    expect(use(ledger, 7 * minute)).toEqual(['daily_minutes 3/10'])
  })

  test('are added to what the edge knows of, which is told anew each time', () => {
    const ledger = acmeWith({ max_daily_minutes: 10 })
    answered(ledger, 'a', 0)
    const told = (seconds: number) => ({
      relays: 2,
      slices: [],
      seconds: [{ scope: acme, day: '2026-01-05', seconds }],
    })
    hears(ledger, 0, told(240))
    hears(ledger, 2_000, told(300))
    expect(use(ledger, minute)).toEqual(['daily_minutes 6/10'])
  })

  test('are exceeded when the last second is used up, and not before', () => {
    const ledger = acmeWith({ max_daily_minutes: 1 })
    answered(ledger, 'a', 0)
    expect(ledger.limits(acme, ms(minute - 1))[0]?.exceeded).toBe(false)
    expect(ledger.limits(acme, ms(minute))[0]?.exceeded).toBe(true)
  })

  test('begin anew at midnight UTC; a call across it costs each day its part', () => {
    const ledger = acmeWith({ max_daily_minutes: 100 })
    const midnight = Date.parse('2026-01-06T00:00:00Z') - epoch
    hears(ledger, 0, { relays: 1, slices: [], seconds: [{ scope: acme, day: '2026-01-05', seconds: 600 }] })
    answered(ledger, 'a', midnight - 5 * minute)
    expect(use(ledger, midnight - minute)).toEqual(['daily_minutes 14/100'])
    expect(use(ledger, midnight + 2 * minute)).toEqual(['daily_minutes 2/100'])
    ledger.free(ms(midnight + 3 * minute), 'a')
    expect(use(ledger, midnight + 9 * minute)).toEqual(['daily_minutes 3/100'])
  })

  test.each([
    ['an hour ahead', -60],
    ['half a day behind', 12 * 60],
    ['a day behind', 24 * 60],
  ])('stay as they are when a clock is put right which was %s', (_, minutes) => {
    const clock = { epoch }
    const ledger = new Ledger(clock, limitedBy({ [customerId]: { max_daily_minutes: 100 } }))
    for (const id of ['a', 'b']) answered(ledger, id, 0)
    ledger.free(ms(minute), 'a')
    clock.epoch += minutes * minute
    answered(ledger, 'c', 2 * minute)
    ledger.free(ms(3 * minute), 'b')
    expect(use(ledger, 4 * minute)).toEqual(['daily_minutes 6/100'])
    ledger.free(ms(4 * minute), 'c')
    expect(use(ledger, 5 * minute)).toEqual(['daily_minutes 6/100'])
  })
})

describe('what a relay may use of a limit', () => {
  const slice = (amount: number, relays = 3) => ({
    relays,
    slices: [{ scope: acme, resource: 'channels' as const, amount }],
    seconds: [],
  })

  test('is all of it where no other relay is known of', () => {
    const ledger = acmeWith({ max_channels: 30 })
    expect(use(ledger)).toEqual(['channels 0/30'])
    hears(ledger, 0, { relays: 1, slices: [], seconds: [] })
    expect(use(ledger)).toEqual(['channels 0/30'])
  })

  test('is an equal share, one at least, until the edge has granted a slice', () => {
    const ledger = acmeWith({ max_channels: 10, max_cps: 2 })
    hears(ledger, 0, { relays: 3, slices: [], seconds: [] })
    expect(use(ledger)).toEqual(['channels 0/3', 'cps 0/1'])
  })

  test('is its slice, and never more than the limit', () => {
    const ledger = acmeWith({ max_channels: 10 })
    hears(ledger, 0, slice(7))
    expect(use(ledger)).toEqual(['channels 0/7'])
    hears(ledger, 0, slice(12))
    expect(use(ledger)).toEqual(['channels 0/10'])
  })

  test('stays its slice while the edge says nothing more', () => {
    const ledger = acmeWith({ max_channels: 10 })
    hears(ledger, 0, slice(7))
    hears(ledger, 2_000, { relays: 3, slices: [], seconds: [] })
    expect(use(ledger, 86_000_000)).toEqual(['channels 0/7'])
  })

  test('is nothing new while a smaller slice is still overdrawn', () => {
    const ledger = acmeWith({ max_channels: 10 })
    hears(ledger, 0, slice(3))
    for (const call of ['a', 'b', 'c']) begins(ledger, call)
    hears(ledger, 2_000, slice(1))
    expect(ledger.limits(acme, ms(2_000))).toMatchObject([{ used: 3, of: 1, exceeded: true }])
    ledger.free(ms(2_000), 'a')
    ledger.free(ms(2_000), 'b')
    expect(ledger.limits(acme, ms(2_000))[0]?.exceeded).toBe(true)
    ledger.free(ms(2_000), 'c')
    expect(ledger.limits(acme, ms(2_000))[0]?.exceeded).toBe(false)
  })

  test('is nothing where the limit is nothing', () => {
    expect(acmeWith({ max_channels: 0 }).limits(acme, ms(0))[0]?.exceeded).toBe(true)
  })

  test('has no bound any more when the limit was taken away', () => {
    const caps = { max_channels: 10 as number | null }
    const ledger = new Ledger({ epoch }, limitedBy({ [customerId]: caps }, [acme]))
    hears(ledger, 0, slice(3))
    caps.max_channels = null
    expect(use(ledger)).toEqual([])
    expect(ledger.slices(ms(2_000))).toEqual([])
    caps.max_channels = 10
    expect(ledger.slices(ms(4_000))).toMatchObject([{ held: null }])
  })
})

describe('what is said of limits in a beat', () => {
  test('is what is held, used, and had to be refused since the last beat that came through', () => {
    const ledger = acmeWith({ max_channels: 2, max_cps: 5 })
    begins(ledger, 'a')
    const [channels] = ledger.limits(acme, ms(0))
    for (const call of ['x', 'y', 'y']) if (channels) ledger.refuse(ms(0), call, customerId, channels)
    const said = { scope: acme, customer_id: customerId }
    const expected = [
      { ...said, resource: 'channels', held: null, used: 1, refused: 2 },
      { ...said, resource: 'cps', held: null, used: 1, refused: 0 },
    ]
    expect(ledger.slices(ms(10))).toEqual(expected)
    // That beat was lost: the next one says it again.
    expect(ledger.slices(ms(20))).toEqual(expected)
    if (channels) ledger.refuse(ms(21), 'z', customerId, channels)
    hears(
      ledger,
      30,
      { relays: 1, slices: [{ scope: acme, resource: 'channels', amount: 2 }], seconds: [] },
      20,
    )
    expect(ledger.slices(ms(40))[0]).toMatchObject({ held: 2, used: 1, refused: 1 })
  })

  test('tells the most calls that began within a second, though it was long ago', () => {
    const ledger = acmeWith({ max_cps: 9, max_channels: 9 })
    for (const [call, at] of [
      ['a', 0],
      ['b', 10],
      ['c', 20],
    ] as const)
      begins(ledger, call, [acme], at)
    expect(ledger.slices(ms(1_900)).find(({ resource }) => resource === 'cps')?.used).toBe(3)
    hears(ledger, 1_950, { relays: 1, slices: [], seconds: [] })
    expect(ledger.slices(ms(3_900)).find(({ resource }) => resource === 'cps')?.used).toBe(0)
  })

  test('names those no call came for yet, a thousand in all at most', () => {
    const others = Array.from({ length: 3_000 }, (_, i): Scope => ({ kind: 'customer', id: `c${i}` }))
    const limits = limitedBy({}, [acme, ...others])
    const one = { ...noLimits, max_channels: 1 }
    const ledger = new Ledger({ epoch }, { ...limits, of: () => ({ customerId, name: '', caps: one }) })
    expect(ledger.slices(ms(0))[0]).toMatchObject({
      scope: acme,
      resource: 'channels',
      held: null,
      used: 0,
    })
    expect(ledger.slices(ms(0))).toHaveLength(1_000)
  })

  test('leaves out who had no call for ten minutes, and gives the slice back', () => {
    const ledger = acmeWith({ max_channels: 9 })
    begins(ledger, 'a')
    hears(ledger, 0, { relays: 3, slices: [{ scope: acme, resource: 'channels', amount: 5 }], seconds: [] })
    ledger.free(ms(1_000), 'a')
    expect(ledger.slices(ms(601_000))).toMatchObject([{ held: 5, used: 0 }])
    expect(ledger.slices(ms(601_001))).toEqual([])
    expect(use(ledger, 601_001)).toEqual(['channels 0/3'])
  })
})

describe('the limits on a shelf of snapshots', () => {
  const index = new ConfigIndex()
  index.put(portion)
  const limits = limitsOn(index)

  test('are those of the customer, its extensions, trunks and providers', () => {
    const max = (scope: Scope) => limits.of(scope, customerId)?.caps.max_channels
    expect([acme, alicesPhone, pbx, telnyx].map(max)).toEqual([30, 1, 4, 20])
    expect(limits.of(telnyx, undefined)?.name).toBe('Telnyx')
  })

  test('are unknown for whoever is not there', () => {
    expect(limits.of({ kind: 'provider', id: 'p' }, customerId)).toBeUndefined()
    expect(limits.of(alicesPhone, 'another')).toBeUndefined()
  })

  test('are known before the first call where a slice of them is worth having', () => {
    expect([...limits.known()]).toEqual([acme, telnyx])
  })
})

function acmeWith(limits: Parameters<typeof limitedBy>[0][string]): Ledger {
  return new Ledger({ epoch }, limitedBy({ [customerId]: limits, [extensionIds.bob]: {} }))
}

function begins(ledger: Ledger, callId: string, scopes: readonly Scope[] = [acme], now = 0): void {
  ledger.open(callId, customerId)
  for (const scope of scopes) ledger.take(ms(now), callId, scope)
}

function answered(ledger: Ledger, callId: string, now: number): void {
  begins(ledger, callId, [acme], now)
  ledger.answered(ms(now), callId)
}

function use(ledger: Ledger, now = 0): string[] {
  return ledger.limits(acme, ms(now)).map(({ resource, used, of }) => `${resource} ${used}/${of}`)
}

function hears(
  ledger: Ledger,
  now: number,
  answer: Extract<Parameters<Ledger['receive']>[0], { type: 'beat' }>['answer'],
  sentAt = now,
): void {
  ledger.receive({ type: 'beat', answer, sentAt: monotonicMs(sentAt) }, monotonicMs(now))
}
