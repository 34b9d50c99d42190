import fc from 'fast-check'
import { parsePhoneNumberFromString } from 'libphonenumber-js/min'
import { describe, expect, test } from 'vitest'
import { internationalReadings, readNumber, withoutCode } from '#routing'

const meant = '+12125550199'
const digits = (zero: number) => (text: string) =>
  text.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)))

describe('a number as people write it', () => {
  test.each([
    ['plainly', '+1 212-555-0199'],
    ['between bidi embeddings', '\u202a+1 212-555-0199\u202c'],
    ['between bidi isolates', '\u2068+1 212-555-0199\u2069'],
    ['behind a left-to-right mark', '\u200e+1 212-555-0199'],
    ['with a zero-width space', '+1 212\u200b-555-0199'],
    ['with a word joiner', '+1 212\u2060-555-0199'],
    ['with no-break spaces', '+1\u00a0212\u202f555\u20070199'],
    ['with an ideographic space', '+1\u3000212-555-0199'],
    ['with non-breaking hyphens', '+1 212\u2011555\u20110199'],
    ['with dashes', '+1 212\u2013555\u20140199'],
    ['with a minus sign', '+1 212\u2212555\u22120199'],
    ['with soft hyphens', '+1 212\u00ad555\u00ad0199'],
    ['before a variation selector', '+1 212-555-0199\ufe0e'],
    ['behind a byte order mark', '\ufeff+1 212-555-0199'],
    ['in full width', digits(0xff10)('＋1 212－555－0199')],
    ['in full width, in brackets', digits(0xff10)('＋1（212）555．0199')],
    ['in Arabic-Indic digits', digits(0x660)('+1 212-555-0199')],
    ['in Persian digits', digits(0x6f0)('+1 212-555-0199')],
    ['in Devanagari digits', digits(0x966)('+1 212-555-0199')],
    ['in digits of two scripts', `+1 212${digits(0x660)('555')}-0199`],
    ['in mathematical digits', digits(0x1d7ce)('+1 212-555-0199')],
    ['with dots, slashes and tildes', '+1.212/555~0199'],
    ['in square brackets', '+1 [212] 555-0199'],
    ['nationally, with a trunk prefix', '1 (212) 555-0199'],
    ['with #, the key which sends it', '2125550199#'],
    ['as a URI (RFC 3966)', 'tel:+1-212-555-0199'],
    ['as a URI in capitals', 'TEL:+1-212-555-0199'],
    ['as a local number in a context (RFC 3966 §5.1.5)', 'tel:212-555-0199;phone-context=+1'],
    ['in a context with separators', '5550199;phone-context=+1-212'],
    ['with a subaddress', '+12125550199;isub=1411'],
    ['with a subaddress and an extension', 'tel:+1-212-555-0199;ext=12;isub=12%2034'],
    ['with dialling behind it', '+12125550199;postd=pp22'],
    ['with number portability', '+12125550199;npdi;rn=+12125550000'],
    ['as a calling party', '+12125550199;cpc=ordinary'],
    ['with user=phone inside', '+12125550199;user=phone'],
  ])('%s is that number', (_, written) => {
    expect(readNumber(written, 'US')).toEqual({ kind: 'number', e164: meant, country: 'US' })
  })

  test.each([
    ['+1-800-FLOWERS', 'US', '+18003569377'],
    ['1-800-GO-FEDEX', 'US', '+18004633339'],
    ['+1 (888) call-now', 'US', '+18882255669'],
    ['0800 REPAIRS', 'NZ', '+648007372477'],
  ])('%s stands for the keys its letters are on', (written, country, e164) => {
    expect(readNumber(written, country)).toMatchObject({ kind: 'number', e164 })
  })

  test.each([
    ['+44 (0)20 7946 0000', '+442079460000'],
    ['0044 (0)20 7946 0000', '+442079460000'],
    ['02079460000;phone-context=+44', '+442079460000'],
    ['+39 06 1234 5678', '+390612345678'],
  ])('%s is %s, with a trunk prefix or a zero which belongs to it', (written, e164) => {
    expect(readNumber(written, 'DE')).toMatchObject({ kind: 'number', e164 })
    expect(internationalReadings(written)).toContain(e164)
  })

  test.each([
    ['911;phone-context=+1', '911'],
    ['tel:911;phone-context=+1-212', '911'],
    ['tel:118118;phone-context=+44', '118118'],
    ['tel:112;phone-context=ims.example.com', '112'],
    ['*97;phone-context=+1', '*97'],
  ])('%s stays short: %s', (written, digits) => {
    expect(readNumber(written, 'US')).toEqual({ kind: 'short', digits })
  })

  test('is a subscriber’s where its context is an area', () => {
    expect(readNumber('123456;phone-context=+4930', 'US')).toMatchObject({ e164: '+4930123456' })
  })

  test.each([
    'alice',
    'office1',
    'desk-12345678',
    '12a',
    '+4930123ext45',
    '+12125550199x12',
    '+1 212 555 0199 ext. 12',
    '+12125550199,,12',
    'd0c5b4a3928170ffd0c5b4a3928170ffd0c5b4a3928170ffd0c5',
    '\u2460\u2461\u2462\u2463\u2464\u2465\u2466',
  ])('%j is none', (written) => {
    expect(readNumber(written, 'DE')).toEqual({ kind: 'nonsense' })
  })

  test('is read as the library reads it, where that reads it at all', () => {
    const marks = fc.constantFrom(
      '',
      ' ',
      '\u00a0',
      '-',
      '\u2011',
      '\u200b',
      '\u00ad',
      '.',
      '(',
      ')',
      '/',
      '\u2060',
    )
    const written = fc
      .tuple(fc.stringMatching(/^[2-9]\d{2}[2-9]\d{6}$/), fc.array(marks, { minLength: 10, maxLength: 10 }))
      .map(([number, between]) => `+1${[...number].map((digit, at) => `${between[at]}${digit}`).join('')}`)
    fc.assert(
      fc.property(written, (text) => {
        const theirs = parsePhoneNumberFromString(text, { defaultCountry: 'US', extract: false })
        const ours = readNumber(text, 'US')
        if (theirs?.isPossible()) expect(ours).toMatchObject({ e164: theirs.number })
      }),
      { numRuns: 500 },
    )
  })
})

describe('a code before a number', () => {
  test.each([
    ['*672125550199', true, '2125550199'],
    ['*67 212-555-0199', true, ' 212-555-0199'],
    ['*67#0612345678', true, '0612345678'],
    ['#31#2125550199', true, '2125550199'],
    ['#31#+12125550199;user=phone', true, '+12125550199;user=phone'],
    ['tel:*672125550199;phone-context=+1', true, '2125550199;phone-context=+1'],
    ['\u202a*672125550199', true, '2125550199'],
    ['#31#911', true, '911'],
    ['*67bob', true, 'bob'],
    ['*822125550199', false, '2125550199'],
    ['*31#2125550199', false, '2125550199'],
  ])('%s hides the caller id: %s, and leaves %s', (dialled, hidden, rest) => {
    expect(withoutCode(dialled)).toEqual({ rest, hidden })
  })

  test.each([
    '*67',
    '*67#',
    '*82',
    '#31#',
    '*31#',
    '*97',
    '*671',
    '*100#',
    '67212555',
    'telephone',
    '+1',
    '',
  ])('%j alone is none', (dialled) => {
    expect(withoutCode(dialled)).toEqual({ rest: dialled, hidden: null })
  })
})
