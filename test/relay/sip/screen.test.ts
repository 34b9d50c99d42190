import { describe, expect, test } from 'vitest'
import { sdpBody } from '../../../relay/sip/body.ts'
import { allowHeader, refusedMethods, screen } from '../../../relay/sip/screen.ts'
import {
  bytes,
  invite,
  readRequest,
  readResponse,
  register,
  requestText,
  responseText,
  sdp,
} from '../../support/wire.ts'

const verdictOn = (text: string) => screen(readRequest(text))

describe('screening a request (RFC 3261 §8.2)', () => {
  test('lets an INVITE, a REGISTER and an OPTIONS through', () => {
    for (const text of [invite(), invite({ body: '' }), register(), requestText('OPTIONS')]) {
      expect(verdictOn(text)).toBeUndefined()
    }
  })

  test('knows methods it refuses, and says which it does not', () => {
    const allow = [allowHeader]
    for (const method of refusedMethods) {
      expect(verdictOn(requestText(method))).toEqual({ status: 405, headers: allow })
    }
    expect(verdictOn(requestText('DANCE'))).toEqual({ status: 501, headers: allow })
    expect(verdictOn(requestText('invite'))?.status).toBe(501)
  })

  test.each(['BYE', 'INFO', 'UPDATE', 'REFER', 'NOTIFY'])(
    'refuses a %s which names no dialog (§12.2.2)',
    (method) => {
      expect(verdictOn(requestText(method))).toEqual({ status: 481 })
      expect(verdictOn(requestText(method, { to: '<sip:bob@example.com>;tag=b1' }))).toBeUndefined()
    },
  )

  test('refuses a CSeq of another method', () => {
    expect(verdictOn(requestText('OPTIONS', { headers: { CSeq: '1 INVITE' } }))?.status).toBe(400)
  })

  test('refuses a scheme it does not know, wherever it may lead', () => {
    expect(verdictOn(invite({ uri: 'isbn:2983792873' }))?.status).toBe(416)
    expect(verdictOn(register({ uri: 'tel:+15551234567' }))?.status).toBe(416)
    expect(verdictOn(invite({ uri: 'TEL:+15551234567;phone-context=+1' }))).toBeUndefined()
    expect(verdictOn(invite({ uri: 'sips:bob@example.com' }))).toBeUndefined()
  })

  test('names each extension it does not have', () => {
    const refusal = verdictOn(invite({ headers: { Require: ['100rel, timer', 'gruu'] } }))
    expect(refusal).toEqual({ status: 420, headers: [['unsupported', 'gruu']] })
    expect(verdictOn(register({ headers: { Require: 'Path' } }))).toBeUndefined()
  })

  test('says what body it can read', () => {
    const refusal = verdictOn(invite({ body: 'x', headers: { 'Content-Type': 'text/plain' } }))
    expect(refusal).toMatchObject({ status: 415 })
    expect(refusal?.headers).toContainEqual(['accept-encoding', 'identity'])
    expect(refusal?.headers?.[0]?.[1]).toContain('application/sdp')
    expect(verdictOn(invite({ headers: { 'Content-Encoding': 'gzip' } }))?.status).toBe(415)
    expect(verdictOn(invite({ headers: { 'Content-Encoding': ['identity', 'gzip'] } }))?.status).toBe(415)
    expect(verdictOn(invite({ body: 'x', headers: { 'Content-Type': null } }))?.status).toBe(400)
    expect(verdictOn(invite({ headers: { 'Content-Type': null } }))).toBeUndefined()
  })

  test('passes over a body which its sender calls optional (§20.11)', () => {
    const headers = { 'Content-Type': 'application/isup', 'Content-Disposition': 'signal; handling=optional' }
    expect(verdictOn(invite({ body: 'x', headers }))).toBeUndefined()
    expect(
      verdictOn(invite({ body: 'x', headers: { ...headers, 'Content-Disposition': 'signal' } }))?.status,
    ).toBe(415)
  })

  test('lets nobody call who could not take the answer', () => {
    expect(verdictOn(invite({ headers: { Accept: 'text/plain' } }))?.status).toBe(406)
    expect(verdictOn(invite({ headers: { Accept: '' } }))?.status).toBe(406)
    for (const accept of [
      '@@',
      '@@, */*',
      'application/sdp;level=1, text/plain',
      '*/*',
      'Application/*;q=0.5',
    ]) {
      expect(verdictOn(invite({ headers: { Accept: accept } }))).toBeUndefined()
    }
  })

  test('refuses an INVITE with a Contact nobody can call back, and lets one without through', () => {
    expect(verdictOn(invite({ headers: { Contact: '<sip:a@b>;;' } }))?.status).toBe(400)
    expect(verdictOn(invite({ headers: { Contact: '<sip:a@b>, <sip:c@d>' } }))?.status).toBe(400)
    expect(verdictOn(invite({ headers: { Contact: '<sip:a@b>, <<>>' } }))).toBeUndefined()
    expect(verdictOn(invite({ headers: { Contact: null } }))).toBeUndefined()
  })

  test('refuses to register what is no SIP address', () => {
    expect(verdictOn(register({ to: 'isbn:2983792873' }))?.status).toBe(400)
  })

  test('drops a senseless ACK, since no response may follow', () => {
    expect(verdictOn(requestText('ACK', { headers: { CSeq: '1 BYE' } }))).toMatchObject({ drop: true })
    expect(verdictOn(requestText('ACK', { headers: { Require: 'x' } }))).toBeUndefined()
    expect(verdictOn(requestText('CANCEL', { headers: { Require: 'x' } }))).toBeUndefined()
  })
})

describe('the session description of a message', () => {
  const described = (contentType: string, body: string) => {
    const found = sdpBody(readRequest(invite({ body, headers: { 'Content-Type': contentType } })))
    return found && new TextDecoder().decode(found)
  }
  const mixed = [
    'a preamble',
    '--outer',
    'Content-Type: text/plain',
    '',
    '--outer-not',
    '--outer',
    'Content-Disposition: session',
    'content-type : Application/SDP; charset=utf-8',
    '',
    `${sdp}--outer--`,
    '',
  ].join('\r\n')

  test('is the whole body, or a part of several (RFC 5621 §3)', () => {
    expect(described('application/sdp', sdp)).toBe(sdp)
    expect(described('Application/SDP;charset=utf-8', sdp)).toBe(sdp)
    expect(described('multipart/mixed; boundary=outer', mixed)).toBe(sdp.slice(0, -2))
    expect(described('multipart/related;type=x;Boundary="outer"', mixed)).toBe(sdp.slice(0, -2))
  })

  test('is found in any depth, under folded headers and beside a boundary which only begins alike', () => {
    const nested = [
      '--outer',
      'c:',
      ' multipart/alternative ;',
      '\tx-boundary=other; BOUNDARY = "outer-x"',
      '',
      '--outer-x',
      'Content-Type: text/plain',
      '',
      'v=0',
      '--outer-x',
      'Content-Type:',
      ' application/sdp',
      '',
      `${sdp}--outer-x--`,
      '--outer--',
      '',
    ].join('\r\n')
    expect(described('multipart/mixed;boundary=outer', nested)).toBe(sdp.slice(0, -2))
  })

  test('is looked for in so many parts and no more', () => {
    const wrapped = (depth: number): string =>
      depth === 0
        ? `Content-Type: application/sdp\r\n\r\n${sdp}`
        : `Content-Type: multipart/mixed;boundary=b${depth}\r\n\r\n--b${depth}\r\n${wrapped(depth - 1)}\r\n--b${depth}--\r\n`
    const within = (depth: number) =>
      described(`multipart/mixed;boundary=o`, `--o\r\n${wrapped(depth)}\r\n--o--`)
    expect(within(19)).toBe(sdp)
    expect(within(20)).toBeUndefined()
  })

  test.each([
    [{ 'Content-Type': ['@@', 'application/sdp'] }],
    [{ 'Content-Type': null }],
    [{ 'Content-Type': '@@' }],
  ])('is found in an answer which does not say well what it is: %j', (headers) => {
    const answer = readResponse(responseText(200, { body: sdp, headers }))
    expect(sdpBody(answer)).toEqual(bytes(sdp))
  })

  const type = 'Content-Type: application/sdp'
  const other = 'v=0\r\ns=other\r\n'
  const both = (first: string, second: string) => `--o\r\n${first}\r\n--o\r\n${second}\r\n--o--\r\n`
  test.each([
    ['names no boundary', 'multipart/mixed', mixed],
    ['names another', 'multipart/mixed;boundary=other', mixed],
    ['names an empty one', 'multipart/mixed;boundary=""', mixed],
    ['quotes one with odd characters', 'multipart/mixed;boundary="o ;=,x"', parted('o ;=,x')],
    ['quotes one with a space at its end', 'multipart/mixed;boundary="outer "', mixed],
    [
      'writes spaces behind its delimiters',
      'multipart/mixed;boundary=o',
      parted('o').replaceAll('--o\r', '--o \t\r'),
    ],
    ['has no last delimiter', 'multipart/mixed;boundary=outer', mixed.replace('--outer--', '')],
    ['ends its lines with LF', 'multipart/mixed;boundary=outer', mixed.replaceAll('\r\n', '\n')],
    ['has no blank line before it', 'multipart/mixed;boundary=o', `--o\r\n${sdp}--o--`],
    ['says not what its part is', 'multipart/mixed;boundary=o', `--o\r\n\r\n${sdp}--o--`],
    ['is in front of ISUP', 'multipart/mixed;boundary=o', both(`${type}\r\n\r\n${sdp}`, isup())],
    ['is behind ISUP', 'multipart/mixed;boundary=o', both(isup(), `${type}\r\n\r\n${sdp}`)],
    [
      'has another alternative before it, for the last is the best',
      'multipart/alternative;boundary=o',
      both(`${type}\r\n\r\n${other}`, `${type}\r\n\r\n${sdp}`),
    ],
    [
      'has one for an early session before it (RFC 3959)',
      'multipart/mixed;boundary=o',
      both(`${type}\r\nContent-Disposition: early-session\r\n\r\n${other}`, `${type}\r\n\r\n${sdp}`),
    ],
  ])('is found in a body which %s', (_, contentType, body) => {
    expect(described(contentType, body)?.replaceAll(/\r?\n/g, '\r\n').trimEnd()).toBe(sdp.trimEnd())
  })

  test.each([
    ['text/plain', 'x'],
    ['multipart/mixed', 'no delimiter'],
    ['multipart/mixed;boundary=outer', '--outer'],
    ['multipart/mixed;boundary=outer', '--outer--\r\nContent-Type: application/sdp\r\n\r\nv=0'],
    ['application/sdp', ''],
  ])('is not found in %s %j', (contentType, body) => {
    expect(described(contentType, body)).toBeUndefined()
  })
})

/** The session description in the second of two parts. */
function parted(boundary: string): string {
  return `--${boundary}\r\n\r\nx\r\n--${boundary}\r\nContent-Type: application/sdp\r\n\r\n${sdp}--${boundary}--\r\n`
}

/** A part as carriers send it, whose octets are no text (RFC 3204). */
function isup(): string {
  return 'Content-Type: application/isup;version=itu-t92+\r\nContent-Disposition: signal;handling=optional\r\n\r\n\x01\x00--o'
}
