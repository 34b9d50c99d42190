import { describe, expect, test } from 'vitest'
import { monotonicMs as ms, portNumber } from '#contract'
import { SourceCache } from '../../../relay/ingress/source-cache.ts'

describe('an address which calls for the first time', () => {
  test('is asked about once, however much it sends before the answer is there', () => {
    const strangers = new SourceCache()
    expect(strangers.meet(ms(0), udp('192.0.2.66'))).toBe('ask')
    expect(strangers.meet(ms(1), udp('192.0.2.66'))).toBe('asked')
    strangers.settle(ms(2), udp('192.0.2.66'), undefined)
    expect(strangers.meet(ms(3), udp('192.0.2.66'))).toBe('ask')
  })

  test('over TCP may ask again, for nothing is repeated there', () => {
    const strangers = new SourceCache()
    const flow = { ...udp('192.0.2.66'), transport: 'tcp' as const }
    expect([strangers.meet(ms(0), flow), strangers.meet(ms(1), flow)]).toEqual(['ask', 'ask'])
  })

  test('is refused for five seconds when nobody knows it', () => {
    const strangers = new SourceCache()
    strangers.meet(ms(0), udp('192.0.2.66'))
    expect(strangers.settle(ms(0), udp('192.0.2.66'), false)).toBe(true)
    expect(strangers.settle(ms(1), udp('192.0.2.66'), false)).toBe(false)
    expect(strangers.meet(ms(4_999), udp('192.0.2.66'))).toBe('unknown')
    expect(strangers.meet(ms(5_002), udp('192.0.2.66'))).toBe('ask')
  })
})

describe('ten thousand forged addresses', () => {
  test('cause fifty questions at once and twenty-five a second', () => {
    const strangers = new SourceCache()
    expect(asked(strangers, 0, 10_000)).toBe(50)
    expect(asked(strangers, 1_000, 10_000)).toBe(25)
  })

  test('do not keep out a carrier nobody heard of: it repeats itself, as they do not', () => {
    const strangers = new SourceCache()
    const carrier = udp('203.0.113.1')
    asked(strangers, 0, 10_000)
    expect(strangers.meet(ms(0), carrier)).toBe('tooMany')
    for (let now = 100; now <= 500; now += 100) asked(strangers, now, 1_000)
    expect(strangers.meet(ms(500), carrier)).toBe('ask')
  })

  test('nor one which connects', () => {
    const strangers = new SourceCache()
    asked(strangers, 0, 10_000)
    expect(strangers.meet(ms(0), { ...udp('203.0.113.1'), transport: 'tcp' })).toBe('ask')
  })

  test('of one network cause ten questions at once and two a second, and leave the rest to others', () => {
    const strangers = new SourceCache()
    const ofNetwork = (now: number) =>
      Array.from({ length: 250 }, (_, at) => strangers.meet(ms(now), udp(`198.51.100.${at}`)))
    expect(ofNetwork(0).filter((answer) => answer === 'ask')).toHaveLength(10)
    expect(ofNetwork(1_000).filter((answer) => answer === 'ask')).toHaveLength(2)
    expect(strangers.meet(ms(1_000), udp('203.0.113.1'))).toBe('ask')
  })

  test('do not keep out a carrier who called within the hour', () => {
    const strangers = new SourceCache()
    strangers.meet(ms(0), udp('203.0.113.1'))
    strangers.settle(ms(0), udp('203.0.113.1'), true)
    asked(strangers, 1_000, 10_000)
    expect(strangers.meet(ms(1_000), udp('203.0.113.1'))).toBe('ask')
    expect(strangers.meet(ms(1_000), udp('203.0.113.1'))).toBe('ask')
  })
})

describe('a carrier', () => {
  test('who once rings somebody that does not know it is still heard by the others', () => {
    const strangers = new SourceCache()
    strangers.settle(ms(0), udp('203.0.113.1'), true)
    strangers.settle(ms(1), udp('203.0.113.1'), false)
    expect(strangers.meet(ms(2), udp('203.0.113.1'))).toBe('ask')
  })
})

function asked(strangers: SourceCache, now: number, addresses: number): number {
  const met = Array.from({ length: addresses }, (_, at) =>
    strangers.meet(ms(now), udp(`10.${now / 1000}.${at >> 8}.${at & 255}`)),
  )
  return met.filter((answer) => answer === 'ask').length
}

function udp(address: string) {
  return { transport: 'udp' as const, address, port: portNumber(5060) }
}
