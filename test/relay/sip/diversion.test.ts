import { describe, expect, test } from 'vitest'
import { diversionsOf } from '../../../relay/sip/diversion.ts'
import { invite, readRequest } from '../../support/wire.ts'

const told = (Diversion: string | string[]) =>
  diversionsOf(readRequest(invite({ headers: { Diversion } }))).map(
    ({ user, reason, counter, limit, isPrivate }) => [user, reason, counter, limit, isPrivate],
  )

describe('who diverted a call (RFC 5806)', () => {
  test.each<[string | string[], unknown[][]]>([
    ['<sip:+15550001@a.test>', [['+15550001', 'unknown', 1, undefined, false]]],
    [
      '"Sales, EU" <tel:+15550001>;reason=user-busy;counter=3;limit=5',
      [['+15550001', 'user-busy', 3, 5, false]],
    ],
    [
      ['<sip:1@a.test>;reason="no-answer", <sip:2@a.test>;reason=Unconditional', '<sip:3@a.test>'],
      [
        ['1', 'no-answer', 1, undefined, false],
        ['2', 'unconditional', 1, undefined, false],
        ['3', 'unknown', 1, undefined, false],
      ],
    ],
    ['<sip:1@a.test>;privacy=full;screen=no', [['1', 'unknown', 1, undefined, true]]],
    ['<sip:1@a.test>;privacy="off"', [['1', 'unknown', 1, undefined, false]]],
    ['<sip:1@a.test>;counter=0;limit=many', [['1', 'unknown', 1, undefined, false]]],
    ['nonsense <, <sip:2@a.test>;reason=deflection', [['2', 'deflection', 1, undefined, false]]],
    ['<sip:a.test>;reason=away', [['', 'away', 1, undefined, false]]],
  ])('%j says %j', (written, read) => {
    expect(told(written)).toEqual(read)
  })
})
