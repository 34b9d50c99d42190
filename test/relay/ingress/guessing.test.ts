import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { hostPort } from '../../../relay/ground/flow.ts'
import { writeMessage } from '../../../relay/sip/write.ts'
import { type Ladder, type Party, party, realm } from '../../support/ladder.ts'
import {
  account,
  alice,
  cancel,
  invite,
  office,
  password,
  prove,
  register,
  scanner,
} from '../../support/office.ts'
import { informed } from '../../support/office-snapshots.ts'

/*
 * Passwords guessed all at once: what comes in one burst is answered before any of it has been asked about.
 */

const fromOneAddress = (at: number) => stranger(scanner.flow.address, 20_000 + at)
const fromMany = (at: number) => stranger(`10.9.${at >> 8}.${at & 255}`)

describe('a burst of guesses over fresh ports of one address', () => {
  test.each([5, 50, 500])('of %i is looked at five times, and no more', (size) => {
    for (const right of [4, 5, size - 1]) {
      const ladder = burst(informed(), fromOneAddress, size, right)
      expect([right, ladder.bindings.length]).toEqual([right, right < 5 ? 1 : 0])
      answerAll(ladder)
      expect(ladder.bindings).toHaveLength(right < 5 ? 1 : 0)
    }
  })

  test('asks the edge once', () => {
    const ladder = burst(informed(), fromOneAddress, 50, -1)
    expect(ladder.questions).toHaveLength(1)
  })

  test('leads to one block, and to the same answer for all who are looked at or not', () => {
    const ladder = burst(informed(), fromOneAddress, 50, -1)
    answerAll(ladder)
    expect(ladder.notes.filter(({ event }) => event === 'auth.blocked')).toHaveLength(1)
    for (let at = 0; at < 50; at++) expect(ladder.lastResponse(fromOneAddress(at)).status).toBe(401)
  })

  test('goes no further where the edge says nothing, or is known to be away', () => {
    const silent = burst(informed(), fromOneAddress, 50, 20)
    while (silent.questions.length > 0) silent.noAnswer('credential').whatever()
    const away = informed().hear({ type: 'unbeaten', why: 'gone', away: true }).after(10_000)
    burst(away, fromOneAddress, 50, 20)
    expect([silent.bindings, away.bindings]).toEqual([[], []])
  })

  test('goes no further with an account which is remembered only, while the edge is away', () => {
    const ladder = office()
    proves(ladder, alice, password).gives('ask credential').credential(account('alice')).whatever()
    ladder.hear({ type: 'unbeaten', why: 'gone', away: true }).after(10 * 60_000)
    const before = ladder.bindings.length
    burst(ladder, fromOneAddress, 50, 20)
    while (ladder.questions.length > 0) ladder.noAnswer('credential').whatever()
    expect(ladder.bindings).toHaveLength(before)
  })

  test('of calls which are taken back at once goes no further', () => {
    const ladder = informed()
    for (let at = 0; at < 10; at++) {
      // What the edge said is no longer fresh: it is asked again each time.
      ladder.after(2_500)
      const from = fromOneAddress(at)
      const first = invite(from, '+15551234567', { user: 'alice' })
      ladder.when(from, first).whatever()
      const guessed = prove(first, ladder.lastResponse(from), 'alice', at === 7 ? password : `guess ${at}`)
      ladder.when(from, guessed).whatever().when(from, cancel(guessed)).whatever()
      answerAll(ladder)
    }
    expect(ladder.engine.load.calls).toBe(0)
  })
})

describe('a burst of guesses from many addresses', () => {
  test.each([50, 500])('of %i is looked at thirty times, and no more', (size) => {
    for (const right of [29, 30, size - 1]) {
      const ladder = burst(informed(), fromMany, size, right)
      answerAll(ladder)
      expect([right, ladder.bindings.length]).toEqual([right, right < 30 ? 1 : 0])
    }
  })

  test('leaves the phone alone which is registered, comes back behind its address, or calls', () => {
    const ladder = informed()
    proves(ladder, alice, password).gives('tell registered', '200 to Alice')
    burst(ladder, fromMany, 500, -1)
    answerAll(ladder)
    proves(ladder, alice, password).gives('tell refreshed', '200 to Alice')
    const restarted = stranger(alice.flow.address, 5099)
    proves(ladder, restarted, password)
    expect(ladder.lastResponse(restarted).status).toBe(200)
    const first = invite(alice, '+15551234567')
    ladder.whatever().when(alice, first).whatever()
    ladder.when(alice, prove(first, ladder.lastResponse(alice), 'alice')).gives('100 to Alice', 'ask locate')
  })

  test('tells a phone with the right password in a new place to come again', () => {
    const ladder = informed()
    burst(ladder, fromMany, 500, -1)
    answerAll(ladder)
    proves(ladder, alice, password).gives('503 to Alice')
    ladder.after(20_000)
    proves(ladder, alice, password)
    expect(ladder.lastResponse(alice).status).toBe(200)
  })
})

describe('who guessed right', () => {
  test('does not thereby have five more guesses', () => {
    const ladder = informed()
    for (let at = 0; at < 4; at++) answerAll(proves(ladder, scanner, `guess ${at}`))
    proves(ladder, scanner, password)
    expect(ladder.bindings).toHaveLength(1)
    for (let at = 0; at < 5; at++) answerAll(proves(ladder, stranger(scanner.flow.address, 7), 'guess'))
    expect(ladder.notes.filter(({ event }) => event === 'auth.blocked')).toHaveLength(1)
  })

  test('is held up at the flow it registered over as well', () => {
    const ladder = informed()
    proves(ladder, scanner, password)
    for (let at = 0; at < 5; at++) answerAll(proves(ladder, scanner, `guess ${at}`))
    proves(ladder, scanner, password)
    expect(ladder.lastResponse(scanner).status).toBe(401)
  })
})

describe('a password changed a moment ago', () => {
  test('opens its account to ten calls at once, though the snapshot still has the old one', () => {
    const ladder = informed()
    for (let call = 0; call < 10; call++) {
      const first = invite(alice, '+15551234567')
      ladder.when(alice, first).whatever()
      const proved = prove(first, ladder.lastResponse(alice), 'alice', 'the new one')
      ladder.when(alice, proved).whatever()
    }
    ladder.credential({ ...known(), ha1_md5: hash('md5', `alice:${realm}:the new one`) }).whatever()
    expect(ladder.engine.load.calls).toBe(10)
  })
})

/** Challenges come first; then all answers at once, one of them right. */
function burst(ladder: Ladder, from: (at: number) => Party, size: number, right: number): Ladder {
  const answers = Array.from({ length: size }, (_, at) => {
    const party = from(at)
    const first = register(party, 'alice')
    ladder.when(party, first).whatever()
    const word = at === right ? password : `guess ${at}`
    return { party, answer: prove(first, ladder.lastResponse(party), 'alice', word) }
  })
  for (const { party, answer } of answers)
    ladder.hear({ type: 'packet', flow: party.flow, bytes: writeMessage(answer) })
  return ladder.whatever()
}

/** Alice's phone, or who says so, is challenged, and answers. */
function proves(ladder: Ladder, from: Party, word: string): Ladder {
  const first = register(from, 'alice')
  ladder.whatever().when(from, first).whatever()
  return ladder.when(from, prove(first, ladder.lastResponse(from), 'alice', word))
}

/** Named as the ladder names those it was not told of. */
function stranger(address: string, port = 5060): Party {
  return party(hostPort(address, portNumber(port)), address, port)
}

/** The edge has the same password as the snapshot. */
function answerAll(ladder: Ladder): void {
  while (ladder.questions.length > 0) ladder.whatever().credential(account('alice'))
  ladder.whatever()
}

function known() {
  const answer = account('alice')
  if (answer.kind !== 'known') throw new Error('the office has an Alice')
  return answer
}
