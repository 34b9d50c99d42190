import { describe, expect, test } from 'vitest'
import type { RouteDecision } from '#contract'
import { beenTo } from '../../../relay/call/claims.ts'
import { type Header, request } from '../../../relay/sip/message.ts'
import { type Ladder, realm, relayAddress } from '../../support/ladder.ts'
import {
  aliceDials,
  bob,
  invite,
  office,
  prove,
  provider,
  registers,
  rejected,
  ringBob,
  telnyx,
  through,
  twilio,
} from '../../support/office.ts'
import { pbx, pbxAccount, pbxOffice, pbxRealm, ringPbx, trunkId } from '../../support/pbx.ts'

const called = '+15551234567'
const own = '+15557654321'

/** Everything an INVITE may claim, and between whom each passes: from → to. */
const rows: readonly (readonly [name: string, value: string, passes: readonly string[]])[] = [
  ['subject', 'lunch', [...ways('phone', 'pbx', 'carrier')]],
  ['priority', 'emergency', [...ways('phone', 'pbx').filter(inside)]],
  ['alert-info', '<http://ring.test/answer>;info=alert-autoanswer', [...ways('phone', 'pbx').filter(inside)]],
  ['call-info', '<http://evil.test/a>;answer-after=0', [...ways('phone', 'pbx').filter(inside)]],
  ['diversion', `<sip:${own}@pbx.test>;reason=unconditional`, [...ways('pbx', 'carrier')]],
  [
    'history-info',
    `<sip:${own}@pbx.test>;index=1, <sip:${called}@pbx.test>;index=1.1`,
    [...ways('pbx', 'carrier')],
  ],
  ['identity', 'e30.e30.c2ln;info=<https://evil.test/c.pem>', [...ways('carrier').filter(inside)]],
  ['p-preferred-identity', '<sip:+18005550000@evil.test>', []],
  ['remote-party-id', '<sip:+18005550000@evil.test>', []],
  ['privacy', 'none', []],
  ['geolocation', '<cid:here@evil.test>', []],
  ['user-to-user', '56a3;encoding=hex', []],
  ['reason', 'Q.850;cause=16', []],
  ['answer-mode', 'Auto', []],
  ['priv-answer-mode', 'Auto', []],
  ['referred-by', '<sip:boss@evil.test>', []],
  ['p-charging-vector', 'icid-value=1', []],
  ['x-anything', 'at all', []],
]

describe('what a caller’s INVITE claims', () => {
  for (const from of ['phone', 'pbx', 'pbx by address', 'carrier'] as const)
    for (const to of ['phone', 'pbx', 'carrier'] as const) {
      const kind = from === 'pbx by address' ? 'pbx' : from
      if (kind === 'carrier' && to === 'carrier') continue
      test(`of a ${from} reaches a ${to} as the table says`, () => {
        const sent = passed(
          from,
          to,
          rows.map(([name, value]) => [name, value]),
        )
        for (const [name, value, passes] of rows)
          expect(sent.all(name).join(', '), name).toBe(passes.includes(`${kind} ${to}`) ? value : '')
      })
    }
})

describe('on whose behalf a PBX calls (RFC 5806, RFC 7044)', () => {
  const others: Header[] = [
    [
      'diversion',
      `<sip:+18005550000@pbx.test>;reason=no-answer, "Sales, EU" <sip:${own}@pbx.test>;reason=user-busy`,
    ],
    ['history-info', '<sip:+18005550000@pbx.test>;index=1'],
    ['history-info', `<tel:${own}>;index=1.1`],
  ]

  test('is told to carriers as far as it names its customer’s own numbers', () => {
    const sent = passed('pbx', 'carrier', others)
    expect(sent.all('diversion')).toEqual([`"Sales, EU" <sip:${own}@pbx.test>;reason=user-busy`])
    expect(sent.all('history-info')).toEqual([`<tel:${own}>;index=1.1`])
  })

  test.each<[string, Header[], string]>([
    ['begins with it', [], `<sip:${called}@${pbxRealm}>;index=1`],
    [
      'ends with it',
      [['history-info', '<sip:a@x>;index=1, <sip:b@y>;index=1.1']],
      `<sip:a@x>;index=1, <sip:b@y>;index=1.1, <sip:${called}@${pbxRealm}>;index=1.1.1`,
    ],
    [
      'names it once',
      [['history-info', `<sip:${called}@pbx.test>;index=1`]],
      `<sip:${called}@pbx.test>;index=1`,
    ],
  ])('tells another PBX of the house by which number it is called: the history %s', (_, headers, told) => {
    const ladder = pbxOffice()
    calls(ladder, 'pbx', headers)
    const decision = { ...decided('pbx', 'pbx', {}), direction: 'internal' as const }
    ladder.decide({ ...decision, destination: { ...decision.destination, target: called } }).whatever()
    ladder.locate(twilio).whatever()
    expect(ladder.lastRequest(twilio).all('history-info').join(', ')).toBe(told)
    // The called one sends it on by another number: then the first one is where it was.
    const on: Header[] = [['history-info', `${told}, <sip:${own}@pbx.test>;index=1.1.1.1`]]
    const sentOn = invite(pbx, `sip:${own}@${pbxRealm}`, { domain: pbxRealm, headers: on })
    expect(beenTo(sentOn)?.by).toContain(called)
  })

  test('is asked about with each number it names, once', () => {
    const ladder = pbxOffice()
    ladder.when(pbx, invite(pbx, `sip:${called}@${pbxRealm}`, { domain: pbxRealm, headers: others }))
    ladder.gives('ask route')
    const [asked] = ladder.questions
    const from = asked?.question.ask === 'route' ? asked.question.question.from : undefined
    expect(from?.diverting).toEqual(['+18005550000', own])
    expect(from?.diverted).toEqual({ by: ['+18005550000', own], times: 2 })
  })

  test.each([
    ['nothing of it', [], undefined],
    [
      'a history of the number itself alone',
      [['history-info', '<sip:a@x>;index=1, <sip:a@y>;index=1.1']],
      undefined,
    ],
    [
      'a history which comes back',
      [['history-info', '<sip:a@x>;index=1, <sip:b@y>;index=1.1, <sip:a@z>;index=1.1.1']],
      { by: ['a', 'b'], times: 0 },
    ],
    ['counters', [['diversion', '<sip:a@x>;counter=3, <sip:b@x>;counter=x']], { by: ['a', 'b'], times: 4 }],
  ] as [string, Header[], unknown][])('says where it was before by %s', (_, headers, been) => {
    expect(beenTo(invite(pbx, `sip:${called}@${pbxRealm}`, { domain: pbxRealm, headers }))).toEqual(been)
  })

  test('is not shown to phones where it wants privacy', () => {
    const headers: Header[] = [
      ['diversion', `<sip:+18005550000@a.test>;privacy=full, <sip:${own}@a.test>;privacy=off`],
    ]
    expect(passed('carrier', 'phone', headers).all('diversion')).toEqual([`<sip:${own}@a.test>;privacy=off`])
    const history: Header[] = [['history-info', '<sip:a@a.test?Privacy=history>;index=1']]
    expect(passed('carrier', 'phone', history).all('history-info')).toEqual([])
    for (const wish of ['history', 'header'])
      expect(
        passed('carrier', 'phone', [
          ['history-info', '<sip:a@a.test>;index=1'],
          ['privacy', wish],
        ]).all('history-info'),
      ).toEqual([])
  })
})

describe('a caller who hides (RFC 3323)', () => {
  const says = (...headers: Header[]) => headers
  test.for([
    ['in one line', says(['privacy', 'critical;id'])],
    ['in the second of two lines', says(['privacy', 'critical'], ['privacy', 'id'])],
    ['in the second, after one which takes it back', says(['privacy', 'none'], ['privacy', 'user'])],
    ['with commas', says(['privacy', 'critical, ID'])],
    [
      'the way of Remote-Party-ID',
      says(['remote-party-id', '<sip:+18005550000@a.test>;party=calling;privacy=full']),
    ],
  ] as const)('%s is hidden from phones and PBXs, and carriers hear of the wish', ([, headers]) => {
    const asserted: Header = ['p-asserted-identity', '"ACME" <sip:+18005550000@a.test>']
    for (const callee of ['phone', 'pbx'] as const) {
      const inward = passed('carrier', callee, [...headers, asserted])
      expect(inward.header('from')).toMatch(/^"Anonymous" <sip:anonymous@anonymous\.invalid>/)
      expect(inward.header('p-asserted-identity')).toBeUndefined()
      expect(JSON.stringify(inward.headers)).not.toMatch(/18005550000|ACME/)
    }
    const outward = passed('phone', 'carrier', [...headers])
    expect(outward.header('from')).toMatch(/^"Anonymous" <sip:anonymous@anonymous\.invalid>/)
    expect(outward.header('privacy')).toMatch(/^id(;critical)?$/)
  })

  test('by a code it dialled is hidden as one who asks in its INVITE', () => {
    const told: Header[] = [['subject', 'from Alice']]
    const sent = passed('phone', 'carrier', told, { hidden: true })
    expect(sent.header('from')).toMatch(/^"Anonymous" <sip:anonymous@anonymous\.invalid>/)
    expect(sent.header('p-asserted-identity')).toMatch(/sip:\+15557654321@/)
    expect([sent.header('privacy'), sent.header('subject')]).toEqual(['id', undefined])
    expect(passed('phone', 'phone', told, { hidden: true }).header('from')).toMatch(/anonymous\.invalid/)
  })

  test('but dialled a code which shows its number is shown, whatever its phone says', () => {
    const sent = passed('phone', 'carrier', [['privacy', 'id']], { hidden: false })
    expect(sent.header('from')).toMatch(/sip:\+15557654321@/)
    expect(sent.header('privacy')).toBeUndefined()
  })

  test('says nothing else that tells who it is', () => {
    const hidden: Header = ['privacy', 'id']
    const identity: Header = [
      'identity',
      'e30.eyJvcmlnIjp7InRuIjoiMTgwMDU1NTAwMDAifX0.c2ln;info=<https://a.test/c.pem>',
    ]
    const sent = passed('carrier', 'phone', [hidden, identity, ['subject', 'from Alice']])
    expect([...sent.all('identity'), ...sent.all('subject')]).toEqual([])
    const inside = passed('phone', 'phone', [hidden, ['call-info', '<http://a.test/alice.png>;purpose=icon']])
    expect(inside.all('call-info')).toEqual([])
  })

  test('finds that its headers tell nothing where it asks for that alone, and its number is shown', () => {
    const sent = passed('phone', 'carrier', [
      ['privacy', 'header'],
      ['subject', 'from Alice'],
    ])
    expect(sent.header('subject')).toBeUndefined()
    expect(sent.header('from')).toMatch(/sip:\+15557654321@/)
    expect(sent.header('privacy')).toBeUndefined()
  })

  test('is hidden by the carrier or not called, where that is critical to it', () => {
    expect(passed('phone', 'carrier', [['privacy', 'id;critical']]).header('privacy')).toBe('id;critical')
  })

  test('is no caller whose values only look alike', () => {
    expect(
      passed('carrier', 'phone', [
        ['privacy', 'none;x-id'],
        ['remote-party-id', '<sip:1@a.test>;privacy=off'],
      ]).from.display,
    ).not.toBe('Anonymous')
  })
})

describe('the name of a caller', () => {
  const asked = (headers: Header[], display = '"From, the" ') => {
    const ladder = pbxOffice()
    const first = invite(telnyx, `sip:${own}@${relayAddress}`, {
      user: '+15551112222',
      domain: 'carrier.test',
    })
    const renamed = first.headers.map(
      ([name, value]): Header => [name, name === 'from' ? value.replace(/^"Telnyx" /, display) : value],
    )
    ladder.when(telnyx, request({ ...first, headers: [...renamed, ...headers] })).gives('ask route')
    const question = ladder.questions[0]?.question
    return question?.ask === 'route' ? question.question.from : undefined
  }

  test('is taken from where its number is (RFC 3325)', () => {
    const asserted: Header = ['p-asserted-identity', '"ACME" <sip:+18005550000@carrier.test>']
    expect(asked([asserted])).toMatchObject({ display: 'ACME', asserted: '+18005550000' })
    expect(asked([])).toMatchObject({ display: 'From, the', asserted: null })
  })

  test('of From is not another number’s', () => {
    expect(asked([['p-asserted-identity', '<sip:+18005550000@carrier.test>']])).toMatchObject({ display: '' })
    expect(asked([['p-asserted-identity', '<tel:15551112222>']])).toMatchObject({ display: 'From, the' })
  })
})

test('a name is asserted with its number, and not where the caller hides (RFC 3325)', () => {
  const asserted = (headers: Header[]) => {
    const ladder = office()
    aliceDials(ladder, called, { headers })
    const decision = through(provider(telnyx))
    if (decision.kind !== 'connect') throw new Error('not connected')
    const caller_id = { ...decision.caller_id, display: 'Alice "A"' }
    ladder
      .decide({ ...decision, caller_id })
      .whatever()
      .locate(telnyx)
      .gives('INVITE to Telnyx')
    return ladder.lastRequest(telnyx).header('p-asserted-identity')
  }
  expect(asserted([])).toMatch(/^"Alice \\"A\\"" <sip:\+15557654321@/)
  expect(asserted([['privacy', 'id']])).toMatch(/^<sip:\+15557654321@/)
})

describe('a name which would command a terminal', () => {
  test('is shown without its control characters', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567')
    const decision = through(provider(telnyx))
    if (decision.kind !== 'connect') throw new Error('not connected')
    const display = 'Al\u001b[2Ji\u0007ce \u009b31m😀'
    ladder
      .decide({ ...decision, caller_id: { ...decision.caller_id, display } })
      .whatever()
      .locate(telnyx)
      .gives('INVITE to Telnyx')
    expect(ladder.lastRequest(telnyx).from.display).toBe('Al[2Jice 31m😀')
  })
})

test('a caller without a name or number is anonymous, never an empty user', () => {
  const ladder = pbxOffice()
  const first = invite(telnyx, `sip:${own}@${relayAddress}`, { domain: 'carrier.test' })
  const headers = first.headers.map(
    ([name, value]): Header => [name, name === 'from' ? '<sip:carrier.test>;tag=1' : value],
  )
  registers(ladder, bob, 'bob')
  ladder.when(telnyx, request({ ...first, headers })).gives('ask route')
  const decision = ringBob('incoming')
  if (decision.kind === 'reject') throw new Error('rejected')
  ladder.decide({ ...decision, caller_id: { ...decision.caller_id, user: '', display: '' } }).whatever()
  expect(ladder.lastRequest(bob).from.uri).toBe(`sip:anonymous@${realm}`)
})

/** The INVITE which reaches the callee when the caller's says all this. */
function passed(
  from: 'phone' | 'pbx' | 'pbx by address' | 'carrier',
  to: 'phone' | 'pbx' | 'carrier',
  headers: Header[],
  shown: { hidden?: boolean } = {},
) {
  const ladder = pbxOffice()
  registers(ladder, bob, 'bob')
  calls(ladder, from, headers)
  ladder.decide(decided(from, to, shown)).whatever()
  const callee = to === 'phone' ? bob : to === 'pbx' ? twilio : telnyx
  if (to !== 'phone') ladder.locate(callee).whatever()
  return ladder.lastRequest(callee)
}

function calls(
  ladder: Ladder,
  from: 'phone' | 'pbx' | 'pbx by address' | 'carrier',
  headers: Header[],
): void {
  if (from === 'phone') return void aliceDials(ladder, called, { headers })
  if (from === 'carrier')
    return void ladder
      .when(
        telnyx,
        invite(telnyx, `sip:${called}@${relayAddress}`, {
          user: '+15551112222',
          domain: 'carrier.test',
          headers,
        }),
      )
      .gives('ask route')
  const first = invite(pbx, `sip:${called}@${pbxRealm}`, { domain: pbxRealm, headers })
  ladder.when(pbx, first).gives('ask route')
  if (from === 'pbx by address') return
  ladder.decide(rejected(403, 'UNKNOWN_SOURCE', null)).gives('407 to the PBX')
  ladder.when(pbx, prove(first, ladder.lastResponse(pbx), 'acme')).gives('ask credential')
  ladder.credential(pbxAccount()).whatever()
}

/** Which of its customer's phones, PBXs and carriers it goes to; the PBX at a host of its own is Twilio's here. */
function decided(from: string, to: 'phone' | 'pbx' | 'carrier', shown: { hidden?: boolean }): RouteDecision {
  const direction = from === 'carrier' ? ('incoming' as const) : ('outgoing' as const)
  const decision = {
    phone: ringBob(),
    pbx: ringPbx({ hostname: 'pbx.acme.test' }),
    carrier: through(provider(telnyx)),
  }[to]
  if (decision.kind === 'reject') throw new Error('rejected')
  const trunk_id = from.startsWith('pbx') || (from === 'carrier' && to === 'pbx') ? trunkId : null
  return {
    ...decision,
    direction,
    trunk_id,
    caller_id: { ...decision.caller_id, diverting: [own], ...shown },
  }
}

function ways(...from: string[]): string[] {
  return from.flatMap((one) => ['phone', 'pbx', 'carrier'].map((to) => `${one} ${to}`))
}

function inside(way: string): boolean {
  return !way.endsWith(' carrier')
}
