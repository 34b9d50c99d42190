import { describe, expect, test } from 'vitest'
import {
  type DrillCommand,
  monotonicMs,
  type OutboundGuard,
  outboundGuard,
  PLATFORM,
  type ProviderFacts,
  routeFacts,
} from '#contract'
import type { Ladder, Party } from '../../support/ladder.ts'
import { answers, office, provider, telnyx, twilio } from '../../support/office.ts'
import { beats, configured, edgeSays, healthOf, ownerId } from '../../support/providers.ts'
import { configuration, filed } from '../../support/snapshot.ts'

/*
 * A drill at a relay: what it decides, whom it calls, and that nothing of it is seen by calls.
 */

const commandId = '99999999-9999-4999-8999-999999999999'
const telnyxId = provider(telnyx).provider_id
const twilioId = provider(twilio).provider_id

describe('a drill as if a provider were down', () => {
  test('calls the next by the routes, and hangs up as soon as it rings', () => {
    const ladder = drilled()
    ladder.locate(twilio).gives('INVITE to Twilio')
    const invite = ladder.lastRequest(twilio)
    expect(invite.requestUri).toBe('sip:+15551234567@sip.twilio.test')
    ladder
      .when(twilio, answers(invite, twilio, 100))
      .gives()
      .after(1_200)
    ladder.when(twilio, answers(invite, twilio, 180)).gives('CANCEL to Twilio')
    expect(found(ladder)).toMatchObject({
      ok: true,
      status: 180,
      pdd_ms: 1_200,
      provider_id: twilioId,
      verdict: expect.stringMatching(
        /^Twilio takes the call. sip.twilio.test takes the call, it rings after 1.2 s/,
      ),
      decision: {
        outcome: 'connect',
        candidates: [
          { provider_id: telnyxId, kept: false, code: 'ASSUMED_DOWN', why: 'it is taken to be down' },
          { provider_id: twilioId, kept: true, order: 1 },
        ],
      },
      attempts: [{ provider_name: 'Twilio', ok: true, status: 180, pdd_ms: 1_200 }],
    })
    ladder.when(twilio, answers(ladder.lastRequest(twilio, 'CANCEL'), twilio, 200)).gives()
    ladder.when(twilio, answers(invite, twilio, 487)).gives('ACK to Twilio')
    nothingIsSeen(ladder)
  })

  test('fails where that one does not take the call, and says why', () => {
    const ladder = drilled()
    ladder.locate(twilio).whatever()
    ladder.when(twilio, answers(ladder.lastRequest(twilio), twilio, 503)).whatever()
    expect(found(ladder)).toMatchObject({ ok: false, status: 503, provider_id: null, pdd_ms: null })
    expect(found(ladder).verdict).toMatch(/^Twilio does not take the call. .*503 Service Unavailable/)
    nothingIsSeen(ladder)
  })

  test('fails where no other is left', () => {
    const ladder = drilled({}, { providers: [configured(telnyx)] })
    expect(found(ladder)).toMatchObject({
      ok: false,
      attempts: [],
      decision: { outcome: 'reject', reason: 'NO_ROUTE' },
    })
    expect(found(ladder).verdict).toContain('Telnyx: it is taken to be down')
  })

  test('does not call one whose channels are taken', () => {
    const full = configured(twilio, { caps: { max_channels: 1, max_cps: null, max_daily_minutes: null } })
    const ladder = drilled({}, { providers: [configured(telnyx), full], busy: twilioId })
    ladder.gives()
    expect(found(ladder)).toMatchObject({
      ok: false,
      attempts: [],
      decision: {
        reason: 'ALL_PROVIDERS_FULL',
        candidates: [{ code: 'ASSUMED_DOWN' }, { code: 'CHANNELS', kept: false }],
      },
    })
  })
})

describe('a drill of a customer whose calls out may not begin faster', () => {
  const guard = outboundGuard.parse({ max_calls_per_hour: 1 })
  const scope = { kind: 'customer', id: ownerId } as const
  const used = (ladder: Ladder) =>
    ladder.engine.rooms.ledger
      .limits(scope, monotonicMs(ladder.now))
      .map(({ resource, used }) => `${resource} ${used}`)

  test('counts as one call which began, however many providers it tries', () => {
    const ladder = drilled({ provider_down: null }, { guard })
    for (const carrier of [telnyx, twilio]) {
      ladder.locate(carrier).gives(`INVITE to ${carrier.name}`)
      ladder.when(carrier, answers(ladder.lastRequest(carrier), carrier, 503)).whatever()
    }
    expect(used(ladder)).toEqual(['calls_per_hour 1'])
    expect(ladder.engine.rooms.ledger.leases()).toEqual([])
    const again = order({ command_id: ownerId })
    const answer = edgeSays({ commands: [again], slices: [{ scope, resource: 'calls_per_hour', amount: 1 }] })
    ladder.hear({ type: 'beat', answer, sentAt: monotonicMs(ladder.now) }).gives()
    const results = ladder.engine.pulse(monotonicMs(ladder.now)).results
    expect(results).toMatchObject([
      { command_id: ownerId, result: { ok: false, decision: { reason: 'VELOCITY_EXCEEDED' } } },
    ])
  })

  test('which calls nobody counts as none', () => {
    const ladder = drilled({}, { providers: [configured(telnyx)], guard })
    expect(found(ladder)).toMatchObject({ decision: { reason: 'NO_ROUTE' } })
    expect(used(ladder)).toEqual(['calls_per_hour 0'])
  })
})

describe('a drill which takes nothing to be so', () => {
  test('calls the first, then as a caller’s call would the next', () => {
    const ladder = drilled({ provider_down: null })
    ladder.locate(telnyx).gives('INVITE to Telnyx')
    const first = ladder.lastRequest(telnyx)
    ladder.when(telnyx, answers(first, telnyx, 503)).whatever()
    ladder.locate(twilio).gives('INVITE to Twilio')
    ladder.when(twilio, answers(ladder.lastRequest(twilio), twilio, 183)).whatever()
    expect(found(ladder)).toMatchObject({
      ok: true,
      attempts: [
        { ok: false, status: 503 },
        { ok: true, status: 183 },
      ],
    })
    expect(found(ladder).verdict).toMatch(/^After Telnyx: Twilio takes the call/)
  })

  test('ends with what is final to a caller', () => {
    const ladder = drilled({ provider_down: null })
    ladder.locate(telnyx).whatever()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 404)).whatever()
    expect(found(ladder)).toMatchObject({ ok: false, attempts: [{ provider_id: telnyxId, status: 404 }] })
  })

  test('says no more than a beat has room for, however many providers there are', () => {
    const many = Array.from({ length: 40 }, (_, n) =>
      configured(twilio, {
        id: `${String(n).padStart(8, '0')}-4444-4444-8444-444444444444`,
        name: 'x'.repeat(255),
      }),
    )
    const ladder = drilled({ provider_down: null }, { providers: many })
    for (let tried = 0; tried < 8; tried += 1) {
      ladder.locate(twilio).whatever()
      ladder.when(twilio, answers(ladder.lastRequest(twilio, 'INVITE'), twilio, 503)).whatever()
    }
    expect(found(ladder).attempts).toHaveLength(8)
    expect(JSON.stringify(found(ladder)).length).toBeLessThan(16_384)
  })
})

/** A relay which was told to run a drill; `busy`: a provider of which a live call has the only channel. */
function drilled(
  command: Partial<DrillCommand> = {},
  {
    providers = [configured(telnyx), configured(twilio)],
    busy,
    guard,
  }: { providers?: ProviderFacts[]; busy?: string; guard?: OutboundGuard } = {},
): Ladder {
  const ladder = office()
  const { snapshot, secrets } = configuration(ownerId, 1)
  const routes = providers.map(({ id }, at) =>
    routeFacts.parse({
      id: `${String(at).padStart(8, '0')}-5555-4555-8555-555555555555`,
      customer_id: ownerId,
      target: 'all',
      priority: at + 1,
      weight: 0,
      enabled: true,
      created_at: '2026-01-01T00:00:00Z',
      failover: null,
      provider_id: id,
    }),
  )
  const platform = configuration(PLATFORM, 1)
  const customer = { ...snapshot.customer, ...(guard && { guard }) }
  const files = [filed({ snapshot: { ...snapshot, customer, providers, routes }, secrets }), filed(platform)]
  ladder.hear({ type: 'cached', files, confirmed: { version: 1, held: 1, at: 0, behind: {} } }).after(250)
  beats(ladder)
  if (busy) {
    const { ledger } = ladder.engine.rooms
    ledger.open('a live call', ownerId)
    ledger.take(monotonicMs(ladder.now), 'a live call', { kind: 'provider', id: busy })
  }
  const slices = guard && [
    { scope: { kind: 'customer' as const, id: ownerId }, resource: 'calls_per_hour' as const, amount: 1 },
  ]
  return ladder
    .hear({
      type: 'beat',
      answer: edgeSays({ commands: [order(command)], ...(slices && { slices }) }),
      sentAt: monotonicMs(ladder.now),
    })
    .whatever()
}

function order(command: Partial<DrillCommand>): DrillCommand {
  return {
    command_id: commandId,
    kind: 'drill',
    customer_id: ownerId,
    drill_id: commandId,
    provider_down: telnyxId,
    extension_id: null,
    from: null,
    to: '+15551234567',
    ...command,
  }
}

/** What the next beat says of it. */
function found(ladder: Ladder) {
  const [one] = ladder.engine.pulse(monotonicMs(ladder.now)).results
  expect(one).toMatchObject({ command_id: commandId })
  return one?.result as { verdict: string; attempts: object[] }
}

/** No call, no record, no limit, no health moves. */
function nothingIsSeen(ladder: Ladder): void {
  const seen = (carrier: Party) => healthOf(ladder, carrier)?.last?.by
  expect([seen(telnyx), seen(twilio)]).not.toContain('call')
  expect(ladder.tells).toEqual([])
  expect(ladder.engine.load.calls).toBe(0)
  expect(ladder.engine.rooms.ledger.leases()).toEqual([])
  expect(ladder.engine.rooms.ledger.slices(monotonicMs(ladder.now))).toEqual([])
}
