import { describe, expect, test } from 'vitest'
import { Latch } from '../../../relay/media/latch.ts'
import { type Place, readPlace } from '../../../relay/media/place.ts'

const phone = at('192.0.2.1', 4000)
const mapped = at('192.0.2.1', 61_234)
const mallory = at('198.51.100.66', 4000)

describe('a latch (RFC 7362)', () => {
  test('learns the real port from the first packet of an allowed address', () => {
    const latch = aimed()
    expect(latch.accepts(1, mapped)).toBe(true)
    expect(latch.destination).toEqual(mapped)
  })

  test('hears nobody from elsewhere, first or later', () => {
    const latch = aimed()
    expect(latch.accepts(1, mallory)).toBe(false)
    latch.accepts(2, phone)
    expect(latch.accepts(3, mallory)).toBe(false)
    expect(latch.destination).toEqual(phone)
  })

  test('once locked, hears no other port of the same address', () => {
    const latch = aimed()
    latch.accepts(1, phone)
    expect(latch.accepts(20, mapped)).toBe(false)
    expect(latch.accepts(40, phone)).toBe(true)
  })

  test('is taken over after ten seconds of silence, by an allowed address alone', () => {
    const latch = aimed()
    latch.accepts(1_000, phone)
    expect(latch.accepts(10_999, mapped)).toBe(false)
    expect(latch.accepts(11_000, mallory)).toBe(false)
    expect(latch.accepts(11_000, mapped)).toBe(true)
    expect(latch.accepts(11_020, phone)).toBe(false)
  })

  test('opens again with a new offer, and keeps sending to the old place meanwhile', () => {
    const latch = aimed()
    latch.accepts(1, phone)
    latch.aim(undefined, [at('192.0.2.1')])
    expect(latch.destination).toEqual(phone)
    expect(latch.accepts(2, mapped)).toBe(true)
    expect(latch.destination).toEqual(mapped)
  })

  test('forgets the old place when the new offer allows it no more', () => {
    const latch = aimed()
    latch.accepts(1, phone)
    latch.aim(undefined, [at('203.0.113.9')])
    expect(latch.destination).toBeUndefined()
    expect(latch.accepts(2, phone)).toBe(false)
  })

  test('sends at once to a target, and to a new one when it moves', () => {
    const latch = new Latch()
    latch.aim(phone, [at('192.0.2.1')])
    expect(latch.destination).toEqual(phone)
    latch.accepts(1, mapped)
    latch.aim(phone, [at('192.0.2.1')])
    expect(latch.destination).toEqual(mapped)
    latch.aim(at('192.0.2.1', 4_444), [at('192.0.2.1')])
    expect(latch.destination?.port).toBe(4_444)
  })

  test('without a target sends nothing before it heard', () => {
    expect(aimed().destination).toBeUndefined()
  })
})

describe('a place', () => {
  test.each(['192.0.2.1', '255.255.255.255', '2001:db8::1', '::1', '::', 'fe80::1:0:0:2', '1:2:3:4:5:6:7:8'])(
    'reads and writes %s',
    (address) => {
      expect(readPlace(address)?.address).toBe(address)
    },
  )

  test('is the same however it is written', () => {
    expect(at('::ffff:192.0.2.1')).toEqual(at('192.0.2.1'))
    expect(at('[2001:DB8:0:0::1]')).toEqual(at('2001:db8::1'))
  })

  test.each([
    '',
    'localhost',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4.5',
    '1::2::3',
    '1:2:3:4:5:6:7',
    'fe80::1%eth0',
    ':::',
    '1:2:3:4:5:6:7:8:9',
  ])('is not %j', (text) => {
    expect(readPlace(text)).toBeUndefined()
  })
})

function aimed(): Latch {
  const latch = new Latch()
  latch.aim(undefined, [at('192.0.2.1')])
  return latch
}

function at(address: string, port = 0): Place {
  const place = readPlace(address, port)
  if (place === undefined) throw new Error(`${address} is no address`)
  return place
}
