import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import { type DigitAim, sessionId } from '../../../relay/ground/media.ts'
import { readSocketAddress, SocketAddress } from '../../../relay/ground/socket-address.ts'
import { PACE_MS } from '../../../relay/media/digit-pacer.ts'
import { digitStages } from '../../../relay/media/digit-stage.ts'
import { dtmfKeys } from '../../../relay/media/dtmf.ts'
import { MediaRelay } from '../../../relay/media/media-relay.ts'
import { payloadStages } from '../../../relay/media/payload-stage.ts'
import { TelephoneEventReader } from '../../../relay/media/telephone-event.ts'
import { ToneDetector } from '../../../relay/media/tone-detector.ts'
import type { LinePacket } from '../../support/dtmf-line.ts'
import { rtpPacket } from '../../support/rtp.ts'
import { aimAt, alice, bob } from './between.ts'

const session = sessionId(1)
const events: DigitAim = { events: [], passes: true, send: { form: 'rfc4733', type: 96, clock: 8000 } }
const tones: DigitAim = {
  events: [],
  passes: true,
  send: { form: 'inband', types: [{ type: 0, law: 'PCMU' }] },
}

describe('keys for a party whose partner is silent', () => {
  test('are events in packets of our own, in a stream of their own, and end when all are sent', () => {
    const { relay, sent, pace } = joined(events)
    relay.digits({ session, side: 'callee' }, '5#', 100)
    expect(pace(40)).toBe(false)
    const reader = new TelephoneEventReader()
    const heard = sent.map((packet) => reader.hear(packet, packet.length)).filter((code) => code >= 0)
    expect(heard.map((code) => dtmfKeys[code]).join('')).toBe('5#')
    const sequences = sent.map((packet) => ((packet[2] ?? 0) << 8) | (packet[3] ?? 0))
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b))
    expect(new Set(sent.map((packet) => packet.slice(8, 12).join()))).toHaveLength(1)
    expect(sent).toHaveLength(14)
  })

  test('are tones, with silence between them, where it takes those', () => {
    const { relay, sent, pace } = joined(tones)
    relay.digits({ session, side: 'callee' }, '19', 100)
    pace(40)
    const detector = new ToneDetector(['PCMU'], false)
    const heard = sent.map((packet) => detector.hear(packet, packet.length)).filter((code) => code >= 0)
    expect(heard.map((code) => dtmfKeys[code]).join('')).toBe('19')
  })

  test('are left to a partner which speaks', () => {
    const { relay, sent, pace, speak } = joined(events)
    relay.digits({ session, side: 'callee' }, '5', 100)
    speak()
    expect(pace(3)).toBe(true)
    expect(sent).toEqual([])
    expect(pace(30)).toBe(false)
    expect(sent.length).toBeGreaterThan(0)
  })

  test('are forgotten with its leg', () => {
    const { relay, sent, pace } = joined(events)
    relay.digits({ session, side: 'callee' }, '5', 100)
    relay.close(session)
    sent.length = 0
    expect(pace(1)).toBe(false)
    expect(sent).toEqual([])
  })
})

/** A call whose callee is sent keys so. */
function joined(digits: DigitAim) {
  const sent: LinePacket[] = []
  const entropy = { below: (many: number) => Math.floor(many / 3), hex: () => 'ab' }
  const send = (_: unknown, packet: Uint8Array, length: number) =>
    void (isSound(packet) && sent.push(packet.slice(0, length)))
  const relay = new MediaRelay(0, digitStages(payloadStages), { entropy, send })
  let now = 1_000
  const at = () => monotonicMs(now)
  const ports = relay.open(session, { caller: portNumber(10_000), callee: portNumber(10_002) })
  relay.aim(at(), session, 'caller', aimAt(alice, 5000))
  relay.aim(at(), session, 'callee', { ...aimAt(bob, 4000), digits })
  const [callers] = ports
  return {
    relay,
    sent,
    speak: () => {
      const from = readSocketAddress(alice, portNumber(5000)) ?? new SocketAddress()
      if (callers) relay.arrive(at(), callers, from, rtpPacket({ sequence: 1, ssrc: 1 }), 172)
    },
    /** So many turns; whether keys still wait. */
    pace: (turns: number) => {
      let waits = true
      for (let turn = 0; turn < turns; turn++) {
        now += PACE_MS
        waits = relay.pace(at())
      }
      return waits
    },
  }
}

/** And no RTCP. */
function isSound(packet: Uint8Array): boolean {
  const type = packet[1] as number
  return type < 192 || type > 223
}
