import { describe, expect, test } from 'vitest'
import { portNumber, type Transport } from '#contract'
import type { Naptr, Records, Resolver, Srv } from '../../../relay/io/dns.ts'
import { entropy } from '../../../relay/io/entropy.ts'
import { Locator } from '../../../relay/io/locate.ts'

describe('locating a server (RFC 3263)', () => {
  test('finds TLS by SRV and else at its own port, proved for the domain and not for the host found', async () => {
    const { located, locate, asked } = world({
      'srv _sips._tcp.one.example': [srv('a.host.test', 5071)],
      'a a.host.test': ['192.0.2.1'],
      'a two.example': ['192.0.2.2'],
    })
    expect((await located('One.Example.', null, 'tls')).flows).toEqual([
      {
        transport: 'tls',
        address: '192.0.2.1',
        port: portNumber(5071),
        tls: { name: 'one.example', verify: 'full', fingerprint: null },
      },
    ])
    expect(await locate('two.example', null, 'tls')).toEqual(['tls 192.0.2.2:5061'])
    expect(await locate('two.example', 5071, 'tls')).toEqual(['tls 192.0.2.2:5071'])
    expect(await locate('192.0.2.7', null, 'tls')).toEqual(['tls 192.0.2.7:5061'])
    expect(asked).toEqual([
      'srv _sips._tcp.one.example',
      'a a.host.test',
      'srv _sips._tcp.two.example',
      'a two.example',
    ])
  })

  test('hands on how a peer is to be trusted', async () => {
    const { locator } = world({})
    const tls = { verify: 'fingerprint', fingerprint: 'ab:cd' } as const
    const { flows } = await locator.locate({ hostname: '192.0.2.7', port: null, transport: 'tls', tls })
    expect(flows[0]?.tls).toEqual({ name: '192.0.2.7', ...tls })
    const plain = await locator.locate({ hostname: '192.0.2.7', port: null, transport: 'tcp', tls })
    expect(plain.flows).toEqual([{ transport: 'tcp', address: '192.0.2.7', port: portNumber(5060) }])
  })

  test('asks nobody where the target is an address', async () => {
    const { locate, asked } = world({})
    expect(await locate('192.0.2.7')).toEqual(['udp 192.0.2.7:5060'])
    expect(await locate('192.0.2.7', 5070, 'tcp')).toEqual(['tcp 192.0.2.7:5070'])
    expect(await locate('[2001:db8::7]')).toEqual(['udp 2001:db8::7:5060'])
    expect(asked).toEqual([])
  })

  test('asks only for addresses where a port is given', async () => {
    const { locate, asked } = world({ 'a sip.example': ['192.0.2.1', '2001:db8::1'] })
    expect(await locate('sip.example', 5070)).toEqual(['udp 192.0.2.1:5070', 'udp 2001:db8::1:5070'])
    expect(asked).toEqual(['a sip.example'])
  })

  test('asks for SRV where only the transport is given, and for addresses where there is none', async () => {
    const { locate, asked } = world({
      'srv _sip._tcp.one.example': [srv('a.one.example', 5080)],
      'a a.one.example': ['192.0.2.1'],
      'a two.example': ['192.0.2.2'],
    })
    expect(await locate('one.example', null, 'tcp')).toEqual(['tcp 192.0.2.1:5080'])
    expect(await locate('two.example', null, 'tcp')).toEqual(['tcp 192.0.2.2:5060'])
    expect(asked.some((question) => question.startsWith('naptr'))).toBe(false)
  })

  test('follows NAPTR in its order, where neither port nor transport is given', async () => {
    const { locate } = world({
      'naptr sip.example': [
        naptr(20, 'SIP+D2U', '_sip._udp.sip.example'),
        naptr(10, 'SIP+D2T', '_sip._tcp.sip.example'),
        naptr(5, 'SIPS+D2T', '_sips._tcp.sip.example'),
      ],
      'srv _sip._tcp.sip.example': [srv('t.sip.example')],
      'srv _sip._udp.sip.example': [srv('u.sip.example')],
      'a t.sip.example': ['192.0.2.1'],
      'a u.sip.example': ['192.0.2.2'],
    })
    expect(await locate('sip.example')).toEqual(['tcp 192.0.2.1:5060', 'udp 192.0.2.2:5060'])
  })

  test('goes to TLS first where NAPTR puts it first, equals in the order of their preference', async () => {
    const { locate } = world({
      'naptr sip.example': [
        { ...naptr(10, 'SIP+D2U', '_sip._udp.sip.example'), preference: 20 },
        { ...naptr(10, 'sips+d2t', '_sips._tcp.other.example'), preference: 10 },
      ],
      'srv _sips._tcp.other.example': [srv('t.sip.example', 5061)],
      'srv _sip._udp.sip.example': [srv('u.sip.example')],
      'a t.sip.example': ['192.0.2.1'],
      'a u.sip.example': ['192.0.2.2'],
    })
    expect(await locate('sip.example')).toEqual(['tls 192.0.2.1:5061', 'udp 192.0.2.2:5060'])
  })

  test.each([
    ['of a transport we lack', [naptr(1, 'SIP+D2S', '_sip._sctp.sip.example')]],
    ['of something else', [naptr(1, 'E2U+sip', '_sip._tls.x'), naptr(2, 'AAA+D2T', '_aaa._tcp.x')]],
    ['which are no pointers to SRV', [{ ...naptr(1, 'SIP+D2T', '_sip._tcp.x'), flags: 'u' }]],
    ['which point nowhere', [naptr(1, 'SIP+D2T', '')]],
  ])('goes on to SRV where NAPTR has only services %s', async (_, pointers) => {
    const { locate } = world({
      'naptr sip.example': pointers,
      'srv _sip._tcp.sip.example': [srv('t.sip.example')],
      'a t.sip.example': ['192.0.2.1'],
    })
    expect(await locate('sip.example')).toEqual(['tcp 192.0.2.1:5060'])
  })

  test('calls a domain which has only secure services securely or not at all', async () => {
    const zone = { 'a sip.example': ['192.0.2.1'], 'srv _sip._udp.sip.example': [srv('sip.example')] }
    const empty = world({ ...zone, 'naptr sip.example': [naptr(1, 'SIPS+D2T', '_sips._tcp.sip.example')] })
    expect(await empty.locate('sip.example')).toEqual(['tls 192.0.2.1:5061'])
    const sctp = world({ ...zone, 'naptr sip.example': [naptr(1, 'SIPS+D2S', '_sips._sctp.sip.example')] })
    expect(await sctp.locate('sip.example')).toEqual(['tls 192.0.2.1:5061'])
    const asked = world({ ...zone, 'srv _sips._tcp.sip.example': [srv('.')] })
    expect(await asked.why('sip.example', null, 'tls')).toBe(
      'sip.example says that it offers no such service',
    )
  })

  test('does not call where SRV says that there is nothing (RFC 2782)', async () => {
    const zone = { 'a sip.example': ['192.0.2.1'], 'srv _sip._udp.sip.example': [srv('.', 0)] }
    expect(await world(zone).why('sip.example', null, 'udp')).toMatch(/no such service/)
    expect(await world(zone).locate('sip.example')).toEqual(['tcp 192.0.2.1:5060'])
    const both = { ...zone, 'srv _sip._tcp.sip.example': [srv('', 0)] }
    expect(await world(both).locate('sip.example')).toEqual([])
  })

  test('gives every address of a target, IPv4 first, before the next target', async () => {
    const { locate } = world({
      'srv _sip._udp.sip.example': [srv('b.x', 5062, 20), srv('a.x', 5061, 10)],
      'a a.x': ['2001:db8::1', '192.0.2.1', '192.0.2.2'],
      'a b.x': ['192.0.2.3', '192.0.2.1'],
    })
    expect(await locate('sip.example', null, 'udp')).toEqual([
      'udp 192.0.2.1:5061',
      'udp 192.0.2.2:5061',
      'udp 2001:db8::1:5061',
      'udp 192.0.2.3:5062',
      'udp 192.0.2.1:5062',
    ])
  })

  test('makes do with the services and targets it can find out about', async () => {
    const { locate, why } = world({
      'srv _sip._udp.sip.example': 'fails',
      'srv _sip._tcp.sip.example': [srv('a.x'), srv('b.x', 5060, 20)],
      'a a.x': 'fails',
      'a b.x': ['192.0.2.2'],
      'srv _sip._udp.dark.example': 'fails',
      'a dark.example': ['192.0.2.3'],
    })
    expect(await locate('sip.example')).toEqual(['tcp 192.0.2.2:5060'])
    expect(await why('dark.example')).toBe('DNS gave no answer for dark.example: ESERVFAIL')
  })

  test('goes on to SRV without NAPTR, and to addresses without SRV', async () => {
    const { locate, asked } = world({ 'a sip.example': ['192.0.2.1'] })
    expect(await locate('SIP.example.')).toEqual(['udp 192.0.2.1:5060'])
    expect(asked).toEqual([
      'naptr sip.example',
      'srv _sip._udp.sip.example',
      'srv _sip._tcp.sip.example',
      'a sip.example',
    ])
  })

  test('tries lower priorities first, and equals in proportion to their weight (RFC 2782)', async () => {
    const first: Record<string, number> = {}
    for (let i = 0; i < 400; i++) {
      const { locate } = world({
        'srv _sip._udp.sip.example': [
          srv('c.x', 5060, 20, 9),
          srv('a.x', 5060, 10, 3),
          srv('b.x', 5060, 10, 1),
        ],
        'a a.x': ['192.0.2.1'],
        'a b.x': ['192.0.2.2'],
        'a c.x': ['192.0.2.3'],
      })
      const flows = await locate('sip.example', null, 'udp')
      expect(flows).toHaveLength(3)
      expect(flows[2]).toBe('udp 192.0.2.3:5060')
      first[flows[0] ?? ''] = (first[flows[0] ?? ''] ?? 0) + 1
    }
    // Three in four, give or take five standard deviations.
    expect(first['udp 192.0.2.1:5060']).toBeGreaterThan(256)
    expect(first['udp 192.0.2.1:5060']).toBeLessThan(344)
  })

  test('leaves a small chance to a weight of 0, and none to a later priority', async () => {
    const { locate } = world({
      'srv _sip._udp.sip.example': [
        srv('c.x', 5060, 20, 99),
        srv('a.x', 5060, 10, 9),
        srv('z.x', 5060, 10, 0),
      ],
      'a a.x': ['192.0.2.1'],
      'a z.x': ['192.0.2.2'],
      'a c.x': ['192.0.2.3'],
    })
    const firsts = await Promise.all(Array.from({ length: 400 }, () => locate('sip.example', null, 'udp')))
    const zero = firsts.filter(([first]) => first === 'udp 192.0.2.2:5060').length
    expect(zero).toBeGreaterThan(10)
    expect(zero).toBeLessThan(80)
    expect(firsts.every(([, , third]) => third === 'udp 192.0.2.3:5060')).toBe(true)
  })

  test('says that a name leads nowhere', async () => {
    const { why } = world({})
    expect(await why('nowhere.example')).toBe('no address found for nowhere.example')
  })

  test('says so where DNS says nothing for as long as one can wait', async () => {
    const { locator, stall } = world({ 'a slow.example': ['192.0.2.1'] })
    const speak = stall()
    const question = { hostname: 'slow.example', port: portNumber(9), transport: 'udp' } as const
    const why = 'DNS gave no answer for slow.example in 20 ms'
    expect(await locator.locate(question, 20)).toEqual({ flows: [], why })
    speak()
    expect((await locator.locate(question, 20)).flows).toHaveLength(1)
  })

  test('knows localhost without asking anybody (RFC 6761)', async () => {
    const locator = new Locator({ allowPrivate: true, entropy })
    const { flows } = await locator.locate({ hostname: 'localhost', port: portNumber(5090), transport: null })
    expect(flows[0]).toEqual({ transport: 'udp', address: '127.0.0.1', port: portNumber(5090) })
  })
})

describe('addresses which may not be reached', () => {
  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '::1',
    'fd00::1',
    'fe80::1',
    '::ffff:10.0.0.1',
    '::ffff:a00:1',
  ])('refuses %s, written or found, unless private targets are allowed', async (address) => {
    const inside = { 'a trick.example': [address] }
    expect(await world(inside).why(address, 5060)).toBe(`address_not_allowed: ${address}`)
    expect(await world(inside).why('trick.example', 5060)).toBe(`address_not_allowed: ${address}`)
  })

  test('reaches them at home', async () => {
    expect(await world({}, { allowPrivate: true }).locate('127.0.7.3')).toEqual(['udp 127.0.7.3:5060'])
  })

  test.each(['0.0.0.0', '224.0.0.1', '255.255.255.255', '::', 'ff02::1'])(
    'refuses %s everywhere',
    async (address) => {
      expect(await world({}, { allowPrivate: true }).why(address)).toBe(`address_not_allowed: ${address}`)
    },
  )

  test('goes to the public one of several', async () => {
    const { locate } = world({ 'a mixed.example': ['10.0.0.1', '192.0.2.1'] })
    expect(await locate('mixed.example', 5060)).toEqual(['udp 192.0.2.1:5060'])
  })
})

describe('remembering what DNS said', () => {
  test('asks again when the time to live is over, no sooner than in 5 s and no later than in an hour', async () => {
    for (const [ttl, kept] of [
      [0, 5],
      [60, 60],
      [86_400, 3_600],
    ] as const) {
      const { locate, asked, pass } = world({ 'a sip.example': ['192.0.2.1'] }, { ttl })
      await locate('sip.example', 5060)
      pass(kept - 0.1)
      await locate('sip.example', 5060)
      expect(asked).toHaveLength(1)
      pass(0.2)
      await locate('sip.example', 5060)
      expect(asked).toHaveLength(2)
    }
  })

  test('goes on with the last answer for a day while the resolver is away', async () => {
    const { locate, why, pass, breakDown } = world({ 'a sip.example': ['192.0.2.1'] }, { ttl: 60 })
    await locate('sip.example', 5060)
    breakDown()
    pass(23 * 3600)
    expect(await locate('sip.example', 5060)).toEqual(['udp 192.0.2.1:5060'])
    pass(2 * 3600)
    expect(await why('sip.example', 5060)).toBe('DNS gave no answer for sip.example: ESERVFAIL')
  })

  test('waits half a second for a new answer where it has an old one, and takes it when it comes', async () => {
    const { locate, pass, zone, stall } = world({ 'a sip.example': ['192.0.2.1'] }, { ttl: 60 })
    await locate('sip.example', 5060)
    zone['a sip.example'] = ['192.0.2.2']
    const comes = stall()
    pass(61)
    const began = performance.now()
    expect(await locate('sip.example', 5060)).toEqual(['udp 192.0.2.1:5060'])
    expect(performance.now() - began).toBeGreaterThan(450)
    // Others do not wait as long again; a machine which others share stands still for one of them, not for each.
    const waits: number[] = []
    for (let nth = 0; nth < 5; nth++) {
      const asked = performance.now()
      expect(await locate('sip.example', 5060)).toEqual(['udp 192.0.2.1:5060'])
      waits.push(performance.now() - asked)
    }
    expect(Math.min(...waits)).toBeLessThan(450)
    comes()
    await new Promise((later) => setTimeout(later, 0))
    expect(await locate('sip.example', 5060)).toEqual(['udp 192.0.2.2:5060'])
  })

  test('tells that it goes on with an old answer, once for each time it asks anew', async () => {
    const { locate, pass, breakDown, stale } = world({ 'a sip.example': ['192.0.2.1'] })
    await locate('sip.example', 5060)
    breakDown()
    expect(stale).toEqual([])
    pass(61)
    for (let i = 0; i < 5; i++) await locate('sip.example', 5060)
    expect(stale).toEqual(['a sip.example'])
    pass(6)
    await Promise.all([locate('sip.example', 5060), locate('sip.example', 5060)])
    expect(stale).toEqual(['a sip.example', 'a sip.example'])
  })

  test('asks one question once, however many calls wait for it', async () => {
    const { locate, asked } = world({ 'a sip.example': ['192.0.2.1'] })
    await Promise.all(Array.from({ length: 50 }, () => locate('sip.example', 5060)))
    expect(asked).toHaveLength(1)
  })
})

/** A locator whose DNS says what `zone` says; keys are `naptr`, `srv` or `a` and a name. */
describe('everywhere a host may call from', () => {
  const sip = { hostname: 'sip.example', port: null, transport: null }

  test('is every address of every server which SRV names, of both families', async () => {
    const { locator } = world({
      'srv _sip._udp.sip.example': [srv('a.sip.example', 5060, 1), srv('b.sip.example', 5060, 2)],
      'srv _sip._tcp.sip.example': [srv('c.sip.example', 5060)],
      'a a.sip.example': ['192.0.2.2', '2001:db8::1'],
      'a b.sip.example': ['192.0.2.1', '192.0.2.2'],
      'a c.sip.example': ['192.0.2.3'],
    })
    expect(await locator.whereabouts(sip)).toEqual({
      addresses: ['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1'],
    })
  })

  test('is on the public internet, and at thirty-two addresses at most', async () => {
    const { locator, zone } = world({ 'a sip.example': ['10.0.0.1', '127.0.0.1', '192.0.2.1'] })
    expect((await locator.whereabouts({ ...sip, port: portNumber(5060) })).addresses).toEqual(['192.0.2.1'])
    zone['a many.example'] = Array.from({ length: 10_000 }, (_, at) => `198.51.${at >> 8}.${at & 255}`)
    const many = await locator.whereabouts({ ...sip, hostname: 'many.example', port: portNumber(5060) })
    expect(many.addresses).toHaveLength(32)
    expect(many.why).toContain('10000 addresses, of which the first 32 count')
  })

  test('is nowhere where DNS says so, and unknown where DNS says nothing', async () => {
    const { locator, zone } = world({ 'a gone.example': [], 'a sip.example': ['192.0.2.1'] })
    expect(
      await locator.whereabouts({ ...sip, hostname: 'gone.example', port: portNumber(5060) }),
    ).toMatchObject({
      addresses: [],
    })
    zone['a mute.example'] = 'fails'
    expect(
      await locator.whereabouts({ ...sip, hostname: 'mute.example', port: portNumber(5060) }),
    ).toMatchObject({
      addresses: null,
      why: 'DNS gave no answer for mute.example: ESERVFAIL',
    })
  })

  test('is not said where the answer is older than it should be, and is partial where one server’s is missing', async () => {
    const { locator, zone, pass } = world({
      'srv _sip._udp.sip.example': [srv('a.sip.example', 5060), srv('b.sip.example', 5060)],
      'a a.sip.example': ['192.0.2.1'],
      'a b.sip.example': 'fails',
    })
    expect(await locator.whereabouts(sip)).toMatchObject({ addresses: ['192.0.2.1'], partial: true })
    zone['a a.sip.example'] = 'fails'
    pass(61)
    expect(await locator.whereabouts(sip)).toMatchObject({ addresses: null })
    zone['a a.sip.example'] = ['192.0.2.9']
    pass(61)
    expect(await locator.whereabouts(sip)).toMatchObject({ addresses: ['192.0.2.9'], partial: true })
  })
})

function world(
  zone: Record<string, readonly (Naptr | Srv | string)[] | 'fails'>,
  options: { allowPrivate?: boolean; ttl?: number } = {},
) {
  const asked: string[] = []
  let now = 0
  let broken = false
  let stalled: Promise<void> | undefined
  const answer = async <T>(question: string): Promise<Records<T>> => {
    asked.push(question)
    await stalled
    if (broken || zone[question] === 'fails')
      throw Object.assign(new Error('query failed'), { code: 'ESERVFAIL' })
    return { records: (zone[question] ?? []) as T[], ttl: options.ttl ?? 60 }
  }
  const resolver: Resolver = {
    naptr: (name) => answer(`naptr ${name}`),
    srv: (name) => answer(`srv ${name}`),
    addresses: (name) => answer(`a ${name}`),
  }
  const allowPrivate = options.allowPrivate ?? false
  const stale: string[] = []
  const locator = new Locator({
    allowPrivate,
    entropy,
    resolver,
    now: () => now,
    stale: (question) => stale.push(question),
  })
  const located = (hostname: string, port: number | null, transport: Transport | null) =>
    locator.locate({ hostname, port: port === null ? null : portNumber(port), transport })
  return {
    asked,
    /** What was answered from memory for want of better. */
    stale,
    zone,
    /** From now on DNS is silent, until the function is called. */
    stall: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      stalled = promise
      return resolve
    },
    locator,
    located,
    pass: (seconds: number) => {
      now += seconds * 1000
    },
    breakDown: () => {
      broken = true
    },
    locate: async (hostname: string, port: number | null = null, transport: Transport | null = null) =>
      (await located(hostname, port, transport)).flows.map(
        (flow) => `${flow.transport} ${flow.address}:${flow.port}`,
      ),
    why: async (hostname: string, port: number | null = null, transport: Transport | null = null) =>
      (await located(hostname, port, transport)).why,
  }
}

function srv(name: string, port = 5060, priority = 10, weight = 1): Srv {
  return { name, port: portNumber(port), priority, weight }
}

function naptr(order: number, service: string, replacement: string): Naptr {
  return { flags: 's', service, replacement, order, preference: 1 }
}
