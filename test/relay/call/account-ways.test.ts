import { describe, expect, test } from 'vitest'
import { AccountWays } from '../../../relay/call/account-ways.ts'

/** Calls as `from to` each so often, `a b x 50`; then how many are said to be on the way of one more call `a b`. */
function oneMore(before: readonly string[], way: string): number | undefined {
  const ways = new AccountWays()
  for (const row of before) {
    const [from = '', to = '', , times] = row.split(' ')
    for (let call = 0; call < Number(times); call++) ways.take(`${row} ${call}`, from, to)
  }
  const [from = '', to = ''] = way.split(' ')
  return ways.take('one more', from, to)
}

const phones = Array.from({ length: 200 }, (_, at) => `phone${at} centre x 1`)

describe('the ways between accounts', () => {
  test.each<[string, string[], string, number | undefined]>([
    ['of two PBXs which send calls on to each other', ['a b x 50', 'b a x 50'], 'a b', 50],
    ['of three', ['a b x 50', 'b c x 50', 'c a x 50'], 'b c', 50],
    ['of an account and itself', ['a a x 10'], 'a a', 10],
    ['of two beside a third', ['a b x 60', 'a c x 50', 'c a x 50'], 'c a', 50],
    ['of two which call each other less', ['a b x 49', 'b a x 80'], 'a b', undefined],
    ['of two of which one calls back less', ['a b x 200', 'b a x 49'], 'a b', undefined],
    ['of one account which calls another alone', ['a b x 500'], 'a b', undefined],
    ['of two hundred phones to a call centre', [...phones, 'centre phone7 x 50'], 'phone7 centre', undefined],
    [
      'of a house which calls its call centre, and that one others',
      ['a b x 200', 'b c x 90'],
      'a b',
      undefined,
    ],
    ['of an account and itself, less often', ['a a x 9'], 'a a', undefined],
  ])('%s', (_, before, way, expected) => {
    expect(oneMore(before, way)).toBe(expected)
  })

  test('are free of calls which are over, and a call which is on one stays', () => {
    const ways = new AccountWays()
    for (let call = 0; call < 50; call++) {
      ways.take(`there ${call}`, 'a', 'b')
      ways.take(`back ${call}`, 'b', 'a')
    }
    expect(ways.take('there 7', 'a', 'b')).toBeUndefined()
    expect(ways.take('one more', 'a', 'b')).toBe(50)
    ways.free('back 3')
    expect(ways.take('one more', 'a', 'b')).toBeUndefined()
  })
})
