import { describe, expect, test } from 'vitest'
import { ConfigIndex } from '#routing'
import { ALICE, CAROL, extension, number, portionOf, provider, route, trunk } from './fixtures.ts'

const scene = {
  extensions: [extension('alice')],
  trunks: [trunk('office', { sources: ['198.51.100.0/24'] })],
  numbers: [
    number('+12125550000'),
    number('+12125550100', { number_to: '+12125550199' }),
    number('any', { provider_id: provider('telnyx').id }),
  ],
  providers: [provider('telnyx', { sources: ['192.0.2.0/24', '2001:db8::/32'], line: 'token' })],
  routes: [route('telnyx', { target: '+1' })],
}
const secrets = {
  accounts: [
    {
      kind: 'extension' as const,
      id: extension('alice').id,
      username: 'alice',
      realm: 'Realm.test',
      ha1_md5: 'a',
      ha1_sha256: 'b',
      algorithms: ['MD5' as const],
      enabled: true,
      max_contacts: 5,
      min_expires: 60,
      max_expires: 3600,
      default_expires: 3600,
      keepalive_s: 25,
      ended_tokens: [],
    },
  ],
  passwords: { [provider('telnyx').id]: 'secret' },
}

function found(index: ConfigIndex) {
  const { configuration: book } = index
  return [
    book.customer(ALICE),
    book.extensionNamed(ALICE, 'alice'),
    book.trunkNamed('OFFICE'),
    book.trunksAt('198.51.100.200')[0],
    book.providersAt('192.0.2.255')[0],
    book.providersAt('2001:DB8::1')[0],
    book.line('token'),
    book.numbers('+12125550000')[0],
    book.ranges('+12125550150')[0],
    book.catchAlls(provider('telnyx').id)[0],
    book.routes(ALICE, '+12125551234')[0],
    index.account('realm.test', 'alice'),
  ].map((one) => one !== undefined)
}

describe('a shelf of snapshots', () => {
  test('finds everything that was put, and nothing once it was dropped', () => {
    const index = new ConfigIndex()
    index.put(portionOf(ALICE, scene), secrets)
    expect(new Set(found(index))).toEqual(new Set([true]))
    expect(index.providers()).toMatchObject([{ password: 'secret' }])
    expect(index.customers()).toEqual([{ customer_id: ALICE, version: 7 }])
    index.drop(ALICE)
    expect(new Set(found(index))).toEqual(new Set([false]))
    expect(index.version(ALICE)).toBeUndefined()
  })

  test('replaces what one customer had, and leaves the others alone', () => {
    const index = new ConfigIndex()
    index.put(portionOf(CAROL, { numbers: [number('+442079460000')] }))
    index.put(portionOf(ALICE, scene), secrets)
    index.put({ ...portionOf(ALICE, { extensions: [extension('bob')] }), version: 8 })
    expect(found(index).filter(Boolean)).toHaveLength(1)
    expect(index.version(ALICE)).toBe(8)
    expect(index.configuration.numbers('+442079460000')).toHaveLength(1)
  })

  test('keeps a number which moved to another customer, whichever snapshot comes first', () => {
    const index = new ConfigIndex()
    index.put(portionOf(ALICE, scene))
    index.put(portionOf(CAROL, { numbers: [number('+12125550000')] }))
    index.put(portionOf(ALICE, {}))
    expect(index.configuration.numbers('+12125550000')).toMatchObject([{ customer_id: CAROL }])
  })

  test('tells numbers apart which one double holds, and those which only begin otherwise', () => {
    const [one, other] = ['+49999999999999992', '+49999999999999993'].map((e164) => number(e164))
    const index = new ConfigIndex()
    index.put(portionOf(ALICE, { numbers: [one, other].filter((each) => each !== undefined) }))
    expect(index.configuration.numbers('+49999999999999992')).toEqual([one])
    expect(index.configuration.numbers('+49999999999999993')).toEqual([other])
    expect(index.configuration.numbers('+049999999999999993')).toEqual([])
    index.drop(ALICE)
    expect(index.configuration.numbers('+49999999999999992')).toEqual([])
  })

  test('takes a range by its numbers, not by how they are spelled', () => {
    const index = new ConfigIndex()
    index.put(portionOf(ALICE, scene))
    expect(index.configuration.ranges('+12125550100')).toHaveLength(1)
    expect(index.configuration.ranges('+12125550199')).toHaveLength(1)
    for (const outside of ['+12125550099', '+12125550200', '+121255501500', '+1212555015'])
      expect(index.configuration.ranges(outside), outside).toEqual([])
  })

  test('has room for a hundred thousand routes in two seconds', () => {
    const routes = Array.from({ length: 100_000 }, (_, at) =>
      route('telnyx', { target: `+1${200_000 + at}` }),
    )
    const portion = portionOf(ALICE, { routes })
    const index = new ConfigIndex()
    const began = process.cpuUsage()
    index.put(portion)
    const { user, system } = process.cpuUsage(began)
    expect((user + system) / 1e6).toBeLessThan(2)
    expect(index.configuration.routes(ALICE, '+12000005555').map(({ target }) => target)).toEqual([
      '+1200000',
    ])
  })
})
