import { describe, expect, test } from 'vitest'
import { readProxyHeader } from '../../../relay/io/proxy-protocol.ts'

const v2 = '0d0a0d0a000d0a515549540a'

describe('the header of a proxy’s connection', () => {
  test.each<[string, string, string, number]>([
    ['IPv4', 'PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n', '192.0.2.7', 40_000],
    ['IPv6', 'PROXY TCP6 2001:DB8:0::7 2001:db8::1 40000 443\r\n', '2001:db8::7', 40_000],
    ['IPv4 in IPv6', 'PROXY TCP6 ::ffff:192.0.2.7 ::1 1 443\r\n', '192.0.2.7', 1],
  ])('of version 1 names whom it connects for: %s', (_, line, address, port) => {
    expect(readProxyHeader(Buffer.from(`${line}GET /`))).toEqual({
      kind: 'peer',
      peer: { address, port },
      octets: line.length,
    })
  })

  test.each<[string, string, object]>([
    ['IPv4', '2111000cc6336407c00002019c400050', { address: '198.51.100.7', port: 40_000 }],
    [
      'IPv6, with more of its own behind',
      `21210027${'20010db8000000000000000000000007'}${'20010db8000000000000000000000001'}9c4001bb040000`,
      { address: '2001:db8::7', port: 40_000 },
    ],
  ])('of version 2 names whom it connects for: %s', (_, hex, peer) => {
    const bytes = Buffer.from(v2 + hex, 'hex')
    expect(readProxyHeader(bytes)).toEqual({ kind: 'peer', peer, octets: bytes.length })
  })

  test.each<[string, Buffer]>([
    ['PROXY UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n')],
    ['LOCAL', Buffer.from(`${v2}20000000`, 'hex')],
    ['a socket of another family', Buffer.from(`${v2}21310000`, 'hex')],
  ])('may say that the proxy connects for itself: %s', (_, bytes) => {
    expect(readProxyHeader(bytes)).toEqual({ kind: 'peer', peer: 'own', octets: bytes.length })
  })

  test('is waited for until all of it is there', () => {
    const line = Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n')
    const binary = Buffer.from(`${v2}2111000cc6336407c00002019c400050`, 'hex')
    for (const whole of [line, binary])
      for (let length = 0; length < whole.length; length++)
        expect(readProxyHeader(whole.subarray(0, length))).toEqual({ kind: 'more' })
  })

  test.each<[string, Buffer]>([
    ['a request of HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['TLS', Buffer.from([0x16, 0x03, 0x01])],
    ['an address which is none', Buffer.from('PROXY TCP4 192.0.2.700 1.1.1.1 1 1\r\n')],
    ['a port which is none', Buffer.from('PROXY TCP4 192.0.2.7 1.1.1.1 65536 1\r\n')],
    ['a line without an end', Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`)],
    ['a version there is not', Buffer.from(`${v2}11110000`, 'hex')],
    ['addresses which are not all there', Buffer.from(`${v2}21110004c6336407`, 'hex')],
    ['more octets than it may have', Buffer.from(`${v2}2111ffff`, 'hex')],
  ])('is none where it is %s', (_, bytes) => {
    expect(readProxyHeader(bytes)).toEqual({ kind: 'none' })
  })
})
