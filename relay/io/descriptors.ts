import { readdirSync } from 'node:fs'

/** How many descriptors each kind of work may have open at once. Together they are fewer than the process may open. */
interface Descriptors {
  /** Connections to the edge. */
  readonly edge: number
  /** Others to it, for sounds: a customer's server which is slow delays no call's question. */
  readonly sounds: number
  /** Others to it, for what flows ask customers' servers. */
  readonly flows: number
  /** RTP and RTCP sockets: four of a call, two where both sides take RTCP on the port of RTP. */
  readonly media: number
  /** Connections of SIP over TCP and TLS, taken and made. */
  readonly streams: number
  /** Of those, taken from who has proved nothing yet. */
  readonly strangers: number
  /** UDP sockets connected to one destination each. */
  readonly peers: number
}

/* Implementation */
/** What the process opens while it starts: journals, the media thread's, the ports it listens on. */
const toCome = 16

/**
 * Shares out what may still be opened: a stranger's connection never takes the descriptor of a call, a file or the edge.
 *
 * `limit`: what the process may open in all; `open`: what it has open before anything of ours.
 */
export function shared(limit: number, open: number): Descriptors {
  const free = Math.max(0, limit - open - toCome)
  const edge = between(3, Math.floor(free / 8), 64)
  const sounds = between(1, Math.floor(free / 24), 16)
  const flows = between(1, Math.floor(free / 24), 64)
  const files = between(3, Math.floor(free / 10), 32)
  const rest = Math.max(0, free - edge - sounds - flows - files)
  const streams = between(2, Math.floor((rest * 3) / 8), 40_000)
  const peers = Math.min(128, Math.floor(rest / 8))
  return {
    edge,
    sounds,
    flows,
    media: Math.max(4, rest - streams - peers),
    streams,
    strangers: between(1, Math.floor(streams / 2), 4_000),
    peers,
  }
}

/** What this process may open, and has open. */
export function readDescriptors(): { limit: number; open: number } {
  return { limit: softLimit(), open: openNow() }
}

/** RLIMIT_NOFILE as it stands (Node raised it as far as it may). */
function softLimit(): number {
  const report: unknown = Object.assign(process.report, { excludeNetwork: true }).getReport()
  const found = (report as { userLimits?: { open_files?: { soft?: unknown } } }).userLimits?.open_files?.soft
  return typeof found === 'number' ? found : Number.MAX_SAFE_INTEGER
}

function openNow(): number {
  try {
    return readdirSync('/dev/fd').length
  } catch {
    return 32
  }
}

function between(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}
