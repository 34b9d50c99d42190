import { describe, expect, test } from 'vitest'
import { neighbourhood } from '../../../relay/ground/flow.ts'

describe('the neighbourhood of an address', () => {
  test('is the address itself with IPv4', () => {
    expect(neighbourhood('192.0.2.10')).toBe('192.0.2.10')
  })

  test.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0DB8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8:0:0:0:0:0:1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::', 'fe80:0:0:0'],
  ])('is the /64 with IPv6: %s', (address, network) => {
    expect(neighbourhood(address)).toBe(network)
  })
})
