import { describe, expect, test } from 'vitest'
import { type Visitor, Visitors } from '../../../relay/io/visitors.ts'

describe('strangers who connect', () => {
  test('always find a place, and the oldest of the network with the most goes', () => {
    const visitors = new Visitors({ streams: 100, strangers: 8 })
    const flood = ['a', 'b', 'c'].flatMap((network) => [stranger(network), stranger(network)])
    const late = [stranger('a'), stranger('d'), stranger('d'), stranger('e')]
    for (const each of [...flood, ...late]) expect(visitors.enter(each)).toBe(true)
    expect(visitors.size).toBe(8)
    // `a` had three; then it and the others had two, and the one which was here first goes.
    expect([...flood, ...late].filter(({ gone }) => gone)).toEqual([flood[0], flood[1]])
  })

  test('from one network are no more than a quarter of all', () => {
    const visitors = new Visitors({ streams: 100, strangers: 40 })
    const flood = Array.from({ length: 1_000 }, () => stranger('a'))
    for (const each of flood) visitors.enter(each)
    expect(visitors.size).toBe(10)
    expect(flood.slice(-10).some(({ gone }) => gone)).toBe(false)
  })

  test('from twenty-two networks, a thousand each, shut out no phone: it proves who it is, and stays', () => {
    const visitors = new Visitors({ streams: 1_000, strangers: 400 })
    const phones: Fake[] = []
    for (let at = 0; at < 22_000; at++) {
      visitors.enter(stranger(`flood${at % 22}`))
      if (at % 500 !== 0) continue
      const phone = stranger('office')
      expect(visitors.enter(phone)).toBe(true)
      phone.known = true
      phones.push(phone)
    }
    expect(phones.some(({ gone }) => gone)).toBe(false)
    expect(visitors.size).toBeLessThanOrEqual(444)
  })

  test('leave the places of connections we make', () => {
    const visitors = new Visitors({ streams: 16, strangers: 8 })
    for (let at = 0; at < 100; at++) visitors.enter(known(`n${at}`))
    expect(visitors.size).toBe(14)
    expect([visitors.make(), visitors.make(), visitors.make()]).toEqual([true, true, false])
    visitors.unmake()
    expect(visitors.make()).toBe(true)
  })

  test('make room for one of ours', () => {
    const visitors = new Visitors({ streams: 4, strangers: 4 })
    const three = [stranger('a'), stranger('b'), stranger('c')]
    for (const each of three) visitors.enter(each)
    expect([visitors.make(), visitors.make()]).toEqual([true, true])
    expect(three.map(({ gone }) => gone)).toEqual([true, false, false])
  })
})

describe('when all places are taken by who is known', () => {
  test('a newcomer is turned away, unless one of them has gone', () => {
    const visitors = new Visitors({ streams: 9, strangers: 4 })
    const phones = Array.from({ length: 8 }, (_, at) => known(`n${at}`))
    for (const phone of phones) expect(visitors.enter(phone)).toBe(true)
    expect(visitors.enter(stranger('x'))).toBe(false)
    const unregistered = phones[3]
    if (unregistered) unregistered.known = false
    expect(visitors.enter(stranger('x'))).toBe(true)
    expect(phones.map(({ gone }) => gone)).toEqual(phones.map((_, at) => at === 3))
  })

  test('who leaves is counted no more, once', () => {
    const visitors = new Visitors({ streams: 9, strangers: 4 })
    const phone = known('a')
    visitors.enter(phone)
    visitors.isKnown(phone)
    visitors.leave(phone)
    visitors.leave(phone)
    expect(visitors.size).toBe(0)
  })
})

interface Fake extends Visitor {
  known: boolean
  gone: boolean
}

function stranger(network: string): Fake {
  const fake: Fake = {
    network,
    known: false,
    gone: false,
    isKnown: () => fake.known,
    shut: () => {
      fake.gone = true
    },
  }
  return fake
}

function known(network: string): Fake {
  return Object.assign(stranger(network), { known: true })
}
