import { describe, expect, test } from 'vitest'
import { sourceNetwork, sourcePrefix } from '../../../relay/ground/source-prefix.ts'

describe('whom an address counts as', () => {
  test.each([
    ['192.0.2.10', '192.0.2.10', '192.0.2.0/24'],
    ['::ffff:192.0.2.10', '192.0.2.10', '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:0:0:0:0/64'],
    ['2001:0DB8:1:2::6', '2001:db8:1:2:0:0:0:0/64'],
    ['2001:db8::1', '2001:db8:0:0:0:0:0:0/64'],
    ['2001:db8:0:0:0:0:0:1', '2001:db8:0:0:0:0:0:0/64'],
    ['::1', '0:0:0:0:0:0:0:0/64'],
    ['fe80::', 'fe80:0:0:0:0:0:0:0/64'],
  ])('%s is itself, or with IPv6 its /64: %s', (address, place, network = place) => {
    expect(sourcePrefix(address)).toBe(place)
    expect(sourceNetwork(address)).toBe(network)
  })
})
