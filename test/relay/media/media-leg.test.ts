import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import { type Aim, type LegName, sessionId } from '../../../relay/ground/media.ts'
import { readSocketAddress, SocketAddress } from '../../../relay/ground/socket-address.ts'
import type { RtpPort } from '../../../relay/media/media-leg.ts'
import { MediaRelay } from '../../../relay/media/media-relay.ts'
import { rtcpPacket, rtpPacket } from '../../support/rtp.ts'
import { aimAt } from './between.ts'

const ann = { session: sessionId(1), side: 'caller' } as const
const bob = { session: sessionId(1), side: 'callee' } as const
const carol = { session: sessionId(2), side: 'callee' } as const

describe('a media leg', () => {
  test('which stands alone is opened, heard and counted, and no packet leaves', () => {
    const legs = house(carol)
    expect(legs.opens()).toEqual(['opened 2'])
    expect(legs.says(carol)).toBe('dropped')
    expect(legs.facts()).toEqual(['heard 2 callee'])
    legs.relay.close(sessionId(2))
    expect(legs.relay.reports).toMatchObject([
      { type: 'closed', session: 2, caller: { packets: 0 }, callee: { packets: 1, dropped: 0 } },
    ])
  })

  test('is told of once where it was aimed at, and once more where another party is', () => {
    const legs = house(bob)
    legs.says(bob)
    legs.relay.aim(monotonicMs(0), bob.session, bob.side, aimAt(...placeOf(bob)))
    legs.says(bob)
    expect(legs.facts()).toEqual(['heard 1 callee'])
    legs.relay.aim(monotonicMs(0), bob.session, bob.side, aimAt('192.0.2.9', 4000))
    expect([legs.says(bob), legs.facts()]).toEqual(['dropped', []])
    legs.says(bob, ['192.0.2.9', 4000])
    legs.says(bob, ['192.0.2.9', 4000])
    expect(legs.facts()).toEqual(['heard 1 callee'])
    legs.relay.close(bob.session)
    expect(legs.relay.reports).toMatchObject([{ callee: { packets: 4, stream: { firstMs: 0 } } }])
  })

  test('gives the socket of its RTCP back where that comes by the port of RTP, or goes without; and has it again', () => {
    const relay = new MediaRelay(60_000)
    relay.open(bob.session, { caller: portNumber(1000), callee: portNumber(2000) })
    const aimed = (more: Partial<Aim>) => {
      const [rtp] = relay.aim(monotonicMs(0), bob.session, bob.side, { ...aimAt('192.0.2.9', 4000), ...more })
      return rtp?.leg.changeOfRtcp()
    }
    expect(aimed({ mux: true })).toBe('release')
    expect(aimed({ isWithoutRtcp: true })).toBeUndefined()
    expect(aimed({})).toBe('bind')
    expect(aimed({ isWithoutRtcp: true })).toBe('release')
  })

  test('changes its partner: the one it leaves stands alone (a transfer)', () => {
    const legs = house(ann, bob, carol)
    expect(legs.says(ann)).toBe('callee of 1')
    legs.relay.connect(ann, carol)
    expect(legs.says(ann)).toBe('callee of 2')
    expect(legs.says(carol)).toBe('caller of 1')
    expect(legs.says(bob)).toBe('dropped')
  })

  test('takes its RTCP along', () => {
    const legs = house(ann, bob, carol)
    legs.relay.connect(ann, carol)
    expect(legs.control(carol)).toBe('caller of 1 rtcp')
  })

  test('taken from its partner leaves that one alone too, and joined again both are heard', () => {
    const legs = house(ann, bob)
    legs.relay.disconnect(bob)
    expect([legs.says(ann), legs.says(bob)]).toEqual(['dropped', 'dropped'])
    legs.relay.connect(bob, ann)
    expect([legs.says(ann), legs.says(bob)]).toEqual(['callee of 1', 'caller of 1'])
  })

  test('closed alone gives its two ports back and says what it heard; its session goes on, and tells of it again at the end', () => {
    const legs = house(ann, bob, carol)
    legs.says(bob)
    legs.relay.connect(ann, carol)
    legs.facts()
    const released = legs.relay.close(sessionId(1), 'callee')
    expect(released.map(({ port }) => port)).toEqual([1200, 1201])
    expect(legs.relay.reports.splice(0)).toMatchObject([{ type: 'counted', callee: { packets: 1 } }])
    expect(legs.says(bob)).toBe('dropped')
    expect(legs.says(ann)).toBe('callee of 2')
    expect(legs.relay.close(sessionId(1)).map(({ port }) => port)).toEqual([1000, 1001])
    expect(legs.relay.reports.at(-1)).toMatchObject({ type: 'closed', session: 1, callee: { packets: 1 } })
    expect(legs.says(carol)).toBe('dropped')
    expect(legs.relay.size).toBe(1)
  })

  test.each([
    ['itself', ann],
    ['one which is not there', { session: sessionId(9), side: 'caller' } as const],
  ])('is not joined with %s', (_, to) => {
    const legs = house(ann, bob)
    legs.relay.connect(ann, to)
    expect(legs.says(ann)).toBe('callee of 1')
  })

  test('is not silent for both while its new partner talks', () => {
    const legs = house(ann, bob, carol)
    legs.relay.connect(ann, carol)
    legs.relay.close(sessionId(1), 'callee')
    for (let now = 1_000; now < 70_000; now += 1_000) {
      legs.at(now).says(carol)
      legs.relay.sweep(monotonicMs(now))
    }
    expect(legs.facts().filter((fact) => fact.startsWith('silent'))).toEqual(['silent 1 caller'])
    for (let now = 70_000; now < 140_000; now += 1_000) legs.relay.sweep(monotonicMs(now))
    expect(legs.facts()).toEqual(expect.arrayContaining(['silent 1 both', 'silent 2 both']))
  })
})

/** Legs with ports in order, aimed at parties of their own; the sides of one session are opened together. */
function house(...names: LegName[]) {
  const relay = new MediaRelay(60_000)
  const ports = new Map<string, RtpPort[]>()
  let now = 0
  let sequence = 0
  const sessions = [...new Set(names.map(({ session }) => session))]
  for (const [i, session] of sessions.entries()) {
    const sides = names.filter((name) => name.session === session).map(({ side }) => side)
    const opened = relay.open(
      session,
      Object.fromEntries(
        sides.map((side) => [side, portNumber(1000 + 1000 * i + (side === 'callee' ? 200 : 0))]),
      ),
    )
    for (const [at, side] of sides.entries()) {
      ports.set(keyOf({ session, side }), opened.slice(2 * at, 2 * at + 2))
      relay.aim(monotonicMs(0), session, side, aimAt(...placeOf({ session, side })))
    }
  }

  function arrives(name: LegName, control: boolean, [address, port] = placeOf(name)): string {
    const rtpPort = ports.get(keyOf(name))?.[control ? 1 : 0]
    const from = readSocketAddress(address, portNumber(port + (control ? 1 : 0))) ?? new SocketAddress()
    const packet = control ? rtcpPacket(1) : rtpPacket({ sequence: sequence++, ssrc: 1 })
    const out = rtpPort && relay.arrive(monotonicMs(now), rtpPort, from, packet, packet.length)
    return out ? `${out.leg.side} of ${out.leg.session}${out.control ? ' rtcp' : ''}` : 'dropped'
  }

  const legs = {
    relay,
    at(time: number) {
      now = time
      return legs
    },
    says: (name: LegName, place?: [address: string, port: number]) => arrives(name, false, place),
    control: (name: LegName) => arrives(name, true),
    opens() {
      for (const pair of ports.values()) for (const rtpPort of pair) relay.bound(rtpPort)
      return legs.facts()
    },
    facts: () =>
      relay.reports
        .splice(0)
        .map((each) => [each.type, each.session, 'side' in each ? each.side : ''].join(' ').trim()),
  }
  return legs
}

function keyOf({ session, side }: LegName): string {
  return `${session} ${side}`
}

function placeOf({ session, side }: LegName): [address: string, port: number] {
  return [`192.0.2.${session}`, side === 'caller' ? 5000 : 4000]
}
