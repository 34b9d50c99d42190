import { describe, expect, test } from 'vitest'
import { aimOf } from '../../../relay/media/aim.ts'
import { phone, relayedSdp } from '../sdp/descriptions.ts'

const at = (address: string) => relayedSdp(phone.replaceAll('192.0.2.1', address), { answered: true })

describe('aiming at a phone', () => {
  test('sends at once where its SDP and its signalling agree', () => {
    expect(aimOf(relayedSdp(phone), { signalling: '192.0.2.1', trusted: false })).toEqual({
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
    const sound = relayedSdp(phone.replace('c=IN IP4 192.0.2.1', 'c=IN IP6 2001:DB8:0::1'), {
      answered: true,
    })
    expect(aimOf(sound, { signalling: '2001:db8::1', trusted: false })).toMatchObject({ eager: true })
    expect(aimOf(relayedSdp(phone), { signalling: '::ffff:192.0.2.1', trusted: false })).toMatchObject({
      eager: true,
    })
  })

  test('takes the RTCP port it names (RFC 3605 §2.1)', () => {
    const aim = aimOf(relayedSdp(`${phone}a=rtcp:4711\r\n`), { signalling: '192.0.2.1', trusted: false })
    expect(aim?.rtcp).toEqual({ address: '192.0.2.1', port: 4711 })
  })

  test('passes fax on unread', () => {
    const fax = relayedSdp(phone.replace('m=audio 4000 RTP/AVP 0 8 18 101', 'm=image 4000 udptl t38'))
    expect(aimOf(fax, { signalling: '192.0.2.1', trusted: false })).toMatchObject({
      blind: true,
      rtcp: undefined,
    })
  })

  test('never aims at our own sockets', () => {
    const ours = (_: string, port: number) => port === 4000
    expect(aimOf(relayedSdp(phone), { signalling: '192.0.2.1', trusted: false, ours })?.rtp).toBeUndefined()
  })
})

describe('aiming at a provider', () => {
  const party = { signalling: '198.51.100.1', trusted: true }

  test('believes its SDP, and hears it from there or from where it signals', () => {
    expect(aimOf(relayedSdp(phone), party)).toMatchObject({
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

  test.each([
    ['names none', phone.replace('c=IN IP4 192.0.2.1', 'a=x')],
    ['names a host nobody knows', phone.replace('c=IN IP4 192.0.2.1', 'c=IN IP4 media.carrier.test')],
    ['names one of another family', phone.replace('c=IN IP4 192.0.2.1', 'c=IN IP6 2001:db8::1')],
  ])('whose answer %s is sent to and heard where it signals', (_, text) => {
    expect(aimOf(relayedSdp(text, { answered: true }), { ...party, us: '203.0.113.7' })).toMatchObject({
      rtp: { address: '198.51.100.1', port: 4000 },
      sources: ['198.51.100.1'],
    })
  })

  test('is believed where the host it names leads, unless that is no place for it', () => {
    const named = relayedSdp(phone.replace('c=IN IP4 192.0.2.1', 'c=IN IP4 media.carrier.test'))
    expect(aimOf(named, { ...party, found: '192.0.2.77' })?.rtp?.address).toBe('192.0.2.77')
    expect(aimOf(named, { ...party, found: '10.0.0.1' })?.rtp).toBeUndefined()
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
    const aim = aimOf(relayedSdp(`${phone}${line}\r\n`), { signalling: '192.0.2.1', trusted: false })
    expect(aim?.quiet).toBe(quiet)
  })

  test('which names no address may be silent, and is sent nothing', () => {
    expect(aimOf(at('0.0.0.0'), { signalling: '192.0.2.1', trusted: false })).toMatchObject({
      quiet: true,
      rtp: undefined,
    })
  })
})
