import { describe, expect, test } from 'vitest'
import type { Header, Request, Response } from '../../../relay/sip/message.ts'
import { ack, alice, answers, cancel, fromCallee, sdp, telnyx, within } from '../../support/office.ts'
import { calling, leavesNothingBehind, reply200, type Scene, text } from '../../support/scene.ts'

leavesNothingBehind()

const theirs = sdp('203.0.113.1')
const alices = sdp('192.0.2.10', 4002)
const reliably: Header[] = [
  ['require', '100rel'],
  ['rseq', '1'],
  ['allow', 'INVITE, ACK, BYE, PRACK, UPDATE'],
]
const allows: Header = ['allow', 'INVITE, ACK, BYE, PRACK, UPDATE']

interface Early extends Scene {
  /** The provider's 183, and ours. */
  readonly said: Response
  readonly told: Response
}

/** Both have been told reliably what the other says, and have acknowledged it. */
function agreed(headers: Header[] = [['supported', '100rel'], allows]): Early {
  const scene = calling({}, { headers })
  const { ladder, sent, invited } = scene
  const said = answers(sent, telnyx, 183, { body: theirs, headers: reliably })
  ladder.when(telnyx, said).gives('PRACK to Telnyx', '183 to Alice')
  ladder.when(telnyx, reply200(ladder, telnyx, 'PRACK')).gives()
  const told = ladder.lastResponse(alice)
  const rseq = told.header('rseq')
  if (rseq === undefined) return { ...scene, said, told }
  const rack: Header[] = [['rack', `${rseq} ${told.header('cseq')}`]]
  ladder.when(alice, within(invited, told, alice, 'PRACK', 3, { headers: rack })).gives('200 to Alice')
  return { ...scene, said, told }
}

/** The provider answers; gives our 200. */
function answered({ ladder, sent, invited }: Early, body?: Uint8Array): Response {
  ladder.when(telnyx, answers(sent, telnyx, 200, body ? { body } : {})).gives('ACK to Telnyx', '200 to Alice')
  const ok = ladder.lastResponse(alice)
  ladder.when(alice, ack(invited, ok)).gives()
  return ok
}

const updates = (invited: Request, told: Response, cseq: number, body = alices) =>
  within(invited, told, alice, 'UPDATE', cseq, { body })

describe('an UPDATE before the answer (RFC 3311)', () => {
  test('of the caller passes where both have agreed reliably, and what was agreed last is what is answered', () => {
    const early = agreed()
    const { ladder, invited, told, sent } = early
    ladder.when(alice, updates(invited, told, 4)).gives('UPDATE to Telnyx')
    const update = ladder.lastRequest(telnyx, 'UPDATE')
    expect([update.callId, update.cseq.number]).toEqual([sent.callId, sent.cseq.number + 2])
    expect(text(update.body)).toContain('198.51.100.1')
    ladder.when(telnyx, reply200(ladder, telnyx, 'UPDATE', sdp('203.0.113.1', 4010))).gives('200 to Alice')
    expect(text(ladder.lastResponse(alice).body)).toContain('m=audio')
    // The 2xx repeats what was said first; it says nothing new (RFC 3261 §13.2.1).
    const ok = answered(early, theirs)
    expect(ok.to.tag).toBe(told.to.tag)
    const aim = ladder.media.findLast((command) => command.type === 'aim' && command.side === 'callee')
    expect(JSON.stringify(aim)).toContain('4010')
    ladder.when(alice, within(invited, ok, alice, 'BYE', 5)).gives('200 to Alice', 'BYE to Telnyx')
    expect(ladder.lastRequest(telnyx, 'BYE').cseq.number).toBe(update.cseq.number + 1)
  })

  test('of the caller is refused where what the callee says to it was not offered (RFC 3264 §6.1)', () => {
    const early = agreed()
    const { ladder, invited, told } = early
    const opus = text(alices).replace(
      /m=audio[\s\S]*/,
      'm=audio 4002 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\n',
    )
    ladder
      .when(alice, updates(invited, told, 4, new TextEncoder().encode(opus)))
      .gives('UPDATE to Telnyx')
      .when(telnyx, reply200(ladder, telnyx, 'UPDATE', sdp('203.0.113.1', 4010)))
      .gives('488 to Alice')
    const aims = ladder.media.filter(({ type }) => type === 'aim').map((each) => JSON.stringify(each))
    expect(aims.findLast((aim) => aim.includes('"callee"'))).toContain('4010')
    expect(aims.findLast((aim) => aim.includes('"caller"'))).not.toContain('4002')
    answered(early)
  })

  test('of the callee passes to a caller which was told reliably and takes it', () => {
    const early = agreed()
    const { ladder, sent, said, told } = early
    const update = fromCallee(sent, said, telnyx, 'UPDATE', 1, { body: sdp('203.0.113.1', 4010) })
    ladder.when(telnyx, update).gives('UPDATE to Alice')
    expect(ladder.lastRequest(alice, 'UPDATE').from.tag).toBe(told.to.tag)
    ladder.when(alice, reply200(ladder, alice, 'UPDATE', alices)).gives('200 to Telnyx')
    const ok = answered(early)
    ladder.when(telnyx, fromCallee(sent, said, telnyx, 'BYE', 2)).gives('200 to Telnyx', 'BYE to Alice')
    expect(ladder.lastRequest(alice, 'BYE').cseq.number).toBe(2)
    expect(ok.status).toBe(200)
  })

  test.each<[string, Header[]]>([
    ['takes no UPDATE', [['supported', '100rel']]],
    ['was told nothing reliably', [allows]],
  ])('of the callee is answered here where the caller %s, who hears of it with the answer', (_, headers) => {
    const early = agreed(headers)
    const { ladder, sent, said } = early
    const update = fromCallee(sent, said, telnyx, 'UPDATE', 1, { body: sdp('203.0.113.1', 4010) })
    ladder.when(telnyx, update).gives('200 to Telnyx')
    expect(text(ladder.lastResponse(telnyx).body)).toContain('198.51.100.1')
    expect(JSON.stringify(ladder.media.findLast(({ type }) => type === 'aim'))).toContain('4010')
    answered(early)
  })

  test('of the callee which offers while our offer is open is 491 (§5.2)', () => {
    const { ladder, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 183, { body: theirs })).gives('183 to Alice')
    const update = fromCallee(sent, answers(sent, telnyx, 183), telnyx, 'UPDATE', 1, { body: theirs })
    ladder.when(telnyx, update).gives('491 to Telnyx')
  })

  test('of the caller whose answer was not reliable, or whose callee takes none, is 500 with Retry-After', () => {
    const { ladder, invited, told } = agreed([allows])
    ladder.when(alice, updates(invited, told, 3)).gives('500 to Alice')
    expect(Number(ladder.lastResponse(alice).header('retry-after'))).toBeLessThanOrEqual(10)
  })

  test('while another is under way is 491, from either side', () => {
    const { ladder, invited, told, sent, said } = agreed()
    ladder.when(alice, updates(invited, told, 4)).gives('UPDATE to Telnyx')
    ladder.when(alice, updates(invited, told, 5)).gives('491 to Alice')
    const crossing = fromCallee(sent, said, telnyx, 'UPDATE', 1, { body: theirs })
    ladder.when(telnyx, crossing).gives('491 to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'UPDATE', theirs)).gives('200 to Alice')
  })

  test('without an offer is answered here, from either side', () => {
    const { ladder, invited, told, sent, said } = agreed()
    ladder.when(alice, within(invited, told, alice, 'UPDATE', 4)).gives('200 to Alice')
    ladder.when(telnyx, fromCallee(sent, said, telnyx, 'UPDATE', 1)).gives('200 to Telnyx')
    ladder.when(telnyx, fromCallee(sent, said, telnyx, 'UPDATE', 0)).gives('500 to Telnyx')
  })

  test('which is refused leaves all as it was', () => {
    const early = agreed()
    const { ladder, invited, told } = early
    ladder.when(alice, updates(invited, told, 4)).gives('UPDATE to Telnyx')
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx, 'UPDATE'), telnyx, 488, { tag: '' }))
      .gives('488 to Alice')
    expect(answered(early).to.tag).toBe(told.to.tag)
  })

  test('which is never answered is no answer of ours before 32 s, and the call goes on', () => {
    const { ladder, invited, told } = agreed()
    ladder.when(alice, updates(invited, told, 4)).gives('UPDATE to Telnyx')
    ladder.after(32_000).whatever()
    expect(ladder.engine.load.calls).toBe(1)
  })

  test('under way when the call is answered is settled after that', () => {
    const early = agreed()
    const { ladder, invited, told } = early
    ladder.when(alice, updates(invited, told, 4)).gives('UPDATE to Telnyx')
    const ok = answered(early)
    const hold = within(invited, ok, alice, 'INVITE', 5, { body: sdp('192.0.2.10', 4004) })
    ladder.when(alice, hold).gives('491 to Alice')
    ladder.when(telnyx, reply200(ladder, telnyx, 'UPDATE', sdp('203.0.113.1', 4010))).gives('200 to Alice')
    ladder.when(alice, within(invited, ok, alice, 'INVITE', 6, { body: sdp('192.0.2.10', 4004) }))
    ladder.gives('INVITE to Telnyx')
  })

  test('under way when the caller cancels is 487', () => {
    const { ladder, invited, told } = agreed()
    ladder.when(alice, updates(invited, told, 4)).gives('UPDATE to Telnyx')
    ladder
      .when(alice, cancel(invited))
      .gives('200 to Alice', '487 to Alice', 'CANCEL to Telnyx', '487 to Alice')
    ladder.when(telnyx, reply200(ladder, telnyx, 'UPDATE', theirs)).gives()
  })

  test('under way when another fork answers is over', () => {
    const { ladder, invited, told, sent } = agreed()
    ladder.when(alice, updates(invited, told, 4)).gives('UPDATE to Telnyx')
    ladder
      .when(telnyx, answers(sent, telnyx, 200, { body: sdp('203.0.113.9'), tag: 'fork' }))
      .gives('ACK to Telnyx', '200 to Alice')
    ladder.when(telnyx, reply200(ladder, telnyx, 'UPDATE', theirs)).gives('500 to Alice')
  })
})

describe('a PRACK which brings an offer (RFC 3262 §5)', () => {
  function pracks(headers: Header[], theirHeaders: Header[]) {
    const scene = calling({}, { headers })
    const { ladder, sent, invited } = scene
    const said = answers(sent, telnyx, 183, { body: theirs, headers: theirHeaders })
    ladder.when(telnyx, said).gives('PRACK to Telnyx', '183 to Alice')
    ladder.when(telnyx, reply200(ladder, telnyx, 'PRACK')).gives()
    const told = ladder.lastResponse(alice)
    const rack: Header[] = [['rack', `${told.header('rseq')} ${told.header('cseq')}`]]
    ladder.when(alice, within(invited, told, alice, 'PRACK', 3, { headers: rack, body: alices }))
    return { ...scene, said, told }
  }

  test('goes on as UPDATE where the callee takes one, whose answer is the 200’s', () => {
    const early = pracks([['supported', '100rel']], reliably)
    const { ladder } = early
    ladder.gives('UPDATE to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'UPDATE', sdp('203.0.113.1', 4010))).gives('200 to Alice')
    const ok = ladder.lastResponse(alice)
    expect([ok.cseq.method, ok.header('contact')]).toEqual(['PRACK', undefined])
    expect(text(ok.body)).toContain('m=audio')
    expect(answered(early).to.tag).toBe(early.told.to.tag)
  })

  test('is answered by what the callee said where it takes none', () => {
    const early = pracks([['supported', '100rel']], reliably.slice(0, 2))
    const { ladder } = early
    ladder.gives('200 to Alice')
    expect(text(ladder.lastResponse(alice).body)).toContain('m=audio')
    expect(JSON.stringify(ladder.media.findLast(({ type }) => type === 'aim'))).toContain('4002')
    expect(answered(early, theirs).to.tag).toBe(early.told.to.tag)
  })
})
