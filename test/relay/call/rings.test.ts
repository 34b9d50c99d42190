import { describe, expect, test } from 'vitest'
import type { PlanTarget, ProviderTarget, RingStep, RouteDecision, RouteQuestion } from '#contract'
import { monotonicMs, PLATFORM, plannedRing } from '#contract'
import { type Ladder, party } from '../../support/ladder.ts'
import { acme, explanationOf, limitedBy } from '../../support/limits.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  bobMobile,
  cancel,
  customerId,
  extensionIds,
  invite,
  office,
  prove,
  provider,
  registers,
  rejected,
  ringBob,
  sdp,
  telnyx,
  through,
  twilio,
} from '../../support/office.ts'
import { changed, gives, hears, informed, officeConfiguration } from '../../support/office-snapshots.ts'
import { configuration, filed, withCarrier } from '../../support/snapshot.ts'

const door = party('the door', '192.0.2.77', 5070)
const forwarder = { kind: 'extension', id: extensionIds.bob, name: 'bob' } as const
const connect = (decision: RouteDecision) => {
  if (decision.kind !== 'connect') throw new Error('it is refused')
  return decision
}

const target = (type: PlanTarget['type'], name: string, more: Partial<PlanTarget> = {}): PlanTarget => ({
  type,
  target: name,
  ring_ms: null,
  delay_ms: 0,
  ...more,
})
const itself = (more: Partial<PlanTarget> = {}) => target('extension', 'bob', more)
const mobile = target('tel', '+12125550000')
const first = (...targets: PlanTarget[]): RingStep => ({ when: [], targets })
const then = (when: RingStep['when'], ...targets: PlanTarget[]): RingStep => ({ when, targets })

/** The edge says: ring whom Bob's list names. */
function bobsList(...steps: RingStep[]): RouteDecision {
  const plan = steps.flatMap(({ when, targets }, at) =>
    targets.map(({ type, target }) => plannedRing.parse({ type, target, when, by: 'bob', step: at + 1 })),
  )
  return {
    ...connect(ringBob()),
    explanation: { ...explanationOf([]), plan },
    targets: { kind: 'plan', plan: { forwarder, called: 'bob', steps } },
  }
}

function atAddress(uri: string): RouteDecision {
  const sip = { uri, user: 'door', hostname: 'door.test', port: null, transport: null, ring_ms: 60_000 }
  return { ...connect(ringBob()), targets: { kind: 'sip', sip } }
}

/** Alice calls Bob, who has a list; his phones are registered where the test says. */
function calls(list: RouteDecision, ...phones: (typeof bob)[]): Ladder {
  const ladder = office({}, door)
  for (const phone of phones) registers(ladder, phone, 'bob')
  aliceDials(ladder, 'bob')
  return ladder.decide(list)
}

/** The question asked last: whom it is about. */
function asked(ladder: Ladder): Extract<RouteQuestion['caller'], { kind: 'forwarder' }> & { to: string } {
  const question = ladder.questions.findLast(({ question }) => question.ask === 'route')?.question
  if (question?.ask !== 'route' || question.question.caller.kind !== 'forwarder') throw new Error('not asked')
  return { ...question.question.caller, to: question.question.to.user }
}

const says = (ladder: Ladder, who: typeof bob, status: number) =>
  ladder.when(who, answers(ladder.lastRequest(who, 'INVITE'), who, status))
const picksUp = (ladder: Ladder, who: typeof bob) =>
  ladder.when(who, answers(ladder.lastRequest(who, 'INVITE'), who, 200, { body: sdp(who.flow.address) }))

describe('a call to a list', () => {
  test('goes to the next when the first is busy, by the carriers of who sends it on', () => {
    const ladder = calls(bobsList(first(itself()), then(['busy'], mobile)), bob)
    ladder.gives('ask route')
    expect(asked(ladder)).toMatchObject({
      forwarder,
      type: 'extension',
      to: 'bob',
      called: 'bob',
      path: ['bob'],
    })
    ladder.decide(ringBob()).gives('INVITE to Bob')
    says(ladder, bob, 486).gives('ACK to Bob', 'ask route')
    expect(asked(ladder)).toMatchObject({ type: 'tel', to: '+12125550000' })
    ladder.decide(through(provider(telnyx), provider(twilio))).gives('ask locate')
    ladder.locate(telnyx).gives('INVITE to Telnyx')
    says(ladder, telnyx, 503).gives('ACK to Telnyx', 'ask locate').locate(twilio).gives('INVITE to Twilio')
    picksUp(ladder, twilio).gives('ACK to Twilio', '200 to Alice')
    expect(ladder.record.attempts).toMatchObject([
      { destination: 'bob', status: 486, provider_id: null },
      { destination: '+12125550000', status: 503, provider_name: 'Telnyx' },
      { destination: '+12125550000', status: 200, provider_name: 'Twilio' },
    ])
    expect(ladder.record.decision?.plan).toMatchObject([
      { target: 'bob', step: 1 },
      { target: '+12125550000', step: 2, when: ['busy'] },
    ])
  })

  test('rings each as long as the list says, and not longer', () => {
    const ladder = calls(bobsList(first(itself({ ring_ms: 10_000 })), then(['no_answer'], mobile)), bob)
    ladder.gives('ask route').decide(ringBob()).gives('INVITE to Bob')
    says(ladder, bob, 180).gives('180 to Alice').after(9_990).gives()
    ladder.after(10).gives('CANCEL to Bob', 'ask route')
    ladder
      .decide(through(provider(telnyx)))
      .gives('ask locate')
      .locate(telnyx)
      .gives('INVITE to Telnyx')
    says(ladder, telnyx, 180).gives('180 to Alice')
  })

  test('skips those who wait for another outcome', () => {
    const steps = [first(itself()), then(['busy'], target('tel', '+1')), then(['not_registered'], mobile)]
    const ladder = calls(bobsList(...steps))
    ladder.gives('ask route').decide(ringBob()).gives('ask route')
    expect(asked(ladder).to).toBe('+12125550000')
  })

  test('rings those of one step together; who answers first has the call, and the others are told so', () => {
    const ladder = calls(bobsList(first(itself(), target('sip', 'sip:door@door.test'))), bob)
    ladder.gives('ask route', 'ask route').decide(ringBob()).gives('INVITE to Bob')
    ladder
      .decide(atAddress('sip:door@door.test'))
      .gives('ask locate')
      .locate(door)
      .gives('INVITE to the door')
    expect(ladder.lastRequest(door).requestUri).toBe('sip:door@door.test')
    says(ladder, bob, 180).gives('180 to Alice')
    picksUp(ladder, door).gives('CANCEL to Bob', 'ACK to the door', '200 to Alice')
    expect(ladder.lastRequest(bob, 'CANCEL').header('reason')).toContain('Call completed elsewhere')
  })

  test('begins with a later one of the same step when its delay is over', () => {
    const late = target('sip', 'sip:door@door.test', { delay_ms: 5_000 })
    const ladder = calls(bobsList(first(itself(), late)), bob)
    ladder.gives('ask route').decide(ringBob()).gives('INVITE to Bob')
    says(ladder, bob, 180).gives('180 to Alice').after(4_990).gives().after(10).gives('ask route')
    ladder.decide(atAddress('sip:door@door.test')).gives('ask locate')
  })

  test('begins with it at once where no other rings any more', () => {
    const late = target('sip', 'sip:door@door.test', { delay_ms: 5_000 })
    const ladder = calls(bobsList(first(itself(), late)), bob)
    ladder.gives('ask route').decide(ringBob()).gives('INVITE to Bob')
    says(ladder, bob, 486).gives('ACK to Bob', 'ask route').after(6_000).gives()
  })

  test('follows a list to which it leads, within its own', () => {
    const ladder = calls(bobsList(first(target('extension', 'alice')), then(['busy'], mobile)))
    const list = connect(bobsList(first(itself())))
    const alices = { kind: 'extension', id: extensionIds.alice, name: 'alice' } as const
    const plan = { forwarder: alices, called: 'bob', steps: [first(target('extension', 'alice'))] }
    ladder
      .gives('ask route')
      .decide({ ...list, targets: { kind: 'plan', plan } })
      .gives('ask route')
    expect(asked(ladder)).toMatchObject({ forwarder: { name: 'alice' }, path: ['bob', 'alice'] })
    ladder.decide(rejected(486, 'DO_NOT_DISTURB')).gives('ask route')
    expect(asked(ladder)).toMatchObject({ to: '+12125550000', path: ['bob'] })
  })

  test('is refused by the most useful of all, and says what became of each', () => {
    const steps = [first(itself()), then(['busy', 'failed'], mobile)]
    const ladder = calls(bobsList(...steps), bob)
    ladder.gives('ask route').decide(ringBob()).whatever()
    says(ladder, bob, 486).whatever()
    ladder.decide(rejected(404, 'NO_ROUTE', customerId, 'There is no route.')).gives('486 to Alice')
    expect(ladder.record).toMatchObject({ hangup_reason: 'busy', reject_reason: 'BUSY' })
    expect(ladder.record.reject_message).toMatch(/busy.*There is no route\./)
  })

  test('declined by one goes to the next who is rung when it is busy', () => {
    const ladder = calls(bobsList(first(itself()), then(['busy'], mobile)), bob, bobMobile)
    ladder.gives('ask route').decide(ringBob()).whatever()
    says(ladder, bob, 603).gives('ACK to Bob', 'ask route')
  })

  test('which its caller leaves asks nothing more, and rings nowhere, whatever is decided', () => {
    const ladder = office({}, door)
    registers(ladder, bob, 'bob')
    const invited = aliceDials(ladder, 'bob')
    ladder.decide(bobsList(first(itself(), mobile), then(['busy'], mobile))).gives('ask route', 'ask route')
    ladder.decide(ringBob()).gives('INVITE to Bob')
    says(ladder, bob, 180).gives('180 to Alice')
    ladder.when(alice, cancel(invited)).gives('200 to Alice', 'CANCEL to Bob', '487 to Alice')
    ladder.decide(through(provider(telnyx))).gives()
    expect(ladder.engine.load.counted).toBe(0)
  })

  test('which one answers rings no other, though it is decided later', () => {
    const ladder = office({}, door)
    registers(ladder, bob, 'bob')
    const invited = aliceDials(ladder, 'bob')
    ladder.decide(bobsList(first(itself(), mobile))).whatever()
    ladder.decide(ringBob()).whatever()
    picksUp(ladder, bob).gives('ACK to Bob', '200 to Alice')
    ladder.decide(through(provider(telnyx))).gives()
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
  })

  test('has 32 hunts at most, however its lists lead to lists, and says so of those left out', () => {
    const ten = Array.from({ length: 10 }, (_, at) => target('extension', `e${at}`))
    const ladder = calls(bobsList(first(...ten)))
    ladder.whatever()
    for (const _ of ten) ladder.decide(bobsList(first(...ten))).whatever()
    const routes = ladder.questions.filter(({ question }) => question.ask === 'route')
    expect(routes.length).toBe(21)
    for (const _ of Array(21)) ladder.decide(rejected(404, 'EXTENSION_NOT_FOUND')).whatever()
    const left = ladder.record.decision?.plan.filter(({ reason }) => reason === 'TOO_MANY_FORWARDS') ?? []
    expect(left.length).toBe(79)
    expect(left[0]).toMatchObject({ outcome: 'reject', status: 483, message: expect.stringContaining('32') })
    expect(ladder.lastResponse(alice).status).toBeGreaterThanOrEqual(400)
    expect(ladder.record.reject_message).toContain('sent on too often')
  })

  test('each time it is sent on has a hop less', () => {
    const ladder = office()
    registers(ladder, bob, 'bob')
    aliceDials(ladder, 'bob')
    ladder.decide(bobsList(first(itself()))).whatever()
    ladder.decide(ringBob()).gives('INVITE to Bob')
    expect(ladder.lastRequest(bob).maxForwards).toBe(68)
  })
})

describe('a phone which answers 302', () => {
  const away = (contact: string) => ({ headers: [['contact', contact] as [string, string]] })
  const forwards = (contact: string, ...phones: (typeof bob)[]) => {
    const ladder = office()
    for (const phone of [bob, ...phones]) registers(ladder, phone, 'bob')
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).whatever()
    return ladder.when(bob, answers(ladder.lastRequest(bob), bob, 302, away(contact)))
  }

  test('sends the call on, as a call of its extension', () => {
    const ladder = forwards('<sip:+12125550000@192.0.2.20;user=phone>').gives('ACK to Bob', 'ask route')
    expect(asked(ladder)).toMatchObject({ forwarder, type: 'redirect', to: '+12125550000', path: ['bob'] })
    ladder
      .decide(through(provider(telnyx)))
      .gives('ask locate')
      .locate(telnyx)
      .gives('INVITE to Telnyx')
    picksUp(ladder, telnyx).gives('ACK to Telnyx', '200 to Alice')
    expect(ladder.record.attempts).toMatchObject([
      {
        status: 302,
        reason: 'Moved Temporarily to sip:+12125550000@192.0.2.20;user=phone',
        decision: 'next',
      },
      { destination: '+12125550000', status: 200 },
    ])
  })

  test('sends it to the place it prefers', () => {
    const ladder = forwards('<sip:second@x>;q=0.2, <sip:first@x>;q=0.9').gives('ACK to Bob', 'ask route')
    expect(asked(ladder).to).toBe('first')
  })

  test('sends it to no place twice, and to five at most in answer to all phones of the extension', () => {
    const ladder = office()
    for (const phone of [bob, bobMobile]) registers(ladder, phone, 'bob')
    aliceDials(ladder, 'bob')
    ladder.decide({ ...ringBob(), explanation: explanationOf([]) }).whatever()
    const answer = (who: typeof bob, ...places: string[]) =>
      ladder.when(
        who,
        answers(ladder.lastRequest(who), who, 302, away(places.map((to) => `<sip:${to}@x>`).join())),
      )
    answer(bob, 'a', 'b', 'c', 'a').gives('ACK to Bob', 'ask route', 'ask route', 'ask route')
    answer(bobMobile, 'c', 'd', 'e', 'f').gives("ACK to Bob's mobile", 'ask route', 'ask route')
    const routes = ladder.questions.flatMap(({ question }) =>
      question.ask === 'route' ? question.question.to.user : [],
    )
    expect(routes).toEqual(['a', 'b', 'c', 'd', 'e'])
    for (const _ of routes) ladder.decide(rejected(404, 'EXTENSION_NOT_FOUND')).whatever()
    const left = ladder.record.decision?.plan.filter(({ reason }) => reason === 'TOO_MANY_FORWARDS')
    expect(left?.map(({ target }) => target)).toEqual(['sip:f@x'])
  })

  test('leaves the other phones ringing', () => {
    const ladder = forwards('<sip:alice@x>', bobMobile).gives('ACK to Bob', 'ask route')
    ladder.decide(rejected(482, 'LOOP_DETECTED')).gives()
    says(ladder, bobMobile, 180).gives('180 to Alice')
    picksUp(ladder, bobMobile).gives("ACK to Bob's mobile", '200 to Alice')
  })

  test.each([
    ['where the call may not go', 403, 'FORWARD_NOT_ALLOWED', 480],
    ['in a circle', 482, 'LOOP_DETECTED', 482],
    ['where it is busy', 486, 'DO_NOT_DISTURB', 486],
  ])('%s ends the call, with a reason', (_, status, reason, told) => {
    const ladder = forwards('<sip:alice@x>').gives('ACK to Bob', 'ask route')
    ladder.decide(rejected(status, reason, customerId, 'Because.')).gives(`${told} to Alice`)
    expect(ladder.record).toMatchObject({
      sip_status: told,
      reject_reason: reason,
      reject_message: 'Because.',
    })
  })

  test('with a place which is none is one which does not answer', () => {
    forwards('<sip:192.0.2.99>').gives('ACK to Bob', '480 to Alice')
  })
})

describe('a provider which wants to hear on whose behalf a call comes', () => {
  const sentOnTo = (more: Partial<ProviderTarget>, steps: RingStep[], headers: [string, string][] = []) => {
    const ladder = office()
    registers(ladder, bob, 'bob')
    aliceDials(ladder, 'bob', { headers })
    const list = connect(bobsList(...steps))
    if (list.targets.kind !== 'plan') throw new Error('it is no list')
    const plan = { ...list.targets.plan, called: '+12125551111' }
    ladder.decide({ ...list, direction: 'incoming', targets: { kind: 'plan', plan } }).whatever()
    if (steps.length > 1) ladder.decide(ringBob()).whatever()
    if (steps.length > 1) says(ladder, bob, 486).whatever()
    ladder
      .decide(through(provider(telnyx, more)))
      .whatever()
      .locate(telnyx)
      .whatever()
    return ladder.lastRequest(telnyx)
  }
  const busy = [first(itself()), then(['busy'], mobile)]

  test.each([
    ['by Diversion, and why', 'diversion', busy, 'reason=user-busy;counter=1'],
    ['always', 'diversion', [first(mobile)], 'reason=unconditional;counter=1'],
  ] as const)('hears %s (RFC 5806)', (_, diversion, steps, said) => {
    const invite = sentOnTo({ diversion }, [...steps])
    expect(invite.all('diversion')).toEqual([`<sip:+12125551111@198.51.100.1>;${said}`])
    expect(invite.all('history-info')).toEqual([])
  })

  test('hears by History-Info who was called, and who is now (RFC 7044)', () => {
    expect(sentOnTo({ diversion: 'history_info' }, busy).all('history-info')).toEqual([
      '<sip:+12125551111@198.51.100.1>;index=1',
      '<sip:+15551234567@sip.telnyx.test;cause=486>;index=1.1;mp=1',
    ])
  })

  test('hears it behind what the call brought, and no other provider hears any of it', () => {
    const brought: [string, string][] = [
      ['history-info', '<sip:+13105550000@c.test>;index=1, <sip:+12125551111@c.test;cause=302>;index=1.1'],
      ['diversion', '<sip:+13105550000@c.test>;reason=unconditional'],
    ]
    expect(sentOnTo({ diversion: 'history_info' }, busy, brought).all('history-info').join()).toMatch(
      /index=1\.1,<sip:\+15551234567@sip\.telnyx\.test;cause=486>;index=1\.1\.1;mp=1\.1$/,
    )
    expect(sentOnTo({ diversion: 'diversion' }, busy, brought).all('diversion')).toEqual([
      expect.stringContaining('+12125551111'),
      '<sip:+13105550000@c.test>;reason=unconditional',
    ])
    const off = sentOnTo({}, busy, brought)
    expect([...off.all('diversion'), ...off.all('history-info')]).toEqual([])
  })
})

describe('a PBX which answers 302', () => {
  const pbx = party('the PBX', '192.0.2.88', 5090)
  const numberId = '77777777-7777-4777-8777-777777777777'

  test('sends the call on in the name of the number which led to it, though it rang', () => {
    const ladder = office({}, pbx)
    aliceDials(ladder, '+12125551111')
    const trunk = {
      trunk_id: '88888888-8888-4888-8888-888888888888',
      customer_id: customerId,
      username: 'pbx',
      realm: 'acme.trunk.trunkline.test',
      hostname: 'pbx.test',
      port: null,
      transport: null,
      tls: { verify: 'full', fingerprint: null },
      user: '+12125551111',
      ring_ms: 30_000,
    } as const
    const decision = connect(ringBob('incoming'))
    const destination = { ...decision.destination, target: '+12125551111' }
    const targets = { kind: 'trunk' as const, trunk: { ...trunk, codecs: [] } }
    ladder.decide({ ...decision, destination, number_id: numberId, targets }).gives('ask locate')
    ladder.locate(pbx).gives('INVITE to the PBX')
    says(ladder, pbx, 180).gives('180 to Alice')
    const headers: [string, string][] = [['contact', '<sip:+12125550000@192.0.2.88>']]
    ladder
      .when(pbx, answers(ladder.lastRequest(pbx), pbx, 302, { headers }))
      .gives('ACK to the PBX', 'ask route')
    expect(asked(ladder)).toMatchObject({
      forwarder: { kind: 'number', id: numberId, name: '+12125551111' },
      type: 'redirect',
      to: '+12125550000',
      path: [],
    })
    ladder
      .decide(through(provider(telnyx)))
      .gives('ask locate')
      .locate(telnyx)
      .gives('INVITE to Telnyx')
    // It counts with its trunk, too.
    expect(ladder.engine.rooms.ledger.leases()).toMatchObject([
      { scopes: expect.arrayContaining([{ kind: 'trunk', id: trunk.trunk_id }]) },
    ])
  })
})

describe('a provider which answers 302', () => {
  const gateway = party('its gateway', '203.0.113.9', 5080)
  const refersTo = (contact: string, more: Partial<ProviderTarget>) => {
    const ladder = office({}, gateway)
    aliceDials(ladder, '+15551234567')
    ladder
      .decide(through(provider(telnyx, more), provider(twilio)))
      .whatever()
      .locate(telnyx)
      .whatever()
    const headers: [string, string][] = [['contact', contact]]
    return ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 302, { headers }))
  }
  const elsewhere = '<sip:15551234567;rn=1@gw.telnyx.test:5080>;q=0.5, <sip:none@x>;q=0.1'

  test('is followed where it is to be, as the same provider, and once', () => {
    const ladder = refersTo(elsewhere, { redirects: 'follow' }).gives('ACK to Telnyx', 'ask locate')
    expect(ladder.questions.at(-1)?.question).toMatchObject({
      question: { hostname: 'gw.telnyx.test', port: 5080 },
    })
    ladder.locate(gateway).gives('INVITE to its gateway')
    expect(ladder.lastRequest(gateway).requestUri).toBe('sip:15551234567;rn=1@gw.telnyx.test:5080')
    const headers: [string, string][] = [['contact', '<sip:a@telnyx.test>']]
    ladder
      .when(gateway, answers(ladder.lastRequest(gateway), gateway, 302, { headers }))
      .gives('ACK to its gateway', '480 to Alice')
    expect(ladder.record.attempts).toMatchObject([
      { provider_name: 'Telnyx', status: 302, decision: 'next' },
      { provider_name: 'Telnyx', address: '203.0.113.9:5080', status: 302, decision: 'final' },
    ])
  })

  test('is told our password and headers at its own host alone', () => {
    const own = {
      redirects: 'follow',
      credentials: { username: 'acme', password: 'correct-horse-1', realm: null },
      headers: [['x-key', 'secret']],
    } as const
    const to = (contact: string) => refersTo(contact, own as unknown as Partial<ProviderTarget>)
    const invited = (contact: string) => {
      const ladder = to(contact).whatever().locate(gateway).gives('INVITE to its gateway')
      const headers: [string, string][] = [['www-authenticate', 'Digest realm="gw", nonce="1"']]
      const sent = ladder.lastRequest(gateway)
      ladder.when(gateway, answers(sent, gateway, 401, { headers })).whatever()
      return [
        sent.header('x-key'),
        ladder.lastRequest(gateway, 'INVITE').header('authorization') !== undefined,
      ]
    }
    expect(invited('<sip:1@gw.thief.test>')).toEqual([undefined, false])
    const { hostname } = provider(telnyx)
    expect(invited(`<sip:1@${hostname}:5080>`)).toEqual(['secret', true])
  })

  test('has refused the call where it is not', () => {
    refersTo(elsewhere, {}).gives('ACK to Telnyx', '480 to Alice')
  })
})

describe('calls from the phone network which go back to it', () => {
  test('are ten at once from one number to one other: carriers may strip what tells of a circle', () => {
    const ladder = office()
    const list = { ...bobsList(first(mobile)), direction: 'incoming' as const }
    const out = through(provider(telnyx))
    const around = (sent = out) => {
      aliceDials(ladder, 'bob')
      ladder.decide(list).whatever()
      return ladder.decide(sent)
    }
    for (const _ of Array(10)) around().gives('ask locate')
    around().gives('482 to Alice')
    expect(ladder.record).toMatchObject({ reject_reason: 'LOOP_DETECTED' })
    around({ ...out, destination: { ...out.destination, target: '+12125550009' } }).gives('ask locate')
    ladder.hear({ type: 'stop' }).whatever()
  })
})

describe('calls of an account which lead back to it', () => {
  const back = { ...ringBob(), extension_id: extensionIds.bob }
  const byList = { ...bobsList(first(itself())), extension_id: extensionIds.bob }
  test.each([
    ['at once', (ladder: Ladder) => ladder.decide(back)],
    ['by a list', (ladder: Ladder) => ladder.decide(byList).whatever().decide(ringBob())],
  ])('are ten at once: a PBX may call the number by which it is called (%s)', (_, leads) => {
    const ladder = office()
    registers(ladder, bob, 'bob')
    const around = () => {
      aliceDials(ladder, '+12125550100')
      return leads(ladder)
    }
    for (const _ of Array(10)) around().gives('INVITE to Bob')
    around().gives('482 to Alice')
    expect(ladder.record).toMatchObject({ reject_reason: 'LOOP_DETECTED' })
    ladder.hear({ type: 'stop' }).whatever()
  })
})

describe('calls of two accounts which send on to each other what they are called for', () => {
  test('are fifty at once each way, and one account may be called by any number', () => {
    const ladder = office()
    registers(ladder, bob, 'bob')
    registers(ladder, alice, 'alice')
    const around = (called: RouteDecision) => {
      aliceDials(ladder, '+12125550100')
      return ladder.decide(called)
    }
    // Whose call it is says the decision.
    const there = { ...ringBob(), extension_id: extensionIds.alice }
    const back = { ...connect(ringBob()), extension_id: extensionIds.bob, targets: ringAlice() }
    for (const _ of Array(60)) around(there).gives('INVITE to Bob')
    for (const _ of Array(50)) around(back).gives('INVITE to Alice')
    around(back).gives('482 to Alice')
    expect(ladder.record).toMatchObject({ reject_reason: 'LOOP_DETECTED' })
    expect(ladder.lastResponse(alice).header('reason')).toMatch(
      /50 calls of this account to the one it calls, and as many from there back to it, go on already/,
    )
    around(there).gives('482 to Alice')
    ladder.hear({ type: 'stop' }).whatever()
  })

  function ringAlice() {
    const { targets } = connect(ringBob())
    if (targets.kind !== 'extension') throw new Error('it is no extension')
    const alices = { extension_id: extensionIds.alice, extension: 'alice' }
    return { kind: 'extension' as const, extension: { ...targets.extension, ...alices } }
  }
})

describe('a SIP address', () => {
  const other = party('another door', '198.51.100.9', 5060)
  const at = (...sources: string[]) => {
    const { snapshot, secrets } = officeConfiguration(7)
    const destinations = [
      {
        type: 'sip' as const,
        target: 'sip:+12125550000@door.test',
        ring_seconds: null,
        delay_seconds: 0,
        when: [],
      },
    ]
    const extensions = snapshot.extensions.map((one) => ({ ...one, destinations }))
    const carrier = {
      id: '77777777-7777-4777-8777-777777777777',
      name: 'Carrier',
      hostname: 'carrier.test',
      sources,
    }
    const platform = withCarrier(configuration(PLATFORM, 8), carrier)
    const mine = { secrets, snapshot: { ...snapshot, extensions } }
    const ladder = informed([mine], office({}, door, other))
    hears(ladder, 8, changed([platform]))
    gives(ladder, filed(platform))
    const first = invite(alice, 'bob')
    ladder.when(alice, first).gives('407 to Alice')
    return ladder
      .when(alice, prove(first, ladder.lastResponse(alice), 'alice'))
      .gives('100 to Alice', 'ask locate')
  }

  test('is called where no carrier of the platform is: its calls are by number, and under every rule', () => {
    at(`${door.flow.address}/32`).locate(door).gives('480 to Alice')
    at('203.0.113.77/32').locate(door).gives('INVITE to the door')
    at(`${door.flow.address}/32`).locate(door, other).gives('INVITE to another door')
  })
})

describe('the limits of a call which is sent on', () => {
  const bobs = { kind: 'extension', id: extensionIds.bob } as const
  const scopes = [acme, bobs]
  const one = { max_channels: 1, max_cps: 1, max_daily_minutes: 10 }

  test('are those of who sends it on; a place it has already stops it nowhere, and what goes out costs minutes', () => {
    const ladder = office({ limits: limitedBy({ [acme.id]: one, [bobs.id]: one }) })
    registers(ladder, bob, 'bob')
    const invited = aliceDials(ladder, 'bob')
    ladder.decide({ ...bobsList(first(mobile)), scopes: [acme] }).gives('ask route')
    ladder
      .decide({ ...through(provider(telnyx)), scopes })
      .gives('ask locate')
      .locate(telnyx)
      .whatever()
    picksUp(ladder, telnyx).gives('ACK to Telnyx', '200 to Alice')
    ladder
      .when(alice, ack(invited, ladder.lastResponse(alice)))
      .gives()
      .after(120_000)
      .whatever()
    expect(ladder.record).toMatchObject({ direction: 'internal', sent_out_by: extensionIds.bob })
    const { ledger } = ladder.engine.rooms
    const used = ledger.limits(bobs, monotonicMs(ladder.now)).map(({ resource, used }) => [resource, used])
    expect(used).toEqual([
      ['channels', 1],
      ['cps', 0],
      ['daily_minutes', 2],
    ])
  })

  test('have a place for each leg which goes out at once, and so have its carrier’s; one which is over gives it back', () => {
    const three = { max_channels: 3, max_cps: 4 }
    const carrier = provider(telnyx)
    const ladder = office({
      limits: limitedBy({ [acme.id]: three, [carrier.provider_id]: { max_channels: 2 } }),
    })
    aliceDials(ladder, 'bob')
    const mobiles = Array.from({ length: 10 }, (_, at) => target('tel', `+1212555000${at}`))
    ladder.decide({ ...bobsList(first(...mobiles)), scopes: [acme] }).whatever()
    const goesOut = () => ladder.decide({ ...through(carrier), scopes })
    goesOut().gives('ask locate')
    goesOut().gives('ask locate')
    // The carrier is full, though its customer is not.
    goesOut().gives()
    ladder.decide({ ...through(provider(twilio)), scopes }).gives('ask locate')
    const used = () => ladder.engine.rooms.ledger.limits(acme, monotonicMs(ladder.now))[0]?.used
    expect(used()).toBe(3)
    for (const _ of mobiles.slice(4)) goesOut().gives()
    ladder.locate(telnyx).whatever()
    says(ladder, telnyx, 404).whatever()
    expect(used()).toBe(2)
    expect(ladder.engine.rooms.ledger.leases()).toMatchObject([{ scopes: expect.arrayContaining([acme]) }])
  })

  test('are free again of those who rang beside the one who answered', () => {
    const ladder = office({ limits: limitedBy({ [bobs.id]: one }) }, door)
    registers(ladder, bob, 'bob')
    aliceDials(ladder, 'bob')
    ladder
      .decide({ ...bobsList(first(itself(), target('sip', 'sip:door@door.test'))), scopes: [acme] })
      .whatever()
    ladder.decide({ ...ringBob(), scopes: [bobs] }).whatever()
    ladder.decide(atAddress('sip:door@door.test')).whatever().locate(door).whatever()
    const channels = () => ladder.engine.rooms.ledger.limits(bobs, monotonicMs(ladder.now))[0]?.used
    expect(channels()).toBe(1)
    picksUp(ladder, door).whatever()
    expect(channels()).toBe(0)
  })

  test('end it where the minutes of who sends it on are used up', () => {
    const ladder = office({ limits: limitedBy({ [acme.id]: { ...one, max_daily_minutes: 0 } }) })
    aliceDials(ladder, 'bob')
    ladder.decide({ ...bobsList(first(mobile)), direction: 'incoming', scopes: [acme] }).gives('ask route')
    ladder.decide({ ...through(provider(telnyx)), scopes }).gives('403 to Alice')
    expect(ladder.record).toMatchObject({ reject_reason: 'DAILY_MINUTES_EXCEEDED' })
  })
})
