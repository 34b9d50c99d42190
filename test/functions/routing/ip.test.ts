import { describe, expect, test } from 'vitest'
import { readIp, readNetwork, spelled, writeIp } from '#routing'

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

  test.each([
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['192.0.2.1', '192.0.2.1'],
    ['SIP.example.com', 'SIP.example.com'],
  ])('%s is to sockets %s', (text, written) => {
    expect(spelled(text)).toBe(written)
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
