import { describe, expect, test } from 'vitest'
import type { SrtpSuite } from '#contract'
import { monotonicMs, portNumber, srtpSuites } from '#contract'
import { type SrtpKey, type SrtpKeys, sessionId } from '../../../relay/ground/media.ts'
import { MediaRelay } from '../../../relay/media/media-relay.ts'
import { sessionKey, suiteSizes } from '../../../relay/media/srtp-cipher.ts'
import { pureCipher } from '../../../relay/media/srtp-pure.ts'
import { SrtpReceiver } from '../../../relay/media/srtp-receiver.ts'
import { SrtpSender } from '../../../relay/media/srtp-sender.ts'
import { srtpStages } from '../../../relay/media/srtp-stage.ts'
import { nearest, SrtpStream } from '../../../relay/media/srtp-stream.ts'
import { plain, type Stages } from '../../../relay/media/stages.ts'
import { rtpPacket, senderReport } from '../../support/rtp.ts'
import { aimAt } from './between.ts'
import { fromHex, toHex } from './ciphers.ts'

const suite80 = 'AES_CM_128_HMAC_SHA1_80'

describe.each(srtpSuites)('a stream under %s', (suite) => {
  test('is heard as it was said, RTP and RTCP', () => {
    const { sender, receiver } = pair(suite)
    for (const sequence of [1, 2, 3]) expect(crosses(sender, receiver, said(sequence))).toBe(true)
    for (const ntp of [1, 2, 3]) {
      const packet = roomy(senderReport(7, ntp))
      const length = sender.protect(packet, 28, true)
      expect(length).toBe(28 + 4 + suiteSizes[suite].controlTag)
      expect(receiver.unprotect(packet, length, true)).toBe(28)
      expect(toHex(packet.subarray(0, 28))).toBe(toHex(senderReport(7, ntp)))
    }
  })

  test('hears nothing twice', () => {
    const { sender, receiver } = pair(suite)
    const packet = roomy(said(1))
    const length = sender.protect(packet, 172, false)
    expect(receiver.unprotect(packet.slice(), length, false)).toBe(172)
    expect(receiver.unprotect(packet, length, false)).toBeLessThan(0)
    const report = roomy(senderReport(7, 1))
    const whole = sender.protect(report, 28, true)
    expect(receiver.unprotect(report.slice(), whole, true)).toBe(28)
    expect(receiver.unprotect(report, whole, true)).toBeLessThan(0)
    expect(receiver.failures).toEqual({ unauthentic: 0, replayed: 2 })
  })

  test('hears nothing from who has another key', () => {
    const { receiver } = pair(suite)
    const stranger = new SrtpSender(keyOf(suite, 99), pureCipher)
    expect(crosses(stranger, receiver, said(1))).toBe(false)
    expect(receiver.failures).toEqual({ unauthentic: 1, replayed: 0 })
    for (const length of [0, 8, 11, 12, 15, 21, 27, 31])
      expect(receiver.unprotect(roomy(said(1)), length, false)).toBe(-1)
    for (const length of [0, 8, 15, 21, 27]) expect(receiver.unprotect(roomy(said(1)), length, true)).toBe(-1)
  })

  test('hears no RTCP which is not encrypted, though it is authentic: that was not agreed on', () => {
    const { receiver } = pair(suite)
    const key = sessionKey(suite, keyOf(suite).secret, true)
    const cipher = pureCipher(key)
    const packet = roomy(senderReport(7, 1))
    const { aead } = suiteSizes[suite]
    cipher.iv.set(key.salt)
    cipher.iv[aead ? 5 : 7] = (cipher.iv[aead ? 5 : 7] ?? 0) ^ 7
    expect(receiver.unprotect(packet, cipher.seal(packet, 8, 28, 0), true)).toBe(-1)
    const encrypted = roomy(senderReport(7, 1))
    expect(receiver.unprotect(encrypted, cipher.seal(encrypted, 8, 28, 1 << 31), true)).toBe(28)
  })

  test('knows the key by its name, where it has one', () => {
    const mki = fromHex('00000001')
    const sender = new SrtpSender(keyOf(suite), pureCipher)
    const receiver = new SrtpReceiver({ ...keyOf(suite), mki }, pureCipher)
    const named = (name: Uint8Array, sequence: number) => {
      const packet = roomy(said(sequence))
      const length = sender.protect(packet, 172, false)
      const { tag, aead } = suiteSizes[suite]
      const at = aead ? length : length - tag
      packet.copyWithin(at + 4, at, length)
      packet.set(name, at)
      return receiver.unprotect(packet, length + 4, false)
    }
    expect(named(mki, 1)).toBe(172)
    expect(named(fromHex('00000002'), 2)).toBe(-1)
    expect(named(mki, 3)).toBe(172)
  })
})

describe('the roll-over counter (RFC 3711 §3.3.1)', () => {
  test.each([
    [100, 101, 101],
    [65_535, 0, 65_536],
    [65_536, 65_535, 65_535],
    [65_536 + 32_767, 65_535, 65_536 + 65_535],
    [65_536 + 32_766, 65_535, 65_535],
    [5, 65_535, -1],
    [2 ** 48 - 2, 65_535, 2 ** 48 - 1],
  ])('after the index %i and the number %i is that of the index %i', (highest, sequence, index) => {
    expect(nearest(highest, sequence)).toBe(index)
  })

  test('knows of the last 64 numbers which came, and lets no older one in', () => {
    const stream = new SrtpStream(7)
    const came = new Set<number>()
    let highest = -1
    for (let step = 0; step < 4_000; step++) {
      // Mostly one ahead; else far back or far ahead, past each border of the two words.
      const index = Math.max(0, highest + (step % 3 === 0 ? ((step * 37) % 240) - 120 : 1))
      const isAllowed = index > highest || (highest - index < 64 && !came.has(index))
      expect(stream.allows(index), `${index} after ${highest}`).toBe(isAllowed)
      if (!isAllowed) continue
      stream.add(index)
      came.add(index)
      highest = Math.max(highest, index)
    }
    expect(stream.highest).toBe(highest)
  })

  test.each([
    ['counts on past 65535', [30_000, 60_000, 65_534, 65_535, 0, 1, 2]],
    ['counts on when what lay around 65535 was lost', [30_000, 60_000, 65_500, 40]],
    ['knows who comes late over it', [30_000, 60_000, 65_534, 0, 65_535, 1]],
    ['knows who comes late', [10, 12, 11, 13]],
    ['counts every time round', Array.from({ length: 20 }, (_, i) => i * 30_000)],
  ])('%s', (_, sequences) => {
    const { sender, receiver } = pair()
    for (const sequence of sequences) expect(crosses(sender, receiver, said(sequence & 0xffff))).toBe(true)
  })

  test('is found when the stream’s beginning was lost, and 65535 with it', () => {
    const { sender, receiver } = pair()
    sender.protect(roomy(said(1)), 172, false)
    for (const sequence of [30_000, 60_000]) sender.protect(roomy(said(sequence)), 172, false)
    expect(crosses(sender, receiver, said(5))).toBe(true)
    expect(crosses(sender, receiver, said(6))).toBe(true)
  })

  test('is found again after a long pause in which the sender counted on', () => {
    const { sender, receiver } = pair()
    expect(crosses(sender, receiver, said(1))).toBe(true)
    for (const sequence of [20_000, 40_000]) sender.protect(roomy(said(sequence)), 172, false)
    const heard = Array.from({ length: 20 }, (_, i) => crosses(sender, receiver, said(40_001 + i)))
    expect(heard.slice(16)).toEqual([true, true, true, true])
  })

  test.each([2, 7, 64])('is found of who spoke to another port of ours for %i rounds', (rounds) => {
    const { sender, receiver } = pair()
    for (let at = 0; at <= rounds * 65_536; at += 16_384) sender.protect(roomy(said(at & 0xffff)), 172, false)
    const heard = Array.from({ length: rounds + 3 }, (_, i) => crosses(sender, receiver, said(1 + i)))
    expect(heard.indexOf(true)).toBeLessThan(rounds)
    expect(heard.slice(-3)).toEqual([true, true, true])
  })

  test('is each SSRC’s own, and kept for one that comes back', () => {
    const { sender, receiver } = pair()
    for (const [ssrc, sequence] of [
      [1, 65_535],
      [1, 0],
      [2, 65_000],
      [2, 65_001],
      [1, 1],
      [2, 65_002],
    ] as const)
      expect(crosses(sender, receiver, said(sequence, ssrc))).toBe(true)
  })
})

describe('a sender', () => {
  test('begins in the lower half of the numbers, so that no loss hides a roll-over (RFC 4568 §6.4)', () => {
    const { sender } = pair()
    const numbers = [65_534, 65_535, 0].map((sequence) => {
      const packet = roomy(said(sequence))
      sender.protect(packet, 172, false)
      return ((packet[2] as number) << 8) | (packet[3] as number)
    })
    expect(numbers).toEqual([32_766, 32_767, 32_768])
  })

  test('uses no number twice, and goes on with who starts anew', () => {
    const { sender, receiver } = pair()
    for (const sequence of [5_000, 5_001]) expect(crosses(sender, receiver, said(sequence))).toBe(true)
    expect(sender.protect(roomy(said(5_001)), 172, false)).toBe(-1)
    expect(sender.protect(roomy(said(100)), 172, false)).toBe(-1)
    for (const sequence of [101, 102, 103]) expect(crosses(sender, receiver, said(sequence))).toBe(true)
  })

  test('sends nothing for one SSRC too many: what is forgotten of another could be repeated', () => {
    const { sender, receiver } = pair()
    for (let ssrc = 0; ssrc < 256; ssrc++) expect(crosses(sender, receiver, said(1, ssrc))).toBe(true)
    expect(sender.protect(roomy(said(1, 256)), 172, false)).toBe(-1)
    expect(crosses(sender, receiver, said(2, 0))).toBe(true)
  })

  test('carries sources and an extension in the clear, and a header which is cut short not at all', () => {
    const { sender, receiver } = pair()
    const packet = said(1)
    packet[0] = 0x80 | 0x10 | 2
    packet.writeUInt32BE(0xbede0001, 20)
    expect(crosses(sender, receiver, packet)).toBe(true)
    const long = said(2)
    long[0] = 0x90
    long.writeUInt32BE(0xbedeffff, 12)
    expect(sender.protect(roomy(long), 172, false)).toBe(-1)
  })
})

describe('a key which takes another’s place (RFC 4568 §7.1.4)', () => {
  test('leaves the old one its last packets, until the first of the new one comes', () => {
    const { sender, receiver } = pair()
    expect(crosses(sender, receiver, said(1))).toBe(true)
    const renewed = new SrtpReceiver(keyOf(suite80, 2), pureCipher, receiver)
    expect(crosses(sender, renewed, said(2))).toBe(true)
    expect(crosses(new SrtpSender(keyOf(suite80, 2), pureCipher), renewed, said(3))).toBe(true)
    expect(crosses(sender, renewed, said(4))).toBe(false)
  })

  test.each(srtpSuites)(
    'is told by no name from the old one’s last packets: both have the same, %s',
    (suite) => {
      const mki = fromHex('01')
      const old = { ...keyOf(suite), mki }
      const renewed = new SrtpReceiver(
        { ...keyOf(suite, 2), mki },
        pureCipher,
        new SrtpReceiver(old, pureCipher),
      )
      const sender = new SrtpSender(keyOf(suite), pureCipher)
      for (const control of [false, true]) {
        const plain = control ? senderReport(7, 1) : said(1)
        const packet = roomy(plain)
        const length = sender.protect(packet, plain.length, control)
        const { tag, controlTag, aead } = suiteSizes[suite]
        const at = aead ? length : length - (control ? controlTag : tag)
        packet.copyWithin(at + 1, at, length)
        packet.set(mki, at)
        expect(renewed.unprotect(packet, length + 1, control)).toBe(plain.length)
        expect(toHex(packet.subarray(0, plain.length))).toBe(toHex(plain))
      }
    },
  )

  test.each(['starts again', 'goes on'])('is understood by who %s with the roll-over counter', (how) => {
    const { sender, receiver } = pair()
    const rounds = [30_000, 60_000, 24_464, 54_464, 10]
    for (const sequence of rounds) expect(crosses(sender, receiver, said(sequence))).toBe(true)
    const renewed = new SrtpReceiver(keyOf(suite80, 2), pureCipher, receiver)
    const next = new SrtpSender(keyOf(suite80, 2), pureCipher)
    const before = how === 'goes on' ? rounds.slice(0, -1) : []
    for (const sequence of before) next.protect(roomy(said(sequence)), 172, false)
    for (const sequence of [11, 12]) expect(crosses(next, renewed, said(sequence))).toBe(true)
  })

  test('is sent with the numbers going on', () => {
    const { sender } = pair()
    sender.protect(roomy(said(40_000)), 172, false)
    const renewed = new SrtpSender(keyOf(suite80, 2), pureCipher, sender)
    const packet = roomy(said(40_001))
    renewed.protect(packet, 172, false)
    expect(((packet[2] as number) << 8) | (packet[3] as number)).toBe(40_001 - 32_768)
  })
})

describe('the stages of a leg with keys', () => {
  const build = srtpStages(pureCipher)
  const leg = { session: sessionId(1), side: 'caller' } as const
  const terms = (srtp: SrtpKeys | undefined, before: Stages = plain) => ({
    leg,
    aim: { ...aimAt('192.0.2.1', 4_000), srtp },
    before,
    report() {},
  })
  const keys = { theirs: keyOf(suite80, 1), ours: keyOf(suite80, 2) }

  test('stay while the keys do, whatever else is agreed on anew', () => {
    const first = build(terms(keys))
    const second = build(terms({ theirs: keyOf(suite80, 1), ours: keyOf(suite80, 2) }, first))
    expect(second.protect).toBe(first.protect)
    expect(second.unprotect).toBe(first.unprotect)
  })

  test('are new for a new key, each way by itself', () => {
    const first = build(terms(keys))
    const second = build(terms({ ...keys, theirs: keyOf(suite80, 3) }, first))
    expect(second.protect).toBe(first.protect)
    expect(second.unprotect).not.toBe(first.unprotect)
    const third = build(terms({ ...keys, theirs: { ...keys.theirs, mki: fromHex('01') } }, first))
    expect(third.unprotect).not.toBe(first.unprotect)
  })

  test('under a key which comes back go on where it was left, whatever was agreed on meanwhile', () => {
    const stages = srtpStages(pureCipher)
    const other = { theirs: keyOf(suite80, 5), ours: keyOf(suite80, 6) }
    const first = stages(terms(keys))
    const between = stages(terms(undefined, stages(terms(other, first))))
    const again = stages(terms({ theirs: keyOf(suite80, 1), ours: keyOf(suite80, 2) }, between))
    expect(again.protect).toBe(first.protect)
    expect(again.unprotect).toBe(first.unprotect)
    const elsewhere = stages({ ...terms(keys), leg: { ...leg } })
    expect(elsewhere.protect).not.toBe(first.protect)
  })

  test('are the leg’s, however often it is aimed, fax between', () => {
    const made: Stages[] = []
    const stages = srtpStages(pureCipher)
    const relay = new MediaRelay(60_000, (terms) => made[made.push(stages(terms)) - 1] ?? plain)
    relay.open(sessionId(1), { caller: portNumber(1000), callee: portNumber(2000) })
    for (const aim of [{ srtp: keys }, { blind: true }, { srtp: keys }])
      relay.aim(monotonicMs(0), sessionId(1), 'caller', { ...aimAt('192.0.2.1', 4_000), ...aim })
    expect(made).toHaveLength(2)
    expect(made[1]?.protect).toBe(made[0]?.protect)
  })

  test('are remembered of the last sixteen keys', () => {
    const stages = srtpStages(pureCipher)
    const first = stages(terms(keys))
    const renewed = (seed: number) => stages(terms({ ...keys, ours: keyOf(suite80, seed) }))
    for (let seed = 10; seed < 25; seed++) renewed(seed)
    expect(stages(terms(keys)).protect).toBe(first.protect)
    for (let seed = 30; seed < 46; seed++) renewed(seed)
    expect(stages(terms(keys)).protect).not.toBe(first.protect)
  })

  test('are none without keys', () => {
    expect(build(terms(undefined, build(terms(keys))))).toBe(plain)
  })
})

function keyOf(suite: SrtpSuite, seed = 1): SrtpKey {
  const { key, salt } = suiteSizes[suite]
  return { suite, secret: Uint8Array.from({ length: key + salt }, (_, i) => (i * 7 + seed) & 255) }
}

function pair(suite: SrtpSuite = suite80) {
  return {
    sender: new SrtpSender(keyOf(suite), pureCipher),
    receiver: new SrtpReceiver(keyOf(suite), pureCipher),
  }
}

function said(sequence: number, ssrc = 7): Buffer {
  return rtpPacket({ sequence, ssrc })
}

function roomy(packet: Uint8Array): Uint8Array {
  const room = new Uint8Array(2048)
  room.set(packet)
  return room
}

/** Whether a packet comes out as it went in, its number aside. */
function crosses(sender: SrtpSender, receiver: SrtpReceiver, said: Uint8Array): boolean {
  const packet = roomy(said)
  const length = sender.protect(packet, said.length, false)
  const out = receiver.unprotect(packet, length, false)
  return out === said.length && toHex(packet.subarray(4, out)) === toHex(said.subarray(4))
}
