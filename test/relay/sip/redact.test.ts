import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { redacted } from '../../../relay/sip/redact.ts'
import { growth } from '../../support/growth.ts'

/* What may be seen of a message: `secret` in each of these must not. */

const start = 'INVITE sip:1@a SIP/2.0'
const message = (headers: readonly string[], body = '') => [start, ...headers, '', body].join('\r\n')

describe('a message which is shown has masked', () => {
  test.each([
    [
      'the answer to a challenge',
      'Authorization: Digest username="office1", nonce="n", response="secret", qop=auth',
    ],
    [
      'one which comes first and is no text in quotes',
      'Proxy-Authorization: Digest response=secret,username="x"',
    ],
    ['one in odd spelling', 'AUTHORIZATION \t:  DIGEST Username="x",\r\n RESPONSE = "secret"'],
    ['all of another scheme', 'Authorization: Basic secret'],
    ['what is no ASCII', 'Authorization: Basic secret-ä€😀'],
    ['of a second line as well', 'Authorization: Digest response="ok1"\r\nAuthorization: Bearer secret'],
    ['what we prove in turn', 'Authentication-Info: rspauth="secret", cnonce="c"'],
    ['a password in a URI', 'Contact: "A" <sip:alice:secret@192.0.2.1:5060>, <sip:bob@192.0.2.2>'],
    ['a phone’s word for its push service', 'Contact: <sip:a@b;pn-provider=apns;pn-prid=secret;pn-param=x>'],
    ['what its name says is a secret', 'X-Api-Key: secret'],
    ['a cookie', 'Cookie: a=secret'],
    ['whatever else is called a key or a proof', 'X-Authorization: Bearer secret\r\nX-License-Key: secret'],
    ['the same in other spellings', 'X_Auth: secret\r\nX.Key: secret\r\nX_Api_Key: secret'],
    ['such a header within a URI', 'Refer-To: <sip:a@b?X-Token=secret&X=y>'],
    ['one whose name is escaped', 'Refer-To: <sip:a@b?X=y&X%2dAuth=secret&%58_%41uth=secret>'],
    ['one whose name no word is', "Refer-To: <sip:a@b?X!Auth=secret&X'Key=secret>"],
    ['one within a value', 'Refer-To: <sip:a@b?X=y?X-Auth=secret?secret&Y=https://c/?token=secret>'],
    ['a password in a web address', 'Alert-Info: <https://bob:secret@a.example/ring.wav>'],
    ['a word in a web address', 'Call-Info: <https://a.example/card?id=1&access_token=secret>;purpose=card'],
    [
      'a phone’s word for its push service, as it was called once',
      'Contact: <sip:a@b;pn-tok=secret;app-id=x>',
    ],
    ['credentials within a URI', 'Refer-To: <sip:a@b?Authorization=secret&X=y>'],
    ['a password of the second of two', 'Route: sip:a@b,sip:c:secret@d'],
    ['a password of digits', 'Contact: <sip:a:5060secret@b>, <sip:a:50601secret;x=y@b>'],
    [
      'who asked not to be known',
      'Privacy: id\r\nP-Asserted-Identity: "secret" <sip:secret@carrier.example>',
    ],
    ['the same the other way round', 'P-Asserted-Identity: <tel:secret>\r\nPrivacy: user;id'],
    ['who asked it in a second line', 'Privacy: critical;\r\n id\r\nP-Asserted-Identity: <tel:secret>'],
    [
      'who is anonymous',
      'From: <sip:anonymous@anonymous.invalid>;tag=1\r\nP-Asserted-Identity: <sip:secret@carrier.example>',
    ],
    ['who asked it as was done once', 'Remote-Party-ID: <sip:secret@carrier.example>;privacy=full'],
    [
      'whose name stands without quotes',
      'Privacy: id\r\nP-Asserted-Identity: A secret <sip:1@b>, secret <tel:2>',
    ],
    ['whom a signature names', 'Privacy: id\r\nIdentity: secret.x.y;info=<https://a.example/cert>;alg=ES256'],
    ['the same in its short form', 'Privacy: id\r\ny: secret.x.y;info=<https://a.example/cert>;alg=ES256'],
    ['who sent it on, where that is asked', 'Privacy: history\r\nHistory-Info: <sip:secret@b>;index=1'],
    ['the same asked in a second line', 'Privacy: critical;\r\n history\r\nDiversion: <sip:secret@b>'],
  ])('%s', (_, header) => {
    const shown = redacted(message([header, 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx']))
    expect(shown).not.toContain('secret')
    expect(shown).toContain('*')
    expect(shown).toContain('z9hG4bKx')
    const whole = message([header, 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx'])
    expect(Buffer.byteLength(shown)).toBe(Buffer.byteLength(whole))
  })

  test.each([
    [
      'keys of SRTP',
      'application/sdp',
      'v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:secret|2^20|1:4;inline:secret\r\n',
    ],
    ['a key of old', 'application/sdp', 'k=base64:secret\r\n'],
    ['MIKEY', 'application/sdp', 'a=key-mgmt:mikey secret\r\n'],
    ['ICE’s password', 'application/sdp', 'a=ice-ufrag:u\r\na=ice-pwd:secret\r\n'],
    [
      'keys within a body of several',
      'multipart/mixed;boundary=x',
      '--x\r\n\r\na=crypto:1 A inline:secret\r\n--x--',
    ],
    ['a digit', 'application/dtmf-relay', 'Signal= secret\r\nDuration=160\r\n'],
    ['a digit alone', 'application/dtmf', 'secret'],
    ['a digit alone of the other type', 'application/dtmf-relay', 'secret'],
    ['a digit of a second line', '\r\n application/dtmf-relay', 'Signal=\r\nsecret\r\nDuration=160'],
    ['digits as Nortel sends them', 'application/vnd.nortelnetworks.digits', 'p=Digit\r\nd_digits=secret'],
    ['digits of KPML', 'application/kpml-response+xml', '<kpml-response digits="secret"/>'],
    ['Cisco’s events', 'audio/telephone-event', 'secret'],
    ['a message within', 'message/sipfrag', 'INVITE sip:1@a SIP/2.0\r\nAuthorization: Basic secret\r\n'],
  ])('of its body %s', (_, type, body) => {
    const whole = message([`Content-Type: ${type}`], body)
    const shown = redacted(whole)
    expect(shown).not.toContain('secret')
    expect(shown).toHaveLength(whole.length)
  })

  test.each([
    ['nobody asks it', ''],
    ['only who sent it on is to be hidden', 'Privacy: history\r\n'],
  ])('not whom a signature names where %s', (_, asked) => {
    const whole = message([`${asked}Identity: seen.x.y;info=<https://a.example/cert>;alg=ES256`])
    expect(redacted(whole)).toBe(whole)
  })

  test.each(['user', 'header', 'id;user'])(
    'of a caller who asks for privacy of %s no name at all',
    (asked) => {
      const headers = [
        'From: "secret" <sip:secret@a.example>;tag=1',
        'm: <sip:secret@192.0.2.1:5060>',
        'Referred-By: <sip:secret@a.example>',
        'Identity: secret',
      ]
      const shown = redacted(message([...headers, `Privacy: ${asked}`]))
      expect(shown).not.toContain('secret')
      expect(shown).toContain('@a.example>;tag=1')
      expect(redacted(message([headers[0] ?? '', 'Privacy: id']))).toContain('<sip:secret@a.example>')
    },
  )

  test('which key was pressed, but not for how long', () => {
    const whole = message(['Content-Type: application/dtmf-relay'], ' Signal= 5\r\nDuration=160\r\n')
    expect(redacted(whole)).toBe(whole.replace('5\r\nD', '*\r\nD'))
  })

  test('the word by which a provider’s calls are known, but not the provider’s id', () => {
    const id = '0123456789abcdef0123456789abcdef'
    for (const user of [id, id.toUpperCase()]) {
      const shown = redacted(`INVITE sip:${user}${user.slice(-20)}@192.0.2.1 SIP/2.0\r\n\r\n`)
      expect(shown).toBe(`INVITE sip:${user}${'*'.repeat(20)}@192.0.2.1 SIP/2.0\r\n\r\n`)
    }
  })

  test('headers which a provider is sent by its setting', () => {
    const whole = message(['X-Account: secret\r\n secret', 'X-Other: shown'])
    const shown = redacted(whole, { hidden: new Set(['x-account']) })
    expect(shown).not.toContain('secret')
    expect(shown).toContain('X-Other: shown')
  })

  test.each(['1001', '+4930123'])('a PIN of %s, which is no host', (user) => {
    expect(redacted(message([`Contact: <sip:${user}:1234;x=y@b>`]))).toContain(`<sip:${user}:********@b>`)
  })
})

describe('a message of ours', () => {
  test('shows neither by which account we call a provider nor what we prove it by', () => {
    const whole = message([
      'Proxy-Authorization: Digest username="secret name", realm="r", response="secret"',
    ])
    expect(redacted(whole, { ours: true })).not.toContain('secret')
    expect(redacted(whole)).toContain('username="secret name", realm="r", response="******"')
  })
})

describe('a message without secrets', () => {
  test.each([
    ['sip:a:', ''],
    ['"', ''],
    ['response= ', 'Authorization: Digest '],
    ['inline:', 'a=crypto:1 A '],
    [' ', 'Privacy: '],
    ['\r\n ;', 'Remote-Party-ID: '],
    ['?a', 'sip:'],
    [';pn-tok', ''],
    ['sip:a:1;x=', ''],
    ['sip:1', ''],
    ['1', 'sip:'],
    ['sip:[1:', ''],
    ['?%2d', 'sip:'],
    ['&a%2d=', 'sip:?'],
    ['?key=', 'sip:'],
    ['?a=', 'sip:'],
    ['http://', ''],
    ['signal', 'c: audio/dtmf\r\n\r\n'],
    [' ', 'P-Asserted-Identity: ,'],
    ['\r\n ', 'Remote-Party-ID: a,'],
    ['\u2028privacy:', ''],
    ['\u2028f:', ''],
    ['\u2028remote-party-id:', ''],
    ['sip:a:\u2028', ''],
  ])('of 64 KiB of %j is looked through in the time of its length', (part, before) => {
    const whole = (size: number) =>
      message([`${before}${part.repeat(size / part.length)}\u2028@`, 'Privacy: id'])
    const [small, large] = [whole(4_096), whole(65_536)]
    expect(
      growth(
        () => redacted(small),
        () => redacted(large),
      ),
    ).toBeLessThan(80)
  })

  test('is shown as it is, its identity too', () => {
    const whole = message(
      ['P-Asserted-Identity: "Alice" <sip:alice@a.example>', 'Via: SIP/2.0/UDP [2001:db8::1]:5060;branch=x'],
      'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\na=fingerprint:sha-256 AB\r\n',
    )
    expect(redacted(whole)).toBe(whole)
  })

  test.each([
    '<sip:p:5060;x=a@b>',
    '<sip:p:5060?Replaces=1@192.0.2.1>',
    '<sips:[2001:db8::1]:5061;x=a@b>',
    '<sip:[2001:db8::1]?Replaces=1@192.0.2.1>',
    '<https://p:8443/a@b>',
    '<https://[2001:db8::1]:8443?a@b>',
  ])('keeps the port of %s, which is no password', (uri) => {
    const whole = message([`Contact: ${uri}`])
    expect(redacted(whole)).toBe(whole)
  })

  test('keeps its length and its lines, whatever it is', () => {
    const word = fc.constantFrom(
      'Authorization',
      ':',
      'Digest',
      'response=',
      '"',
      'sip:',
      '@',
      '\r\n',
      ' ',
      'x',
      'inline:',
      '',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string({ unit: 'binary' }))), (parts) => {
        const whole = parts.join('')
        const shown = redacted(whole)
        expect(Buffer.byteLength(shown)).toBe(Buffer.byteLength(whole))
        expect(shown.split('\r\n')).toHaveLength(whole.split('\r\n').length)
      }),
    )
  })
})
