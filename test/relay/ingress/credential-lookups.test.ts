import { describe, expect, test } from 'vitest'
import { type CredentialAnswer, monotonicMs, portNumber } from '#contract'
import { CredentialLookups } from '../../../relay/ingress/credential-lookups.ts'
import type { RoutingClient } from '../../../relay/policy/routing-client.ts'

type Then = Parameters<RoutingClient['account']>[2]

const answer: CredentialAnswer = { kind: 'unknown', ttl: 5 }
const question = { realm: 'realm', username: 'alice' }

describe('requests which wait for what the edge says of an account', () => {
  test('wait for one question, and hear its answer in the order they came', () => {
    const { inquiries: lookups, asked } = desk()
    const heard: number[] = []
    for (const at of [1, 2, 3]) lookups.ask(monotonicMs(0), question, from('192.0.2.1'), () => heard.push(at))
    expect(asked).toHaveLength(1)
    asked[0]?.(monotonicMs(1), { ask: 'credential', answer }, '')
    expect(heard).toEqual([1, 2, 3])
    lookups.ask(monotonicMs(2), question, from('192.0.2.1'), () => heard.push(4))
    expect(asked).toHaveLength(2)
  })

  test('of one place leave half of the room to others, and all give their room back', () => {
    const { inquiries: lookups, asked } = desk()
    expect(fill(lookups, '192.0.2.1')).toBe(100)
    expect(fill(lookups, '192.0.2.2')).toBe(100)
    expect(lookups.hasRoom(from('192.0.2.3'))).toBe(false)
    for (const then of asked.splice(0)) then(monotonicMs(1), undefined, 'timeout')
    expect(fill(lookups, '192.0.2.1')).toBe(100)
  })

  test('whose edge is known to be away hear so at once', () => {
    const lookups = new CredentialLookups({ account: (now, _, then) => then(now, undefined, 'away') })
    const heard: string[] = []
    for (let at = 0; at < 300; at++)
      lookups.ask(monotonicMs(0), question, from('192.0.2.1'), (_, __, why) => heard.push(why))
    expect(heard).toHaveLength(300)
    expect(lookups.hasRoom(from('192.0.2.1'))).toBe(true)
  })
})

function desk() {
  const asked: Then[] = []
  return {
    asked,
    inquiries: new CredentialLookups({ account: (_now, _question, then) => void asked.push(then) }),
  }
}

function from(address: string) {
  return { transport: 'udp' as const, address, port: portNumber(5060) }
}

/** As many as find room; gives how many. */
function fill(lookups: CredentialLookups, address: string): number {
  let count = 0
  for (; count < 500 && lookups.hasRoom(from(address)); count++)
    lookups.ask(
      monotonicMs(0),
      { realm: 'realm', username: `${address} ${count}` },
      from(address),
      () => undefined,
    )
  return count
}
