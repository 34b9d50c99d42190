import { monotonicMs, portNumber } from '#contract'
import type { Aim, Side } from '../../../relay/ground/media.ts'
import { sessionId } from '../../../relay/ground/media.ts'
import { readSocketAddress, SocketAddress } from '../../../relay/ground/socket-address.ts'
import { MediaRelay } from '../../../relay/media/media-relay.ts'
import { rtcpPacket, rtpPacket } from '../../support/rtp.ts'

export const alice = '192.0.2.1'
export const bob = '198.51.100.2'
export const mallory = '203.0.113.66'

export type Aims = Partial<Record<Side, Partial<Aim>>>

/** Alice at 5000 calls Bob at 4000, both aimed at zero; packets come as from the kernel. */
export function between(aims: Aims = {}) {
  const mediaRelay = new MediaRelay(60_000)
  const [callerRtp, callerRtcp, calleeRtp, calleeRtcp] = mediaRelay.open(sessionId(1), {
    caller: portNumber(1000),
    callee: portNumber(2000),
  })
  if (!callerRtp || !callerRtcp || !calleeRtp || !calleeRtcp) throw new Error('a session has four gates')
  mediaRelay.aim(monotonicMs(0), sessionId(1), 'caller', { ...aimAt(alice, 5000), ...aims.caller })
  mediaRelay.aim(monotonicMs(0), sessionId(1), 'callee', { ...aimAt(bob, 4000), ...aims.callee })
  let now = 0
  let sequence = 0

  function comes(rtpPort: typeof callerRtp, address: string, port: number, packet: Uint8Array): string {
    const from = readSocketAddress(address, portNumber(port)) ?? new SocketAddress()
    const out = rtpPort && mediaRelay.arrive(monotonicMs(now), rtpPort, from, packet, packet.length)
    const to = out?.latch.destination
    return out && to ? `${out.leg.side}${out.control ? ' rtcp' : ''} → ${to.address} ${to.port}` : 'dropped'
  }

  const call = {
    at(time: number) {
      now = time
      return call
    },
    says(side: Side, address: string, port: number, packet = rtpPacket({ sequence: sequence++, ssrc: 1 })) {
      return comes(side === 'caller' ? callerRtp : calleeRtp, address, port, packet)
    },
    control(side: Side, address: string, port: number, packet = rtcpPacket(1)) {
      return comes(side === 'caller' ? callerRtcp : calleeRtcp, address, port, packet)
    },
    /** A new offer or answer. */
    aims(side: Side, aim: Partial<Aim> = {}) {
      mediaRelay.aim(monotonicMs(now), sessionId(1), side, {
        ...(side === 'caller' ? aimAt(alice, 5000) : aimAt(bob, 4000)),
        ...aim,
      })
      return call
    },
    /** Gates at which the kernel must let all through, after we were awake for so long. */
    deaf(awakeMs = 600) {
      const ports: string[] = []
      for (let before = awakeMs; before > 0; before -= 200)
        mediaRelay.eachDeaf(monotonicMs(now - before), () => undefined)
      mediaRelay.eachDeaf(monotonicMs(now), ({ leg: { side }, control }) =>
        ports.push(control ? `${side} rtcp` : side),
      )
      return ports
    },
    sweep: () => mediaRelay.sweep(monotonicMs(now)),
    silences: () =>
      mediaRelay.reports
        .splice(0)
        .flatMap((each) => (each.type === 'silent' ? `${each.side} ${each.ms}` : [])),
    /** When it was counted, of which packets, and where from. */
    counts: () =>
      mediaRelay.reports.splice(0).flatMap((each) => {
        if (each.type !== 'counted') return []
        const { caller, callee } = each
        return `${now}: ${caller.packets} ${caller.latched?.port}, ${callee.packets} ${callee.latched?.port}`
      }),
    closed() {
      mediaRelay.close(sessionId(1))
      return mediaRelay.reports.splice(0).find(({ type }) => type === 'closed')
    },
  }
  return call
}

export function aimAt(address: string, port: number): Aim {
  return {
    rtp: { address, port: portNumber(port) },
    rtcp: { address, port: portNumber(port + 1) },
    sources: [address],
    eager: true,
    mux: false,
    quiet: false,
  }
}
