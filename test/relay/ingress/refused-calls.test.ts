import { describe, expect, test } from 'vitest'
import { writeMessage } from '../../../relay/sip/write.ts'
import { type Ladder, type Party, party, relayAddress } from '../../support/ladder.ts'
import { customerId, invite, scanner, telnyx } from '../../support/office.ts'
import { informed, officeNumber } from '../../support/office-snapshots.ts'

const minute = 60_000

describe('calls from a carrier’s address, which may be forged, to a number nobody has', () => {
  test('two thousand at once are told twice, and counted', () => {
    const ladder = informed()
    flooded(ladder, telnyx, 2_000)
    expect(ladder.events.map(({ data }) => data.count)).toEqual([1])
    ladder.whatever().after(minute).whatever()
    expect(ladder.events).toMatchObject([
      { customer_id: customerId, data: { count: 1 } },
      {
        type: 'call.refused',
        customer_id: customerId,
        data: {
          count: 1_999,
          reason: 'NUMBER_NOT_FOUND',
          source_address: telnyx.flow.address,
          first_at: expect.any(String),
          last_at: expect.any(String),
        },
      },
    ])
  })

  test('have sixty records, and one more a second; the others are answered once and forgotten', () => {
    const ladder = informed()
    flooded(ladder, telnyx, 2_000)
    expect(recorded(ladder)).toBe(60)
    const answers = ladder.messages(telnyx).filter((one) => one.kind === 'response' && one.status === 404)
    expect(answers).toHaveLength(2_000)
    expect(ladder.engine.load.legs).toBeLessThanOrEqual(60)
    ladder.whatever().after(10_000).whatever()
    flooded(ladder, telnyx, 100)
    expect(recorded(ladder)).toBe(70)
  })

  test('are told apart by their reason, and told again in the next minute', () => {
    const ladder = informed()
    flooded(ladder, telnyx, 3)
    ladder.whatever().after(minute).whatever()
    flooded(ladder, telnyx, 2)
    ladder
      .whatever()
      .after(minute)
      .whatever()
      .after(10 * minute)
      .whatever()
    expect(ladder.events.map(({ data }) => data.count)).toEqual([1, 2, 2])
    flooded(ladder, telnyx, 1)
    expect(ladder.events).toHaveLength(4)
  })

  test('are told when the relay ends, before their minute is over', () => {
    const ladder = informed()
    flooded(ladder, telnyx, 5)
    ladder.hear({ type: 'stop' })
    expect(ladder.events.map(({ data }) => data.count)).toEqual([1, 4])
  })
})

describe('calls from addresses nobody knows', () => {
  test('are told by network, twenty at once; all others together', () => {
    const ladder = informed()
    for (let at = 0; at < 40; at++) flooded(ladder, party(`n${at}`, `10.1.${at}.1`), 1)
    flooded(ladder, party('again', '10.1.0.2'), 1)
    expect(ladder.events).toHaveLength(21)
    ladder.whatever().after(minute).whatever()
    expect(ladder.events.map(({ data }) => Number(data.count)).reduce((sum, each) => sum + each, 0)).toBe(41)
    expect(ladder.events.length).toBeLessThanOrEqual(23)
  })

  test('have no record at all', () => {
    const ladder = informed()
    flooded(ladder, scanner, 50)
    flooded(ladder, scanner, 50, officeNumber)
    expect(recorded(ladder)).toBe(0)
  })

  test('to a customer’s number are told to the customer, no more of them than to nobody', () => {
    const ladder = informed()
    for (let at = 0; at < 40; at++) flooded(ladder, party(`n${at}`, `10.1.${at}.1`), 1, officeNumber)
    expect(ladder.events).toHaveLength(21)
    expect(new Set(ladder.events.map(({ customer_id }) => customer_id))).toEqual(new Set([customerId]))
  })
})

/** So many calls to a number, which nobody has unless it is said; the edge, where it is asked, says nothing. */
function flooded(ladder: Ladder, from: Party, calls: number, to = '+15550000000'): void {
  for (let call = 0; call < calls; call++) {
    const dials = invite(from, `sip:${to}@${relayAddress}`, { domain: from.flow.address })
    ladder.hear({ type: 'packet', flow: from.flow, bytes: writeMessage(dials) })
    while (ladder.questions.length > 0) ladder.whatever().noAnswer('route')
  }
  ladder.whatever()
}

function recorded(ladder: Ladder): number {
  return new Set(ladder.tells.map(({ call }) => call.call_id)).size
}
