import type { MonotonicMs } from '#contract'
import type { SocketAddress } from '../ground/socket-address.ts'
import type { Leaving } from './leaving.ts'
import type { MediaLeg, RtpPort } from './media-leg.ts'
import { OWN_TICKS, type OwnStream } from './own-stream.ts'
import { RTCP_HEADER, RTP_HEADER } from './packet-shape.ts'
import { readReports } from './rtcp.ts'
import { ROOM } from './stages.ts'
import { readWord, writeWord } from './words.ts'

/*
 * What a packet meets between two legs: it is opened, what it reports is read, and it leaves as the other leg is to have it.
 * Whose packet it is `media-relay.ts` knows.
 */

/** An SR's packet type, and where its RTP time stands (RFC 3550 §6.4.1). */
const [SENDER_REPORT, REPORTED_TIME] = [200, 16]

/**
 * Its length as it was before it was protected; negative: drop it. What no source of the party sent is not even tried, and
 * of what others may have forged only so much.
 */
export function unprotected(
  now: MonotonicMs,
  rtpPort: RtpPort,
  from: SocketAddress,
  packet: Uint8Array,
  received: number,
  control: boolean,
): number {
  const { latch } = rtpPort
  const { unprotect } = rtpPort.leg
  const isPeer = latch.isPeer(from)
  if (unprotect === undefined || !(isPeer || latch.allows(from))) return -1
  if (!rtpPort.tries(now, isPeer && unprotect.knows(packet, control))) return -1
  const length = unprotect.unprotect(packet, received, control)
  if (length < 0) rtpPort.failed(now)
  return length < (control ? RTCP_HEADER : RTP_HEADER) ? -1 : length
}

/** Where a packet which a leg has heard leaves from; undefined: drop it. */
export function pass(
  rtpPort: RtpPort,
  to: MediaLeg,
  packet: Uint8Array,
  heard: number,
  control: boolean,
  leaving: Leaving | undefined,
): RtpPort | undefined {
  if (to.isPlayedTo && !control) return undefined
  const out = control && !to.mux ? to.rtcp : to.rtp
  // Its hearer's place is not known yet: that is no fault of its sender, and no stray of his.
  if (out.latch.destination === undefined) return undefined
  let length = heard
  if (to.rewrite !== undefined && !control) length = to.rewrite.rewrite(packet, length)
  if (control) retime(rtpPort.leg, to, packet, length)
  else if (to.encode !== undefined && length > 0) return void leaving?.send(to, packet, length)
  if (to.protect !== undefined)
    length = rtpPort.leg.blind ? -1 : protectedLength(to.protect, packet, length, control)
  if (length < 0 || length > heard + ROOM) return drop(rtpPort)
  out.leaving = length
  return out
}

/** A sender's report tells by its RTP time which moment a packet is of: those packets are ours where codecs are turned. */
function retime(from: MediaLeg, to: MediaLeg, packet: Uint8Array, length: number): void {
  const turned = to.encode ?? from.decode
  if (turned === undefined || packet[1] !== SENDER_REPORT || length < REPORTED_TIME + 4) return
  writeWord(packet, REPORTED_TIME, turned.timeOf(readWord(packet, 4), readWord(packet, REPORTED_TIME)))
}

function protectedLength(
  stage: NonNullable<MediaLeg['protect']>,
  packet: Uint8Array,
  length: number,
  control: boolean,
): number {
  return length < 0 ? length : stage.protect(packet, length, control)
}

/** Reads what a leg's RTCP says before it is passed on to its partner. */
export function hearReports(now: MonotonicMs, leg: MediaLeg, packet: Uint8Array, length: number): void {
  const { partner, reporter } = leg
  const heard = partner?.rtp.statistics
  // What it hears has its own clock where codecs are turned.
  const turned = leg.encode ?? partner?.decode
  const { ticks } = (turned ? leg.rtp.statistics : heard) ?? { ticks: OWN_TICKS }
  for (const { ntp, blocks } of readReports(packet, length)) {
    reporter?.heard(now, ntp)
    if (ntp !== undefined) partner?.reception.passed(now, ntp)
    const source = soundTo(leg)
    leg.reception.told(source, source?.packets ?? 0, blocks)
    for (const block of blocks) {
      if (heard !== undefined && block.ssrc === heard.ssrc) leg.reception.heard(now, block, ticks)
      else if (block.ssrc === leg.own?.ssrc) leg.reception.heard(now, block, leg.encode ? ticks : OWN_TICKS)
    }
  }
}

/** Whose packets a leg's party is sent now; undefined: none, or the call is held. */
function soundTo({
  partner,
  own,
  isPlayedTo,
  quiet,
  blind,
  rtp,
}: MediaLeg): Pick<OwnStream, 'packets'> | undefined {
  if (quiet || blind || rtp.latch.destination === undefined) return undefined
  if (partner === undefined || isPlayedTo) return own
  return partner.muted || partner.quiet ? undefined : partner.rtp.statistics
}

/** It goes no further, and is counted. */
export function drop(rtpPort: RtpPort): undefined {
  rtpPort.statistics.dropped++
  return undefined
}
