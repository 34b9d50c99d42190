import { describe, expect, test } from 'vitest'
import { type BeatAnswer, monotonicMs } from '#contract'
import type { Ladder } from '../../support/ladder.ts'
import { acme, counted, limitedBy } from '../../support/limits.ts'
import {
  alice,
  aliceDials,
  cancel,
  customerId,
  office,
  provider,
  telnyx,
  through,
} from '../../support/office.ts'
import { leavesNothingBehind, watch } from '../../support/scene.ts'
import { beatAnswer } from '../../support/snapshot.ts'

leavesNothingBehind()

const decision = () => counted(through(provider(telnyx)))

describe('a call which a limit has room for, but not this relay’s share of it', () => {
  test('waits until the edge has shared anew, which it is asked for at once', () => {
    const { ladder } = waiting()
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).slices).toMatchObject([
      { held: 0, used: 0, refused: 1 },
    ])
    granted(ladder, 1).gives('ask route')
    ladder.decide(decision()).gives('ask locate')
  })

  test('goes on waiting while too little comes', () => {
    const { ladder } = waiting()
    granted(ladder, 0).gives('ask route').decide(decision()).gives('beat')
    granted(ladder, 3).gives('ask route').decide(decision()).gives('ask locate')
  })

  test('is refused after three seconds, and the next one at once', () => {
    const { ladder } = waiting()
    ladder.after(3_000).gives('ask route').decide(decision()).gives('503 to Alice')
    expect(ladder.record).toMatchObject({ reject_reason: 'CHANNELS_EXCEEDED' })
    granted(ladder, 0)
    aliceDials(ladder, '+15551234567')
    ladder.decide(decision()).gives('503 to Alice')
  })

  test('may be taken back meanwhile', () => {
    const { ladder, invited } = waiting()
    ladder.when(alice, cancel(invited)).gives('200 to Alice', '487 to Alice')
    granted(ladder, 5).gives('ask route').decide(decision()).gives()
    expect(ladder.engine.rooms.ledger.leases()).toEqual([])
  })
})

describe('a call does not wait for a greater share', () => {
  test.for([
    ['where the limit is reached as a whole', 5, 5, 0],
    ['where no other relay has one', 0, 1, 0],
    ['where the edge was not heard for six seconds', 0, 2, 6_000],
  ] as const)('%s', ([, share, relays, ms]) => {
    const ladder = watch(office({ limits: limitedBy({ [customerId]: { max_channels: 5 } }) }))
    granted(ladder, share, relays)
    for (let call = 0; call < share; call++) ladder.engine.rooms.ledger.open(`call ${call}`, customerId)
    for (let call = 0; call < share; call++)
      ladder.engine.rooms.ledger.take(monotonicMs(0), `call ${call}`, acme)
    ladder.after(ms)
    aliceDials(ladder, '+15551234567')
    ladder.decide(decision()).gives('503 to Alice')
    for (let call = 0; call < share; call++) ladder.engine.rooms.ledger.free(monotonicMs(0), `call ${call}`)
  })
})

test('the edge hears at once that a share which fell is known to have fallen, for others wait for it', () => {
  const ladder = watch(office({ limits: limitedBy({ [customerId]: { max_channels: 5 } }) }))
  granted(ladder, 5).gives()
  granted(ladder, 2).gives('beat')
  granted(ladder, 2).gives()
})

/** Alice has dialled, and none of five channels is this relay's. */
function waiting() {
  const ladder = watch(office({ limits: limitedBy({ [customerId]: { max_channels: 5 } }) }))
  granted(ladder, 0)
  const invited = aliceDials(ladder, '+15551234567')
  ladder.decide(decision()).gives('beat')
  return { ladder, invited }
}

/** The edge answers a beat: so many of Acme's channels are this relay's, of so many relays. */
function granted(ladder: Ladder, amount: number, relays = 2): Ladder {
  const slices: BeatAnswer['slices'] = [{ scope: acme, resource: 'channels', amount }]
  return ladder.hear({
    type: 'beat',
    answer: { ...beatAnswer(0), slices, relays },
    sentAt: monotonicMs(ladder.now),
  })
}
