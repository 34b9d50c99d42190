import { describe, expect, test } from 'vitest'
import { monotonicMs, trunkFacts } from '#contract'
import { type Ladder, relayAddress } from '../../support/ladder.ts'
import { acme } from '../../support/limits.ts'
import { alice, customerId, invite, prove, scanner, telnyx } from '../../support/office.ts'
import { informed, officeConfiguration, officeNumber, telnyxId } from '../../support/office-snapshots.ts'
import { pbx, pbxOffice, pbxRealm, trunkId } from '../../support/pbx.ts'
import { leavesNothingBehind, watch } from '../../support/scene.ts'
import type { Configuration } from '../../support/snapshot.ts'

leavesNothingBehind()

const caps = { max_channels: null, max_cps: null, max_daily_minutes: null }

describe('limits of a snapshot which is current', () => {
  test('refuse the call which is one too many, and the edge hears of it in the next beat', () => {
    const ladder = watch(informed([limited({ customer: 1 })]))
    dials(ladder).gives('100 to Alice', 'ask locate')
    dials(ladder).gives('100 to Alice', '503 to Alice')
    expect(ladder.record).toMatchObject({
      reject_reason: 'CHANNELS_EXCEEDED',
      decision: { decided_by: 'relay', limits: [{ ...acme, used: 1, of: 1, exceeded: true }] },
    })
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).slices).toMatchObject([
      { scope: acme, customer_id: customerId, held: null, used: 1, refused: 1 },
    ])
  })

  test('are spoken of before the first call came', () => {
    const ladder = watch(informed([limited({ customer: 5, telnyx: 3 })]))
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).slices.map(({ scope }) => scope)).toEqual([
      acme,
      { kind: 'provider', id: telnyxId },
    ])
  })

  test('of a provider leave it out of the decision', () => {
    const ladder = watch(informed([limited({ telnyx: 1 })]))
    dials(ladder).gives('100 to Alice', 'ask locate')
    dials(ladder).gives('100 to Alice', '503 to Alice')
    expect(ladder.record).toMatchObject({ reject_reason: 'ALL_PROVIDERS_FULL', attempts: [] })
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).slices).toMatchObject([
      { scope: { kind: 'provider', id: telnyxId }, used: 1, refused: 1 },
    ])
  })

  test('make the line busy for a carrier', () => {
    const ladder = watch(informed([limited({ customer: 0 })]))
    ladder.when(
      telnyx,
      invite(telnyx, `sip:${officeNumber}@${relayAddress}`, { domain: telnyx.flow.address }),
    )
    ladder.gives('100 to Telnyx', '486 to Telnyx')
  })
})

describe('a PBX of a snapshot which is current', () => {
  const number = `sip:+15551234567@${pbxRealm}`

  test('calls from its address without a question to the edge', () => {
    const ladder = watch(informed([withPbx()], pbxOffice()))
    ladder.when(pbx, invite(pbx, number, { user: 'anybody', domain: pbxRealm }))
    ladder.gives('100 to the PBX', 'ask locate')
    expect(ladder.record).toMatchObject({ direction: 'outgoing', trunk_id: trunkId })
  })

  test('is asked for its password anywhere else, without a question to the edge', () => {
    const ladder = watch(informed([withPbx()], pbxOffice()))
    ladder.when(scanner, invite(scanner, number, { domain: pbxRealm })).gives('407 to the scanner')
    expect(ladder.events).toEqual([])
  })
})

function limited({ customer, telnyx }: { customer?: number; telnyx?: number }): Configuration {
  const made = officeConfiguration(7)
  const { snapshot } = made
  const providers = snapshot.providers.map((one) => ({
    ...one,
    caps: { ...caps, max_channels: telnyx ?? null },
  }))
  const facts = { ...snapshot.customer, caps: { ...caps, max_channels: customer ?? null } }
  return { ...made, snapshot: { ...snapshot, customer: facts, providers } }
}

/** The office with a PBX which calls from its address. */
function withPbx(): Configuration {
  const made = officeConfiguration(7)
  const trunk = trunkFacts.parse({
    id: trunkId,
    customer_id: customerId,
    name: 'PBX',
    domain_name: 'acme',
    enabled: true,
    auth_types: ['ip'],
    username: null,
    sources: [`${pbx.flow.address}/32`],
    hostname: null,
    port: null,
    transport: null,
    ring_timeout: 30,
  })
  return { ...made, snapshot: { ...made.snapshot, trunks: [trunk] } }
}

function dials(ladder: Ladder): Ladder {
  const first = invite(alice, '+15551234567')
  ladder.when(alice, first).gives('407 to Alice')
  return ladder.when(alice, prove(first, ladder.lastResponse(alice), 'alice'))
}
