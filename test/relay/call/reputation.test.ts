import { describe, expect, test } from 'vitest'
import type { Ladder, Party } from '../../support/ladder.ts'
import { aliceDials, answers, office, provider, telnyx, through, twilio } from '../../support/office.ts'

/* One provider, whose name leads to two addresses: those of the parties Telnyx and Twilio. */

describe('an address of a provider which was silent', () => {
  test('is tried after the provider’s other addresses for half a minute', () => {
    const ladder = office()
    silentFirst(ladder)
    dials(ladder).gives('INVITE to Twilio')
    refuses(ladder, twilio)
    ladder.after(29_000).whatever()
    dials(ladder).gives('INVITE to Twilio')
    refuses(ladder, twilio)
    ladder.after(1_100).whatever()
    dials(ladder).gives('INVITE to Telnyx')
  })

  test('is still the last resort', () => {
    const ladder = office()
    silentFirst(ladder)
    dials(ladder).gives('INVITE to Twilio')
    ladder
      .when(twilio, answers(ladder.lastRequest(twilio), twilio, 503))
      .gives('ACK to Twilio', 'INVITE to Telnyx')
  })

  test('is tried as ever where it is the provider’s only one', () => {
    const ladder = office()
    silentFirst(ladder)
    dials(ladder, telnyx).gives('INVITE to Telnyx')
  })

  test('is in its place again as soon as it says anything, however late', () => {
    const ladder = office()
    const late = silentFirst(ladder)
    ladder.when(telnyx, answers(late, telnyx, 503)).gives('ACK to Telnyx')
    dials(ladder).gives('INVITE to Telnyx')
  })

  test('says nothing about the same address of another provider', () => {
    const ladder = office()
    silentFirst(ladder)
    const other = provider(telnyx, { provider_id: '99999999-9999-4999-8999-999999999999' })
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(other)).gives('ask locate')
    ladder.locate(telnyx, twilio).gives('INVITE to Telnyx')
  })
})

describe('an address of a provider', () => {
  test('which could not be reached comes after the others, too', () => {
    const ladder = office()
    dials(ladder).gives('INVITE to Telnyx')
    ladder.hear({ type: 'unsent', flow: telnyx.flow, why: 'refused' }).gives('INVITE to Twilio')
    refuses(ladder, twilio)
    dials(ladder).gives('INVITE to Twilio')
  })

  test('which said 100 and then nothing keeps its place: it is there', () => {
    const ladder = office()
    dials(ladder).gives('INVITE to Telnyx')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 100)).gives()
    ladder.after(8_000).gives('CANCEL to Telnyx', 'INVITE to Twilio')
    refuses(ladder, twilio)
    dials(ladder).gives('INVITE to Telnyx')
  })

  test('which is silent and one which wants to be left alone: only the silent one is called', () => {
    const ladder = office()
    silentFirst(ladder)
    dials(ladder).gives('INVITE to Twilio')
    const headers: [string, string][] = [['retry-after', '20']]
    ladder.when(twilio, answers(ladder.lastRequest(twilio), twilio, 503, { headers }))
    ladder.gives('ACK to Twilio', 'INVITE to Telnyx')
    refuses(ladder, telnyx)
    dials(ladder).gives('INVITE to Telnyx')
    expect(ladder.record.attempts).toHaveLength(1)
  })
})

/** Alice calls through the provider, which is found at Telnyx and Twilio unless said otherwise. */
function dials(ladder: Ladder, ...at: Party[]): Ladder {
  aliceDials(ladder, '+15551234567')
  ladder.decide(through(provider(telnyx))).gives('ask locate')
  return ladder.locate(...(at.length > 0 ? at : [telnyx, twilio]))
}

/** Telnyx says nothing for three seconds, Twilio that it is busy; gives what Telnyx was asked. */
function silentFirst(ladder: Ladder) {
  dials(ladder).gives('INVITE to Telnyx')
  const asked = ladder.lastRequest(telnyx)
  ladder.after(3_000).gives('INVITE to Telnyx', 'INVITE to Telnyx', 'INVITE to Twilio')
  refuses(ladder, twilio)
  return asked
}

function refuses(ladder: Ladder, by: Party): void {
  ladder.when(by, answers(ladder.lastRequest(by), by, 486)).gives(`ACK to ${by.name}`, '486 to Alice')
  ladder.whatever()
}
