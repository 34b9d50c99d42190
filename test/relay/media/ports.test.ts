import { describe, expect, test } from 'vitest'
import { monotonicMs as ms, portNumber } from '#contract'
import { Ports } from '../../../relay/media/ports.ts'

const first = () => 0
const last = (below: number) => below - 1

describe('ports', () => {
  test('come in whole even pairs inside the range', () => {
    const ports = new Ports([10_001, 10_007], first)
    const taken = [ports.take(ms(0)), ports.take(ms(0)), ports.take(ms(0))]
    expect(taken.sort()).toEqual([10_002, 10_004, 10_006])
    expect(ports.take(ms(0))).toBeUndefined()
    expect(new Ports([10_000, 10_000], first).take(ms(0))).toBeUndefined()
  })

  test('are picked by the dice', () => {
    expect(new Ports([10_000, 10_009], last).take(ms(0))).toBe(10_008)
    expect(new Ports([10_000, 10_009], first).take(ms(0))).toBe(10_000)
  })

  test('rest for thirty seconds while there are others', () => {
    const ports = new Ports([10_000, 10_003], first)
    expect(ports.take(ms(0))).toBe(10_000)
    ports.give(ms(1_000), portNumber(10_000))
    expect(ports.take(ms(30_999))).toBe(10_002)
    ports.give(ms(31_000), portNumber(10_002))
    expect(ports.take(ms(31_000))).toBe(10_000)
  })

  test('rest for five seconds when there are no others, since a call refused is worse', () => {
    const ports = new Ports([10_000, 10_001], first)
    expect(ports.take(ms(0))).toBe(10_000)
    ports.give(ms(1_000), portNumber(10_000))
    expect(ports.take(ms(5_999))).toBeUndefined()
    expect(ports.take(ms(6_000))).toBe(10_000)
  })

  test('are lent no more at one time than there are descriptors for', () => {
    const ports = new Ports([10_000, 10_099], first, 6)
    const [one, other] = [ports.both(ms(0)), ports.both(ms(0))]
    expect(one).toEqual({ caller: 10_000, callee: 10_098 })
    expect(other).toBe('no descriptor left for the sound')
    ports.give(ms(0), portNumber(10_000))
    expect(ports.both(ms(0))).toMatchObject({ caller: expect.any(Number) })
    expect(new Ports([10_000, 10_003], first).both(ms(0))).toMatchObject({
      callee: expect.any(Number),
    })
    expect(new Ports([10_000, 10_001], first).both(ms(0))).toBe('no media port')
  })

  test('leave another its descriptor where RTCP needs none of its own (RFC 5761)', () => {
    const ports = new Ports([10_000, 10_099], first, 6)
    const both = ports.both(ms(0))
    if (typeof both === 'string') throw new Error(both)
    for (const port of [both.caller, both.caller, both.callee]) ports.share(port, true)
    const others = ports.both(ms(0))
    expect(others).toMatchObject({ caller: expect.any(Number) })
    expect(ports.take(ms(0))).toBeUndefined()
    // None is left: what needs its second again has it once another is given back, and nothing is ever out beside.
    expect(ports.share(both.callee, false)).toBe(false)
    ports.give(ms(0), both.caller)
    expect(ports.share(both.callee, false)).toBe(true)
    expect(ports.take(ms(0))).toBeUndefined()
    ports.give(ms(0), both.callee)
    expect(ports.take(ms(0))).toBeDefined()
    expect(ports.take(ms(0))).toBeUndefined()
  })

  test('lose none over ten thousand calls', () => {
    const ports = new Ports([10_000, 10_099], (below) => below >> 1)
    for (let now = 0; now < 10_000_000; now += 1_000) {
      const port = ports.take(ms(now))
      if (port !== undefined) ports.give(ms(now), port)
    }
    expect(ports.free).toBe(50)
  })
})
