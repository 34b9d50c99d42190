import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import { CredentialLookups } from '../../../relay/ingress/credential-lookups.ts'

const question = { realm: 'realm', username: 'alice' }

describe('requests which wait for what the edge says of an account', () => {
  test('wait for one question, and hear its answer in the order they came', () => {
    const { lookups, asked } = edge()
    for (const at of [1, 2, 3]) lookups.ask(monotonicMs(0), question, from('192.0.2.1'), at)
    expect(asked).toHaveLength(1)
    expect(lookups.answered(question)).toEqual([1, 2, 3])
    lookups.ask(monotonicMs(2), question, from('192.0.2.1'), 4)
    expect(asked).toHaveLength(2)
  })

  test('of one place leave half of the room to others, and all give their room back', () => {
    const { lookups, asked } = edge()
    expect(fill(lookups, '192.0.2.1')).toBe(100)
    expect(fill(lookups, '192.0.2.2')).toBe(100)
    expect(lookups.hasRoom(from('192.0.2.3'))).toBe(false)
    for (const one of asked.splice(0)) lookups.answered(one)
    expect(fill(lookups, '192.0.2.1')).toBe(100)
  })

  test('whose edge is known to be away hear so at once', () => {
    const away = { answer: undefined, why: 'away' }
    const lookups = new CredentialLookups<number>({ account: () => away })
    const heard = Array.from({ length: 300 }, (_, at) =>
      lookups.ask(monotonicMs(0), question, from('192.0.2.1'), at),
    )
    expect(heard.filter((one) => one === away)).toHaveLength(300)
    expect(lookups.hasRoom(from('192.0.2.1'))).toBe(true)
    expect(lookups.answered(question)).toEqual([])
  })
})

function edge() {
  const asked: (typeof question)[] = []
  const account = (_now: number, one: typeof question) => {
    asked.push(one)
    return []
  }
  return { asked, lookups: new CredentialLookups<number>({ account }) }
}

function from(address: string) {
  return { transport: 'udp' as const, address, port: portNumber(5060) }
}

/** As many as find room; gives how many. */
function fill(lookups: CredentialLookups<number>, address: string): number {
  let count = 0
  for (; count < 500 && lookups.hasRoom(from(address)); count++)
    lookups.ask(monotonicMs(0), { realm: 'realm', username: `${address} ${count}` }, from(address), count)
  return count
}
