import { describe, expect, test } from 'vitest'
import type { Header } from '../../../relay/sip/message.ts'
import { alice, answers, telnyx, within } from '../../support/office.ts'
import { calling, leavesNothingBehind, talking } from '../../support/scene.ts'

leavesNothingBehind()

/** A refusal of the carrier's, and what the caller hears beside its status. */
const refusals: readonly (readonly [status: number, said: Header[], heard: Header[]])[] = [
  [405, [], [['allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, INFO, UPDATE, PRACK, REFER, NOTIFY']]],
  [
    415,
    [],
    [
      ['accept', 'application/sdp, multipart/mixed'],
      ['accept-encoding', 'identity'],
    ],
  ],
  [415, [['accept', 'application/x']], [['accept', 'application/x']]],
  [420, [['unsupported', 'timer']], [['unsupported', 'timer']]],
  [421, [['require', '100rel']], [['require', '100rel']]],
  [422, [['min-se', '90']], [['min-se', '90']]],
  [488, [['warning', '370 carrier.test "not enough"']], [['warning', '370 carrier.test "not enough"']]],
  [486, [['retry-after', '60']], []],
  [401, [['warning', '399 carrier.test "who"']], []],
]
const names = new Set([
  'accept',
  'accept-encoding',
  'allow',
  'min-se',
  'require',
  'retry-after',
  'unsupported',
  'warning',
])

describe('a refusal which is passed on has what its status may not stand without (RFC 3261 §21.4)', () => {
  test.each(refusals)('%d to an INVITE with %j', (status, headers, heard) => {
    const { ladder, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, status, { headers })).whatever()
    expect(particulars(ladder.lastResponse(alice).headers)).toEqual(without(heard, 'INVITE'))
  })

  test.each(refusals.filter(([status]) => status < 486 && status > 401))(
    '%d to an INFO inside a call with %j',
    (status, headers, heard) => {
      const { ladder, invited, answer } = talking()
      ladder.when(alice, within(invited, answer, alice, 'INFO', 3)).gives('INFO to Telnyx')
      const refused = answers(ladder.lastRequest(telnyx, 'INFO'), telnyx, status, { tag: '', headers })
      ladder.when(telnyx, refused).gives(`${status} to Alice`)
      expect(particulars(ladder.lastResponse(alice).headers)).toEqual(without(heard, 'INFO'))
    },
  )

  test('and of ours where the other side left it to us: 488 has a Warning, but no second one', () => {
    const { ladder, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 488)).whatever()
    expect(ladder.lastResponse(alice).all('warning')).toMatchObject([expect.stringMatching(/^305 /)])
  })
})

function particulars(headers: readonly Header[]): Header[] {
  return headers.filter(([name]) => names.has(name))
}

/** Nobody is told to use the method which was refused. */
function without(heard: readonly Header[], method: string): Header[] {
  return heard.map(([name, value]) => [name, name === 'allow' ? value.replace(`${method}, `, '') : value])
}
