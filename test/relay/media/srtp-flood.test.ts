import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import { sessionId } from '../../../relay/ground/media.ts'
import { readSocketAddress, SocketAddress } from '../../../relay/ground/socket-address.ts'
import { MediaRelay } from '../../../relay/media/media-relay.ts'
import type { CipherMaker } from '../../../relay/media/srtp-cipher.ts'
import { pureCipher } from '../../../relay/media/srtp-pure.ts'
import { SrtpSender } from '../../../relay/media/srtp-sender.ts'
import { srtpStages } from '../../../relay/media/srtp-stage.ts'
import { rtcpPacket, rtpPacket } from '../../support/rtp.ts'
import { aimAt, alice, bob } from './between.ts'

const suite = 'AES_CM_128_HMAC_SHA1_80' as const
const key = (seed: number) => ({ suite, secret: new Uint8Array(30).fill(seed) })
const [HOME, ELSEWHERE] = [5000, 6000]

describe('a second of 5000 forged packets from an address which is allowed', () => {
  const fresh = (at: number) => rtpPacket({ sequence: at, ssrc: 1_000 + at })
  const known = (at: number) => rtpPacket({ sequence: at, ssrc: 1 })
  const control = (at: number) => Buffer.concat([rtcpPacket(1_000 + at), Buffer.alloc(20, 0xff)])
  test.each<[string, number, (at: number) => Buffer, number]>([
    ['each of an SSRC of its own', ELSEWHERE, fresh, 2 * 150],
    ['and from the very port of the peer', HOME, fresh, 2 * 150],
    ['which know the SSRC, but not the port', ELSEWHERE, known, 2 * 150],
    ['which know both', HOME, known, 1.1 * 1_000],
    ['of RTCP', ELSEWHERE, control, 2 * 150],
  ])('%s, costs no more than what is bounded, and the peer is heard', (_, port, forged, tries) => {
    const call = secured()
    const heard: boolean[] = []
    for (let ms = 1; ms <= 1_000; ms++) {
      // The peer goes first, and last: none is tried for it where the forgers know all but its key, once they are too many.
      if (ms % 20 === 1) heard.push(call.says(ms, HOME))
      for (let at = 0; at < 5; at++) call.comes(ms, port, forged(ms * 5 + at))
    }
    expect(call.tries() - heard.length).toBeLessThanOrEqual(tries)
    const isKnown = port === HOME && forged === known
    expect(heard.filter((each) => each).length).toBeGreaterThanOrEqual(isKnown ? 5 : 50)
  })
})

test('who speaks under another key than was named is counted, apart from what is dropped besides', () => {
  const call = secured(9)
  for (let ms = 1; ms < 1_000; ms += 20) expect(call.says(ms, HOME)).toBe(false)
  call.comes(1_000, HOME, rtpPacket({ sequence: 1, ssrc: 1 }).subarray(0, 9))
  expect(call.closed()).toMatchObject({
    caller: { packets: 0, dropped: 51, unauthentic: 50 },
    callee: { dropped: 0 },
  })
})

test('a peer at a new place is heard there, and one which begins under another SSRC', () => {
  const call = secured()
  for (let ms = 1; ms < 500; ms += 20) expect(call.says(ms, HOME)).toBe(true)
  expect(call.says(1_000, ELSEWHERE)).toBe(true)
  for (let ms = 1_020; ms < 2_000; ms += 20) expect(call.says(ms, ELSEWHERE)).toBe(true)
  for (let ms = 2_000; ms < 3_000; ms += 20) expect(call.says(ms, ELSEWHERE, 2)).toBe(true)
})

test('a key which takes another’s place lets the peer be heard under the one before, as fast as it speaks', () => {
  const call = secured()
  expect(call.says(1, HOME)).toBe(true)
  call.renews()
  for (let ms = 10; ms < 4_000; ms += 10) expect(call.says(ms, HOME)).toBe(true)
})

/** Alice, who speaks SRTP, and Bob, who does not; what is decrypted is counted. */
function secured(named = 2) {
  let opened = 0
  const make: CipherMaker = (of) => {
    const cipher = pureCipher(of)
    return {
      iv: cipher.iv,
      seal: cipher.seal.bind(cipher),
      open(...given) {
        opened++
        return cipher.open(...given)
      },
    }
  }
  const mediaRelay = new MediaRelay(0, srtpStages(make))
  const ports = { caller: portNumber(1000), callee: portNumber(2000) }
  const [callerRtp] = mediaRelay.open(sessionId(1), ports)
  const aims = (theirs: number) =>
    mediaRelay.aim(monotonicMs(0), sessionId(1), 'caller', {
      ...aimAt(alice, HOME),
      mux: true,
      srtp: { ours: key(1), theirs: key(theirs) },
    })
  aims(named)
  mediaRelay.aim(monotonicMs(0), sessionId(1), 'callee', aimAt(bob, 4000))
  const sender = new SrtpSender(key(2), pureCipher)
  let sequence = 0

  function comes(ms: number, port: number, packet: Buffer, length = packet.length): boolean {
    const from = readSocketAddress(alice, portNumber(port)) ?? new SocketAddress()
    return (
      callerRtp !== undefined &&
      mediaRelay.arrive(monotonicMs(ms), callerRtp, from, packet, length) !== undefined
    )
  }

  return {
    comes,
    tries: () => opened,
    closed() {
      mediaRelay.close(sessionId(1))
      return mediaRelay.reports.find(({ type }) => type === 'closed')
    },
    renews: () => aims(3),
    /** Whether what Alice says is heard. */
    says(ms: number, port: number, ssrc = 1) {
      const packet = Buffer.alloc(2048)
      rtpPacket({ sequence: sequence++, ssrc }).copy(packet)
      return comes(ms, port, packet, sender.protect(packet, 172, false))
    },
  }
}
