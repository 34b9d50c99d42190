import { describe, expect, test } from 'vitest'
import { Ports } from '../../../relay/media/ports.ts'

const first = () => 0
const last = (below: number) => below - 1

describe('ports', () => {
  test('come in whole even pairs inside the range', () => {
    const ports = new Ports([10_001, 10_007], first)
    const taken = [ports.take(0), ports.take(0), ports.take(0)]
    expect(taken.sort()).toEqual([10_002, 10_004, 10_006])
    expect(ports.take(0)).toBeUndefined()
    expect(new Ports([10_000, 10_000], first).take(0)).toBeUndefined()
  })

  test('are picked by the dice', () => {
    expect(new Ports([10_000, 10_009], last).take(0)).toBe(10_008)
    expect(new Ports([10_000, 10_009], first).take(0)).toBe(10_000)
  })

  test('rest for thirty seconds while there are others', () => {
    const ports = new Ports([10_000, 10_003], first)
    expect(ports.take(0)).toBe(10_000)
    ports.give(1_000, 10_000)
    expect(ports.take(30_999)).toBe(10_002)
    ports.give(31_000, 10_002)
    expect(ports.take(31_000)).toBe(10_000)
  })

  test('rest for five seconds when there are no others, since a call refused is worse', () => {
    const ports = new Ports([10_000, 10_001], first)
    expect(ports.take(0)).toBe(10_000)
    ports.give(1_000, 10_000)
    expect(ports.take(5_999)).toBeUndefined()
    expect(ports.take(6_000)).toBe(10_000)
  })

  test('are lent no more at one time than there are descriptors for', () => {
    const ports = new Ports([10_000, 10_099], first, 3)
    const [one, other] = [ports.both(0), ports.both(0)]
    expect(one).toEqual({ caller: 10_000, callee: 10_098 })
    expect(other).toBe('no descriptor left for the sound')
    ports.give(0, 10_000)
    expect(ports.both(0)).toMatchObject({ caller: expect.any(Number) })
    expect(new Ports([10_000, 10_003], first).both(0)).toMatchObject({ callee: expect.any(Number) })
    expect(new Ports([10_000, 10_001], first).both(0)).toBe('no media port')
  })

  test('lose none over ten thousand calls', () => {
    const ports = new Ports([10_000, 10_099], (below) => below >> 1)
    for (let now = 0; now < 10_000_000; now += 1_000) {
      const port = ports.take(now)
      if (port !== undefined) ports.give(now, port)
    }
    expect(ports.free).toBe(50)
  })
})
