import { describe, expect, test } from 'vitest'
import { serviceRouteOf } from '../../../relay/providers/grant.ts'
import { type Header, response } from '../../../relay/sip/message.ts'
import { reply } from '../../../relay/sip/reply.ts'
import { firstHop } from '../../../relay/ua/first-hop.ts'
import type { Ladder } from '../../support/ladder.ts'
import { aliceDials, answers, office, provider, telnyx, through, twilio } from '../../support/office.ts'
import { beats, configured, knows } from '../../support/providers.ts'

const routes: Header[] = [
  ['service-route', '<sip:edge.telnyx.test:5070;lr;id=a1>, <sip:core.telnyx.test;lr>'],
  ['path', '<sip:192.0.2.77;lr>'],
]

/** What the edge says is ours to keep. */
const ours = [{ provider_id: provider(telnyx).provider_id, epoch: 1 }]

describe('the Service-Route of a registration (RFC 3608 §6.1)', () => {
  test('is the way of calls out: to the proxy it names first, and in their Route, in order', () => {
    const ladder = registered(routes)
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx))).gives('ask locate')
    expect(ladder.questions[0]?.question).toMatchObject({
      question: { hostname: 'edge.telnyx.test', port: 5070 },
    })
    ladder.locate(twilio).gives('INVITE to Twilio')
    const sent = ladder.lastRequest(twilio)
    expect(sent.requestUri).toBe('sip:+15551234567@sip.telnyx.test')
    expect(sent.all('route')).toEqual(['<sip:edge.telnyx.test:5070;lr;id=a1>', '<sip:core.telnyx.test;lr>'])
    ladder.when(twilio, answers(sent, twilio, 486)).gives('ACK to Twilio', '486 to Alice')
    expect(ladder.lastRequest(twilio, 'ACK').all('route')).toEqual(sent.all('route'))
  })

  test('is forgotten with a 2xx which has none, and where the registration has ended', () => {
    const ladder = registered(routes)
    refreshed(ladder, 200)
    expect(routeOfCall(ladder)).toEqual(['sip.telnyx.test', []])
    refreshed(ladder, 200, routes)
    refreshed(ladder, 403)
    expect(routeOfCall(ladder)).toEqual(['sip.telnyx.test', []])
  })

  test('is the way of a test call', () => {
    const ladder = registered(routes)
    const { id, customer_id } = configured(telnyx)
    const command = {
      command_id: id,
      kind: 'test_provider',
      provider_id: id,
      customer_id,
      type: 'call',
      to: '+15551234567',
      from: null,
    } as const
    beats(ladder, { commands: [command], registrations: ours })
    ladder.gives('ask locate')
    expect(ladder.questions[0]?.question).toMatchObject({
      question: { hostname: 'edge.telnyx.test', port: 5070 },
    })
    ladder.locate(twilio).gives('INVITE to Twilio')
    expect(ladder.lastRequest(twilio).all('route')).toHaveLength(2)
    ladder.when(twilio, answers(ladder.lastRequest(twilio), twilio, 486)).gives('ACK to Twilio')
  })

  test('is not that of another provider', () => {
    const ladder = registered(routes)
    aliceDials(ladder, '+15551234567')
    ladder
      .decide(through(provider(twilio)))
      .gives('ask locate')
      .locate(twilio)
      .gives('INVITE to Twilio')
    expect(ladder.lastRequest(twilio).all('route')).toEqual([])
  })

  test.each([
    ['cannot be read', '<sip:edge.test;lr>, <sip:>'],
    ['routes strictly', '<sip:edge.test>'],
    ['is of another scheme', '<tel:+1555;lr>'],
    ['leads to a network nobody reaches from outside', '<sip:10.0.0.5;lr>, <sip:core.test;lr>'],
    ['has no end', Array.from({ length: 9 }, () => '<sip:edge.test;lr>').join(', ')],
  ])('is none where it %s', (_, value) => {
    expect(
      serviceRouteOf(response({ status: 200, headers: [['service-route', value]] }), telnyx.flow),
    ).toEqual([])
  })

  test('may lead to a private network from within one', () => {
    const headers: Header[] = [['service-route', '<sip:10.0.0.5;lr>']]
    const flow = { ...telnyx.flow, address: '10.0.0.1' }
    expect(serviceRouteOf(response({ status: 200, headers }), flow)).toEqual(['<sip:10.0.0.5;lr>'])
  })
})

describe('the first hop to a provider', () => {
  const tls = { verify: 'full', fingerprint: null } as const
  const host = { hostname: 'sip.test', port: 5060, transport: null } as const
  test.each([
    ['its host', host, [], { hostname: 'sip.test', port: 5060, transport: null }],
    [
      'the proxy, by its own port',
      host,
      ['<sip:edge.test;lr>'],
      { hostname: 'edge.test', port: null, transport: null },
    ],
    [
      'the proxy, over what it says',
      host,
      ['<sip:edge.test:5070;transport=TCP;lr>'],
      { hostname: 'edge.test', port: 5070, transport: 'tcp' },
    ],
    [
      'where maddr says',
      host,
      ['<sip:edge.test;maddr=192.0.2.7;lr>'],
      { hostname: '192.0.2.7', port: null, transport: null },
    ],
    [
      'securely for sips',
      host,
      ['<sips:edge.test;lr>'],
      { hostname: 'edge.test', port: null, transport: 'tls' },
    ],
    [
      'securely where the provider is',
      { ...host, transport: 'tls', tls },
      ['<sip:edge.test;transport=udp;lr>'],
      { hostname: 'edge.test', port: null, transport: 'tls', tls },
    ],
  ] as [string, Parameters<typeof firstHop>[0], string[], ReturnType<typeof firstHop>][])(
    'is %s',
    (_, place, route, hop) => {
      expect(firstHop(place, route)).toEqual(hop)
    },
  )
})

/** We are registered at Telnyx, whose 200 had these headers. */
function registered(headers: Header[]): Ladder {
  const ladder = office()
  knows(
    ladder,
    configured(telnyx, {
      username: 'trunk7',
      password: 'secret',
      register: true,
      line: 'L1',
      probe_interval: 0,
    }),
  )
  beats(ladder, { registrations: ours })
  ladder.gives('ask locate').locate(telnyx).gives('REGISTER to Telnyx')
  ladder.when(telnyx, reply(ladder.lastRequest(telnyx), 200, { toTag: 'r', headers })).gives()
  return ladder
}

function refreshed(ladder: Ladder, status: number, headers: Header[] = []): void {
  while (ladder.questions.length === 0)
    ladder.after((ladder.engine.nextDeadline() ?? 0) - ladder.now).whatever()
  ladder.locate(telnyx).gives('REGISTER to Telnyx')
  ladder.when(telnyx, reply(ladder.lastRequest(telnyx), status, { toTag: 'r', headers })).gives()
}

/** Where a call out is looked for, and its Route. */
function routeOfCall(ladder: Ladder): [unknown, string[]] {
  aliceDials(ladder, '+15551234567')
  ladder.decide(through(provider(telnyx))).gives('ask locate')
  const { question } = ladder.questions[0] ?? {}
  const host = question?.ask === 'locate' ? question.question.hostname : undefined
  ladder.locate(telnyx).gives('INVITE to Telnyx')
  const sent = ladder.lastRequest(telnyx, 'INVITE')
  ladder.when(telnyx, answers(sent, telnyx, 486)).gives('ACK to Telnyx', '486 to Alice')
  ladder.after(40_000).whatever()
  return [host, sent.all('route')]
}
