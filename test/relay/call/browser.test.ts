import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Aim } from '../../../relay/ground/media.ts'
import { browserFingerprint, browserSdp, soundBehindPicture } from '../../support/browser-sdp.ts'
import type { Party } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  fromCallee,
  office,
  provider,
  registers,
  ringBob,
  sdp,
  telnyx,
  through,
  within,
} from '../../support/office.ts'
import { leavesNothingBehind, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

const certificates = ['AA:01', 'AA:02']
/** PCMU at the carrier. */
const theirs = sdp('203.0.113.1')

describe('a browser which calls (RFC 8829)', () => {
  test('is answered ICE-lite with one bundled line, each other declined; the carrier hears of none of it', () => {
    const { ladder, offered, answer } = browserCalls()
    expect(offered).toContain('RTP/AVP 111 63 9 0 8 13 110 126')
    expect(offered).not.toMatch(
      /ice-|candidate|fingerprint|setup|a=mid|BUNDLE|extmap|rtcp-|msid|ssrc|m=video|0\.0\.0\.0/,
    )
    expect(offered).toMatch(/^a=sendrecv\r$/m)
    const port = /^m=audio (\d+) UDP\/TLS\/RTP\/SAVPF 0 /m.exec(answer)?.[1]
    for (const line of [
      'a=ice-lite',
      'a=group:BUNDLE 0',
      'a=mid:0',
      'a=rtcp-mux',
      'a=setup:passive',
      `a=fingerprint:sha-256 ${certificates[0]}`,
      `a=candidate:1 1 UDP 2130706431 198.51.100.1 ${port} typ host`,
    ])
      expect(answer).toContain(`\r\n${line}\r\n`)
    expect(answer).toMatch(/m=video 0 UDP\/TLS\/RTP\/SAVPF 96\r\na=mid:1\r\n/)
    expect(answer).not.toContain('a=crypto')
    expect(aimAt(ladder, 'caller')).toMatchObject({
      sources: [],
      mux: true,
      quiet: false,
      ice: {
        theirs: expect.objectContaining({ ufrag: '2EVT' }),
        begins: false,
        certificate: 0,
        fingerprints: [{ hash: 'sha-256', value: browserFingerprint }],
      },
    })
    expect(aimAt(ladder, 'caller')?.srtp).toBeUndefined()
    expect(answer).toContain(`a=ice-ufrag:${aimAt(ladder, 'caller')?.ice?.ours.ufrag}\r\n`)
  })

  test('keeps its way and its role when it holds, and has others of ours when it restarts ICE', () => {
    const call = browserCalls()
    const before = aimAt(call.ladder, 'caller')?.ice
    const held = call.reoffers(3, (said) => said.replace('a=sendrecv', 'a=sendonly'))
    expect(held).toContain('a=recvonly')
    expect(aimAt(call.ladder, 'caller')?.ice).toEqual(before)
    call.reoffers(4, (said) => said.replaceAll('2EVT', 'newU').replaceAll('+Z84', '+Z85'))
    const after = aimAt(call.ladder, 'caller')?.ice
    expect(after).toMatchObject({ theirs: expect.objectContaining({ ufrag: 'newU' }), certificate: 0 })
    expect(after?.ours.ufrag).not.toBe(before?.ours.ufrag)
    expect(after?.ours.pwd).not.toBe(before?.ours.pwd)
  })

  test('is offered its own line anew when the carrier holds: same name, same way', () => {
    const { ladder, sent, accepted, answer } = browserCalls()
    const hold = fromCallee(sent, accepted, telnyx, 'INVITE', 7, {
      body: sdp('203.0.113.1', 4000, 'a=sendonly'),
    })
    ladder.when(telnyx, hold).gives('INVITE to Alice')
    const offer = text(ladder.lastRequest(alice).body)
    const own = (said: string) => /a=ice-ufrag:.*\r\na=ice-pwd:.*\r\na=fingerprint:.*/.exec(said)?.[0]
    expect(own(offer)).toBe(own(answer))
    for (const line of ['a=setup:actpass', 'a=group:BUNDLE 0', 'a=mid:0', 'a=mid:1', 'a=sendonly'])
      expect(offer).toContain(`\r\n${line}\r\n`)
    expect(offer).toMatch(/^m=audio \d+ UDP\/TLS\/RTP\/SAVPF 0 /m)
  })

  test('which waits for us to begin the handshake has it begun', () => {
    const { ladder, answer } = browserCalls((said) => said.replaceAll('setup:actpass', 'setup:passive'))
    expect(answer).toContain('a=setup:active')
    expect(aimAt(ladder, 'caller')?.ice?.begins).toBe(true)
  })

  test('without BUNDLE or a name for its line is answered without them', () => {
    const { answer } = browserCalls((said) => said.replace(/a=(group|mid).*\r\n/g, ''))
    expect(answer).not.toMatch(/BUNDLE|a=mid/)
    expect(answer).toContain('a=ice-lite')
  })

  test('whose sound goes the way of its picture (BUNDLE, RFC 9143) has that stand for the way alone, also when the carrier holds', () => {
    const call = browserCalls(soundBehindPicture)
    const { ladder, sent, accepted, answer, offered } = call
    expect(offered).toMatch(/^m=audio \d+ RTP\/AVP 111 /m)
    expect(offered).not.toContain('m=video')
    expect(lines(answer)).toEqual(['BUNDLE 1 0', 'video way 1, inactive', 'audio way 0, sendrecv'])
    expect(answer).not.toContain('bundle-only')
    expect(aimAt(ladder, 'caller')).toMatchObject({
      mux: true,
      ice: {
        theirs: expect.objectContaining({ ufrag: '2EVT' }),
        fingerprints: [{ hash: 'sha-256', value: browserFingerprint }],
      },
    })
    const body = sdp('203.0.113.1', 4000, 'a=sendonly')
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'INVITE', 7, { body })).gives('INVITE to Alice')
    expect(lines(text(ladder.lastRequest(alice).body))).toEqual([
      'BUNDLE 1 0',
      'video way 1, inactive',
      'audio way 0, sendonly',
    ])
  })

  test('which offers a picture, then a data channel later has each refused, and speaks on', () => {
    const call = browserCalls((said) => said.replace(/m=video.*/s, '').replace('BUNDLE 0 1', 'BUNDLE 0'))
    const { ice } = aimAt(call.ladder, 'caller') ?? {}
    const answer = call.reoffers(3, (said) => `${said.replace('BUNDLE 0 1', 'BUNDLE 0 1 2')}${channel}`)
    expect(lines(answer)).toEqual(['BUNDLE 0', 'audio way 0, sendrecv', 'video 0', 'application 0'])
    for (const mid of ['1', '2']) expect(answer).toContain(`\r\na=mid:${mid}\r\na=inactive\r\n`)
    expect(aimAt(call.ladder, 'caller')?.ice).toEqual(ice)
  })

  test.each<[string, (said: string) => string]>([
    ['each of which names it', (said) => said.replace('a=mid:1', 'a=mid:1\r\na=rtcp-mux')],
    [
      'of which the second names another',
      (said) => said.replace('a=ice-ufrag:2EVT', 'a=ice-ufrag:anotherOne'),
    ],
  ])('has its sound by the way of the first of its lines (balanced), %s', (_, change) => {
    const { ladder, answer } = browserCalls((said) => pictureFirst(change(said)))
    expect(lines(answer)).toEqual(['BUNDLE 1 0', 'video way 1, inactive', 'audio way 0, sendrecv'])
    expect(aimAt(ladder, 'caller')?.ice?.theirs.ufrag).toBe('2EVT')
  })

  test('whose group is led by a data channel, which can only be refused, has its sound by its own way', () => {
    const { ladder, answer } = browserCalls((said) => {
      const [head = '', sound = ''] = said.split(/(?=^m=)/m)
      const named = sound.replace('a=ice-ufrag:2EVT', 'a=ice-ufrag:itsOwn')
      return `${head.replace('BUNDLE 0 1', 'BUNDLE 2 0')}${channel}${named}`
    })
    expect(lines(answer)).toEqual(['BUNDLE 0', 'application 0', 'audio way 0, sendrecv'])
    expect(aimAt(ladder, 'caller')?.ice?.theirs.ufrag).toBe('itsOwn')
  })

  test.each([
    [
      'no certificate of a hash which counts',
      (said: string) => said.replaceAll('sha-256', 'sha-1'),
      'names no certificate',
    ],
    ['no credentials', (said: string) => said.replaceAll(/a=ice-pwd.*\r\n/g, ''), 'no credentials of ICE'],
    ['nothing of who begins', (said: string) => said.replaceAll(/a=setup.*\r\n/g, ''), 'who begins'],
    [
      'that it only answers, as we do',
      (said: string) => said.replace('t=0 0', 't=0 0\r\na=ice-lite'),
      'a=ice-lite',
    ],
  ])('and says %s is refused with a word of why', (_, change, why) => {
    const ladder = watch(office({ dtls: certificates }))
    aliceDials(ladder, '+15551234567', { body: browserSdp(change) })
    ladder.decide(through(provider(telnyx))).gives('488 to Alice')
    expect(ladder.lastResponse(alice).header('warning')).toMatch(/^302 /)
    expect(ladder.lastResponse(alice).header('warning')).toContain(why)
  })

  test('where node:ffi is missing is refused, and told so', () => {
    const ladder = watch(office({ dtls: 'No such built-in module: node:ffi' }))
    aliceDials(ladder, '+15551234567', { body: browserSdp() })
    ladder.decide(through(provider(telnyx))).gives('488 to Alice')
    expect(ladder.lastResponse(alice).header('warning')).toContain(
      'not carried here: No such built-in module',
    )
  })
})

describe('a browser which is called', () => {
  test('is offered what the phone says as browsers take it: one way of its own, and no keys in the open', () => {
    const { ladder, sent } = rung()
    const offer = text(sent.body)
    expect(offer).toMatch(/^m=audio \d+ UDP\/TLS\/RTP\/SAVPF 0 8 101\r$/m)
    for (const line of ['a=ice-lite', 'a=group:BUNDLE 0', 'a=mid:0', 'a=rtcp-mux', 'a=setup:actpass'])
      expect(offer).toContain(`\r\n${line}\r\n`)
    expect(offer).not.toContain('a=crypto')
    const body = browserSdp((said) => said.replaceAll('actpass', 'active').replace(/m=video.*/s, ''))
    ladder.when(page, answers(sent, page, 200, { body })).gives('ACK to the page', '200 to Alice')
    expect(aimAt(ladder, 'callee')?.ice).toMatchObject({
      theirs: expect.objectContaining({ ufrag: '2EVT' }),
      begins: false,
    })
    const answer = text(ladder.lastResponse(alice).body)
    expect(answer).toMatch(/^m=audio \d+ RTP\/AVP /m)
    expect(answer).not.toMatch(/ice-|fingerprint|setup|a=mid|extmap|rtcp-fb/)
  })

  test('and takes no such sound after all is offered RTP once', () => {
    const { ladder, sent } = rung()
    ladder.when(page, answers(sent, page, 488)).gives('ACK to the page', 'INVITE to the page')
    const again = text(ladder.lastRequest(page).body)
    expect(again).toMatch(/^m=audio \d+ RTP\/AVP 0 8 101\r$/m)
    expect(again).not.toMatch(/ice-|fingerprint|BUNDLE/)
    ladder.when(page, answers(ladder.lastRequest(page), page, 488)).gives('ACK to the page', '488 to Alice')
  })

  test('and answers with RTP is heard so, from where it signals', () => {
    const { ladder, sent } = rung()
    ladder.when(page, answers(sent, page, 200, { body: sdp('192.0.2.20') })).whatever()
    expect(aimAt(ladder, 'callee')?.ice).toBeUndefined()
    expect(aimAt(ladder, 'callee')?.sources).toEqual(['192.0.2.20'])
  })

  /** Alice dials Bob, whose phone is a page's. */
  function rung() {
    const ladder = watch(office({ dtls: certificates, wsPort: portNumber(8080) }, page))
    registers(ladder, page, 'bob', [['contact', '<sip:k2j3@df7jal23ls0d.invalid;transport=ws>']])
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).whatever()
    return { ladder, sent: ladder.lastRequest(page) }
  }
})

const page: Party = {
  name: 'the page',
  flow: { transport: 'ws', address: '192.0.2.20', port: portNumber(50_123), connection: 7 },
}

describe('a browser whose sound has no way to us ends the call, and its record says why', () => {
  test.each([
    ['ICE_FAILED', { of: 'checks', ms: 30_000 }, 'none of its checks came in 30 s'],
    ['CONSENT_LOST', { of: 'consent', ms: 30_000 }, 'no longer checks its way to us'],
    ['DTLS_FAILED', { of: 'keys', ms: 0, why: 'its certificate is another' }, 'its certificate is another'],
  ] as const)('%s', (reason, said, words) => {
    const { ladder } = browserCalls()
    const open = ladder.media.find(({ type }) => type === 'open')
    if (!open) throw new Error('no session')
    ladder.hear({ type: 'media', report: { type: 'astray', session: open.session, side: 'caller', ...said } })
    ladder.gives('BYE to Alice', 'BYE to Telnyx')
    expect(ladder.record).toMatchObject({ hangup_by: 'system', hangup_reason: 'media_timeout' })
    expect(JSON.stringify(ladder.record)).toContain(reason)
    expect(JSON.stringify(ladder.record)).toContain(words)
  })
})

function browserCalls(change: (said: string) => string = (said) => said) {
  const ladder = watch(office({ dtls: certificates }))
  const invited = aliceDials(ladder, '+15551234567', { body: browserSdp(change) })
  ladder
    .decide(through(provider(telnyx)))
    .whatever()
    .locate(telnyx)
    .whatever()
  const sent = ladder.lastRequest(telnyx)
  const accepted = answers(sent, telnyx, 200, { body: theirs })
  ladder.when(telnyx, accepted).gives('ACK to Telnyx', '200 to Alice')
  const answered = ladder.lastResponse(alice)
  ladder.when(alice, ack(invited, answered))
  return {
    ladder,
    sent,
    accepted,
    offered: text(sent.body),
    answer: text(answered.body),
    /** Alice offers anew; what she is answered. */
    reoffers(cseq: number, changed: (said: string) => string): string {
      const body = browserSdp(changed)
      ladder.when(alice, within(invited, answered, alice, 'INVITE', cseq, { body })).gives('INVITE to Telnyx')
      const asked = ladder.lastRequest(telnyx)
      ladder
        .when(telnyx, answers(asked, telnyx, 200, { body: theirs }))
        .gives('ACK to Telnyx', '200 to Alice')
      const again = ladder.lastResponse(alice)
      ladder.when(alice, within(invited, again, alice, 'ACK', cseq))
      return text(again.body)
    },
  }
}

/** The picture before the sound, each with a way of its own. */
function pictureFirst(said: string): string {
  const [head = '', sound = '', picture = ''] = said.split(/(?=^m=)/m)
  return head.replace('BUNDLE 0 1', 'BUNDLE 1 0') + picture + sound
}

const channel = [
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'a=ice-ufrag:2EVT',
  'a=ice-pwd:+Z84NxsZC4TxF2NVkwnjcKTp',
  'a=mid:2',
  'a=sctp-port:5000',
  '',
].join('\r\n')

/** What a description of ours groups, and each of its lines: the way it names, its direction; else that it is refused. */
function lines(said: string): string[] {
  const [head = '', ...media] = said.split(/(?=^m=)/m)
  const [group = ''] = /BUNDLE.*(?=\r$)/m.exec(head) ?? []
  return [
    group,
    ...media.map((line) => {
      const [, kind, port] = /^m=(\w+) (\d+) /.exec(line) ?? []
      if (port === '0') return `${kind} 0`
      const hasWay = ['ice-ufrag', 'ice-pwd', 'fingerprint', 'setup', 'rtcp-mux', 'candidate'].every((name) =>
        line.includes(`\r\na=${name}`),
      )
      const direction = /^a=(sendrecv|sendonly|recvonly|inactive)\r$/m.exec(line)?.[1] ?? 'sendrecv'
      return `${kind} ${hasWay ? 'way' : 'no way'} ${/^a=mid:(.*)\r$/m.exec(line)?.[1]}, ${direction}`
    }),
  ]
}

/** The last aim of a side. */
function aimAt({ media }: ReturnType<typeof office>, side: 'caller' | 'callee'): Aim | undefined {
  const last = media.findLast((command) => command.type === 'aim' && command.side === side)
  return last?.type === 'aim' ? last.aim : undefined
}
