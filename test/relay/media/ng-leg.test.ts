import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { type Aim, type LegFormats, sessionId } from '../../../relay/ground/media.ts'
import { countersOf, portIn } from '../../../relay/media/ng-answer.ts'
import { NgLeg, type NgQuestion } from '../../../relay/media/ng-leg.ts'

const host = '192.0.2.9'
const pcmu: LegFormats = {
  types: ['0', '101'],
  lines: ['a=rtpmap:0 PCMU/8000', 'a=rtpmap:101 telephone-event/8000'],
}
const pcma: LegFormats = { types: ['8'], lines: ['a=rtpmap:8 PCMA/8000'] }
const place = { address: '198.51.100.4', port: portNumber(4000) }
const aim: Aim = {
  rtp: place,
  rtcp: { ...place, port: portNumber(4001) },
  sources: [place.address],
  eager: true,
  mux: false,
  quiet: false,
  formats: pcmu,
}
const [theirs, ours] = ['t', 'o'].map((letter) => ({
  suite: 'AES_CM_128_HMAC_SHA1_80' as const,
  secret: new TextEncoder().encode(letter.repeat(30)),
})) as [NonNullable<Aim['srtp']>['ours'], NonNullable<Aim['srtp']>['ours']]

function legOf(side: 'caller' | 'callee', changed: Partial<Aim> = {}): NgLeg {
  const leg = new NgLeg({ session: sessionId(7), side }, 'relay', host)
  leg.ports = { party: portNumber(30_000), inside: portNumber(side === 'caller' ? 30_010 : 30_020) }
  leg.aim({ ...aim, ...changed })
  return leg
}

/** `offer from inside: …` and so on, with these lines of each description. */
function told(leg: NgLeg, lines: RegExp): string[] {
  return leg.exchange.map(({ command, sdp }: NgQuestion) => {
    const shown = String(sdp)
      .split('\r\n')
      .filter((line) => lines.test(line))
    return `${command}: ${shown.join(' ')}`
  })
}

describe('a leg at rtpengine', () => {
  test('has a call of its own there, by which both processes which may ask are told apart', () => {
    const [offer, answer] = legOf('caller').exchange
    expect(offer).toMatchObject({ command: 'offer', 'call-id': 'relay-7-caller', 'from-tag': 'inside' })
    expect(answer).toMatchObject({ command: 'answer', 'call-id': 'relay-7-caller', 'to-tag': 'party' })
  })

  test('alone faces nothing inside, and its party where that listens', () => {
    expect(told(legOf('caller'), /^(c=|m=|a=(inactive|sendrecv|rtcp))/)).toEqual([
      'offer: c=IN IP4 192.0.2.9 m=audio 9 RTP/AVP 0 101 a=inactive',
      'answer: c=IN IP4 198.51.100.4 m=audio 4000 RTP/AVP 0 101 a=rtcp:4001 a=sendrecv',
    ])
  })

  test('joined faces the inside of the other, in what the other speaks, and has what is strange there converted', () => {
    const leg = legOf('caller')
    leg.join(legOf('callee', { formats: pcma }))
    expect(told(leg, /^(m=|a=inactive)/)).toEqual([
      'offer: m=audio 30020 RTP/AVP 8',
      'answer: m=audio 4000 RTP/AVP 0 101',
    ])
    expect(leg.exchange[0]).toMatchObject({ codec: { transcode: ['PCMU'] } })
    leg.join(undefined)
    expect(told(leg, /^a=inactive/)).toEqual(['offer: a=inactive', 'answer: '])
  })

  test('whose party is to be sent keys has its packets looked into, and no other has', () => {
    const leg = legOf('caller')
    const flags = () => leg.exchange.map(({ flags }) => (flags as string[]).includes('inject-DTMF'))
    expect(flags()).toEqual([false, false])
    leg.sendsKeys = true
    expect(flags()).toEqual([true, true])
  })

  test('which is encrypted is given our key as the inside’s, and then has the inside plain', () => {
    const leg = legOf('caller', { srtp: { theirs, ours } })
    expect(told(leg, /^(m=|a=crypto)/)).toEqual([
      `offer: m=audio 9 RTP/SAVP 0 101 a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${btoa('o'.repeat(30))}`,
      `answer: m=audio 4000 RTP/SAVP 0 101 a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${btoa('t'.repeat(30))}`,
      'offer: m=audio 9 RTP/AVP 0 101',
      `answer: m=audio 4000 RTP/SAVP 0 101 a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${btoa('t'.repeat(30))}`,
    ])
    expect(leg.exchange.filter(({ command }) => command === 'offer')).toEqual([
      expect.objectContaining({ 'transport-protocol': 'RTP/SAVP' }),
      expect.objectContaining({ 'transport-protocol': 'RTP/SAVP' }),
    ])
  })

  test.each<[what: string, changed: Partial<Aim>, answer: string]>([
    [
      'whose party is behind a NAT is taken where it signals from',
      { rtp: undefined, rtcp: undefined },
      'm=audio 9 RTP/AVP 0 101 a=sendrecv',
    ],
    [
      'whose party shares one port says so',
      { mux: true },
      'm=audio 4000 RTP/AVP 0 101 a=rtcp-mux a=sendrecv',
    ],
    [
      'whose party is on hold is still sent to',
      { quiet: true },
      'm=audio 4000 RTP/AVP 0 101 a=rtcp:4001 a=recvonly',
    ],
  ])('%s', (_, changed, answer) => {
    expect(told(legOf('caller', changed), /^(m=|a=(rtcp|send|recv))/)[1]).toBe(`answer: ${answer}`)
  })
})

describe('an answer of rtpengine', () => {
  const stream = (more: object) => ({
    tags: {
      party: { medias: [{ streams: [{ stats: { packets: 78, bytes: 12_168, errors: 2 }, ...more }] }] },
    },
  })

  test('names the port of its description', () => {
    expect(portIn({ sdp: 'v=0\r\nm=audio 30012 RTP/AVP 0\r\n' })).toBe(30_012)
    expect(portIn({ result: 'ok' })).toBeUndefined()
  })

  test('counts what came from the party, and from where', () => {
    const answer = stream({ SSRC: 7, endpoint: { address: '198.51.100.4', port: 4000 } })
    const heard = { packets: 78, bytes: 12_168, dropped: 2, lost: 0 }
    const latched = { address: '198.51.100.4', port: 4000 }
    expect(countersOf(answer)).toEqual({ ...heard, jitterMs: 0, latched })
    expect(countersOf({ ...answer, SSRC: { 7: { 'average MOS': { jitter: 3 } } } })).toMatchObject({
      jitterMs: 3,
    })
  })

  test.each([{}, { tags: [] }, { tags: { party: { medias: [] } } }, { tags: 'party' }])(
    'which tells nothing of it counts nothing: %j',
    (answer) => expect(countersOf(answer as never)).toBeUndefined(),
  )
})
