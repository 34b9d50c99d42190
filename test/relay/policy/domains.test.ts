import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ConfigIndex } from '#routing'
import { Domains } from '../../../relay/policy/domains.ts'
import { parseChallenges } from '../../../relay/sip/digest.ts'
import { steadyHashes } from '../../support/entropy.ts'
import { type Ladder, type Party, realm, relayAddress } from '../../support/ladder.ts'
import {
  account,
  alice,
  customerId,
  extensionIds,
  invite,
  office,
  password,
  prove,
  register,
} from '../../support/office.ts'
import { changed, gives, hears, informed, officeConfiguration } from '../../support/office-snapshots.ts'
import { type Configuration, configuration, filed, withExtension } from '../../support/snapshot.ts'

const base = 'trunkline.test'
const acme = `acme.registrar.${base}`
const bobsId = '99999999-1111-4111-8111-111111111111'
const bobsRealm = `${bobsId}.registrar.${base}`

describe('a phone which uses its customer’s short name as its domain', () => {
  test('is asked for the realm its passwords are of, registers, and calls within it', () => {
    const ladder = informed([named(officeConfiguration(7), 'acme')])
    registers(ladder, alice, 'alice', acme)
    expect(asked(ladder)).toBe(realm)
    ladder.gives('tell registered', '200 to Alice')
    const first = invite(alice, `sip:bob@${acme}`, { domain: acme })
    ladder.when(alice, first).gives('407 to Alice')
    ladder.when(alice, prove(first, ladder.lastResponse(alice), 'alice')).whatever()
    expect(ladder.lastResponse(alice).header('reason')).toContain('not registered')
    expect(ladder.record).toMatchObject({ direction: 'internal', customer_id: customerId })
  })

  test('which nobody chose is asked for a realm like any other, and the same one each time', () => {
    const ladder = informed()
    ladder.when(alice, register(alice, 'alice', [], acme)).gives('401 to Alice')
    const first = asked(ladder)
    expect(first).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}\.registrar\.trunkline\.test$/,
    )
    ladder.when(alice, register(alice, 'bob', [], acme)).gives('401 to Alice')
    expect(asked(ladder)).toBe(first)
    ladder.when(alice, register(alice, 'bob', [], `acne.registrar.${base}`)).gives('401 to Alice')
    expect(asked(ladder)).not.toBe(first)
  })
})

describe.each([relayAddress, base, `registrar.${base}`])('a phone whose domain is %s', (domain) => {
  test('registers where its account is the only one of its name, and then calls', () => {
    const ladder = informed()
    registers(ladder, alice, 'alice', domain)
    ladder.gives('tell registered', '200 to Alice')
    const first = invite(alice, `sip:+15551234567@${relayAddress}`, { domain })
    ladder.when(alice, first).gives('407 to Alice')
    ladder.when(alice, prove(first, ladder.lastResponse(alice), 'alice')).gives('100 to Alice', 'ask locate')
  })

  test('hears the right domain where the password is wrong, and the same where nobody has its name', () => {
    const answers = ['alice', 'nobody'].map((user) => {
      const ladder = informed()
      registers(ladder, alice, user, domain, 'guess')
      ladder.gives('ask credential')
      ladder
        .credential(user === 'alice' ? account('alice') : { kind: 'unknown', ttl: 5 })
        .gives('404 to Alice')
      return ladder.lastResponse(alice).header('reason')
    })
    expect(answers[0]).toBe(answers[1])
    expect(answers[0]).toContain(`domain_name: <customer id>.registrar.${base}`)
  })

  test('is asked to come again where not every customer is known here yet', () => {
    const ladder = office()
    registers(ladder, alice, 'alice', domain)
    ladder.gives('ask credential').credential({ kind: 'unknown', ttl: 5 }).gives('503 to Alice')
  })

  test('hears it where several customers have its name; who proves one is told which', () => {
    const ladder = informed()
    const other = bobs('alice')
    hears(ladder, 8, changed([other]))
    gives(ladder, filed(other))
    registers(ladder, alice, 'alice', domain, (asked) => (asked === realm ? password : 'bob’s word'))
    ladder.gives('404 to Alice')
    expect(ladder.lastResponse(alice).header('reason')).toContain(asked(ladder))
    expect(ladder.bindings).toEqual([])
    expect(ladder.events).toMatchObject([{ type: 'registration.failed', data: { reason: 'SHARED_NAME' } }])
  })
})

describe('what the realm asked for tells', () => {
  test('is nothing of which names there are: those nobody has are spread over realms as accounts are', () => {
    const index = new ConfigIndex()
    const [large, small] = [phones(customerId, 30, 'x'), phones(bobsId, 10, 'y')]
    for (const { snapshot, secrets } of [large, small]) index.put(snapshot, secrets)
    const domains = new Domains({
      snapshots: { index, whole: true },
      baseDomain: base,
      names: new Set([base]),
      hashes: steadyHashes,
    })
    const realms = Array.from({ length: 2_000 }, (_, at) => domains.of(base, `nobody${at}`).realm)
    const share = realms.filter((one) => one === `${customerId}.registrar.${base}`).length / realms.length
    expect(share).toBeGreaterThan(0.7)
    expect(share).toBeLessThan(0.8)
    expect(domains.of(base, 'x3')).toMatchObject({ realm, bare: { account: { customer_id: customerId } } })
    index.drop(customerId)
    expect(domains.of(base, 'x3')).toEqual({
      realm: bobsRealm,
      bare: { host: base, account: undefined, complete: true },
    })
  })

  test('and no customer hears of who tried a name which is not its own', () => {
    const ladder = informed()
    registers(ladder, alice, 'nobody', base, 'guess')
    ladder.whatever().credential({ kind: 'unknown', ttl: 5 }).whatever()
    expect(ladder.events).toMatchObject([
      { customer_id: null, data: { reason: 'UNKNOWN_DOMAIN', account: `nobody@${base}` } },
    ])
    const wrong = informed()
    registers(wrong, alice, 'alice', base, 'guess')
    wrong.whatever().credential(account('alice')).whatever()
    expect(wrong.events).toMatchObject([
      { customer_id: customerId, data: { reason: 'WRONG_PASSWORD', subject_id: extensionIds.alice } },
    ])
  })
})

describe('a phone whose domain names no customer, though it looks like one’s', () => {
  const misspelt = customerId.replace(/^./, (first) => (first === '0' ? '1' : '0'))
  const told = (id: string, ladder = informed()) => {
    registers(ladder, alice, 'alice', `${id}.registrar.${base}`)
    return ladder.gives('ask credential').credential({ kind: 'unknown', ttl: 5 })
  }

  test('is told so in words, with what its domain is', () => {
    const ladder = told(misspelt).gives('404 to Alice')
    expect(ladder.lastResponse(alice).header('reason')).toBe(
      `SIP;cause=404;text="No such domain. Use your extension's domain_name: <customer id>.registrar.${base}"`,
    )
  })

  test.each([
    ['a letter wrong', misspelt],
    ['one left out', customerId.slice(1)],
    ['one typed twice', `${customerId}${customerId.at(-1)}`],
    ['two in each other’s place', customerId.replace(/(.)(-)/, '$2$1')],
  ])('and so is the customer whose id it is but for %s', (_, id) => {
    const ladder = told(id).whatever()
    expect(ladder.events).toMatchObject([
      {
        customer_id: customerId,
        data: { reason: 'UNKNOWN_DOMAIN', account: `alice@${id}.registrar.${base}`, sip_status: 404 },
      },
    ])
  })

  test('but no customer where it is nearly nobody’s id', () => {
    expect(told(customerId.split('').reverse().join('')).whatever().events).toMatchObject([
      { customer_id: null, data: { reason: 'UNKNOWN_DOMAIN' } },
    ])
  })

  test('is challenged as ever where its customer was made just now, as the edge says, who is told; or by a short name', () => {
    const ladder = informed()
    registers(ladder, alice, 'alice', `${bobsId}.registrar.${base}`)
    ladder.gives('ask credential').credential({ kind: 'unknown', ttl: 5, customer_id: bobsId }).whatever()
    expect(ladder.lastResponse(alice).status).toBe(401)
    expect(ladder.events).toMatchObject([{ customer_id: bobsId, data: { reason: 'UNKNOWN_ACCOUNT' } }])
    told(bobsId, office()).gives('401 to Alice')
    told('acne').gives('401 to Alice')
  })
})

describe('a domain which is none of ours', () => {
  test('is answered 404 with the right one', () => {
    const ladder = informed()
    ladder.when(alice, register(alice, 'alice', [], 'elsewhere.test')).gives('404 to Alice')
    expect(ladder.lastResponse(alice).header('reason')).toContain(`.registrar.${base}`)
  })

  test('and no customer’s at all, are answered with nothing where strangers are', () => {
    const ladder = informed([officeConfiguration(7)], office({ unknownSource: 'silent' }))
    for (const domain of ['elsewhere.test', relayAddress, `registrar.${base}`])
      ladder.when(alice, register(alice, 'alice', [], domain)).gives()
    ladder.when(alice, register(alice, 'alice')).gives('401 to Alice')
  })
})

function registers(
  ladder: Ladder,
  phone: Party,
  user: string,
  domain: string,
  word: string | ((realm: string) => string) = password,
): void {
  const first = register(phone, user, [], domain)
  ladder.when(phone, first).gives('401 to Alice')
  const secret = typeof word === 'string' ? word : word(asked(ladder))
  ladder.when(phone, prove(first, ladder.lastResponse(phone), user, secret))
}

/** The realm Alice’s phone was asked for last. */
function asked(ladder: Ladder): string {
  const challenges = ladder
    .messages(alice)
    .flatMap((one) => (one.kind === 'response' ? one.all('www-authenticate') : []))
  return parseChallenges(challenges.at(-1) ?? '')[0]?.realm ?? ''
}

function named({ snapshot, secrets }: Configuration, registrar_name: string): Configuration {
  return { snapshot: { ...snapshot, customer: { ...snapshot.customer, registrar_name } }, secrets }
}

function bobs(name: string): Configuration {
  return withExtension(configuration(bobsId, 8), {
    id: '98989898-2222-4222-8222-222222222222',
    name,
    realm: bobsRealm,
    password: 'bob’s word',
  })
}

function phones(customer: string, count: number, message: string): Configuration {
  return Array.from({ length: count }, (_, at) => `${message}${at}`).reduce(
    (so, name) =>
      withExtension(so, {
        id: hash('md5', name).replace(/^(.{8})(.{4}).(.{3}).(.{3})/, '$1-$2-4$3-8$4-'),
        name,
        realm: `${customer}.registrar.${base}`,
        password,
      }),
    configuration(customer, 7),
  )
}
