import { writeWord } from './words.ts'

/** What a report says of one source it hears (RFC 3550 §6.4.1). */
export interface SourceReport {
  readonly ssrc: number
  /** Share of its packets lost since the report before, in 1/256. */
  readonly fraction: number
  /** Packets lost since it began, -2^23 to 2^23 - 1: duplicates may make up for more than all. */
  readonly lost: number
  /** Its highest sequence number, with the cycles above. */
  readonly highest: number
  /** In ticks of its clock. */
  readonly jitter: number
  /** The middle 32 bits of the time in its last sender's report, and 1/65536 s since that came; 0: none did. */
  readonly lastReport: number
  readonly delay: number
}

/** What a sender's report says of its own sound (§6.4.1). */
export interface SenderReport {
  /** Milliseconds on the clock which all reports of one sender go by; no wall need show it. */
  readonly at: number
  /** The RTP time which is due at that moment. */
  readonly rtpTime: number
  readonly packets: number
  readonly octets: number
}

/** One compound packet (§6.1): a report, who says it, and whether it is the last. */
export interface RtcpCompound {
  readonly ssrc: number
  /** ASCII, 255 bytes at most. */
  readonly cname: string
  /** undefined: it sends nothing, and the report is a receiver's. */
  readonly sender: SenderReport | undefined
  /** 31 at most. */
  readonly sources: readonly SourceReport[]
  readonly bye: boolean
}

const [SENDER, RECEIVER, DESCRIPTION, BYE] = [200, 201, 202, 203]
const CNAME = 1
const BLOCK = 24

/** Writes a compound packet; its length. */
export function writeCompound(into: Uint8Array, compound: RtcpCompound): number {
  const { ssrc, cname, bye } = compound
  const described = writeReport(into, compound)
  const left = writeDescription(into, described, ssrc, cname)
  if (!bye) return left
  writeHead(into, left, 1, BYE, 8)
  writeWord(into, left + 4, ssrc)
  return left + 8
}

/** Milliseconds as NTP has them (RFC 5905 §6): whole seconds, and 2^-32 of one. */
export function ntpOf(ms: number): readonly [seconds: number, fraction: number] {
  const seconds = Math.floor(ms / 1000)
  return [seconds >>> 0, Math.floor(((ms - seconds * 1000) / 1000) * 2 ** 32) >>> 0]
}

/** The middle 32 bits of an NTP time, by which reports name one another. */
export function middleOf([seconds, fraction]: readonly [number, number]): number {
  return ((seconds << 16) | (fraction >>> 16)) >>> 0
}

/** §6.4.1 and §6.4.2: a sender's has five words more before its blocks. */
function writeReport(into: Uint8Array, { ssrc, sender, sources }: RtcpCompound): number {
  const first = sender === undefined ? 8 : 28
  const length = first + BLOCK * sources.length
  writeHead(into, 0, sources.length, sender === undefined ? RECEIVER : SENDER, length)
  writeWord(into, 4, ssrc)
  if (sender !== undefined) writeSender(into, sender)
  for (const [i, source] of sources.entries()) writeBlock(into, first + BLOCK * i, source)
  return length
}

/** 8–15: NTP time   16–19: RTP time   20–23: packets   24–27: octets */
function writeSender(into: Uint8Array, { at, rtpTime, packets, octets }: SenderReport): void {
  const [seconds, fraction] = ntpOf(at)
  writeWord(into, 8, seconds)
  writeWord(into, 12, fraction)
  writeWord(into, 16, rtpTime)
  writeWord(into, 20, packets)
  writeWord(into, 24, octets)
}

/** 0–3: SSRC   4: fraction   5–7: lost   8–11: highest   12–15: jitter   16–19: LSR   20–23: DLSR */
function writeBlock(into: Uint8Array, at: number, source: SourceReport): void {
  writeWord(into, at, source.ssrc)
  writeWord(into, at + 4, (source.fraction << 24) | (source.lost & 0xffffff))
  writeWord(into, at + 8, source.highest)
  writeWord(into, at + 12, source.jitter)
  writeWord(into, at + 16, source.lastReport)
  writeWord(into, at + 20, source.delay)
}

/** §6.5: one chunk with a CNAME, ended by at least one zero and padded to whole words. */
function writeDescription(into: Uint8Array, at: number, ssrc: number, cname: string): number {
  const length = (4 + 4 + 2 + cname.length + 1 + 3) & ~3
  into.fill(0, at, at + length)
  writeHead(into, at, 1, DESCRIPTION, length)
  writeWord(into, at + 4, ssrc)
  into[at + 8] = CNAME
  into[at + 9] = cname.length
  for (let i = 0; i < cname.length; i++) into[at + 10 + i] = cname.charCodeAt(i)
  return at + length
}

function writeHead(into: Uint8Array, at: number, count: number, type: number, length: number): void {
  into[at] = 0x80 | count
  into[at + 1] = type
  into[at + 2] = (length / 4 - 1) >>> 8
  into[at + 3] = length / 4 - 1
}
