import { describe, expect, test } from 'vitest'
import {
  type FlowFacts,
  type Forwarder,
  flowFacts,
  type NumberFacts,
  type RingDestination,
  type RouteDecision,
  type RouteQuestion,
} from '#contract'
import { readSipUri } from '#routing'
import {
  ALICE,
  decided,
  dials,
  extension,
  idOf,
  number,
  provider,
  providersOf,
  REALM,
  rings,
  route,
  type Scene,
  trunk,
} from './fixtures.ts'

const to = (type: RingDestination['type'], target: string, more: Partial<RingDestination> = {}) => ({
  type,
  target,
  ring_seconds: null,
  delay_seconds: 0,
  when: [],
  ...more,
})
const bobsList = [
  to('extension', 'bob', { ring_seconds: 20 }),
  to('tel', '+12125550000', { when: ['no_answer'] }),
]
const alice = extension('alice', { name: 'Alice' })
const bob = (destinations: RingDestination[] | null) => extension('bob', { destinations })
const mine = [alice, bob(bobsList)]
const own: Forwarder = { kind: 'extension', id: idOf('bob'), name: 'bob' }

/** Bob, or who else it is, sends a call of somebody outside on. */
function sentOn(
  type: Extract<RouteQuestion['caller'], { kind: 'forwarder' }>['type'],
  target: string,
  { forwarder = own, path = ['bob'], host = '' } = {},
): RouteQuestion {
  return {
    call_id: '99999999-9999-4999-8999-999999999990',
    caller: { kind: 'forwarder', customer_id: ALICE, forwarder, type, called: '+12125551111', path },
    from: { user: '+13105550123', display: 'Carol', asserted: '+13105550123', diverting: [] },
    to: { user: target, host },
    codecs: [],
  }
}

const refusedAs = (question: RouteQuestion, scene: Scene) => {
  const decision = decided(question, scene)
  return decision.kind === 'reject' ? [decision.status, decision.reason] : decision.explanation?.message
}

describe('an extension with destinations', () => {
  test('rings them in steps: one without a condition together with the one before it', () => {
    const list = [
      to('extension', 'bob', { ring_seconds: 15 }),
      to('extension', 'alice', { delay_seconds: 5 }),
      to('tel', '+12125550000', { when: ['busy', 'no_answer'] }),
    ]
    const decision = decided(dials('bob'), { extensions: [alice, bob(list)] })
    expect(decision).toMatchObject({
      kind: 'connect',
      targets: {
        kind: 'plan',
        plan: {
          forwarder: own,
          called: 'bob',
          steps: [
            {
              when: [],
              targets: [
                { type: 'extension', target: 'bob', ring_ms: 15_000, delay_ms: 0 },
                { type: 'extension', target: 'alice', ring_ms: null, delay_ms: 5_000 },
              ],
            },
            { when: ['busy', 'no_answer'], targets: [{ type: 'tel', target: '+12125550000' }] },
          ],
        },
      },
    })
    expect(decision.explanation?.plan.map(({ step, target, by }) => [step, target, by])).toEqual([
      [1, 'bob', 'bob'],
      [1, 'alice', 'bob'],
      [2, '+12125550000', 'bob'],
    ])
  })

  test('is busy where its list is empty: it does not want to be disturbed', () => {
    const scene = { extensions: [alice, bob([])] }
    expect(refusedAs(dials('bob'), scene)).toEqual([486, 'DO_NOT_DISTURB'])
    expect(
      refusedAs(
        sentOn('extension', 'bob', { path: [], forwarder: { ...own, id: idOf('alice'), name: 'alice' } }),
        scene,
      ),
    ).toEqual([486, 'DO_NOT_DISTURB'])
  })

  test('rings its own phones where it has no list', () => {
    expect(decided(dials('bob'), { extensions: [alice, bob(null)] })).toMatchObject({
      targets: { kind: 'extension' },
      explanation: { plan: [] },
    })
  })
})

describe('a number with destinations', () => {
  const scene: Scene = {
    extensions: mine,
    providers: [provider('telnyx', { sources: ['192.0.2.7'] })],
    numbers: [
      number('+12125551111', {
        destinations: [to('trunk', 'acme'), to('extension', 'bob', { when: ['failed'] })],
      }),
    ],
  }

  test('rings them, counts in the customer’s limits, and is the one who sends the call on', () => {
    expect(decided(rings('+12125551111'), scene)).toMatchObject({
      direction: 'incoming',
      scopes: [{ kind: 'customer', id: ALICE }],
      number_id: idOf('n+12125551111'),
      targets: {
        kind: 'plan',
        plan: { forwarder: { kind: 'number', name: '+12125551111' }, called: '+12125551111' },
      },
    })
  })
})

describe('a call which was sent on in the phone network', () => {
  const scene: Scene = {
    extensions: mine,
    providers: [provider('telnyx', { sources: ['192.0.2.7'] })],
    numbers: [number('+12125551111', { destinations: [to('tel', '+12125550000')] })],
  }
  const been = (times: number, ...by: string[]) => {
    const question = rings('+12125551111')
    return { ...question, from: { ...question.from, diverted: { by, times } } }
  }

  test.each([
    ['was nowhere', been(0), undefined],
    ['was with others', been(4, '+12125550000', '+442079460000', 'desk'), undefined],
    ['was here, written as the carrier does', been(1, '+12125550000', '12125551111'), [482, 'LOOP_DETECTED']],
    ['was here, and says no more', been(0, '(212) 555-1111'), [482, 'LOOP_DETECTED']],
    ['was sent on five times', been(5, '+12125550000'), [483, 'TOO_MANY_FORWARDS']],
  ])('and %s: refused as %j', (_, question, refused) => {
    const decision = decided(question, scene)
    expect(decision.kind === 'reject' ? [decision.status, decision.reason] : undefined).toEqual(refused)
  })
})

describe('a destination', () => {
  const routes = [route('telnyx'), route('twilio', { priority: 2 })]

  test('which is the extension itself means its phones, whatever its list says', () => {
    expect(decided(sentOn('extension', 'bob'), { extensions: mine })).toMatchObject({
      targets: { kind: 'extension', extension: { extension: 'bob' } },
      caller_id: { user: '+13105550123', display: 'Carol', asserted: '+13105550123' },
    })
  })

  test('which is another extension is rung as its own list says', () => {
    const list = [to('sip', 'sip:desk@192.0.2.9')]
    const scene = { extensions: [extension('alice', { destinations: list }), bob(bobsList)] }
    expect(decided(sentOn('extension', 'alice'), scene)).toMatchObject({
      targets: { kind: 'plan', plan: { forwarder: { name: 'alice' }, called: '+12125551111' } },
    })
  })

  test.each([
    [
      'leads back to one which sent the call on',
      sentOn('extension', 'alice', { path: ['alice', 'bob'] }),
      [482, 'LOOP_DETECTED'],
    ],
    [
      'is sent on for the sixth time',
      sentOn('extension', 'alice', { path: ['a', 'b', 'c', 'd', 'e', 'bob'] }),
      [483, 'TOO_MANY_FORWARDS'],
    ],
    ['is a number which may not be called', sentOn('tel', '+442079460000'), [403, 'DESTINATION_NOT_ALLOWED']],
    ['is an emergency number', sentOn('tel', '911'), [403, 'FORWARD_NOT_ALLOWED']],
    ['is an extension which is gone', sentOn('extension', 'carol'), [404, 'EXTENSION_NOT_FOUND']],
    ['is another customer’s trunk', sentOn('trunk', 'stranger'), [404, 'TRUNK_NOT_FOUND']],
    ['is no SIP URI', sentOn('sip', 'mailto:bob@example.com'), [404, 'INVALID_SIP_URI']],
  ])('which %s ends with a reason', (_, question, why) => {
    expect(refusedAs(question, { extensions: mine, routes })).toEqual(why)
  })

  test('which is a number goes by the routes, as a call of who sends it on', () => {
    const caller_id = '+12125552222'
    const scene: Scene = {
      routes,
      extensions: [alice, extension('bob', { destinations: bobsList, caller_id })],
      numbers: [number(caller_id, { ownership: 'assigned' })],
    }
    const decision = decided(sentOn('tel', '+12125550000'), scene)
    expect(decision).toMatchObject({
      direction: 'outgoing',
      caller_id: { user: caller_id, asserted: caller_id },
      scopes: [{ kind: 'customer' }, { kind: 'extension', id: idOf('bob') }],
    })
    expect(providersOf(decision).map(({ name, calling }) => [name, calling])).toEqual([
      ['telnyx', caller_id],
      ['twilio', caller_id],
    ])
  })

  test('shows who calls to a provider which hears on whose behalf the call comes, and asserts the customer’s own', () => {
    const scene: Scene = {
      extensions: mine,
      routes: [route('telnyx', { provider: { diversion: 'diversion' } })],
      numbers: [number('+12125551111', { ownership: 'assigned' })],
      customer: { only_number: '+12125551111' },
    }
    expect(providersOf(decided(sentOn('tel', '+12125550000'), scene))).toMatchObject([
      { calling: '+13105550123', asserted: '+12125551111', diversion: 'diversion' },
    ])
  })

  test('shows no number which is not asserted: a flow may name any as its source', () => {
    const scene: Scene = {
      extensions: mine,
      routes: [route('telnyx', { provider: { diversion: 'diversion' } })],
      numbers: [number('+12125551111', { ownership: 'assigned' })],
      customer: { only_number: '+12125551111' },
    }
    const question = sentOn('tel', '+12125550000')
    const forged = { ...question, from: { ...question.from, user: '+18005550000', asserted: null } }
    expect(providersOf(decided(forged, scene))).toMatchObject([
      { calling: '+12125551111', asserted: '+12125551111' },
    ])
  })

  test('which is a number counts in the limits of who sends it on, minutes too', () => {
    const limits = { max_channels: null, max_cps: null, max_daily_minutes: 10 }
    const scene = { routes, extensions: [alice, extension('bob', { caps: limits })] }
    const use = () => ({ channels: null, cps: null, daily_minutes: { used: 10, of: 10 } })
    const decision = decided(sentOn('tel', '+12125550000'), scene, { use })
    expect(decision).toMatchObject({ kind: 'reject', reason: 'DAILY_MINUTES_EXCEEDED' })
  })

  test('which is a trunk is called with the number which was called first', () => {
    const scene = { extensions: mine, trunks: [trunk('acme', { called_format: 'e164' })] }
    expect(decided(sentOn('trunk', 'acme'), scene)).toMatchObject({
      targets: { kind: 'trunk', trunk: { user: '12125551111' } },
      scopes: [{ kind: 'trunk', id: idOf('acme') }],
    })
  })
})

const MENU = idOf('menu')
const menu = (
  id = MENU,
  actions: FlowFacts['actions'] = [{ id: 'a', type: 'answer', option: {}, next_id: null }],
) => flowFacts.parse({ id, customer_id: ALICE, name: 'menu', version: 2, extension: null, actions })

describe('a number of the customer’s own to which a call is sent on', () => {
  const ours = '+12125559999'
  const leading = (leads: Partial<NumberFacts>): Scene => ({
    extensions: [alice, bob(bobsList), extension('dan', { enabled: false })],
    trunks: [trunk('acme', { hostname: 'pbx.example' })],
    numbers: [number(ours, leads)],
    flows: [menu()],
    routes: [route('telnyx')],
  })
  const leads = (decision: RouteDecision) =>
    decision.kind === 'connect' ? decision.targets.kind : (decision.explanation?.reason ?? decision.kind)

  test.each<[string, Partial<NumberFacts>, string]>([
    ['follows its flow', { flow_id: MENU }, 'flow'],
    ['rings its extension', { extension_id: idOf('alice') }, 'extension'],
    ['calls its PBX', { trunk_id: idOf('acme') }, 'trunk'],
    ['rings its list', { destinations: [to('extension', 'alice')] }, 'plan'],
    ['says that its extension is disabled', { extension_id: idOf('dan') }, 'EXTENSION_DISABLED'],
    ['goes by the routes where it leads nowhere', {}, 'providers'],
  ])('%s', (_, number, expected) => {
    const scene = leading(number)
    for (const question of [sentOn('tel', ours), sentOn('redirect', '2125559999', { host: REALM })])
      expect(leads(decided(question, scene))).toBe(expected)
  })

  test('is followed in its own name, for the caller, whose call counts in no more than before', () => {
    expect(decided(sentOn('tel', ours), leading({ flow_id: MENU }))).toMatchObject({
      forwarder: { kind: 'number', name: ours },
      called: '+12125551111',
      direction: 'incoming',
      scopes: [],
      caller_id: { user: '+13105550123', asserted: '+13105550123' },
      explanation: { message: `${ours} is the customer’s own number. Follows the flow menu (version 2).` },
    })
  })

  test('ends the call where it was called first, or sent it on', () => {
    const round = { ...leading({ flow_id: MENU }), numbers: [number('+12125551111', { flow_id: MENU })] }
    expect(refusedAs(sentOn('tel', '+12125551111'), round)).toEqual([482, 'LOOP_DETECTED'])
    const back = sentOn('tel', ours, { path: ['alice', 'bob'] })
    expect(refusedAs(back, leading({ extension_id: idOf('alice') }))).toEqual([482, 'LOOP_DETECTED'])
  })
})

describe('a flow at the end of a list', () => {
  const ring = { ...to('extension', 'alice'), target_name: '', source: null }
  const option = {
    source: null,
    destinations: [{ ...ring, name: '', detail: '' }],
    anonymous: 'auto',
    timeout: null,
    early_media: true,
    relay_reason: true,
    variable: null,
  } as const
  const rings = menu(idOf('rings'), flowFacts.shape.actions.parse([{ id: 'c', type: 'connect', option }]))
  const unknown = menu(idOf('newer'), null)
  const scene: Scene = { extensions: mine, flows: [menu(), rings, unknown] }

  test('is followed in the name of who has the list', () => {
    expect(decided(sentOn('flow', MENU), scene)).toMatchObject({
      kind: 'flow',
      program: { id: MENU, version: 2 },
      forwarder: own,
      called: '+12125551111',
      destination: { type: 'tel', target: '+12125551111' },
    })
  })

  test('which rings one extension and does nothing more is that extension', () => {
    expect(decided(sentOn('flow', rings.id), scene)).toMatchObject({
      targets: { kind: 'extension', extension: { extension: 'alice' } },
    })
  })

  test.each([
    ['is gone', idOf('gone'), [404, 'FLOW_NOT_FOUND']],
    ['has actions which are not known here', unknown.id, [503, 'FLOW_UNREADABLE']],
  ])('which %s ends with a reason', (_, id, why) => {
    expect(refusedAs(sentOn('flow', id), scene)).toEqual(why)
  })
})

describe('where a phone sends a call by 302', () => {
  const scene = { extensions: mine, routes: [route('telnyx')] }
  const leadsTo = (decision: RouteDecision) =>
    decision.kind === 'connect' ? decision.targets.kind : decision.explanation?.reason

  test.each([
    ['a colleague in its realm', 'alice', REALM, 'extension'],
    ['a colleague, at its own address', 'alice', '192.168.1.20', 'extension'],
    ['a number', '+12125550000', REALM, 'providers'],
    ['a number as people dial it', '2125550000', REALM, 'providers'],
    ['itself', 'bob', REALM, 'LOOP_DETECTED'],
    ['an emergency number', '911', REALM, 'FORWARD_NOT_ALLOWED'],
    ['another customer’s phone', 'alice', REALM.replace('1', '2'), 'FORWARD_NOT_ALLOWED'],
    ['nowhere we know', 'nobody', 'elsewhere.example', 'FORWARD_NOT_ALLOWED'],
  ])('%s', (_, user, host, expected) => {
    expect(leadsTo(decided(sentOn('redirect', user, { host }), scene))).toBe(expected)
  })
})

describe('a SIP URI', () => {
  test.each([
    ['sip:desk@pbx.example.com', { user: 'desk', hostname: 'pbx.example.com', port: null, transport: null }],
    ['sip:pbx.example.com', { user: '', hostname: 'pbx.example.com', port: null, transport: null }],
    [
      'SIPS:a%20b:secret@PBX.example.com:5071',
      { user: 'a b', hostname: 'pbx.example.com', port: 5071, transport: 'tls' },
    ],
    [
      'sip:1@[2001:db8::1]:5062;transport=TCP?x=1',
      { user: '1', hostname: '2001:db8::1', port: 5062, transport: 'tcp' },
    ],
    ['sip:a@b;transport=sctp', undefined],
    ['sip:a@b:70000', undefined],
    ['tel:+12125550000', undefined],
    ['sip:a@b\r\nVia: x', undefined],
  ])('%s', (text, read) => {
    expect(readSipUri(text)).toEqual(read)
  })
})
