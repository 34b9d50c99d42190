import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { readSocketAddress, type SocketAddress } from '../../../relay/ground/socket-address.ts'

describe('a place', () => {
  test.each(['192.0.2.1', '255.255.255.255', '2001:db8::1', '::1', '::', 'fe80::1:0:0:2', '1:2:3:4:5:6:7:8'])(
    'reads and writes %s',
    (address) => {
      expect(readSocketAddress(address)?.address).toBe(address)
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
    expect(readSocketAddress(text)).toBeUndefined()
  })
})

function at(address: string, port = 0): SocketAddress {
  const place = readSocketAddress(address, portNumber(port))
  if (place === undefined) throw new Error(`${address} is no address`)
  return place
}
