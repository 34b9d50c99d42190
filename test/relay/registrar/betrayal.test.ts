import { describe, expect, test } from 'vitest'
import type { AccountFacts, DigestAlgorithm } from '#contract'
import { Challenger } from '../../../relay/auth/challenger.ts'
import { parseChallenges } from '../../../relay/sip/digest.ts'
import { type Ladder, party, realm } from '../../support/ladder.ts'
import { customerId, office, prove, register } from '../../support/office.ts'
import { hears, informed } from '../../support/office-snapshots.ts'
import { type Configuration, configuration, withExtension } from '../../support/snapshot.ts'
import { hashes } from './phone.ts'

const scanner = party('the scanner', '192.0.2.66', 5060)
const [weak, strong]: DigestAlgorithm[][] = [['MD5'], ['SHA-256']]

describe('what a challenge tells of who there is', () => {
  test.each([
    ['all of them MD5', [weak], ['MD5']],
    ['all of them SHA-256', [strong], ['SHA-256']],
    ['all of them both', [['SHA-256', 'MD5']], ['SHA-256', 'MD5']],
  ] as [string, DigestAlgorithm[][], string[]][])(
    'is nothing where accounts are alike: %s',
    (_, lists, expected) => {
      const ladder = knowing(accounts(lists))
      expect(offeredTo(ladder, 'user0')).toEqual(expected)
      for (const name of ['nobody', 'admin', '100', '']) expect(offeredTo(ladder, name)).toEqual(expected)
    },
  )

  test('is nothing where they differ: a name no account has gets each list as often as accounts have it', () => {
    const ladder = knowing(accounts([strong ?? [], weak ?? [], weak ?? [], weak ?? []]))
    expect(['user0', 'user1'].map((user) => offeredTo(ladder, user))).toEqual([['SHA-256'], ['MD5']])
    const drawn = Array.from({ length: 400 }, (_, i) => offeredTo(ladder, `nobody${i}`).join())
    const share = drawn.filter((list) => list === 'SHA-256').length / drawn.length
    expect(share).toBeGreaterThan(0.18)
    expect(share).toBeLessThan(0.32)
  })

  test('is the same for a name every time, at every relay, and with one account more or less for nearly every name', () => {
    const lists = (count: number) => [strong ?? [], ...Array.from({ length: count }, () => weak ?? [])]
    const [one, two] = [new Challenger(hashes), new Challenger(hashes)]
    const draw = (challenger: Challenger, name: number, count: number) =>
      challenger.draw({ realm, username: `n${name}` }, lists(count).sort())
    let changed = 0
    for (let name = 0; name < 300; name++) {
      expect(draw(two, name, 9)).toEqual(draw(one, name, 9))
      if (draw(one, name, 9)?.join() !== draw(one, name, 10)?.join()) changed++
    }
    expect(changed).toBeLessThan(10)
  })

  test.each(['user0', 'nobody'])('is nothing after a wrong guess, nor while the edge is away: %s', (user) => {
    const ladder = knowing(accounts([strong ?? [], ...Array.from({ length: 9 }, () => weak ?? [])]))
    const expected = user === 'user0' ? ['SHA-256'] : offeredTo(ladder, user)
    const first = register(scanner, user)
    ladder.when(scanner, first).whatever()
    ladder.when(scanner, prove(first, ladder.lastResponse(scanner), user, 'guess'))
    ladder.gives('ask credential').noAnswer('credential').gives('401 to the scanner')
    expect(listsIn(ladder)).toEqual(expected)
    ladder.after(60_000).whatever()
    expect(offeredTo(ladder, user)).toEqual(expected)
  })
})

/** Phones user0, user1 …, each with a list of algorithms. */
function accounts(lists: AccountFacts['algorithms'][]): Configuration {
  return lists.reduce(
    (so, algorithms, i) => {
      const id = `77777777-7777-4777-8777-${String(i).padStart(12, '0')}`
      return withExtension(so, { id, name: `user${i}`, realm, password: 'right' }, { algorithms })
    },
    configuration(customerId, 7),
  )
}

function knowing(known: Configuration): Ladder {
  const ladder = informed([known], office({}, scanner))
  hears(ladder, 7)
  return ladder
}

function offeredTo(ladder: Ladder, user: string): string[] {
  ladder.when(scanner, register(scanner, user)).gives('401 to the scanner')
  return listsIn(ladder)
}

function listsIn(ladder: Ladder): string[] {
  const challenges = ladder.lastResponse(scanner).all('www-authenticate')
  return challenges.flatMap(parseChallenges).map(({ algorithm }) => algorithm)
}
