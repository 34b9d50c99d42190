import fc from 'fast-check'
import { type CountryCode, getCountries, Metadata, parsePhoneNumberFromString } from 'libphonenumber-js/min'
import { describe, expect, test } from 'vitest'
import {
  elliptic,
  internationalReadings,
  localReadings,
  nationalReadings,
  prefixesOf,
  readNumber,
  tailsOf,
} from '../../../functions/routing/e164.ts'
import { readInternational, readNational } from '../../../functions/routing/numbering.ts'
import { seededRandom } from '../../bench/random.ts'

describe('a dialled number', () => {
  test.each([
    ['+1-555-123-4567', 'US', '+15551234567', 'US'],
    ['(555) 123-4567', 'US', '+15551234567', 'US'],
    ['15551234567', 'US', '+15551234567', 'US'],
    ['020 7946 0000', 'GB', '+442079460000', 'GB'],
    ['00442079460000', 'US', '+442079460000', 'GB'],
    ['011442079460000', 'US', '+442079460000', 'GB'],
    ['+18765551234', 'US', '+18765551234', 'JM'],
    ['030123456', 'DE', '+4930123456', 'DE'],
    ['442079460000', 'US', '+442079460000', 'GB'],
  ])('%s, dialled in %s, is %s of %s', (written, country, e164, where) => {
    expect(readNumber(written, country)).toEqual({ kind: 'number', e164, country: where })
  })

  test.each(['911', '112', '999', '116117', '*67', '411', '*100#', '#31#'])(
    '%s is short, and stays as it is',
    (digits) => {
      expect(readNumber(digits, 'US')).toEqual({ kind: 'short', digits })
    },
  )

  test.each(['', 'office1', '+', '+1555', '+999123456789', '12345678901234567890', '+1555123456x', '\u0661'])(
    '%j is nonsense',
    (written) => {
      expect(readNumber(written, 'US')).toEqual({ kind: 'nonsense' })
    },
  )

  test('is read as the United States where the country is not one', () => {
    expect(readNumber('5551234567', 'XX')).toMatchObject({ e164: '+15551234567' })
  })
})

describe('the table of numbering plans', () => {
  test('reads as the library does, or leaves it to the library', () => {
    const digits = fc.tuple(
      fc.constantFrom('', '1', '7', '39', '44', '47', '49', '61', '212', '262', '599', '1876', '1268'),
      fc.stringMatching(/^[0-9]{4,11}$/),
    )
    const country = fc.constantFrom(...getCountries())
    fc.assert(
      fc.property(digits, country, ([code, rest], home) => {
        const text = code + rest
        const [whole, national] = [readInternational(`+${text}`, home), readNational(text, home)]
        if (whole !== undefined) expect(whole).toEqual(asked(`+${text}`, home))
        if (national !== undefined) expect(national).toEqual(asked(text, home))
      }),
      { numRuns: 3000 },
    )
  })

  function asked(text: string, home: CountryCode) {
    const number = parsePhoneNumberFromString(text, { defaultCountry: home, extract: false })
    if (!number?.isPossible()) return null
    const possible = number.getPossibleCountries()
    const likely = possible.includes(home) ? home : (possible[0] ?? null)
    return { e164: number.number, country: number.country ?? likely }
  }
})

describe('a number read without a country', () => {
  test('may stand for itself, for itself with a plus, or for what follows an international prefix', () => {
    expect(internationalReadings('+15551234567')).toEqual(['+15551234567'])
    expect(internationalReadings('15551234567')).toEqual(['+15551234567'])
    expect(internationalReadings('0015551234567')).toEqual(['+15551234567'])
    expect(internationalReadings('01115551234567')).toEqual(['+15551234567'])
    expect(internationalReadings('office1')).toEqual([])
  })

  test('may be national, with or without the trunk prefix', () => {
    expect(nationalReadings('02079460000')).toEqual(['02079460000', '2079460000'])
    expect(nationalReadings('5551234567')).toEqual(['5551234567'])
    expect(nationalReadings('+15551234567')).toEqual([])
  })

  test('has every beginning a target may be, from one digit on', () => {
    expect(prefixesOf(['+1555'])).toEqual(['+1', '+15', '+155', '+1555'])
  })
})

describe('the countries in which a national number can lack digits', () => {
  test('are those whose rules add some', () => {
    const adding = getCountries().filter((country) =>
      /[0-9]\$|\$1[0-9]|^[0-9]+\$1$/.test(rule(country) ?? ''),
    )
    expect(elliptic).toEqual(adding)
  })

  test('are the only ones: everywhere else, and abroad, the number ends as it was dialled', () => {
    for (const dialled of [
      '02079460000',
      '5551234567',
      '89161234567',
      '003768012345678',
      '01415551234',
      '901234567890',
    ]) {
      for (const country of getCountries().filter((code) => !elliptic.includes(code))) {
        const read = readNumber(dialled, country)
        if (read.kind !== 'number') continue
        expect(
          tailsOf(dialled).some((tail) => read.e164.endsWith(tail)),
          `${dialled} in ${country}`,
        ).toBe(true)
      }
    }
  })

  test('lack them only in numbers of at most eight digits, which are read for each of them', () => {
    const random = seededRandom(4)
    for (let count = 0; count < 400; count += 1) {
      const length = 5 + Math.floor(random() * 13)
      const dialled = Array.from({ length }, () => Math.floor(random() * 10)).join('')
      for (const country of elliptic) {
        const read = readNumber(dialled, country)
        if (read.kind !== 'number') continue
        const found = localReadings(dialled)[country] ?? ''
        const known = [found, ...tailsOf(dialled)].filter((tail) => tail !== '')
        expect(
          known.some((tail) => read.e164.endsWith(tail)),
          `${dialled} in ${country}`,
        ).toBe(true)
      }
    }
    expect(localReadings('4601234')).toMatchObject({ AG: '+12684601234', BB: '+12464601234' })
    expect(localReadings('+12684601234')).toEqual({})
    expect(localReadings('2684601234')).toEqual({})
  })

  /** A part of the metadata which the library has and its types do not name. */
  function rule(country: Parameters<Metadata['selectNumberingPlan']>[0]): string | undefined {
    const metadata = new Metadata()
    metadata.selectNumberingPlan(country)
    const plan = metadata.numberingPlan as unknown as { nationalPrefixTransformRule(): string | undefined }
    return plan.nationalPrefixTransformRule()
  }
})
