import { describe, expect, test } from 'vitest'
import type { RouteDecision } from '#contract'
import type { Header } from '../../../relay/sip/message.ts'
import { encrypted, keysIn, line, proto, srtp } from '../../support/keyed.ts'
import { type Party, party } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  fromCallee,
  office,
  provider,
  registers,
  ringBob,
  sdp,
  telnyx,
  through,
  twilio,
  within,
} from '../../support/office.ts'
import { leavesNothingBehind, reply200, watch } from '../../support/scene.ts'

leavesNothingBehind()

const overTls = party('Telnyx', '203.0.113.1', 5061, 'tls')
const twilioTls = party('Twilio', '203.0.113.2', 5061, 'tls')

describe('a caller who encrypts, and a carrier', () => {
  test('have each their own keys with us, and may have different suites', () => {
    const { ladder, sent } = dialling(encrypted('192.0.2.10', 1))
    expect(proto(sent)).toBe('RTP/SAVP')
    expect(keysIn(sent).map(({ suite }) => suite)).toEqual([
      'AES_CM_128_HMAC_SHA1_80',
      'AEAD_AES_128_GCM',
      'AEAD_AES_256_GCM',
      'AES_CM_128_HMAC_SHA1_32',
    ])
    const body = encrypted('203.0.113.1', 2, { tag: '2', suite: 'AEAD_AES_128_GCM' })
    ladder.when(telnyx, answers(sent, telnyx, 200, { body })).gives('ACK to Telnyx', '200 to Alice')
    const answered = ladder.lastResponse(alice)
    expect(proto(answered)).toBe('RTP/SAVP')
    expect(keysIn(answered)).toMatchObject([{ tag: '1', suite: 'AES_CM_128_HMAC_SHA1_80' }])
    const [caller, callee] = [srtp(ladder, 'caller'), srtp(ladder, 'callee')]
    expect(caller?.theirs.secret[0]).toBe(1)
    expect(caller?.ours.secret).toEqual(keysIn(answered)[0]?.secret)
    expect(callee?.theirs.secret[0]).toBe(2)
    expect(callee?.ours.secret).toEqual(keysIn(sent)[1]?.secret)
    expect(ladder.record.media).toMatchObject({
      from_caller: { cipher: 'AES_CM_128_HMAC_SHA1_80', signalling: 'udp' },
      from_callee: { cipher: 'AEAD_AES_128_GCM', signalling: 'udp' },
    })
  })

  test('who knows no SRTP is offered RTP instead, once; the caller keeps its encryption', () => {
    const { ladder, sent } = dialling(encrypted('192.0.2.10', 1))
    ladder.when(telnyx, answers(sent, telnyx, 488)).gives('ACK to Telnyx', 'INVITE to Telnyx')
    const again = ladder.lastRequest(telnyx)
    expect(again.cseq.number).toBe(sent.cseq.number + 1)
    expect(proto(again)).toBe('RTP/AVP')
    ladder.when(telnyx, answers(again, telnyx, 200, { body: sdp('203.0.113.1') })).whatever()
    expect(srtp(ladder, 'caller')?.theirs.secret[0]).toBe(1)
    expect(srtp(ladder, 'callee')).toBeUndefined()
    expect(proto(ladder.lastResponse(alice))).toBe('RTP/SAVP')
    expect(ladder.record.media).toMatchObject({ from_callee: { cipher: null } })
  })

  test('who wants neither has its word passed on', () => {
    const { ladder, sent } = dialling(encrypted('192.0.2.10', 1))
    ladder.when(telnyx, answers(sent, telnyx, 488)).whatever()
    const again = ladder.lastRequest(telnyx)
    ladder.when(telnyx, answers(again, telnyx, 488)).gives('ACK to Telnyx', '488 to Alice')
  })

  test('who answers RTP to SRTP is heard so', () => {
    const { ladder, sent } = dialling(encrypted('192.0.2.10', 1))
    ladder
      .when(telnyx, answers(sent, telnyx, 200, { body: sdp('203.0.113.1') }))
      .gives('ACK to Telnyx', '200 to Alice')
    expect(srtp(ladder, 'callee')).toBeUndefined()
  })

  test('who answers with a key to none of ours is not', () => {
    const { ladder, sent } = dialling(encrypted('192.0.2.10', 1))
    const body = encrypted('203.0.113.1', 2, { tag: '2', suite: 'AES_CM_128_HMAC_SHA1_80' })
    ladder
      .when(telnyx, answers(sent, telnyx, 200, { body }))
      .gives('ACK to Telnyx', 'BYE to Telnyx', '488 to Alice')
  })

  test('is heard by its key before it is answered', () => {
    const { ladder } = dialling(encrypted('192.0.2.10', 1))
    expect(srtp(ladder, 'caller')?.theirs.secret[0]).toBe(1)
  })

  test('who leaves it open leaves it open to the carrier, too (RFC 8643)', () => {
    const { ladder, sent } = dialling(sdp('192.0.2.10', 4000, line({ tag: '1' }, 1)))
    expect(proto(sent)).toBe('RTP/AVP')
    expect(keysIn(sent)).toHaveLength(4)
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: sdp('203.0.113.1') })).whatever()
    expect(proto(ladder.lastResponse(alice))).toBe('RTP/AVP')
    expect(keysIn(ladder.lastResponse(alice))).toHaveLength(1)
    expect(srtp(ladder, 'caller')).toBeDefined()
    expect(srtp(ladder, 'callee')).toBeUndefined()
  })

  test('whose keys are none we understand hears so, and who is called is not', () => {
    const ladder = watch(office())
    const body = encrypted('192.0.2.10', 1, { tag: '1', more: ' KDR=3' })
    aliceDials(ladder, '+15551234567', { body })
    ladder.decide(through(provider(telnyx))).gives('488 to Alice')
    expect(ladder.record.reject_message).toContain('brings no key which is understood')
  })
})

describe('a caller without encryption, and a carrier', () => {
  test('which wants it, and says so, are bridged', () => {
    const { ladder, sent } = dialling(sdp('192.0.2.10'))
    expect([proto(sent), keysIn(sent)]).toEqual(['RTP/AVP', []])
    const refusal = answers(sent, telnyx, 488, { headers: [['warning', '399 t "SRTP is required"']] })
    ladder.when(telnyx, refusal).gives('ACK to Telnyx', 'INVITE to Telnyx')
    const again = ladder.lastRequest(telnyx)
    expect(proto(again)).toBe('RTP/SAVP')
    const body = encrypted('203.0.113.1', 2, { tag: '1' })
    ladder.when(telnyx, answers(again, telnyx, 200, { body })).whatever()
    expect(srtp(ladder, 'caller')).toBeUndefined()
    expect(srtp(ladder, 'callee')?.theirs.secret[0]).toBe(2)
    expect(proto(ladder.lastResponse(alice))).toBe('RTP/AVP')
  })

  test('which does not say so are not: 488 has many reasons', () => {
    const { ladder, sent } = dialling(sdp('192.0.2.10'))
    ladder.when(telnyx, answers(sent, telnyx, 488)).gives('ACK to Telnyx', '488 to Alice')
  })
})

describe('a caller without encryption, and a phone', () => {
  test('which refuses RTP are bridged; one which refuses SRTP, too, is refused', () => {
    const ladder = watch(office())
    registers(ladder, bob, 'bob')
    aliceDials(ladder, 'bob', { body: sdp('192.0.2.10') })
    ladder.decide(ringBob()).gives('INVITE to Bob')
    const sent = ladder.lastRequest(bob)
    ladder.when(bob, answers(sent, bob, 488)).gives('ACK to Bob', 'INVITE to Bob')
    const again = ladder.lastRequest(bob)
    expect(proto(again)).toBe('RTP/SAVP')
    ladder.when(bob, answers(again, bob, 488)).gives('ACK to Bob', '488 to Alice')
  })
})

describe('secure: required of a carrier', () => {
  const both = through(
    provider(telnyx, { secure: 'required', transport: 'tls' }),
    provider(twilio, { secure: 'required', transport: 'tls' }),
  )

  test('offers SRTP alone, whatever the caller has', () => {
    const { ladder, sent } = dialling(sdp('192.0.2.10'), both, overTls)
    expect(proto(sent)).toBe('RTP/SAVP')
    const body = encrypted('203.0.113.1', 2, { tag: '1' })
    ladder.when(overTls, answers(sent, overTls, 200, { body })).gives('ACK to Telnyx', '200 to Alice')
    expect(srtp(ladder, 'callee')?.theirs.secret[0]).toBe(2)
    expect(ladder.record.media).toMatchObject({
      from_callee: { cipher: 'AES_CM_128_HMAC_SHA1_80', signalling: 'tls' },
    })
  })

  test.each([488, 415, 606])('goes on to the next when it refuses with %s, and says why', (status) => {
    const { ladder, sent } = dialling(sdp('192.0.2.10'), both, overTls)
    ladder.when(overTls, answers(sent, overTls, status)).gives('ACK to Telnyx', 'ask locate')
    ladder.locate(twilioTls).gives('INVITE to Twilio')
    expect(ladder.record.attempts[0]).toMatchObject({ status, decision: 'next' })
  })

  test('goes on to the next when it answers RTP, even after it rang, and says why', () => {
    const { ladder, sent } = dialling(sdp('192.0.2.10'), both, overTls)
    ladder.when(overTls, answers(sent, overTls, 180)).gives('180 to Alice')
    ladder
      .when(overTls, answers(sent, overTls, 200, { body: sdp('203.0.113.1') }))
      .gives('ACK to Telnyx', 'BYE to Telnyx', 'ask locate')
    ladder.locate(twilioTls).gives('INVITE to Twilio')
    expect(ladder.record.attempts[0]).toMatchObject({
      status: 488,
      reason: 'it answers without encrypting its sound',
      decision: 'next',
    })
  })

  test('refuses an UPDATE which would go on without, before the answer', () => {
    const { ladder, sent } = dialling(sdp('192.0.2.10'), both, overTls)
    const headers: Header[] = [
      ['require', '100rel'],
      ['rseq', '1'],
    ]
    const body = encrypted('203.0.113.1', 2, { tag: '1' })
    const said = answers(sent, overTls, 183, { body, headers })
    ladder.when(overTls, said).gives('PRACK to Telnyx', '183 to Alice')
    ladder.when(overTls, reply200(ladder, overTls, 'PRACK')).gives()
    const plain = fromCallee(sent, said, overTls, 'UPDATE', 1, { body: sdp('203.0.113.1', 4010) })
    ladder.when(overTls, plain).gives('488 to Telnyx')
  })

  test('calls nobody where keys would be read on the way', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567', { body: encrypted('192.0.2.10', 1) })
    ladder.decide(through(provider(telnyx, { secure: 'required' }))).gives('ask locate')
    ladder.locate(telnyx).gives('488 to Alice')
    expect(ladder.record).toMatchObject({ reject_reason: 'NOT_ENCRYPTED' })
    expect(ladder.record.reject_message).toContain('over udp, not TLS')
  })
})

describe('a SIP address over TLS', () => {
  const at = (uri: string): RouteDecision =>
    ({
      ...through(provider(telnyx)),
      targets: {
        kind: 'sip',
        sip: { uri, user: 'agent', hostname: 'agent.test', port: null, transport: 'tls', ring_ms: 30_000 },
      },
    }) as RouteDecision

  test('is an agent’s as a rule: it is offered SRTP first, and then RTP', () => {
    const { ladder, sent } = dialling(sdp('192.0.2.10'), at('sip:agent@agent.test;transport=tls'), overTls)
    expect(proto(sent)).toBe('RTP/SAVP')
    ladder.when(overTls, answers(sent, overTls, 488)).gives('ACK to Telnyx', 'INVITE to Telnyx')
    expect(proto(ladder.lastRequest(overTls))).toBe('RTP/AVP')
  })

  test('written as sips: is offered SRTP alone', () => {
    const { ladder, sent } = dialling(sdp('192.0.2.10'), at('sips:agent@agent.test'), overTls)
    expect(proto(sent)).toBe('RTP/SAVP')
    ladder.when(overTls, answers(sent, overTls, 488)).gives('ACK to Telnyx', '488 to Alice')
  })
})

describe('secure of a caller', () => {
  test('required refuses who calls without TLS', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567', { body: encrypted('192.0.2.10', 1) })
    ladder.decide({ ...through(provider(telnyx)), secure: 'required' } as RouteDecision).gives('488 to Alice')
    expect(ladder.record).toMatchObject({ reject_reason: 'NOT_ENCRYPTED' })
  })

  test('required of who is called rings a phone over TLS beside one without, whichever registered first', () => {
    const phone = party('The phone', '192.0.2.22', 50_072, 'tls')
    const ladder = watch(office({}, phone))
    registers(ladder, bob, 'bob')
    registers(ladder, phone, 'bob')
    const asked = ringBob()
    if (asked.kind !== 'connect' || asked.targets.kind !== 'extension') throw new Error('it is refused')
    const targets = {
      kind: 'extension',
      extension: { ...asked.targets.extension, secure: 'required' },
    } as const
    aliceDials(ladder, 'bob', { body: encrypted('192.0.2.10', 1) })
    ladder.decide({ ...asked, targets }).gives('INVITE to The phone')
  })

  test('off refuses SRTP, and is deaf to keys which may be ignored', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567', { body: encrypted('192.0.2.10', 1) })
    ladder.decide({ ...through(provider(telnyx)), secure: 'off' } as RouteDecision).gives('488 to Alice')
    const open = dialling(sdp('192.0.2.10', 4000, line({ tag: '1' }, 1)), {
      ...through(provider(telnyx)),
      secure: 'off',
    } as RouteDecision)
    open.ladder.when(telnyx, answers(open.sent, telnyx, 200, { body: sdp('203.0.113.1') })).whatever()
    expect(keysIn(open.ladder.lastResponse(alice))).toEqual([])
    expect(srtp(open.ladder, 'caller')).toBeUndefined()
  })
})

describe('keys inside a call', () => {
  test('stay over hold and resume, on both sides', () => {
    const { ladder, invited, answer } = talking()
    const before = [srtp(ladder, 'caller'), srtp(ladder, 'callee')]
    const held = encrypted('192.0.2.10', 1, { tag: '1', direction: 'sendonly' })
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: held })).gives('INVITE to Telnyx')
    const asked = ladder.lastRequest(telnyx, 'INVITE')
    expect(proto(asked)).toBe('RTP/SAVP')
    expect(keysIn(asked)[0]?.secret).toEqual(before[1]?.ours.secret)
    const ok = reply200(ladder, telnyx, 'INVITE', encrypted('203.0.113.1', 2, { tag: '1' }))
    ladder.when(telnyx, ok).gives('ACK to Telnyx', '200 to Alice')
    expect([srtp(ladder, 'caller'), srtp(ladder, 'callee')]).toEqual(before)
  })

  test('are renewed with a party which renews its own, and with no other', () => {
    const { ladder, invited, answer } = talking()
    const before = [srtp(ladder, 'caller'), srtp(ladder, 'callee')]
    const renewed = encrypted('192.0.2.10', 9, { tag: '1' })
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: renewed })).whatever()
    const ok = reply200(ladder, telnyx, 'INVITE', encrypted('203.0.113.1', 2, { tag: '1' }))
    ladder.when(telnyx, ok).whatever()
    expect(srtp(ladder, 'caller')?.theirs.secret[0]).toBe(9)
    expect(srtp(ladder, 'caller')?.ours.secret).not.toEqual(before[0]?.ours.secret)
    expect(srtp(ladder, 'callee')).toEqual(before[1])
  })

  test('come with a late offer and go with its answer (RFC 3264)', () => {
    const ladder = watch(office())
    const invited = aliceDials(ladder, '+15551234567', { body: new Uint8Array(0) })
    ladder.decide(through(provider(telnyx))).whatever()
    ladder.locate(telnyx).whatever()
    const sent = ladder.lastRequest(telnyx)
    const offer = encrypted('203.0.113.1', 2, { tag: '1' })
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: offer })).gives('200 to Alice')
    const told = ladder.lastResponse(alice)
    expect(proto(told)).toBe('RTP/SAVP')
    expect(keysIn(told)).toHaveLength(4)
    ladder
      .when(alice, ack(invited, told, { body: encrypted('192.0.2.10', 1, { tag: '1' }) }))
      .gives('ACK to Telnyx')
    const acked = ladder.lastRequest(telnyx, 'ACK')
    expect(keysIn(acked)).toHaveLength(1)
    expect(srtp(ladder, 'callee')).toMatchObject({ ours: { secret: keysIn(acked)[0]?.secret } })
    expect(srtp(ladder, 'caller')?.ours.secret).toEqual(keysIn(told)[0]?.secret)
  })
})

/** Alice and Telnyx talk, both encrypted. */
function talking() {
  const { ladder, sent, invited } = dialling(encrypted('192.0.2.10', 1))
  const body = encrypted('203.0.113.1', 2, { tag: '1' })
  ladder.when(telnyx, answers(sent, telnyx, 200, { body })).whatever()
  const answer = ladder.lastResponse(alice)
  ladder.when(alice, ack(invited, answer)).gives()
  return { ladder, invited, answer }
}

function dialling(body: Uint8Array, decision: RouteDecision = through(provider(telnyx)), at: Party = telnyx) {
  const ladder = watch(office({}, overTls, twilioTls))
  const invited = aliceDials(ladder, '+15551234567', { body })
  ladder.decide(decision).whatever()
  ladder.locate(at).whatever()
  return { ladder, invited, sent: ladder.lastRequest(at) }
}
