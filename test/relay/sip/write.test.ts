import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { request, response } from '../../../relay/sip/message.ts'
import { headerName } from '../../../relay/sip/names.ts'
import { without, writeMessage } from '../../../relay/sip/write.ts'
import { bytes, invite, lines, read, readRequest, responseText, sdp } from '../../support/wire.ts'

describe('a message written (RFC 3261 §7)', () => {
  test('spells its headers as one does, and counts its body', () => {
    const options = request({
      method: 'OPTIONS',
      requestUri: 'sip:bob@example.com',
      headers: [
        ['call-id', 'a'],
        ['cseq', '1 OPTIONS'],
        ['www-authenticate', 'Digest'],
        ['mime-version', '1.0'],
        ['x-our-own', 'b'],
        ['content-length', '77'],
      ],
      body: bytes('é'),
    })
    expect(new TextDecoder().decode(writeMessage(options))).toBe(
      'OPTIONS sip:bob@example.com SIP/2.0\r\nCall-ID: a\r\nCSeq: 1 OPTIONS\r\nWWW-Authenticate: Digest\r\n' +
        'MIME-Version: 1.0\r\nX-Our-Own: b\r\nContent-Length: 2\r\n\r\né',
    )
  })

  test('has the usual reason where none is given', () => {
    expect(lines(writeMessage(response({ status: 404, headers: [] })))[0]).toBe('SIP/2.0 404 Not Found')
  })

  test('lets no line break out of a name or value', () => {
    const smuggled = request({
      method: 'OPTIONS',
      requestUri: 'sip:a\r\nEvil: 1',
      headers: [
        ['subject', 'hi\r\nEvil: 2'],
        ['x\r\nevil', '3'],
      ],
    })
    expect(lines(writeMessage(smuggled))).toEqual([
      'OPTIONS sip:a Evil: 1 SIP/2.0',
      'Subject: hi Evil: 2',
      'Xevil: 3',
      'Content-Length: 0',
    ])
  })

  test('has a line for each header, whatever stands in its value, its name or its Request-URI', () => {
    const text = fc.string({ unit: fc.constantFrom('\r', '\n', '\r\n', ':', ' ', 'a', '\u2028', '\0') })
    const header = fc.tuple(fc.constantFrom('subject', 'warning', 'reason', 'refer-to', 'x-our-own'), text)
    fc.assert(
      fc.property(fc.array(header, { maxLength: 8 }), text, (headers, uri) => {
        const options = request({ method: 'OPTIONS', requestUri: `sip:${uri}`, headers })
        const [, ...names] = lines(writeMessage(options)).map((line) => line.split(':')[0]?.toLowerCase())
        expect(names).toEqual([...headers.map(([name]) => name), 'content-length'])
      }),
    )
  })

  test('loses the headers which are taken out of it', () => {
    expect(
      without(
        [
          ['a', '1'],
          ['b', '2'],
          ['a', '3'],
        ],
        'a',
        'c',
      ),
    ).toEqual([['b', '2']])
  })

  test('is built or read, and answers the same', () => {
    const readOne = readRequest(invite())
    const built = request({
      ...readOne,
      method: 'INVITE',
      requestUri: readOne.requestUri,
      headers: readOne.headers,
      body: bytes(sdp),
    })
    expect(built.via).toEqual(readOne.via)
    expect(built.cseq).toEqual(readOne.cseq)
    expect(writeMessage(built)).toEqual(writeMessage(readOne))
  })

  test('is read as it was written', () => {
    const name = fc
      .stringMatching(/^[A-Za-z][\w.!%*+`'~-]{0,20}$/)
      .filter((spelling) => !taken.has(headerName(spelling)))
    const value = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, '').trim())
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, value), { maxLength: 20 }),
        fc.uint8Array({ maxLength: 200 }),
        (extra, body) => {
          for (const base of [read(invite({ body: '' })), read(responseText(200))]) {
            const own = extra.map(([spelling, text]) => [headerName(spelling), text] as const)
            const headers = [...without(base.headers, 'content-length'), ...own]
            const made =
              base.kind === 'request'
                ? request({ ...start(base), headers, body })
                : response({ ...start(base), headers, body })
            const again = read(writeMessage(made))
            expect(without(again.headers, 'content-length')).toEqual(headers)
            expect(new Uint8Array(again.body)).toEqual(new Uint8Array(body))
            expect(start(again)).toEqual(start(base))
          }
        },
      ),
    )
  })
})

/** Names whose meaning the parser checks. */
const taken = new Set([
  'via',
  'from',
  'to',
  'call-id',
  'cseq',
  'max-forwards',
  'content-length',
  'content-type',
  'expires',
])

function start(message: ReturnType<typeof read>) {
  return message.kind === 'request'
    ? { method: message.method, requestUri: message.requestUri, status: 0 }
    : { method: '', requestUri: '', status: message.status, reason: message.reason }
}
