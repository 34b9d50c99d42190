import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { SipUri } from '../../../relay/sip/uri.ts'
import { parseUri, sameUri, uriScheme, writeUri } from '../../../relay/sip/uri.ts'

describe('a SIP URI (RFC 3261 §19.1)', () => {
  test('is taken apart', () => {
    const uri = parseUri('sips:alice:pw@Example.COM:5061;transport=TCP;lr?Subject=hi')
    expect(uri).toMatchObject({
      scheme: 'sips',
      user: 'alice',
      password: 'pw',
      host: 'example.com',
      port: portNumber(5061),
    })
    expect(Object.fromEntries(uri?.params ?? [])).toEqual({ transport: 'TCP', lr: '' })
    expect(uri?.headers).toBe('Subject=hi')
  })

  test('has neither user nor port where none is written', () => {
    expect(parseUri('sip:example.com')).toMatchObject({ user: '', port: undefined, headers: undefined })
  })

  test.each([
    ['sip:%00%00@a', '\0\0'],
    ['sip:j%C3%BCrg@a', 'jürg'],
    ['sip:+1555;phone-context=x@a;user=phone', '+1555;phone-context=x'],
    ['sip:*72#@a', '*72#'],
  ])('%s names the user %j', (text, user) => {
    expect(parseUri(text)).toMatchObject({ user, host: 'a' })
  })

  test('has IPv6 in brackets', () => {
    expect(parseUri('sip:a@[2001:DB8::1]:5070')).toMatchObject({
      host: '2001:db8::1',
      port: portNumber(5070),
    })
  })

  test.each([
    'sip:',
    'sip:@',
    'sip:a@',
    'sip:a@b@c',
    'sip:a@b:port',
    'sip:a@b:65536',
    'sip:2001:db8::10',
    'sip:a@[2001:db8::1',
    'sip:a@[]',
    'sip:a b@c',
    'sip:a@b;x=1;x=2',
    'sip:a%4@b',
    'sip:a%zz@b',
    'sip:a@b<',
    'tel:+1555',
    'sipx:a@b',
    'alice',
    '',
  ])('is not %j', (text) => {
    expect(parseUri(text)).toBeUndefined()
  })

  test('is written with escapes where they are needed', () => {
    const uri = {
      ...blank,
      user: 'a b@c#é',
      params: new Map([
        ['x', 'a;b'],
        ['lr', ''],
      ]),
    }
    expect(writeUri(uri)).toBe('sip:a%20b%40c%23%C3%A9@host;x=a%3Bb;lr')
  })

  test('is read as it was written', () => {
    fc.assert(
      fc.property(sipUri, (uri) => {
        const read = parseUri(writeUri(uri))
        expect({ ...read, params: new Map(read?.params) }).toEqual(uri)
      }),
    )
  })

  test('lends its scheme to those who know no more', () => {
    expect(uriScheme('TEL:+1555')).toBe('tel')
    expect(uriScheme('soap.beep://x:1')).toBe('soap.beep')
    expect(['', ':', 'a:', '1:a', 'a b:c', '<sip:a@b>'].map(uriScheme)).toEqual(Array(6).fill(undefined))
  })
})

describe('two SIP URIs (RFC 3261 §19.1.4)', () => {
  test.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com;newparam=5', 'sip:carol@chicago.com;security=on'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
  ])('are the same: %s and %s', (a, b) => {
    expect(same(a, b)).toBe(true)
    expect(same(b, a)).toBe(true)
  })

  test.each([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:a@b', 'sips:a@b'],
    ['sip:a:x@b', 'sip:a:y@b'],
    ['sip:null-%00@b', 'sip:null-@b'],
  ])('differ: %s and %s', (a, b) => {
    expect(same(a, b)).toBe(false)
    expect(same(b, a)).toBe(false)
  })
})

const blank: SipUri = {
  scheme: 'sip',
  user: '',
  host: 'host',
  port: undefined,
  params: new Map(),
  headers: undefined,
}

/** Any text a user part may say, lone surrogates aside: UTF-8 has none. */
const text = fc.string({ unit: 'grapheme' })

const sipUri: fc.Arbitrary<SipUri> = fc.record({
  scheme: fc.constantFrom('sip' as const, 'sips' as const),
  user: text.filter((user) => user !== ''),
  host: fc.constantFrom('example.com', '192.0.2.1', '2001:db8::1', 'a_b'),
  port: fc.option(fc.integer({ min: 0, max: 65_535 }).map(portNumber), { nil: undefined }),
  params: fc
    .array(
      fc.tuple(
        text.filter((name) => name !== '').map((name) => name.toLowerCase()),
        text,
      ),
    )
    .map((pairs) => new Map(pairs)),
  headers: fc.constantFrom(undefined, 'Subject=a&Route=%3Csip:b%3E'),
})

function same(a: string, b: string): boolean {
  const [left, right] = [parseUri(a), parseUri(b)]
  if (left === undefined || right === undefined) throw new Error('no URI')
  return sameUri(left, right)
}
