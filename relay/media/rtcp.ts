/** What a report says of one source it hears (RFC 3550 §6.4.1). */
export interface ReceptionReport {
  readonly ssrc: number
  /** Share of packets lost since its report before, of 256. */
  readonly fraction: number
  /** Packets lost since the source began; never negative, although duplicates may make it so. */
  readonly lost: number
  /** The highest sequence number which came, and how often it began anew. */
  readonly highest: number
  /** In ticks of the source's clock. */
  readonly jitter: number
  /** The middle 32 bits of the time in the source's last report; 0: none was heard. */
  readonly lastReport: number
  /** From hearing that to sending this, in 1/65536 of a second. */
  readonly delay: number
}

/** A sender's or a receiver's report. */
export interface RtcpReport {
  /** The middle 32 bits of its NTP time; undefined: a receiver's. */
  readonly ntp: number | undefined
  readonly blocks: readonly ReceptionReport[]
}

const [SENDER, RECEIVER] = [200, 201]
/** Bytes: what stands before the blocks of each, and a block. */
const headLength: Readonly<Record<number, number>> = { [SENDER]: 28, [RECEIVER]: 8 }
const BLOCK = 24

/**
 * The reports in a compound packet, of which at least 8 bytes are there; it is read as far as it can be.
 *
 *   0: V P RC   1: PT   2–3: length in words less one   4–7: SSRC   SR: 8–15: NTP time … 28: blocks   RR: 8: blocks
 */
export function readReports(packet: Uint8Array, length: number): RtcpReport[] {
  const view = new DataView(packet.buffer, packet.byteOffset, Math.min(length, packet.byteLength))
  const reports: RtcpReport[] = []
  for (let at = 0; at + 4 <= view.byteLength && view.getUint8(at) >> 6 === 2; ) {
    const end = at + (view.getUint16(at + 2) + 1) * 4
    if (end > view.byteLength) break
    const report = reportOf(view, at, end)
    if (report !== undefined) reports.push(report)
    at = end
  }
  return reports
}

function reportOf(view: DataView, at: number, end: number): RtcpReport | undefined {
  const type = view.getUint8(at + 1)
  const head = headLength[type]
  if (head === undefined || at + head > end) return undefined
  const count = Math.min(view.getUint8(at) & 0x1f, Math.floor((end - at - head) / BLOCK))
  return {
    ntp: type === SENDER ? view.getUint32(at + 10) : undefined,
    blocks: Array.from({ length: count }, (_, i) => blockOf(view, at + head + i * BLOCK)),
  }
}

/** 0–3: SSRC   4: fraction lost   5–7: lost   8–11: highest sequence   12–15: jitter   16–19: LSR   20–23: DLSR */
function blockOf(view: DataView, at: number): ReceptionReport {
  return {
    ssrc: view.getInt32(at),
    fraction: view.getUint8(at + 4),
    lost: Math.max(0, (view.getInt32(at + 4) << 8) >> 8),
    highest: view.getUint32(at + 8),
    jitter: view.getUint32(at + 12),
    lastReport: view.getUint32(at + 16),
    delay: view.getUint32(at + 20),
  }
}
