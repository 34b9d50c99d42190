import { describe, expect, test } from 'vitest'
import type { Header } from '../../../relay/sip/message.ts'
import { alice, answers, cancel, fromCallee, scanner, sdp, telnyx, within } from '../../support/office.ts'
import { calling, leavesNothingBehind, reply200, talking, text } from '../../support/scene.ts'

leavesNothingBehind()

const alices = sdp('192.0.2.10')
const theirs = sdp('203.0.113.1')
const nothing = new Uint8Array(0)

describe('a re-INVITE', () => {
  test('whose 2xx comes again is acknowledged again, while and after the asker acknowledges', () => {
    const { ladder, invited, answer } = talking()
    ladder
      .when(alice, within(invited, answer, alice, 'INVITE', 3, { body: alices }))
      .gives('INVITE to Telnyx')
    const ok = reply200(ladder, telnyx, 'INVITE', theirs)
    ladder.when(telnyx, ok).gives('ACK to Telnyx', '200 to Alice')
    const first = ladder.lastRequest(telnyx, 'ACK')
    ladder.when(telnyx, ok).gives('ACK to Telnyx')
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
    ladder.when(telnyx, ok).gives('ACK to Telnyx')
    expect(ladder.lastRequest(telnyx, 'ACK').cseq).toEqual(first.cseq)
  })

  test('whose 2xx the asker does not acknowledge has it repeated, and ends the call after 64·T1', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: alices })).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).gives('ACK to Telnyx', '200 to Alice')
    ladder.after(500).gives('200 to Alice').after(1_000).gives('200 to Alice')
    ladder.after(30_499).whatever().after(1).gives('BYE to Alice', 'BYE to Telnyx')
    expect(ladder.record).toMatchObject({ hangup_by: 'system', hangup_reason: 'failed' })
  })

  test('without an offer brings the other side’s, and its ACK the answer (RFC 3261 §14.1)', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3)).gives('INVITE to Telnyx')
    expect(ladder.lastRequest(telnyx, 'INVITE').body).toHaveLength(0)
    const ok = reply200(ladder, telnyx, 'INVITE', theirs)
    ladder.when(telnyx, ok).gives('200 to Alice')
    expect(text(ladder.lastResponse(alice).body)).toContain('198.51.100.1')
    ladder.when(telnyx, ok).gives()
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3, { body: alices })).gives('ACK to Telnyx')
    expect(text(ladder.lastRequest(telnyx, 'ACK').body)).toContain('198.51.100.1')
    ladder.when(telnyx, ok).gives('ACK to Telnyx')
  })

  test('without an offer, and without an answer in its ACK, leaves the sound as it was', () => {
    const { ladder, invited, answer, sent } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3)).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).gives('200 to Alice')
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives('ACK to Telnyx')
    expect(text(ladder.lastRequest(telnyx, 'ACK').body)).toBe(text(sent.body))
  })

  test('without an offer, cut short by a BYE, has the offer of its 2xx declined before the BYE', () => {
    const { ladder, invited, answer, sent } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3)).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).gives('200 to Alice')
    ladder
      .when(alice, within(invited, answer, alice, 'BYE', 4))
      .gives('200 to Alice', 'ACK to Telnyx', 'BYE to Telnyx')
    const declined = text(ladder.lastRequest(telnyx, 'ACK').body)
    expect(declined).toMatch(/^m=audio 0 /m)
    // It follows the INVITE's offer under the same session id (RFC 3264 §8).
    expect(declined).toMatch(new RegExp(`^o=- ${sessionOf(sent.body)} 2 IN`, 'm'))
  })

  test('without an offer, whose 2xx comes when the call is over, has the offer in that declined (§13.2.2.4)', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3)).gives('INVITE to Telnyx')
    const late = reply200(ladder, telnyx, 'INVITE', theirs)
    ladder
      .when(alice, within(invited, answer, alice, 'BYE', 4))
      .gives('200 to Alice', '487 to Alice', 'BYE to Telnyx')
    ladder.when(telnyx, late).gives('ACK to Telnyx')
    expect(text(ladder.lastRequest(telnyx, 'ACK').body)).toMatch(/^m=audio 0 /m)
  })

  test('which nobody answers at all ends the call on both sides (RFC 3261 §14.1)', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: alices })).whatever()
    ladder.after(31_999).whatever()
    ladder.after(1).gives('408 to Alice', 'BYE to Alice', 'BYE to Telnyx')
    expect(ladder.record).toMatchObject({ hangup_by: 'system', hangup_reason: 'timeout' })
  })

  test('which hangs in a 100 is cancelled after three minutes, and the call goes on', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: alices })).whatever()
    const passed = ladder.lastRequest(telnyx, 'INVITE')
    ladder.when(telnyx, answers(passed, telnyx, 100, { tag: '' })).gives()
    ladder.after(200).gives('100 to Alice').after(179_800).gives()
    ladder.after(1_000).gives('CANCEL to Telnyx')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'CANCEL'), telnyx, 200, { tag: '' })).gives()
    ladder.when(telnyx, answers(passed, telnyx, 487, { tag: '' })).gives('ACK to Telnyx', '487 to Alice')
    expect(ladder.record.status).toBe('progressing')
  })

  test('can be cancelled by who asked (RFC 3261 §9.2)', () => {
    const { ladder, invited, answer } = talking()
    const hold = within(invited, answer, alice, 'INVITE', 3, { body: alices })
    ladder.when(alice, hold).whatever()
    const passed = ladder.lastRequest(telnyx, 'INVITE')
    ladder.when(telnyx, answers(passed, telnyx, 100, { tag: '' })).gives()
    ladder.when(alice, cancel(hold)).gives('200 to Alice', 'CANCEL to Telnyx')
    ladder.when(telnyx, answers(passed, telnyx, 487, { tag: '' })).gives('ACK to Telnyx', '487 to Alice')
    expect(ladder.record.status).toBe('progressing')
  })

  test('of the callee can be cancelled by the callee, and by nobody else (§9.2)', () => {
    const { ladder, sent, accepted } = talking()
    const hold = fromCallee(sent, accepted, telnyx, 'INVITE', 7, { body: theirs })
    ladder.when(telnyx, hold).gives('INVITE to Alice')
    const passed = ladder.lastRequest(alice, 'INVITE')
    ladder.when(alice, answers(passed, alice, 180, { tag: '' })).gives()
    ladder.when(scanner, cancel(hold)).gives('481 to the scanner')
    ladder.when(telnyx, cancel(hold)).gives('200 to Telnyx', 'CANCEL to Alice')
    ladder.when(alice, answers(passed, alice, 487, { tag: '' })).gives('ACK to Alice', '487 to Telnyx')
    ladder.when(telnyx, cancel(hold)).gives('200 to Telnyx')
    expect(ladder.record.status).toBe('progressing')
  })

  test('is not cancelled by the CANCEL of the first INVITE, which comes late', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: alices })).whatever()
    const passed = ladder.lastRequest(telnyx, 'INVITE')
    ladder.when(telnyx, answers(passed, telnyx, 100, { tag: '' })).gives()
    ladder.when(alice, cancel(invited)).gives('200 to Alice')
  })

  test('cancelled before it was heard of waits for a provisional, and is cancelled once (RFC 3261 §9.1)', () => {
    const { ladder, invited, answer } = talking()
    const hold = within(invited, answer, alice, 'INVITE', 3, { body: alices })
    ladder.when(alice, hold).whatever()
    const passed = ladder.lastRequest(telnyx, 'INVITE')
    ladder.when(alice, cancel(hold)).gives('200 to Alice')
    ladder.when(telnyx, answers(passed, telnyx, 100, { tag: '' })).gives('CANCEL to Telnyx')
    ladder.when(telnyx, answers(passed, telnyx, 183, { tag: '' })).gives()
    ladder.when(telnyx, answers(passed, telnyx, 487, { tag: '' })).gives('ACK to Telnyx', '487 to Alice')
  })

  test('whose 2xx leaves the offer without an answer leaves the sound as it was', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: alices })).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE')).gives('ACK to Telnyx', '200 to Alice')
    expect(text(ladder.lastResponse(alice).body)).toBe(text(answer.body))
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
  })

  test('is answered with where it came from, for those behind a NAT (RFC 3581 §4)', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: alices })).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).whatever()
    expect(ladder.lastResponse(alice).header('via')).toMatch(
      /received=192\.0\.2\.10.*rport=5062|rport=5062.*received/,
    )
  })
})

describe('a request inside a call', () => {
  test.for(['INVITE', 'UPDATE', 'INFO'])('%s which requires what we cannot is refused with 420', (method) => {
    const { ladder, invited, answer } = talking()
    const headers: Header[] = [['require', 'timer, gruu']]
    ladder.when(alice, within(invited, answer, alice, method, 3, { headers })).gives('420 to Alice')
    expect(ladder.lastResponse(alice).header('unsupported')).toBe('gruu')
  })

  test('without a hop left is 483, and loses one on its way (RFC 7332)', () => {
    const { ladder, invited, answer } = talking()
    const with_ = (cseq: number, hops: string) => {
      const asked = within(invited, answer, alice, 'INFO', cseq)
      const headers = asked.headers.map(
        ([name, value]): Header => [name, name === 'max-forwards' ? hops : value],
      )
      return { ...asked, headers }
    }
    ladder.when(alice, with_(3, '0')).gives('483 to Alice')
    ladder.when(alice, with_(4, '9')).gives('INFO to Telnyx')
    expect(ladder.lastRequest(telnyx, 'INFO').maxForwards).toBe(8)
  })

  test('which comes again under an older number is 500, and a newer one still works (RFC 3261 §12.2.2)', () => {
    const { ladder, sent, accepted } = talking()
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'INFO', 7)).gives('INFO to Alice')
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'INFO', 6)).gives('500 to Telnyx')
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 8)).gives('200 to Telnyx', 'BYE to Alice')
  })

  test('which nobody answers ends the call, but tells nobody 408 (RFC 4320 §4.2)', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INFO', 3)).whatever()
    ladder.after(32_000).whatever()
    expect(ladder.lastRequest(telnyx, 'BYE').method).toBe('BYE')
    expect(ladder.record).toMatchObject({ hangup_reason: 'timeout' })
  })

  test('of another dialog under the same Call-ID is 481', () => {
    const { ladder, sent } = talking()
    const stranger = fromCallee(sent, answers(sent, telnyx, 200, { tag: 'other' }), telnyx, 'BYE', 1)
    ladder.when(telnyx, stranger).gives('481 to Telnyx')
  })
})

describe('hold', () => {
  test.for([
    ['c=0.0.0.0', sdp('0.0.0.0', 4000), 'a=sendonly'],
    ['sendonly', sdp('192.0.2.10', 4000, 'a=sendonly'), 'a=sendonly'],
    ['inactive', sdp('192.0.2.10', 4000, 'a=inactive'), 'a=inactive'],
  ] as const)('by %s reaches the other side, and resuming too (RFC 3264 §8.4)', ([, body, direction]) => {
    const { ladder, invited, answer, sent } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body })).gives('INVITE to Telnyx')
    const held = text(ladder.lastRequest(telnyx, 'INVITE').body)
    expect(held).toContain(direction)
    expect(held).toContain('c=IN IP4 198.51.100.1')
    expect(version(held)).toBe(version(text(sent.body)) + 1)
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1', 4000, 'a=recvonly'))).whatever()
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
    ladder
      .when(alice, within(invited, answer, alice, 'INVITE', 4, { body: alices }))
      .gives('INVITE to Telnyx')
    expect(text(ladder.lastRequest(telnyx, 'INVITE').body)).toContain('a=sendrecv')
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).whatever()
    ladder.when(alice, within(invited, answer, alice, 'ACK', 4)).gives()
  })

  test('of a call which the other side holds too is inactive both ways', () => {
    const { ladder, invited, answer, sent, accepted } = talking()
    ladder
      .when(
        alice,
        within(invited, answer, alice, 'INVITE', 3, { body: sdp('192.0.2.10', 4000, 'a=sendonly') }),
      )
      .whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1', 4000, 'a=recvonly'))).whatever()
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
    const both = fromCallee(sent, accepted, telnyx, 'INVITE', 1, {
      body: sdp('203.0.113.1', 4000, 'a=inactive'),
    })
    ladder.when(telnyx, both).gives('INVITE to Alice')
    expect(text(ladder.lastRequest(alice, 'INVITE').body)).toContain('a=inactive')
    ladder.when(alice, reply200(ladder, alice, 'INVITE', sdp('192.0.2.10', 4000, 'a=inactive'))).whatever()
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'ACK', 1)).gives()
  })

  test('which changes nothing keeps the version of the session (RFC 3264 §8)', () => {
    const { ladder, invited, answer, sent } = talking()
    ladder
      .when(alice, within(invited, answer, alice, 'INVITE', 3, { body: alices }))
      .gives('INVITE to Telnyx')
    expect(version(text(ladder.lastRequest(telnyx, 'INVITE').body))).toBe(version(text(sent.body)))
  })
})

describe('another codec', () => {
  test('asked for in a re-INVITE goes through, with the other law of G.711 behind it: we can turn one into the other', () => {
    const { ladder, invited, answer } = talking()
    const body = new TextEncoder().encode(text(alices).replace('RTP/AVP 0 8 101', 'RTP/AVP 8 101'))
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body })).gives('INVITE to Telnyx')
    expect(text(ladder.lastRequest(telnyx, 'INVITE').body)).toMatch(/m=audio \d+ RTP\/AVP 8 0 101/)
  })

  test('which the provider does not take is not offered to it, and none at all is 488', () => {
    const { ladder, invited, answer } = talking({ codecs: ['PCMU'] })
    ladder
      .when(alice, within(invited, answer, alice, 'INVITE', 3, { body: alices }))
      .gives('INVITE to Telnyx')
    const offered = text(ladder.lastRequest(telnyx, 'INVITE').body)
    expect(offered).toContain('PCMU')
    expect(offered).not.toContain('PCMA')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 488, { tag: '' })).whatever()
    const only = new TextEncoder().encode(text(alices).replace('RTP/AVP 0 8 101', 'RTP/AVP 18'))
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 4, { body: only })).gives('488 to Alice')
    expect(ladder.lastResponse(alice).header('warning')).toMatch(/^30[45] /)
  })

  test('in a re-INVITE nobody can read is 400, and the call goes on', () => {
    const { ladder, invited, answer } = talking()
    const body = new TextEncoder().encode('not a session description')
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body })).gives('400 to Alice')
    expect(ladder.record.status).toBe('progressing')
  })

  test('in a body which is no session description at all is 415', () => {
    const { ladder, invited, answer } = talking()
    const headers: Header[] = [['content-type', 'text/plain']]
    const asked = within(invited, answer, alice, 'INVITE', 3, { headers })
    ladder
      .when(alice, { ...asked, headers: asked.headers, body: new TextEncoder().encode('hello') })
      .gives('415 to Alice')
    expect(ladder.lastResponse(alice).header('accept')).toContain('application/sdp')
  })
})

describe("a provider's challenge inside a call (RFC 3261 §22.2)", () => {
  const credentials = { username: 'acme', password: 'pw', realm: null }
  const challenge = (stale = ''): Header => [
    'proxy-authenticate',
    `Digest realm="telnyx.test", nonce="n${stale.length}", qop="auth", algorithm=MD5${stale}`,
  ]

  test('to a re-INVITE is answered with its credentials; who asked hears only the end', () => {
    const { ladder, invited, answer } = talking({ credentials })
    ladder
      .when(alice, within(invited, answer, alice, 'INVITE', 3, { body: alices }))
      .gives('INVITE to Telnyx')
    const first = ladder.lastRequest(telnyx, 'INVITE')
    ladder.when(telnyx, answers(first, telnyx, 407, { tag: '', headers: [challenge()] }))
    ladder.gives('ACK to Telnyx', 'INVITE to Telnyx')
    const second = ladder.lastRequest(telnyx, 'INVITE')
    expect(second.header('proxy-authorization')).toContain('username="acme"')
    expect(second.cseq.number).toBe(first.cseq.number + 1)
    expect(second.via.branch).not.toBe(first.via.branch)
    expect(text(second.body)).toBe(text(first.body))
    ladder.when(telnyx, answers(second, telnyx, 200, { body: theirs, tag: '' }))
    ladder.gives('ACK to Telnyx', '200 to Alice')
    const acked = ladder.lastRequest(telnyx, 'ACK')
    expect(acked.cseq.number).toBe(second.cseq.number)
    expect(acked.header('proxy-authorization')).toBe(second.header('proxy-authorization'))
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 4)).gives('200 to Alice', 'BYE to Telnyx')
    expect(ladder.lastRequest(telnyx, 'BYE').cseq.number).toBe(second.cseq.number + 1)
  })

  test('to a re-INVITE a second time is a refusal, told as 500 since it is not about Alice', () => {
    const { ladder, invited, answer } = talking({ credentials })
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: alices })).whatever()
    const refuse = () =>
      answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 407, { tag: '', headers: [challenge()] })
    ladder.when(telnyx, refuse()).gives('ACK to Telnyx', 'INVITE to Telnyx')
    ladder.when(telnyx, refuse()).gives('ACK to Telnyx', '500 to Alice')
    expect(ladder.record.status).toBe('progressing')
  })

  test('to a BYE is answered, for else the call would go on there', () => {
    const { ladder, invited, answer } = talking({ credentials })
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    const first = ladder.lastRequest(telnyx, 'BYE')
    ladder
      .when(telnyx, answers(first, telnyx, 407, { tag: '', headers: [challenge()] }))
      .gives('BYE to Telnyx')
    const second = ladder.lastRequest(telnyx, 'BYE')
    expect(second.cseq.number).toBe(first.cseq.number + 1)
    expect(second.header('proxy-authorization')).toContain('username="acme"')
    ladder.when(telnyx, answers(second, telnyx, 407, { tag: '', headers: [challenge()] })).gives()
  })

  test('which never stops calling its nonces stale is answered twice, and no more', () => {
    const { ladder, invited, answer } = talking({ credentials })
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    const stale = () =>
      answers(ladder.lastRequest(telnyx, 'BYE'), telnyx, 407, {
        tag: '',
        headers: [challenge(', stale=true')],
      })
    ladder.when(telnyx, stale()).gives('BYE to Telnyx')
    ladder.when(telnyx, stale()).gives('BYE to Telnyx')
    ladder.when(telnyx, stale()).gives()
  })

  test('without credentials of ours does not hang', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INFO', 3)).gives('INFO to Telnyx')
    ladder.when(
      telnyx,
      answers(ladder.lastRequest(telnyx, 'INFO'), telnyx, 401, { tag: '', headers: [challenge()] }),
    )
    ladder.gives('500 to Alice')
  })
})

test('a delayed offer is not changed before its answer has come: 491', () => {
  const { ladder, invited, sent } = calling({}, { body: nothing })
  ladder.when(telnyx, answers(sent, telnyx, 200, { body: theirs })).gives('200 to Alice')
  const asked = within(invited, ladder.lastResponse(alice), alice, 'INVITE', 3, { body: alices })
  ladder.when(alice, asked).gives('491 to Alice')
  ladder.after(32_000).whatever()
})

function sessionOf(body: Uint8Array): string {
  return /^o=- (\S+)/m.exec(text(body))?.[1] ?? ''
}

function version(description: string): number {
  return Number(/^o=- \S+ (\d+)/m.exec(description)?.[1])
}
