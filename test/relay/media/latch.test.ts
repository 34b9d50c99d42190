import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { rtcpPacket, rtpPacket } from '../../support/rtp.ts'
import { alice, between, bob, mallory } from './between.ts'

/*
 * Bob is called; what he hears says what was taken for Alice's voice, and where his voice goes says where she is taken
 * to be. Alice speaks with SSRC 1 from port 5000, which her SDP names unless said otherwise. A neighbour behind her NAT
 * has her address and any port but hers, and cannot know her SSRC.
 */

const neighbour = 0xbad
const toAlice = `caller → ${alice} 5000`

describe('the announced port', () => {
  test('is heard from its first packet on, and nobody else is any more', () => {
    const scene = onStage()
    expect(scene.stream(alice, 5000, 1, { packets: 1 })).toBe(1)
    expect(scene.after(10_000).stream(alice, 6000, neighbour, { packets: 100 })).toBe(0)
    expect(scene.bobsVoice()).toBe(toAlice)
  })

  test('which speaks late takes both directions from one that was first', () => {
    const scene = onStage()
    expect(scene.stream(alice, 6000, neighbour, { packets: 100 })).toBeGreaterThan(90)
    expect(scene.bobsVoice()).toBe(`caller → ${alice} 6000`)
    expect(scene.stream(alice, 5000, 1, { packets: 1 })).toBe(1)
    expect(scene.bobsVoice()).toBe(toAlice)
    expect(scene.stream(alice, 6000, neighbour, { packets: 100, from: 100 })).toBe(0)
  })

  test('is sent to until another has spoken for half a second', () => {
    const scene = onStage()
    expect(scene.stream(alice, 6000, 1, { packets: 24 })).toBe(22)
    expect(scene.bobsVoice()).toBe(toAlice)
    scene.stream(alice, 6000, 1, { packets: 3, from: 24 })
    expect(scene.bobsVoice()).toBe(`caller → ${alice} 6000`)
  })

  test('has the kernel turn others away only where it is the peer, and only while it speaks', () => {
    const scene = onStage()
    scene.stream(alice, 5000, 1, { packets: 50 })
    expect(scene.call.at(scene.now + 390).deaf()).toEqual([])
    expect(scene.call.at(scene.now + 400).deaf()).toEqual(['caller'])
    // It was we who stood still.
    expect(scene.call.at(scene.now + 2_000).deaf(200)).toEqual([])
    expect(scene.call.at(scene.now + 2_200).deaf(400)).toEqual(['caller'])
  })
})

describe('a NAT which gives a phone another port', () => {
  test.each([
    ['announced', {}],
    ['not to be announced', { rtp: undefined, eager: false }],
  ])('is followed within 100 ms of the silence it makes, where the old port was %s', (_, aim) => {
    const scene = onStage(aim)
    scene.stream(alice, 5000, 1, { packets: 50 })
    expect(scene.after(100).stream(alice, 7000, 1, { packets: 1, from: 56 })).toBe(1)
    expect(scene.bobsVoice()).toBe(`caller → ${alice} 7000`)
    expect(scene.stream(alice, 7000, 1, { packets: 50, from: 57 })).toBe(50)
  })

  test('does not give the old port to the neighbour who gets it next', () => {
    const scene = onStage()
    scene.stream(alice, 5000, 1, { packets: 50 })
    scene.after(100).stream(alice, 7000, 1, { packets: 50, from: 56 })
    expect(scene.stream(alice, 5000, neighbour, { packets: 500 })).toBe(0)
    expect(scene.bobsVoice()).toBe(`caller → ${alice} 7000`)
  })

  test('may do so over and over', () => {
    const scene = onStage()
    for (let i = 0; i < 5; i++) {
      scene.after(200).stream(alice, 5000 + i, 1, { packets: 50, from: i * 60 })
      expect(scene.bobsVoice()).toBe(`caller → ${alice} ${5000 + i}`)
    }
  })

  test.each([
    ['whose SSRC is not hers', { ssrc: 2, from: 56, at: alice }],
    ['whose numbers are long past', { ssrc: 1, from: 1, at: alice }],
    ['whose numbers are far ahead', { ssrc: 1, from: 20_000, at: alice }],
    ['which comes from another address', { ssrc: 1, from: 56, at: mallory }],
  ])('is not believed of a stream %s', (_, { ssrc, from, at }) => {
    const scene = onStage()
    scene.stream(alice, 5000, 1, { packets: 50 })
    expect(scene.after(5_000).stream(at, 7000, ssrc, { packets: 2, from })).toBe(0)
    expect(scene.bobsVoice()).toBe(toAlice)
  })

  test('is not believed while the old port speaks', () => {
    const scene = onStage()
    for (let i = 0; i < 20; i++) {
      scene.stream(alice, 5000, 1, { packets: 1, from: i * 2 })
      expect(scene.stream(alice, 7000, 1, { packets: 1, from: i * 2 + 1, ms: 0 })).toBe(0)
    }
  })
})

describe('a phone whose SDP names an address nobody can reach', () => {
  const hidden = { rtp: undefined, rtcp: undefined, eager: false }

  test('is known by its third packet in sequence, wherever its NAT put it', () => {
    const scene = onStage(hidden)
    expect(scene.bobsVoice()).toBe('dropped')
    expect(scene.stream(alice, 61_234, 1, { packets: 10 })).toBe(8)
    expect(scene.bobsVoice()).toBe(`caller → ${alice} 61234`)
  })

  test.each([
    ['one packet a second, numbered on', { ms: 1_000, step: 1 }],
    ['bursts of one moment', { ms: 0, step: 1 }],
    ['packets without a sequence', { ms: 20, step: 977 }],
    ['the same packet over and over', { ms: 20, step: 0 }],
  ])('does not lose its place to %s, sprayed before it spoke', (_, { ms, step }) => {
    const scene = onStage(hidden)
    expect(scene.stream(alice, 6000, neighbour, { packets: 200, ms, step })).toBe(0)
    expect(scene.bobsVoice()).toBe('dropped')
    expect(scene.stream(alice, 61_234, 1, { packets: 10 })).toBe(8)
    expect(scene.bobsVoice()).toBe(`caller → ${alice} 61234`)
  })

  test('wins its place back from a steady spray which moved on before it had settled', () => {
    const scene = onStage(hidden)
    expect(scene.stream(alice, 6000, neighbour, { packets: 5 })).toBeGreaterThan(0)
    expect(scene.after(200).stream(alice, 61_234, 1, { packets: 10 })).toBe(8)
  })

  test('keeps its place against a neighbour who speaks as steadily, as long as it speaks', () => {
    const scene = onStage(hidden)
    scene.stream(alice, 61_234, 1, { packets: 5 })
    for (let i = 0; i < 1_000; i++) {
      expect(scene.stream(alice, 61_234, 1, { packets: 1, from: 5 + i })).toBe(1)
      expect(scene.stream(alice, 6000, neighbour, { packets: 1, from: i, ms: 0 })).toBe(0)
    }
  })

  test('which began anew under another SSRC and port is heard again after ten seconds', () => {
    const scene = onStage(hidden)
    scene.stream(alice, 61_234, 1, { packets: 50 })
    expect(scene.after(9_000).stream(alice, 62_000, 2, { packets: 10 })).toBe(0)
    expect(scene.after(1_000).stream(alice, 62_000, 2, { packets: 10, from: 60 })).toBeGreaterThan(5)
  })

  test('which is on hold is waited for', () => {
    const scene = onStage(hidden)
    scene.stream(alice, 61_234, 1, { packets: 50 })
    scene.call.aims('caller', { ...hidden, quiet: true })
    expect(scene.after(60_000).stream(alice, 6000, neighbour, { packets: 500 })).toBe(0)
    scene.call.aims('caller', hidden)
    expect(scene.stream(alice, 61_234, 1, { packets: 5, from: 50 })).toBe(5)
    expect(scene.stream(alice, 6000, neighbour, { packets: 400 })).toBe(0)
  })
})

describe('a new offer', () => {
  test('for the same place changes nothing for a peer who goes on speaking', () => {
    const scene = onStage()
    scene.stream(alice, 5000, 1, { packets: 50 })
    scene.call.aims('caller')
    expect(scene.stream(alice, 5000, 1, { packets: 1, from: 50 })).toBe(1)
    expect(scene.stream(alice, 6000, neighbour, { packets: 100 })).toBe(0)
  })

  test('for the same place lets a silent peer begin anew elsewhere, and keeps sending to the old place meanwhile', () => {
    const scene = onStage({ rtp: undefined, eager: false })
    scene.stream(alice, 5000, 1, { packets: 50 })
    scene.after(1_000).call.aims('caller', { rtp: undefined, eager: false })
    expect(scene.bobsVoice()).toBe(toAlice)
    expect(scene.after(180).stream(alice, 7000, 2, { packets: 10 })).toBeGreaterThan(6)
    expect(scene.bobsVoice()).toBe(`caller → ${alice} 7000`)
  })

  test('for another port is followed at once, both ways', () => {
    const scene = onStage()
    scene.stream(alice, 5000, 1, { packets: 50 })
    scene.call.aims('caller', { rtp: { address: alice, port: portNumber(5002) } })
    expect(scene.bobsVoice()).toBe(`caller → ${alice} 5002`)
    expect(scene.stream(alice, 5002, 1, { packets: 1, from: 50 })).toBe(1)
    expect(scene.stream(alice, 5000, 1, { packets: 4, from: 51 })).toBe(0)
  })

  test('from another address forgets the old one', () => {
    const scene = onStage({ rtp: undefined, eager: false })
    scene.stream(alice, 5000, 1, { packets: 50 })
    scene.call.aims('caller', { rtp: undefined, eager: false, sources: ['203.0.113.9'] })
    expect(scene.bobsVoice()).toBe('dropped')
    expect(scene.stream(alice, 5000, 1, { packets: 50, from: 50 })).toBe(0)
  })
})

describe('RTCP', () => {
  test('from another port is taken if it names the SSRC its party speaks under, never before that party spoke', () => {
    const { call, stream } = onStage()
    expect(call.control('caller', alice, 5007, rtcpPacket(1))).toBe('dropped')
    stream(alice, 5000, 1, { packets: 1 })
    expect(call.control('caller', alice, 5007, rtcpPacket(neighbour))).toBe('dropped')
    expect(call.control('callee', bob, 4001)).toBe(`caller rtcp → ${alice} 5001`)
    expect(call.control('caller', alice, 5007, rtcpPacket(1))).toBe(`callee rtcp → ${bob} 4001`)
    expect(call.control('callee', bob, 4001)).toBe(`caller rtcp → ${alice} 5007`)
  })

  test('on the RTP port of somebody else shows nothing', () => {
    const { call } = onStage({ rtp: undefined, eager: false })
    for (let now = 0; now < 200; now += 20)
      expect(call.at(now).says('caller', alice, 6000, rtcpPacket(1))).toBe('dropped')
  })
})

test('a fax, which has no SSRC, keeps to whom it began with', () => {
  const scene = onStage({ blind: true, rtp: undefined, eager: false })
  scene.stream(alice, 5000, 1, { packets: 50 })
  expect(scene.after(5_000).stream(alice, 7000, 1, { packets: 50, from: 50 })).toBe(0)
  expect(scene.bobsVoice()).toBe(toAlice)
})

/** Alice calls Bob; time begins at a second. */
function onStage(aim: Parameters<ReturnType<typeof between>['aims']>[1] = {}) {
  const call = between({ caller: aim })
  const scene = {
    call,
    now: 1_000,
    after(ms: number) {
      scene.now += ms
      call.at(scene.now)
      return scene
    },
    /** How many of these packets, `ms` apart, are taken for Alice's. */
    stream(
      address: string,
      port: number,
      ssrc: number,
      {
        packets,
        from = 0,
        ms = 20,
        step = 1,
      }: { packets: number; from?: number; ms?: number; step?: number },
    ): number {
      let taken = 0
      for (let i = 0; i < packets; i++) {
        const packet = rtpPacket({ sequence: from + i * step, ssrc })
        if (scene.after(ms).call.says('caller', address, port, packet) !== 'dropped') taken++
      }
      return taken
    },
    bobsVoice: () => call.says('callee', bob, 4000),
  }
  scene.after(0)
  return scene
}
