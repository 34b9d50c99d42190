import { describe, expect, test } from 'vitest'
import { isPublic, readIp, readNetwork, writeIp } from '../../../functions/config/ip.ts'

describe('a literal address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0:0:0:0:1'],
    ['[2001:DB8::1]', '2001:db8:0:0:0:0:0:1'],
    ['::', '0:0:0:0:0:0:0:0'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['1::', '1:0:0:0:0:0:0:0'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0:0:0:c000:201'],
  ])('%s is written %s', (text, written) => {
    expect(writeIp(readIp(text) ?? [])).toBe(written)
  })

  test.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4 ',
    '0x7f.1',
    '127.1',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '::1.2.3',
    '1.2.3.4::',
    '::12345',
    'fe80::1%eth0',
    '[::1',
    'example.com',
  ])('%j is none', (text) => {
    expect(readIp(text)).toBeUndefined()
  })

  test('knows the last and the first address of a private network from its neighbours', () => {
    const reach = (text: string) => isPublic(readIp(text) ?? [])
    expect(['172.15.255.255', '172.16.0.0', '172.31.255.255', '172.32.0.0'].map(reach)).toEqual([
      true,
      false,
      false,
      true,
    ])
    expect(['100.63.255.255', '100.64.0.0', '100.127.255.255', '100.128.0.0'].map(reach)).toEqual([
      true,
      false,
      false,
      true,
    ])
    expect(['fbff::1', 'fc00::1', 'fe7f::1', 'fe80::1'].map(reach)).toEqual([true, false, true, false])
  })
})

describe('a network', () => {
  test('has a length that fits its family, or is one address', () => {
    expect(readNetwork('192.0.2.0/24')).toMatchObject({ bits: 24 })
    expect(readNetwork('192.0.2.7')).toMatchObject({ bits: 32 })
    expect(readNetwork('2001:db8::/32')).toMatchObject({ bits: 32 })
    for (const text of ['192.0.2.0/33', '2001:db8::/129', '192.0.2.0/', '192.0.2.0/x', '/24']) {
      expect(readNetwork(text)).toBeUndefined()
    }
  })
})
