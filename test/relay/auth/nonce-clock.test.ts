import { describe, expect, test } from 'vitest'
import { monotonicMs } from '#contract'
import type { Ladder } from '../../support/ladder.ts'
import { alice, prove, register } from '../../support/office.ts'
import { hears, informed } from '../../support/office-snapshots.ts'
import { beatAnswer } from '../../support/snapshot.ts'

const hour = 3_600_000

describe('a relay whose clock is put right', () => {
  test.each([
    ['back', -hour],
    ['forward', hour],
  ])('%s goes on believing who answers its challenges', (_, error) => {
    const ladder = informed()
    // Long enough for nonces to be forgotten.
    for (let minutes = 0; minutes < 6; minutes++) expect(registered(ladder.after(60_000))).toBe(200)
    const told = ladder.engine.rooms.clock.epoch
    for (let times = 0; times < 5; times++) edgeTells(ladder.after(20_000), told + error)
    expect(Math.sign(ladder.engine.rooms.clock.epoch - told)).toBe(Math.sign(error))
    for (let minutes = 0; minutes < 6; minutes++) expect(registered(ladder.after(60_000))).toBe(200)
  })

  test('while a phone answers goes on believing it', () => {
    const ladder = informed()
    const told = ladder.engine.rooms.clock.epoch
    const asked = register(alice, 'alice')
    ladder.when(alice, asked).gives('401 to Alice')
    const challenge = ladder.lastResponse(alice)
    ladder.after(61_000)
    edgeTells(ladder, told + hour)
    edgeTells(ladder.after(2_000), told + hour)
    expect(ladder.engine.rooms.clock.epoch).not.toBe(told)
    ladder
      .whatever()
      .when(alice, prove(asked, challenge, 'alice'))
      .whatever()
    expect(ladder.lastResponse(alice).status).toBe(200)
  })
})

/** What Alice is answered who proves herself. */
function registered(ladder: Ladder): number {
  hears(ladder, 7)
  const asked = register(alice, 'alice')
  ladder.when(alice, asked).gives('401 to Alice')
  ladder.when(alice, prove(asked, ladder.lastResponse(alice), 'alice')).whatever()
  return ladder.lastResponse(alice).status
}

/** The edge answers a beat, with a clock which read this when ours was at 0. */
function edgeTells(ladder: Ladder, epoch: number): void {
  const answer = { ...beatAnswer(7), at: new Date(Math.floor(epoch + ladder.now)).toISOString() }
  ladder.engine.pulse(monotonicMs(ladder.now))
  ladder.hear({ type: 'beat', answer, sentAt: monotonicMs(ladder.now) }).whatever()
}
