import { describe, expect, test } from 'vitest'
import { type CallTell, monotonicMs, type RouteDecision, type Scope } from '#contract'
import { sessionId } from '../../../relay/ground/media.ts'
import type { Header, Request, Response } from '../../../relay/sip/message.ts'
import { type Ladder, type Party, relayAddress } from '../../support/ladder.ts'
import { acme, alicesPhone, counted, limitedBy } from '../../support/limits.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  customerId,
  extensionIds,
  fromCallee,
  office,
  provider,
  registers,
  rejected,
  ringBob,
  sdp,
  telnyx,
  through,
  twilio,
  within,
} from '../../support/office.ts'
import { leavesNothingBehind, reply200, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

const alices = { transfer: 'local', extension_id: extensionIds.alice } as const
const outside = { ...through(provider(telnyx)), ...alices } as RouteDecision
const toBob = { ...ringBob(), ...alices } as RouteDecision

interface Talk {
  readonly ladder: Ladder
  readonly invited: Request
  readonly answer: Response
  readonly sent: Request
  readonly accepted: Response
}

/** Alice has a call with a carrier's party. */
function talk(ladder: Ladder, carrier: Party, decision: RouteDecision): Talk {
  const invited = aliceDials(ladder, '+15551234567')
  ladder.decide(decision).whatever()
  if (ladder.questions.length > 0) ladder.locate(carrier)
  const sent = ladder.lastRequest(carrier, 'INVITE')
  const accepted = answers(sent, carrier, 200, { body: sdp(carrier.flow.address) })
  ladder.whatever().when(carrier, accepted).whatever()
  const answer = ladder.lastResponse(alice)
  ladder.when(alice, ack(invited, answer)).gives()
  return { ladder, invited, answer, sent, accepted }
}

const target: Header = ['refer-to', '<sip:bob@trunkline.test>']

/** Alice talks with Telnyx, and has asked that Telnyx be connected with Bob, who is rung. */
function asked(headers: Header[] = [target]): Talk {
  const ladder = watch(office())
  registers(ladder, bob, 'bob')
  const scene = talk(ladder, telnyx, outside)
  ladder
    .when(alice, within(scene.invited, scene.answer, alice, 'REFER', 3, { headers }))
    .gives('202 to Alice', ...(headers.length > 1 ? [] : ['NOTIFY to Alice']), 'ask route')
  return scene
}

function ringing(headers?: Header[]): Talk & { readonly rung: Request } {
  const scene = asked(headers)
  scene.ladder.decide(toBob).gives('INVITE to Bob')
  return { ...scene, rung: scene.ladder.lastRequest(bob, 'INVITE') }
}

/** What Alice was told last of her transfer. */
function told(ladder: Ladder): string {
  const notify = ladder.lastRequest(alice, 'NOTIFY')
  return `${text(notify.body).trim()}, ${notify.header('subscription-state')?.split(';')[0]}`
}

/** The records of the two calls as they were told last, the transferred one first. */
function records({ tells }: Ladder): CallTell['call'][] {
  return [...new Map(tells.map(({ call }) => [call.call_id, call])).values()]
}

describe('a blind transfer', () => {
  test('rings its target as a call of who asks, and tells how that goes', () => {
    const { ladder, rung } = ringing()
    expect(told(ladder)).toBe('SIP/2.0 100 Trying, active')
    expect(ladder.lastRequest(alice, 'NOTIFY').header('event')).toBe('refer;id=3')
    // Whom Telnyx is to hear offers what Telnyx said.
    expect(text(rung.body)).toContain('198.51.100.1')
    expect(rung.header('referred-by')).toMatch(/^<sip:alice@/)
    ladder.when(bob, answers(rung, bob, 180)).gives('NOTIFY to Alice')
    expect(told(ladder)).toBe('SIP/2.0 180 Ringing, active')
    expect(ladder.record).toMatchObject({ status: 'ringing', transfer_type: 'blind', direction: 'internal' })
  })

  test('asks where its target is as who transfers dials it', () => {
    const { ladder } = asked()
    const question = ladder.questions.find(({ question }) => question.ask === 'route')?.question
    expect(question).toMatchObject({
      question: {
        caller: { kind: 'extension', extension_id: extensionIds.alice },
        from: { user: 'alice' },
        to: { user: 'bob', host: 'trunkline.test' },
      },
    })
    ladder.decide(rejected(404, 'NO_ROUTE')).whatever()
  })

  test('joins the two when its target answers; who asked is told, and hangs up', () => {
    const { ladder, invited, answer, rung } = ringing()
    ladder
      .when(bob, answers(rung, bob, 200, { body: sdp('192.0.2.20', 4444) }))
      .gives('ACK to Bob', 'INVITE to Telnyx')
    const offer = ladder.lastRequest(telnyx, 'INVITE')
    expect(offer.to.tag).toBe('tag-Telnyx')
    expect(text(offer.body)).toContain('o=- ')
    ladder
      .when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1', 5000)))
      .gives('ACK to Telnyx', 'NOTIFY to Alice')
    expect(told(ladder)).toBe('SIP/2.0 200 OK, terminated')
    ladder.when(alice, within(invited, answer, alice, 'BYE', 4)).gives('200 to Alice')
    const [first, second] = records(ladder)
    expect(first).toMatchObject({ status: 'hangup', hangup_by: 'caller', hangup_reason: 'transferred' })
    expect(second).toMatchObject({
      status: 'progressing',
      transferred_from: first?.call_id,
      transfer_type: 'blind',
    })
    // They hear each other: both are aimed at in the session of the second call.
    const aims = ladder.media.filter(({ type }) => type === 'aim').slice(-2)
    expect(new Set(aims.map(({ session }) => session)).size).toBe(1)
    expect(JSON.stringify(aims)).toContain('"address":"203.0.113.1","port":5000')
    expect(JSON.stringify(aims)).toContain('"address":"192.0.2.20","port":4444')
  })

  test('hangs up who asked, where that does not', () => {
    const { ladder, rung } = ringing()
    ladder.when(bob, answers(rung, bob, 200, { body: sdp('192.0.2.20') })).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1'))).whatever()
    ladder.after(4_000).whatever()
    expect(ladder.lastRequest(alice, 'BYE').header('reason')).toContain('transferred')
    expect(records(ladder)[0]).toMatchObject({ hangup_reason: 'transferred' })
  })

  /** Bob speaks with Telnyx, and Alice has left. */
  const joined = () => {
    const scene = ringing()
    const { ladder, invited, answer, rung } = scene
    const bobs = answers(rung, bob, 200, { body: sdp('192.0.2.20') })
    ladder.when(bob, bobs).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1'))).whatever()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 4)).whatever()
    return { ...scene, bobs }
  }

  test('done, is a call as any other: what one side asks goes to the other, and either ends it', () => {
    const { ladder, rung, bobs } = joined()
    ladder.when(bob, fromCallee(rung, bobs, bob, 'INFO', 1)).gives('INFO to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'INFO')).gives('200 to Bob')
    ladder
      .when(bob, fromCallee(rung, bobs, bob, 'INVITE', 2, { body: sdp('192.0.2.20', 4000, 'a=sendonly') }))
      .gives('INVITE to Telnyx')
    ladder
      .when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1', 4000, 'a=recvonly')))
      .gives('ACK to Telnyx', '200 to Bob')
    ladder.when(bob, fromCallee(rung, bobs, bob, 'ACK', 2)).gives()
    ladder.when(bob, fromCallee(rung, bobs, bob, 'BYE', 3)).gives('200 to Bob', 'BYE to Telnyx')
    expect(records(ladder)[1]).toMatchObject({
      status: 'hangup',
      hangup_by: 'callee',
      hangup_reason: 'normal',
    })
  })

  test('done, lets the transferred party transfer as itself alone, not as who transferred it', () => {
    const { ladder, sent, accepted } = joined()
    ladder
      .when(telnyx, fromCallee(sent, accepted, telnyx, 'REFER', 1, { headers: [target] }))
      .gives('403 to Telnyx')
    expect(ladder.lastResponse(telnyx).header('reason')).toContain('for this provider')
  })

  test('done, ends for both when the transferred party hangs up', () => {
    const { ladder, sent, accepted } = joined()
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 1)).gives('200 to Telnyx', 'BYE to Bob')
    expect(records(ladder)[1]).toMatchObject({ hangup_by: 'caller', hangup_reason: 'normal' })
  })

  test.each([
    ['busy', 486, '486 Busy Here'],
    ['declining', 603, '603 Decline'],
  ])('to a target which is %s is told, and the call goes on', (_, status, line) => {
    const { ladder, invited, answer, rung } = ringing()
    ladder.when(bob, answers(rung, bob, status)).gives('ACK to Bob', 'NOTIFY to Alice')
    expect(told(ladder)).toBe(`SIP/2.0 ${line}, terminated`)
    expect(records(ladder).map(({ status }) => status)).toEqual(['progressing', 'hangup'])
    ladder.when(alice, within(invited, answer, alice, 'INFO', 4)).gives('INFO to Telnyx')
    // And may be transferred again.
    ladder
      .when(alice, within(invited, answer, alice, 'REFER', 5, { headers: [target] }))
      .gives('202 to Alice', 'NOTIFY to Alice', 'ask route')
    ladder.decide(toBob).whatever()
  })

  test('where who asks may not dial is refused by what the decision says, and the call goes on', () => {
    const { ladder } = asked()
    ladder.decide(rejected(403, 'DESTINATION_NOT_ALLOWED')).gives('NOTIFY to Alice')
    expect(told(ladder)).toBe('SIP/2.0 403 Forbidden, terminated')
    expect(records(ladder)[1]).toMatchObject({
      reject_reason: 'DESTINATION_NOT_ALLOWED',
      transfer_type: 'blind',
    })
  })

  test('to a host which is none of ours leads nowhere', () => {
    const ladder = watch(office())
    const { invited, answer } = talk(ladder, telnyx, outside)
    const headers: Header[] = [['refer-to', '<sip:bob@premium.example>']]
    ladder
      .when(alice, within(invited, answer, alice, 'REFER', 3, { headers }))
      .gives('202 to Alice', 'NOTIFY to Alice', 'NOTIFY to Alice')
    expect(told(ladder)).toBe('SIP/2.0 404 Not Found, terminated')
  })

  test('whose party hangs up is off: the target is told so, and who asked hung up', () => {
    const { ladder, sent, accepted, rung } = ringing()
    ladder.when(bob, answers(rung, bob, 180)).whatever()
    ladder
      .when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 1))
      .gives('200 to Telnyx', 'BYE to Alice', 'CANCEL to Bob')
    expect(records(ladder).map(({ hangup_reason }) => hangup_reason)).toEqual(['normal', 'cancel'])
    ladder.when(bob, answers(rung, bob, 487)).whatever()
  })

  describe('whose asker leaves at once', () => {
    const left = () => {
      const scene = ringing()
      const { ladder, invited, answer } = scene
      ladder.when(alice, within(invited, answer, alice, 'BYE', 4)).gives('200 to Alice')
      expect(records(ladder)[0]).toMatchObject({ hangup_by: 'caller', hangup_reason: 'transferred' })
      return scene
    }

    test('keeps the other party waiting, and joins it', () => {
      const { ladder, rung } = left()
      ladder.when(bob, answers(rung, bob, 180)).gives()
      ladder
        .when(bob, answers(rung, bob, 200, { body: sdp('192.0.2.20') }))
        .gives('ACK to Bob', 'INVITE to Telnyx')
      ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1'))).gives('ACK to Telnyx')
      expect(records(ladder)[1]).toMatchObject({ status: 'progressing' })
    })

    test('hangs the other party up where the target cannot be had', () => {
      const { ladder, rung } = left()
      ladder.when(bob, answers(rung, bob, 486)).gives('ACK to Bob', 'BYE to Telnyx')
      expect(records(ladder)[1]).toMatchObject({ hangup_reason: 'busy', sip_status: 486 })
    })

    test('lets the other party leave, too', () => {
      const { ladder, sent, accepted, rung } = left()
      ladder.when(bob, answers(rung, bob, 180)).whatever()
      ladder
        .when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 1))
        .gives('200 to Telnyx', 'CANCEL to Bob')
      ladder.when(bob, answers(rung, bob, 487)).whatever()
    })
  })

  describe('whose party does not take the new sound', () => {
    const refusing = (status: number) => {
      const scene = ringing()
      const { ladder, rung } = scene
      ladder.when(bob, answers(rung, bob, 200, { body: sdp('192.0.2.20') })).whatever()
      const refusal = answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, status, { tag: '' })
      ladder.when(telnyx, refusal)
      return scene
    }

    test('goes back to the call it was in', () => {
      const { ladder, invited, answer } = refusing(488)
      ladder.gives('ACK to Telnyx', 'NOTIFY to Alice', 'BYE to Bob')
      expect(told(ladder)).toBe('SIP/2.0 488 Not Acceptable Here, terminated')
      expect(records(ladder).map(({ status }) => status)).toEqual(['progressing', 'hangup'])
      expect(records(ladder)[1]).toMatchObject({ reject_reason: 'TRANSFER_FAILED' })
      ladder.when(alice, within(invited, answer, alice, 'INFO', 4)).gives('INFO to Telnyx')
    })

    test('because it is gone ends both', () => {
      const { ladder } = refusing(481)
      ladder.gives('ACK to Telnyx', 'NOTIFY to Alice', 'BYE to Alice', 'BYE to Bob')
    })

    test('but rings for ever is given up, and hung up with the others', () => {
      const { ladder } = refusing(180)
      ladder.gives().after(32_900).whatever()
      expect(() => ladder.lastRequest(telnyx, 'CANCEL')).toThrow()
      ladder.after(100).whatever()
      expect(ladder.lastRequest(telnyx, 'CANCEL').cseq.number).toBe(
        ladder.lastRequest(telnyx, 'INVITE').cseq.number,
      )
      for (const party of [telnyx, alice, bob]) expect(ladder.lastRequest(party, 'BYE').method).toBe('BYE')
      expect(told(ladder)).toBe('SIP/2.0 480 Temporarily Unavailable, terminated')
    })

    test('because none can be made for it goes back to the call it was in, at once', () => {
      const { ladder, rung } = ringing()
      const call = ladder.engine.rooms.calls.index.session(sessionId(2))?.call
      if (!call) throw new Error('there is no second call')
      const { ports } = call
      call.ports = undefined
      ladder.when(bob, answers(rung, bob, 200, { body: sdp('192.0.2.20') })).whatever()
      call.ports = ports
      ladder.after(0).gives('NOTIFY to Alice', 'BYE to Bob')
      expect(told(ladder)).toBe('SIP/2.0 488 Not Acceptable Here, terminated')
    })

    test('but rings for ever leaves nothing behind where the target hangs up before', () => {
      const { ladder, rung } = refusing(180)
      const bobs = answers(rung, bob, 200, { body: sdp('192.0.2.20') })
      ladder.when(bob, fromCallee(rung, bobs, bob, 'BYE', 1))
      ladder.gives('200 to Bob', 'BYE to Telnyx', 'NOTIFY to Alice', 'BYE to Alice')
    })

    test('because it offered something itself is offered it once more', () => {
      const { ladder } = refusing(491)
      ladder.gives('ACK to Telnyx').after(5_000)
      expect(ladder.lastRequest(telnyx, 'INVITE').cseq.number).toBeGreaterThan(2)
      ladder.whatever()
      ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1'))).whatever()
      expect(told(ladder)).toBe('SIP/2.0 200 OK, terminated')
    })
  })

  describe('whose party is asked something still when its target answers', () => {
    /** Alice has sent a re-INVITE after her REFER, which Telnyx does not answer; Bob has. */
    const waiting = () => {
      const scene = ringing()
      const { ladder, invited, answer, rung } = scene
      const change = within(invited, answer, alice, 'INVITE', 4, { body: sdp('192.0.2.10', 4002) })
      ladder.when(alice, change).gives('INVITE to Telnyx')
      ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 180, { tag: '' })).whatever()
      const bobs = answers(rung, bob, 200, { body: sdp('192.0.2.20') })
      ladder.when(bob, bobs).gives('ACK to Bob')
      return { ...scene, bobs }
    }

    test('fails where the target hangs up first, and both parties of the first call are hung up by either', () => {
      const { ladder, invited, answer, rung, bobs } = waiting()
      ladder.when(bob, fromCallee(rung, bobs, bob, 'BYE', 2)).gives('200 to Bob', 'NOTIFY to Alice')
      expect(told(ladder)).toBe('SIP/2.0 480 Temporarily Unavailable, terminated')
      ladder
        .when(alice, within(invited, answer, alice, 'BYE', 5))
        .gives('200 to Alice', '487 to Alice', 'BYE to Telnyx')
    })

    test('is answered for who asks and leaves, and its late 2xx is acknowledged', () => {
      const { ladder, invited, answer } = waiting()
      const changed = ladder.lastRequest(telnyx, 'INVITE')
      ladder
        .when(alice, within(invited, answer, alice, 'BYE', 5))
        .gives('200 to Alice', 'CANCEL to Telnyx', '487 to Alice')
      ladder
        .when(telnyx, answers(changed, telnyx, 200, { tag: '', body: sdp('203.0.113.1') }))
        .gives('ACK to Telnyx')
      ladder.after(200).gives('INVITE to Telnyx')
      ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1', 5000))).gives('ACK to Telnyx')
    })
  })

  test('while another is under way, or a change, has to wait', () => {
    const { ladder, invited, answer } = ringing()
    ladder
      .when(alice, within(invited, answer, alice, 'REFER', 4, { headers: [target] }))
      .gives('491 to Alice')
  })

  test('of which who asks wants to hear nothing tells nothing (RFC 4488)', () => {
    const { ladder, rung } = ringing([target, ['refer-sub', 'false']])
    const taken = ladder.messages(alice).findLast((one) => one.kind === 'response' && one.status === 202)
    expect(taken?.header('refer-sub')).toBe('false')
    ladder.when(bob, answers(rung, bob, 180)).gives()
  })

  test('without a hop left is refused (RFC 7332)', () => {
    const ladder = watch(office())
    const { invited, answer } = talk(ladder, telnyx, outside)
    const refer = within(invited, answer, alice, 'REFER', 3, { headers: [target] })
    const headers = refer.headers.map(
      ([name, value]): Header => [name, name === 'max-forwards' ? '1' : value],
    )
    ladder.when(alice, { ...refer, headers } as Request).gives('483 to Alice')
  })
})

describe('an attended transfer', () => {
  /** Alice talks with Telnyx, who is to speak with Twilio, whom she talks with in another call. */
  const both = () => {
    const ladder = watch(office())
    const first = talk(ladder, telnyx, outside)
    const second = talk(ladder, twilio, { ...through(provider(twilio)), ...alices } as RouteDecision)
    return { ladder, first, second }
  }
  const replacing = ({ invited, answer }: Pick<Talk, 'invited' | 'answer'>, more = ''): Header[] => {
    const tags = `to-tag=${answer.to.tag};from-tag=${invited.from.tag}${more}`
    const value = encodeURIComponent(`${invited.callId};${tags}`)
    return [['refer-to', `<sip:${relayAddress}?Replaces=${value}>`]]
  }
  const begun = () => {
    const scene = both()
    const { ladder, first, second } = scene
    ladder
      .when(alice, within(first.invited, first.answer, alice, 'REFER', 3, { headers: replacing(second) }))
      .gives('202 to Alice', 'NOTIFY to Alice', 'INVITE to Telnyx')
    return scene
  }

  test('joins the two who remain, and ends both of the asker’s legs', () => {
    const { ladder, first } = begun()
    ladder
      .when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1', 5000)))
      .gives('ACK to Telnyx', 'BYE to Alice', 'NOTIFY to Alice')
    expect(told(ladder)).toBe('SIP/2.0 200 OK, terminated')
    ladder.when(alice, within(first.invited, first.answer, alice, 'BYE', 4)).gives('200 to Alice')
    const [one, other] = records(ladder)
    ladder
      .when(telnyx, fromCallee(first.sent, first.accepted, telnyx, 'REFER', 1, { headers: [target] }))
      .gives('403 to Telnyx')
    expect(one).toMatchObject({ hangup_by: 'caller', hangup_reason: 'transferred' })
    expect(other).toMatchObject({
      status: 'progressing',
      transferred_from: one?.call_id,
      transfer_type: 'attended',
    })
    ladder
      .when(telnyx, fromCallee(first.sent, first.accepted, telnyx, 'BYE', 2))
      .gives('200 to Telnyx', 'BYE to Twilio')
  })

  test('takes who was on hold off it', () => {
    const { ladder, first, second } = both()
    const hold = { body: sdp('192.0.2.10', 4000, 'a=sendonly') }
    ladder
      .when(alice, within(second.invited, second.answer, alice, 'INVITE', 3, hold))
      .gives('INVITE to Twilio')
    ladder.when(twilio, reply200(ladder, twilio, 'INVITE', sdp('203.0.113.2', 4000, 'a=recvonly'))).whatever()
    ladder.when(alice, within(second.invited, second.answer, alice, 'ACK', 3)).gives()
    ladder
      .when(alice, within(first.invited, first.answer, alice, 'REFER', 3, { headers: replacing(second) }))
      .whatever()
    expect(text(ladder.lastRequest(telnyx, 'INVITE').body)).not.toContain('recvonly')
    ladder
      .when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1')))
      .gives('ACK to Telnyx', 'BYE to Alice', 'NOTIFY to Alice', 'INVITE to Twilio')
    expect(text(ladder.lastRequest(twilio, 'INVITE').body)).toContain('a=sendrecv')
    ladder.when(twilio, reply200(ladder, twilio, 'INVITE', sdp('203.0.113.2'))).gives('ACK to Twilio')
  })

  test('which the transferred party does not take leaves both calls as they were', () => {
    const { ladder, first, second } = begun()
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 488, { tag: '' }))
      .gives('ACK to Telnyx', 'NOTIFY to Alice')
    expect(told(ladder)).toBe('SIP/2.0 488 Not Acceptable Here, terminated')
    ladder.when(alice, within(first.invited, first.answer, alice, 'INFO', 4)).gives('INFO to Telnyx')
    ladder.when(alice, within(second.invited, second.answer, alice, 'INFO', 3)).gives('INFO to Twilio')
  })

  test('whose asker hangs up its own leg at once is done all the same', () => {
    const { ladder, second } = begun()
    ladder.when(alice, within(second.invited, second.answer, alice, 'BYE', 3)).gives('200 to Alice')
    ladder
      .when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1')))
      .gives('ACK to Telnyx', 'NOTIFY to Alice')
    expect(records(ladder)[1]).toMatchObject({ status: 'progressing', transfer_type: 'attended' })
  })

  describe('whose asker hangs up its first leg at once', () => {
    const left = () => {
      const scene = begun()
      const { ladder, first } = scene
      ladder.when(alice, within(first.invited, first.answer, alice, 'BYE', 4)).gives('200 to Alice')
      return scene
    }

    test.each([
      ['refuses', 488, ['BYE to Telnyx']],
      ['fails', 500, ['BYE to Telnyx']],
      ['says it was silent too long', 408, ['BYE to Telnyx']],
      ['has no call any more', 481, []],
    ])('hangs up the other party where that %s, which no call is left to', (_, status, byes) => {
      const { ladder, second } = left()
      const offer = ladder.lastRequest(telnyx, 'INVITE')
      ladder.when(telnyx, answers(offer, telnyx, status, { tag: '' })).gives('ACK to Telnyx', ...byes)
      ladder.when(alice, within(second.invited, second.answer, alice, 'INFO', 3)).gives('INFO to Twilio')
    })
  })

  test('whose party says it was silent too long hangs that up, too', () => {
    const { ladder, second } = begun()
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 408, { tag: '' }))
      .gives('ACK to Telnyx', 'BYE to Telnyx', 'NOTIFY to Alice', 'BYE to Alice')
    ladder.when(alice, within(second.invited, second.answer, alice, 'INFO', 3)).gives('INFO to Twilio')
  })

  test('whose party hangs up before it has answered leaves the second call as it was', () => {
    const { ladder, first, second } = begun()
    ladder
      .when(telnyx, fromCallee(first.sent, first.accepted, telnyx, 'BYE', 1))
      .gives('200 to Telnyx', 'NOTIFY to Alice', 'BYE to Alice')
    ladder.when(alice, within(second.invited, second.answer, alice, 'INFO', 3)).gives('INFO to Twilio')
  })

  test('whose second party hangs up before it is done ends every leg', () => {
    const { ladder, second } = begun()
    ladder
      .when(twilio, fromCallee(second.sent, second.accepted, twilio, 'BYE', 1))
      .gives('200 to Twilio', 'BYE to Telnyx', 'BYE to Alice', 'NOTIFY to Alice', 'BYE to Alice')
  })

  test.each([
    [
      'a call which is not there',
      () => [['refer-to', '<sip:x@trunkline.test?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>']],
    ],
    ['the call itself', (_: Talk, first: Talk) => replacing(first)],
  ] as [string, (second: Talk, first: Talk) => Header[]][])('to %s is refused in words', (_, headers) => {
    const { ladder, first, second } = both()
    ladder
      .when(
        alice,
        within(first.invited, first.answer, alice, 'REFER', 3, { headers: headers(second, first) }),
      )
      .gives('403 to Alice')
    expect(ladder.lastResponse(alice).header('reason')).toContain('names no call which goes on here')
  })

  test('to a call which was to be replaced only while it rang is refused: it is answered (RFC 3891 §3)', () => {
    const { ladder, first, second } = both()
    const headers = replacing(second, ';early-only')
    ladder
      .when(alice, within(first.invited, first.answer, alice, 'REFER', 3, { headers }))
      .gives('486 to Alice')
  })

  test('to another customer’s call is refused as if there were none', () => {
    const ladder = watch(office())
    const first = talk(ladder, telnyx, outside)
    const foreign = '99999999-9999-4999-8999-999999999999'
    const decision = { ...through(provider(twilio)), ...alices, customer_id: foreign } as RouteDecision
    const second = talk(ladder, twilio, decision)
    ladder
      .when(alice, within(first.invited, first.answer, alice, 'REFER', 3, { headers: replacing(second) }))
      .gives('403 to Alice')
    expect(ladder.lastResponse(alice).header('reason')).toContain('names no call which goes on here')
  })
})

describe('a leg which is paid for and was transferred', () => {
  const at: Scope = { kind: 'provider', id: provider(telnyx).provider_id }
  const inUse = ({ engine, now }: Ladder) =>
    [at, acme, alicesPhone].map(
      (scope) =>
        engine.rooms.ledger.limits(scope, monotonicMs(now)).find(({ resource }) => resource === 'channels')
          ?.used,
    )

  /** Alice talks with Telnyx' party and with Bob, whom she asks to be connected. */
  const begun = () => {
    const caps = { max_channels: 9, max_daily_minutes: 99 }
    const limits = limitedBy({ [at.id]: caps, [customerId]: caps, [extensionIds.alice]: caps })
    const ladder = watch(office({ limits }))
    registers(ladder, bob, 'bob')
    const first = talk(ladder, telnyx, counted(outside))
    const second = talk(ladder, bob, counted(toBob))
    const tags = `to-tag=${second.answer.to.tag};from-tag=${second.invited.from.tag}`
    const replaces = encodeURIComponent(`${second.invited.callId};${tags}`)
    const headers: Header[] = [['refer-to', `<sip:${relayAddress}?Replaces=${replaces}>`]]
    ladder.when(alice, within(first.invited, first.answer, alice, 'REFER', 3, { headers })).whatever()
    return { ladder, first, second }
  }
  const leaves = ({ ladder, first }: ReturnType<typeof begun>) =>
    ladder.when(alice, within(first.invited, first.answer, alice, 'BYE', 4)).whatever()

  test('is in the limits of its provider, its customer and who called it until it ends', () => {
    const scene = begun()
    const { ladder, first } = scene
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1'))).whatever()
    leaves(scene)
    expect(records(ladder)[0]).toMatchObject({ status: 'hangup', hangup_reason: 'transferred' })
    expect(inUse(ladder)).toEqual([1, 2, 2])
    ladder.after(600_000).whatever()
    const used = ladder.engine.rooms.ledger.limits(alicesPhone, monotonicMs(ladder.now))
    expect(used.find(({ resource }) => resource === 'daily_minutes')?.used).toBeGreaterThanOrEqual(10)
    expect(used.find(({ resource }) => resource === 'daily_minutes')?.used).toBeLessThan(11)
    ladder.when(telnyx, fromCallee(first.sent, first.accepted, telnyx, 'BYE', 1)).whatever()
    expect(inUse(ladder)).toEqual([0, 0, 0])
  })

  test('is named by the record of the call it speaks in, as minutes of who called it', () => {
    const scene = begun()
    const { ladder } = scene
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1'))).whatever()
    leaves(scene)
    const carried = { direction: 'internal', provider_id: at.id, sent_out_by: extensionIds.alice }
    expect(records(ladder)[1]).toMatchObject(carried)
  })

  test('is in no limits any more where it could not come, and was hung up', () => {
    const scene = begun()
    const { ladder } = scene
    const offer = ladder.lastRequest(telnyx, 'INVITE')
    leaves(scene)
    expect(inUse(ladder)).toEqual([1, 2, 2])
    ladder.when(telnyx, answers(offer, telnyx, 488, { tag: '' })).whatever()
    expect(inUse(ladder)).toEqual([0, 1, 1])
  })

  test('ends in the limits of its first call where that ends last', () => {
    const { ladder, first } = begun()
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1'))).whatever()
    ladder.when(telnyx, fromCallee(first.sent, first.accepted, telnyx, 'BYE', 1)).whatever()
    ladder.after(4_000).whatever()
    expect(inUse(ladder)).toEqual([0, 0, 0])
  })
})
