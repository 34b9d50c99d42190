import { describe, expect, test } from 'vitest'
import { type BeatAnswer, beat, type Caps, monotonicMs, type RouteDecision } from '#contract'
import type { Request } from '../../../relay/sip/message.ts'
import { type Ladder, unsaidTime } from '../../support/ladder.ts'
import { acme, counted, limitedBy } from '../../support/limits.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  cancel,
  customerId,
  extensionIds,
  office,
  provider,
  registers,
  ringBob,
  sdp,
  telnyx,
  through,
  twilio,
  within,
} from '../../support/office.ts'
import { leavesNothingBehind, watch } from '../../support/scene.ts'

leavesNothingBehind()

const nothingNew: BeatAnswer = {
  at: unsaidTime,
  version: 0,
  changed: [],
  slices: [],
  seconds: [],
  health: [],
  registrations: [],
  withdrawn: [],
  commands: [],
  ends: [],
  relays: 1,
}
const providerIds = { telnyx: provider(telnyx).provider_id, twilio: provider(twilio).provider_id }
const urgent = (decision: RouteDecision): RouteDecision => ({
  ...decision,
  explanation: decision.explanation && { ...decision.explanation, emergency: true },
})
const both = () => through(provider(telnyx), provider(twilio))

describe('an extension which is called by a number of the house', () => {
  const bobs = { kind: 'extension', id: extensionIds.bob } as const
  const rings = (): RouteDecision => {
    const decision = counted(ringBob())
    return { ...decision, extension_id: extensionIds.alice, scopes: [...decision.scopes, bobs] }
  }
  const ringsBob = (ladder: Ladder) => {
    aliceDials(ladder, '+12125550100')
    return ladder.decide(rings())
  }

  test('is busy where its channels are taken, and no minutes of its stop the call', () => {
    const ladder = office_({ [bobs.id]: { max_channels: 1, max_daily_minutes: 0 } })
    registers(ladder, bob, 'bob')
    ringsBob(ladder).gives('INVITE to Bob')
    ringsBob(ladder).gives('486 to Alice')
    expect(ladder.record).toMatchObject({ reject_reason: 'CHANNELS_EXCEEDED' })
  })

  test('tells who calls that these are full, where their own limits are', () => {
    const ladder = office_({ [extensionIds.alice]: { max_channels: 1 } })
    registers(ladder, bob, 'bob')
    ringsBob(ladder).gives('INVITE to Bob')
    ringsBob(ladder).gives('503 to Alice')
  })
})

describe('a customer with all channels in use', () => {
  test('hears 503 at once, with when to come again and why', () => {
    const ladder = office_({ [customerId]: { max_channels: 1 } })
    answered(ladder)
    dials(ladder, both()).gives('503 to Alice')
    const refusal = ladder.lastResponse(alice)
    expect(refusal.header('retry-after')).toBe('2')
    expect(refusal.header('reason')).toMatch(/^SIP;cause=503;text="CHANNELS_EXCEEDED: No more calls/)
    expect(ladder.record).toMatchObject({
      status: 'hangup',
      hangup_by: 'system',
      hangup_reason: 'rejected',
      reject_reason: 'CHANNELS_EXCEEDED',
      attempts: [],
    })
    expect(ladder.record.decision).toMatchObject({
      outcome: 'reject',
      status: 503,
      reason: 'CHANNELS_EXCEEDED',
      message: 'No more calls of this customer (Acme): channels 1/1 in use.',
      limits: [{ ...acme, name: 'Acme', resource: 'channels', used: 1, of: 1, exceeded: true }],
    })
  })

  test('calls again as soon as a call has ended', () => {
    const ladder = office_({ [customerId]: { max_channels: 1 } })
    const first = answered(ladder)
    ladder.when(alice, within(first, ladder.lastResponse(alice), alice, 'BYE', 9)).whatever()
    dials(ladder, both()).gives('ask locate')
  })

  test('calls an emergency number all the same, and it counts', () => {
    const ladder = office_({ [customerId]: { max_channels: 1 }, [providerIds.telnyx]: { max_channels: 1 } })
    answered(ladder)
    const decision = urgent(counted(through(provider(telnyx)), 'short'))
    aliceDials(ladder, '112')
    ladder.decide(decision).gives('ask locate')
    expect(ladder.engine.rooms.ledger.limits(acme, monotonicMs(ladder.now))[0]).toMatchObject({
      used: 2,
      of: 1,
    })
  })

  test('calls nobody inside either', () => {
    const ladder = office_({ [customerId]: { max_channels: 1 } })
    registers(ladder, bob, 'bob')
    answered(ladder)
    dials(ladder, ringBob(), 'bob').gives('503 to Alice')
  })
})

describe('calls per second', () => {
  test('above the limit hear 503; a second later there is room', () => {
    const ladder = office_({ [extensionIds.alice]: { max_cps: 2 } })
    for (const _ of [1, 2]) dials(ladder, both()).gives('ask locate')
    dials(ladder, both()).gives('503 to Alice')
    expect(ladder.record.reject_reason).toBe('CPS_EXCEEDED')
    ladder.after(1_000).whatever()
    dials(ladder, both()).gives('ask locate')
  })
})

describe('daily minutes which are used up', () => {
  test('let no new call begin, and cut none which goes on', () => {
    const ladder = office_({ [customerId]: { max_daily_minutes: 1 } })
    answered(ladder)
    ladder.after(90_000).gives()
    dials(ladder, both()).gives('403 to Alice')
    expect(ladder.lastResponse(alice).header('retry-after')).toBeUndefined()
    expect(ladder.record.decision?.limits).toMatchObject([
      { resource: 'daily_minutes', used: 1.5, of: 1, exceeded: true },
    ])
    expect(ladder.record.reject_reason).toBe('DAILY_MINUTES_EXCEEDED')
    expect(ladder.engine.load.calls).toBe(1)
  })

  test('were used by calls out alone: one inside costs none', () => {
    const ladder = office_({ [customerId]: { max_daily_minutes: 1 } })
    registers(ladder, bob, 'bob')
    const invited = dial(ladder, ringBob(), 'bob')
    ladder.whatever()
    ladder.when(bob, answers(ladder.lastRequest(bob), bob, 200, { body: sdp('10.0.0.6') })).whatever()
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).whatever()
    ladder.after(90_000).gives()
    expect(ladder.engine.load.calls).toBe(1)
    dials(ladder, both()).gives('ask locate')
  })
})

describe('a provider with all channels in use', () => {
  test('is left out without being called, and the next one is', () => {
    const ladder = office_({ [providerIds.telnyx]: { max_channels: 1 } })
    answered(ladder)
    dials(ladder, both()).gives('ask locate').locate(twilio).gives('INVITE to Twilio')
    const { attempts, decision } = ladder.record
    expect(attempts.map((attempt) => attempt.provider_name)).toEqual(['Twilio'])
    expect(decision?.candidates).toMatchObject([
      { provider_id: providerIds.telnyx, kept: false, order: null, code: 'CHANNELS', why: 'channels 1/1' },
      { provider_id: providerIds.twilio, kept: true, order: 2 },
    ])
    expect(decision?.limits).toMatchObject([{ kind: 'provider', id: providerIds.telnyx, exceeded: true }])
  })

  test('is left out in the middle of a search too', () => {
    const ladder = office_({ [providerIds.twilio]: { max_channels: 0 } })
    dials(ladder, both()).gives('ask locate').locate(telnyx).gives('INVITE to Telnyx')
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 502))
      .gives('ACK to Telnyx', '502 to Alice')
    expect(ladder.record.decision?.candidates).toMatchObject([
      { kept: true, code: 'KEPT' },
      { kept: false, code: 'CHANNELS', why: 'channels 0/0' },
    ])
  })

  test('is free again once it has failed a call', () => {
    const ladder = office_({ [providerIds.telnyx]: { max_channels: 1 } })
    dials(ladder, both()).gives('ask locate').locate(telnyx).gives('INVITE to Telnyx')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 503)).whatever()
    dials(ladder, through(provider(telnyx))).gives('ask locate')
  })

  test('is free again once it was given up for its silence; its late 200 takes nothing', () => {
    const ladder = office_({ [providerIds.telnyx]: { max_channels: 1 } })
    dials(ladder, both()).gives('ask locate').locate(telnyx).gives('INVITE to Telnyx')
    const sent = ladder.lastRequest(telnyx)
    ladder.after(3_000).whatever()
    expect(used(ladder, 'telnyx')).toBe(0)
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: sdp('203.0.113.1') })).whatever()
    expect(used(ladder, 'telnyx')).toBe(0)
    expect(used(ladder, 'twilio')).toBe(1)
  })

  test('is free again once the caller has cancelled', () => {
    const ladder = office_({ [providerIds.telnyx]: { max_channels: 1 } })
    const invited = dial(ladder, both())
    ladder.whatever().locate(telnyx).whatever()
    expect(used(ladder, 'telnyx')).toBe(1)
    ladder.when(alice, cancel(invited)).whatever()
    expect(used(ladder, 'telnyx')).toBe(0)
    expect(ladder.engine.rooms.ledger.leases()).toEqual([])
  })

  test('tried at its second address counts once', () => {
    const ladder = office_({ [providerIds.telnyx]: { max_channels: 1, max_cps: 1 } })
    dials(ladder, through(provider(telnyx)))
      .gives('ask locate')
      .locate(telnyx, twilio)
      .whatever()
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 503))
      .gives('ACK to Telnyx', 'INVITE to Twilio')
    expect(used(ladder, 'telnyx')).toBe(1)
  })
})

describe('when every provider is full', () => {
  test('the caller hears 503, and the record says so', () => {
    const ladder = office_({
      [providerIds.telnyx]: { max_channels: 0 },
      [providerIds.twilio]: { max_cps: 0 },
    })
    dials(ladder, both()).gives('503 to Alice')
    expect(ladder.lastResponse(alice).header('reason')).toMatch(/^SIP;cause=503;text="ALL_PROVIDERS_FULL: /)
    expect(ladder.lastResponse(alice).header('retry-after')).toBe('2')
    expect(ladder.record).toMatchObject({ reject_reason: 'ALL_PROVIDERS_FULL', attempts: [] })
    expect(ladder.record.decision).toMatchObject({
      outcome: 'reject',
      reason: 'ALL_PROVIDERS_FULL',
      candidates: [{ code: 'CHANNELS' }, { code: 'CPS', why: 'calls per second 0/0' }],
    })
    expect(ladder.engine.rooms.ledger.leases()).toEqual([])
  })

  test('an emergency number is called all the same, and no other short one: some are dear', () => {
    const ladder = office_({ [providerIds.telnyx]: { max_channels: 0, max_daily_minutes: 0 } })
    aliceDials(ladder, '112')
    ladder.decide(urgent(counted(through(provider(telnyx)), 'short'))).gives('ask locate')
    aliceDials(ladder, '11833')
    ladder.decide(counted(through(provider(telnyx)), 'short')).gives('503 to Alice')
  })
})

describe('a relay which stops', () => {
  test('has no call in its ledger any more; one which begins anew counts from nothing', () => {
    const ladder = office_({ [customerId]: { max_channels: 1 } })
    answered(ladder)
    ladder.hear({ type: 'stop' }).whatever()
    expect(ladder.engine.rooms.ledger.leases()).toEqual([])
    const anew = office_({ [customerId]: { max_channels: 1 } })
    dials(anew, both()).gives('ask locate')
  })
})

describe('a call whose ACK never comes', () => {
  test('counts until it is hung up', () => {
    const ladder = office_({ [customerId]: { max_channels: 1 } })
    dials(ladder, both()).gives('ask locate').locate(telnyx).whatever()
    accept(ladder)
    ladder.after(31_000).whatever()
    expect(ladder.engine.rooms.ledger.size).toBe(1)
    ladder.after(1_000).whatever()
    expect(ladder.engine.rooms.ledger.size).toBe(0)
  })
})

describe('a beat', () => {
  test('tells of the calls and of the limits they count in, and what it is answered holds at once', () => {
    const ladder = office_({ [customerId]: { max_channels: 2, max_cps: 9 } })
    answered(ladder)
    const { engine, now } = ladder
    const said = engine.pulse(monotonicMs(now))
    expect(beat.shape.leases.parse(said.leases)).toHaveLength(1)
    expect(beat.shape.slices.parse(said.slices)).toMatchObject([
      { scope: acme, resource: 'channels', held: null, used: 1, refused: 0 },
      { scope: acme, resource: 'cps', held: null, used: 1, refused: 0 },
    ])
    const slices = [{ scope: acme, resource: 'channels' as const, amount: 1 }]
    ladder.hear({ type: 'beat', answer: { ...nothingNew, slices, relays: 2 }, sentAt: monotonicMs(now) })
    dials(ladder, both()).gives('beat')
    expect(engine.pulse(monotonicMs(now)).slices[0]).toMatchObject({ held: 1, used: 1, refused: 1 })
    ladder.after(3_000).gives('ask route').decide(counted(both())).gives('503 to Alice')
  })
})

describe('leases', () => {
  test('name every call which goes on, and the provider while it is called or has answered', () => {
    const ladder = office_({})
    dials(ladder, both()).gives('ask locate').locate(telnyx).whatever()
    const scopes = () =>
      ladder.engine.rooms.ledger.leases().map((lease) => lease.scopes.map(({ kind, id }) => [kind, id]))
    const own = [
      ['customer', customerId],
      ['extension', extensionIds.alice],
    ]
    expect(scopes()).toEqual([[...own, ['provider', providerIds.telnyx]]])
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 503)).whatever()
    expect(scopes()).toEqual([[...own, ['provider', providerIds.twilio]]])
    expect(ladder.engine.rooms.ledger.leases()[0]).toMatchObject({
      call_id: ladder.record.call_id,
      customer_id: customerId,
    })
  })
})

function office_(limits: Readonly<Record<string, Partial<Caps>>>): Ladder {
  return watch(office({ limits: limitedBy(limits) }))
}

/** Alice dials, and the edge decides; gives her INVITE. */
function dial(ladder: Ladder, decision: RouteDecision, to = '+15551234567'): Request {
  const invited = aliceDials(ladder, to)
  ladder.decide(counted(decision))
  return invited
}

function dials(ladder: Ladder, decision: RouteDecision, to?: string): Ladder {
  dial(ladder, decision, to)
  return ladder
}

/** A call of Alice's over Telnyx which goes on; gives her INVITE. */
function answered(ladder: Ladder): Request {
  const invited = dial(ladder, both())
  ladder.whatever().locate(telnyx).whatever()
  accept(ladder)
  ladder.when(alice, ack(invited, ladder.lastResponse(alice))).whatever()
  return invited
}

function accept(ladder: Ladder): void {
  ladder
    .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 200, { body: sdp('203.0.113.1') }))
    .whatever()
}

function used(ladder: Ladder, carrier: keyof typeof providerIds): number | undefined {
  const { ledger } = ladder.engine.rooms
  const id = providerIds[carrier]
  return ledger.leases().filter(({ scopes }) => scopes.some((scope) => scope.id === id)).length
}
