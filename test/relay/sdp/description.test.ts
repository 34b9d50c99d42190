import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { connectionOf, directionOf, readSdp, writeSdp } from '../../../relay/sdp/description.ts'
import { phone, sdpOf, textOf } from './descriptions.ts'

/** What tells of its formats, written before the m-line it belongs to. */
function hoisted(text: string): string {
  const strays = text.match(/^a=(rtpmap|fmtp).*\r\n/gm)?.join('') ?? ''
  const rest = text.replaceAll(/^a=(rtpmap|fmtp).*\r\n/gm, '')
  return rest.replace('m=audio', `${strays}m=audio`)
}

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
    ['a flood of lines', phone + 'a=x\r\n'.repeat(1001)],
    ['a flood of m-lines', phone + 'm=audio 9 RTP/AVP 0\r\n'.repeat(17)],
    ['40 kB', `${phone}a=${'x'.repeat(40_000)}\r\n`],
  ])('is not %s', (_, text) => {
    expect(readSdp(text)).toBeUndefined()
  })

  test.each([
    ['blank lines', phone.replaceAll('\r\n', '\r\n\r\n')],
    ['blank lines before it', `\r\n${phone}`],
    ['a line of spaces', `${phone}  \r\n`],
    ['a tab for its last line', `${phone}\t\r\n`],
    ['spaces at its line ends', phone.replaceAll('\r\n', ' \r\n')],
    ['spaces around its values', phone.replace(/^(.)=/gm, '$1= ')],
    ['NUL at its end', `${phone}\0`],
    ['CR for line ends', phone.replaceAll('\r\n', '\r')],
    ['no last line end', phone.trimEnd()],
    ['a line without a type', `${phone}nonsense\r\n`],
    ['a line of an unknown type', phone.replace('t=', 'x=y\r\nt=')],
    ['every line twice', phone.replace(/(.*\r\n)/g, (line) => (line.startsWith('m=') ? line : line + line))],
    ['its lines in another order', phone.replace(/(s=-\r\n)(c=.*\r\n)/, '$2$1')],
    ['what tells of its formats before its m-line', hoisted(phone)],
    ['spaces before its lines, and around the =', phone.replace(/^(.)=/gm, ' $1 = ')],
    ['tabs and spaces in its m-line', phone.replace('m=audio 4000 RTP/AVP 0', 'm=audio\t4000  RTP/AVP \t0')],
    ['commas between its formats', phone.replace('0 8 18 101', '0,8, 18 ,101')],
    ['capitals for types', phone.replace(/^(.)=/gm, (type) => type.toUpperCase())],
    ['capitals and small letters', phone.replace('audio', 'Audio').replace('RTP/AVP', 'rtp/avp')],
    ['capitals for attributes', phone.replaceAll(/a=(rtpmap|ptime|fmtp)/g, (name) => name.toUpperCase())],
    ['spaces in its attributes', phone.replaceAll(/^a=(rtpmap|fmtp|ptime):/gm, 'a= $1 : ')],
    ['spaces in its encodings', phone.replaceAll(/^(a=rtpmap.*)\/8000/gm, '$1 / 8000/')],
    ['encodings without a clock', phone.replaceAll(/^(a=rtpmap.*)\/8000/gm, '$1')],
    ['a byte order mark', `\uFEFF${phone}`],
    ['a direction which is none', `${phone}a=sendrecv please\r\n`],
    ['no v-line', phone.replace('v=0\r\n', '')],
    ['a ptime of nothing', phone.replace('a=ptime', 'a=ptime:0\r\na=ptime')],
  ])('may have %s', (_, text) => {
    const read = textOf(sdpOf(text))
    expect(read.replace(/^(?!v=)/, 'v=0\r\n')).toBe(phone)
  })

  test('reads the same however it is spaced, broken into lines and capitalised', () => {
    const space = fc.constantFrom('', ' ', '\t', '  \t')
    const end = fc.constantFrom('\r\n', '\n', '\r', '\n\r', ' \r\n', '\r\n\r\n', '\0\n')
    const way = fc.record({ before: space, around: space, behind: space, end, loud: fc.boolean() })
    fc.assert(
      fc.property(fc.array(way, { minLength: 14, maxLength: 14 }), (ways) => {
        const lines = phone.trimEnd().split('\r\n')
        const written = lines.map((line, at) => {
          const { before, around, behind, end, loud } = ways[at % ways.length] as (typeof ways)[number]
          const type = loud ? line.slice(0, 1).toUpperCase() : line.slice(0, 1)
          return `${before}${type}${around}=${around}${line.slice(2)}${behind}${end}`
        })
        expect(textOf(sdpOf(written.join('')))).toBe(phone)
      }),
    )
  })

  test.each([
    ['IN IP4  192.0.2.9', '192.0.2.9'],
    ['in ip4 192.0.2.9', '192.0.2.9'],
    ['IN IPv4 192.0.2.9', '192.0.2.9'],
    ['IP4 192.0.2.9', '192.0.2.9'],
    ['192.0.2.9', '192.0.2.9'],
    ['IN IP6 192.0.2.9', '192.0.2.9'],
    ['IN IP6 [2001:db8::1]', '2001:db8::1'],
    ['IN IP4 2001:db8::1', '2001:db8::1'],
  ])('means an address by c=%s', (written, meant) => {
    const sdp = sdpOf(phone.replace('c=IN IP4 192.0.2.1', `c=${written}`))
    expect(sdp.media.map((media) => connectionOf(sdp, media))).toEqual([meant])
  })

  test('means an m-line which says Sendonly not to hear', () => {
    const sdp = sdpOf(`${phone}A = SENDONLY\r\n`)
    expect(sdp.media.map((media) => directionOf(sdp, media))).toEqual(['sendonly'])
  })

  test('keeps the spelling of what it does not read: T.38 has its own (RFC 3362)', () => {
    const fax = `${phone}m=image 4002 UDPTL t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate : 9600\r\n`
    const [, image] = sdpOf(fax).media
    expect(image).toMatchObject({ proto: 'udptl', formats: ['t38'] })
    expect(image?.lines).toContain('a=T38FaxVersion:0')
  })

  test('is told its hosts and addresses apart from what is neither', () => {
    const named = (place: string) => {
      const sdp = sdpOf(phone.replace('c=IN IP4 192.0.2.1', `c=IN IP4 ${place}`))
      const [media] = sdp.media
      return media && connectionOf(sdp, media)
    }
    for (const place of ['media.example.com', 'localhost', '2001:db8::1', 'xn--bcher-kva.example.'])
      expect(named(place)).toBe(place)
    expect(named('224.2.1.1/127/3')).toBe('224.2.1.1')
    for (const place of ['1.2.3', '1.2.3.400', '-', 'a..b', 'a b.test', '[::1', 'exämple.com'])
      expect(named(place), place).not.toBe(place)
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
      fc.constantFrom(
        ...phone.split('\r\n'),
        'm=audio 0 RTP/AVP',
        'm=',
        'a=',
        'c=IN IP4',
        'a=sendonly',
        'V=',
        'v=1',
        'T=0 0',
      ),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(line), fc.boolean(), (lines, begins) => {
        const sdp = readSdp([...(begins ? ['v=0', 'o=- 1 1 IN IP4 192.0.2.1'] : []), ...lines].join('\n'))
        if (sdp !== undefined) expect(readSdp(writeSdp(sdp))).toEqual(sdp)
      }),
      { examples: [[['V=', 'v=0'], false]] },
    )
  })
})
