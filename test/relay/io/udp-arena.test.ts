import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { UdpArena } from '../../../relay/io/udp-arena.ts'

describe('memory shared with libc for SIP over UDP', () => {
  test('holds an IPv4 address as the kernel reads it', () => {
    const { arena, octets } = laid('ipv4')
    expect(arena.writeAddress('192.0.2.10', portNumber(5060))).toBe(true)
    expect(octets(0, 8)).toEqual([2, 0, 0x13, 0xc4, 192, 0, 2, 10])
    expect(arena.addressSize).toBe(16)
  })

  test('holds an IPv6 address, and an IPv4 one mapped where the socket is of IPv6 (RFC 4291 §2.5.5.2)', () => {
    const { arena, octets } = laid('ipv6')
    expect(arena.writeAddress('2001:db8::a', portNumber(65_535))).toBe(true)
    expect(octets(0, 4)).toEqual([10, 0, 255, 255])
    expect(octets(8, 16)).toEqual([0x20, 1, 0x0d, 0xb8, ...none(11), 10])
    expect(arena.writeAddress('192.0.2.10', portNumber(1))).toBe(true)
    expect(octets(8, 16)).toEqual([...none(10), 255, 255, 192, 0, 2, 10])
    expect(arena.addressSize).toBe(28)
  })

  test('has no place for what its sockets cannot reach', () => {
    const [four, six] = [laid('ipv4').arena, laid('ipv6').arena]
    for (const no of ['2001:db8::a', 'example.com', '', '1.2.3', '1.2.3.256'])
      expect(four.writeAddress(no, portNumber(5060)), no).toBe(false)
    for (const no of ['example.com', '', '::g'])
      expect(six.writeAddress(no, portNumber(5060)), no).toBe(false)
  })

  test('names the link of an address which is good on one alone (RFC 4007 §11)', () => {
    const { arena, octets, hears } = laid('ipv6')
    arena.writeAddress('fe80::1%7', portNumber(5060))
    expect(octets(24, 4)).toEqual([7, 0, 0, 0])
    arena.writeAddress('2001:db8::a', portNumber(5060))
    expect(octets(24, 4)).toEqual([0, 0, 0, 0])
    hears({ port: 5060, words: [0xfe80_0000, 0, 0, 1], zone: 4_000_000 })
    expect(arena.addressOf(0)).toBe('fe80::1%4000000')
  })

  test.each([
    ['ipv4', [0xc000_020a], '192.0.2.10'],
    ['ipv6', [0, 0, 0xffff, 0xc000_020a], '192.0.2.10'],
    ['ipv6', [0x2001_0db8, 0, 0, 10], '2001:db8::a'],
    ['ipv6', [0, 0, 0, 1], '::1'],
  ] as const)('reads who sent a datagram to a socket of %s: %j', (family, words, text) => {
    const { arena, hears } = laid(family)
    hears({ port: 40_000, words })
    expect([arena.addressOf(0), arena.portOf(0)]).toEqual([text, 40_000])
    hears({ port: 0, words })
    expect([arena.addressOf(0), arena.portOf(0)]).toEqual([text, 0])
  })

  test('takes what is as long as any datagram, and nothing longer', () => {
    const { arena } = laid('ipv4')
    expect(arena.writeLeaving(new Uint8Array(65_536))).toBe(true)
    expect(arena.writeLeaving(new Uint8Array(65_537))).toBe(false)
  })

  test('gives each datagram to its hearer for good', () => {
    const { arena, hears } = laid('ipv4')
    const kept = ['first', 'second', 'x'.repeat(9000), 'last'].map((text) => {
      hears({ port: 5060, words: [1], text })
      return [arena.heard(0), text] as const
    })
    for (const [bytes, text] of kept) expect(new TextDecoder().decode(bytes)).toBe(text)
  })
})

/** An arena whose memory can be looked at, and written as the kernel does. */
function laid(family: 'ipv4' | 'ipv6') {
  let memory = new ArrayBuffer(0)
  const arena = new UdpArena(family === 'ipv4', (itself) => {
    memory = itself
    return 0n
  })
  const view = new DataView(memory)
  const octets = (from: number, length: number) => [...new Uint8Array(memory, from, length)]
  const header = Number(arena.at.headers)
  const hears = (said: { port: number; words: readonly number[]; zone?: number; text?: string }) => {
    const [sender, piece] = [header, header + 16].map((at) => Number(view.getBigUint64(at, true)))
    const [from = 0, text = ''] = [sender, said.text]
    view.setUint16(from + 2, said.port)
    const first = family === 'ipv4' ? 4 : 8
    for (const [i, word] of said.words.entries()) view.setUint32(from + first + 4 * i, word)
    if (family === 'ipv6') view.setUint32(from + 24, said.zone ?? 0, true)
    const at = Number(view.getBigUint64(piece ?? 0, true))
    view.setUint32(header + 56, new TextEncoder().encodeInto(text, new Uint8Array(memory, at)).written, true)
  }
  return { arena, octets, hears }
}

function none(count: number): number[] {
  return Array.from({ length: count }, () => 0)
}
