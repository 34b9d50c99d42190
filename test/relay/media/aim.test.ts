import { describe, expect, test } from 'vitest'
import { aimOf } from '../../../relay/media/aim.ts'
import { phone, sdpOf } from './descriptions.ts'

const at = (address: string) => sdpOf(phone.replaceAll('192.0.2.1', address))

describe('aiming at a phone', () => {
  test('sends at once where its SDP and its signalling agree', () => {
    expect(aimOf(sdpOf(phone), { signalling: '192.0.2.1', trusted: false })).toEqual({
      rtp: { address: '192.0.2.1', port: 4000 },
      rtcp: { address: '192.0.2.1', port: 4001 },
      sources: ['192.0.2.1'],
      eager: true,
      mux: false,
      quiet: false,
      clock: 8000,
    })
  })

  test('waits to hear it first where they differ, and hears it only from where it signals', () => {
    const aim = aimOf(at('10.0.0.5'), { signalling: '192.0.2.1', trusted: false })
    expect(aim).toMatchObject({ rtp: undefined, sources: ['192.0.2.1'], eager: false })
  })

  test('knows its address however it is written', () => {
    const sdp = sdpOf(phone.replace('c=IN IP4 192.0.2.1', 'c=IN IP6 2001:DB8:0::1'))
    expect(aimOf(sdp, { signalling: '2001:db8::1', trusted: false })).toMatchObject({ eager: true })
    expect(aimOf(sdpOf(phone), { signalling: '::ffff:192.0.2.1', trusted: false })).toMatchObject({
      eager: true,
    })
  })

  test('takes the RTCP port it names (RFC 3605 §2.1)', () => {
    const aim = aimOf(sdpOf(`${phone}a=rtcp:4711\r\n`), { signalling: '192.0.2.1', trusted: false })
    expect(aim?.rtcp).toEqual({ address: '192.0.2.1', port: 4711 })
  })

  test('passes fax on unread', () => {
    const fax = sdpOf(phone.replace('m=audio 4000 RTP/AVP 0 8 18 101', 'm=image 4000 udptl t38'))
    expect(aimOf(fax, { signalling: '192.0.2.1', trusted: false })).toMatchObject({
      blind: true,
      rtcp: undefined,
    })
  })

  test('never aims at our own sockets', () => {
    const ours = (_: string, port: number) => port === 4000
    expect(aimOf(sdpOf(phone), { signalling: '192.0.2.1', trusted: false, ours })?.rtp).toBeUndefined()
  })
})

describe('aiming at a provider', () => {
  const party = { signalling: '198.51.100.1', trusted: true }

  test('believes its SDP, and hears it from there or from where it signals', () => {
    expect(aimOf(sdpOf(phone), party)).toMatchObject({
      rtp: { address: '192.0.2.1', port: 4000 },
      sources: ['192.0.2.1', '198.51.100.1'],
      eager: true,
    })
  })

  test.each([
    '0.0.0.0',
    '239.1.2.3',
    '255.255.255.255',
    '127.0.0.1',
    '10.1.2.3',
    '192.168.1.1',
    '169.254.1.1',
  ])('in the public network sends nothing to %s', (address) => {
    expect(aimOf(at(address), party)).toMatchObject({ rtp: undefined, sources: ['198.51.100.1'] })
  })

  test('nearby may name a nearby address', () => {
    expect(aimOf(at('10.1.2.3'), { signalling: '10.9.9.9', trusted: true })?.rtp?.address).toBe('10.1.2.3')
    expect(aimOf(at('127.0.7.3'), { signalling: '127.0.0.1', trusted: true })?.rtp?.address).toBe('127.0.7.3')
    expect(aimOf(at('127.0.7.3'), { signalling: '10.9.9.9', trusted: true })?.rtp).toBeUndefined()
  })
})

describe('a held party (RFC 3264 §8.4)', () => {
  test.each([
    ['a=recvonly', true],
    ['a=inactive', true],
    ['a=sendonly', false],
    ['a=sendrecv', false],
  ])('which says %s: may be silent is %s', (line, quiet) => {
    const aim = aimOf(sdpOf(`${phone}${line}\r\n`), { signalling: '192.0.2.1', trusted: false })
    expect(aim?.quiet).toBe(quiet)
  })

  test('which names no address may be silent, and is sent nothing', () => {
    expect(aimOf(at('0.0.0.0'), { signalling: '192.0.2.1', trusted: false })).toMatchObject({
      quiet: true,
      rtp: undefined,
    })
  })
})

test('a description with nothing to relay has no aim', () => {
  const none = sdpOf(phone.replace('m=audio 4000', 'm=audio 0'))
  expect(aimOf(none, { signalling: '192.0.2.1', trusted: false })).toBeUndefined()
})
