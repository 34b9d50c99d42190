import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import type { Aim, DigitAim, PayloadChange, Side } from '../../../relay/ground/media.ts'
import { sessionId } from '../../../relay/ground/media.ts'
import { readSocketAddress, SocketAddress } from '../../../relay/ground/socket-address.ts'
import { digitStages } from '../../../relay/media/digit-stage.ts'
import type { RtpPort } from '../../../relay/media/media-leg.ts'
import { MediaRelay } from '../../../relay/media/media-relay.ts'
import { payloadStages } from '../../../relay/media/payload-stage.ts'
import { type CipherMaker, sessionKey } from '../../../relay/media/srtp-cipher.ts'
import { SrtpSender } from '../../../relay/media/srtp-sender.ts'
import { srtpStages } from '../../../relay/media/srtp-stage.ts'
import { ROOM, stagesFrom } from '../../../relay/media/stages.ts'
import { rtpPacket } from '../../support/rtp.ts'
import { aimAt, alice, bob } from './between.ts'
import { ciphers } from './ciphers.ts'

const sides = ['caller', 'callee'] as const
const key = (seed: number) => ({
  suite: 'AEAD_AES_128_GCM' as const,
  secret: new Uint8Array(28).map((_, at) => at * 3 + seed),
})
const rewrite: PayloadChange[] = [
  { from: 0, to: 8, law: 'PCMA' },
  { from: 9, to: undefined },
]
const types = [
  { type: 0, law: 'PCMU' as const },
  { type: 8, law: 'PCMA' as const },
]
const heard = { events: [101], passes: true, tones: types }

/** What stands in the way: keys as events or as tones, and who of both speaks SRTP. */
const ways: Record<string, Partial<Record<Side, Partial<Aim>>>> = {
  'keys as events': { caller: { digits: events() }, callee: { digits: events(), rewrite } },
  'keys as tones': { caller: { digits: tones(), rewrite }, callee: { digits: tones() } },
  'keys as events over SRTP': {
    caller: { digits: events(), srtp: { ours: key(1), theirs: key(2) } },
    callee: { digits: events() },
  },
}

describe.each(Object.entries(ways))('whatever comes, with %s,', (_, aims) => {
  test.each(ciphers())(
    'never grows beyond its room, nor is what lay behind it read: $name',
    ({ make, packet }) => {
      fc.assert(
        fc.property(
          fc.constantFrom(...sides),
          fc.array(hostile, { minLength: 1, maxLength: 6 }),
          (side, packets) => {
            expect(passage(make, packet, aims, side, packets, 0xff)).toEqual(
              passage(make, packet, aims, side, packets, 0x00),
            )
          },
        ),
        { numRuns: 60 },
      )
    },
  )
})

test.each([
  ['an extension which is longer than it', [0x90], 16, [0, 0, 0x30, 0]],
  ['more sources than it has room for', [0x8f], 60, []],
  ['an extension whose head is cut off', [0x90], 15, []],
  ['more padding than payload', [0xa0], 20, [0, 0, 0, 0, 0, 0, 0, 9]],
])('a packet with %s is dropped, whether a key is told of or not', (_, [first = 0], length, behind) => {
  for (const digits of [undefined, events()]) {
    const packet = rtpPacket({ sequence: 1, ssrc: 1 }).subarray(0, length)
    packet[0] = first
    packet.set(behind, 12)
    const call = relayed(ciphers()[2]?.make as CipherMaker, { callee: { digits } })
    expect(call.comes('caller', packet, 0, Buffer.alloc(2048))).toBe('dropped')
    expect(call.closed()).toMatchObject({ caller: { packets: 0, dropped: 1 } })
  }
})

test('a packet which ends with its header, or with all of its padding, passes', () => {
  for (const [first, length] of [
    [0x80, 12],
    [0xa0, 20],
    [0x82, 20],
  ] as const) {
    const packet = rtpPacket({ sequence: 1, ssrc: 1 }).subarray(0, length)
    packet[0] = first
    packet[length - 1] = 8
    const call = relayed(ciphers()[2]?.make as CipherMaker, {})
    expect(call.comes('caller', packet, 0, Buffer.alloc(2048))).toEqual([...packet])
  }
})

test.each(ciphers().slice(0, 2))(
  '$name is given no length which leads out of its packet',
  ({ make, packet }) => {
    const cipher = make(sessionKey(key(1).suite, key(1).secret, false))
    const before = packet.fill(7).slice()
    for (const [clear, end] of [
      [49_168, 16],
      [12, packet.length - 8],
      [12, 70_000],
    ] as const)
      expect([cipher.seal(packet, clear, end, 0), cipher.open(packet, clear, end + 16, 0)]).toEqual([-1, -1])
    expect(packet).toEqual(before)
  },
)

test('a stage which would have a packet grow beyond its room has it dropped', () => {
  const mediaRelay = new MediaRelay(0, () => ({ rewrite: { rewrite: (_, length) => length + ROOM + 1 } }))
  const [callerRtp] = mediaRelay.open(sessionId(1), { caller: portNumber(1000), callee: portNumber(2000) })
  for (const side of sides) mediaRelay.aim(monotonicMs(0), sessionId(1), side, aimAt(alice, 5000))
  const from = readSocketAddress(alice, portNumber(5000)) ?? new SocketAddress()
  const packet = rtpPacket({ sequence: 1, ssrc: 1 })
  expect(callerRtp && mediaRelay.arrive(monotonicMs(1), callerRtp, from, packet, 172)).toBeUndefined()
})

/** Bytes like those of RTP and RTCP, whose lengths lie. */
const hostile = fc
  .record({
    first: fc.integer({ min: 0x80, max: 0xbf }),
    second: fc.constantFrom(0, 8, 9, 101, 200, 201, 203, 0x80, 255),
    rest: fc.uint8Array({ minLength: 0, maxLength: 60 }),
    length: fc.oneof(fc.integer({ min: 0, max: 80 }), fc.integer({ min: 0, max: 1500 })),
  })
  .map(({ first, second, rest, length }) => {
    const packet = new Uint8Array(length)
    packet.set([first, second, ...rest].slice(0, length))
    return packet
  })

function events(): DigitAim {
  return { ...heard, send: { form: 'rfc4733', type: 101, clock: 8000 } }
}

function tones(): DigitAim {
  return { ...heard, send: { form: 'inband', types } }
}

/** All that comes of packets behind which the memory holds `stale` bytes. */
function passage(
  make: CipherMaker,
  memory: Uint8Array,
  aims: Partial<Record<Side, Partial<Aim>>>,
  side: Side,
  packets: readonly Uint8Array[],
  stale: number,
) {
  const call = relayed(make, aims)
  const theirs = aims[side]?.srtp && new SrtpSender(aims[side].srtp.theirs, make)
  return {
    came: packets.map((packet) => call.comes(side, sealed(theirs, packet), stale, memory)),
    closed: call.closed(),
  }
}

/** As its sender would protect it; what no sender can, as it is. */
function sealed(sender: SrtpSender | undefined, packet: Uint8Array): Uint8Array {
  const memory = new Uint8Array(2048)
  memory.set(packet)
  const control = (packet[1] ?? 0) >= 192 && (packet[1] ?? 0) <= 223
  const length = sender === undefined ? -1 : sender.protect(memory, packet.length, control)
  return length < 0 || length > 1500 ? packet : memory.slice(0, length)
}

/** Alice calls Bob; a key waits to be sent to each who can be sent any. */
function relayed(make: CipherMaker, aims: Partial<Record<Side, Partial<Aim>>>) {
  const said: number[][] = []
  const mediaRelay = new MediaRelay(0, stagesFrom([digitStages(payloadStages), srtpStages(make)]), {
    entropy: { below: () => 1, hex: (bytes) => 'a'.repeat(2 * bytes) },
    send: (_, packet, length) => said.push([...packet.subarray(0, length)]),
  })
  const [callerRtp, , calleeRtp] = mediaRelay.open(sessionId(1), {
    caller: portNumber(1000),
    callee: portNumber(2000),
  })
  const places: Record<Side, [string, number]> = { caller: [alice, 5000], callee: [bob, 4000] }
  for (const side of sides) {
    const aim = { ...aimAt(...places[side]), mux: true, ...aims[side] }
    mediaRelay.aim(monotonicMs(0), sessionId(1), side, aim)
    mediaRelay.digits({ session: sessionId(1), side }, '5', 100)
  }
  return {
    /** The bytes which leave, or that none do. */
    comes(side: Side, packet: Uint8Array, stale: number, memory: Uint8Array) {
      memory.fill(stale)
      memory.set(packet)
      const out = arrives(side === 'caller' ? callerRtp : calleeRtp, ...places[side])
      if (out === undefined) return 'dropped'
      expect(out.leaving).toBeLessThanOrEqual(packet.length + ROOM)
      return [...memory.subarray(0, out.leaving)]

      function arrives(rtpPort: RtpPort | undefined, address: string, port: number) {
        const from = readSocketAddress(address, portNumber(port)) ?? new SocketAddress()
        return rtpPort && mediaRelay.arrive(monotonicMs(1), rtpPort, from, memory, packet.length)
      }
    },
    /** What is said of it at last: by RTCP of ours, and to the call. */
    closed() {
      mediaRelay.disconnect({ session: sessionId(1), side: 'caller' })
      for (const at of [4_000, 8_000]) mediaRelay.sweep(monotonicMs(at))
      mediaRelay.close(sessionId(1))
      expect(said.length).toBeGreaterThan(0)
      return { ...mediaRelay.reports.find(({ type }) => type === 'closed'), said }
    },
  }
}
