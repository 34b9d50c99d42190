import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseNameAddr, parseNameAddrs } from '../../../relay/sip/address.ts'
import { quote } from '../../../relay/sip/grammar.ts'

describe('an address (RFC 3261 §20.10)', () => {
  test.each([
    ['"Bob \\"B\\" O\'Hara, Jr." <sip:bob@a>;tag=1', 'Bob "B" O\'Hara, Jr.', 'sip:bob@a', '1'],
    ['Bob Smith  <sip:bob@a> ; tag = 1', 'Bob Smith', 'sip:bob@a', '1'],
    ['Müller (desk)<sip:bob@a>', 'Müller (desk)', 'sip:bob@a', undefined],
    ['<sip:bob@a;tag=uri>', '', 'sip:bob@a;tag=uri', undefined],
    ['sip:bob@a;tag=1', '', 'sip:bob@a', '1'],
    ['  sip:bob@a  ', '', 'sip:bob@a', undefined],
    ['tel:+1555;tag=1', '', 'tel:+1555', '1'],
    ['<sip:bob@a>;x="a;b>,c";tag=1', '', 'sip:bob@a', '1'],
  ])('%s', (text, display, uri, tag) => {
    expect(parseNameAddr(text)).toMatchObject({ display, uri, tag })
  })

  test('keeps parameter values as they were written', () => {
    const params = parseNameAddr('<sip:a@b>;+sip.instance="<urn:uuid:1>";reg-id=1;ob')?.params
    expect(Object.fromEntries(params ?? [])).toEqual({
      '+sip.instance': '"<urn:uuid:1>"',
      'reg-id': '1',
      ob: '',
    })
  })

  test.each([
    '',
    '*',
    'bob',
    '"Bob <sip:bob@a>',
    'Smith, Bob <sip:bob@a>',
    '< sip:bob@a >',
    '<sip:bob@a',
    '<sip:bob@a>;;tag=1',
    '<sip:bob@a>;tag=1;tag=2',
    '<sip:bob@a> tag=1',
    '<sip:bob@a>;tag',
    '<sip:bob@a>;tag=',
    'sip:bob@a?Subject=x',
    '<sip:bob@a>, <sip:carol@a>',
    '<sip:b%@a>',
    '"Bob" sip:bob@a',
  ])('is not %j', (text) => {
    expect(parseNameAddr(text)).toBeUndefined()
  })

  test('comes in lists', () => {
    const uris = (values: string | string[]) => parseNameAddrs(values).map(({ uri }) => uri)
    expect(uris('"a, b" <sip:a@a>;x=1, sip:b@a,<sip:c,d@a>')).toEqual(['sip:a@a', 'sip:b@a', 'sip:c,d@a'])
    expect(uris(['<sip:a@a>', '<sip:b@a>'])).toEqual(['sip:a@a', 'sip:b@a'])
    expect(uris([])).toEqual([])
  })

  test.each([
    '<sip:a@a>, nobody, <sip:b@a>',
    '"Ann <sip:x@x>, <sip:a@a>, <sip:b@a>;q=0.5',
    '<sip:x@x, <sip:a@a>, <<>>, "b, \\"" <sip:b@a>',
    '<sip:x;info="1">, <sip:a@a>, : <sip:x@x>;a;a, <sip:>, sip:b@a',
  ])('which cannot be read hides no other: %s', (list) => {
    expect(parseNameAddrs(list).map(({ uri }) => uri)).toEqual(['sip:a@a', 'sip:b@a'])
  })

  test('is read as it was written', () => {
    const name = fc.string({ unit: 'binary' }).map((text) => text.replace(/[\r\n\uf780-\uf7ff]/g, ''))
    fc.assert(
      fc.property(name, fc.option(fc.stringMatching(/^[\w.-]+$/), { nil: undefined }), (display, tag) => {
        const name = display === '' ? '' : `${quote(display)} `
        const written = `${name}<sip:bob@example.com>${tag === undefined ? '' : `;tag=${tag}`}`
        expect(parseNameAddr(written)).toMatchObject({ display, uri: 'sip:bob@example.com', tag })
      }),
    )
  })
})
