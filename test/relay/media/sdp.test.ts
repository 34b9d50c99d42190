import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { connectionOf, directionOf, readSdp, writeSdp } from '../../../relay/media/sdp.ts'
import { phone, sdpOf, textOf } from './descriptions.ts'

describe('a session description (RFC 4566)', () => {
  test('comes out as it went in, unknown lines and all', () => {
    expect(textOf(sdpOf(phone))).toBe(phone)
  })

  test('may end its lines with LF alone, and leaves with CRLF', () => {
    expect(textOf(sdpOf(phone.replaceAll('\r\n', '\n')))).toBe(phone)
  })

  test.each([
    ['nothing', ''],
    ['prose', 'hello\r\n'],
    ['another version', phone.replace('v=0', 'v=1')],
    ['no origin', phone.replace(/o=.*\r\n/, '')],
    ['a port beyond all ports', phone.replace('m=audio 4000', 'm=audio 70000')],
    ['a port which is no number', phone.replace('m=audio 4000', 'm=audio $')],
    ['a line without a type', `${phone}nonsense\r\n`],
    ['a bare CR inside a line', phone.replace('s=-', 's=a\rc=IN IP4 6.6.6.6')],
    ['a flood of lines', phone + 'a=x\r\n'.repeat(1001)],
    ['a flood of m-lines', phone + 'm=audio 9 RTP/AVP 0\r\n'.repeat(17)],
    ['40 kB', `${phone}a=${'x'.repeat(40_000)}\r\n`],
  ])('is not %s', (_, text) => {
    expect(readSdp(text)).toBeUndefined()
  })

  test('lets an m-line speak for itself and the session for the rest', () => {
    const sdp = sdpOf(`${phone}m=video 4002 RTP/AVP 31\r\nc=IN IP4 192.0.2.9/127\r\na=recvonly\r\n`)
    const [audio, video] = sdp.media
    if (!audio || !video) throw new Error('two m-lines were written')
    expect([connectionOf(sdp, audio), connectionOf(sdp, video)]).toEqual(['192.0.2.1', '192.0.2.9'])
    expect([directionOf(sdp, audio), directionOf(sdp, video)]).toEqual(['sendrecv', 'recvonly'])
  })

  test('never throws, and what is read is written and read again the same', () => {
    const line = fc.oneof(
      fc.constantFrom(...phone.split('\r\n'), 'm=audio 0 RTP/AVP', 'm=', 'a=', 'c=IN IP4', 'a=sendonly'),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(line), fc.boolean(), (lines, begins) => {
        const sdp = readSdp([...(begins ? ['v=0', 'o=- 1 1 IN IP4 192.0.2.1'] : []), ...lines].join('\n'))
        if (sdp !== undefined) expect(readSdp(writeSdp(sdp))).toEqual(sdp)
      }),
    )
  })
})
