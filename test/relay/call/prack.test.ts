import { describe, expect, test } from 'vitest'
import type { Header, Request, Response } from '../../../relay/sip/message.ts'
import type { Ladder } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  cancel,
  fromCallee,
  office,
  registers,
  ringBob,
  sdp,
  telnyx,
  within,
} from '../../support/office.ts'
import { calling, leavesNothingBehind, reply200, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

const theirs = sdp('203.0.113.1')
const reliably = (rseq: number | string): Header[] => [
  ['require', '100rel'],
  ['rseq', String(rseq)],
]
const requires: Header[] = [['require', '100rel']]
const takes: Header[] = [['supported', '100rel']]

/** Alice acknowledges a provisional. */
function pracks(invited: Request, response: Response, cseq: number, rack?: string): Request {
  const headers: Header[] = [['rack', rack ?? `${response.header('rseq')} ${response.header('cseq')}`]]
  return within(invited, response, alice, 'PRACK', cseq, { headers })
}

const rseqOf = (ladder: Ladder) => Number(ladder.lastResponse(alice).header('rseq'))

describe('a provisional which a provider sends reliably (RFC 3262 §4)', () => {
  test('is invited by each INVITE which brings an offer, and acknowledged in its early dialog', () => {
    const { ladder, sent } = calling()
    expect(sent.all('supported')).toContain('100rel')
    ladder.when(telnyx, answers(sent, telnyx, 180, { headers: reliably(7), tag: 'one' }))
    ladder.gives('PRACK to Telnyx', '180 to Alice')
    const prack = ladder.lastRequest(telnyx, 'PRACK')
    expect(prack.header('rack')).toBe(`7 ${sent.cseq.number} INVITE`)
    expect([prack.callId, prack.to.tag, prack.from.tag]).toEqual([sent.callId, 'one', sent.from.tag])
    expect(prack.cseq.number).toBe(sent.cseq.number + 1)
    ladder.when(telnyx, reply200(ladder, telnyx, 'PRACK')).gives()
    // Alice did not say that she takes any.
    expect(ladder.lastResponse(alice).header('rseq')).toBeUndefined()
  })

  test('is acknowledged once, and heard once', () => {
    const { ladder, sent } = calling()
    const rings = answers(sent, telnyx, 180, { headers: reliably(7) })
    ladder.when(telnyx, rings).gives('PRACK to Telnyx', '180 to Alice')
    ladder.when(telnyx, reply200(ladder, telnyx, 'PRACK')).gives()
    ladder.when(telnyx, rings).gives()
  })

  test.each([
    ['one of those before it is missing', 9],
    ['it is older', 6],
    ['it says no number', 'none'],
  ])('is passed over where %s', (_, rseq) => {
    const { ladder, sent } = calling()
    ladder
      .when(telnyx, answers(sent, telnyx, 180, { headers: reliably(7) }))
      .gives('PRACK to Telnyx', '180 to Alice')
    ladder.when(telnyx, reply200(ladder, telnyx, 'PRACK')).gives()
    ladder.when(telnyx, answers(sent, telnyx, 183, { body: theirs, headers: reliably(rseq) }))
    // Without a number it is like any other (§4), and is not acknowledged.
    ladder.gives(...(rseq === 'none' ? ['183 to Alice'] : []))
    ladder.when(telnyx, answers(sent, telnyx, 183, { body: theirs, headers: reliably(8) }))
    ladder.gives('PRACK to Telnyx', '183 to Alice')
  })

  test('numbers its own in each fork', () => {
    const { ladder, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 180, { headers: reliably(7), tag: 'one' })).whatever()
    ladder.when(telnyx, answers(sent, telnyx, 180, { headers: reliably(70), tag: 'two' }))
    ladder.gives('PRACK to Telnyx', '180 to Alice')
    expect(ladder.lastRequest(telnyx, 'PRACK').to.tag).toBe('two')
    ladder.when(telnyx, answers(sent, telnyx, 183, { headers: reliably(8), tag: 'one' }))
    ladder.gives('PRACK to Telnyx', '183 to Alice')
  })

  test('is followed by requests of higher numbers: the ACK’s is the INVITE’s, the BYE’s is after the PRACK’s', () => {
    const { ladder, sent, invited } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 183, { body: theirs, headers: reliably(1) })).whatever()
    const prack = ladder.lastRequest(telnyx, 'PRACK')
    ladder.when(telnyx, reply200(ladder, telnyx, 'PRACK')).gives()
    // Its answer was said before (RFC 3264).
    ladder.when(telnyx, answers(sent, telnyx, 200)).gives('ACK to Telnyx', '200 to Alice')
    expect(text(ladder.lastResponse(alice).body)).toContain('m=audio')
    const ok = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, ok)).gives()
    ladder.when(alice, within(invited, ok, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    expect(ladder.lastRequest(telnyx, 'BYE').cseq.number).toBe(prack.cseq.number + 1)
  })

  test('whose PRACK is challenged is acknowledged with proof', () => {
    const { ladder, sent } = calling({ credentials: { username: 'acme', password: 'pw', realm: null } })
    ladder.when(telnyx, answers(sent, telnyx, 180, { headers: reliably(1) })).whatever()
    const headers: Header[] = [['proxy-authenticate', 'Digest realm="r", nonce="n", qop="auth"']]
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'PRACK'), telnyx, 407, { tag: '', headers }))
    ladder.gives('PRACK to Telnyx')
    expect(ladder.lastRequest(telnyx, 'PRACK').header('proxy-authorization')).toContain('acme')
    ladder.when(telnyx, reply200(ladder, telnyx, 'PRACK')).gives()
  })

  test('whose PRACK is never answered does not end the call', () => {
    const { ladder, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 180, { headers: reliably(1) })).whatever()
    ladder.after(32_000).whatever()
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: theirs })).gives('ACK to Telnyx', '200 to Alice')
  })

  test('is not asked for where the offer is left to the callee', () => {
    const { sent } = calling({}, { body: new Uint8Array(0) })
    expect(sent.all('supported')).not.toContain('100rel')
  })
})

describe('a provisional for a caller (RFC 3262 §3)', () => {
  test.each([
    ['who requires it is reliable, whatever the provider does', requires, [], true],
    ['who takes it is reliable where the provider’s is', takes, reliably(5), true],
    ['who takes it is plain where the provider’s is', takes, [], false],
    ['who does not is plain', [], reliably(5), false],
  ] as const)('%s', (_, headers, theirsToo, reliable) => {
    const { ladder, sent, invited } = calling({}, { headers: [...headers] })
    ladder.when(telnyx, answers(sent, telnyx, 180, { headers: [...theirsToo] })).whatever()
    const rings = ladder.lastResponse(alice)
    expect(rings.all('require')).toEqual(reliable ? ['100rel'] : [])
    if (!reliable) return
    expect(rseqOf(ladder)).toBeGreaterThan(0)
    expect(rseqOf(ladder)).toBeLessThan(2 ** 31)
    ladder.when(alice, pracks(invited, rings, 3)).gives('200 to Alice')
  })

  test('is repeated, each time after twice as long, until the PRACK comes', () => {
    const { ladder, sent, invited } = calling({}, { headers: requires })
    ladder.when(telnyx, answers(sent, telnyx, 180)).gives('180 to Alice')
    ladder
      .after(500)
      .gives('180 to Alice')
      .after(1_000)
      .gives('180 to Alice')
      .after(2_000)
      .gives('180 to Alice')
    ladder.after(4_000).gives('180 to Alice').after(7_999).gives().after(1).gives('180 to Alice')
    ladder.when(alice, pracks(invited, ladder.lastResponse(alice), 3)).gives('200 to Alice')
    ladder.after(30_000).gives()
  })

  test('which is never acknowledged has the INVITE refused after 64·T1, and the provider’s taken back', () => {
    const { ladder, sent } = calling({}, { headers: requires })
    ladder.when(telnyx, answers(sent, telnyx, 180)).whatever()
    ladder.after(31_999).whatever().after(1).gives('CANCEL to Telnyx', '504 to Alice')
    expect(ladder.record).toMatchObject({ hangup_by: 'system', reject_reason: 'NOT_ACKNOWLEDGED' })
  })

  test('waits until the one before it is acknowledged', () => {
    const { ladder, sent, invited } = calling({}, { headers: requires })
    ladder.when(telnyx, answers(sent, telnyx, 180)).gives('180 to Alice')
    const first = ladder.lastResponse(alice)
    ladder.when(telnyx, answers(sent, telnyx, 183, { body: theirs })).gives()
    ladder.when(alice, pracks(invited, first, 3)).gives('200 to Alice', '183 to Alice')
    expect(rseqOf(ladder)).toBe(Number(first.header('rseq')) + 1)
    ladder.when(alice, pracks(invited, ladder.lastResponse(alice), 4)).gives('200 to Alice')
  })

  test.each([
    ['of another number', (rseq: number) => `${rseq + 1} 2 INVITE`],
    ['of another INVITE', (rseq: number) => `${rseq} 1 INVITE`],
    ['of another method', (rseq: number) => `${rseq} 2 UPDATE`],
    ['in words', () => 'yes, please'],
  ])('is not acknowledged by a PRACK %s: 481', (_, rack) => {
    const { ladder, sent, invited } = calling({}, { headers: requires })
    ladder.when(telnyx, answers(sent, telnyx, 180)).gives('180 to Alice')
    const rings = ladder.lastResponse(alice)
    ladder.when(alice, pracks(invited, rings, 3, rack(rseqOf(ladder)))).gives('481 to Alice')
    ladder.when(alice, pracks(invited, rings, 4)).gives('200 to Alice')
    ladder.when(alice, pracks(invited, rings, 5)).gives('481 to Alice')
  })

  test('without a description does not hold the answer up, and its PRACK may come after', () => {
    const { ladder, sent, invited } = calling({}, { headers: requires })
    ladder.when(telnyx, answers(sent, telnyx, 180)).gives('180 to Alice')
    const rings = ladder.lastResponse(alice)
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: theirs })).gives('ACK to Telnyx', '200 to Alice')
    const ok = ladder.lastResponse(alice)
    ladder.when(alice, pracks(invited, rings, 3)).gives('200 to Alice')
    ladder.when(alice, ack(invited, ok)).gives()
    ladder.after(40_000).gives()
  })

  test('is plain where the offer is left to us; where it is required all the same none is sent', () => {
    for (const [headers, arrows] of [
      [takes, ['180 to Alice']],
      [requires, []],
    ] as const) {
      const { ladder, sent } = calling({}, { headers: [...headers], body: new Uint8Array(0) })
      ladder.when(telnyx, answers(sent, telnyx, 180)).gives(...arrows)
      if (arrows.length > 0) expect(ladder.lastResponse(alice).header('rseq')).toBeUndefined()
    }
  })

  test('of a phone which rings is reliable, too', () => {
    const ladder = watch(office())
    registers(ladder, bob, 'bob')
    const invited = aliceDials(ladder, 'bob', { headers: requires })
    ladder.decide(ringBob()).gives('INVITE to Bob')
    const sent = ladder.lastRequest(bob, 'INVITE')
    ladder.when(bob, answers(sent, bob, 180, { headers: reliably(3) })).gives('PRACK to Bob', '180 to Alice')
    ladder.when(alice, pracks(invited, ladder.lastResponse(alice), 3)).gives('200 to Alice')
  })
})

describe('an answer which overtakes the PRACK of a description (RFC 3262 §3)', () => {
  function held() {
    const scene = calling({}, { headers: requires })
    const { ladder, sent } = scene
    ladder.when(telnyx, answers(sent, telnyx, 183, { body: theirs })).gives('183 to Alice')
    const early = ladder.lastResponse(alice)
    const ok = answers(sent, telnyx, 200, { body: theirs })
    ladder.when(telnyx, ok).gives()
    return { ...scene, early, ok }
  }

  test('waits for it', () => {
    const { ladder, invited, early } = held()
    ladder.after(500).gives('183 to Alice')
    ladder.when(alice, pracks(invited, early, 3)).gives('200 to Alice', 'ACK to Telnyx', '200 to Alice')
    expect(ladder.lastResponse(alice).to.tag).toBe(early.to.tag)
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
    ladder.after(40_000).gives()
    expect(ladder.record).toMatchObject({ status: 'progressing', sip_status: 200 })
  })

  test('is acknowledged once, whenever it comes again meanwhile', () => {
    const { ladder, invited, early, ok } = held()
    ladder.when(telnyx, ok).gives()
    ladder.when(alice, pracks(invited, early, 3)).gives('200 to Alice', 'ACK to Telnyx', '200 to Alice')
    ladder.when(telnyx, ok).gives('ACK to Telnyx')
  })

  test('is hung up where the caller cancels instead', () => {
    const { ladder, invited } = held()
    ladder
      .when(alice, cancel(invited))
      .gives('200 to Alice', 'ACK to Telnyx', 'BYE to Telnyx', '487 to Alice')
    expect(ladder.record).toMatchObject({ hangup_by: 'caller', hangup_reason: 'cancel' })
  })

  test('is hung up where the PRACK never comes', () => {
    const { ladder } = held()
    ladder.after(31_999).whatever().after(1).gives('ACK to Telnyx', 'BYE to Telnyx', '504 to Alice')
  })

  test('leaves no other fork on the line', () => {
    const { ladder, invited, early, sent } = held()
    ladder
      .when(telnyx, answers(sent, telnyx, 200, { body: theirs, tag: 'fork' }))
      .gives('ACK to Telnyx', 'BYE to Telnyx')
    ladder.when(alice, pracks(invited, early, 3)).gives('200 to Alice', 'ACK to Telnyx', '200 to Alice')
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
  })
})

test('a PRACK of no provisional of ours, or of somebody who overheard, is 481', () => {
  const { ladder, sent, invited } = calling()
  ladder.when(telnyx, answers(sent, telnyx, 180)).gives('180 to Alice')
  ladder.when(alice, pracks(invited, ladder.lastResponse(alice), 3, '1 2 INVITE')).gives('481 to Alice')
  ladder.when(telnyx, fromCallee(sent, answers(sent, telnyx, 180), telnyx, 'PRACK', 1)).gives('481 to Telnyx')
})

describe('a caller which leaves the offer to whom it calls (RFC 3262 §5)', () => {
  const mine = sdp(alice.flow.address)
  const none = new Uint8Array(0)
  const takesUpdate: Header = ['allow', 'INVITE, PRACK, UPDATE']

  /** Its PRACK, with an answer if it brings one. */
  function pracksWith(invited: Request, response: Response, cseq: number, body: Uint8Array = mine): Request {
    const rack: Header = ['rack', `${response.header('rseq')} ${response.header('cseq')}`]
    return within(invited, response, alice, 'PRACK', cseq, { headers: [rack], body })
  }

  function aimedAt(ladder: Ladder): string[] {
    return ladder.media.flatMap((command) => (command.type === 'aim' ? [command.side] : []))
  }

  /** Telnyx has offered something before it answers, and Alice was offered that. */
  function offered(headers: Header[] = takes) {
    const scene = calling({}, { headers, body: none })
    const { ladder, sent } = scene
    expect(sent.all('supported')).toContain('100rel')
    const early = answers(sent, telnyx, 183, {
      body: theirs,
      headers: [...reliably(7), takesUpdate],
      tag: 'one',
    })
    ladder.when(telnyx, early).gives('183 to Alice')
    return { ...scene, early: ladder.lastResponse(alice) }
  }

  test.each([
    ['takes', takes],
    ['requires', requires],
  ])(
    'and %s reliable provisionals is offered by one what a provider offers by one, and its answer goes back',
    (_, headers) => {
      const { ladder, invited, sent, early } = offered(headers)
      expect(early.all('require')).toEqual(['100rel'])
      expect(text(early.body)).toMatch(/m=audio 1\d{4} /)
      ladder.when(alice, pracksWith(invited, early, 3)).gives('200 to Alice', 'PRACK to Telnyx')
      const prack = ladder.lastRequest(telnyx, 'PRACK')
      expect([prack.header('rack'), prack.to.tag]).toEqual([`7 ${sent.cseq.number} INVITE`, 'one'])
      expect(text(prack.body)).toMatch(/m=audio 1\d{4} RTP\/AVP 0 8 101/)
      expect(new Set(aimedAt(ladder))).toEqual(new Set(['caller', 'callee']))
      ladder.when(telnyx, reply200(ladder, telnyx, 'PRACK')).gives()
      // Both have agreed: neither 200 says anything of that, nor do their ACKs.
      ladder.when(telnyx, answers(sent, telnyx, 200, { tag: 'one' })).gives('ACK to Telnyx', '200 to Alice')
      const ok = ladder.lastResponse(alice)
      expect([ok.body.length, ok.to.tag]).toEqual([0, early.to.tag])
      expect(ladder.lastRequest(telnyx, 'ACK').body).toHaveLength(0)
      ladder.when(alice, ack(invited, ok)).gives()
      ladder.when(telnyx, answers(sent, telnyx, 200, { tag: 'one' })).gives('ACK to Telnyx')
      expect(ladder.record).toMatchObject({ status: 'progressing', sip_status: 200 })
      ladder.when(alice, within(invited, ok, alice, 'BYE', 4)).gives('200 to Alice', 'BYE to Telnyx')
    },
  )

  test('is offered it once: what comes later is reliable, and says nothing more', () => {
    const { ladder, invited, sent, early } = offered()
    ladder.when(alice, pracksWith(invited, early, 3)).gives('200 to Alice', 'PRACK to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'PRACK')).gives()
    const rings = answers(sent, telnyx, 180, { body: theirs, headers: reliably(8), tag: 'one' })
    ladder.when(telnyx, rings).gives('PRACK to Telnyx', '180 to Alice')
    expect(ladder.lastRequest(telnyx, 'PRACK').body).toHaveLength(0)
    const later = ladder.lastResponse(alice)
    expect([later.body.length, later.all('require')]).toEqual([0, ['100rel']])
    ladder.when(alice, pracksWith(invited, later, 4, none)).gives('200 to Alice')
  })

  test('changes what was agreed by UPDATE before the answer', () => {
    const { ladder, invited, early } = offered([...takes, takesUpdate])
    ladder.when(alice, pracksWith(invited, early, 3)).gives('200 to Alice', 'PRACK to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'PRACK')).gives()
    const update = within(invited, early, alice, 'UPDATE', 4, { body: sdp(alice.flow.address, 4002) })
    ladder.when(alice, update).gives('UPDATE to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'UPDATE', theirs)).gives('200 to Alice')
    expect(text(ladder.lastResponse(alice).body)).toContain('m=audio')
  })

  test.each([
    ['brings none', none, 'no answer in PRACK'],
    ['has no sound', new TextEncoder().encode('v=0\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n'), 'no port'],
  ])('whose PRACK %s is not connected, and is told why', (_, body, why) => {
    const { ladder, invited, early } = offered()
    ladder
      .when(alice, pracksWith(invited, early, 3, body))
      .gives('488 to Alice', 'CANCEL to Telnyx', '488 to Alice')
    expect(ladder.lastResponse(alice).header('reason')).toContain(why)
    expect(ladder.record).toMatchObject({ hangup_by: 'system', sip_status: 488 })
  })

  test('is answered by the fork which it has spoken with, or offered what another one says', () => {
    const { ladder, invited, sent, early } = offered()
    ladder.when(alice, pracksWith(invited, early, 3)).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'PRACK')).gives()
    const other = sdp('203.0.113.1', 6000, 'a=sendonly')
    const ok = answers(sent, telnyx, 200, { body: other, tag: 'two' })
    ladder.when(telnyx, ok).gives('200 to Alice')
    const said = ladder.lastResponse(alice)
    expect(said.to.tag).not.toBe(early.to.tag)
    expect(text(said.body)).toContain('a=sendonly')
    ladder.when(alice, within(invited, said, alice, 'ACK', invited.cseq.number, { body: mine }))
    ladder.gives('ACK to Telnyx')
    expect(text(ladder.lastRequest(telnyx, 'ACK').body)).toContain('m=audio')
  })

  describe('and a provider which refuses to be offered nothing', () => {
    function insists(headers: Header[], status = 488) {
      const scene = calling({}, { headers, body: none })
      const { ladder, sent } = scene
      expect(sent.body).toHaveLength(0)
      ladder.when(telnyx, answers(sent, telnyx, status)).gives('ACK to Telnyx', 'INVITE to Telnyx')
      const again = ladder.lastRequest(telnyx, 'INVITE')
      expect([again.callId, again.cseq.number]).toEqual([sent.callId, sent.cseq.number + 1])
      expect(text(again.body)).toMatch(/m=audio 1\d{4} RTP\/AVP 0 8 101/)
      return { ...scene, again }
    }

    test.each([400, 415, 421, 488, 606])('by %i is offered what we can relay, once', (status) => {
      const { ladder, again } = insists([], status)
      ladder.when(telnyx, answers(again, telnyx, 488)).gives('ACK to Telnyx', '488 to Alice')
    })

    test('is heard early by who takes that reliably: its answer is our offer', () => {
      const { ladder, invited, again } = insists(takes)
      ladder.when(telnyx, answers(again, telnyx, 183, { body: theirs })).gives('183 to Alice')
      const early = ladder.lastResponse(alice)
      expect([early.all('require'), text(early.body).includes('m=audio')]).toEqual([['100rel'], true])
      ladder.when(telnyx, answers(again, telnyx, 200, { body: theirs })).gives()
      ladder.when(alice, pracksWith(invited, early, 3)).gives('200 to Alice', 'ACK to Telnyx', '200 to Alice')
      const ok = ladder.lastResponse(alice)
      expect([ok.body.length, ladder.lastRequest(telnyx, 'ACK').body.length]).toEqual([0, 0])
      ladder.when(alice, ack(invited, ok)).gives()
      expect(new Set(aimedAt(ladder))).toEqual(new Set(['caller', 'callee']))
    })

    test('answers our offer, and the caller its answer, in the ACK', () => {
      const { ladder, invited, again } = insists([])
      ladder
        .when(telnyx, answers(again, telnyx, 200, { body: theirs }))
        .gives('ACK to Telnyx', '200 to Alice')
      const ok = ladder.lastResponse(alice)
      expect(text(ok.body)).toContain('m=audio')
      ladder.when(alice, within(invited, ok, alice, 'ACK', invited.cseq.number, { body: mine })).gives()
      expect(aimedAt(ladder)).toContain('caller')
      expect(ladder.record.status).toBe('progressing')
    })

    test('is hung up where the caller answers nothing', () => {
      const { ladder, invited, again } = insists([])
      ladder.when(telnyx, answers(again, telnyx, 200, { body: theirs })).whatever()
      ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives('BYE to Alice', 'BYE to Telnyx')
    })
  })
})
