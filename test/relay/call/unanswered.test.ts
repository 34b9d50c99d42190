import { describe, expect, test } from 'vitest'
import type { Ladder, Party } from '../../support/ladder.ts'
import { alice, answers, fromCallee, scanner, sdp, telnyx, within } from '../../support/office.ts'
import { calling, leavesNothingBehind } from '../../support/scene.ts'

leavesNothingBehind()

const body = sdp('192.0.2.10')

describe('what a party asks inside the dialog before the call is answered', () => {
  test.for([
    ['UPDATE', { body }],
    ['INVITE', { body }],
    ['INFO', {}],
  ] as const)(
    'waits where it is a caller’s: %s gets 500 with Retry-After (RFC 3311 §5.2, RFC 3261 §14.2)',
    ([method, more]) => {
      const { ladder, invited } = ringing()
      ladder
        .when(alice, within(invited, ladder.lastResponse(alice), alice, method, 3, more))
        .gives('500 to Alice')
      soon(ladder, alice)
      expect(ladder.engine.load.calls).toBe(1)
    },
  )

  test.for([
    ['UPDATE', { body }],
    ['INVITE', { body }],
    ['INVITE', {}],
  ] as const)(
    'crosses our own offer or INVITE where it is a callee’s: %s gets 491 (RFC 3311 §5.2, RFC 3261 §14.2)',
    ([method, more]) => {
      const { ladder, sent } = ringing()
      ladder
        .when(telnyx, fromCallee(sent, answers(sent, telnyx, 183), telnyx, method, 1, more))
        .gives('491 to Telnyx')
    },
  )

  test('waits where a callee offers nothing: INFO gets 500 with Retry-After', () => {
    const { ladder, sent } = ringing()
    ladder
      .when(telnyx, fromCallee(sent, answers(sent, telnyx, 183), telnyx, 'INFO', 1))
      .gives('500 to Telnyx')
    soon(ladder, telnyx)
  })

  test('is of no call where another address overheard its tags, or has none right: 481', () => {
    const { ladder, sent } = ringing()
    const early = answers(sent, telnyx, 183)
    ladder.when(scanner, fromCallee(sent, early, scanner, 'UPDATE', 1, { body })).gives('481 to the scanner')
    ladder.when(telnyx, within(sent, early, telnyx, 'UPDATE', 2, { body })).gives('481 to Telnyx')
  })
})

function ringing() {
  const scene = calling()
  scene.ladder.when(telnyx, answers(scene.sent, telnyx, 183)).gives('183 to Alice')
  return scene
}

/** Between 0 and 10 seconds, by chance. */
function soon(ladder: Ladder, party: Party): void {
  const seconds = Number(ladder.lastResponse(party).header('retry-after'))
  expect(seconds).toBeGreaterThanOrEqual(0)
  expect(seconds).toBeLessThanOrEqual(10)
}
