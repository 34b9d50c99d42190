import { describe, expect, test } from 'vitest'
import type { RouteDecision } from '#contract'
import type { Header, Request, Response } from '../../../relay/sip/message.ts'
import { encrypted, keysIn, srtp } from '../../support/keyed.ts'
import { type Ladder, type Party, party, relayAddress } from '../../support/ladder.ts'
import {
  account,
  ack,
  alice,
  aliceDials,
  answers,
  extensionIds,
  fromCallee,
  invite,
  office,
  prove,
  provider,
  sdp,
  telnyx,
  through,
  twilio,
  within,
} from '../../support/office.ts'
import { calling, leavesNothingBehind, reply200, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

/** What the party of a leg said, and hears again. */
const gcm = (address: string, byte: number) =>
  encrypted(address, byte, { tag: '2', suite: 'AEAD_AES_128_GCM' })
const aimedAt = ({ media }: Ladder) => media.filter(({ type }) => type === 'aim').length

describe('an offer with keys which is refused', () => {
  test('before the answer changes nothing of what the callee is heard and spoken to by', () => {
    const headers: Header[] = [
      ['supported', '100rel'],
      ['allow', 'INVITE, ACK, BYE, PRACK, UPDATE'],
    ]
    const { ladder, sent, invited } = calling({}, { headers, body: encrypted('192.0.2.10', 1) })
    const reliably: Header[] = [['require', '100rel'], ['rseq', '1'], ...headers.slice(1)]
    const said = answers(sent, telnyx, 183, { body: gcm('203.0.113.1', 2), headers: reliably })
    ladder.when(telnyx, said).gives('PRACK to Telnyx', '183 to Alice')
    ladder.when(telnyx, reply200(ladder, telnyx, 'PRACK')).gives()
    const told = ladder.lastResponse(alice)
    const rack: Header[] = [['rack', `${told.header('rseq')} ${told.header('cseq')}`]]
    ladder.when(alice, within(invited, told, alice, 'PRACK', 3, { headers: rack })).gives('200 to Alice')
    const before = srtp(ladder, 'callee')
    expect(before?.ours.suite).toBe('AEAD_AES_128_GCM')
    const body = encrypted('192.0.2.10', 1)
    ladder.when(alice, within(invited, told, alice, 'UPDATE', 4, { body })).gives('UPDATE to Telnyx')
    expect(tags(ladder.lastRequest(telnyx, 'UPDATE'))).toEqual(['2', '1', '3', '4'])
    ladder.when(telnyx, refusal(ladder, telnyx, 'UPDATE', 488)).gives('488 to Alice')
    const aims = aimedAt(ladder)
    ladder.when(telnyx, answers(sent, telnyx, 200)).whatever()
    expect(aimedAt(ladder)).toBeGreaterThan(aims)
    expect(srtp(ladder, 'callee')).toEqual(before)
  })

  test('is not what a refresh repeats: that says what was agreed on, under a new version', () => {
    const lasts: Header = ['session-expires', '120;refresher=uac']
    const { ladder, sent, invited } = calling({}, { body: encrypted('192.0.2.10', 1) })
    const body = gcm('203.0.113.1', 2)
    ladder.when(telnyx, answers(sent, telnyx, 200, { body, headers: [lasts] })).whatever()
    const answer = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, answer)).gives()
    const keys = srtp(ladder, 'callee')
    const hold = { body: encrypted('192.0.2.10', 1, { tag: '1', direction: 'sendonly' }) }
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, hold)).gives('INVITE to Telnyx')
    ladder.when(telnyx, refusal(ladder, telnyx, 'INVITE', 488)).gives('ACK to Telnyx', '488 to Alice')
    ladder.after(60_000).whatever()
    const refresh = ladder.lastRequest(telnyx, 'INVITE')
    expect(text(refresh.body)).toBe(text(sent.body).replace(/^(o=\S+ \S+) 1 /m, '$1 3 '))
    ladder.when(telnyx, answers(refresh, telnyx, 200, { tag: '', body, headers: [lasts] })).whatever()
    expect(srtp(ladder, 'callee')).toEqual(keys)
  })

  test('is forgotten when its leg is aimed at anew, with another party', () => {
    const { ladder, first, second } = both()
    const before = srtp(ladder, 'callee')
    const hold = { body: encrypted('192.0.2.10', 1, { tag: '2', direction: 'sendonly' }) }
    ladder
      .when(alice, within(second.invited, second.answer, alice, 'INVITE', 3, hold))
      .gives('INVITE to Twilio')
    ladder.when(twilio, refusal(ladder, twilio, 'INVITE', 488)).gives('ACK to Twilio', '488 to Alice')
    transfers(ladder, first, second)
    const body = encrypted('203.0.113.1', 2, { tag: '1' })
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', body)).whatever()
    expect(srtp(ladder, 'callee')).toEqual(before)
    expect(srtp(ladder, 'caller')?.theirs.secret[0]).toBe(2)
  })
})

describe('a key of ours for a party which comes into another call', () => {
  test('is a new one, even where it offers its own anew before it has taken ours', () => {
    const { ladder, first, second } = both()
    const [old] = keysIn(first.sent)
    transfers(ladder, first, second)
    const [offered] = keysIn(ladder.lastRequest(telnyx, 'INVITE'))
    expect(offered?.secret).not.toEqual(old?.secret)
    ladder.when(telnyx, refusal(ladder, telnyx, 'INVITE', 491)).gives('ACK to Telnyx')
    const body = encrypted('203.0.113.1', 2, { tag: '1' })
    ladder.when(telnyx, fromCallee(first.sent, first.accepted, telnyx, 'INVITE', 1, { body })).whatever()
    ladder.when(twilio, reply200(ladder, twilio, 'INVITE', gcm('203.0.113.2', 3))).whatever()
    const [answer] = keysIn(ladder.lastResponse(telnyx))
    expect(ladder.lastResponse(telnyx).status).toBe(200)
    expect(answer?.secret).not.toEqual(old?.secret)
  })
})

describe('a change inside an encrypted call', () => {
  test('back from fax to sound has the sound encrypted again', () => {
    const { ladder, first } = both()
    const fax = new TextEncoder().encode(
      text(sdp('203.0.113.1')).replace(/m=audio[\s\S]*/, 'm=image 4000 udptl t38\r\na=T38FaxVersion:0\r\n'),
    )
    const calls = (cseq: number, body: Uint8Array) =>
      ladder.when(telnyx, fromCallee(first.sent, first.accepted, telnyx, 'INVITE', cseq, { body }))
    calls(1, fax).gives('INVITE to Alice')
    const faxes = text(fax).replace('203.0.113.1', '192.0.2.10')
    ladder.when(alice, reply200(ladder, alice, 'INVITE', new TextEncoder().encode(faxes))).whatever()
    ladder.when(telnyx, fromCallee(first.sent, first.accepted, telnyx, 'ACK', 1)).gives()
    calls(2, sdp('203.0.113.1')).gives('INVITE to Alice')
    const again = ladder.lastRequest(alice, 'INVITE')
    expect(again.body && text(again.body)).toContain('RTP/SAVP')
    expect(keysIn(again)[0]?.secret).not.toEqual(keysIn(first.answer)[0]?.secret)
  })

  test.each([
    ['its offer', 'nothing'],
    ['an offer, in the ACK', 'an offer'],
  ])('is heard by a new key of %s, though the other side’s answer cannot be used', (_, brings) => {
    const { ladder, first } = both()
    const renewed = encrypted('192.0.2.10', 9)
    const [asker, asked] = brings === 'nothing' ? [alice, telnyx] : [telnyx, alice]
    const change = (method: string, body?: Uint8Array) => {
      const more = body ? { body } : {}
      return asker === alice
        ? within(first.invited, first.answer, alice, method, 3, more)
        : fromCallee(first.sent, first.accepted, telnyx, method, 1, more)
    }
    ladder.when(asker, change('INVITE', brings === 'nothing' ? renewed : undefined)).whatever()
    ladder
      .when(asked, reply200(ladder, asked, 'INVITE', brings === 'nothing' ? undefined : renewed))
      .whatever()
    ladder.when(asker, change('ACK')).whatever()
    const [told] = keysIn(
      brings === 'nothing' ? ladder.lastResponse(alice) : ladder.lastRequest(alice, 'ACK'),
    )
    const aim = ladder.media.findLast((each) => each.type === 'aim' && each.aim.srtp?.theirs.secret[0] === 9)
    expect(aim?.type === 'aim' && aim.aim.srtp?.ours.secret).toEqual(told?.secret)
  })
})

describe('a party which must encrypt', () => {
  const [byTls, overTls] = [
    party('Alice', '192.0.2.10', 5061, 'tls'),
    party('Telnyx', '203.0.113.1', 5061, 'tls'),
  ]
  const body = encrypted('192.0.2.10', 1)

  /** Alice has called over TLS. */
  const secured = () => {
    const ladder = watch(office({}, byTls))
    const first = invite(byTls, '+15551234567', { body })
    ladder.when(byTls, first).gives('407 to Alice')
    const invited = prove(first, ladder.lastResponse(byTls), 'alice')
    ladder.when(byTls, invited).gives('ask credential').credential(account('alice')).whatever()
    ladder.decide({ ...through(provider(telnyx)), secure: 'required' } as RouteDecision).whatever()
    ladder.locate(telnyx).whatever()
    const sent = ladder.lastRequest(telnyx)
    const accepted = answers(sent, telnyx, 200, { body: encrypted('203.0.113.1', 2) })
    ladder.when(telnyx, accepted).whatever()
    const answer = ladder.lastResponse(byTls)
    ladder.when(byTls, ack(invited, answer)).gives()
    return { ladder, invited, answer, sent, accepted }
  }

  test.each([
    ['INVITE', { body }],
    ['INVITE without an offer', {}],
    ['UPDATE', { body }],
  ])('is told no key in the open: an %s from there is refused', (method, more) => {
    const { ladder, invited, answer } = secured()
    const [name = ''] = method.split(' ')
    ladder.when(alice, within(invited, answer, alice, name, 3, more)).gives('488 to Alice')
    expect(ladder.lastResponse(alice).header('reason')).toContain('over TLS')
  })

  test('is not followed there, whatever it asks', () => {
    const { ladder, invited, answer, sent, accepted } = secured()
    ladder.when(alice, within(invited, answer, alice, 'INFO', 3)).gives('INFO to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'INFO')).gives('200 to Alice')
    const renewed = { body: encrypted('203.0.113.1', 5) }
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'INVITE', 1, renewed)).gives('INVITE to Alice')
    expect(ladder.flow('INVITE')?.transport).toBe('tls')
  })

  test('is refused an UPDATE there before the answer, too', () => {
    const ladder = watch(office({}, overTls))
    aliceDials(ladder, '+15551234567', { body })
    ladder.decide(through(provider(telnyx, { secure: 'required', transport: 'tls' }))).whatever()
    ladder.locate(overTls).whatever()
    const sent = ladder.lastRequest(overTls)
    const headers: Header[] = [
      ['require', '100rel'],
      ['rseq', '1'],
    ]
    const said = answers(sent, overTls, 183, { body: encrypted('203.0.113.1', 2), headers })
    ladder.when(overTls, said).whatever()
    ladder.when(overTls, reply200(ladder, overTls, 'PRACK')).gives()
    const more = { body: encrypted('203.0.113.1', 2) }
    ladder.when(telnyx, fromCallee(sent, said, telnyx, 'UPDATE', 1, more)).gives('488 to Telnyx')
  })

  test('is not heard in the open where it answers by no key of ours: it is not aimed at', () => {
    const ladder = watch(office({}, overTls))
    aliceDials(ladder, '+15551234567', { body })
    ladder.decide(through(provider(telnyx, { secure: 'required', transport: 'tls' }))).whatever()
    ladder.locate(overTls).whatever()
    const sent = ladder.lastRequest(overTls)
    for (const tag of ['one', 'other']) {
      const headers: Header[] = [
        ['require', '100rel'],
        ['rseq', '1'],
        ['allow', 'UPDATE'],
      ]
      const said = answers(sent, overTls, 183, { body: gcm('203.0.113.1', 2), headers, tag })
      ladder.when(overTls, said).whatever()
      ladder.when(overTls, reply200(ladder, overTls, 'PRACK')).whatever()
    }
    const more = { body: encrypted('203.0.113.1', 2, { tag: '7' }) }
    const first = answers(sent, overTls, 183, { tag: 'one' })
    ladder.when(overTls, fromCallee(sent, first, overTls, 'UPDATE', 1, more)).gives('200 to Telnyx')
    const aims = aimedAt(ladder)
    ladder.when(overTls, answers(sent, overTls, 200, { tag: 'other' })).whatever()
    expect(ladder.media.filter(({ type }) => type === 'aim').slice(aims)).not.toContainEqual(
      expect.objectContaining({
        side: 'callee',
        aim: expect.not.objectContaining({ srtp: expect.anything() }),
      }),
    )
  })
})

interface Talk {
  readonly invited: Request
  readonly answer: Response
  readonly sent: Request
  readonly accepted: Response
}

/** Alice has two calls, all of them encrypted: with Telnyx, and with Twilio. */
function both(): { readonly ladder: Ladder; readonly first: Talk; readonly second: Talk } {
  const ladder = watch(office())
  const first = talk(ladder, telnyx, encrypted(telnyx.flow.address, 2))
  return { ladder, first, second: talk(ladder, twilio, gcm(twilio.flow.address, 3)) }
}

function talk(ladder: Ladder, carrier: Party, body: Uint8Array): Talk {
  const invited = aliceDials(ladder, '+15551234567', { body: encrypted('192.0.2.10', 1, { tag: '2' }) })
  const alices = { transfer: 'local', extension_id: extensionIds.alice } as const
  ladder
    .decide({ ...through(provider(carrier)), ...alices } as RouteDecision)
    .whatever()
    .locate(carrier)
  const sent = ladder.lastRequest(carrier, 'INVITE')
  const accepted = answers(sent, carrier, 200, { body })
  ladder.whatever().when(carrier, accepted).whatever()
  const answer = ladder.lastResponse(alice)
  ladder.when(alice, ack(invited, answer)).gives()
  return { invited, answer, sent, accepted }
}

/** Alice has her party of the first call connected with that of the second. */
function transfers(ladder: Ladder, first: Talk, { invited, answer }: Talk): void {
  const value = encodeURIComponent(`${invited.callId};to-tag=${answer.to.tag};from-tag=${invited.from.tag}`)
  const headers: Header[] = [['refer-to', `<sip:${relayAddress}?Replaces=${value}>`]]
  ladder
    .when(alice, within(first.invited, first.answer, alice, 'REFER', 3, { headers }))
    .gives('202 to Alice', 'NOTIFY to Alice', 'INVITE to Telnyx')
}

function refusal(ladder: Ladder, from: Party, method: string, status: number): Response {
  return answers(ladder.lastRequest(from, method), from, status, { tag: '' })
}

function tags(message: Request): string[] {
  return keysIn(message).map(({ tag }) => tag)
}
