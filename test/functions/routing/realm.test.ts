import { describe, expect, test } from 'vitest'
import { trunkDomainOf, trunkRealmOf } from '#routing'

describe('a trunk’s realm', () => {
  test.each(['pbx', 'a1', 'head.office', 'head-office', 'x'.repeat(31)])(
    '%s is found again in it',
    (name) => {
      expect(trunkDomainOf(trunkRealmOf(name, 'trunkline.test'), 'trunkline.test')).toBe(name)
    },
  )

  test('is read in any case', () => {
    expect(trunkDomainOf('PBX.Trunk.Trunkline.TEST', 'trunkline.test')).toBe('pbx')
  })

  test.each([
    '',
    'trunkline.test',
    'trunk.trunkline.test',
    '.trunk.trunkline.test',
    'x.trunk.trunkline.test',
    '1x.trunk.trunkline.test',
    'pbx..trunk.trunkline.test',
    'pbx-.trunk.trunkline.test',
    'pbx.trunk.elsewhere.test',
    'pbx.registrar.trunkline.test',
    `${'x'.repeat(32)}.trunk.trunkline.test`,
  ])('is not %s', (realm) => {
    expect(trunkDomainOf(realm, 'trunkline.test')).toBeUndefined()
  })
})
