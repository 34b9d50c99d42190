import { describe, expect, test } from 'vitest'
import { type Explanation, monotonicMs, type RouteQuestion, utcMs } from '#contract'
import { unused } from '#routing'
import { QuestionNumbers } from '../../../relay/ground/questions.ts'

import { RoutingClient } from '../../../relay/policy/routing-client.ts'
import { SnapshotCache } from '../../../relay/policy/snapshot-cache.ts'
import { type Header, request } from '../../../relay/sip/message.ts'
import { type Ladder, type Party, realm, relayAddress } from '../../support/ladder.ts'
import {
  alice,
  bob,
  customerId,
  extensionIds,
  invite,
  office,
  prove,
  register,
  rejected,
  scanner,
  telnyx,
} from '../../support/office.ts'
import {
  changed,
  edgeSays,
  gives,
  hears,
  informed,
  officeConfiguration,
  officeNumber,
  telnyxId,
} from '../../support/office-snapshots.ts'
import { beatAnswer, filed } from '../../support/snapshot.ts'

const hour = 3_600_000

describe('a call while the snapshot is confirmed current', () => {
  test('is decided at once, without asking the edge', () => {
    const ladder = informed()
    dials(ladder).gives('100 to Alice', 'ask locate').locate(telnyx).gives('INVITE to Telnyx')
    expect(explanation(ladder)).toMatchObject({ decided_by: 'relay', version: 7, snapshot_age_ms: 0 })
  })

  test('from a carrier rings the phone, without asking the edge', () => {
    const ladder = informed()
    proves(ladder, register(bob, 'bob'))
    ladder.gives('tell registered', '200 to Bob')
    rings(ladder, officeNumber).gives('100 to Telnyx', 'INVITE to Bob')
    expect(ladder.record).toMatchObject({
      direction: 'incoming',
      customer_id: customerId,
      provider_id: telnyxId,
    })
  })

  test('to the contact we registered is the provider’s, though its address was nobody’s a moment ago', () => {
    const word = '0198c0de0000700080000000000000020123456789abcdef0123'
    const { snapshot, secrets } = officeConfiguration(7)
    const providers = snapshot.providers.map((provider) => ({ ...provider, line: word }))
    const ladder = informed([{ snapshot: { ...snapshot, providers }, secrets }])
    proves(ladder, register(bob, 'bob'))
    ladder.whatever()
    const from = { user: '+15551112222', domain: 'somewhere.test' }
    ladder.when(scanner, invite(scanner, `sip:${officeNumber}@${relayAddress}`, from)).gives('ask route')
    ladder.noAnswer('route').gives('403 to the scanner')
    ladder.when(scanner, invite(scanner, `sip:${officeNumber}@${relayAddress};line=${word}`, from))
    ladder.gives('100 to the scanner', 'INVITE to Bob')
    expect(ladder.record).toMatchObject({ provider_id: telnyxId })
  })

  test('is asked about once the last beat is more than five seconds old', () => {
    const ladder = informed().after(5_001)
    dials(ladder).gives('ask credential').noAnswer('credential')
    ladder.whatever()
  })

  test('which is refused is asked about once more: what was configured a second ago is known at the edge', () => {
    const ladder = informed()
    rings(ladder, '+15550000000').gives('ask route')
    ladder.decide(edgeSays).gives('100 to Telnyx', 'ask locate')
  })

  test('which is refused is asked about ten times for one address, and still for another', () => {
    const ladder = informed()
    let asked = 0
    for (let call = 0; call < 100; call++) {
      rings(ladder, '+15550000000')
      asked += ladder.questions.length
      while (ladder.questions.length > 0) ladder.whatever().decide(rejected(404, 'NUMBER_NOT_FOUND'))
      ladder.whatever()
    }
    expect(asked).toBe(10)
    proves(ladder, invite(alice, '+447700900123'))
    ladder.gives('100 to Alice', 'ask route')
  })

  test('which is refused is refused all the same where the edge says nothing, and the refusal is told', () => {
    const ladder = informed()
    rings(ladder, '+15550000000').gives('ask route').noAnswer('route').gives('100 to Telnyx', '404 to Telnyx')
    expect(ladder.events).toMatchObject([
      {
        type: 'call.refused',
        customer_id: customerId,
        data: { reason: 'NUMBER_NOT_FOUND', source_address: telnyx.flow.address },
      },
    ])
  })
})

describe('a call while the snapshot is not confirmed', () => {
  test('is asked about', () => {
    const ladder = informed().after(5_001)
    rings(ladder, officeNumber).gives('ask route').decide(edgeSays).gives('100 to Telnyx', 'ask locate')
  })

  test('of a customer of whom something newer is known is asked about until it is here', () => {
    const ladder = informed()
    hears(ladder, 8, changed([officeConfiguration(8)]))
    ladder.gives('ask snapshot')
    rings(ladder, officeNumber).gives('ask route').decide(edgeSays).whatever()
    ladder.answer({ ask: 'snapshot', answer: { kind: 'snapshot', verified: filed(officeConfiguration(8)) } })
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).version).toBe(8)
    rings(ladder, officeNumber).gives('100 to Telnyx', '480 to Telnyx')
  })

  test('is decided by the last snapshot when the edge says nothing, and the record says how old it was', () => {
    const ladder = informed().after(6_000)
    rings(ladder, '+15550000000').gives('ask route').noAnswer('route').gives('100 to Telnyx', '404 to Telnyx')
    expect(explanation(ladder)).toMatchObject({ decided_by: 'relay', version: 7, snapshot_age_ms: 6_000 })
  })

  test('waits for the edge no longer than is fair, and the next ones not at all', () => {
    const ladder = informed().after(6_000)
    rings(ladder, officeNumber).gives('ask route')
    expect(ladder.within('route')).toBe(300)
    ladder.noAnswer('route').whatever()
    rings(ladder, officeNumber).gives('100 to Telnyx', '480 to Telnyx')
    dials(ladder).gives('100 to Alice', 'ask locate')
  })

  test('is asked about again as soon as the edge has answered a beat', () => {
    const ladder = informed().after(6_000)
    rings(ladder, officeNumber).gives('ask route').noAnswer('route').whatever()
    hears(ladder, 8, changed([officeConfiguration(8)]))
    ladder.gives('ask snapshot')
    rings(ladder, officeNumber).gives('ask route')
  })

  test('is not asked about when beats come to nothing', () => {
    const ladder = informed().after(6_000)
    ladder.hear({ type: 'unbeaten', why: 'ECONNREFUSED', away: true })
    dials(ladder).gives('100 to Alice', 'ask locate')
    expect(explanation(ladder)?.snapshot_age_ms).toBe(6_000)
  })

  test('is decided by a snapshot a day old, and by none which is older', () => {
    const ladder = informed()
    ladder.hear({ type: 'unbeaten', why: 'ECONNREFUSED', away: true })
    ladder.after(24 * hour)
    rings(ladder, officeNumber).gives('100 to Telnyx', '480 to Telnyx')
    ladder.after(1)
    rings(ladder, officeNumber).gives('ask route').noAnswer('route').gives('503 to Telnyx')
    expect(ladder.lastResponse(telnyx).header('retry-after')).toBeDefined()
  })
})

describe('a relay without any snapshot', () => {
  test('asks, and while the edge is away sends everybody away for a while', () => {
    const ladder = office()
    for (let i = 0; i < 3; i++) ladder.hear({ type: 'unbeaten', why: 'ECONNREFUSED', away: true })
    ladder.when(scanner, options()).gives('503 to the scanner')
    ladder.after(1_000)
    rings(ladder, officeNumber).gives('ask route').noAnswer('route').gives('503 to Telnyx')
    rings(ladder, officeNumber).gives('503 to Telnyx')
    hears(ladder, 0)
    ladder.when(scanner, options()).gives('200 to the scanner')
  })

  test('says it is well as long as nothing is known against it', () => {
    office().when(scanner, options()).gives('200 to the scanner')
  })
})

describe('after a restart', () => {
  const kept = { version: 7, held: 1, at: Math.floor(1_700_000_000_000 - 2 * hour), behind: {} }

  test('calls go on by what was on disk, and its age counts from when the edge last confirmed it', () => {
    const ladder = office()
    ladder.hear({ type: 'cached', files: [filed(officeConfiguration(7))], confirmed: kept })
    ladder.hear({ type: 'unbeaten', why: 'ECONNREFUSED', away: true })
    ladder.when(scanner, options()).gives('200 to the scanner')
    dials(ladder).gives('100 to Alice', 'ask locate')
    const age = explanation(ladder)?.snapshot_age_ms ?? 0
    expect(Math.round(age / hour)).toBe(2)
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).version).toBe(7)
  })

  test('nobody is called by what is more than a day old', () => {
    const ladder = office()
    const confirmed = { ...kept, at: kept.at - 23 * hour }
    ladder.hear({ type: 'cached', files: [filed(officeConfiguration(7))], confirmed })
    ladder.hear({ type: 'unbeaten', why: 'ECONNREFUSED', away: true })
    ladder.when(scanner, options()).gives('503 to the scanner')
  })

  test('an edge which has gone back behind what is on disk is found out by its first answer, and asked for all there is', () => {
    const ladder = office()
    const confirmed = { version: 9, held: 1, at: ladder.engine.rooms.clock.at, behind: {} }
    ladder.hear({ type: 'cached', files: [filed(officeConfiguration(9))], confirmed })
    hears(ladder, 7)
    ladder.gives('beat')
    expect(older(ladder)).toHaveLength(1)
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).version).toBe(0)
    ladder.after(1)
    hears(ladder, 7, changed([officeConfiguration(7)]))
    rings(ladder, officeNumber).gives('ask route')
  })

  test('one beat is enough to make what was on disk current', () => {
    const ladder = office()
    ladder.hear({ type: 'cached', files: [filed(officeConfiguration(7))], confirmed: kept })
    hears(ladder, 7)
    dials(ladder).gives('100 to Alice', 'ask locate')
    expect(explanation(ladder)?.snapshot_age_ms).toBe(0)
  })
})

describe('who calls from an address nobody knows', () => {
  test('is asked about, told 403, and told of once a minute, to the customer whose number it is', () => {
    const ladder = informed()
    for (let i = 0; i < 20; i++) {
      ladder.when(scanner, fromOutside(scanner, officeNumber))
      if (ladder.questions.length > 0) ladder.gives('ask route').noAnswer('route')
      ladder.gives('403 to the scanner').after(2_000)
    }
    expect(ladder.events).toHaveLength(1)
    expect(ladder.events[0]).toMatchObject({
      type: 'call.refused',
      customer_id: customerId,
      data: {
        reason: 'UNKNOWN_SOURCE',
        why: expect.stringContaining(`calls from ${scanner.flow.address}, add it to the provider’s inbound`),
      },
    })
    const heard = ladder.messages(scanner).flatMap((message) => message.all('reason'))
    expect(heard.join(), 'the caller learns nothing of the number').not.toContain('inbound_addresses')
  })
})

describe('a phone while the snapshot is confirmed current', () => {
  test('registers and refreshes without a question, a thousand times', () => {
    const ladder = informed()
    for (let i = 0; i < 1_000; i++) {
      const first = register(alice, 'alice')
      ladder.when(alice, first).gives('401 to Alice')
      ladder.when(alice, prove(first, ladder.lastResponse(alice), 'alice'))
      ladder.gives(i === 0 ? 'tell registered' : 'tell refreshed', '200 to Alice')
    }
  })

  test('with a wrong password is asked about, as somebody is whom nobody knows', () => {
    for (const user of ['alice', 'nobody']) {
      const ladder = informed()
      const first = register(scanner, user)
      ladder.when(scanner, first).gives('401 to the scanner')
      const guess = prove(first, ladder.lastResponse(scanner), user, 'guess')
      ladder.when(scanner, guess).gives('ask credential').noAnswer('credential').gives('401 to the scanner')
    }
  })

  test('whose extension was made a second ago is let in as the edge says', () => {
    const ladder = informed([officeConfiguration(7, 'the old one')])
    const first = register(alice, 'alice')
    ladder.when(alice, first).gives('401 to Alice')
    ladder.when(alice, prove(first, ladder.lastResponse(alice), 'alice')).gives('ask credential')
    const { secrets } = officeConfiguration(8)
    const { kind, id, ...account } = secrets.accounts[0] ?? fail()
    ladder.credential({
      ...account,
      kind: 'known',
      account: kind,
      extension_id: id,
      extension: 'alice',
      customer_id: customerId,
      ttl: 5,
    })
    ladder.gives('tell registered', '200 to Alice')
  })

  test('is no longer let in once a snapshot says that its password is another', () => {
    const ladder = informed()
    proves(ladder, register(alice, 'alice'))
    ladder.whatever()
    const changedOffice = officeConfiguration(8, 'another')
    hears(ladder, 8, changed([changedOffice]))
    gives(ladder, filed(changedOffice))
    ladder.gives('tell unregistered')
    proves(ladder, register(alice, 'alice'))
    ladder.gives('ask credential').noAnswer('credential').gives('401 to Alice')
  })
})

describe('a phone while the edge is away', () => {
  test('registers, and is refused with a wrong password, by the last snapshot', () => {
    const ladder = informed()
    ladder.after(6_000).hear({ type: 'unbeaten', why: 'ECONNREFUSED', away: true })
    proves(ladder, register(alice, 'alice'))
    ladder.gives('tell registered', '200 to Alice')
    const first = register(scanner, 'alice')
    ladder.when(scanner, first).gives('401 to the scanner')
    ladder.when(scanner, prove(first, ladder.lastResponse(scanner), 'alice', 'guess'))
    ladder.gives('401 to the scanner')
  })

  test('is asked about once in a while all the same: an edge which hears no beats may know a newer password', () => {
    const ladder = informed().after(6_000)
    ladder.hear({ type: 'unbeaten', why: 'the edge answered 503', away: true }).after(1_000)
    proves(ladder, register(alice, 'alice'))
    ladder.gives('ask credential')
    expect(ladder.within('credential')).toBe(300)
    ladder.answer({ ask: 'credential', answer: { kind: 'unknown', ttl: 60 } }).gives('401 to Alice')
    proves(ladder, register(bob, 'bob'))
    ladder.gives('ask credential').noAnswer('credential').gives('tell registered', '200 to Bob')
    proves(ladder, register(bob, 'bob'))
    ladder.gives('tell refreshed', '200 to Bob')
  })

  test('of a customer of whom nothing is here is told to come again', () => {
    const ladder = office()
    for (let i = 0; i < 3; i++) ladder.hear({ type: 'unbeaten', why: 'ECONNREFUSED', away: true })
    proves(ladder, register(alice, 'alice'))
    ladder.gives('503 to Alice')
  })
})

describe('snapshots', () => {
  test('are kept as they come, and dropped with their customer', () => {
    const ladder = informed()
    expect(ladder.filed.map(({ type }) => type)).toEqual(['confirmed', 'keep'])
    hears(ladder, 8, [{ customer_id: customerId, version: 8, gone: true }])
    expect(ladder.filed.map(({ type }) => type)).toEqual(['confirmed', 'keep', 'discard', 'confirmed'])
  })

  test('are fetched four at a time', () => {
    const ladder = office()
    const customers = Array.from({ length: 10 }, (_, at) => `${customerId.slice(0, -1)}${at}`)
    hears(
      ladder,
      7,
      customers.map((customer_id) => ({ customer_id, version: 7, gone: false })),
    )
    ladder.gives('ask snapshot', 'ask snapshot', 'ask snapshot', 'ask snapshot')
    ladder.answer({ ask: 'snapshot', answer: { kind: 'gone' } }).gives('ask snapshot')
    expect(ladder.engine.pulse(monotonicMs(0)).version).toBe(0)
  })

  test('which do not come are tried for one at a time, five seconds later', () => {
    const ladder = office()
    hears(ladder, 7, changed([officeConfiguration(7)]))
    ladder.gives('ask snapshot').noAnswer('snapshot', 'the signature of the snapshot is not the edge’s')
    expect(ladder.notes.map(({ event }) => event)).toContain('snapshot.not_pulled')
    ladder.after(4_000)
    hears(ladder, 7, changed([officeConfiguration(7)]))
    ladder.gives().after(2_000)
    hears(ladder, 7, changed([officeConfiguration(7)]))
    ladder.gives('ask snapshot')
  })

  test('which are too large hold up no other, are said loudly, and asked for once in a while or when they are others', () => {
    const ladder = office()
    const other = `${customerId.slice(0, -1)}0`
    const named = (version: number) => [{ customer_id: customerId, version, gone: false }]
    const refuses = () =>
      ladder.answer({ ask: 'snapshot', answer: { kind: 'too large', why: 'It is too large.' } })
    hears(ladder, 7, named(7))
    ladder.gives('ask snapshot')
    refuses()
    expect(ladder.notes.map(({ event, fields }) => [event, fields.sentence])).toContainEqual([
      'snapshot.too_large',
      'It is too large.',
    ])
    hears(ladder, 8, [...named(7), { customer_id: other, version: 8, gone: false }])
    ladder
      .gives('ask snapshot')
      .answer({ ask: 'snapshot', answer: { kind: 'gone' } })
      .gives()
    hears(ladder, 9, named(9))
    ladder.gives('ask snapshot')
    refuses()
    hears(ladder, 9, named(9))
    ladder.gives().after(600_001)
    hears(ladder, 9, named(9))
    ladder.gives('ask snapshot')
  })

  test('older than what is here are refused, said loudly once, and their customer is asked about', () => {
    const ladder = informed()
    hears(ladder, 5)
    ladder.gives('beat')
    expect(older(ladder)).toHaveLength(1)
    hears(ladder, 5, changed([officeConfiguration(5)]))
    hears(ladder, 5, changed([officeConfiguration(5)]))
    ladder.gives()
    expect(older(ladder)).toHaveLength(2)
    rings(ladder, officeNumber).gives('ask route').noAnswer('route').gives('100 to Telnyx', '480 to Telnyx')
    expect(explanation(ladder)?.version).toBe(7)
  })

  test('which an edge gives although they are older are not taken', () => {
    const ladder = informed()
    hears(ladder, 8, changed([officeConfiguration(8)]))
    gives(ladder, filed(officeConfiguration(6)))
    expect(older(ladder)).toHaveLength(1)
    expect(ladder.filed.map(({ type }) => type)).toEqual(['confirmed', 'keep', 'confirmed'])
  })

  test.each([
    ['older than what is here', 6],
    ['what is here already', 7],
    ['newer than what is here, and older than what was named', 8],
  ])('which come stale (%s) are a failure, and asked for again after a rest', (_, version) => {
    const ladder = informed()
    hears(ladder, 9, changed([officeConfiguration(9)]))
    gives(ladder, filed(officeConfiguration(version)))
    expect(ladder.notes.map(({ event }) => event)).toContain('snapshot.not_pulled')
    hears(ladder, 9, changed([officeConfiguration(9)]))
    ladder.gives().after(6_001)
    hears(ladder, 9, changed([officeConfiguration(9)]))
    gives(ladder, filed(officeConfiguration(9)))
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).version).toBe(9)
  })
})

describe('a snapshot which is on its way when a newer one is named', () => {
  /** One of version 8 was named and asked for, then one of version 9 named; the first has come, of that version. */
  function came(version: number): Ladder {
    const ladder = informed()
    hears(ladder, 8, changed([officeConfiguration(8)]))
    ladder.gives('ask snapshot')
    ladder.hear({ type: 'news', news: { version: 9, changed: changed([officeConfiguration(9)]) } })
    const verified = filed(officeConfiguration(version))
    return ladder.answer({ ask: 'snapshot', answer: { kind: 'snapshot', verified } })
  }

  test('is no failure: the newer one is fetched at once, without a rest', () => {
    const ladder = came(8)
    expect(ladder.notes.map(({ event }) => event)).not.toContain('snapshot.not_pulled')
    gives(ladder, filed(officeConfiguration(9)))
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).version).toBe(9)
  })

  test('is one where it is older than what was named before it was asked for', () => {
    const ladder = came(7)
    expect(ladder.notes.map(({ event }) => event)).toContain('snapshot.not_pulled')
    ladder.gives()
  })
})

describe('a decision by snapshot', () => {
  test('takes well under a millisecond', () => {
    const at = utcMs(1_700_000_000_000)
    const numbers = new QuestionNumbers()
    const clock = { at }
    const desk = new RoutingClient({
      baseDomain: 'trunkline.test',
      clock,
      numbers,
      snapshots: new SnapshotCache({ clock, numbers, entropy: { below: () => 0 } }),
      providers: { health: () => 'unknown', trial: () => false, foundAt: () => [] },
      ledger: { use: () => unused },
    })
    const files = [filed(officeConfiguration(7))]
    desk.receive(
      { type: 'cached', files, confirmed: { version: 7, held: 1, at, behind: {} } },
      monotonicMs(0),
    )
    desk.beatPart()
    desk.receive({ type: 'beat', answer: beatAnswer(7), sentAt: monotonicMs(0) }, monotonicMs(0))
    const question: RouteQuestion = {
      call_id: customerId,
      caller: { kind: 'extension', customer_id: customerId, extension_id: extensionIds.alice },
      from: { user: 'alice', display: '', asserted: null, diverting: [] },
      to: { user: '+15551234567', host: realm },
      codecs: [],
    }
    const kinds: (string | undefined)[] = []
    const began = performance.now()
    for (let i = 0; i < 2_000; i++) {
      const routed = desk.route(monotonicMs(0), question)
      kinds.push('why' in routed ? routed.decision?.kind : undefined)
    }
    expect((performance.now() - began) / 2_000).toBeLessThan(1)
    expect(new Set(kinds)).toEqual(new Set(['connect']))
    expect(kinds).toHaveLength(2_000)
  })
})

/** Alice dials out: challenged, and proved. */
function dials(ladder: Ladder, to = '+15551234567'): Ladder {
  proves(ladder, invite(alice, to))
  return ladder
}

/** Challenged, and proved. */
function proves(ladder: Ladder, first: ReturnType<typeof register>): void {
  const from = first.from.sip?.user === 'bob' ? bob : alice
  ladder.when(from, first)
  ladder.gives(`${first.method === 'REGISTER' ? 401 : 407} to ${from.name}`)
  ladder.when(from, prove(first, ladder.lastResponse(from), from.name.toLowerCase()))
}

/** Telnyx brings a call from the phone network. */
function rings(ladder: Ladder, number: string): Ladder {
  return ladder.when(telnyx, fromOutside(telnyx, number))
}

function fromOutside(from: Party, number: string) {
  return invite(from, `sip:${number}@${relayAddress}`, { user: '+442079460000', domain: from.flow.address })
}

function options() {
  return request({
    method: 'OPTIONS',
    requestUri: `sip:${relayAddress}`,
    headers: invite(scanner, `sip:${relayAddress}`, { body: new Uint8Array() }).headers.map(
      ([name, value]): Header => [name, name === 'cseq' ? '1 OPTIONS' : value],
    ),
  })
}

/** Why the last call went where it went. */
function explanation(ladder: Ladder): Explanation | null {
  return ladder.record.decision
}

function older(ladder: Ladder) {
  return ladder.notes.filter(({ event }) => event === 'snapshot.older')
}

function fail(): never {
  throw new Error('there is no account')
}
