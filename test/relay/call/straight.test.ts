import { describe, expect, test } from 'vitest'
import type { TargetAnswer } from '#contract'
import type { Aim } from '../../../relay/ground/media.ts'
import type { Header, Message, Request, Response } from '../../../relay/sip/message.ts'
import { a, fleet, handing } from '../../support/fleet.ts'
import { encrypted } from '../../support/keyed.ts'
import { type Ladder, type Party, party, relayAddress } from '../../support/ladder.ts'
import { orderOf } from '../../support/made-call.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  bobMobile,
  extensionIds,
  fromCallee,
  registers,
  ringBob,
  sdp,
  within,
} from '../../support/office.ts'
import { hears } from '../../support/providers.ts'
import { leavesNothingBehind, watch } from '../../support/scene.ts'

/*
 * The sound of a call between its relay and a phone at another one, without a stay there. The relay of these ladders is r1;
 * first it is the phone's, and relay A hands the call on; then it is the call's, and relay A has the phone.
 */

leavesNothingBehind()

const allowed = 's=trunkline-straight'
const theirs = '198.51.100.11'

describe('a phone here whose call another relay hands on', () => {
  test('is offered that relay’s place, and that relay the phone’s, with where it signals from; none is heard here', () => {
    const { ladder, handed, rung } = handedOn()
    expect(placeIn(rung)).toBe(`${theirs}:30000`)
    expect(text(rung)).toContain('s=-\r\n')
    const ringing = answers(rung, bob, 183, { body: sdp('192.0.2.20', 7000) })
    ladder.when(bob, ringing).gives('180 to A')
    ladder
      .when(bob, answers(rung, bob, 200, { body: sdp('192.0.2.20', 7000) }))
      .gives('ACK to Bob', '200 to A')
    const told = ladder.lastResponse(a)
    expect(placeIn(told)).toBe('192.0.2.20:7000')
    expect(text(told)).toContain(`${allowed} 192.0.2.20\r\n`)
    ladder.when(a, ack(handed, told)).quiet()
    expect(aims(ladder)).toEqual([])
  })

  test('keeps its numbers of codecs, and the place of its RTCP', () => {
    const { ladder, rung } = handedOn()
    const own = text({ body: sdp('192.0.2.20', 7000, 'a=rtcp:7009\r\na=rtcp-mux') })
      .replaceAll('101', '96')
      .replace('0 8', '8 0')
    const body = new TextEncoder().encode(own)
    ladder.when(bob, answers(rung, bob, 200, { body })).whatever()
    const told = text(ladder.lastResponse(a))
    expect(told).toContain('m=audio 7000 RTP/AVP 8 0 96\r\n')
    expect(told).toContain('a=rtcp:7009\r\n')
    expect(told).toContain('a=rtcp-mux\r\n')
  })

  test('offers no law of G.711 but its own', () => {
    const { ladder, rung, answer } = answered()
    const alone = text({ body: sdp('192.0.2.20', 7000) })
      .replace('0 8 101', '0 101')
      .replace('a=rtpmap:8 PCMA/8000\r\n', '')
    const body = new TextEncoder().encode(alone)
    ladder.when(bob, fromCallee(rung, answer, bob, 'INVITE', 7, { body })).gives('INVITE to A')
    expect(text(ladder.lastRequest(a, 'INVITE'))).toContain('m=audio 7000 RTP/AVP 0 101\r\n')
  })

  test('says of its place what it likes, but not where it signals from', () => {
    const { ladder, rung } = handedOn()
    const lies = text({ body: sdp('203.0.113.66', 7000) }).replace('s=-', `${allowed} 203.0.113.66`)
    ladder.when(bob, answers(rung, bob, 200, { body: new TextEncoder().encode(lies) })).whatever()
    expect(text(ladder.lastResponse(a))).toContain(`${allowed} 192.0.2.20\r\n`)
    const older = handedOn({ offer: sdp(theirs, 30_000) })
    older.ladder.when(bob, answers(older.rung, bob, 200, { body: new TextEncoder().encode(lies) })).whatever()
    expect(text(older.ladder.lastResponse(a))).toContain('s=-\r\n')
    expect(placeIn(older.ladder.lastResponse(a))).toContain(relayAddress)
  })

  const natted: Party = party('Bob', '192.0.2.20', 40_001)
  const lan: Party = party('Bob', '10.0.0.20', 5064)
  const inside: Header = ['contact', '<sip:bob@192.168.1.20:5064>']
  const behindPort: Header = ['contact', '<sip:bob@192.0.2.20:5064>']
  const byName: Header = ['contact', '<sip:bob@phone.example.com>']
  const path: Header[] = [
    ['supported', 'path'],
    ['path', '<sip:203.0.113.5;lr>'],
  ]
  test.each<[string, Parameters<typeof handedOn>[0]]>([
    ['is behind NAT', { phone: natted, said: [inside] }],
    ['signals from another port than it says', { phone: natted, said: [behindPort] }],
    ['says a name for its place', { said: [byName] }],
    ['comes through a proxy', { said: path }],
    ['has an address of a private network', { phone: lan }],
    [
      'has an address of a private network, and the other relay a public one',
      { phone: lan, straight: 'any' },
    ],
    ['is public, and the other relay in a private network', { offer: offer('10.0.0.11'), straight: 'any' }],
    ['is at a relay which is set so', { straight: undefined }],
    ['is at a relay whose sound another program carries', { mediaAddress: '198.51.100.2' }],
    ['is called by an older relay', { offer: sdp(theirs, 30_000) }],
    ['is offered keys', { offer: named(encrypted(theirs, 1)) }],
    [
      'must have its sound encrypted',
      { secure: 'required', phone: { ...bob, flow: { ...bob.flow, transport: 'tls' } } },
    ],
  ])('has its sound here where it %s', (_, how) => {
    const { ladder, rung, handed, phone } = handedOn(how)
    const here = how?.mediaAddress ?? relayAddress
    if (how?.secure !== 'required') expect(placeIn(rung)).toContain(`${here}:`)
    else return void expect(text(rung)).toContain('RTP/SAVP')
    const body =
      how?.offer && text({ body: how.offer }).includes('crypto')
        ? encrypted(phone.flow.address, 2)
        : sdp(phone.flow.address)
    ladder.when(phone, answers(rung, phone, 200, { body })).gives('ACK to Bob', '200 to A')
    expect(placeIn(ladder.lastResponse(a))).toContain(`${here}:`)
    ladder.when(a, ack(handed, ladder.lastResponse(a))).quiet()
    expect(new Set(aims(ladder).map(({ side }) => side))).toEqual(new Set(['caller', 'callee']))
  })

  test('in a private network hears that relay straight where all there reach each other', () => {
    const { rung } = handedOn({ phone: lan, offer: offer('10.0.0.11'), straight: 'any' })
    expect(placeIn(rung)).toBe('10.0.0.11:30000')
  })

  test('is heard here where it wants keys, which are never those of two legs', () => {
    const { ladder, rung } = handedOn()
    ladder.when(bob, answers(rung, bob, 488)).gives('ACK to Bob', 'INVITE to Bob')
    const again = ladder.lastRequest(bob)
    expect(text(again)).toContain('RTP/SAVP')
    expect(placeIn(again)).toContain(`${relayAddress}:`)
    ladder.when(bob, answers(again, bob, 200, { body: encrypted('192.0.2.20', 2) })).whatever()
    expect(placeIn(ladder.lastResponse(a))).toContain(`${relayAddress}:`)
    expect(aims(ladder)).toHaveLength(2)
  })

  test('rings beside one behind NAT: each is offered what it can hear, and who answers decides', () => {
    const ladder = watch(fleet({ straight: 'public' }))
    registers(ladder, bob, 'bob')
    registers(ladder, bobMobile, 'bob', [['contact', '<sip:bob@192.168.1.21:5066>']])
    ladder.when(a, handing(undefined, [], offer())).whatever()
    expect(placeIn(ladder.lastRequest(bob))).toBe(`${theirs}:30000`)
    const rung = ladder.lastRequest(bobMobile)
    expect(placeIn(rung)).toContain(relayAddress)
    ladder.when(bobMobile, answers(rung, bobMobile, 200, { body: sdp('192.168.1.21') })).whatever()
    expect(placeIn(ladder.lastResponse(a))).toContain(relayAddress)
    expect(aims(ladder).map(({ side }) => side)).toEqual(['caller', 'callee'])
  })

  test.each(['INVITE', 'UPDATE'] as const)(
    'changes its sound, and is told of changes, by %s as it was said',
    (method) => {
      const { ladder, handed, rung, answer, told } = answered()
      const hold = named(sdp(theirs, 30_000, 'a=sendonly'))
      ladder.when(a, within(handed, told, a, method, 3, { body: hold })).gives(`${method} to Bob`)
      const asked = ladder.lastRequest(bob, method)
      expect(text(asked)).toContain('a=sendonly')
      expect(placeIn(asked)).toBe(`${theirs}:30000`)
      const held = answers(asked, bob, 200, { body: sdp('192.0.2.20', 7000, 'a=recvonly'), tag: '' })
      ladder.when(bob, held).whatever()
      expect(text(ladder.lastResponse(a))).toContain('a=recvonly')
      expect(placeIn(ladder.lastResponse(a))).toBe('192.0.2.20:7000')
      if (method === 'INVITE') ladder.when(a, within(handed, told, a, 'ACK', 3)).whatever()
      const moved = { body: sdp('192.0.2.20', 7002) }
      ladder.when(bob, fromCallee(rung, answer, bob, method, 7, moved)).gives(`${method} to A`)
      expect(placeIn(ladder.lastRequest(a, method))).toBe('192.0.2.20:7002')
      expect(text(ladder.lastRequest(a, method))).toContain(`${allowed} 192.0.2.20\r\n`)
      const back = answers(ladder.lastRequest(a, method), a, 200, { body: offer(), tag: '' })
      ladder.when(a, back).whatever()
      expect(placeIn(ladder.lastResponse(bob))).toBe(`${theirs}:30000`)
      expect(aims(ladder)).toEqual([])
    },
  )

  test('comes here as soon as the other relay no longer allows it, and stays where it was if it refuses that', () => {
    const { ladder, handed, told } = answered()
    const through = { body: sdp(theirs, 30_000) }
    ladder.when(a, within(handed, told, a, 'INVITE', 3, through)).gives('INVITE to Bob')
    ladder.when(bob, answers(ladder.lastRequest(bob), bob, 488, { tag: '' })).gives('ACK to Bob', '488 to A')
    expect(aims(ladder)).toEqual([])
    ladder.when(a, within(handed, told, a, 'ACK', 3)).whatever()
    ladder.when(a, within(handed, told, a, 'INVITE', 4, through)).gives('INVITE to Bob')
    const asked = ladder.lastRequest(bob)
    expect(placeIn(asked)).toContain(`${relayAddress}:`)
    const body = sdp('192.0.2.20', 7000)
    ladder.when(bob, answers(asked, bob, 200, { body, tag: '' })).gives('ACK to Bob', '200 to A')
    expect(placeIn(ladder.lastResponse(a))).toContain(`${relayAddress}:`)
    ladder.when(a, within(handed, told, a, 'ACK', 4)).quiet()
    expect(aims(ladder).map(({ side, aim }) => [side, aim.rtp?.address])).toEqual([
      ['caller', theirs],
      ['callee', '192.0.2.20'],
    ])
  })

  test('which wants keys by a change comes here, too', () => {
    const { ladder, rung, answer } = answered()
    ladder
      .when(bob, fromCallee(rung, answer, bob, 'INVITE', 7, { body: encrypted('192.0.2.20', 2) }))
      .gives('INVITE to A')
    const asked = ladder.lastRequest(a, 'INVITE')
    expect(placeIn(asked)).toContain(`${relayAddress}:`)
    ladder.when(a, answers(asked, a, 200, { body: offer(), tag: '' })).gives('ACK to A', '200 to Bob')
    expect(placeIn(ladder.lastResponse(bob))).toContain(`${relayAddress}:`)
    expect(text(ladder.lastResponse(bob))).toContain('a=crypto')
    ladder.when(bob, fromCallee(rung, answer, bob, 'ACK', 7)).quiet()
    const last = (side: string) => aims(ladder).findLast((one) => one.side === side)?.aim
    expect(last('callee')).toMatchObject({ sources: ['192.0.2.20'], srtp: expect.anything() })
    expect(last('caller')).not.toHaveProperty('srtp')
  })

  test('presses keys by INFO which go on as they are, and is silent here without an end', () => {
    const { ladder, rung, answer, handed, told } = answered()
    const key = {
      headers: [['content-type', 'application/dtmf-relay']] as Header[],
      body: new TextEncoder().encode('Signal=5\r\nDuration=160\r\n'),
    }
    ladder.when(bob, fromCallee(rung, answer, bob, 'INFO', 7, key)).gives('INFO to A')
    ladder.when(a, answers(ladder.lastRequest(a, 'INFO'), a, 200)).gives('200 to Bob')
    ladder.when(a, within(handed, told, a, 'INFO', 3, key)).gives('INFO to Bob')
    ladder.when(bob, answers(ladder.lastRequest(bob, 'INFO'), bob, 200)).gives('200 to A')
    const { session } = session1(ladder)
    ladder.hear({ type: 'media', report: { type: 'silent', session, side: 'both', ms: 60_000 } }).quiet()
  })
})

describe('a call here for a phone at another relay', () => {
  test('hears the phone itself, as one which had registered here: from where it signals alone', () => {
    const { ladder, handed } = ringing()
    expect(text(handed)).toContain(`${allowed}\r\n`)
    ladder.when(a, answers(handed, a, 200, { body: phones('192.0.2.20', sdp('192.0.2.20', 7000)) }))
    ladder.gives('ACK to A', '200 to Alice')
    expect(text(ladder.lastResponse(alice))).toContain('s=-\r\n')
    expect(aims(ladder).at(-1)?.aim).toMatchObject({
      rtp: { address: '192.0.2.20', port: 7000 },
      sources: ['192.0.2.20'],
      eager: true,
    })
  })

  test('sends nothing to a place of which a phone speaks and does not signal from', () => {
    const { ladder, handed } = ringing()
    ladder
      .when(a, answers(handed, a, 200, { body: phones('192.0.2.20', sdp('203.0.113.66', 7000)) }))
      .whatever()
    expect(aims(ladder).at(-1)?.aim).toMatchObject({ rtp: undefined, sources: ['192.0.2.20'], eager: false })
  })

  test('believes that of no other than a relay', () => {
    const ladder = watch(fleet({ straight: 'public' }))
    registers(ladder, bob, 'bob')
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).whatever()
    const rung = ladder.lastRequest(bob)
    expect(text(rung)).toContain('s=-\r\n')
    const body = phones('203.0.113.66', sdp('203.0.113.66'))
    ladder.when(bob, answers(rung, bob, 200, { body })).whatever()
    expect(aims(ladder).at(-1)?.aim).toMatchObject({ rtp: undefined, sources: ['192.0.2.20'], eager: false })
  })

  test('goes through a relay which says nothing of that, as an older one', () => {
    const { ladder, dialled, handed } = ringing()
    ladder.when(a, answers(handed, a, 200, { body: sdp(theirs, 30_000) })).whatever()
    ladder.when(alice, ack(dialled, ladder.lastResponse(alice))).quiet()
    expect(aims(ladder).at(-1)?.aim).toMatchObject({
      rtp: { address: theirs },
      sources: [theirs],
      eager: true,
    })
    ladder.after(10_000).quiet()
  })

  test.each<[string, Parameters<typeof ringing>[0]]>([
    ['is set so', { straight: undefined }],
    ['has its sound carried by another program', { mediaAddress: '198.51.100.2' }],
    ['has keys', { body: encrypted('192.0.2.10', 1) }],
  ])('allows it to none where it %s', (_, how) => {
    expect(text(ringing(how).handed)).toContain('s=-\r\n')
  })

  test('leads a phone which is not heard for two seconds through its relay', () => {
    const { ladder } = unheard()
    ladder.after(1_999).quiet().after(1).gives('INVITE to A')
    const asked = ladder.lastRequest(a)
    expect(text(asked)).toContain('s=-\r\n')
    expect(placeIn(asked)).toContain(relayAddress)
    ladder.when(a, answers(asked, a, 200, { body: sdp(theirs, 30_000), tag: '' })).gives('ACK to A')
    expect(aims(ladder).at(-1)?.aim).toMatchObject({
      rtp: { address: theirs, port: 30_000 },
      sources: [theirs],
    })
    expect(ladder.notes.map(({ event }) => event)).toContain('call.detour')
    ladder.after(10_000).quiet()
  })

  test('leads none which was heard through it', () => {
    const { ladder } = unheard()
    const { session } = session1(ladder)
    const place = { address: '192.0.2.20', port: 7000 as never }
    ladder.hear({ type: 'media', report: { type: 'heard', session, side: 'callee', ...place } })
    ladder.after(10_000).quiet()
  })

  test('leads none through it which said that it will be silent', () => {
    const { ladder } = unheard('a=recvonly')
    ladder.after(10_000).quiet()
  })

  test('leads one through it which the API has called, and which is with its flow', () => {
    const ladder = watch(fleet({ straight: 'public' }))
    const order = orderOf([{ type: 'talk', option: { text: 'Hello.' } }])
    hears(ladder, { commands: [order], neighbours: [a.says] })
    ladder.gives('ask begin').answer({ ask: 'begin', answer: { begin: true, message: '' } })
    ladder.gives('ask route').decide(ringBob()).gives('ask target')
    const at: TargetAnswer['at'] = [{ id: extensionIds.bob, relay_id: 'A', q: 1 }]
    ladder.answer({ ask: 'target', answer: { at } }).whatever()
    const body = phones('192.0.2.20', sdp('192.0.2.20', 7000))
    ladder.when(a, answers(ladder.lastRequest(a), a, 200, { body })).gives('ACK to A', 'ask sound')
    ladder.after(2_000).gives('INVITE to A')
    const crossed = answers(ladder.lastRequest(a), a, 491, { tag: '' })
    ladder.when(a, crossed).gives('ACK to A').after(4_100).gives('INVITE to A')
    const asked = ladder.lastRequest(a)
    expect(text(asked)).toContain('s=-')
    ladder.when(a, answers(asked, a, 200, { body: sdp(theirs, 30_000), tag: '' })).gives('ACK to A')
    expect(aims(ladder).at(-1)?.aim).toMatchObject({ rtp: { address: theirs, port: 30_000 } })
  })

  test('waits with that while a change is open', () => {
    const { ladder, dialled, told } = unheard()
    ladder.after(1_900).quiet()
    const hold = { body: sdp('192.0.2.10', 4000, 'a=sendonly') }
    ladder.when(alice, within(dialled, told, alice, 'INVITE', 5, hold)).gives('INVITE to A')
    const first = ladder.lastRequest(a)
    ladder.after(300).whatever()
    const body = phones('192.0.2.20', sdp('192.0.2.20', 7000))
    ladder.when(a, answers(first, a, 200, { body, tag: '' })).gives('ACK to A', '200 to Alice')
    ladder.when(alice, within(dialled, told, alice, 'ACK', 5)).quiet()
    ladder.after(2_000).gives('INVITE to A')
  })
})

interface HandedOn {
  readonly ladder: Ladder
  readonly handed: Request
  readonly rung: Request
  readonly phone: Party
}

/** Relay A hands a call on to a phone of this relay, and it rings. */
function handedOn(
  how: {
    phone?: Party
    said?: Header[]
    offer?: Uint8Array
    straight?: 'public' | 'any' | undefined
    secure?: 'required'
    mediaAddress?: string
  } = {},
): HandedOn {
  const { phone = bob, said = [], secure = 'allowed' } = how
  const straight = 'straight' in how ? how.straight : 'public'
  const ladder = watch(fleet({ ...(straight && { straight }), ...at(how) }, phone))
  registers(ladder, phone, 'bob', said)
  const target = `extension;id=${extensionIds.bob};customer=11111111-1111-4111-8111-111111111111;ring=30;secure=${secure}`
  const handed = handing(target, [], how.offer ?? offer())
  ladder.when(a, handed).whatever()
  return { ladder, handed, rung: requestTo(ladder), phone }
}

function requestTo(ladder: Ladder): Request {
  const parties = [bob, party('203.0.113.5:5060', '203.0.113.5'), party('192.0.2.20:40001', '192.0.2.20')]
  for (const one of parties)
    try {
      return ladder.lastRequest(one, 'INVITE')
    } catch {}
  throw new Error('none rings')
}

interface Answered extends HandedOn {
  readonly answer: Response
  /** As relay A heard of it. */
  readonly told: Response
}

function answered(): Answered {
  const scene = handedOn()
  const { ladder, handed, rung } = scene
  const allow: Header = ['allow', 'INVITE, ACK, BYE, UPDATE, INFO']
  const answer = answers(rung, bob, 200, { body: sdp('192.0.2.20', 7000), headers: [allow] })
  ladder.when(bob, answer).whatever()
  const told = ladder.lastResponse(a)
  ladder.when(a, ack(handed, told)).quiet()
  return { ...scene, answer, told }
}

/** Alice calls Bob, who is at relay A. */
function ringing(how: { straight?: undefined; mediaAddress?: string; body?: Uint8Array } = {}) {
  const straight = 'straight' in how ? how.straight : 'public'
  const ladder = watch(fleet({ ...(straight && { straight }), ...at(how) }))
  const dialled = aliceDials(ladder, 'bob', how.body ? { body: how.body } : {})
  const places: TargetAnswer['at'] = [{ id: extensionIds.bob, relay_id: 'A', q: 1 }]
  ladder.decide(ringBob()).whatever()
  ladder.answer({ ask: 'target', answer: { at: places } }).gives('INVITE to A')
  return { ladder, dialled, handed: ladder.lastRequest(a) }
}

function at({ mediaAddress }: { mediaAddress?: string }) {
  return mediaAddress === undefined ? {} : { mediaAddress }
}

/** Bob has answered, and nothing was heard of him. */
function unheard(direction = 'a=sendrecv') {
  const { ladder, dialled, handed } = ringing()
  const body = phones('192.0.2.20', sdp('192.0.2.20', 7000, direction))
  ladder.when(a, answers(handed, a, 200, { body })).gives('ACK to A', '200 to Alice')
  const told = ladder.lastResponse(alice)
  ladder.when(alice, ack(dialled, told)).quiet()
  return { ladder, dialled, told }
}

/** What relay A offers of a call's, and allows a phone to be given as it is. */
function offer(address = theirs): Uint8Array {
  return named(sdp(address, 30_000))
}

function named(body: Uint8Array): Uint8Array {
  return new TextEncoder().encode(text({ body }).replace('s=-', allowed))
}

/** What relay A passes on of a phone's. */
function phones(signalling: string, body: Uint8Array): Uint8Array {
  return new TextEncoder().encode(text({ body }).replace('s=-', `${allowed} ${signalling}`))
}

function text({ body }: Pick<Message, 'body'>): string {
  return new TextDecoder().decode(body)
}

function placeIn(message: Message): string {
  const said = text(message)
  return `${/^c=IN IP4 (\S+)/m.exec(said)?.[1]}:${/^m=audio (\d+)/m.exec(said)?.[1]}`
}

function aims({ media }: Ladder): { side: string; aim: Aim }[] {
  return media.flatMap((command) => (command.type === 'aim' ? [command] : []))
}

function session1({ media }: Ladder) {
  const [open] = media.filter((command) => command.type === 'open')
  if (!open) throw new Error('no session was opened')
  return open
}
