import { describe, expect, test } from 'vitest'
import { type BeatAnswer, type HubNews, monotonicMs } from '#contract'
import type { Ladder } from '../../support/ladder.ts'
import { alice, office, prove, register } from '../../support/office.ts'
import { changed, gives, hears, informed, officeConfiguration } from '../../support/office-snapshots.ts'
import { beatAnswer, filed } from '../../support/snapshot.ts'

describe('a relay which the hub tells what is new', () => {
  test('decides by its snapshot for as long as pongs come, without a beat, and asks once they stop', () => {
    const ladder = informed()
    for (let times = 0; times < 30; times++) ladder.after(2_000).hear(pong(ladder)).gives()
    registers(ladder).gives('tell registered', '200 to Alice')
    registers(ladder.after(5_001)).gives('ask credential')
  })

  test('fetches at once what was changed, and a pong confirms it', () => {
    const ladder = informed()
    news(ladder, { version: 8, changed: changed([officeConfiguration(8)]) })
    gives(ladder, filed(officeConfiguration(8)))
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).version).toBe(8)
    ladder.after(4_000).hear(pong(ladder))
    registers(ladder.after(4_000)).gives('tell registered', '200 to Alice')
  })

  test('holds no more for current what was changed and did not come, and tries again as pongs come', () => {
    const ladder = informed()
    news(ladder, { version: 8, changed: changed([officeConfiguration(8)]) })
    ladder.gives('ask snapshot').noAnswer('snapshot').gives()
    ladder.after(4_000).hear(pong(ladder)).gives().after(2_001).hear(pong(ladder)).gives('ask snapshot')
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).version).toBe(7)
  })

  test('which of an older version asks by a beat, and believes no pong until all is named again', () => {
    const ladder = informed()
    news(ladder, { version: 5, changed: [] }).gives('beat')
    hears(ladder, 5)
    ladder.gives('beat')
    registers(ladder.after(6_000).hear(pong(ladder))).gives('ask credential')
  })

  test('takes nothing for older which a beat says that news have overtaken', () => {
    const ladder = informed()
    ladder.engine.pulse(monotonicMs(ladder.now))
    news(ladder, { version: 9, changed: changed([officeConfiguration(9)]) })
    gives(ladder, filed(officeConfiguration(9)))
    answered(ladder, 8, changed([officeConfiguration(8)])).gives()
    expect(ladder.notes.filter(({ event }) => event === 'snapshot.older')).toEqual([])
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).version).toBe(9)
    registers(ladder).gives('tell registered', '200 to Alice')
  })

  test('takes nothing for older which one beat says that another has overtaken', () => {
    const ladder = informed()
    ladder.engine.pulse(monotonicMs(ladder.now))
    answered(ladder, 9, changed([officeConfiguration(9)]))
    gives(ladder, filed(officeConfiguration(9)))
    answered(ladder, 8, changed([officeConfiguration(8)])).gives()
    expect(ladder.notes.filter(({ event }) => event === 'snapshot.older')).toEqual([])
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).version).toBe(9)
    registers(ladder).gives('tell registered', '200 to Alice')
  })

  test('which has gone back is asked for all at once, and no answer to what was asked before counts as that', () => {
    const ladder = informed()
    ladder.engine.pulse(monotonicMs(ladder.now))
    const sentAt = monotonicMs(ladder.now)
    answered(ladder.after(1_000), 5, []).gives('beat')
    expect(ladder.notes.filter(({ event }) => event === 'snapshot.older')).toHaveLength(1)
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).version).toBe(0)
    ladder.hear({ type: 'beat', answer: beatAnswer(9, []), sentAt }).gives()
    answered(ladder, 9, changed([officeConfiguration(7)])).gives()
    registers(ladder).gives('tell registered', '200 to Alice')
  })

  test('rests on nothing older where such a beat does not name what news did, and fetches it', () => {
    const ladder = informed()
    ladder.engine.pulse(monotonicMs(ladder.now))
    news(ladder, { version: 9, changed: changed([officeConfiguration(9)]) })
    ladder.gives('ask snapshot').noAnswer('snapshot').gives()
    answered(ladder, 8, []).gives()
    registers(ladder.after(5_001)).gives('ask credential')
    ladder.after(1_000).hear(pong(ladder))
    gives(ladder, filed(officeConfiguration(9)))
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).version).toBe(9)
  })

  test('asks anew where such a beat was to name all there are', () => {
    const ladder = office()
    ladder.engine.pulse(monotonicMs(ladder.now))
    news(ladder, { version: 9, changed: changed([officeConfiguration(9)]) })
    gives(ladder, filed(officeConfiguration(9)))
    answered(ladder, 8, []).gives('beat')
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).version).toBe(0)
    answered(ladder, 9, changed([officeConfiguration(9)])).gives()
    registers(ladder).gives('tell registered', '200 to Alice')
  })

  test('believes beats again where the database lost what news named, and says so', () => {
    const ladder = informed()
    news(ladder, { version: 9, changed: changed([officeConfiguration(9)]) })
    ladder.gives('ask snapshot').noAnswer('snapshot').gives()
    // Restored as of a version before that, in which others have changed.
    hears(ladder.after(6_500), 8)
    ladder
      .gives('ask snapshot')
      .answer({ ask: 'snapshot', answer: { kind: 'same' } })
      .gives()
    hears(ladder.after(6_500), 8)
    ladder.gives('beat')
    expect(ladder.notes.filter(({ event }) => event === 'snapshot.older')).toHaveLength(1)
    hears(ladder, 8, changed([officeConfiguration(7)]))
    ladder.gives()
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).version).toBe(8)
    registers(ladder).gives('tell registered', '200 to Alice')
  })

  test('leaves as it was what news do not speak of', () => {
    const ladder = informed()
    const before = ladder.engine.pulse(monotonicMs(ladder.now))
    news(ladder, {}).gives()
    expect(ladder.engine.pulse(monotonicMs(ladder.now))).toEqual(before)
  })
})

function news(ladder: Ladder, news: HubNews): Ladder {
  return ladder.hear({ type: 'news', news })
}

/** A beat sent before is answered. */
function answered(ladder: Ladder, version: number, changes: BeatAnswer['changed']): Ladder {
  return ladder.hear({
    type: 'beat',
    answer: beatAnswer(version, changes),
    sentAt: monotonicMs(ladder.now),
  })
}

function pong(ladder: Ladder) {
  return { type: 'pong', sentAt: monotonicMs(ladder.now) } as const
}

/** Alice is challenged, and proves who she is. */
function registers(ladder: Ladder): Ladder {
  const first = register(alice, 'alice')
  ladder.when(alice, first).gives('401 to Alice')
  return ladder.when(alice, prove(first, ladder.lastResponse(alice), 'alice'))
}
